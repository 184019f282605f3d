/* Polling at every crash point: power fails at each operation of the disk while something new is found,
 * received by two runs, and gone on with; the outside tells the same list again after it. */
#include "cutscene.h"
#include "pollscene.h"

static const sim_op ops[] = {RECEIVE, {"step", "first", NULL}, RECEIVE};
static sim_program programs[] = {{"boss", ops, COUNT(ops), NULL, 0}};

/* What is there follows from what is durable: news come once all wait for them. */
static const char *list(sim_world *w) {
    int64_t runs = sim_number(w, "SELECT count(*) FROM run");
    int64_t known = sim_number(w, "SELECT count(*) FROM poll");
    int64_t first = sim_number(w, "SELECT count(*) FROM journal WHERE kind = 21");
    return runs < 2 || !known ? "{\"result\":{\"items\":[" ITEM("a") "]}}"
           : first < 2        ? "{\"result\":{\"items\":[" ITEM("a") "," ITEM("b") "]}}"
                       : "{\"result\":{\"items\":[" ITEM("b") "," ITEM("c") "," ITEM("d") "]}}";
}

static void answer_all(sim_world *w) {
    for (int i = 0; i < 20000 && !w->dead && !w->fault[0]; i++) {
        if (w->held_count) {
            sim_answer_held(w, list(w));
        }
        kernel_turn(w->kernel);
        if (!sim_step(w) && !w->held_count) {
            return;
        }
    }
}

static void live(sim_world *w) {
    answer_all(w);
    for (int i = 1; i < 3 && !w->dead && !w->fault[0]; i++) {
        char request[24];
        snprintf(request, sizeof request, "do-boss-%d", i);
        sim_command(w, request, "do", "{\"agent\":\"boss\",\"input\":{}}");
        answer_all(w);
    }
    for (int i = 0; i < 4 && !w->dead && !w->fault[0]; i++) {
        w->clock += 61000000;
        kernel_tick(w->kernel);
        answer_all(w);
    }
}

#define GOT(id)                                                                                    \
    "SELECT count(*) FROM journal WHERE kind = 29 AND CAST(body AS TEXT) LIKE '%\"id\":\"" id "\"" \
    "%'"

/* What must hold when all has come to rest; each is a number of the database. */
static const cut_number rest[] = {
    {"SELECT count(*) FROM run WHERE state = 'ended'", "a run waits still", 2},
    {GOT("a"), "what was there before was received", 0},
    {GOT("b"), "the first was not received once by each", 2},
    {GOT("c"), "the second was not received once by each", 2},
    {GOT("d"), "what nobody asked for was received", 0},
    {"SELECT count(*) FROM journal WHERE kind = 58", "not three polls found something", 3},
    {"SELECT count(*) FROM polled_id", "not each id is known", 4},
};

int main(void) {
    static const cut_scene s = {"kernel_poll_crash", inbox_folder, live,        programs,
                                COUNT(programs),     rest,         COUNT(rest), 7};
    return cut_scene_main(&s);
}
