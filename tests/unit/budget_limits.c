/* Whom a budget counts, windows that roll, and what happens at its limits. */
#include "budget_world.h"

/* ---- scopes ---- */

static void counts_only_its_own(void **state) {
    (void)state;
    static const struct {
        const char *budget, *agent, *target, *connection;
        bool counts;
    } cases[] = {
        {"scope: workspace, agents: [a, b]", "a", "inbox.message.write", "inbox", true},
        {"scope: workspace, agents: [a, b]", "c", "inbox.message.write", "inbox", false},
        {"scope: workspace, on: inbox.message.write", "c", "inbox.message.write", "inbox", true},
        {"scope: workspace, on: \"*.*.write\"", "c", "inbox.message.read", "inbox", false},
        {"scope: workspace, on: [\"out.*\", run.spawn]", "c", "run.spawn", NULL, true},
        {"scope: workspace, on: \"inbox.*\", agents: a", "a", "inbox.message.read", "inbox", true},
        {"scope: workspace, on: \"inbox.*\", agents: a", "b", "inbox.message.read", "inbox", false},
        {"each: agent, agents: [a]", "b", "inbox.message.write", "inbox", false},
        {"each: connection", "b", "inbox.message.write", "inbox", true},
        {"each: connection", "b", "run.spawn", NULL, false},
        {"each: run_tree, on: run.spawn", "b", "inbox.message.write", "inbox", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        snprintf(text, sizeof text, B "  - { id: m, limit: 0 calls, %s }\n", cases[i].budget);
        policy *p = make(text);
        budgets *b = budgets_create();
        budget_hold h[BUDGET_HOLDS];
        size_t n = 9;
        budget_refusal why;
        budget_request q = request(cases[i].agent, 1, 0, 1, 0, "");
        q.target = cases[i].target;
        q.connection = cases[i].connection;
        int rc = budget_reserve(b, p, &q, NOON, h, &n, &why);
        if (rc != (cases[i].counts ? -1 : 0)) {
            fail_msg("%s: %s of %s", cases[i].budget, cases[i].target, cases[i].agent);
        }
        assert_int_equal(n, rc ? 9 : 0);
        budgets_destroy(b);
        policy_destroy(p);
    }
}

static void each_connection_has_its_account(void **state) {
    (void)state;
    policy *p = make(B "  - { id: c, each: connection, limit: 2 calls }\n");
    budgets *b = budgets_create();
    static const char *const names[] = {"inbox", "out", "inbox", "out", "inbox"};
    for (size_t i = 0; i < 5; i++) {
        budget_hold h[BUDGET_HOLDS];
        size_t n;
        budget_refusal why;
        budget_request q = request("a", i + 1, 0, 1, 0, "");
        q.connection = names[i];
        assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), i < 4 ? 0 : -1);
        if (i == 4) {
            assert_string_equal(why.scope, "connection:inbox");
        }
    }
    budgets_destroy(b);
    policy_destroy(p);
}

/* Other currencies are refused where a budget that counts this effect counts money. */
static void other_currencies(void **state) {
    (void)state;
    policy *p = make(B "  - { id: m, scope: workspace, on: \"inbox.*\", limit: 5 USD }\n"
                       "  - { id: o, scope: workspace, on: \"out.*\", limit: 5 EUR }\n");
    budgets *b = budgets_create();
    budget_hold h[BUDGET_HOLDS];
    size_t n;
    budget_refusal why;
    budget_request q = request("a", 1, 0, 1, USD(1), "EUR");
    assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), -1);
    assert_non_null(strstr(why.why, "no budget covers EUR"));
    q.target = "out.invoice.write";
    assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), 0);
    q.target = "elsewhere.a.write";
    assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), 0);
    assert_int_equal(n, 0);
    budgets_destroy(b);
    policy_destroy(p);
}

/* ---- windows that roll ---- */

typedef struct spending {
    int64_t at, amount;
} spending;

/* No real window, wherever it is laid, holds more than the limit. */
static void no_window_holds_too_much(const spending *all, size_t count, int64_t window,
                                     int64_t limit) {
    for (size_t i = 0; i < count; i++) {
        int64_t sum = 0;
        for (size_t k = i; k < count && all[k].at < all[i].at + window; k++) {
            sum += all[k].amount;
        }
        assert_true(sum <= limit);
    }
}

