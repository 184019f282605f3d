/* Polling at every crash point: power fails at each operation of the disk while something new is found,
 * received by two runs, and gone on with; the outside tells the same list again after it. */
#include "pollscene.h"
#include "simcheck.h"

static const sim_op ops[] = {RECEIVE, {"step", "first", NULL}, RECEIVE};
static sim_program programs[] = {{"boss", ops, COUNT(ops), NULL, 0}};
static char folder[128];

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
static const struct {
    const char *sql, *problem;
    int64_t number;
} rest[] = {
    {"SELECT count(*) FROM run WHERE state = 'ended'", "a run waits still", 2},
    {GOT("a"), "what was there before was received", 0},
    {GOT("b"), "the first was not received once by each", 2},
    {GOT("c"), "the second was not received once by each", 2},
    {GOT("d"), "what nobody asked for was received", 0},
    {"SELECT count(*) FROM journal WHERE kind = 58", "not three polls found something", 3},
    {"SELECT count(*) FROM polled_id", "not each id is known", 4},
};

static void check(sim_world *w, char problem[256]) {
    sim_counts c;
    sim_check(w, &c);
    memcpy(problem, c.problem, 256);
    for (size_t i = 0; i < COUNT(rest) && !problem[0]; i++) {
        int64_t n = sim_number(w, rest[i].sql);
        if (n != rest[i].number) {
            snprintf(problem, 256, "%s: %lld", rest[i].problem, (long long)n);
        }
    }
}

static bool crash_at(long n, crash_mode mode, char problem[256]) {
    char anchor[160];
    sim_world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    snprintf(w->root, sizeof w->root, "%s", folder);
    snprintf(anchor, sizeof anchor, "%s/state/anchor", folder);
    remove(anchor);
    w->programs = programs;
    w->program_count = COUNT(programs);
    w->hold = true;
    w->horizon = 20000000;
    w->seed = 7;
    w->clock = 1700000000000000;
    w->disk = crash_disk_create("sim", (uint64_t)n + 9);
    crash_disk_arm(w->disk, n, mode);
    if (sim_start(w)) {
        live(w);
    }
    bool struck = crash_disk_struck(w->disk);
    if (struck) {
        sim_end(w);
        crash_disk_restart(w->disk);
        if (sim_start(w)) {
            live(w);
        }
    }
    problem[0] = 0;
    crash_disk_arm(w->disk, 0, mode);
    if (w->fault[0]) {
        memcpy(problem, w->fault, 256);
    } else {
        check(w, problem);
        sim_end(w);
        if (!problem[0]) {
            sim_check_audit(w, problem);
        }
    }
    sim_end(w);
    crash_disk_destroy(w->disk);
    free(w);
    return struck;
}

static void every_point(crash_mode mode) {
    char problem[256];
    long n = 1;
    for (bool struck = true; struck; n++) {
        struck = crash_at(n, mode, problem);
        if (problem[0]) {
            fail_msg("mode %d, operation %ld: %s", (int)mode, n, problem);
        }
    }
    assert_true(n > 50);
    print_message("# %ld crash points visited\n", n - 2);
}

static void nothing_unsynced_survives(void **state) {
    (void)state;
    every_point(CRASH_LOSE);
}

static void torn_writes_survive(void **state) {
    (void)state;
    every_point(CRASH_TORN);
}

static int make_folder(void **state) {
    (void)state;
    digest_init();
    sim_folder(folder);
    inbox_folder(folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    sim_folder_remove(folder);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_unsynced_survives),
        cmocka_unit_test(torn_writes_survive),
    };
    return cmocka_run_group_tests_name("kernel_poll_crash", tests, make_folder, remove_folder);
}
