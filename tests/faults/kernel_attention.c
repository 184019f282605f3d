/* A person's attention: what interrupts is counted, what is beyond the day's limit is gathered and comes
 * together when the day turns, and minutes run from the first showing to the decision; at each step also
 * over a restart. */
#include "budgetscene.h"

#define ASKS                                                                                       \
    "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: 7d } }\n"                  \
    "budgets:\n"
#define FEW   ASKS "  - { id: calm, each: day, limit: 2 interruptions }\n"
#define BRIEF ASKS "  - { id: time, each: day, limit: 3 minutes }\n"

#define OPEN         "SELECT count(*) FROM item WHERE state = 'open'"
#define GATHERED     "SELECT count(*) FROM effect WHERE state = 'waiting' AND reason = 'attention'"
#define SPENT(unit)  "SELECT total(spent) FROM budget WHERE unit = '" unit "'"
#define TODAY(n)     "SELECT spent FROM budget ORDER BY window LIMIT 1 OFFSET " #n
#define UNTIL_TURN_S 7200 /* it is 22:13 in UTC when a scene begins */

static void more_than_the_limit_is_gathered(void **state) {
    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        sim_world *w = scene(FEW, once, COUNT(once));
        scene_do_many(w, "do", 5);
        number_is(w, OPEN, 2);
        number_is(w, GATHERED, 3);
        number_is(w, SPENT("interruptions"), 2);
        number_is(w, RECORDS_WITH("32", "$.budget.id", "calm"), 3);
        if (restarts) {
            scene_restart(w);
            number_is(w, OPEN, 2);
            number_is(w, GATHERED, 3);
            number_is(w, SPENT("interruptions"), 2);
        }
        scene_pass(w, UNTIL_TURN_S);
        number_is(w, OPEN, 5);
        number_is(w, GATHERED, 0);
        number_is(w, TODAY(1), 1); /* together they interrupt once */
        scene_do_many(w, "on", 2);
        number_is(w, OPEN, 6);
        number_is(w, GATHERED, 1);
        sim_approve(w, "approve-1", 4);
        sim_run_out(w);
        assert_int_equal(w->held_count, 1);
        scene_answer(w, APPLIED);
        scene_end(w);
    }
}

/* The day turned while nothing ran. */
static void they_come_together_at_a_start(void **state) {
    (void)state;
    sim_world *w = scene(FEW, once, COUNT(once));
    scene_do_many(w, "do", 5);
    w->clock += UNTIL_TURN_S * 1000000LL;
    scene_restart(w);
    number_is(w, OPEN, 5);
    number_is(w, GATHERED, 0);
    number_is(w, TODAY(1), 1);
    scene_end(w);
}

static void who_looks_is_not_interrupted(void **state) {
    (void)state;
    sim_world *w =
        scene(ASKS "  - { id: calm, each: day, limit: 0 interruptions }\n", once, COUNT(once));
    scene_do_many(w, "do", 3);
    number_is(w, OPEN, 0);
    scene_pass(w, UNTIL_TURN_S);
    number_is(w, GATHERED, 3);
    scene_tell(w, "look-0001", "gathered", "{}");
    number_is(w, OPEN, 3);
    number_is(w, "SELECT count(*) FROM budget", 0);
    scene_do_many(w, "on", 1);
    number_is(w, GATHERED, 1);
    scene_tell(w, "halt-0001", "halt", "{\"why\":\"wait\"}");
    scene_tell(w, "look-0002", "gathered", "{}");
    number_is(w, GATHERED, 1);
    scene_end(w);
}

/* Its place on the list is kept: that is no new interruption. */
static void what_is_asked_anew_is_there_already(void **state) {
    (void)state;
    sim_world *w = scene(FEW, once, COUNT(once));
    scene_do_many(w, "do", 2);
    scene_policy(w, "  - { id: other, on: \"out.*.write\", ask: {} }\n"
                    "budgets:\n  - { id: calm, each: day, limit: 2 interruptions }\n");
    scene_tell(w, "reload-01", "reload", "{}");
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    number_is(w, "SELECT count(*) FROM item WHERE state = 'stale'", 1);
    number_is(w, OPEN, 2);
    number_is(w, GATHERED, 0);
    number_is(w, SPENT("interruptions"), 2);
    scene_end(w);
}

static void what_needs_nobody_any_more_goes(void **state) {
    (void)state;
    sim_world *w = scene(FEW, once, COUNT(once));
    scene_do_many(w, "do", 3);
    scene_policy(w, ALLOW "budgets:\n  - { id: calm, each: day, limit: 2 interruptions }\n");
    scene_tell(w, "reload-01", "reload", "{}");
    number_is(w, GATHERED, 0);
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'intended'", 1);
    number_is(w, OPEN, 2);
    scene_end(w);
}

