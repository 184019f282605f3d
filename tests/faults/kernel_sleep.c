/* Runs that wait for months: no executor, nothing lost over restarts, woken once. Runs that go on as
 * another one, or end with all that they began. */
#include "sleepscene.h"

#define ASK "  - { id: asks, on: \"out.*.write\", ask: {} }\n"
#define DAY (1440 * MINUTE)
#define MONTH_SLEEP                                                                                \
    { "sleep", "", "{\"us\":2592000000000}" }

static const sim_op month[] = {{"step", "before", NULL}, MONTH_SLEEP, {"step", "after", NULL}};
static const sim_op asked[] = {WRITE("once")};
static const sim_op spawn_and_wait[] = {SPAWN_HELPER, {"wait", "", "{\"run\":2}"}};
static const sim_op receive[] = {RECEIVE_GO};

/* ---- sleep ---- */

static void its_executor_ends_and_starts_again_when_it_is_due(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, month, COUNT(month));
    scene_do(w, "do-000001");
    assert_int_equal(executors(w), 1);
    let_pass(w, 15 * MINUTE);
    assert_int_equal(executors(w), 0);
    number_is(w, "SELECT count(*) FROM pending", 1);
    let_pass(w, 31 * DAY);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 21", 2); /* each step once */
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 20", 0); /* and no strike */
    scene_end(w);
}

static void a_restart_starts_nothing_for_it(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, month, COUNT(month));
    scene_do(w, "do-000001");
    for (int i = 0; i < 3; i++) {
        scene_restart(w);
        assert_int_equal(executors(w), 0);
    }
    let_pass(w, 31 * DAY);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 29", 1);
    scene_end(w);
}

static void an_event_wakes_it(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, letter, COUNT(letter));
    scene_do(w, "do-000001");
    let_pass(w, 15 * MINUTE);
    scene_tell(w, "send-0001", "run.send", "{\"body\":null,\"name\":\"other\",\"run\":1}");
    assert_int_equal(executors(w), 0); /* nobody waits for that one: it is kept */
    scene_restart(w);
    go(w, "send-0002", 1);
    assert_int_equal(w->held_count, 1);
    number_is(w, "SELECT count(*) FROM event", 1);
    sim_answer_held(w, APPLIED);
    sim_run_out(w);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    scene_end(w);
}

static void an_approval_wakes_it(void **state) {
    (void)state;
    sim_world *w = scene(ASK, asked, COUNT(asked));
    scene_do(w, "do-000001");
    scene_restart(w);
    assert_int_equal(executors(w), 0);
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    assert_int_equal(executors(w), 0); /* its connector works, the run goes on waiting */
    sim_answer_held(w, APPLIED);
    sim_run_out(w);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    scene_end(w);
}

static void many_sleep_and_each_wakes_once(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, letter, 2);
    char request[24];
    for (int i = 0; i < 20; i++) {
        snprintf(request, sizeof request, "do-%06d", i);
        scene_do(w, request);
    }
    let_pass(w, 3 * MINUTE);
    for (int i = 0; i < 20; i += 2) {
        snprintf(request, sizeof request, "send-%04d", i);
        go(w, request, i + 1);
    }
    open_is(w, 10);
    scene_restart(w);
    assert_int_equal(executors(w), 0);
    for (int i = 1; i < 20; i += 2) {
        snprintf(request, sizeof request, "send-%04d", i);
        go(w, request, i + 1);
    }
    open_is(w, 0);
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 29", 20);
    scene_end(w);
}

static void what_is_halted_wakes_after_it(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, letter, 2);
    scene_do(w, "do-000001");
    scene_restart(w);
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    go(w, "send-0001", 1);
    assert_int_equal(executors(w), 0);
    scene_tell(w, "resume-01", "resume", "{}");
    open_is(w, 0);
    scene_end(w);
}

/* ---- what goes on as another run ---- */

static const char continued[] = "{\"result\":{},\"state\":\"continued\"}";

