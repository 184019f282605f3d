/* One denial that a person lifts once: with the approver's key, for exactly what was denied, and never
 * twice. */
#include <sodium.h>

#include "stuckscene.h"

#define DENY      "  - { id: never, on: \"out.once.write\", deny: {} }\n"
#define OTHERWISE "  - { id: never, on: \"out.once.write\", agents: [boss], deny: {} }\n"
#define USED      "SELECT count(*) FROM item WHERE kind = 'override' AND state = 'used'"
#define INTENDED  "SELECT count(*) FROM journal WHERE kind = 33"

static int of_run = 1; /* that is meant */

/* What the plan says is to be signed; "" when it refuses. */
static void planned(sim_world *w, const char *request, char signs[65]) {
    char place[40];
    snprintf(place, sizeof place, "{\"path\":\"1\",\"run\":%d}", of_run);
    scene_tell(w, request, "override.plan", place);
    const sim_answer *a = sim_answered(w, request);
    const char *at = a ? strstr(a->result, "\"override\":\"") : NULL;
    snprintf(signs, 65, "%.64s", at ? at + 12 : "");
}

static void sign(const sim_world *w, const char *signs, const char *incarnation,
                 const char *verdict, bool forged, char args[800]) {
    uint8_t pk[32], sk[64], sig[64];
    char text[400], hex[129];
    sim_key(pk, sk);
    if (forged) {
        crypto_sign_keypair(pk, sk);
    }
    int n = snprintf(text, sizeof text,
                     "{\"incarnation\":\"%s\",\"nonce\":\"%032d\",\"override\":\"%s\","
                     "\"verdict\":\"%s\"}",
                     incarnation ? incarnation : store_identify(w->store)->incarnation, 1, signs,
                     verdict);
    crypto_sign_detached(sig, NULL, (uint8_t *)text, (unsigned long long)n, sk);
    hex_encode(hex, sig, 64);
    snprintf(args, 800,
             "{\"by\":\"operator\",\"nonce\":\"%032d\",\"override\":\"%s\",\"path\":\"1\","
             "\"run\":%d,\"signature\":\"%s\",\"why\":\"just this once\"}",
             1, signs, of_run, hex);
}

static bool lifted(sim_world *w, const char *request, const char *signs) {
    char args[800];
    sign(w, signs, NULL, "override", false, args);
    scene_tell(w, request, "override", args);
    return sim_answered(w, request) != NULL;
}

/* Denied at 1, and its run failed because of it. */
static sim_world *denied_and_failed(const char *rules, char signs[65]) {
    sim_world *w = scene(rules, once, COUNT(once));
    ends(w, FAILED);
    scene_do(w, "do-000001");
    state_is(w, "denied");
    ends(w, NULL);
    planned(w, "plan-0001", signs);
    assert_int_equal(strlen(signs), 64);
    return w;
}

static void what_was_denied_goes_once(void **state) {
    char signs[65];
    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        sim_world *w = denied_and_failed(DENY, signs);
        if (restarts) {
            scene_restart(w);
        }
        assert_true(lifted(w, "override-1", signs));
        assert_int_equal(w->held_count, 1);
        number_is(w, USED, 1);
        stuck_is(w, 0);
        if (restarts) {
            scene_restart(w); /* its answer is lost, and nobody sends it again */
            number_is(w, "SELECT count(*) FROM effect WHERE state = 'unknown'", 1);
        } else {
            scene_answer(w, APPLIED);
            state_is(w, "done");
            number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
        }
        /* the same word again is no second one */
        assert_true(lifted(w, "override-1", signs));
        assert_false(lifted(w, "override-2", signs));
        number_is(w, INTENDED, 1);
        /* nor is it a rule: the next one is denied as before */
        scene_do(w, "do-000002");
        number_is(w, "SELECT count(*) FROM effect WHERE run = 2 AND state = 'denied'", 1);
        scene_end(w);
    }
}

