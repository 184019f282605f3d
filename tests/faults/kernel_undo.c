/* Taking back: newest first, one at a time, each once, whatever dies meanwhile; what cannot be taken
 * back stays, and what is unknown holds up what is older. */
#include "scene.h"

#define ALLOW    "  - { id: lets, on: \"out.*.write\", allow: {} }\n"
#define ASK      ALLOW "  - { id: asks, on: \"*.*.compensate\", ask: {} }\n"
#define DENY     ALLOW "  - { id: never, on: \"out.*.compensate\", deny: {} }\n"
#define SOME     ALLOW "  - { id: few, on: \"out.*.compensate\", allow: { n: { lt: 1 } } }\n"
#define CALLS(n) "budgets:\n  - { id: few, each: run_tree, limit: " n " calls }\n"

#define LOOKED_DONE "{\"result\":{\"ref\":{},\"state\":\"applied\"}}"
#define RETRY       "{\"code\":\"retry\",\"message\":\"busy\"}"

#define STATE(path, state)                                                                         \
    "SELECT count(*) FROM effect WHERE path = '" path "' AND state = '" state "'"
#define is(w, path, state)  number_is(w, STATE(path, state), 1)
#define rollback_is(w, as)  number_is(w, "SELECT count(*) FROM rollback WHERE state = '" as "'", 1)
#define applied_steps(w, n) number_is(w, "SELECT count(*) FROM journal WHERE kind = 45", n)

static const sim_op three[] = {WRITE("keyed"), WRITE("checkable"), WRITE("once")};
static const sim_op keyed[] = {WRITE("keyed")};
static const sim_op two[] = {WRITE("keyed"), WRITE("once")};

static void answer(sim_world *w, const char *body) {
    assert_int_equal(w->held_count, 1);
    sim_answer_held(w, body);
    sim_run_out(w);
    assert_string_equal(w->fault, "");
}

static void told(const sim_world *w, const char *verb, const char *resource) {
    assert_int_equal(w->held_count, 1);
    assert_string_equal(w->held[0].verb, verb);
    assert_string_equal(w->held[0].resource, resource);
}

static void roll(sim_world *w, const char *request, uint64_t run) {
    sim_rollback(w, request, run);
    sim_run_out(w);
    assert_string_equal(w->fault, "");
}

/* A run of boss with all of its writes done. */
static sim_world *done(const char *rules, const sim_op *ops, size_t count) {
    sim_world *w = scene(rules, ops, count);
    scene_do(w, "do-000001");
    for (size_t i = 0; i < count; i++) {
        char result[64];
        snprintf(result, sizeof result, "{\"result\":{\"id\":%zu}}", i + 1);
        answer(w, result);
    }
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    return w;
}

/* ---- the plain case ---- */

static void newest_first_with_what_was_recorded(void **state) {
    (void)state;
    sim_world *w = done(ALLOW, three, COUNT(three));
    roll(w, "rollback1", 1);
    assert_non_null(sim_answered(w, "rollback1"));
    told(w, "compensate", "once");
    assert_string_equal(w->held[0].body, "{\"n\":1}");
    assert_string_equal(w->held[0].outcome, "{\"id\":3}");
    is(w, "3", "compensating");
    is(w, "1", "done"); /* it waits for its turn */
    number_is(w, "SELECT count(*) FROM effect WHERE rule = 'base.undo'", 1);
    answer(w, APPLIED);
    is(w, "3", "compensated");
    told(w, "compensate", "keyed");
    assert_string_equal(w->held[0].outcome, "{\"id\":1}");
    answer(w, APPLIED);
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
    sim_world *w = scene(ALLOW, two, COUNT(two));
    scene_do(w, "do-000001");
    answer(w, APPLIED);
    told(w, "write", "once"); /* under way */
    roll(w, "rollback1", 1);
    number_is(w, "SELECT count(*) FROM run WHERE state = 'cancelled'", 1);
    told(w, "write", "once"); /* nothing older begins before its outcome is known */
    answer(w, APPLIED);
    told(w, "compensate", "once");
    answer(w, APPLIED);
    told(w, "compensate", "keyed");
    answer(w, APPLIED);
    rollback_is(w, "ended");
    scene_end(w);
}