static void rolls(void **state) {
    (void)state;
    static const struct {
        const char *window;
        int64_t us, step; /* steps: between two that ask */
    } cases[] = {
        {"1h", HOUR, HOUR / 7},   {"90m", 3 * HOUR / 2, HOUR / 13}, {"24h", DAY, HOUR},
        {"25h", 25 * HOUR, HOUR}, {"7d", 7 * DAY, 5 * HOUR},        {"366d", 366 * DAY, 9 * DAY},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char text[200];
        static spending all[4000];
        size_t count = 0;
        int refusals = 0;
        snprintf(text, sizeof text,
                 B "  - { id: m, scope: workspace, limit: 40 calls, window: %s }\n",
                 cases[c].window);
        policy *p = make(text);
        budgets *b = budgets_create();
        int64_t now = NOON;
        srand(7);
        for (int i = 0; i < 4000; i++) {
            budget_hold h[BUDGET_HOLDS];
            size_t n;
            budget_refusal why;
            budget_request q = request("a", 1, 0, 1 + rand() % 9, 0, "");
            now += rand() % (cases[c].step / 2000000) * 1000000;
            if (budget_reserve(b, p, &q, now, h, &n, &why)) {
                assert_true(why.ends_us > now);
                assert_string_equal(why.window, cases[c].window);
                refusals++;
                continue;
            }
            all[count++] = (spending){now, h[0].amount};
            budget_settle(b, p, &h[0], -1);
        }
        assert_true(refusals > 200 && count > 200);
        no_window_holds_too_much(all, count, cases[c].us, 40);
        budgets_destroy(b);
        policy_destroy(p);
    }
}

/* A slice leaves when all of it has left; what is still held counts however old it is. */
static void a_slice_leaves_whole(void **state) {
    (void)state;
    policy *p = make(B "  - { id: m, scope: workspace, limit: 4 calls, window: 24h }\n");
    budgets *b = budgets_create();
    budget_hold h[4][BUDGET_HOLDS];
    size_t n;
    budget_refusal why;
    budget_request q = request("a", 1, 0, 2, 0, "");
    int64_t first = NOON + HOUR / 2;
    assert_int_equal(budget_reserve(b, p, &q, first, h[0], &n, &why), 0);
    assert_int_equal(budget_reserve(b, p, &q, first, h[1], &n, &why), 0);
    budget_settle(b, p, h[0], -1);
    assert_int_equal(budget_reserve(b, p, &q, first + DAY, h[2], &n, &why), -1);
    assert_true(why.ends_us == NOON + HOUR + DAY);
    assert_string_equal(why.why, "budget m (b.yaml:3) of workspace: 2 calls wanted, 2 calls spent "
                                 "and 2 calls held of 4 calls within 24h");
    assert_int_equal(budget_reserve(b, p, &q, why.ends_us - 1, h[2], &n, &why), -1);
    assert_int_equal(budget_reserve(b, p, &q, NOON + HOUR + DAY, h[2], &n, &why), 0);
    assert_int_equal(budget_reserve(b, p, &q, NOON + 3 * DAY, h[3], &n, &why), -1);
    assert_int_equal(why.held, 4); /* h[1] and h[2] */
    budget_release(b, h[1]);
    assert_int_equal(budget_reserve(b, p, &q, NOON + 3 * DAY, h[3], &n, &why), 0);
    /* settled long after its slice has left: it counts there, and nowhere else */
    assert_int_equal(budget_settle(b, p, h[2], 3), 0);
    budgets_destroy(b);
    policy_destroy(p);
}

/* The tables give the slices back; those that have left are not even taken. */
static void slices_are_recovered(void **state) {
    (void)state;
    policy *p = make(B "  - { id: m, scope: workspace, limit: 9 calls, window: 24h }\n");
    policy *shorter = make(B "  - { id: m, scope: workspace, limit: 9 calls, window: 6h }\n");
    budgets *b = budgets_create();
    budget_hold h[BUDGET_HOLDS];
    size_t n;
    budget_refusal why;
    restore(b, p, "m", "2026-11-23T11:00/1h", 3, 0);
    restore(b, p, "m", "2026-11-22T13:00/1h", 4, 0);
    restore(b, p, "m", "2026-11-22T10:00/1h", 9, 0); /* has left */
    restore(b, p, "m", "2026-11-01T10:00/1h", 0, 1); /* has left, but is held */
    restore(b, p, "m", "2026-11-23", 5, 0);          /* of a window by the calendar */
    assert_int_equal(sum(b, p).spent, 7 + 5);
    assert_int_equal(sum(b, p).held, 1);
    budget_request q = request("a", 1, 0, 2, 0, "");
    assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), -1);
    assert_int_equal(why.spent, 7);
    /* a window that was made shorter counts what it has of the longer one's */
    assert_int_equal(budget_reserve(b, shorter, &q, NOON, h, &n, &why), 0);
    q.calls = 4;
    assert_int_equal(budget_reserve(b, shorter, &q, NOON, h, &n, &why), -1);
    assert_int_equal(why.spent, 3);
    assert_int_equal(why.held, 3);
    budgets_destroy(b);
    policy_destroy(p);
    policy_destroy(shorter);
}

