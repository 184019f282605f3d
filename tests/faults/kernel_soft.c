/* `at_soft: batch`: beyond a soft limit what asks of what its budget counts is gathered until the day turns,
 * comes once, and is told; at each step also over a restart. */
#include "budgetscene.h"

#define ASKS(more, it)                                                                             \
    "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: 7d" more " } }\n"          \
    "budgets:\n  - { id: few, scope: workspace, limit: 5 calls, soft: 40%, " it " }\n"

#define OPEN         "SELECT count(*) FROM item WHERE state = 'open'"
#define GATHERED     "SELECT count(*) FROM effect WHERE state = 'waiting' AND reason = 'attention'"
#define SPENT(unit)  "SELECT total(spent) FROM budget WHERE unit = '" unit "'"
#define UNTIL_TURN_S 7200 /* it is 22:13 in UTC when a scene begins */

/* Runs whose effects are approved and done: 2 of 5 calls, which is the soft limit. */
static void reach(sim_world *w) {
    for (int i = 1; i <= 2; i++) {
        char request[24];
        snprintf(request, sizeof request, "reach-%04d", i);
        scene_do(w, request);
        snprintf(request, sizeof request, "approve-%04d", i);
        sim_approve(w, request, sim_number(w, "SELECT max(number) FROM item WHERE state = 'open'"));
        sim_run_out(w);
        scene_answer(w, APPLIED);
    }
    number_is(w, SPENT("calls"), 2);
    number_is(w, GATHERED, 0);
}

static void questions_are_gathered_from_the_soft_limit_on(void **state) {
    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        sim_world *w = scene(ASKS("", "at_soft: batch"), once, COUNT(once));
        reach(w);
        scene_do_many(w, "on", 3);
        number_is(w, OPEN, 0);
        number_is(w, GATHERED, 3);
        number_is(w, RECORDS_WITH("32", "$.budget.id", "few"), 3);
        if (restarts) {
            scene_restart(w);
            number_is(w, OPEN, 0);
            number_is(w, GATHERED, 3);
            number_is(w, RECORDS_WITH("32", "$.budget.id", "few"), 3); /* and not told anew */
        }
        scene_pass(w, UNTIL_TURN_S - 1200);
        number_is(w, OPEN, 0);
        scene_pass(w, 1200);
        number_is(w, OPEN, 3); /* though the limit is still reached: once is enough */
        number_is(w, GATHERED, 0);
        if (restarts) {
            scene_restart(w);
            number_is(w, OPEN, 3);
        }
        sim_approve(w, "approve-on", 3);
        sim_run_out(w);
        assert_int_equal(w->held_count, 1);
        scene_answer(w, APPLIED);
        scene_do(w, "next-0001");
        number_is(w, GATHERED, 1); /* till the next day */
        scene_end(w);
    }
}

/* The day turned while nothing ran. */
static void they_come_at_a_start(void **state) {
    (void)state;
    sim_world *w = scene(ASKS("", "at_soft: batch"), once, COUNT(once));
    reach(w);
    scene_do_many(w, "on", 2);
    w->clock += UNTIL_TURN_S * 1000000LL;
    scene_restart(w);
    number_is(w, OPEN, 2);
    number_is(w, GATHERED, 0);
    scene_end(w);
}

static void who_looks_sees_them_at_once(void **state) {
    (void)state;
    sim_world *w = scene(ASKS("", "at_soft: batch"), once, COUNT(once));
    reach(w);
    scene_do_many(w, "on", 2);
    scene_tell(w, "look-0001", "gathered", "{}");
    number_is(w, OPEN, 2);
    number_is(w, GATHERED, 0);
    scene_end(w);
}