static void children_are_taken_back_with_it(void **state) {
    static const sim_op parent[] = {
        WRITE("keyed"), SPAWN_HELPER, {"wait", "", "{\"run\":2}"}, WRITE("once")};
    (void)state;
    sim_world *w =
        scene(ALLOW "  - { id: child, on: run.spawn, allow: {} }\n", parent, COUNT(parent));
    scene_helper(w, keyed, 1, NULL);
    scene_do(w, "do-000001");
    answer(w, "{\"result\":{\"id\":1}}");
    answer(w, "{\"result\":{\"id\":2}}"); /* helper's */
    answer(w, "{\"result\":{\"id\":3}}");
    roll(w, "rollback1", 1);
    for (int id = 3; id > 0; id--) {
        char outcome[32];
        snprintf(outcome, sizeof outcome, "{\"id\":%d}", id);
        assert_string_equal(w->held[0].outcome, outcome);
        if (id == 2) {
            scene_restart(w); /* checkable: it looks, and finds nothing */
            told(w, "reconcile", "keyed");
            assert_string_equal(w->held[0].outcome, outcome);
            answer(w, ABSENT);
            told(w, "compensate", "keyed");
        }
        answer(w, APPLIED);
    }
    rollback_is(w, "ended");
    applied_steps(w, 3);
    scene_end(w);
}

static void what_a_segment_went_on_as_comes_with_it(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, keyed, 1);
    sim_program *p = (sim_program *)(uintptr_t)w->programs;
    p[0].end = "{\"result\":{\"n\":2},\"state\":\"continued\"}";
    scene_do(w, "do-000001");
    answer(w, "{\"result\":{\"id\":1}}");
    p[0].end = NULL; /* run 2, a tree of its own, is the last */
    answer(w, "{\"result\":{\"id\":2}}");
    roll(w, "rollback1", 1);
    assert_string_equal(w->held[0].outcome, "{\"id\":2}");
    answer(w, APPLIED);
    assert_string_equal(w->held[0].outcome, "{\"id\":1}");
    answer(w, APPLIED);
    rollback_is(w, "ended");
    scene_end(w);
}

/* ---- commands ---- */

static void only_what_was_shown(void **state) {
    (void)state;
    char args[160];
    sim_world *w = done(ALLOW, two, COUNT(two));
    snprintf(args, sizeof args, "{\"plan\":\"%064d\",\"run\":1,\"why\":\"\"}", 0);
    scene_tell(w, "rollback1", "rollback", args);
    scene_tell(w, "rollback2", "rollback", "{\"plan\":\"\",\"run\":77,\"why\":\"\"}");
    scene_tell(w, "rollback3", "rollback", "{}");
    assert_null(sim_answered(w, "rollback1"));
    assert_null(sim_answered(w, "rollback2"));
    assert_null(sim_answered(w, "rollback3"));
    number_is(w, "SELECT count(*) FROM rollback", 0);
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    roll(w, "rollback4", 1);
    assert_null(sim_answered(w, "rollback4"));
    scene_end(w);
}

static void ordered_twice_it_goes_once(void **state) {
    (void)state;
    sim_world *w = done(ALLOW, two, COUNT(two));
    sim_rollback(w, "rollback1", 1);
    sim_rollback(w, "rollback2", 1); /* before the first is durable */
    sim_rollback(w, "rollback1", 1);
    sim_run_out(w);
    assert_null(sim_answered(w, "rollback2"));
    answer(w, APPLIED);
    roll(w, "rollback3", 1);
    assert_null(sim_answered(w, "rollback3"));
    answer(w, APPLIED);
    roll(w, "rollback4", 1); /* there is nothing left */
    assert_null(sim_answered(w, "rollback4"));
    assert_int_equal(w->held_count, 0);
    applied_steps(w, 2);
    scene_end(w);
}

static void a_halt_stops_between_steps(void **state) {
    (void)state;
    sim_world *w = done(ALLOW, two, COUNT(two));
    roll(w, "rollback1", 1);
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    answer(w, APPLIED);
    assert_int_equal(w->held_count, 0);
    is(w, "1", "done");
    scene_restart(w);
    assert_int_equal(w->held_count, 0);
    scene_tell(w, "resume-01", "resume", "{}");
    answer(w, APPLIED);
    rollback_is(w, "ended");
    scene_end(w);
}

/* ---- policy, approval, budget ---- */

