/* Taking back: newest first, one at a time, each once, whatever dies meanwhile; what cannot be taken
 * back stays, and what is unknown holds up what is older. */
#include "undoscene.h"

/* ---- the plain case ---- */

static void newest_first_with_what_was_recorded(void **state) {
    (void)state;
    sim_world *w = undo_done(ALLOW, undo_three, COUNT(undo_three));
    undo_roll(w, "rollback1", 1);
    assert_non_null(sim_answered(w, "rollback1"));
    undo_told(w, "compensate", "once");
    assert_string_equal(w->held[0].body, "{\"n\":1}");
    assert_string_equal(w->held[0].outcome, "{\"id\":3}");
    is(w, "3", "compensating");
    is(w, "1", "done"); /* it waits for its turn */
    number_is(w, "SELECT count(*) FROM effect WHERE rule = 'base.undo'", 1);
    undo_answer(w, APPLIED);
    is(w, "3", "compensated");
    undo_told(w, "compensate", "keyed");
    assert_string_equal(w->held[0].outcome, "{\"id\":1}");
    undo_answer(w, APPLIED);
    assert_int_equal(w->held_count, 0);
    is(w, "1", "compensated");
    is(w, "2", "done"); /* nothing was promised */
    is(w, "1~1", "done");
    rollback_is(w, "ended");
    number_is(w,
              "SELECT count(*) FROM journal WHERE kind = 56 AND"
              " CAST(body AS TEXT) = '{\"compensated\":2,\"left\":1,\"state\":\"ended\"}'",
              1);
    number_is(w, "SELECT count(DISTINCT key) FROM effect", 5);
    scene_end(w);
}

static void an_open_run_is_cancelled_first(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, undo_two, COUNT(undo_two));
    scene_do(w, "do-000001");
    undo_answer(w, APPLIED);
    undo_told(w, "write", "once"); /* under way */
    undo_roll(w, "rollback1", 1);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'cancelled'", 1);
    undo_told(w, "write", "once"); /* nothing older begins before its outcome is known */
    undo_answer(w, APPLIED);
    undo_told(w, "compensate", "once");
    undo_answer(w, APPLIED);
    undo_told(w, "compensate", "keyed");
    undo_answer(w, APPLIED);
    rollback_is(w, "ended");
    scene_end(w);
}

static void children_are_taken_back_with_it(void **state) {
    static const sim_op parent[] = {
        WRITE("keyed"), SPAWN_HELPER, {"wait", "", "{\"run\":2}"}, WRITE("once")};
    (void)state;
    sim_world *w =
        scene(ALLOW "  - { id: child, on: run.spawn, allow: {} }\n", parent, COUNT(parent));
    scene_helper(w, undo_keyed, 1, NULL);
    scene_do(w, "do-000001");
    undo_answer(w, "{\"result\":{\"id\":1}}");
    undo_answer(w, "{\"result\":{\"id\":2}}"); /* helper's */
    undo_answer(w, "{\"result\":{\"id\":3}}");
    undo_roll(w, "rollback1", 1);
    for (int id = 3; id > 0; id--) {
        char outcome[32];
        snprintf(outcome, sizeof outcome, "{\"id\":%d}", id);
        assert_string_equal(w->held[0].outcome, outcome);
        if (id == 2) {
            scene_restart(w); /* checkable: it looks, and finds nothing */
            undo_told(w, "reconcile", "keyed");
            assert_string_equal(w->held[0].outcome, outcome);
            undo_answer(w, ABSENT);
            undo_told(w, "compensate", "keyed");
        }
        undo_answer(w, APPLIED);
    }
    rollback_is(w, "ended");
    applied_steps(w, 3);
    scene_end(w);
}

static void what_a_segment_went_on_as_comes_with_it(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, undo_keyed, 1);
    sim_program *p = (sim_program *)(uintptr_t)w->programs;
    p[0].end = "{\"result\":{\"n\":2},\"state\":\"continued\"}";
    scene_do(w, "do-000001");
    undo_answer(w, "{\"result\":{\"id\":1}}");
    p[0].end = NULL; /* run 2, a tree of its own, is the last */
    undo_answer(w, "{\"result\":{\"id\":2}}");
    undo_roll(w, "rollback1", 1);
    assert_string_equal(w->held[0].outcome, "{\"id\":2}");
    undo_answer(w, APPLIED);
    assert_string_equal(w->held[0].outcome, "{\"id\":1}");
    undo_answer(w, APPLIED);
    rollback_is(w, "ended");
    scene_end(w);
}

/* ---- commands ---- */