static void only_the_approvers_word_counts(void **state) {
    char signs[65], args[800];
    (void)state;
    sim_world *w = denied_and_failed(DENY, signs);
    char other[65];
    snprintf(other, sizeof other, "%s", signs);
    other[3] = other[3] == '0' ? '1' : '0';
    struct {
        const char *signs, *incarnation, *verdict;
        bool forged;
    } cases[] = {
        {signs, NULL, "override", true},
        {signs, NULL, "approve", false},
        {signs, "0123456789abcdef", "override", false},
        {other, NULL, "override", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char request[24];
        snprintf(request, sizeof request, "forged-%03zu", i);
        sign(w, cases[i].signs, cases[i].incarnation, cases[i].verdict, cases[i].forged, args);
        scene_tell(w, request, "override", args);
        assert_null(sim_answered(w, request));
    }
    sign(w, signs, NULL, "override", false, args);
    *strstr(args, ",\"why\"") = '}';
    *(strstr(args, "\"}") + 2) = 0;
    scene_tell(w, "no-reason", "override", args);
    assert_null(sim_answered(w, "no-reason"));
    number_is(w, INTENDED, 0);
    stuck_is(w, 1);
    scene_end(w);
}

/* An approval's signature lets nothing through here, nor the other way about: the words differ. */
static void what_was_shown_is_what_is_lifted(void **state) {
    char signs[65], now[65];
    (void)state;
    sim_world *w = denied_and_failed(DENY, signs);
    scene_policy(w, OTHERWISE); /* the same rule, written otherwise */
    scene_tell(w, "reload-01", "reload", "{}");
    assert_false(lifted(w, "override-1", signs));
    planned(w, "plan-0002", now);
    assert_string_not_equal(signs, now);
    assert_true(lifted(w, "override-2", now));
    number_is(w, INTENDED, 1);
    scene_end(w);
}

/* Given, and before it is used policy denies it by another rule: nobody has lifted that one. */
static void a_changed_rule_is_not_lifted(void **state) {
    char signs[65];
    (void)state;
    sim_world *w = denied_and_failed(DENY, signs);
    sim_command(w, "override-0", "status", "{}");
    char args[800];
    sign(w, signs, NULL, "override", false, args);
    sim_command(w, "override-1", "override", args);
    scene_policy(w, OTHERWISE);
    sim_command(w, "reload-01", "reload", "{}");
    sim_run_out(w);
    assert_non_null(sim_answered(w, "override-1"));
    number_is(w, INTENDED, 0);
    state_is(w, "denied");
    scene_end(w);
}

/* What it waits for meanwhile lasts longer than the word does. */
static void it_expires(void **state) {
    char signs[65], args[800];
    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        for (int late = 0; late < 2; late++) {
            sim_world *w = denied_and_failed(DENY, signs);
            sign(w, signs, NULL, "override", false, args);
            sim_command(w, "override-1", "override", args);
            sim_command(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
            sim_run_out(w);
            assert_non_null(sim_answered(w, "override-1"));
            number_is(w, INTENDED, 0);
            if (restarts) {
                scene_restart(w);
            }
            scene_pass(w, late ? 25 * 3600 : 23 * 3600);
            scene_tell(w, "resume-01", "resume", "{}");
            number_is(w, INTENDED, late ? 0 : 1);
            number_is(w, "SELECT count(*) FROM effect WHERE state = 'denied'", late);
            scene_end(w);
        }
    }
}

static void halted_nothing_is_lifted(void **state) {
    char signs[65];
    (void)state;
    sim_world *w = denied_and_failed(DENY, signs);
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    assert_false(lifted(w, "override-1", signs));
    scene_end(w);
}

/* A repeat of an attempt that was not applied is the same act, also after a restart. */
static void a_retry_needs_no_second_word(void **state) {
    static const sim_op ops[] = {WRITE("keyed")};
    static const char deny[] = "  - { id: never, on: \"out.keyed.write\", deny: {} }\n";
    char signs[65];
    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        sim_world *w = scene(deny, ops, 1);
        ends(w, FAILED);
        scene_do(w, "do-000001");
        ends(w, NULL);
        planned(w, "plan-0001", signs);
        assert_true(lifted(w, "override-1", signs));
        w->horizon = 1000; /* the next attempt comes later */
        scene_answer(w, "{\"code\":\"retry\",\"message\":\"busy\"}");
        assert_int_equal(w->held_count, 0);
        if (restarts) {
            scene_restart(w);
        }
        for (int i = 0; i < 600 && !w->held_count; i++) {
            scene_pass(w, 1);
        }
        assert_int_equal(w->held_count, 1);
        scene_answer(w, APPLIED);
        state_is(w, "done");
        number_is(w, USED, 1);
        scene_end(w);
    }
}