static void it_is_asked_and_approved_after_a_restart(void **state) {
    (void)state;
    sim_world *w = done(ASK, two, COUNT(two));
    roll(w, "rollback1", 1);
    is(w, "2", "compensating");
    is(w, "2~1", "waiting");
    scene_restart(w);
    scene_tell(w, "edit-0001", "edit", "{\"number\":1,\"set\":{\"n\":7}}");
    assert_null(sim_answered(w, "edit-0001"));
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    assert_non_null(strstr(sim_answered(w, "approve-1")->result, "approved"));
    answer(w, APPLIED);
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
    sim_world *w = done(ASK, keyed, 1);
    roll(w, "rollback1", 1);
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
    sim_world *w = done(DENY, two, COUNT(two));
    roll(w, "rollback1", 1);
    is(w, "2", "compensation_failed");
    is(w, "1", "done"); /* older ones wait */
    rollback_is(w, "open");
    scene_restart(w);
    scene_restart(w);
    number_is(w, "SELECT count(*) FROM item WHERE kind = 'stuck'", 1);
    scene_policy(w, ALLOW);
    scene_tell(w, "reload-01", "reload", "{}");
    assert_int_equal(w->held_count, 0);
    roll(w, "rollback2", 1);
    assert_non_null(sim_answered(w, "rollback2"));
    told(w, "compensate", "once");
    answer(w, APPLIED);
    is(w, "2", "compensated");
    is(w, "2~1", "denied");
    is(w, "2~2", "done");
    answer(w, APPLIED);
    rollback_is(w, "ended");
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 0);
    scene_end(w);
}

/* He has undone it by hand: older steps go on, also after a restart. Or nothing more is to be done. */
static void a_person_sees_to_it_himself(void **state) {
    (void)state;
    for (int drop = 0; drop < 2; drop++) {
        sim_world *w = done(DENY, two, COUNT(two));
        roll(w, "rollback1", 1);
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
            told(w, "compensate", "keyed");
            scene_restart(w);
            answer(w, ABSENT);
            answer(w, APPLIED);
            is(w, "1", "compensated");
            rollback_is(w, "ended");
        }
        scene_end(w);
    }
}

/* A rule that names compensations is asked, and no built-in one besides. */
static void a_rule_overrides_the_built_in(void **state) {
    (void)state;
    sim_world *w = done(SOME, keyed, 1);
    roll(w, "rollback1", 1);
    is(w, "1~1", "denied");
    scene_end(w);
}

/* The tree has spent two of two, and was forgotten: what takes back counts too. */
static void budgets_count_it(void **state) {
    (void)state;
    sim_world *w = done(ALLOW CALLS("2"), two, COUNT(two));
    scene_restart(w);
    roll(w, "rollback1", 1);
    is(w, "2~1", "denied");
    number_is(w, "SELECT spent FROM budget WHERE scope = 'run:1'", 2);
    scene_policy(w, ALLOW CALLS("3"));
    scene_tell(w, "reload-01", "reload", "{}");
    roll(w, "rollback2", 1);
    scene_restart(w); /* once: nobody knows whether it was undone */
    scene_tell(w, "verdict-1", "verdict", "{\"number\":2,\"verdict\":\"done\",\"why\":\"gone\"}");
    is(w, "2", "compensated");
    is(w, "1~1", "denied");
    number_is(w, "SELECT spent FROM budget WHERE scope = 'run:1'", 3);
    scene_end(w);
}

/* ---- outcomes ---- */

static void a_lost_answer_is_looked_for_with_its_own_key(void **state) {
    (void)state;
    char key[40];
    sim_world *w = done(ALLOW, keyed, 1);
    roll(w, "rollback1", 1);
    memcpy(key, w->held[0].key, sizeof key);
    sim_answer_held(w, UNKNOWN);
    sim_run_out(w);
    told(w, "reconcile", "keyed");
    assert_string_equal(w->held[0].key, key);
    is(w, "1", "compensating"); /* Keel itself looks */
    answer(w, LOOKED_DONE);
    is(w, "1", "compensated");
    rollback_is(w, "ended");
    scene_end(w);
}

static void an_unknown_one_waits_for_a_verdict(void **state) {
    (void)state;
    sim_world *w = done(ALLOW, two, COUNT(two));
    roll(w, "rollback1", 1);
    answer(w, UNKNOWN);
    is(w, "2", "compensation_unknown");
    scene_restart(w);
    assert_int_equal(w->held_count, 0);
    roll(w, "rollback2", 1); /* it may have been undone */
    assert_null(sim_answered(w, "rollback2"));
    scene_tell(w, "verdict-1", "verdict", "{\"number\":1,\"verdict\":\"done\",\"why\":\"saw\"}");
    is(w, "2", "compensated");
    told(w, "compensate", "keyed");
    answer(w, APPLIED);
    rollback_is(w, "ended");
    scene_end(w);
}

