/* A failed run goes on from the step that failed, without doing anything twice. */
#include "stuckscene.h"

#define DENY "  - { id: never, on: \"out.once.write\", deny: {} }\n"

static void retry_asks_the_failed_step_again_with_its_key(void **state) {
    char key[40];
    (void)state;
    sim_world *w = scene(ALLOW, once, COUNT(once));
    ends(w, FAILED);
    scene_do(w, "do-000001");
    snprintf(key, sizeof key, "%s", w->held[0].key);
    scene_answer(w, REFUSED);
    scene_restart(w);
    ends(w, NULL);
    scene_tell(w, "retry-001", "stuck.retry", RETRY_1);
    assert_non_null(strstr(sim_answered(w, "retry-001")->result, "\"path\":\"1\",\"run\":1"));
    assert_int_equal(w->held_count, 1);
    assert_string_equal(w->held[0].key, key);
    number_is(w, "SELECT count(*) FROM item WHERE number = 1 AND state = 'retry'", 1);
    scene_answer(w, APPLIED);
    state_is(w, "done");
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    scene_restart(w);
    scene_tell(w, "retry-001", "stuck.retry", RETRY_1);
    assert_int_equal(w->held_count, 0);
    stuck_is(w, 0);
    scene_end(w);
}

/* It failed twice more: each time it is another item, and only the last try counts. */
static void retry_after_retry(void **state) {
    static const sim_op ops[] = {STEP, WRITE("keyed"), STEP, WRITE("once"), STEP};
    (void)state;
    sim_world *w = scene(ALLOW, ops, COUNT(ops));
    ends(w, FAILED);
    scene_do(w, "do-000001");
    scene_answer(w, APPLIED);
    scene_answer(w, REFUSED);
    for (int i = 1; i <= 3; i++) {
        char request[16], args[32];
        scene_restart(w);
        stuck_is(w, 1);
        snprintf(request, sizeof request, "retry-00%d", i);
        snprintf(args, sizeof args, "{\"number\":%d}", i);
        ends(w, i == 3 ? NULL : FAILED);
        scene_tell(w, request, "stuck.retry", args);
        assert_int_equal(w->held_count, 1);
        assert_string_equal(w->held[0].resource, "once");
        scene_answer(w, i == 3 ? APPLIED : REFUSED);
    }
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'done'", 2);
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 53", 3);
    scene_end(w);
}

/* What came after the failed step was done: nothing of it may be asked again. */
static void what_was_done_since_is_not_done_again(void **state) {
    static const sim_op ops[] = {WRITE("once"), WRITE("keyed"), STEP};
    (void)state;
    sim_world *w = scene(ALLOW, ops, COUNT(ops));
    ends(w, FAILED);
    scene_do(w, "do-000001");
    scene_answer(w, REFUSED);
    scene_answer(w, APPLIED);
    scene_restart(w);
    ends(w, NULL);
    scene_tell(w, "retry-001", "stuck.retry", RETRY_1);
    assert_int_equal(w->held_count, 0);
    state_is(w, "not_done");
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    scene_end(w);
}

static void what_was_denied_is_decided_anew(void **state) {
    (void)state;
    sim_world *w = scene(DENY, once, COUNT(once));
    ends(w, FAILED);
    scene_do(w, "do-000001");
    number_is(w, "SELECT count(*) FROM item WHERE next LIKE 'allow it by a rule (keel why 1:1)%'",
              1);
    ends(w, NULL);
    scene_policy(w, ALLOW);
    scene_tell(w, "reload-01", "reload", "{}");
    scene_tell(w, "retry-001", "stuck.retry", RETRY_1);
    scene_answer(w, APPLIED);
    state_is(w, "done");
    scene_end(w);
}

static void what_was_refused_by_a_person_is_asked_anew(void **state) {
    (void)state;
    sim_world *w = scene(ASK, once, COUNT(once));
    ends(w, FAILED);
    scene_do(w, "do-000001");
    scene_tell(w, "deny-0001", "deny", "{\"items\":[1],\"why\":\"no\"}");
    scene_restart(w);
    ends(w, NULL);
    scene_tell(w, "retry-001", "stuck.retry", "{\"number\":2}");
    number_is(w, "SELECT number FROM item WHERE kind = 'approval' AND state = 'open'", 3);
    sim_approve(w, "approve-3", 3);
    sim_run_out(w);
    scene_answer(w, APPLIED);
    state_is(w, "done");
    scene_end(w);
}

