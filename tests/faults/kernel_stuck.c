/* Dead letters: what becomes one, what closes it, and that a failed run goes on from the step that
 * failed without doing anything twice. */
#include "protocol.h"
#include "scene.h"

#define ASK    "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: 2h } }\n"
#define ALLOW  "  - { id: lets, on: \"out.*.write\", allow: {} }\n"
#define SPAWNS "  - { id: spawns, on: run.spawn, allow: {} }\n"
#define DENY   "  - { id: never, on: \"out.once.write\", deny: {} }\n"
#define RECEIVE                                                                                    \
    { "receive", "", "{\"name\":\"go\"}" }
#define STEP                                                                                       \
    { "step", "look", NULL }
#define FAILED                                                                                     \
    "{\"error\":{\"code\":\"error\",\"message\":\"boss.lua:3: it is down\"},\"state\":\"failed\"}"
#define RETRY_1 "{\"number\":1}"
#define stuck_is(w, n)                                                                             \
    number_is(w, "SELECT count(*) FROM item WHERE kind = 'stuck' AND state = 'open'", n)

static const sim_op once[] = {WRITE("once")};

/* How boss ends from now on; NULL: well. */
static void ends(sim_world *w, const char *end) {
    sim_program *p = (sim_program *)(uintptr_t)w->programs;
    p[0].end = end;
}

/* A world whose run 1 has failed at its one effect. */
static sim_world *failed_once(void) {
    sim_world *w = scene(ALLOW, once, COUNT(once));
    ends(w, FAILED);
    scene_do(w, "do-000001");
    scene_answer(w, REFUSED);
    return w;
}

/* ---- what becomes one ---- */

static void a_failed_run_is_stuck(void **state) {
    (void)state;
    sim_world *w = failed_once();
    for (int i = 0; i < 2; i++) {
        stuck_is(w, 1);
        number_is(w,
                  "SELECT count(*) FROM item WHERE number = 1 AND run = 1 AND path = '1' AND"
                  " owner = 'operator' AND reason LIKE 'out.once.write at 1 was not done;%down'"
                  " AND next LIKE 'mend out.once.write (%keel stuck retry 1.%'",
                  1);
        number_is(w, "SELECT count(*) FROM run WHERE state = 'failed'", 1);
        scene_restart(w);
    }
    scene_end(w);
}

static void without_a_failed_step_its_words_are_the_reason(void **state) {
    static const sim_op steps[] = {STEP, WRITE("once"), STEP};
    (void)state;
    sim_world *w = scene(ALLOW, steps, COUNT(steps));
    ends(w, FAILED);
    scene_do(w, "do-000001");
    scene_answer(w, APPLIED);
    number_is(w, "SELECT count(*) FROM item WHERE path = '' AND reason LIKE 'error: boss.lua:3:%'",
              1);
    scene_end(w);
}

static void what_a_person_ended_is_not_stuck(void **state) {
    (void)state;
    sim_world *w = scene(ASK, once, COUNT(once));
    scene_do(w, "do-000001");
    scene_tell(w, "cancel-01", "run.cancel", "{\"run\":1}");
    number_is(w, "SELECT count(*) FROM item WHERE kind = 'stuck'", 0);
    scene_end(w);
}

static void a_child_whose_failure_was_received_is_not_stuck(void **state) {
    static const sim_op waits[] = {SPAWN_HELPER, {"wait", "", "{\"run\":2}"}};
    (void)state;
    sim_world *w = scene(SPAWNS ALLOW, waits, COUNT(waits));
    scene_helper(w, once, COUNT(once), FAILED);
    scene_do(w, "do-000001");
    scene_answer(w, REFUSED);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'failed' AND id = 2", 1);
    number_is(w, "SELECT count(*) FROM item WHERE kind = 'stuck'", 0);
    scene_end(w);
}

/* It is stuck while nobody knows of it; then its parent asks after all. */
static void who_asks_late_is_told_and_closes_it(void **state) {
    static const sim_op late[] = {SPAWN_HELPER, RECEIVE, {"wait", "", "{\"run\":2}"}};
    static const sim_op step[] = {STEP};
    (void)state;
    sim_world *w = scene(SPAWNS, late, COUNT(late));
    scene_helper(w, step, 1, FAILED);
    scene_do(w, "do-000001");
    stuck_is(w, 1);
    scene_restart(w);
    scene_tell(w, "send-0001", "run.send", "{\"body\":1,\"name\":\"go\",\"run\":1}");
    number_is(w, "SELECT count(*) FROM item WHERE state = 'went_on' AND closed_by = 'keel'", 1);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    scene_end(w);
}

