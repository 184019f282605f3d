#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "budget.h"

#define B      "version: 1\nbudgets:\n"
#define NOON   1795435200000000LL /* 2026-11-23 12:00 UTC */
#define HOUR   3600000000LL
#define DAY    (24 * HOUR)
#define USD(x) ((int64_t)((x)*1000000))

static policy *make(const char *text) {
    policy_source source = {"b.yaml", text, strlen(text)};
    policy *p = NULL;
    diag d = {0};
    if (policy_compile(&p, &source, 1, NULL, NULL, NULL, &d)) {
        fail_msg("%d:%d: %s", d.line, d.column, d.what);
    }
    return p;
}

static const char usual[] =
    B "  - { id: month, scope: workspace, limit: 5.00 USD, window: calendar_month }\n"
      "  - { id: agent, each: agent, limit: 2.00 USD, window: day, at_hard: ask }\n"
      "  - { id: run, each: run_tree, limit: 0.50 USD, max_calls: 3, max_depth: 2 }\n";

static budget_request costs(const char *agent, uint64_t root, double usd) {
    return (budget_request){agent, root, 0, 1, USD(usd), "USD"};
}

static void reserves_in_every_scope(void **state) {
    (void)state;
    policy *p = make(usual);
    budgets *b = budgets_create();
    budget_request q = costs("a", 7, 0.1);
    budget_hold h[BUDGET_HOLDS];
    size_t n = 0;
    budget_refusal why;
    assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), 0);
    static const budget_hold want[] = {
        {"month", "workspace", "2026-11", "USD", 100000},
        {"agent", "agent:a", "2026-11-23", "USD", 100000},
        {"run", "run:7", "-", "USD", 100000},
        {"run", "run:7", "-", "calls", 1},
    };
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++) {
        assert_memory_equal(&h[i], &want[i], sizeof *want);
    }
    budgets_destroy(b);
    budgets_destroy(NULL);
    policy_destroy(p);
}

static const struct {
    double before; /* spent by another run of the same agent */
    budget_request q;
    const char *budget, *unit, *why;
    policy_verdict at_hard;
} refused[] = {
    {0,
     {"a", 7, 0, 1, USD(0.51), "USD"},
     "run",
     "USD",
     "budget run (b.yaml:5) of run:7: 0.51 USD wanted, 0 USD spent and 0 USD held of 0.50 USD",
     POLICY_DENY},
    {0.4,
     {"a", 7, 0, 1, USD(1.70), "USD"},
     "agent",
     "USD",
     "budget agent (b.yaml:4) of agent:a: 1.70 USD wanted, 0 USD spent and 0.40 USD held of 2 USD "
     "in "
     "2026-11-23",
     POLICY_ASK},
    {0,
     {"a", 7, 0, 4, 0, ""},
     "run",
     "calls",
     "budget run (b.yaml:5) of run:7: 4 calls wanted, 0 calls spent and 0 calls held of 3 calls",
     POLICY_DENY},
    {0,
     {"a", 7, 3, 1, 0, ""},
     "run",
     "depth",
     "budget run (b.yaml:5): runs in this tree may be 2 deep, and this one is at depth 3",
     POLICY_DENY},
    {0,
     {"a", 7, 0, 1, USD(0.1), "EUR"},
     "month",
     "EUR",
     "the effect costs EUR, and budget month (b.yaml:3) counts USD: no budget covers EUR",
     POLICY_DENY},
    {0, {"a", 7, 0, 1, INT64_MAX, "USD"}, "month", "USD", "", POLICY_DENY},
};

typedef struct total {
    int64_t spent, held;
    int count;
} total;

static void add_up(void *ctx, const char *id, const char *scope, const char *window,
                   const char *unit, int64_t spent, int64_t held, int64_t limit) {
    (void)id, (void)scope, (void)window, (void)unit, (void)limit;
    total *t = ctx;
    t->spent += spent;
    t->held += held;
    t->count++;
}

static total sum(const budgets *b, const policy *p) {
    total t = {0, 0, 0};
    budget_each(b, p, add_up, &t);
    return t;
}