/* An event that was received before the failed step stays so; one that was not yet is still there. */
static void events_are_received_once(void **state) {
    static const sim_op ops[] = {RECEIVE, WRITE("once"), RECEIVE};
    static const char send[] = "{\"body\":1,\"name\":\"go\",\"run\":1}";
    (void)state;
    sim_world *w = scene(ALLOW, ops, 2);
    ends(w, FAILED);
    scene_do(w, "do-000001");
    scene_tell(w, "send-0001", "run.send", send);
    scene_tell(w, "send-0002", "run.send", send);
    scene_answer(w, REFUSED);
    ((sim_program *)(uintptr_t)w->programs)[0].count = 3;
    ends(w, NULL);
    scene_tell(w, "retry-001", "stuck.retry", RETRY_1);
    scene_answer(w, APPLIED);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    number_is(w, "SELECT count(*) FROM event", 0);
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 29", 2);
    scene_end(w);
}

/* The step failed, then an event was received: the event is not asked for again. */
static void an_event_that_was_received_since_is_kept(void **state) {
    static const sim_op ops[] = {WRITE("once"), RECEIVE};
    (void)state;
    sim_world *w = scene(ALLOW, ops, COUNT(ops));
    ends(w, FAILED);
    scene_do(w, "do-000001");
    scene_answer(w, REFUSED);
    scene_tell(w, "send-0001", "run.send", "{\"body\":1,\"name\":\"go\",\"run\":1}");
    stuck_is(w, 1);
    ends(w, NULL);
    scene_tell(w, "retry-001", "stuck.retry", RETRY_1);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    state_is(w, "not_done");
    scene_end(w);
}

/* Three deaths of its executor, while what it sent is under way. */
static sim_world *crashed_while_out(void) {
    sim_world *w = scene(ALLOW, once, COUNT(once));
    scene_do(w, "do-000001");
    for (int i = 0; i < 3; i++) {
        keel_buf nonsense = KEEL_BUF_INIT;
        keel_buf_puts(&nonsense, "{}");
        sim_to_kernel(w, agent_of(w), X_CALL, 1, 0, &nonsense);
        keel_buf_free(&nonsense);
        sim_run_out(w);
    }
    number_is(w, "SELECT count(*) FROM item WHERE kind = 'stuck' AND reason LIKE 'crashed:%'", 1);
    assert_int_equal(w->held_count, 1);
    return w;
}

static void what_is_still_out_is_not_sent_again(void **state) {
    (void)state;
    sim_world *w = crashed_while_out();
    scene_tell(w, "retry-001", "stuck.retry", RETRY_1);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'open'", 1);
    assert_int_equal(w->held_count, 1);
    scene_answer(w, APPLIED);
    assert_int_equal(w->held_count, 0);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    number_is(w, "SELECT attempts FROM effect", 1);
    scene_end(w);
}

static void what_was_done_after_the_end_counts(void **state) {
    (void)state;
    sim_world *w = crashed_while_out();
    scene_answer(w, APPLIED);
    state_is(w, "done");
    scene_tell(w, "retry-001", "stuck.retry", RETRY_1);
    assert_int_equal(w->held_count, 0);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    scene_restart(w);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retry_asks_the_failed_step_again_with_its_key),
        cmocka_unit_test(retry_after_retry),
        cmocka_unit_test(what_was_done_since_is_not_done_again),
        cmocka_unit_test(what_was_denied_is_decided_anew),
        cmocka_unit_test(what_was_refused_by_a_person_is_asked_anew),
        cmocka_unit_test(events_are_received_once),
        cmocka_unit_test(an_event_that_was_received_since_is_kept),
        cmocka_unit_test(what_is_still_out_is_not_sent_again),
        cmocka_unit_test(what_was_done_after_the_end_counts),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_stuck_retry", tests, NULL, NULL);
}
