#include "budget_world.h"

static const char usual[] =
    B "  - { id: month, scope: workspace, limit: 5.00 USD, window: calendar_month }\n"
      "  - { id: agent, each: agent, limit: 0.80 USD, window: day, at_hard: ask }\n"
      "  - { id: run, each: run_tree, limit: 0.50 USD, max_calls: 3, max_depth: 2 }\n";

static void reserves_in_every_scope(void **state) {
    (void)state;
    policy *p = make(usual);
    budgets *b = budgets_create();
    budget_request q = costs("a", 7, 0.1);
    budget_hold h[BUDGET_HOLDS];
    size_t n = 0;
    budget_refusal why;
    assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), 0);
    assert_int_equal(n, 4);
    is_held(&h[0], "month", "workspace", "2026-11", "USD", 100000);
    is_held(&h[1], "agent", "agent:a", "2026-11-23", "USD", 100000);
    is_held(&h[2], "run", "run:7", "-", "USD", 100000);
    is_held(&h[3], "run", "run:7", "-", "calls", 1);
    budgets_destroy(b);
    budgets_destroy(NULL);
    policy_destroy(p);
}

static const struct {
    double before; /* spent by another run of the same agent */
    struct {
        const char *agent;
        uint64_t root;
        int depth;
        int64_t calls, micros;
        const char *currency;
    } q;
    const char *budget, *unit, *why;
    budget_hard at_hard;
} refused[] = {
    {0,
     {"a", 7, 0, 1, USD(0.51), "USD"},
     "run",
     "USD",
     "budget run (b.yaml:5) of run:7: 0.51 USD wanted, 0 USD spent and 0 USD held of 0.50 USD",
     HARD_DENY},
    {0.4,
     {"a", 7, 0, 1, USD(0.45), "USD"},
     "agent",
     "USD",
     "budget agent (b.yaml:4) of agent:a: 0.45 USD wanted, 0 USD spent and 0.40 USD held of 0.80 "
     "USD "
     "in "
     "2026-11-23",
     HARD_ASK},
    {0,
     {"a", 7, 0, 4, 0, ""},
     "run",
     "calls",
     "budget run (b.yaml:5) of run:7: 4 calls wanted, 0 calls spent and 0 calls held of 3 calls",
     HARD_DENY},
    {0,
     {"a", 7, 3, 1, 0, ""},
     "run",
     "depth",
     "budget run (b.yaml:5): runs in this tree may be 2 deep, and this one is at depth 3",
     HARD_DENY},
    {0,
     {"a", 7, 0, 1, USD(0.1), "EUR"},
     "month",
     "EUR",
     "the effect costs EUR, and budget month (b.yaml:3) counts USD: no budget covers EUR",
     HARD_DENY},
    {0, {"a", 7, 0, 1, INT64_MAX, "USD"}, "month", "USD", "", HARD_DENY},
};

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
        budget_request q = request(refused[i].q.agent, refused[i].q.root, refused[i].q.depth,
                                   refused[i].q.calls, refused[i].q.micros, refused[i].q.currency);
        assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), -1);
        assert_string_equal(why.budget, refused[i].budget);
        assert_string_equal(why.unit, refused[i].unit);
        assert_int_equal(why.at_hard, refused[i].at_hard);
        if (refused[i].why[0]) {
            assert_string_equal(why.why, refused[i].why);
        }
        total after = sum(b, p);
        assert_int_equal(before.spent, after.spent);
        assert_int_equal(before.held, after.held);
        assert_int_equal(before.count, after.count);
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
    {"window: life", NOON, "-"},
    {"window: 24h", NOON + 59 * HOUR / 60, "2026-11-23T12:00/1h"},
    {"window: 24h", NOON - 1, "2026-11-23T11:00/1h"},
    {"window: 1h", NOON, "2026-11-23T12:00/2m"},
    {"window: 90m", NOON + 8 * HOUR / 60, "2026-11-23T12:05/5m"},
    {"window: 7d", NOON, "2026-11-23T12:00/6h"},
    {"window: 30d", NOON, "2026-11-23T00:00/1d"},
    {"window: 366d", NOON, "2026-11-19T00:00/14d"},
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
        assert_string_equal(budget_hold_place(&h[0]).window, windows[i].name);
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
    restore(b, p, "d", "2026-11-23", 1, 1);
    restore(b, p, "d", "2026-11-02", 7, 0); /* nobody asks for it any more */
    budget_request q = request("a", 5, 0, 1, 0, "");
    budget_hold h[BUDGET_HOLDS];
    size_t n;
    budget_refusal why;
    assert_int_equal(sum(b, p).count, 1);
    assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), -1);
    assert_int_equal(why.held, 1);
    assert_true(why.ends_us == NOON + 12 * HOUR);
    assert_int_equal(budget_reserve(b, p, &q, NOON + DAY, h, &n, &why), 0);
    assert_int_equal(n, 2);
    budget_settle(b, p, &h[0], -1);
    budget_forget_run(b, 5); /* still holds */
    assert_int_equal(sum_at(b, p, NOON + DAY).count, 3);
    budget_release(b, &h[1]);
    budget_forget_run(b, 5);
    assert_int_equal(sum_at(b, p, NOON + DAY).count, 2);
    static const char text[] = "[{\"amount\":1,\"budget\":\"d\",\"scope\":\"workspace\","
                               "\"unit\":\"calls\",\"window\":\"2026-11-23\"}]";
    keel_json old = keel_json_view(text, strlen(text));
    assert_int_equal(budget_holds_parse(b, old, h, &n), 0);
    budget_settle(b, p, &h[0], 1);
    assert_int_equal(budget_reserve(b, p, &q, NOON + 9 * DAY, h, &n, &why), 0);
    assert_int_equal(sum_at(b, p, NOON + 9 * DAY).count, 2); /* both old days are gone */
    budgets_destroy(b);
    policy_destroy(p);
}