/* Boss waits for run 2, helper; that is now run 3. */
static sim_world *chained(void) {
    sim_world *w = scene(ALLOW, spawn_and_wait, COUNT(spawn_and_wait));
    scene_helper(w, receive, COUNT(receive), continued);
    scene_do(w, "do-000001");
    go(w, "send-0001", 2);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'continued'", 1);
    return w;
}

static void a_wait_follows_the_segments(void **state) {
    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        sim_world *w = chained();
        number_is(w, "SELECT count(*) FROM pending WHERE kind = 'wait'", 1);
        if (restart) {
            scene_restart(w);
        }
        go(w, "send-0002", 2); /* the number that is known is good for all segments */
        number_is(w, "SELECT count(*) FROM run WHERE state = 'continued'", 2);
        scene_helper(w, receive, COUNT(receive), NULL);
        go(w, "send-0003", 2);
        open_is(w, 0);
        number_is(w, "SELECT count(*) FROM run WHERE id = 1 AND state = 'ended'", 1);
        number_is(w,
                  "SELECT count(*) FROM journal WHERE run = 1 AND kind = 29"
                  " AND CAST(body AS TEXT) LIKE '%\"done\":true%\"state\":\"ended\"%'",
                  1);
        scene_end(w);
    }
}

static const sim_op wait_late[] = {SPAWN_HELPER, RECEIVE_GO, {"wait", "", "{\"run\":2}"}};

static void a_late_wait_finds_the_last_segment(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, wait_late, COUNT(wait_late));
    scene_helper(w, receive, COUNT(receive), continued);
    scene_do(w, "do-000001");
    go(w, "send-0001", 2);
    scene_helper(w, receive, COUNT(receive), NULL);
    go(w, "send-0002", 3);
    go(w, "send-0003", 1);
    open_is(w, 0);
    number_is(w,
              "SELECT count(*) FROM journal WHERE run = 1 AND kind = 29"
              " AND CAST(body AS TEXT) LIKE '%\"done\":true%\"state\":\"ended\"%'",
              1);
    scene_end(w);
}

static void who_follows_sees_the_last_segment(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, receive, COUNT(receive));
    ((sim_program *)(uintptr_t)w->programs)[0].end = continued;
    scene_tell(w, "do-000001", "do", "{\"agent\":\"boss\",\"follow\":\"end\",\"input\":{}}");
    go(w, "send-0001", 1);
    assert_int_equal(w->done, 0);
    ((sim_program *)(uintptr_t)w->programs)[0].end = NULL;
    go(w, "send-0002", 1);
    assert_int_equal(w->done, 1);
    scene_end(w);
}

/* ---- the end of all that it began ---- */

static void a_cancel_takes_its_children_along(void **state) {
    (void)state;
    sim_world *w = chained();
    scene_restart(w);
    scene_tell(w, "cancel-01", "run.cancel", "{\"run\":1,\"why\":\"enough\"}");
    open_is(w, 0);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'cancelled'", 2);
    assert_int_equal(executors(w), 0);
    scene_end(w);
}

static void a_cancel_of_it_alone_leaves_them(void **state) {
    (void)state;
    sim_world *w = chained();
    scene_tell(w, "cancel-01", "run.cancel", "{\"only\":true,\"run\":1,\"why\":\"enough\"}");
    open_is(w, 1);
    go(w, "send-0002", 3);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'continued'", 2);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_executor_ends_and_starts_again_when_it_is_due),
        cmocka_unit_test(a_restart_starts_nothing_for_it),
        cmocka_unit_test(an_event_wakes_it),
        cmocka_unit_test(an_approval_wakes_it),
        cmocka_unit_test(many_sleep_and_each_wakes_once),
        cmocka_unit_test(what_is_halted_wakes_after_it),
        cmocka_unit_test(a_wait_follows_the_segments),
        cmocka_unit_test(a_late_wait_finds_the_last_segment),
        cmocka_unit_test(who_follows_sees_the_last_segment),
        cmocka_unit_test(a_cancel_takes_its_children_along),
        cmocka_unit_test(a_cancel_of_it_alone_leaves_them),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_sleep", tests, NULL, NULL);
}
