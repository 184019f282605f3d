/* A grant at every crash point: the power fails at each operation of the disk while it is given and used
 * up; and however often the script is lived again, it covers two effects and not a third. */
#include "cutscene.h"
#include "grantscene.h"

static const sim_op ops[] = {SAY("keyed", "\"n\":1,\"text\":\"a\"")};
static sim_program programs[] = {{"boss", ops, COUNT(ops), NULL, 0}};

static bool lives(const sim_world *w) {
    return !w->dead && !w->fault[0];
}

static void live(sim_world *w) {
    char args[800];
    w->hold = false; /* its connector acts by itself */
    sim_run_out(w);
    for (int i = 1; i < 5 && lives(w); i++) {
        char request[24];
        snprintf(request, sizeof request, "do-boss-%d", i);
        sim_command(w, request, "do", "{\"agent\":\"boss\",\"input\":{}}");
        sim_run_out(w);
        if (i == 1 && lives(w)) {
            sim_remember(w, 1, args);
            sim_command(w, "remember-1", "approve", args);
            sim_run_out(w);
        }
    }
    if (lives(w)) {
        sim_command(w, "deny-0002", "deny", "{\"items\":[2],\"why\":\"once more is too much\"}");
        sim_run_out(w);
    }
}

/* What must hold when all has come to rest; each is a number of the database. */
static const cut_number rest[] = {
    {"SELECT count(*) FROM grant WHERE ended_us IS NULL", "it is not given once", 1},
    {"SELECT used FROM grant", "it counts another number of uses", 2},
    {"SELECT count(*) FROM effect WHERE granted = 1", "it covers another number of effects", 2},
    {"SELECT count(*) FROM effect WHERE state = 'done'", "not all that was let was done", 3},
    {"SELECT count(*) FROM effect WHERE state = 'rejected'", "the fourth was not asked", 1},
    {"SELECT count(*) FROM item", "what is covered was asked", 2},
};

static void make_rules(const char *folder) {
    sim_put(folder, "policies/p.yaml", "version: 1\nrules:\n" REMEMBER(""));
}

int main(void) {
    static const cut_scene scene_of_grants = {
        .name = "kernel_grants_crash",
        .make = make_rules,
        .live = live,
        .programs = programs,
        .program_count = 1,
        .rest = rest,
        .rest_count = COUNT(rest),
        .seed = 9,
    };
    return cut_scene_main(&scene_of_grants);
}