static void refuses_in_words_and_holds_nothing(void **state) {
    (void)state;
    policy *p = make(usual);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        budgets *b = budgets_create();
        budget_hold h[BUDGET_HOLDS];
        size_t n = 99;
        budget_refusal why;
        if (refused[i].before > 0) {
            budget_request q = costs("a", 1, refused[i].before);
            assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), 0);
            n = 99;
        }
        total before = sum(b, p);
        assert_int_equal(budget_reserve(b, p, &refused[i].q, NOON, h, &n, &why), -1);
        assert_string_equal(why.budget, refused[i].budget);
        assert_string_equal(why.unit, refused[i].unit);
        assert_int_equal(why.at_hard, refused[i].at_hard);
        if (refused[i].why[0]) {
            assert_string_equal(why.why, refused[i].why);
        }
        total after = sum(b, p);
        assert_memory_equal(&before, &after, sizeof before);
        assert_int_equal(n, 99);
        budgets_destroy(b);
    }
    policy_destroy(p);
}

static void settles_and_releases(void **state) {
    (void)state;
    policy *p = make(B "  - { id: m, scope: workspace, limit: 1.00 USD }\n");
    static const struct {
        double hold, actual; /* actual < 0: all of it; 99: released */
        double spent, overrun;
    } cases[] = {
        {0.5, 0.2, 0.2, 0}, {0.5, -1, 0.5, 0},    {0.5, 99, 0, 0},
        {0.5, 0, 0, 0},     {0.5, 1.3, 1.3, 0.3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        budgets *b = budgets_create();
        budget_hold h[BUDGET_HOLDS];
        size_t n;
        budget_refusal why;
        budget_request q = costs("a", 1, cases[i].hold);
        assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), 0);
        assert_int_equal(sum(b, p).held, USD(cases[i].hold));
        if (cases[i].actual > 90) {
            budget_release(b, &h[0]);
        } else {
            int64_t actual = cases[i].actual < 0 ? -1 : USD(cases[i].actual);
            assert_int_equal(budget_settle(b, p, &h[0], actual), USD(cases[i].overrun));
        }
        assert_int_equal(sum(b, p).spent, USD(cases[i].spent));
        assert_int_equal(sum(b, p).held, 0);
        budget_request more = costs("a", 1, 0.000001);
        assert_int_equal(budget_reserve(b, p, &more, NOON, h, &n, &why),
                         cases[i].overrun > 0 ? -1 : 0);
        budgets_destroy(b);
    }
    policy_destroy(p);
}

/* Overrun is what this settlement adds beyond the limit, also when the limit was lowered since. */
static void a_lowered_limit(void **state) {
    (void)state;
    policy *high = make(B "  - { id: m, scope: workspace, limit: 10 USD }\n");
    policy *low = make(B "  - { id: m, scope: workspace, limit: 1 USD }\n");
    policy *gone = make("version: 1\n");
    budgets *b = budgets_create();
    budget_hold h[BUDGET_HOLDS];
    size_t n;
    budget_refusal why;
    budget_request q = costs("a", 1, 4);
    assert_int_equal(budget_reserve(b, high, &q, NOON, h, &n, &why), 0);
    assert_int_equal(budget_settle(b, low, &h[0], USD(4)), 0);
    budget_request more = costs("a", 1, 0.1);
    assert_int_equal(budget_reserve(b, low, &more, NOON, h, &n, &why), -1);
    assert_int_equal(why.spent, USD(4));
    assert_int_equal(budget_reserve(b, high, &more, NOON, h, &n, &why), 0);
    assert_int_equal(budget_settle(b, low, &h[0], USD(0.4)), USD(0.3));
    assert_int_equal(budget_settle(b, gone, &h[0], USD(9)), 0);
    budgets_destroy(b);
    policy_destroy(high);
    policy_destroy(low);
    policy_destroy(gone);
}