static void only_what_was_shown(void **state) {
    (void)state;
    char args[160];
    sim_world *w = undo_done(ALLOW, undo_two, COUNT(undo_two));
    snprintf(args, sizeof args, "{\"plan\":\"%064d\",\"run\":1,\"why\":\"\"}", 0);
    scene_tell(w, "rollback1", "rollback", args);
    scene_tell(w, "rollback2", "rollback", "{\"plan\":\"\",\"run\":77,\"why\":\"\"}");
    scene_tell(w, "rollback3", "rollback", "{}");
    assert_null(sim_answered(w, "rollback1"));
    assert_null(sim_answered(w, "rollback2"));
    assert_null(sim_answered(w, "rollback3"));
    number_is(w, "SELECT count(*) FROM rollback", 0);
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    undo_roll(w, "rollback4", 1);
    assert_null(sim_answered(w, "rollback4"));
    scene_end(w);
}

static void ordered_twice_it_goes_once(void **state) {
    (void)state;
    sim_world *w = undo_done(ALLOW, undo_two, COUNT(undo_two));
    sim_rollback(w, "rollback1", 1);
    sim_rollback(w, "rollback2", 1); /* before the first is durable */
    sim_rollback(w, "rollback1", 1);
    sim_run_out(w);
    assert_null(sim_answered(w, "rollback2"));
    undo_answer(w, APPLIED);
    undo_roll(w, "rollback3", 1);
    assert_null(sim_answered(w, "rollback3"));
    undo_answer(w, APPLIED);
    undo_roll(w, "rollback4", 1); /* there is nothing left */
    assert_null(sim_answered(w, "rollback4"));
    assert_int_equal(w->held_count, 0);
    applied_steps(w, 2);
    scene_end(w);
}

static void a_halt_stops_between_steps(void **state) {
    (void)state;
    sim_world *w = undo_done(ALLOW, undo_two, COUNT(undo_two));
    undo_roll(w, "rollback1", 1);
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    undo_answer(w, APPLIED);
    assert_int_equal(w->held_count, 0);
    is(w, "1", "done");
    scene_restart(w);
    assert_int_equal(w->held_count, 0);
    scene_tell(w, "resume-01", "resume", "{}");
    undo_answer(w, APPLIED);
    rollback_is(w, "ended");
    scene_end(w);
}

/* ---- outcomes ---- */

static void a_lost_answer_is_looked_for_with_its_own_key(void **state) {
    (void)state;
    char key[40];
    sim_world *w = undo_done(ALLOW, undo_keyed, 1);
    undo_roll(w, "rollback1", 1);
    memcpy(key, w->held[0].key, sizeof key);
    sim_answer_held(w, UNKNOWN);
    sim_run_out(w);
    undo_told(w, "reconcile", "keyed");
    assert_string_equal(w->held[0].key, key);
    is(w, "1", "compensating"); /* Keel itself looks */
    undo_answer(w, LOOKED_DONE);
    is(w, "1", "compensated");
    rollback_is(w, "ended");
    scene_end(w);
}

static void an_unknown_one_waits_for_a_verdict(void **state) {
    (void)state;
    sim_world *w = undo_done(ALLOW, undo_two, COUNT(undo_two));
    undo_roll(w, "rollback1", 1);
    undo_answer(w, UNKNOWN);
    is(w, "2", "compensation_unknown");
    scene_restart(w);
    assert_int_equal(w->held_count, 0);
    undo_roll(w, "rollback2", 1); /* it may have been undone */
    assert_null(sim_answered(w, "rollback2"));
    scene_tell(w, "verdict-1", "verdict", "{\"number\":1,\"verdict\":\"done\",\"why\":\"saw\"}");
    is(w, "2", "compensated");
    undo_told(w, "compensate", "keyed");
    undo_answer(w, APPLIED);
    rollback_is(w, "ended");
    scene_end(w);
}

static void a_verdict_that_it_was_not_undone_is_stuck(void **state) {
    (void)state;
    sim_world *w = undo_done(ALLOW, undo_two, COUNT(undo_two));
    undo_roll(w, "rollback1", 1);
    undo_answer(w, UNKNOWN);
    scene_tell(w, "verdict-1", "verdict", "{\"number\":1,\"verdict\":\"not_done\",\"why\":\"no\"}");
    is(w, "2", "compensation_failed");
    assert_int_equal(w->held_count, 0);
    undo_roll(w, "rollback2", 1);
    undo_told(w, "compensate", "once");
    undo_answer(w, APPLIED);
    is(w, "2", "compensated");
    undo_answer(w, APPLIED);
    rollback_is(w, "ended");
    scene_end(w);
}

