/* What people let go beyond a limit: it is named in what they sign, booked as borrowed, held by an unknown
 * outcome and given back by what costs less; at each step also over a restart. */
#include "budgetscene.h"

#define CALLS_OF(unit) "SELECT spent + held FROM budget WHERE unit = '" unit "'"

/* A person lets one go beyond the limit: it is booked as borrowed, and the next is asked for again. */
static void an_approval_borrows(void **state) {
    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        sim_world *w = scene(BUDGET("limit: 1 calls, at_hard: ask"), once, COUNT(once));
        scene_do(w, "do-000001");
        scene_answer(w, APPLIED);
        scene_do(w, "do-000002");
        number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 1);
        number_is(w, RECORDS_WITH("32", "$.beyond[0].budget", "few"), 1);
        if (restarts) {
            scene_restart(w);
        }
        sim_approve(w, "approve-1", 1);
        sim_run_out(w);
        assert_int_equal(w->held_count, 1);
        number_is(w, CALLS_OF("calls"), 2);
        number_is(w, "SELECT held FROM budget WHERE unit = 'calls+'", 1);
        scene_answer(w, APPLIED);
        number_is(w, "SELECT spent FROM budget WHERE unit = 'calls+'", 1);
        number_is(w, "SELECT sum(held) + sum(overrun) FROM budget", 0);
        if (restarts) {
            scene_restart(w);
        }
        scene_do(w, "do-000003");
        number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 1);
        scene_tell(w, "deny-0001", "deny", "{\"items\":[2],\"why\":\"no\"}");
        number_is(w, CALLS_OF("calls"), 2);
        scene_end(w);
    }
}

/* Of what was held and borrowed, what is left over is given back to the lender first. */
static void what_it_did_not_cost_is_given_back(void **state) {
    (void)state;
    static const struct {
        const char *says;
        int64_t spent, borrowed;
    } cases[] = {
        {"{\"cost\":{\"currency\":\"EUR\",\"micros\":250000},\"result\":{\"id\":1}}", 650000,
         150000},
        {"{\"cost\":{\"currency\":\"EUR\",\"micros\":50000},\"result\":{\"id\":1}}", 450000, 0},
        {"{\"cost\":{\"currency\":\"EUR\",\"micros\":900000},\"result\":{\"id\":1}}", 1300000,
         300000},
        {APPLIED, 800000, 300000},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        sim_world *w = scene(BUDGET("limit: 0.50 EUR, at_hard: escalate"), once, COUNT(once));
        costs_money(w);
        scene_do(w, "do-000001");
        scene_answer(w, APPLIED);
        scene_do(w, "do-000002");
        sim_approve(w, "approve-1", 1);
        sim_run_out(w);
        number_is(w, "SELECT held FROM budget WHERE unit = 'EUR+'", 300000);
        scene_answer(w, cases[i].says);
        number_is(w, "SELECT spent FROM budget WHERE unit = 'EUR'", cases[i].spent);
        number_is(w, "SELECT spent FROM budget WHERE unit = 'EUR+'", cases[i].borrowed);
        number_is(w, "SELECT sum(held) FROM budget", 0);
        scene_end(w);
    }
}

/* An unknown outcome keeps what it has borrowed, over a restart, until there is a verdict. */
static void what_is_borrowed_is_held_by_unknown(void **state) {
    (void)state;
    sim_world *w = scene(BUDGET("limit: 0 calls, at_hard: ask"), once, COUNT(once));
    scene_do(w, "do-000001");
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    scene_restart(w);
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'unknown'", 1);
    number_is(w, "SELECT held FROM budget WHERE unit = 'calls+'", 1);
    scene_tell(w, "verdict-1", "verdict",
               "{\"number\":2,\"verdict\":\"not_done\",\"why\":\"looked\"}");
    number_is(w, "SELECT sum(held) FROM budget", 0);
    scene_end(w);
}

/* Its answer was lost with the kernel: what a person let covers the next attempt too, which pays again. */
static void sent_again_it_borrows_again(void **state) {
    (void)state;
    static const sim_op keyed[] = {WRITE("keyed")};
    sim_world *w = scene(BUDGET("limit: 0 calls, at_hard: ask"), keyed, COUNT(keyed));
    scene_do(w, "do-000001");
    sim_approve(w, "approve-1", 1);
    sim_run_out(w);
    assert_int_equal(w->held_count, 1);
    scene_restart(w);
    scene_pass(w, 60);
    assert_int_equal(w->held_count, 1);
    int64_t attempts = sim_number(w, "SELECT attempts FROM effect");
    assert_true(attempts > 1);
    number_is(w, CALLS_OF("calls+"), attempts);
    number_is(w, CALLS_OF("calls"), attempts);
    scene_answer(w, APPLIED);
    state_is(w, "done");
    number_is(w, "SELECT sum(held) FROM budget", 0);
    scene_end(w);
}