static void a_verdict_that_it_was_not_undone_is_stuck(void **state) {
    (void)state;
    sim_world *w = done(ALLOW, two, COUNT(two));
    roll(w, "rollback1", 1);
    answer(w, UNKNOWN);
    scene_tell(w, "verdict-1", "verdict", "{\"number\":1,\"verdict\":\"not_done\",\"why\":\"no\"}");
    is(w, "2", "compensation_failed");
    assert_int_equal(w->held_count, 0);
    roll(w, "rollback2", 1);
    told(w, "compensate", "once");
    answer(w, APPLIED);
    is(w, "2", "compensated");
    answer(w, APPLIED);
    rollback_is(w, "ended");
    scene_end(w);
}

static void what_is_refused_is_stuck_and_what_is_busy_is_tried_again(void **state) {
    (void)state;
    sim_world *w = done(ALLOW, two, COUNT(two));
    roll(w, "rollback1", 1);
    answer(w, RETRY); /* not applied: its run has ended, but this is not the run's */
    told(w, "compensate", "once");
    answer(w, REFUSED);
    is(w, "2~1", "not_done");
    is(w, "2", "compensation_failed");
    number_is(w, "SELECT count(*) FROM item WHERE kind = 'stuck' AND state = 'open'", 1);
    scene_end(w);
}

/* What is unknown blocks what takes it back, and all that is older; then it goes on by itself. */
static void an_unknown_write_blocks(void **state) {
    (void)state;
    sim_world *w = scene(ALLOW, two, COUNT(two));
    scene_do(w, "do-000001");
    answer(w, APPLIED);
    answer(w, UNKNOWN);
    roll(w, "rollback1", 1);
    assert_non_null(sim_answered(w, "rollback1"));
    scene_restart(w);
    assert_int_equal(w->held_count, 0);
    is(w, "1", "done");
    scene_tell(w, "verdict-1", "verdict", "{\"number\":1,\"verdict\":\"not_done\",\"why\":\"no\"}");
    told(w, "compensate", "keyed");
    answer(w, APPLIED);
    is(w, "2", "not_done");
    rollback_is(w, "ended");
    applied_steps(w, 1);
    scene_end(w);
}

/* ---- connections ---- */

static void only_through_the_connection_that_wrote_it(void **state) {
    static const char other[] =
        "version: 1\nname: sim\nconnections:\n"
        "  out: { use: \"org.example.out@1\", config: { folder: \"elsewhere\" } }\n";
    (void)state;
    sim_world *w = done(ASK, two, COUNT(two));
    roll(w, "rollback1", 1);
    sim_put(w->root, "keel.yaml", other);
    scene_tell(w, "reload-01", "reload", "{}");
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    assert_int_equal(w->held_count, 0);
    is(w, "2", "compensation_failed");
    scene_restart(w);
    roll(w, "rollback2", 1); /* now it is shown as what stays */
    assert_null(sim_answered(w, "rollback2"));
    is(w, "1", "done");
    scene_end(w);
}

/* ---- every crash ---- */

/* Killed after each commit of a rollback with two steps, one of which loses its answer. */
static void killed_after_every_commit(void **state) {
    (void)state;
    for (int after = 0; after < 40; after++) {
        sim_world *w = scene(ALLOW, three, COUNT(three));
        w->hold = false;
        scene_do(w, "do-000001");
        sim_rollback(w, "rollback1", 1);
        for (int i = 0; i < after; i++) {
            kernel_turn(w->kernel);
            sim_step(w);
        }
        scene_restart(w);
        roll(w, "rollback1", 1);
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
        cmocka_unit_test(it_is_asked_and_approved_after_a_restart),
        cmocka_unit_test(it_is_decided_afresh),
        cmocka_unit_test(a_denied_step_is_stuck_until_it_is_ordered_again),
        cmocka_unit_test(a_person_sees_to_it_himself),
        cmocka_unit_test(a_rule_overrides_the_built_in),
        cmocka_unit_test(budgets_count_it),
        cmocka_unit_test(a_lost_answer_is_looked_for_with_its_own_key),
        cmocka_unit_test(an_unknown_one_waits_for_a_verdict),
        cmocka_unit_test(a_verdict_that_it_was_not_undone_is_stuck),
        cmocka_unit_test(what_is_refused_is_stuck_and_what_is_busy_is_tried_again),
        cmocka_unit_test(an_unknown_write_blocks),
        cmocka_unit_test(only_through_the_connection_that_wrote_it),
        cmocka_unit_test(killed_after_every_commit),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_undo", tests, NULL, NULL);
}