static void what_is_refused_is_stuck_and_what_is_busy_is_tried_again(void **state) {
    (void)state;
    sim_world *w = undo_done(ALLOW, undo_two, COUNT(undo_two));
    undo_roll(w, "rollback1", 1);
    undo_answer(w, RETRY); /* not applied: its run has ended, but this is not the run's */
    undo_told(w, "compensate", "once");
    undo_answer(w, REFUSED);
    is(w, "2~1", "not_done");
    is(w, "2", "compensation_failed");
    number_is(w, "SELECT count(*) FROM item WHERE kind = 'stuck' AND state = 'open'", 1);
    scene_end(w);
}

/* What is unknown blocks what takes it back, and all that is older; then it goes on by itself. */
static void an_unknown_write_blocks(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, undo_two, COUNT(undo_two));
    scene_do(w, "do-000001");
    undo_answer(w, APPLIED);
    undo_answer(w, UNKNOWN);
    undo_roll(w, "rollback1", 1);
    assert_non_null(sim_answered(w, "rollback1"));
    scene_restart(w);
    assert_int_equal(w->held_count, 0);
    is(w, "1", "done");
    scene_tell(w, "verdict-1", "verdict", "{\"number\":1,\"verdict\":\"not_done\",\"why\":\"no\"}");
    undo_told(w, "compensate", "keyed");
    undo_answer(w, APPLIED);
    is(w, "2", "not_done");
    rollback_is(w, "ended");
    applied_steps(w, 1);
    scene_end(w);
}

/* Restarted and halted, the rollback has not come to the step that was out when a person decides all
 * that there is to decide: it goes on behind that one, and behind no other. */
static void decided_while_halted_it_goes_on_behind_what_failed(void **state) {
    static const sim_op ops[] = {WRITE("keyed"), WRITE("once"), WRITE("checkable")};
    (void)state;
    sim_world *w = undo_done(ALLOW, ops, COUNT(ops));
    undo_roll(w, "rollback1", 1);
    undo_told(w, "compensate", "once"); /* the newest stays, and is behind it */
    undo_answer(w, UNKNOWN);
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"w\"}");
    scene_restart(w);
    scene_tell(w, "verdict-1", "verdict", "{\"number\":1,\"verdict\":\"not_done\",\"why\":\"no\"}");
    is(w, "2", "compensation_failed");
    scene_tell(w, "resolve-1", "stuck.resolve", "{\"number\":2,\"why\":\"by hand\"}");
    scene_tell(w, "resume-01", "resume", "{}");
    undo_told(w, "compensate", "keyed");
    undo_answer(w, APPLIED);
    rollback_is(w, "ended");
    scene_end(w);
}

/* ---- every crash ---- */

/* Killed after each commit of a rollback with two steps, one of which loses its answer. */
static void killed_after_every_commit(void **state) {
    (void)state;
    for (int after = 0; after < 40; after++) {
        sim_world *w = scene(ALLOW, undo_three, COUNT(undo_three));
        w->hold = false;
        scene_do(w, "do-000001");
        sim_rollback(w, "rollback1", 1);
        for (int i = 0; i < after; i++) {
            kernel_turn(w->kernel);
            sim_step(w);
        }
        scene_restart(w);
        undo_roll(w, "rollback1", 1);
        for (int i = 0; i < 5 && sim_operator(w); i++) {
            sim_run_out(w);
        }
        assert_string_equal(w->fault, "");
        number_is(w,
                  "SELECT count(*) FROM effect WHERE path IN ('1', '3') AND state <>"
                  " 'compensated'",
                  0);
        rollback_is(w, "ended");
        assert_int_equal(w->outside.count, 5); /* three writes, two that take back */
        for (size_t i = 0; i < w->outside.count; i++) {
            const outside_entry *e = &w->outside.entries[i];
            assert_int_equal(e->applied, 1);
            assert_int_equal(e->undone, i == 0 || i == 2);
        }
        scene_end(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newest_first_with_what_was_recorded),
        cmocka_unit_test(an_open_run_is_cancelled_first),
        cmocka_unit_test(children_are_taken_back_with_it),
        cmocka_unit_test(what_a_segment_went_on_as_comes_with_it),
        cmocka_unit_test(only_what_was_shown),
        cmocka_unit_test(ordered_twice_it_goes_once),
        cmocka_unit_test(a_halt_stops_between_steps),
        cmocka_unit_test(a_lost_answer_is_looked_for_with_its_own_key),
        cmocka_unit_test(an_unknown_one_waits_for_a_verdict),
        cmocka_unit_test(a_verdict_that_it_was_not_undone_is_stuck),
        cmocka_unit_test(what_is_refused_is_stuck_and_what_is_busy_is_tried_again),
        cmocka_unit_test(an_unknown_write_blocks),
        cmocka_unit_test(decided_while_halted_it_goes_on_behind_what_failed),
        cmocka_unit_test(killed_after_every_commit),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_undo", tests, NULL, NULL);
}