/* What a budget escalates, and whom the limit does not count. */
static void what_is_urgent_is_never_gathered(void **state) {
    (void)state;
    sim_world *w =
        scene(ALLOW "budgets:\n  - { id: few, scope: workspace, limit: 0 calls, at_hard: "
                    "escalate }\n  - { id: calm, each: day, limit: 1 interruptions }\n",
              once, COUNT(once));
    scene_do_many(w, "do", 3);
    number_is(w, OPEN, 3);
    number_is(w, SPENT("interruptions"), 3);
    scene_policy(w, "  - { id: asks, on: \"out.*.write\", ask: {} }\nbudgets:\n"
                    "  - { id: calm, each: day, agents: [helper], limit: 0 interruptions }\n");
    scene_tell(w, "reload-01", "reload", "{}");
    scene_do_many(w, "on", 2);
    number_is(w, OPEN, 5);
    number_is(w, GATHERED, 0);
    scene_end(w);
}

/* What has waited for a release and then asks has waited long enough: it is not made to wait anew. */
static void what_was_throttled_asks_when_somebody_looks(void **state) {
    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        sim_world *w = scene(
            ALLOW
            "budgets:\n  - { id: few, scope: workspace, limit: 1 calls, window: life, at_hard: "
            "throttle, throttle: 10m, then: ask }\n"
            "  - { id: calm, each: day, limit: 0 interruptions }\n",
            once, COUNT(once));
        scene_do(w, "do-000001");
        scene_answer(w, APPLIED);
        scene_do(w, "do-000002");
        number_is(w, GATHERED, 0);
        scene_pass(w, 601);
        number_is(w, GATHERED, 1);
        if (restarts) {
            scene_restart(w);
            number_is(w, GATHERED, 1);
        }
        scene_tell(w, "look-0001", "gathered", "{}");
        number_is(w, GATHERED, 0);
        number_is(w, OPEN, 1);
        sim_approve(w, "approve-1", 1);
        sim_run_out(w);
        assert_int_equal(w->held_count, 1);
        scene_answer(w, APPLIED);
        scene_end(w);
    }
}

/* A budget that asks is gathered too, and goes by itself when there is room. */
static void what_a_budget_asks_for_is_gathered(void **state) {
    (void)state;
    sim_world *w = scene(
        ALLOW "budgets:\n  - { id: few, scope: workspace, limit: 1 calls, window: day, at_hard: "
              "ask }\n  - { id: calm, each: day, limit: 0 interruptions }\n",
        once, COUNT(once));
    scene_do(w, "do-000001");
    scene_answer(w, APPLIED);
    scene_do(w, "do-000002");
    number_is(w, GATHERED, 1);
    scene_tell(w, "look-0001", "gathered", "{}");
    number_is(w, RECORDS_WITH("32", "$.beyond[0].budget", "few"), 1);
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    number_is(w, "SELECT held FROM budget WHERE unit = 'calls+'", 1);
    scene_answer(w, APPLIED);
    scene_do(w, "do-000003");
    number_is(w, GATHERED, 1);
    scene_pass(w, UNTIL_TURN_S);
    number_is(w, GATHERED, 0);
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'intended'", 1);
    scene_end(w);
}

/* ---- minutes ---- */

static void deny(sim_world *w, int number) {
    char request[32], args[80];
    snprintf(request, sizeof request, "deny-%04d", number);
    snprintf(args, sizeof args, "{\"items\":[%d],\"why\":\"no\"}", number);
    scene_tell(w, request, "deny", args);
}