/* What was approved covers the budgets that were named, and no other. */
static void only_what_was_named_is_borrowed_from(void **state) {
    (void)state;
    static const char one[] =
        ALLOW "budgets:\n"
              "  - { id: few, scope: workspace, limit: 0 calls, at_hard: ask }\n"
              "  - { id: role, each: agent, limit: 0 calls, at_hard: ask }\n";
    sim_world *w = scene(one, once, COUNT(once));
    scene_do(w, "do-000001");
    number_is(w, RECORDS_WITH("32", "$.beyond[1].budget", "role"), 1);
    scene_policy(w, ALLOW "budgets:\n"
                          "  - { id: few, scope: workspace, limit: 0 calls, at_hard: ask }\n"
                          "  - { id: new, each: agent, limit: 0 calls, at_hard: ask }\n");
    scene_tell(w, "reload-01", "reload", "{}");
    number_is(w, "SELECT count(*) FROM item WHERE state = 'stale'", 1);
    sim_approve(w, "approve-2", 2);
    sim_run_out(w);
    assert_int_equal(w->held_count, 1);
    number_is(w, CALLS_OF("calls+"), 1);
    scene_answer(w, APPLIED);
    scene_do(w, "do-000002");
    scene_policy(w, BUDGET("limit: 0 calls, at_hard: deny"));
    scene_tell(w, "reload-02", "reload", "{}");
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'denied'", 1);
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 0);
    scene_end(w);
}

#define IS_OPEN(n) "SELECT count(*) FROM item WHERE state = 'open' AND number = " #n

/* A rule asks, and then a budget: what is asked for the budget stays so while others settle, and over a
 * restart, until somebody decides it. */
static void what_two_ask_for_stays_as_it_was_shown(void **state) {
    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        sim_world *w = scene("  - { id: asks, on: \"out.*.write\", ask: {} }\nbudgets:\n"
                             "  - { id: few, scope: workspace, limit: 0 calls, at_hard: ask }\n",
                             once, COUNT(once));
        scene_do(w, "do-000001");
        sim_approve(w, "approve-1", 1);
        sim_run_out(w);
        scene_do(w, "do-000002");
        sim_approve(w, "approve-2", 3);
        sim_run_out(w);
        number_is(w, IS_OPEN(2), 1);
        number_is(w, IS_OPEN(4), 1);
        sim_approve(w, "approve-3", 2);
        sim_run_out(w);
        scene_answer(w, APPLIED);
        scene_pass(w, 60);
        if (restarts) {
            scene_restart(w);
        }
        number_is(w, IS_OPEN(4), 1);
        sim_approve(w, "approve-4", 4);
        sim_run_out(w);
        assert_int_equal(w->held_count, 1);
        scene_answer(w, APPLIED);
        number_is(w, "SELECT spent FROM budget WHERE unit = 'calls+'", 2);
        scene_end(w);
    }
}

#define SLOW(then)                                                                                 \
    "  - { id: asks, on: \"out.*.write\", ask: {} }\nbudgets:\n"                                   \
    "  - { id: few, scope: workspace, limit: 0 calls, at_hard: throttle, throttle: 10m, "          \
    "then: " then " }\n"

/* A rule asks, and a budget throttles: while there is no room nobody is asked once more, and when it has
 * waited long enough, what `then` says becomes of it. */
static void what_is_approved_and_throttled_comes_to_an_end(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        bool asks = i % 2, restarts = i / 2;
        sim_world *w = scene(asks ? SLOW("ask") : SLOW("deny"), once, COUNT(once));
        scene_do(w, "do-000001");
        sim_approve(w, "approve-1", 1);
        sim_run_out(w);
        number_is(w, "SELECT count(*) FROM effect WHERE state = 'waiting' AND reason = 'budget'",
                  1);
        if (restarts) {
            scene_restart(w);
        }
        scene_pass(w, 500);
        number_is(w, "SELECT count(*) FROM item WHERE state = 'open'", 0);
        scene_pass(w, 101);
        number_is(w, "SELECT count(*) FROM effect WHERE state = 'denied'", !asks);
        number_is(w, RECORDS_WITH("32", "$.beyond[0].budget", "few"), asks);
        if (asks) {
            sim_approve(w, "approve-2", 2);
            sim_run_out(w);
            assert_int_equal(w->held_count, 1);
            scene_answer(w, APPLIED);
            number_is(w, "SELECT spent FROM budget WHERE unit = 'calls+'", 1);
        }
        scene_end(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_approval_borrows),
        cmocka_unit_test(what_it_did_not_cost_is_given_back),
        cmocka_unit_test(what_is_borrowed_is_held_by_unknown),
        cmocka_unit_test(sent_again_it_borrows_again),
        cmocka_unit_test(only_what_was_named_is_borrowed_from),
        cmocka_unit_test(what_two_ask_for_stays_as_it_was_shown),
        cmocka_unit_test(what_is_approved_and_throttled_comes_to_an_end),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_borrow", tests, NULL, NULL);
}