/* There is room again, or nobody has to be asked. */
static void a_higher_limit_lets_them_ask(void **state) {
    (void)state;
    sim_world *w = scene(ASKS("", "at_soft: batch"), once, COUNT(once));
    reach(w);
    scene_do_many(w, "on", 2);
    scene_policy(w,
                 "  - { id: asks, on: \"out.*.write\", ask: {} }\nbudgets:\n"
                 "  - { id: few, scope: workspace, limit: 50 calls, soft: 40%, at_soft: batch }\n");
    scene_tell(w, "reload-01", "reload", "{}");
    number_is(w, OPEN, 2);
    number_is(w, GATHERED, 0);
    scene_end(w);
    w = scene(ASKS("", "at_soft: batch"), once, COUNT(once));
    reach(w);
    scene_do_many(w, "on", 2);
    scene_policy(w, BUDGET("limit: 5 calls, soft: 40%, at_soft: batch"));
    scene_tell(w, "reload-01", "reload", "{}");
    number_is(w, OPEN, 0);
    number_is(w, GATHERED, 0);
    number_is(w, "SELECT count(*) FROM effect WHERE state = 'intended'", 2);
    scene_end(w);
}

/* A digest of the rule's own, what is loud, another agent's, and what costs nothing that is counted. */
static void what_is_not_gathered(void **state) {
    (void)state;
    static const char *const others[] = {
        ASKS(", digest: [\"23:00\"]", "at_soft: batch"),
        ASKS("", "at_soft: batch, agents: [helper]"),
        ASKS("", "at_soft: [notify, ask]"),
        ("  - { id: asks, on: \"out.*.write\", ask: {} }\nbudgets:\n"
         "  - { id: few, scope: workspace, limit: 0 EUR, soft: 40%, at_soft: batch }\n"),
    };
    for (size_t i = 0; i < COUNT(others); i++) {
        sim_world *w = scene(ASKS("", "at_soft: notify"), once, COUNT(once));
        reach(w);
        scene_policy(w, others[i]);
        scene_tell(w, "reload-01", "reload", "{}");
        scene_do_many(w, "on", 2);
        number_is(w, OPEN, 2);
        number_is(w, GATHERED, 0);
        scene_end(w);
    }
    sim_world *w =
        scene(ALLOW "budgets:\n  - { id: few, scope: workspace, limit: 2 calls, soft: 40%,"
                    " at_soft: batch, at_hard: escalate }\n",
              once, COUNT(once));
    scene_do_many(w, "do", 2);
    scene_answer(w, APPLIED);
    scene_answer(w, APPLIED);
    scene_do_many(w, "on", 2);
    number_is(w, OPEN, 2);
    scene_end(w);
}

static void what_the_soft_limit_asks_for_is_gathered_too(void **state) {
    (void)state;
    sim_world *w =
        scene(BUDGET("limit: 5 calls, soft: 40%, at_soft: [ask, batch]"), once, COUNT(once));
    scene_do_many(w, "do", 2);
    scene_answer(w, APPLIED);
    scene_answer(w, APPLIED);
    scene_do_many(w, "on", 2);
    number_is(w, OPEN, 0);
    number_is(w, GATHERED, 2);
    scene_restart(w);
    number_is(w, GATHERED, 2);
    scene_pass(w, UNTIL_TURN_S);
    number_is(w, OPEN, 2);
    number_is(w, "SELECT count(*) FROM effect WHERE reason = 'budget'", 2);
    scene_end(w);
}

/* They come together, and count as one interruption; beyond the day's own limit they wait on. */
static void the_days_attention_counts_beside_it(void **state) {
    (void)state;
    sim_world *w =
        scene(ASKS("", "at_soft: batch") "  - { id: calm, each: day, limit: 3 interruptions }\n",
              once, COUNT(once));
    reach(w);
    number_is(w, SPENT("interruptions"), 2);
    scene_do_many(w, "on", 2);
    number_is(w, GATHERED, 2);
    number_is(w, SPENT("interruptions"), 2);
    scene_pass(w, UNTIL_TURN_S);
    number_is(w, OPEN, 2);
    number_is(w, SPENT("interruptions"), 3);
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_are_gathered_from_the_soft_limit_on),
        cmocka_unit_test(they_come_at_a_start),
        cmocka_unit_test(who_looks_sees_them_at_once),
        cmocka_unit_test(a_higher_limit_lets_them_ask),
        cmocka_unit_test(what_is_not_gathered),
        cmocka_unit_test(what_the_soft_limit_asks_for_is_gathered_too),
        cmocka_unit_test(the_days_attention_counts_beside_it),
    };
    digest_init();
    return cmocka_run_group_tests_name("kernel_soft", tests, NULL, NULL);
}