/* ---- a paused run ---- */

static uint32_t agent_of(const sim_world *w) {
    for (size_t i = 0; i < sizeof w->executors / sizeof *w->executors; i++) {
        if (w->executors[i].number && !w->executors[i].connector) {
            return w->executors[i].number;
        }
    }
    fail_msg("no agent runs");
    return 0;
}

static sim_world *paused(void) {
    keel_buf detail = KEEL_BUF_INIT;
    sim_world *w = scene(ASK, once, COUNT(once));
    scene_do(w, "do-000001");
    keel_buf_puts(&detail, "{\"path\":\"1\"}");
    sim_to_kernel(w, agent_of(w), X_MISMATCH, 1, 0, &detail);
    keel_buf_free(&detail);
    sim_run_out(w);
    number_is(w,
              "SELECT number FROM item WHERE kind = 'stuck' AND state = 'open' AND path = '1' AND"
              " reason LIKE 'replay_mismatch%' AND next LIKE '%keel run migrate 1%'",
              2);
    scene_restart(w);
    return w;
}

static void a_paused_run_is_stuck_until_it_goes_on(void **state) {
    (void)state;
    sim_world *w = paused();
    scene_tell(w, "drop-0001", "stuck.drop", "{\"number\":2,\"why\":\"x\"}");
    assert_null(sim_answered(w, "drop-0001")); /* it would stay paused, and nobody would see it */
    scene_tell(w, "resume-01", "run.resume", "{\"run\":1}");
    number_is(w, "SELECT count(*) FROM item WHERE number = 2 AND state = 'went_on'", 1);
    scene_end(w);
}

static void retry_of_a_paused_run_replays_it(void **state) {
    (void)state;
    sim_world *w = paused();
    scene_tell(w, "retry-001", "stuck.retry", "{\"number\":2}");
    assert_non_null(sim_answered(w, "retry-001"));
    number_is(w, "SELECT count(*) FROM run WHERE state = 'open'", 1);
    stuck_is(w, 0);
    scene_end(w);
}

static void a_paused_run_that_is_cancelled_is_not_stuck(void **state) {
    (void)state;
    sim_world *w = paused();
    scene_tell(w, "cancel-01", "run.cancel", "{\"run\":1}");
    stuck_is(w, 0);
    scene_end(w);
}

/* ---- closing by hand ---- */

static void a_person_settles_it(void **state) {
    static const struct {
        const char *command, *args, *left;
    } ways[] = {
        {"stuck.drop", "{\"number\":1,\"why\":\"not needed\"}", "drop"},
        {"stuck.resolve", "{\"number\":1,\"result\":{\"sent\":true},\"why\":\"by hand\"}",
         "resolve"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        char sql[160];
        sim_world *w = failed_once();
        scene_tell(w, "close-000", ways[i].command, "{\"number\":1,\"why\":\"\"}");
        assert_null(sim_answered(w, "close-000")); /* it needs a reason */
        scene_restart(w);
        scene_tell(w, "close-001", ways[i].command, ways[i].args);
        assert_non_null(sim_answered(w, "close-001"));
        snprintf(sql, sizeof sql,
                 "SELECT count(*) FROM item WHERE state = '%s' AND closed_by = 'operator'"
                 " AND closed_why <> ''",
                 ways[i].left);
        number_is(w, sql, 1);
        scene_tell(w, "close-002", ways[i].command, ways[i].args);
        assert_null(sim_answered(w, "close-002"));
        scene_restart(w);
        stuck_is(w, 0);
        scene_end(w);
    }
}

/* ---- retry ---- */

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
        cmocka_unit_test(a_failed_run_is_stuck),
        cmocka_unit_test(without_a_failed_step_its_words_are_the_reason),
        cmocka_unit_test(what_a_person_ended_is_not_stuck),
        cmocka_unit_test(a_child_whose_failure_was_received_is_not_stuck),
        cmocka_unit_test(who_asks_late_is_told_and_closes_it),
        cmocka_unit_test(a_paused_run_is_stuck_until_it_goes_on),
        cmocka_unit_test(retry_of_a_paused_run_replays_it),
        cmocka_unit_test(a_paused_run_that_is_cancelled_is_not_stuck),
        cmocka_unit_test(a_person_settles_it),
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
    return cmocka_run_group_tests_name("kernel_stuck", tests, NULL, NULL);
}
