/* How often people are told, what fails, and what a crash makes of it. */
#include "tellscene.h"

/* ---- how often ---- */

static void many_are_told_of_in_one(void **state) {
    sim_op spawns[14];
    (void)state;
    for (size_t i = 0; i < COUNT(spawns); i++) {
        spawns[i] = (sim_op)SPAWN_HELPER;
    }
    sim_world *w = telling(BOTH, SPAWNS ASK, spawns, COUNT(spawns));
    scene_helper(w, once, COUNT(once), NULL);
    scene_do(w, "do-000001");
    wait_for(w, 2 * HOUR + MINUTE);
    assert_int_equal(w->notice_count, 1);
    says(w, "Keel, sim: 14 items wait for you");
    says(w, "10  approval");
    says(w, "\\nand 4 more\\nLook: keel inbox\\n");
    is_silent_on(w, "11  approval");
    notified(w, NULL);
    number_is(
        w, "SELECT count(*) FROM journal WHERE kind = 52 AND CAST(body AS TEXT) LIKE '%told%'", 14);
    scene_end(w);
}

/* A minute lies between two notices by one way, and what came meanwhile is one of them. */
static void a_way_is_used_once_a_minute(void **state) {
    (void)state;
    sim_world *w = telling(BOTH,
                           ALLOW "budgets:\n  - { id: calm, scope: workspace, limit: 0 calls, "
                                 "at_hard: escalate }\n",
                           once, COUNT(once));
    scene_do(w, "do-000001");
    assert_int_equal(w->notice_count, 1);
    scene_do(w, "do-000002");
    assert_int_equal(w->notice_count, 1); /* the first is not yet told */
    notified(w, NULL);
    scene_do(w, "do-000003");
    assert_int_equal(w->notice_count, 1);
    w->horizon = 1;
    wait_for(w, 30000000);
    assert_int_equal(w->notice_count, 1);
    wait_for(w, 31000000);
    assert_int_equal(w->notice_count, 2);
    says(w, "2 items wait for you");
    scene_end(w);
}

static void four_are_at_work_at_most(void **state) {
    (void)state;
    sim_world *w =
        telling(KEEL("  a: { desktop: true }\n  b: { desktop: true }\n  c: { desktop: true }\n"
                     "  d: { desktop: true }\n  e: { desktop: true }\n"),
                "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: 9h, escalate: ["
                " { after: 1m, notify: a }, { after: 2m, notify: b }, { after: 3m, notify: c },"
                " { after: 4m, notify: d }, { after: 5m, notify: e } ] } }\n",
                once, COUNT(once));
    scene_do(w, "do-000001");
    for (int i = 0; i < 10; i++) {
        wait_for(w, MINUTE);
    }
    number_is(w, "SELECT escalated FROM item", 5);
    assert_int_equal(w->notice_count, 4);
    notified(w, NULL); /* of a, whose step is old news by now */
    number_is(
        w, "SELECT count(*) FROM journal WHERE kind = 52 AND CAST(body AS TEXT) LIKE '%told%'", 0);
    assert_int_equal(w->notice_count, 5);
    assert_string_equal(last(w)->to, "e");
    scene_end(w);
}

/* ---- what fails, and dies ---- */

static void what_fails_is_tried_three_times(void **state) {
    (void)state;
    sim_world *w = telling(BOTH, ASK, once, COUNT(once));
    scene_do(w, "do-000001");
    wait_for(w, 2 * HOUR + MINUTE);
    notified(w, "it exited with 1");
    assert_int_equal(w->notice_count, 1);
    wait_for(w, MINUTE);
    assert_int_equal(w->notice_count, 2);
    notified(w, "it exited with 1");
    wait_for(w, 4 * MINUTE);
    assert_int_equal(w->notice_count, 2);
    wait_for(w, MINUTE);
    assert_int_equal(w->notice_count, 3);
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 52", 1);
    notified(w, "it exited with 1");
    records(w, 1,
            "{\"number\":1,\"step\":1,\"to\":\"phone\",\"told\":false,\"why\":\"it exited with "
            "1\"}");
    wait_for(w, 30 * MINUTE);
    assert_int_equal(w->notice_count, 3);
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 1);
    scene_tell(w, "status-01", "status", "{}");
    assert_non_null(strstr(sim_answered(w, "status-01")->result,
                           "{\"name\":\"phone\",\"trouble\":\"it exited with 1\""));
    wait_for(w, 2 * HOUR); /* the next step is another matter */
    assert_int_equal(w->notice_count, 4);
    scene_end(w);
}

