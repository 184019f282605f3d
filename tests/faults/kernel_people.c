/* What people do while effects wait, are under way, or are unknown: nothing goes twice, nothing goes
 * without its consent, nothing is lost from sight. */
#include "scene.h"

#define ASK   "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: 2h, edit: [n] } }\n"
#define ALLOW "  - { id: lets, on: \"out.*.write\", allow: {} }\n"
#define CALLS(n)                                                                                   \
    "budgets:\n  - { id: few, scope: workspace, limit: " n " calls, window: none, at_hard: ask "   \
    "}\n"

static const sim_op once[] = {WRITE("once")};
static const sim_op keyed[] = {WRITE("keyed")};
static const sim_op checkable[] = {WRITE("checkable")};

/* ---- halt ---- */

static void halt_lets_nobody_approve(void **state) {
    (void)state;
    sim_world *w = scene(ASK, once, COUNT(once));
    scene_do(w, "do-000001");
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    assert_false(w->dead);
    assert_null(sim_answered(w, "approve-1"));
    assert_int_equal(w->held_count, 0);
    scene_restart(w);
    scene_tell(w, "resume-01", "resume", "{}");
    sim_approve(w, "approve-2", 1);
    sim_run_out(w);
    assert_non_null(sim_answered(w, "approve-2"));
    assert_int_equal(w->held_count, 1);
    sim_answer_held(w, APPLIED);
    sim_run_out(w);
    state_is(w, "done");
    scene_end(w);
}

/* Waits for a budget, under a number, when the halt comes. */
static void halt_keeps_what_waits_for_a_budget(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW CALLS("0"), once, COUNT(once));
    scene_do(w, "do-000001");
    number_is(w, "SELECT count(*) FROM effect WHERE reason = 'budget'", 1);
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    scene_tell(w, "reload-01", "reload", "{}");
    scene_restart(w);
    scene_restart(w);
    scene_tell(w, "resume-01", "resume", "{}");
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'waiting'", 1);
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 1);
    scene_end(w);
}

/* One is under way, one is queued behind it: the red button lets the first one settle only. */
static void halt_holds_what_was_not_sent(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, once, COUNT(once));
    scene_do(w, "do-000001");
    scene_do(w, "do-000002");
    assert_int_equal(w->held_count, 1);
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    sim_answer_held(w, APPLIED);
    sim_run_out(w);
    assert_int_equal(w->held_count, 0);
    scene_restart(w);
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'unknown'", 0);
    scene_tell(w, "resume-01", "resume", "{}");
    assert_int_equal(w->held_count, 1);
    sim_answer_held(w, APPLIED);
    sim_run_out(w);
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'done'", 2);
    scene_end(w);
}

/* ---- approvals ---- */

static void a_refusal_after_a_restart_is_no_mystery(void **state) {
    (void)state;
    sim_world *w = scene(ASK, once, COUNT(once));
    scene_do(w, "do-000001");
    scene_restart(w);
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    sim_answer_held(w, REFUSED);
    sim_run_out(w);
    state_is(w, "not_done");
    scene_end(w);
}

static void a_spawn_is_approved_after_a_restart(void **state) {
    static const sim_op spawn[] = {SPAWN_HELPER};
    (void)state;
    sim_world *w = scene("  - { id: asks, on: run.spawn, ask: {} }\n", spawn, COUNT(spawn));
    scene_do(w, "do-000001");
    scene_restart(w);
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    number_is(w, "SELECT count(*) FROM run", 2);
    number_is(w, "SELECT count(*) FROM item WHERE state = 'stale'", 0);
    scene_end(w);
}

/* Approved while the budget was short, and then edited: nobody has seen the new bytes. */
static void an_edit_after_an_approval_asks_again(void **state) {
    (void)state;
    sim_world *w = scene(ASK CALLS("0"), once, COUNT(once));
    scene_do(w, "do-000001");
    sim_approve(w, "approve-1", 1);
    sim_run_out(w); /* now it waits for its budget, as number 2 */
    scene_tell(w, "edit-0001", "edit", "{\"number\":2,\"set\":{\"n\":666}}");
    assert_non_null(sim_answered(w, "edit-0001"));
    scene_policy(w, ASK CALLS("9"));
    scene_tell(w, "reload-01", "reload", "{}");
    assert_int_equal(w->held_count, 0);
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 1);
    scene_end(w);
}

static void a_budget_that_is_raised_closes_its_item(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW CALLS("0"), once, COUNT(once));
    scene_do(w, "do-000001");
    scene_policy(w, ALLOW CALLS("9"));
    scene_tell(w, "reload-01", "reload", "{}");
    assert_int_equal(w->held_count, 1);
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 0);
    sim_answer_held(w, UNKNOWN);
    sim_run_out(w);
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open' AND kind = 'unknown'", 1);
    scene_end(w);
}

static void approved_twice_goes_once(void **state) {
    (void)state;
    sim_world *w = scene(ASK, once, COUNT(once));
    scene_do(w, "do-000001");
    sim_approve(w, "approve-1", 1);
    sim_approve(w, "approve-2", 1);
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    assert_non_null(strstr(sim_answered(w, "approve-2")->result, "gone"));
    assert_int_equal(w->held_count, 1);
    sim_answer_held(w, APPLIED);
    scene_tell(w, "deny-0001", "deny", "{\"items\":[1],\"why\":\"no\"}");
    assert_non_null(strstr(sim_answered(w, "deny-0001")->result, "gone"));
    assert_int_equal(w->held_count, 0);
    state_is(w, "done");
    scene_end(w);
}

