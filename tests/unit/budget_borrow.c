/* What a person lets go beyond a limit: where that is possible, how it stands in records, what is given
 * back. */
#include <stdio.h>

#include "budget_world.h"

static void one_line(void *ctx, const budget_line *l) {
    *(budget_line *)ctx = *l;
}

static int64_t borrowed_now(budgets *b, const policy *p) {
    budget_line l = {.borrowed = -1};
    budget_each(b, p, NOON, one_line, &l);
    return l.borrowed;
}

static void only_what_is_let_goes_beyond(void **state) {
    (void)state;
    static const struct {
        const char *text, *let;
        int rc;
        size_t beyond;
    } cases[] = {
        {"limit: 1 USD, at_hard: ask", "m", 0, 0},
        {"limit: 1 USD, at_hard: escalate", "m", 0, 0},
        {"limit: 1 USD, at_hard: throttle, then: ask", "m", 0, 0},
        {"limit: 1 USD, at_hard: throttle", "m", -1, 0},
        {"limit: 1 USD, at_hard: stop", "m", -1, 0},
        {"limit: 1 USD", "m", -1, 0},
        {"limit: 1 USD, at_hard: ask", "n", -1, 1},
        {"limit: 1 USD, max_calls: 0, at_hard: ask", "m", -1, 2}, /* its calls were not named */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        snprintf(text, sizeof text, B "  - { id: m, scope: workspace, %s }\n", cases[i].text);
        policy *p = make(text);
        budgets *b = budgets_create();
        budget_hold h[BUDGET_HOLDS];
        budget_refusal why;
        size_t n = 0;
        budget_beyond let = {.unit = "USD"};
        snprintf(let.budget, sizeof let.budget, "%s", cases[i].let);
        budget_request q = costs("a", 1, 1.5);
        q.lets = &let;
        q.let_count = 1;
        assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), cases[i].rc);
        if (cases[i].rc == 0) {
            assert_int_equal(h[0].borrowed, USD(0.5));
            assert_int_equal(borrowed_now(b, p), USD(0.5));
        } else {
            assert_int_equal(why.beyond_count, cases[i].beyond);
            assert_int_equal(sum(b, p).held, 0);
        }
        budgets_destroy(b);
        policy_destroy(p);
    }
}

/* Of two that are waited for, the one that denies in the end decides. */
static void a_wait_that_ends_in_a_denial_is_stricter(void **state) {
    (void)state;
    static const char *const texts[] = {
        B "  - { id: m, scope: workspace, limit: 1 USD, at_hard: throttle, then: ask }\n"
          "  - { id: n, scope: workspace, limit: 1 USD, at_hard: throttle }\n",
        B "  - { id: n, scope: workspace, limit: 1 USD, at_hard: throttle }\n"
          "  - { id: m, scope: workspace, limit: 1 USD, at_hard: throttle, then: ask }\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        policy *p = make(texts[i]);
        budgets *b = budgets_create();
        budget_hold h[BUDGET_HOLDS];
        budget_refusal why;
        size_t n = 0;
        budget_request q = costs("a", 1, 1.5);
        assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), -1);
        assert_string_equal(why.budget, "n");
        assert_int_equal(why.then, POLICY_DENY);
        budgets_destroy(b);
        policy_destroy(p);
    }
}

static void borrowed_goes_through_json_and_is_given_back(void **state) {
    (void)state;
    static const struct {
        double actual; /* < 0: all of it; 99: released */
        double spent, borrowed;
    } cases[] = {{-1, 1.5, 0.5}, {1.2, 1.2, 0.2}, {0.8, 0.8, 0}, {2, 2, 0.5}, {99, 0, 0}};
    policy *p = make(B "  - { id: m, scope: workspace, limit: 1 USD, at_hard: ask }\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        budgets *b = budgets_create();
        budget_beyond let = {.budget = "m", .unit = "USD"};
        budget_request q = costs("a", 1, 1.5);
        budget_hold h[BUDGET_HOLDS], again[BUDGET_HOLDS];
        budget_refusal why;
        size_t n = 0, count = 0;
        q.lets = &let;
        q.let_count = 1;
        assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), 0);
        keel_buf out = KEEL_BUF_INIT;
        keel_json_writer w;
        keel_json_write(&w, &out);
        budget_holds_json(h, n, &w);
        assert_int_equal(budget_holds_parse(b, keel_json_view(out.data, out.len), again, &count),
                         0);
        assert_int_equal(count, 1);
        assert_int_equal(again[0].borrowed, USD(0.5));
        budget_holds_drop(again, count);
        keel_buf_free(&out);
        if (cases[i].actual > 98) {
            budget_release(b, &h[0]);
        } else {
            int64_t actual = cases[i].actual < 0 ? -1 : USD(cases[i].actual);
            budget_settle(b, p, &h[0], actual);
        }
        assert_int_equal(sum(b, p).spent, USD(cases[i].spent));
        assert_int_equal(cases[i].spent > 0 ? borrowed_now(b, p) : 0, USD(cases[i].borrowed));
        budgets_destroy(b);
    }
    policy_destroy(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_that_ends_in_a_denial_is_stricter),
        cmocka_unit_test(only_what_is_let_goes_beyond),
        cmocka_unit_test(borrowed_goes_through_json_and_is_given_back),
    };
    digest_init();
    return cmocka_run_group_tests_name("budget_borrow", tests, NULL, NULL);
}