/* A kernel that dies before it has heard that it was told tells it again; afterwards it does not. */
static void around_a_crash_it_is_told_twice_at_most(void **state) {
    (void)state;
    sim_world *w = telling(BOTH, ASK, once, COUNT(once));
    scene_do(w, "do-000001");
    wait_for(w, 2 * HOUR + MINUTE);
    assert_int_equal(w->notice_count, 1);
    scene_do(w, "do-000002"); /* it is not the last that was written */
    scene_restart(w);
    assert_int_equal(w->notice_count, 2);
    assert_string_equal(last(w)->to, "phone");
    says(w, "\"number\":1");
    sim_end(w); /* and again, and long after */
    w->clock += HOUR;
    assert_true(sim_start(w));
    sim_run_out(w);
    assert_int_equal(w->notice_count, 3);
    sim_end(w);
    w->clock += 20 * MINUTE;
    assert_true(sim_start(w));
    sim_run_out(w);
    assert_int_equal(w->notice_count, 4);
    notified(w, NULL);
    scene_restart(w);
    wait_for(w, MINUTE);
    assert_int_equal(w->notice_count, 4);
    number_is(w, "SELECT escalated FROM item WHERE number = 1", 1);
    scene_end(w);
}

static void what_was_given_up_is_not_told_after_a_restart(void **state) {
    (void)state;
    sim_world *w = telling(BOTH, ASK, once, COUNT(once));
    scene_do(w, "do-000001");
    wait_for(w, 2 * HOUR + MINUTE);
    for (int i = 0; i < 3; i++) {
        notified(w, "no");
        wait_for(w, 6 * MINUTE);
    }
    assert_int_equal(w->notice_count, 3);
    scene_restart(w);
    wait_for(w, MINUTE);
    assert_int_equal(w->notice_count, 3);
    scene_end(w);
}

/* ---- people ask ---- */

static void a_test_is_answered_when_it_is_over(void **state) {
    (void)state;
    sim_world *w = telling(BOTH, ASK, once, COUNT(once));
    scene_tell(w, "test-0001", "notify.test", "{\"name\":\"phone\"}");
    assert_null(sim_answered(w, "test-0001"));
    assert_int_equal(w->notice_count, 1);
    says(w, "\"items\":[]");
    says(w, "\"test\":true");
    notified(w, NULL);
    assert_string_equal(sim_answered(w, "test-0001")->result, "{\"name\":\"phone\",\"told\":true}");
    scene_tell(w, "test-0002", "notify.test", "{\"name\":\"phone\"}");
    notified(w, "it exited with 3: no net");
    assert_string_equal(sim_answered(w, "test-0002")->result,
                        "{\"name\":\"phone\",\"told\":false,\"why\":\"it exited with 3: no net\"}");
    scene_tell(w, "test-0003", "notify.test", "{\"name\":\"fone\"}");
    assert_null(sim_answered(w, "test-0003"));
    assert_int_equal(w->notice_count, 2);
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 52", 0);
    scene_end(w);
}

static void who_is_named_no_more_is_not_told(void **state) {
    (void)state;
    sim_world *w = telling(BOTH, ALLOW, once, COUNT(once));
    scene_do(w, "do-000001");
    scene_answer(w, UNKNOWN);
    w->horizon = 1;
    wait_for(w, HOUR + MINUTE);
    sim_put(w->root, "keel.yaml", KEEL("  phone: { command: [/bin/push] }\n"));
    scene_tell(w, "reload-01", "reload", "{}");
    w->horizon = 20000000;
    wait_for(w, MINUTE);
    assert_int_equal(w->notice_count, 0);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_are_told_of_in_one),
        cmocka_unit_test(a_way_is_used_once_a_minute),
        cmocka_unit_test(four_are_at_work_at_most),
        cmocka_unit_test(what_fails_is_tried_three_times),
        cmocka_unit_test(around_a_crash_it_is_told_twice_at_most),
        cmocka_unit_test(what_was_given_up_is_not_told_after_a_restart),
        cmocka_unit_test(a_test_is_answered_when_it_is_over),
        cmocka_unit_test(who_is_named_no_more_is_not_told),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_notify_crash", tests, NULL, NULL);
}