/* ---- soft limits, and what is stricter ---- */

static void soft_limits_tell_once(void **state) {
    (void)state;
    policy *p =
        make(B "  - { id: d, scope: workspace, limit: 10 calls, window: day, soft: 80% }\n");
    budgets *b = budgets_create();
    budget_hold h[BUDGET_HOLDS];
    size_t n;
    budget_refusal why;
    budget_notice told;
    for (int day = 0; day < 2; day++) {
        for (int i = 1; i <= 10; i++) {
            budget_request q = request("a", 1, 0, 1, 0, "");
            assert_int_equal(budget_reserve(b, p, &q, NOON + day * DAY, h, &n, &why), 0);
            assert_int_equal(budget_told(b, p, &told), i == 8);
            if (i == 8) {
                assert_string_equal(told.why,
                                    day ? "budget d of workspace has reached 80%: 7 calls "
                                          "spent and 1 call held of 10 calls in "
                                          "2026-11-24"
                                        : "budget d of workspace has reached 80%: 7 calls "
                                          "spent and 1 call held of 10 calls in "
                                          "2026-11-23");
                budget_release(b, &h[0]); /* it goes below, and comes again */
                assert_int_equal(budget_reserve(b, p, &q, NOON + day * DAY, h, &n, &why), 0);
                assert_false(budget_told(b, p, &told));
            }
            budget_settle(b, p, &h[0], -1);
        }
    }
    budgets_destroy(b);
    b = budgets_create(); /* a restart: that was told before */
    restore(b, p, "d", "2026-11-23", 8, 0);
    budget_request q = request("a", 1, 0, 1, 0, "");
    assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), 0);
    assert_false(budget_told(b, p, &told));
    budgets_destroy(b);
    policy_destroy(p);
}

static void soft_limits_ask(void **state) {
    (void)state;
    policy *p =
        make(B "  - { id: d, scope: workspace, limit: 5 calls, soft: 60%, at_soft: ask }\n");
    budgets *b = budgets_create();
    budget_hold h[BUDGET_HOLDS];
    size_t n;
    budget_refusal why;
    budget_notice told;
    for (int i = 1; i <= 6; i++) {
        budget_request q = request("a", 1, 0, 1, 0, "");
        int rc = budget_reserve(b, p, &q, NOON, h, &n, &why);
        assert_int_equal(rc, i <= 3 ? 0 : -1);
        assert_false(budget_told(b, p, &told));
        if (rc) {
            assert_int_equal(why.soft, i < 6);
            assert_int_equal(why.at_hard, i < 6 ? HARD_ASK : HARD_DENY);
            assert_non_null(strstr(why.why, i < 6 ? "; beyond 60% each is asked for" : "5 calls"));
            q.asked = true;
            assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), i < 6 ? 0 : -1);
        }
    }
    budgets_destroy(b);
    policy_destroy(p);
}

/* Of budgets that are short, the strictest says what becomes of it, wherever it stands. */
static void the_strictest_decides(void **state) {
    (void)state;
    static const char *const ways[] = {"deny", "stop", "throttle", "escalate", "ask"};
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 5; k++) {
            char text[300];
            snprintf(text, sizeof text,
                     B "  - { id: s, scope: workspace, limit: 9 calls, soft: 1%%, at_soft: ask }\n"
                       "  - { id: a, scope: workspace, limit: 0 calls, at_hard: %s }\n"
                       "  - { id: b, scope: workspace, limit: 0 calls, at_hard: %s }\n",
                     ways[i], ways[k]);
            policy *p = make(text);
            budgets *b = budgets_create();
            budget_hold h[BUDGET_HOLDS];
            size_t n;
            budget_refusal why;
            budget_request q = request("a", 1, 0, 1, 0, "");
            assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), -1);
            assert_int_equal(why.at_hard, i < k ? i : k);
            assert_string_equal(why.budget, i <= k ? "a" : "b");
            assert_false(why.soft);
            budgets_destroy(b);
            policy_destroy(p);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_only_its_own),   cmocka_unit_test(each_connection_has_its_account),
        cmocka_unit_test(other_currencies),      cmocka_unit_test(rolls),
        cmocka_unit_test(a_slice_leaves_whole),  cmocka_unit_test(slices_are_recovered),
        cmocka_unit_test(soft_limits_tell_once), cmocka_unit_test(soft_limits_ask),
        cmocka_unit_test(the_strictest_decides),
    };
    digest_init();
    return cmocka_run_group_tests_name("budget_limits", tests, NULL, NULL);
}