static void minutes_run_from_the_first_showing(void **state) {
    (void)state;
    static const struct {
        int64_t shown_s; /* ago; 0: it was not */
        int64_t spent;
        bool restart, approve;
    } cases[] = {
        {100, 100, false, false}, {100, 100, false, true},  {100, 100, true, false},
        {100, 100, true, true},   {1000, 300, false, true}, {0, 0, false, true},
        {0, 0, true, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        sim_world *w = scene(BRIEF, once, COUNT(once));
        scene_do(w, "do-000001");
        number_is(w, OPEN, 1);
        if (cases[i].shown_s) {
            scene_tell(w, "shown-001", "shown", "{\"numbers\":[1]}");
            scene_pass(w, cases[i].shown_s / 2);
            scene_tell(w, "shown-002", "shown", "{\"numbers\":[1]}");
        }
        if (cases[i].restart) {
            scene_restart(w);
        }
        scene_pass(w, cases[i].shown_s - cases[i].shown_s / 2);
        if (cases[i].approve) {
            sim_approve(w, "approve-1", 1);
            sim_run_out(w);
            scene_answer(w, APPLIED);
        } else {
            deny(w, 1);
        }
        int64_t spent = sim_number(w, SPENT("seconds"));
        int64_t around = cases[i].spent % 300 ? 30 : 0; /* coming to rest takes time too */
        assert_in_range(spent, cases[i].spent, cases[i].spent + around);
        number_is(w, "SELECT count(*) FROM batch", cases[i].shown_s ? 1 : 0);
        scene_end(w);
    }
}

/* What lay on the table at once is not counted once for each. */
static void no_minute_counts_twice(void **state) {
    (void)state;
    sim_world *w = scene(BRIEF, once, COUNT(once));
    scene_do_many(w, "do", 3);
    scene_tell(w, "shown-001", "shown", "{\"numbers\":[1,2,3]}");
    scene_pass(w, 60);
    deny(w, 1);
    deny(w, 2);
    int64_t spent = sim_number(w, SPENT("seconds"));
    assert_in_range(spent, 60, 65);
    scene_restart(w);
    scene_pass(w, 30);
    deny(w, 3);
    spent = sim_number(w, SPENT("seconds"));
    assert_in_range(spent, 90, 120);
    scene_end(w);
}

static void after_the_minutes_it_is_gathered(void **state) {
    (void)state;
    sim_world *w = scene(BRIEF, once, COUNT(once));
    scene_do(w, "do-000001");
    scene_tell(w, "shown-001", "shown", "{\"numbers\":[1]}");
    scene_pass(w, 200);
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    scene_answer(w, APPLIED);
    scene_do(w, "do-000002");
    number_is(w, OPEN, 0);
    number_is(w, GATHERED, 1);
    scene_restart(w);
    number_is(w, GATHERED, 1);
    scene_pass(w, UNTIL_TURN_S);
    number_is(w, OPEN, 1);
    scene_end(w);
}

/* What a digest shows interrupts when it is shown, and all of it once. */
static void a_digest_counts_in_its_own_day(void **state) {
    (void)state;
    sim_world *w =
        scene("  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: 7d, digest: "
              "[\"09:00\"] } }\n"
              "budgets:\n  - { id: calm, each: day, limit: 1 interruptions }\n",
              once, COUNT(once));
    scene_do_many(w, "do", 3);
    number_is(w, OPEN, 3);
    number_is(w, "SELECT count(*) FROM budget", 1);
    number_is(w, "SELECT spent FROM budget WHERE window = '2023-11-15'", 1);
    scene_restart(w);
    scene_do_many(w, "on", 1);
    number_is(w, OPEN, 4);
    number_is(w, SPENT("interruptions"), 1);
    scene_pass(w,
               UNTIL_TURN_S + 9 * 3600 + 600); /* it was shown: the next digest is another day's */
    scene_do_many(w, "so", 2);
    number_is(w, OPEN, 6);
    number_is(w, "SELECT spent FROM budget WHERE window = '2023-11-16'", 1);
    scene_end(w);
}

#define ASK_IT(more)                                                                               \
    { "ask", "", "{" more "\"question\":\"Why?\"}" }

static void a_question_interrupts_too(void **state) {
    static const sim_op ops[] = {ASK_IT("")};
    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        sim_world *w = scene(FEW, ops, COUNT(ops));
        scene_do_many(w, "do", 5);
        number_is(w, OPEN, 5);
        number_is(w, "SELECT count(*) FROM item WHERE raise_us = 1700006400000000", 3);
        number_is(w, TODAY(0), 2);
        number_is(w, TODAY(1), 1); /* the others come together, when the day turns */
        if (restarts) {
            scene_restart(w);
            scene_do_many(w, "so", 1);
            number_is(w, TODAY(1), 1);
        }
        scene_pass(w, UNTIL_TURN_S);
        scene_do_many(w, "on", 1);
        number_is(w, TODAY(1), 2);
        scene_tell(w, "answer-01", "answer", "{\"number\":3,\"value\":\"so\"}");
        assert_non_null(sim_answered(w, "answer-01"));
        scene_end(w);
    }
}

/* Its default would be taken before anybody has seen it. */
static void a_question_that_would_expire_is_shown(void **state) {
    static const sim_op ops[] = {ASK_IT("\"expires_us\":3600000000,")};
    (void)state;
    sim_world *w = scene(FEW, ops, COUNT(ops));
    scene_do_many(w, "do", 3);
    number_is(w, "SELECT count(*) FROM item WHERE raise_us IS NULL AND state = 'open'", 3);
    number_is(w, SPENT("interruptions"), 3);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_than_the_limit_is_gathered),
        cmocka_unit_test(they_come_together_at_a_start),
        cmocka_unit_test(who_looks_is_not_interrupted),
        cmocka_unit_test(what_is_asked_anew_is_there_already),
        cmocka_unit_test(what_needs_nobody_any_more_goes),
        cmocka_unit_test(what_is_urgent_is_never_gathered),
        cmocka_unit_test(what_was_throttled_asks_when_somebody_looks),
        cmocka_unit_test(what_a_budget_asks_for_is_gathered),
        cmocka_unit_test(minutes_run_from_the_first_showing),
        cmocka_unit_test(no_minute_counts_twice),
        cmocka_unit_test(after_the_minutes_it_is_gathered),
        cmocka_unit_test(a_digest_counts_in_its_own_day),
        cmocka_unit_test(a_question_interrupts_too),
        cmocka_unit_test(a_question_that_would_expire_is_shown),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_attention", tests, NULL, NULL);
}
