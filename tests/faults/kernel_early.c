/* While an executor loads, what its runs recorded is read: when it is ready, little is left to read. Here
 * executors load until the test says that they are ready, whatever comes meanwhile. */
#include "protocol.h"
#include "scene.h"

#include "private.h"

#define ALLOW "  - { id: lets, on: \"out.*.write\", allow: {} }\n"
enum { STEPS = 300 };

static sim_op ops[STEPS + 2];

static void fill(void) {
    static const sim_op step = {"step", "done", NULL}, write = WRITE("once");
    static const sim_op waits = {"receive", "", "{\"name\":\"go\"}"};
    for (int i = 0; i < STEPS; i++) {
        ops[i] = step;
    }
    ops[STEPS] = waits;
    ops[STEPS + 1] = write;
}

/* ---- executors that load ---- */

static uint32_t loading; /* the last that was started */

static bool comes_up(sim_world *w, uint32_t number) {
    (void)w;
    loading = number;
    return false;
}

static int64_t nothing_next(sim_world *w) {
    (void)w;
    return INT64_MAX;
}

static void committed(sim_world *w, const turn *t) {
    (void)w;
    (void)t;
}

static void answered(sim_world *w, uint64_t ref, const char *body, size_t len) {
    (void)w;
    (void)ref;
    (void)body;
    (void)len;
}

static void logged(sim_world *w, const char *level, uint64_t run, const char *text) {
    (void)w;
    (void)run;
    if (!strcmp(level, "error")) {
        fail_msg("%s", text);
    }
}

static const sim_hooks slowly = {
    .comes_up = comes_up,
    .next = nothing_next,
    .committed = committed,
    .answered = answered,
    .logged = logged,
};

static int count_step(void *ctx) {
    ++*(int *)ctx;
    return 0;
}

/* It is ready: how many steps SQLite takes to read what is still to be read then. */
static int ready(sim_world *w) {
    int count = 0;
    sqlite3 *db = store_reader(w->store)->db;
    frame f = {.type = X_READY, .body = "{}", .len = 2};
    w->hooks = NULL;
    sqlite3_progress_handler(db, 1, count_step, &count);
    kernel_executor_frame(w->kernel, loading, &f);
    sqlite3_progress_handler(db, 0, NULL, NULL);
    w->horizon = 20000000;
    return count;
}

/* A run that waits, after a restart; then it is sent what it waits for, and its executor loads. */
static sim_world *sent(void) {
    sim_world *w = scene(ALLOW, ops, COUNT(ops));
    scene_do(w, "do-000001");
    scene_restart(w);
    w->hooks = &slowly;
    w->horizon = 1;
    loading = 0;
    sim_command(w, "send-0001", "run.send", "{\"body\":1,\"name\":\"go\",\"run\":1}");
    assert_int_not_equal(loading, 0);
    return w;
}

static void goes_on(sim_world *w) {
    sim_run_out(w);
    assert_string_equal(w->fault, "");
    assert_int_equal(w->held_count, 1);
    scene_answer(w, APPLIED);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    scene_end(w);
}

/* ---- what is read, and when ---- */

static void little_is_left_when_it_is_ready(void **state) {
    (void)state;
    sim_world *w = sent();
    sim_run_out(w); /* the answer is durable, too */
    int left = ready(w);
    goes_on(w);
    w = sent();
    kernel_turn(w->kernel);
    while (w->first || w->committing) { /* no timer: nobody has come to read it */
        assert_true(sim_step(w));
        kernel_turn(w->kernel);
    }
    int all = ready(w);
    assert_true(all > STEPS * 5);
    if (left > all / 20) {
        fail_msg("%d steps of %d were left to read", left, all);
    }
    goes_on(w);
}

/* What comes behind that is read when it is ready. */
static void what_came_since_is_told_too(void **state) {
    (void)state;
    sim_world *w = sent();
    kernel_tick(w->kernel); /* read, and the answer to it not yet written */
    number_is(w, "SELECT count(*) FROM event", 0);
    sim_run_out(w);
    assert_true(ready(w) < STEPS);
    goes_on(w);
}

static void it_is_cancelled_meanwhile(void **state) {
    (void)state;
    sim_world *w = sent();
    sim_run_out(w);
    sim_command(w, "cancel-01", "run.cancel", "{\"run\":1}");
    sim_run_out(w);
    ready(w);
    sim_run_out(w);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'cancelled'", 1);
    scene_end(w);
}

static void its_executor_dies_meanwhile(void **state) {
    (void)state;
    sim_world *w = sent();
    sim_run_out(w);
    uint32_t first = loading;
    sim_kill(w, first, "was killed by signal 9 (Killed)");
    w->horizon = 5000000; /* its back-off, and less than it may take to load */
    sim_run_out(w);
    assert_int_not_equal(loading, first);
    assert_true(ready(w) < STEPS);
    goes_on(w);
}

static void another_comes_meanwhile(void **state) {
    (void)state;
    sim_world *w = sent();
    sim_run_out(w);
    sim_command(w, "do-000002", "do", "{\"agent\":\"boss\",\"input\":{}}");
    sim_run_out(w);
    assert_true(ready(w) < STEPS);
    sim_run_out(w);
    number_is(w, "SELECT count(*) FROM pending WHERE run = 2", 1);
    goes_on(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(little_is_left_when_it_is_ready),
        cmocka_unit_test(what_came_since_is_told_too),
        cmocka_unit_test(it_is_cancelled_meanwhile),
        cmocka_unit_test(its_executor_dies_meanwhile),
        cmocka_unit_test(another_comes_meanwhile),
    };
    digest_init();
    fill();
    return cmocka_run_group_tests_name("kernel_early", tests, NULL, NULL);
}
