/* The life of a dead letter at every crash point: a run fails since the outside will not have what it
 * sends, is stuck, is told of again, goes on by a person's word, and ends. Power fails at each
 * operation of the disk; the same commands are given again under the same request ids. */
#include "cutscene.h"

#define HOUR 3600000000LL

static const sim_op ops[] = {
    {"step", "look", NULL}, WRITE("keyed"), WRITE("once"), {"step", "b", NULL}};
static sim_program programs[] = {{"boss", ops, COUNT(ops), NULL, 0}};
static const char failed[] =
    "{\"error\":{\"code\":\"error\",\"message\":\"it is down\"},\"state\":\"failed\"}";

/* What the outside is like, and the script's end, follow from what is durable. */
static void answer_all(sim_world *w) {
    for (int i = 0; i < 20000 && !w->dead && !w->fault[0]; i++) {
        bool mended = sim_number(w, "SELECT count(*) FROM journal WHERE kind = 53") > 0;
        programs[0].end = mended ? NULL : failed;
        if (w->held_count) {
            const sim_verb *v = &w->held[0];
            bool refuse = !mended && !strcmp(v->resource, "once") && !strcmp(v->verb, "write");
            if (!strcmp(v->verb, "reconcile")) {
                sim_answer_held(w, outside_applied(&w->outside, v->key)
                                       ? "{\"result\":{\"ref\":{},\"state\":\"applied\"}}"
                                       : ABSENT);
            } else if (refuse) {
                sim_answer_held(w, REFUSED);
            } else {
                outside_apply(&w->outside, v->resource, v->key, !strcmp(v->resource, "keyed"));
                sim_answer_held(w, APPLIED);
            }
        }
        kernel_turn(w->kernel);
        if (!sim_step(w) && !w->held_count) {
            return;
        }
    }
}

/* The operator: settles what nobody knows, waits for an hour, lets what is stuck go on. */
static void live(sim_world *w) {
    sim_command(w, "do-boss-1", "do", "{\"agent\":\"boss\",\"input\":{}}");
    answer_all(w);
    for (int i = 0; i < 6 && !w->dead && !w->fault[0]; i++) {
        char request[24], args[32];
        sim_operator(w);
        answer_all(w);
        int64_t n =
            w->dead
                ? -1
                : sim_number(w, "SELECT number FROM item WHERE kind = 'stuck' AND state = 'open'");
        if (n < 0) {
            continue;
        }
        w->clock += HOUR + HOUR / 30;
        kernel_tick(w->kernel);
        answer_all(w);
        if (!w->dead) {
            snprintf(request, sizeof request, "retry-%04d", (int)n);
            snprintf(args, sizeof args, "{\"number\":%d}", (int)n);
            sim_command(w, request, "stuck.retry", args);
            answer_all(w);
        }
    }
}

/* What must hold when all has come to rest; each is a number of the database. */
static const cut_number rest[] = {
    {"SELECT count(*) FROM run WHERE state = 'ended'", "the run has not ended", 1},
    {"SELECT count(*) FROM item WHERE state = 'open'", "an item is open", 0},
    {"SELECT count(*) FROM item WHERE kind = 'stuck' AND state = 'retry'", "it was not stuck once",
     1},
    {"SELECT count(*) FROM journal WHERE kind = 53", "the run was not reopened once", 1},
    {"SELECT count(*) FROM journal WHERE kind = 48", "the step was not reopened once", 1},
    {"SELECT count(*) FROM effect WHERE path = '2' AND state = 'done'", "the first is not done", 1},
    {"SELECT count(*) FROM (SELECT body FROM journal WHERE kind = 52 GROUP BY body HAVING count(*)"
     " > 1)",
     "a reminder came twice", 0},
    {"SELECT count(*) FROM item WHERE kind = 'stuck' AND escalated = 1", "nobody was reminded", 1},
};

static void make_folder(const char *folder) {
    sim_put(folder, "policies/p.yaml",
            "version: 1\nrules:\n  - { id: lets, on: \"out.*.write\", allow: {} }\n");
}

int main(void) {
    static const cut_scene s = {"kernel_reopen", make_folder, live,        programs,
                                COUNT(programs), rest,        COUNT(rest), 21};
    return cut_scene_main(&s);
}