/* A budget is not lifted by it: it asks, and what is approved there is another word. */
static void a_short_budget_still_asks(void **state) {
    char signs[65];
    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        sim_world *w = denied_and_failed(
            DENY "budgets:\n  - { id: few, scope: workspace, limit: 0 calls, window: none, "
                 "at_hard: ask }\n",
            signs);
        assert_true(lifted(w, "override-1", signs));
        number_is(w, INTENDED, 0);
        number_is(w, "SELECT count(*) FROM effect WHERE state = 'waiting'", 1);
        if (restarts) {
            scene_restart(w);
        }
        sim_approve(w, "approve-1",
                    sim_number(w, "SELECT number FROM item WHERE kind = 'approval'"
                                  " AND state = 'open'"));
        sim_run_out(w);
        number_is(w, INTENDED, 1);
        number_is(w, USED, 1);
        scene_end(w);
    }
}

/* ---- what is not lifted ---- */

static void refused(const char *rules, const sim_op *ops, size_t count, const char *end,
                    bool allows) {
    char signs[65];
    sim_world *w = scene(rules, ops, count);
    ends(w, end);
    scene_do(w, "do-000001");
    if (allows) {
        scene_answer(w, APPLIED);
    }
    planned(w, "plan-0001", signs);
    assert_string_equal(signs, "");
    number_is(w, "SELECT count(*) FROM item WHERE kind = 'override'", 0);
    scene_end(w);
}

static void budgets_and_missing_things_are_not_lifted(void **state) {
    static const sim_op nobody[] = {
        {"effect", "gone.once.write",
         "{\"args\":{},\"resource\":\"once\",\"use\":\"gone\",\"verb\":\"write\"}"}};
    (void)state;
    refused(ALLOW "budgets:\n  - { id: few, scope: workspace, limit: 0 calls, window: none }\n",
            once, COUNT(once), FAILED, false);
    refused(ALLOW, nobody, 1, FAILED, false);
}

static void what_was_done_since_stands(void **state) {
    static const sim_op ops[] = {WRITE("once"), WRITE("keyed")};
    (void)state;
    refused(DENY "  - { id: lets, on: \"out.keyed.write\", allow: {} }\n", ops, 2, FAILED, true);
}

static void a_run_at_work_is_not_turned_round(void **state) {
    static const sim_op ops[] = {WRITE("once"), RECEIVE};
    (void)state;
    refused(DENY, ops, 2, NULL, false);
}

static void what_is_not_denied_is_not_lifted(void **state) {
    char signs[65];
    (void)state;
    refused(ALLOW, once, 1, NULL, true); /* done */
    sim_world *w = denied_and_failed(DENY, signs);
    scene_policy(w, ALLOW);
    scene_tell(w, "reload-01", "reload", "{}");
    planned(w, "plan-0002", signs); /* allowed by now */
    assert_string_equal(signs, "");
    scene_end(w);
}