static void what_expired_stays_so(void **state) {
    (void)state;
    sim_world *w = scene(ASK, once, COUNT(once));
    scene_do(w, "do-000001");
    w->clock += 7199000000;
    scene_restart(w);
    state_is(w, "expired");
    w->clock -= 86400000000; /* a clock that goes back */
    scene_restart(w);
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    assert_int_equal(w->held_count, 0);
    state_is(w, "expired");
    scene_end(w);
}

/* ---- following ---- */

/* Also of a run that is over, and when the same command comes again. */
static void a_follower_is_told_the_end(void **state) {
    static const char keyed_do[] =
        "{\"agent\":\"boss\",\"follow\":true,\"input\":{},\"key\":\"k\"}";
    static const sim_op step[] = {{"step", "done", NULL}};
    (void)state;
    sim_world *w = scene(ALLOW, step, COUNT(step));
    scene_tell(w, "do-000001", "do", keyed_do);
    assert_int_equal(w->done, 1);
    scene_tell(w, "do-000002", "do", keyed_do);
    assert_int_equal(w->done, 2);
    scene_tell(w, "do-000001", "do", keyed_do);
    assert_int_equal(w->done, 3);
    scene_restart(w);
    scene_tell(w, "do-000002", "do", keyed_do);
    assert_int_equal(w->done, 4);
    assert_int_equal(w->done_after_answer, 4);
    number_is(w, "SELECT count(*) FROM run", 1);
    scene_end(w);
}

/* ---- cancel ---- */

static void an_unknown_outcome_outlives_its_run(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, once, COUNT(once));
    scene_do(w, "do-000001");
    sim_answer_held(w, UNKNOWN);
    sim_run_out(w);
    scene_tell(w, "cancel-01", "run.cancel", "{\"run\":1}");
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 1);
    scene_restart(w);
    assert_int_equal(w->held_count, 0);
    number_is(w, "SELECT number FROM item WHERE state = 'open'", 1);
    scene_tell(w, "verdict-1", "verdict", "{\"number\":1,\"verdict\":\"done\",\"why\":\"saw\"}");
    assert_non_null(sim_answered(w, "verdict-1"));
    state_is(w, "done");
    scene_end(w);
}

/* The second attempt is queued behind another run's effect; the first may have been applied. */
static void a_queued_retry_is_not_proof(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, keyed, COUNT(keyed));
    scene_do(w, "do-000001");
    scene_do(w, "do-000002");
    sim_answer_held(w, UNKNOWN); /* run 1's: run 2's follows, run 1's is retried */
    sim_run_out(w);
    assert_int_equal(w->held_count, 1);
    number_is(w, "SELECT attempts FROM effect WHERE run = 1 AND state = 'intended'", 2);
    scene_tell(w, "cancel-01", "run.cancel", "{\"run\":1}");
    number_is(w, "SELECT count(*) FROM effect WHERE run = 1 AND state = 'not_done'", 0);
    scene_end(w);
}

static void a_cancelled_run_sends_nothing_again(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, checkable, COUNT(checkable));
    scene_do(w, "do-000001");
    sim_command(w, "cancel-01", "run.cancel", "{\"run\":1}");
    sim_answer_held(w, UNKNOWN);
    sim_run_out(w); /* five seconds later it looks */
    assert_string_equal(w->held[0].verb, "reconcile");
    sim_answer_held(w, ABSENT);
    sim_run_out(w);
    assert_int_equal(w->held_count, 0);
    state_is(w, "not_done");
    scene_end(w);
}

static void a_halt_does_not_forget_the_cancelled(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, checkable, COUNT(checkable));
    scene_do(w, "do-000001");
    sim_command(w, "cancel-01", "run.cancel", "{\"run\":1}");
    sim_command(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    sim_answer_held(w, UNKNOWN);
    sim_run_out(w); /* the time to look passes */
    assert_int_equal(w->held_count, 0);
    scene_tell(w, "resume-01", "resume", "{}");
    assert_int_equal(w->held_count, 1);
    sim_answer_held(w, "{\"result\":{\"ref\":{},\"state\":\"applied\"}}");
    sim_run_out(w);
    state_is(w, "done");
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halt_lets_nobody_approve),
        cmocka_unit_test(halt_keeps_what_waits_for_a_budget),
        cmocka_unit_test(halt_holds_what_was_not_sent),
        cmocka_unit_test(a_refusal_after_a_restart_is_no_mystery),
        cmocka_unit_test(a_spawn_is_approved_after_a_restart),
        cmocka_unit_test(an_edit_after_an_approval_asks_again),
        cmocka_unit_test(a_budget_that_is_raised_closes_its_item),
        cmocka_unit_test(approved_twice_goes_once),
        cmocka_unit_test(what_expired_stays_so),
        cmocka_unit_test(a_follower_is_told_the_end),
        cmocka_unit_test(an_unknown_outcome_outlives_its_run),
        cmocka_unit_test(a_queued_retry_is_not_proof),
        cmocka_unit_test(a_cancelled_run_sends_nothing_again),
        cmocka_unit_test(a_halt_does_not_forget_the_cancelled),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_people", tests, NULL, NULL);
}
