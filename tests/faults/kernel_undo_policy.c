/* Taking back under policy, budgets, people and changed connections. */
#include "undoscene.h"

/* ---- policy, approval, budget ---- */

static void it_is_asked_and_approved_after_a_restart(void **state) {
    (void)state;
    sim_world *w = undo_done(ASK, undo_two, COUNT(undo_two));
    undo_roll(w, "rollback1", 1);
    is(w, "2", "compensating");
    is(w, "2~1", "waiting");
    scene_restart(w);
    scene_tell(w, "edit-0001", "edit", "{\"number\":1,\"set\":{\"n\":7}}");
    assert_null(sim_answered(w, "edit-0001"));
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    assert_non_null(strstr(sim_answered(w, "approve-1")->result, "approved"));
    undo_answer(w, APPLIED);
    is(w, "2", "compensated");
    scene_tell(w, "deny-0001", "deny", "{\"items\":[2],\"why\":\"keep it\"}");
    is(w, "1", "compensation_failed");
    is(w, "1~1", "rejected");
    number_is(w, "SELECT count(*) FROM item WHERE kind = 'stuck' AND state = 'open'", 1);
    scene_end(w);
}

/* Waits for a person while the policy changes under it. */
static void it_is_decided_afresh(void **state) {
    (void)state;
    sim_world *w = undo_done(ASK, undo_keyed, 1);
    undo_roll(w, "rollback1", 1);
    scene_policy(w, DENY);
    scene_tell(w, "reload-01", "reload", "{}");
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    assert_non_null(strstr(sim_answered(w, "approve-1")->result, "denied"));
    is(w, "1~1", "denied");
    is(w, "1", "compensation_failed");
    scene_end(w);
}

static void a_denied_step_is_stuck_until_it_is_ordered_again(void **state) {
    (void)state;
    sim_world *w = undo_done(DENY, undo_two, COUNT(undo_two));
    undo_roll(w, "rollback1", 1);
    is(w, "2", "compensation_failed");
    is(w, "1", "done"); /* older ones wait */
    rollback_is(w, "open");
    scene_restart(w);
    scene_restart(w);
    number_is(w, "SELECT count(*) FROM item WHERE kind = 'stuck'", 1);
    scene_policy(w, ALLOW);
    scene_tell(w, "reload-01", "reload", "{}");
    assert_int_equal(w->held_count, 0);
    undo_roll(w, "rollback2", 1);
    assert_non_null(sim_answered(w, "rollback2"));
    undo_told(w, "compensate", "once");
    undo_answer(w, APPLIED);
    is(w, "2", "compensated");
    is(w, "2~1", "denied");
    is(w, "2~2", "done");
    undo_answer(w, APPLIED);
    rollback_is(w, "ended");
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 0);
    scene_end(w);
}

/* He has undone it by hand: older steps go on, also after a restart. Or nothing more is to be done. */
static void a_person_sees_to_it_himself(void **state) {
    (void)state;
    for (int drop = 0; drop < 2; drop++) {
        sim_world *w = undo_done(DENY, undo_two, COUNT(undo_two));
        undo_roll(w, "rollback1", 1);
        scene_policy(w, ALLOW);
        scene_tell(w, "reload-01", "reload", "{}");
        scene_tell(w, "settle-01", drop ? "stuck.drop" : "stuck.resolve",
                   "{\"number\":1,\"why\":\"done by hand\"}");
        assert_non_null(sim_answered(w, "settle-01"));
        is(w, "2", "compensation_failed");
        if (drop) {
            scene_restart(w);
            assert_int_equal(w->held_count, 0);
            rollback_is(w, "dropped");
        } else {
            undo_told(w, "compensate", "keyed");
            scene_restart(w);
            undo_answer(w, ABSENT);
            undo_answer(w, APPLIED);
            is(w, "1", "compensated");
            rollback_is(w, "ended");
        }
        scene_end(w);
    }
}