static const struct {
    const char *window; /* with the zone */
    int64_t at;
    const char *name;
} windows[] = {
    {"window: day", NOON, "2026-11-23"},
    {"window: day", NOON + 12 * HOUR - 1, "2026-11-23"},
    {"window: day", NOON + 12 * HOUR, "2026-11-24"},
    {"window: hour", NOON, "2026-11-23T12"},
    {"window: calendar_month", NOON + 8 * DAY, "2026-12"},
    {"window: none", NOON, "-"},
    {"window: day, tz: Europe/Madrid", NOON + 11 * HOUR - 1, "2026-11-23"},
    {"window: day, tz: Europe/Madrid", NOON + 11 * HOUR, "2026-11-24"},
    {"window: hour, tz: Asia/Kolkata", NOON, "2026-11-23T17"},
    /* summer time, also in years that no zone file lists one by one */
    {"window: hour, tz: Europe/Madrid", NOON + 150 * DAY, "2027-04-22T14"},
    {"window: hour, tz: Europe/Madrid", NOON + (14610 + 150) * DAY, "2067-04-22T14"},
    {"window: hour, tz: Europe/Madrid", NOON + 14610 * DAY, "2066-11-23T13"},
    {"window: hour, tz: Australia/Sydney", NOON + 14610 * DAY, "2066-11-23T23"},
    {"window: hour, tz: America/New_York", NOON, "2026-11-23T07"},
    {"window: day", -1, "1969-12-31"},
};

static void windows_follow_the_zone(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        char text[200];
        snprintf(text, sizeof text, B "  - { id: m, scope: workspace, limit: 9 USD, %s }\n",
                 windows[i].window);
        policy *p = make(text);
        budgets *b = budgets_create();
        budget_hold h[BUDGET_HOLDS];
        size_t n;
        budget_refusal why;
        budget_request q = costs("a", 1, 1);
        assert_int_equal(budget_reserve(b, p, &q, windows[i].at, h, &n, &why), 0);
        assert_string_equal(h[0].window, windows[i].name);
        budgets_destroy(b);
        policy_destroy(p);
    }
}

/* A hold belongs to its window; a new day starts anew; long closed windows are forgotten. */
static void recovers_and_forgets(void **state) {
    (void)state;
    policy *p = make(B "  - { id: d, scope: workspace, limit: 2 calls, window: day }\n"
                       "  - { id: r, each: run_tree, limit: 9 calls }\n");
    budgets *b = budgets_create();
    budget_restore(b, "d", "workspace", "2026-11-23", "calls", 1, 1);
    budget_request q = {"a", 5, 0, 1, 0, ""};
    budget_hold h[BUDGET_HOLDS];
    size_t n;
    budget_refusal why;
    assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), -1);
    assert_int_equal(why.held, 1);
    assert_int_equal(budget_reserve(b, p, &q, NOON + DAY, h, &n, &why), 0);
    assert_int_equal(n, 2);
    budget_settle(b, p, &h[0], -1);
    budget_forget_run(b, 5); /* still holds */
    assert_int_equal(sum(b, p).count, 3);
    budget_release(b, &h[1]);
    budget_forget_run(b, 5);
    assert_int_equal(sum(b, p).count, 2);
    budget_hold old = {"d", "workspace", "2026-11-23", "calls", 1};
    budget_settle(b, p, &old, 1);
    assert_int_equal(budget_reserve(b, p, &q, NOON + 9 * DAY, h, &n, &why), 0);
    assert_int_equal(sum(b, p).count, 2); /* both old days are gone */
    budgets_destroy(b);
    policy_destroy(p);
}