/* Its script took the denial, and ended well: nobody else has seen how, and so it goes on. */
static void a_run_that_ended_goes_on(void **state) {
    static const sim_op ops[] = {WRITE("once"), STEP};
    char signs[65];
    (void)state;
    sim_world *w = scene(DENY, ops, 2);
    scene_do(w, "do-000001");
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    scene_restart(w);
    planned(w, "plan-0001", signs);
    assert_true(lifted(w, "override-1", signs));
    assert_false(lifted(w, "override-2", signs));
    scene_answer(w, APPLIED);
    state_is(w, "done");
    number_is(w, "SELECT count(*) FROM run WHERE state = 'ended'", 1);
    number_is(w, "SELECT count(*) FROM journal WHERE kind = 53", 1);
    scene_end(w);
}

/* A child that ended has told who began it. */
static void a_child_that_ended_does_not(void **state) {
    static const sim_op ops[] = {SPAWN_HELPER, {"wait", "", "{\"run\":2}"}};
    (void)state;
    sim_world *w = scene(DENY "  - { id: children, on: run.spawn, allow: {} }\n", ops, 2);
    scene_helper(w, once, 1, NULL);
    scene_do(w, "do-000001");
    number_is(w, "SELECT count(*) FROM effect WHERE run = 2 AND state = 'denied'", 1);
    scene_tell(w, "plan-0001", "override.plan", "{\"path\":\"1\",\"run\":2}");
    assert_null(sim_answered(w, "plan-0001"));
    scene_end(w);
}

static void a_spawn_may_be_lifted(void **state) {
    static const sim_op ops[] = {SPAWN_HELPER};
    char signs[65];
    (void)state;
    sim_world *w = scene(ALLOW, ops, 1); /* no rule speaks of run.spawn */
    ends(w, FAILED);
    scene_do(w, "do-000001");
    ends(w, NULL);
    planned(w, "plan-0001", signs);
    assert_true(lifted(w, "override-1", signs));
    number_is(w, "SELECT count(*) FROM run", 2);
    number_is(w, USED, 1);
    scene_end(w);
}

/* What a person has said before stands against the next of its kind (denials.h). */
static void a_persons_standing_word_is_lifted_once(void **state) {
    char signs[65];
    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        sim_world *w = scene(ASK, once, COUNT(once));
        scene_do(w, "do-000001");
        scene_tell(w, "deny-0001", "deny", "{\"items\":[1],\"why\":\"no\"}");
        planned(w, "plan-0001", signs);
        assert_string_equal(signs, ""); /* the item itself was decided */
        ends(w, FAILED);
        scene_do(w, "do-000002");
        ends(w, NULL);
        of_run = 2;
        planned(w, "plan-0002", signs);
        assert_int_equal(strlen(signs), 64);
        assert_true(lifted(w, "override-1", signs));
        of_run = 1;
        assert_int_equal(w->held_count, 1);
        number_is(w, USED, 1);
        number_is(w, INTENDED, 1);
        restarts ? scene_restart(w) : scene_answer(w, APPLIED);
        number_is(w, "SELECT count(*) FROM item WHERE kind = 'approval'", 1);
        scene_do(w, "do-000003"); /* the word stands */
        number_is(w, "SELECT count(*) FROM effect WHERE run = 3 AND state = 'denied'", 1);
        scene_end(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_denied_goes_once),
        cmocka_unit_test(only_the_approvers_word_counts),
        cmocka_unit_test(what_was_shown_is_what_is_lifted),
        cmocka_unit_test(a_changed_rule_is_not_lifted),
        cmocka_unit_test(it_expires),
        cmocka_unit_test(halted_nothing_is_lifted),
        cmocka_unit_test(a_retry_needs_no_second_word),
        cmocka_unit_test(a_short_budget_still_asks),
        cmocka_unit_test(budgets_and_missing_things_are_not_lifted),
        cmocka_unit_test(what_was_done_since_stands),
        cmocka_unit_test(a_run_at_work_is_not_turned_round),
        cmocka_unit_test(what_is_not_denied_is_not_lifted),
        cmocka_unit_test(a_run_that_ended_goes_on),
        cmocka_unit_test(a_child_that_ended_does_not),
        cmocka_unit_test(a_spawn_may_be_lifted),
        cmocka_unit_test(a_persons_standing_word_is_lifted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