/* One step he has settled by hand, and the next is stuck too: going on from there does not take back
 * what he has settled. */
static void what_was_settled_by_hand_is_not_taken_back_again(void **state) {
    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        sim_world *w = undo_done(DENY, undo_two, COUNT(undo_two));
        undo_roll(w, "rollback1", 1);
        scene_tell(w, "settle-01", "stuck.resolve", "{\"number\":1,\"why\":\"by hand\"}");
        is(w, "1", "compensation_failed");
        scene_policy(w, ALLOW);
        scene_tell(w, "reload-01", "reload", "{}");
        undo_roll(w, "rollback2", 1);
        if (restart) {
            scene_restart(w);
            undo_answer(w, ABSENT); /* what was sent before */
        }
        undo_told(w, "compensate", "keyed");
        undo_answer(w, APPLIED);
        is(w, "1", "compensated");
        is(w, "2", "compensation_failed");
        rollback_is(w, "ended");
        applied_steps(w, 1);
        number_is(w, "SELECT count(*) FROM effect WHERE path = '2~2'", 0);
        undo_roll(w, "rollback3", 1);
        assert_null(sim_answered(w, "rollback3")); /* nothing is left to take back */
        scene_end(w);
    }
}

/* A rule that names compensations is asked, and no built-in one besides. */
static void a_rule_overrides_the_built_in(void **state) {
    (void)state;
    sim_world *w = undo_done(SOME, undo_keyed, 1);
    undo_roll(w, "rollback1", 1);
    is(w, "1~1", "denied");
    scene_end(w);
}

/* The tree has spent two of undo_two, and was forgotten: what takes back counts too. */
static void budgets_count_it(void **state) {
    (void)state;
    sim_world *w = undo_done(ALLOW CALLS("2"), undo_two, COUNT(undo_two));
    scene_restart(w);
    undo_roll(w, "rollback1", 1);
    is(w, "2~1", "denied");
    number_is(w, "SELECT spent FROM budget WHERE scope = 'run:1'", 2);
    scene_policy(w, ALLOW CALLS("3"));
    scene_tell(w, "reload-01", "reload", "{}");
    undo_roll(w, "rollback2", 1);
    scene_restart(w); /* once: nobody knows whether it was undone */
    scene_tell(w, "verdict-1", "verdict", "{\"number\":2,\"verdict\":\"done\",\"why\":\"gone\"}");
    is(w, "2", "compensated");
    is(w, "1~1", "denied");
    number_is(w, "SELECT spent FROM budget WHERE scope = 'run:1'", 3);
    scene_end(w);
}

/* ---- connections ---- */

static void only_through_the_connection_that_wrote_it(void **state) {
    static const char other[] =
        "version: 1\nname: sim\nconnections:\n"
        "  out: { use: \"org.example.out@1\", config: { folder: \"elsewhere\" } }\n";
    (void)state;
    sim_world *w = undo_done(ASK, undo_two, COUNT(undo_two));
    undo_roll(w, "rollback1", 1);
    sim_put(w->root, "keel.yaml", other);
    scene_tell(w, "reload-01", "reload", "{}");
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    assert_int_equal(w->held_count, 0);
    is(w, "2", "compensation_failed");
    scene_restart(w);
    undo_roll(w, "rollback2", 1); /* now it is shown as what stays */
    assert_null(sim_answered(w, "rollback2"));
    is(w, "1", "done");
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_asked_and_approved_after_a_restart),
        cmocka_unit_test(it_is_decided_afresh),
        cmocka_unit_test(a_denied_step_is_stuck_until_it_is_ordered_again),
        cmocka_unit_test(a_person_sees_to_it_himself),
        cmocka_unit_test(what_was_settled_by_hand_is_not_taken_back_again),
        cmocka_unit_test(a_rule_overrides_the_built_in),
        cmocka_unit_test(budgets_count_it),
        cmocka_unit_test(only_through_the_connection_that_wrote_it),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_undo_policy", tests, NULL, NULL);
}