static void holds_go_through_json(void **state) {
    (void)state;
    budget_hold h[2] = {{"m", "workspace", "2026-11", "USD", INT64_MAX},
                        {"r", "run:18446744073709551615", "-", "calls", 1}};
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    budget_holds_json(h, 2, &w);
    keel_json_error e;
    assert_int_equal(keel_json_check(out.data, out.len, &e), 0);
    budget_hold back[BUDGET_HOLDS];
    size_t n = 0;
    assert_int_equal(budget_holds_parse(keel_json_view(out.data, out.len), back, &n), 0);
    assert_int_equal(n, 2);
    assert_memory_equal(back, h, sizeof h);
    keel_buf_free(&out);
    static const char *const bad[] = {
        "{}",
        "[1]",
        "[{\"amount\":1}]",
        "[{\"amount\":-1,\"budget\":\"m\",\"scope\":\"w\",\"unit\":\"USD\",\"window\":\"-\"}]",
        "[{\"amount\":1,\"budget\":\"m\",\"scope\":\"w\",\"unit\":\"dollars!\",\"window\":\"-\"}]",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(budget_holds_parse(keel_json_view(bad[i], strlen(bad[i])), back, &n), -1);
        assert_int_equal(n, 2);
    }
}

/* ---- the invariant, at random ---- */

typedef struct open_hold {
    budget_hold holds[BUDGET_HOLDS];
    size_t count;
} open_hold;

static void within_limit(void *ctx, const char *id, const char *scope, const char *window,
                         const char *unit, int64_t spent, int64_t held, int64_t limit) {
    (void)ctx, (void)id, (void)scope, (void)window, (void)unit;
    assert_true(spent >= 0 && held >= 0 && limit >= 0);
    assert_true(spent + held <= limit);
}

static void spent_and_held_never_pass_the_limit(void **state) {
    (void)state;
    static const char *const agents[] = {"a", "b", "c"};
    policy *p =
        make(B "  - { id: month, scope: workspace, limit: 3.00 USD, window: calendar_month }\n"
               "  - { id: day, scope: workspace, limit: 60 calls, window: day }\n"
               "  - { id: agent, each: agent, limit: 1.10 USD, window: day }\n"
               "  - { id: euro, each: agent, limit: 0.70 EUR, window: hour }\n"
               "  - { id: run, each: run_tree, limit: 0.50 USD, max_calls: 7, max_depth: 3 }\n");
    for (unsigned seed = 1; seed <= 20; seed++) {
        srand(seed);
        budgets *b = budgets_create();
        open_hold open[64] = {{.count = 0}};
        int64_t now = NOON;
        int refusals = 0;
        for (int i = 0; i < 3000; i++) {
            open_hold *o = &open[rand() % 64];
            now += rand() % (HOUR / 60);
            if (o->count) {
                for (size_t k = 0; k < o->count; k++) {
                    if (rand() % 3) {
                        int64_t actual = rand() % 4 ? o->holds[k].amount * (rand() % 5) / 4 : -1;
                        assert_int_equal(budget_settle(b, p, &o->holds[k], actual), 0);
                    } else {
                        budget_release(b, &o->holds[k]);
                    }
                }
                o->count = 0;
            } else {
                bool euro = rand() % 4 == 0;
                budget_request q = {agents[rand() % 3], (uint64_t)(rand() % 9 + 1),
                                    rand() % 5,         rand() % 2,
                                    rand() % 400000,    "USD"};
                memcpy(q.currency, euro ? "EUR" : "USD", 4);
                budget_refusal why;
                total before = sum(b, p);
                if (budget_reserve(b, p, &q, now, o->holds, &o->count, &why)) {
                    total after = sum(b, p);
                    assert_int_equal(o->count, 0);
                    assert_int_equal(before.held, after.held);
                    assert_true(why.why[0] != 0);
                    refusals++;
                }
            }
            budget_each(b, p, within_limit, NULL);
        }
        assert_true(refusals > 100);
        budgets_destroy(b);
    }
    policy_destroy(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reserves_in_every_scope),
        cmocka_unit_test(refuses_in_words_and_holds_nothing),
        cmocka_unit_test(settles_and_releases),
        cmocka_unit_test(a_lowered_limit),
        cmocka_unit_test(windows_follow_the_zone),
        cmocka_unit_test(recovers_and_forgets),
        cmocka_unit_test(holds_go_through_json),
        cmocka_unit_test(spent_and_held_never_pass_the_limit),
    };
    digest_init();
    return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