static void holds_go_through_json(void **state) {
    (void)state;
    static const char text[] =
        "[{\"amount\":\"9223372036854775807\",\"budget\":\"m\",\"scope\":\"workspace\","
        "\"unit\":\"USD\",\"window\":\"2026-11\"},{\"amount\":1,\"budget\":\"r\","
        "\"scope\":\"run:18446744073709551615\",\"unit\":\"calls\",\"window\":\"-\"}]";
    budgets *b = budgets_create();
    budget_hold h[BUDGET_HOLDS];
    size_t n = 0;
    assert_int_equal(budget_holds_parse(b, keel_json_view(text, strlen(text)), h, &n), 0);
    assert_int_equal(n, 2);
    is_held(&h[0], "m", "workspace", "2026-11", "USD", INT64_MAX);
    is_held(&h[1], "r", "run:18446744073709551615", "-", "calls", 1);
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    budget_holds_json(h, 2, &w);
    assert_string_equal(out.data, text);
    keel_buf_free(&out);
    budget_forget_run(b, UINT64_MAX); /* the hold still stands in it */
    is_held(&h[1], "r", "run:18446744073709551615", "-", "calls", 1);
    static const char *const bad[] = {
        "{}",
        "[1]",
        "[{\"amount\":1}]",
        "[{\"amount\":-1,\"budget\":\"m\",\"scope\":\"w\",\"unit\":\"USD\",\"window\":\"-\"}]",
        "[{\"amount\":1,\"budget\":\"m\",\"scope\":\"w\",\"unit\":\"thousand "
        "dollars\",\"window\":\"-\"}]",
        "[{\"amount\":1,\"budget\":\"m\",\"scope\":\"w\",\"unit\":\"USD+\",\"window\":\"-\"}]",
        "[{\"amount\":1,\"budget\":\"m\",\"scope\":\"w\",\"unit\":\"USD\",\"window\":\"-\"},{"
        "\"amount\":2,\"budget\":\"m\",\"scope\":\"w\",\"unit\":\"USD+\",\"window\":\"-\"}]",
        "[{\"amount\":1,\"budget\":\"m\",\"scope\":\"w\",\"unit\":\"USD\",\"window\":\"-\"},{"
        "\"amount\":1,\"budget\":\"n\",\"scope\":\"w\",\"unit\":\"USD+\",\"window\":\"-\"}]",
        "[{\"amount\":1,\"budget\":\"m\",\"scope\":\"w\",\"unit\":\"USD\",\"window\":\"-\"},{"
        "\"amount\":1,\"budget\":\"m\",\"scope\":\"w\",\"unit\":\"EUR+\",\"window\":\"-\"}]",
        "[{\"amount\":2,\"budget\":\"m\",\"scope\":\"w\",\"unit\":\"USD\",\"window\":\"-\"},{"
        "\"amount\":1,\"budget\":\"m\",\"scope\":\"w\",\"unit\":\"USD+\",\"window\":\"-\"},{"
        "\"amount\":1,\"budget\":\"m\",\"scope\":\"w\",\"unit\":\"USD+\",\"window\":\"-\"}]",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(budget_holds_parse(b, keel_json_view(bad[i], strlen(bad[i])), h, &n), -1);
        assert_int_equal(n, 2);
    }
    budgets_destroy(b);
}

/* ---- the invariant, at random ---- */

typedef struct open_hold {
    budget_hold holds[BUDGET_HOLDS];
    size_t count;
} open_hold;

static void within_limit(void *ctx, const budget_line *l) {
    (void)ctx;
    assert_true(l->spent >= 0 && l->held >= 0 && l->limit >= 0);
    assert_true(l->spent + l->held <= l->limit);
}

static void spent_and_held_never_pass_the_limit(void **state) {
    (void)state;
    static const char *const agents[] = {"a", "b", "c"};
    policy *p =
        make(B "  - { id: month, scope: workspace, limit: 3.00 USD, window: calendar_month }\n"
               "  - { id: day, scope: workspace, limit: 60 calls, window: day }\n"
               "  - { id: agent, each: agent, limit: 1.10 USD, window: day }\n"
               "  - { id: euro, each: agent, limit: 0.70 EUR, window: hour }\n"
               "  - { id: roll, each: connection, limit: 2.00 USD, max_calls: 50, window: 6h }\n"
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
                budget_request q =
                    request(agents[rand() % 3], (uint64_t)(rand() % 9 + 1), rand() % 5, rand() % 2,
                            rand() % 400000, euro ? "EUR" : "USD");
                budget_refusal why;
                total before = sum_at(b, p, now);
                if (budget_reserve(b, p, &q, now, o->holds, &o->count, &why)) {
                    total after = sum_at(b, p, now);
                    assert_int_equal(o->count, 0);
                    assert_int_equal(before.held, after.held);
                    assert_true(why.why[0] != 0);
                    refusals++;
                }
            }
            budget_each(b, p, now, within_limit, NULL);
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
