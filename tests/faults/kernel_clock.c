/* The wall clock is set while work waits: what expires goes by the time that has gone by, whatever the
 * clock says, until a person says that it is right. */
#include "scene.h"

#include "clock_note.h"
#include "fsio.h"

#define ASK     "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: 2h } }\n"
#define DAY_US  INT64_C(86400000000)
#define HOUR_US INT64_C(3600000000)

static const sim_op once[] = {WRITE("once")};

#define states(w, state_, n)                                                                       \
    number_is(w, "SELECT count(*) FROM effect WHERE state = '" state_ "'", n)
/* No record is older than the one before it. */
#define in_order(w)                                                                                \
    number_is(w,                                                                                   \
              "SELECT count(*) FROM journal a JOIN journal b ON b.seq = a.seq + 1"                 \
              " WHERE b.at < a.at",                                                                \
              0)

static bool ahead(sim_world *w) {
    int64_t boot_us;
    return kernel_time(w->kernel, &boot_us) < w->clock + w->wall_ahead - HOUR_US;
}

static void believe(sim_world *w, const char *request, bool taken) {
    sim_command(w, request, "resume", "{\"clock\":true}");
    sim_run_out(w);
    assert_false(w->dead);
    assert_int_equal(sim_answered(w, request) != NULL, taken);
}

/* One effect waits for a person, for two hours. */
static sim_world *waiting(void) {
    sim_world *w = scene(ASK, once, COUNT(once));
    scene_do(w, "do-000001");
    states(w, "waiting", 1);
    return w;
}

static void a_jump_expires_nothing(void **state) {
    static const int64_t jumps[] = {2 * HOUR_US, 30 * DAY_US, 3653 * DAY_US};
    (void)state;
    for (size_t i = 0; i < COUNT(jumps); i++) {
        sim_world *w = waiting();
        w->wall_ahead = jumps[i];
        scene_do(w, "do-000002");
        scene_pass(w, 3500);
        states(w, "waiting", 2);
        assert_true(ahead(w));
        scene_pass(w, 4000); /* the two hours have really gone by */
        states(w, "expired", 2);
        in_order(w);
        scene_end(w);
    }
}

static void a_person_believes_the_clock(void **state) {
    (void)state;
    sim_world *w = waiting();
    believe(w, "clock-001", false);
    w->wall_ahead = 30 * DAY_US;
    scene_do(w, "do-000002");
    states(w, "waiting", 2);
    believe(w, "clock-002", true);
    states(w, "expired", 2);
    assert_false(ahead(w));
    believe(w, "clock-003", false);
    w->wall_ahead = 0; /* and it was wrong after all: nothing revives */
    scene_do(w, "do-000003");
    states(w, "expired", 2);
    in_order(w);
    scene_end(w);
}

static void a_clock_that_comes_back_was_never_there(void **state) {
    (void)state;
    sim_world *w = waiting();
    w->wall_ahead = 30 * DAY_US;
    scene_do(w, "do-000002");
    w->wall_ahead = 0;
    scene_pass(w, 3000);
    states(w, "waiting", 2);
    believe(w, "clock-001", false);
    scene_restart(w);
    states(w, "waiting", 2);
    in_order(w);
    scene_end(w);
}

/* A day back: time goes on, and does not stand until the clock has caught up. */
static void a_step_back_does_not_stop_time(void **state) {
    (void)state;
    sim_world *w = waiting();
    w->wall_ahead = -DAY_US;
    scene_pass(w, 3600);
    scene_do(w, "do-000002");
    number_is(w, "SELECT max(at) - min(at) >= 3600000000 FROM journal", 1);
    scene_pass(w, 3700);
    states(w, "expired", 1);
    states(w, "waiting", 1);
    scene_restart(w);
    states(w, "expired", 1);
    in_order(w);
    scene_end(w);
}

/* Over a restart of the kernel on a machine that went on, the time between is known; over one of the
 * machine nobody can tell a jump from a pause. */
static void a_jump_over_a_restart(void **state) {
    (void)state;
    sim_world *w = waiting();
    w->wall_ahead = 30 * DAY_US;
    w->expected_us = w->clock + 60000000;
    scene_restart(w);
    states(w, "waiting", 1);
    assert_true(ahead(w));
    w->expected_us = 0;
    scene_restart(w);
    states(w, "expired", 1);
    in_order(w);
    scene_end(w);
}

/* ---- what a kernel leaves behind ---- */

static void the_note(void **state) {
    (void)state;
    char folder[] = "/tmp/keel-clock-XXXXXX", path[64];
    keel_buf text = KEEL_BUF_INIT;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/clock", folder);
    assert_int_equal(clock_note_read(folder, 5000000), 0);
    clock_note_write(folder, 1700000000000000, 5000000);
    assert_int_equal(clock_note_read(folder, 65000000), 1700000060000000);
    assert_int_equal(clock_note_read(folder, 4000000), 0); /* of a later start */
    assert_int_equal(fsio_read(path, 200, &text, NULL), 0);
    text.data[0] = text.data[0] == 'a' ? 'b' : 'a'; /* another start of the machine */
    assert_int_equal(fsio_write_atomic(path, text.data, text.len, 0600, NULL), 0);
    assert_int_equal(clock_note_read(folder, 65000000), 0);
    assert_int_equal(fsio_write_atomic(path, "x", 1, 0600, NULL), 0);
    assert_int_equal(clock_note_read(folder, 65000000), 0);
    assert_int_equal(fsio_remove_tree(-100, folder, NULL), 0); /* AT_FDCWD */
    keel_buf_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_jump_expires_nothing),
        cmocka_unit_test(a_person_believes_the_clock),
        cmocka_unit_test(a_clock_that_comes_back_was_never_there),
        cmocka_unit_test(a_step_back_does_not_stop_time),
        cmocka_unit_test(a_jump_over_a_restart),
        cmocka_unit_test(the_note),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
