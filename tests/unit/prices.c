/* Prices by model and day, what tokens cost by them, and limits in tokens. */
#include "prices.h"
#include "budget_world.h"

#define ROW(model, from, in, out, read, write)                                                     \
    "  - { model: " model ", from: " from ", input: " in ", output: " out ", cache_read: " read    \
    ", cache_write: " write " }\n"

static const char three[] =
    "version: 1\nprices:\n" ROW("small", "2026-03-01", "1 USD", "2 USD", "0.10 USD", "1.25 USD")
        ROW("big", "2026-01-31", "3 USD", "15 USD", "0.30 USD", "3.75 USD")
            ROW("big", "2026-11-24", "6 USD", "9 USD", "0.60 USD", "7.50 USD")
                ROW("big2", "2027-01-01", "999999.999999 USD", "999999.999999 USD",
                    "999999.999999 USD", "999999.999999 USD");

static const struct {
    const char *model;
    int64_t at_us;
    const char *from; /* of the row that holds; NULL: none */
} days[] = {
    {"big", NOON, "2026-01-31"},
    {"big", NOON + DAY, "2026-11-24"},
    {"big", NOON + DAY / 2 - 1, "2026-01-31"}, /* the last microsecond of the day */
    {"big", NOON + DAY / 2, "2026-11-24"},
    {"big", NOON + 3650 * DAY, "2026-11-24"},
    {"big", NOON - 300 * DAY, NULL},
    {"big", 0, NULL},
    {"big", -1, NULL},
    {"small", NOON, "2026-03-01"},
    {"big2", NOON, NULL},
    {"bi", NOON, NULL},
    {"bigger", NOON, NULL},
    {"", NOON, NULL},
    {"a", NOON, NULL},
    {"z", NOON, NULL},
};

static void the_newest_row_that_has_begun_holds(void **state) {
    (void)state;
    policy *p = make(three);
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        const price_row *r = policy_price(p, days[i].model, strlen(days[i].model), days[i].at_us);
        assert_string_equal(r ? r->from : "none", days[i].from ? days[i].from : "none");
        assert_true(!r || strcmp(r->model, days[i].model) == 0);
    }
    assert_int_equal(policy_price_count(p), 4);
    assert_false(policy_assumes_price(p));
    policy_destroy(p);
}

static const struct {
    token_usage used;
    int64_t micros;
} bills[] = {
    {{{0, 0, 0, 0}}, 0},
    {{{1, 0, 0, 0}}, 3},
    {{{0, 0, 1, 0}}, 1}, /* 0.3 of one */
    {{{0, 0, 10, 0}}, 3},
    {{{900, 50, 2000, 4}}, 2700 + 750 + 600 + 15},
    {{{1000000, 1000000, 1000000, 1000000}}, 22050000},
    {{{TOKENS_MOST, TOKENS_MOST, TOKENS_MOST, TOKENS_MOST}}, 22050000000},
};

static void tokens_cost_what_the_row_says(void **state) {
    (void)state;
    policy *p = make(three);
    const price_row *big = policy_price(p, "big", 3, NOON);
    for (size_t i = 0; i < sizeof bills / sizeof *bills; i++) {
        assert_int_equal(price_of(big, &bills[i].used), bills[i].micros);
    }
    const token_usage most = {{TOKENS_MOST, TOKENS_MOST, TOKENS_MOST, TOKENS_MOST}};
    assert_int_equal(price_of(policy_price(p, "big2", 4, NOON + 365 * DAY), &most),
                     4 * PRICE_MOST * 1000);
    assert_int_equal(tokens_sum(&most), 4 * TOKENS_MOST);
    policy_destroy(p);
}

/* What is the most expensive depends on what is used; rows that do not hold yet, or no more, do not count. */
static void the_most_expensive_row_is_that_of_the_usage(void **state) {
    (void)state;
    policy *p = make("version: 1\nunpriced: { assume: most_expensive }\nprices:\n" ROW(
        "in", "2026-01-01", "9 USD", "1 USD", "1 USD", "1 USD") ROW("out", "2026-01-01", "1 USD",
                                                                    "9 USD", "1 USD", "1 USD")
                         ROW("old", "2026-01-01", "99 USD", "99 USD", "99 USD", "99 USD")
                             ROW("old", "2026-02-01", "0 USD", "0 USD", "0 USD", "0 USD")
                                 ROW("new", "2026-12-01", "99 USD", "99 USD", "99 USD", "99 USD"));
    const token_usage in = {{10, 1, 0, 0}}, out = {{1, 10, 0, 0}};
    bool mixed;
    assert_true(policy_assumes_price(p));
    assert_string_equal(policy_price_most(p, &in, NOON, &mixed)->model, "in");
    assert_string_equal(policy_price_most(p, &out, NOON, &mixed)->model, "out");
    assert_string_equal(policy_price_most(p, &in, NOON + 30 * DAY, &mixed)->model, "new");
    assert_string_equal(policy_price_most(p, &in, NOON - 310 * DAY, &mixed)->model, "old");
    assert_null(policy_price_most(p, &in, NOON - 366 * DAY, &mixed));
    assert_false(mixed);
    policy_destroy(p);
    p = make("version: 1\nprices:\n" ROW("a", "2026-01-01", "9 USD", "1 USD", "1 USD", "1 USD")
                 ROW("b", "2026-12-01", "1 EUR", "9 EUR", "1 EUR", "1 EUR"));
    assert_string_equal(policy_price_most(p, &in, NOON, &mixed)->model, "a");
    assert_false(mixed);
    assert_null(policy_price_most(p, &in, NOON + 30 * DAY, &mixed));
    assert_true(mixed);
    policy_destroy(p);
}

/* Rows of two files are one list. */
static void files_are_merged(void **state) {
    (void)state;
    static const char one[] =
        "version: 1\nprices:\n" ROW("m", "2026-05-01", "1 USD", "1 USD", "1 USD", "1 USD");
    static const char two[] =
        "version: 1\nprices:\n" ROW("m", "2026-01-01", "2 USD", "2 USD", "2 USD", "2 USD");
    static const char said[] = "version: 1\nunpriced: deny\n";
    static const char faulty[] = "version: 1\nunpriced: { assume: most_expensive }\n";
    policy_source files[] = {{"a.yaml", one, strlen(one)},
                             {"b.yaml", two, strlen(two)},
                             {"c.yaml", said, strlen(said)},
                             {"d.yaml", said, strlen(said)}};
    policy *p = NULL;
    diag d = {0};
    assert_int_equal(policy_compile(&p, files, 3, NULL, NULL, NULL, &d), 0);
    assert_string_equal(policy_price(p, "m", 1, NOON - 300 * DAY)->file, "b.yaml");
    assert_string_equal(policy_price(p, "m", 1, NOON)->file, "a.yaml");
    policy_destroy(p);
    assert_int_equal(policy_compile(&p, files, 4, NULL, NULL, NULL, &d), DIAG_USAGE);
    assert_string_equal(d.what, "unpriced is said at c.yaml:2 already");
    files[1] = (policy_source){"b.yaml", one, strlen(one)};
    assert_int_equal(policy_compile(&p, files, 2, NULL, NULL, NULL, &d), DIAG_USAGE);
    assert_string_equal(d.what, "\"m\" has a price from 2026-05-01 on at a.yaml:3 already");
    files[2] = (policy_source){"c.yaml", faulty, strlen(faulty)};
    assert_int_equal(policy_compile(&p, files + 2, 1, NULL, NULL, NULL, &d), DIAG_USAGE);
    assert_string_equal(d.file, "c.yaml");
    assert_int_equal(d.line, 2);
}

/* ---- limits in tokens ---- */

static const char words[] = B
    "  - { id: all, scope: workspace, limit: 10000 tokens, window: calendar_month, soft: 50% }\n"
    "  - { id: role, each: agent, limit: 6000 tokens, window: 24h, at_hard: ask }\n"
    "  - { id: door, each: connection, limit: 9000 tokens, window: hour, at_hard: throttle }\n"
    "  - { id: tree, each: run_tree, limit: 5000 tokens, max_calls: 9, soft: 20%, at_soft: ask }\n";

static budget_request uses(const char *agent, uint64_t root, int64_t tokens) {
    budget_request q = request(agent, root, 0, 1, 0, "");
    q.tokens = tokens;
    return q;
}

static void held_in_every_scope_and_settled(void **state) {
    (void)state;
    policy *p = make(words);
    budgets *b = budgets_create();
    budget_hold h[BUDGET_HOLDS];
    budget_refusal why;
    budget_notice told;
    size_t n = 0;
    budget_request q = uses("a", 7, 900);
    assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), 0);
    assert_int_equal(n, 5);
    is_held(&h[0], "all", "workspace", "2026-11", "tokens", 900);
    is_held(&h[1], "role", "agent:a", "2026-11-23T12:00/1h", "tokens", 900);
    is_held(&h[2], "door", "connection:inbox", "2026-11-23T12", "tokens", 900);
    is_held(&h[3], "tree", "run:7", "-", "tokens", 900);
    is_held(&h[4], "tree", "run:7", "-", "calls", 1);
    for (size_t i = 0; i < n; i++) { /* more than was held: what goes beyond a limit is overrun */
        int64_t overrun = budget_settle(b, p, &h[i], i < 4 ? 5600 : 1);
        assert_int_equal(overrun, i == 3 ? 600 : 0);
    }
    assert_true(budget_told(b, p, &told));
    assert_string_equal(told.why,
                        "budget all of workspace has reached 50%: 5600 tokens spent and 0 "
                        "tokens held of 10000 tokens in 2026-11");
    assert_false(budget_told(b, p, &told));
    budgets_destroy(b);
    policy_destroy(p);
}

static const struct {
    const char *agent;
    uint64_t root;
    int64_t before, wants;
    budget_hard hard;
    bool soft;
    const char *why;
} short_of[] = {
    {"a", 1, 5500, 600, HARD_ASK, false,
     "budget role (b.yaml:4) of agent:a: 600 tokens wanted, 5500 tokens spent and 0 tokens held of "
     "6000 tokens within 24h"},
    {"b", 1, 9000, 1, HARD_THROTTLE, false,
     "budget door (b.yaml:5) of connection:inbox: 1 token wanted, 9000 tokens spent and 0 tokens "
     "held of 9000 tokens in 2026-11-23T12"},
    {"b", 1, 9500, 501, HARD_DENY, false,
     "budget all (b.yaml:3) of workspace: 501 tokens wanted, 9500 tokens spent and 0 tokens held "
     "of "
     "10000 tokens in 2026-11"},
    {"b", 1, 10, 1001, HARD_ASK, true,
     "budget tree (b.yaml:6) of run:1: 1001 tokens wanted, 0 tokens spent and 0 tokens held of "
     "5000 "
     "tokens; beyond 20% each is asked for"},
    {"a", 1, INT64_MAX, 1, HARD_DENY, false, NULL},
    {"a", 1, 0, INT64_MAX, HARD_DENY, false, NULL},
};

static void refused_with_the_account_that_is_short(void **state) {
    (void)state;
    policy *p = make(words);
    for (size_t i = 0; i < sizeof short_of / sizeof *short_of; i++) {
        budgets *b = budgets_create();
        budget_hold h[BUDGET_HOLDS];
        budget_refusal why;
        size_t n = 0;
        budget_request q = uses("a", 99, 1);
        assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), 0);
        for (size_t k = 0; k < n; k++) {
            budget_settle(b, p, &h[k],
                          strcmp(budget_hold_place(&h[k]).unit, "tokens") == 0 ? short_of[i].before
                                                                               : 1);
        }
        q = uses(short_of[i].agent, short_of[i].root, short_of[i].wants);
        assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), -1);
        assert_int_equal(why.at_hard, short_of[i].hard);
        assert_int_equal(why.soft, short_of[i].soft);
        assert_string_equal(why.unit, "tokens");
        if (short_of[i].why) {
            assert_string_equal(why.why, short_of[i].why);
        }
        q = uses("c", 50, 0); /* what uses none is not in its way */
        q.connection = NULL;
        assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), 0);
        assert_int_equal(n, 1);
        budgets_destroy(b);
    }
    policy_destroy(p);
}

static int64_t spent_of(budgets *b, const policy *p, const char *unit);

/* A person lets it go beyond: what it borrows stands in its hold, in the record and back. */
static void borrowed_and_written(void **state) {
    (void)state;
    policy *p = make(B "  - { id: few, scope: workspace, limit: 1000 tokens, at_hard: ask }\n");
    budgets *b = budgets_create();
    budget_hold h[BUDGET_HOLDS], back[BUDGET_HOLDS];
    budget_refusal why;
    size_t n = 0, count = 0;
    budget_request q = uses("a", 1, 1300);
    assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), -1);
    assert_int_equal(why.beyond_count, 1);
    assert_int_equal(why.beyond[0].amount, 300);
    assert_string_equal(why.beyond[0].unit, "tokens");
    q.asked = true;
    q.lets = why.beyond;
    q.let_count = 1;
    assert_int_equal(budget_reserve(b, p, &q, NOON, h, &n, &why), 0);
    keel_buf text = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &text);
    budget_holds_json(h, n, &w);
    static const char hold[] =
        "[{\"amount\":1300,\"budget\":\"few\",\"scope\":\"workspace\",\"unit\":\"tokens\","
        "\"window\":"
        "\"-\"},{\"amount\":300,\"budget\":\"few\",\"scope\":\"workspace\",\"unit\":\"tokens+\","
        "\"window\":\"-\"}]";
    assert_int_equal(text.len, sizeof hold - 1);
    assert_memory_equal(text.data, hold, text.len);
    assert_int_equal(budget_holds_parse(b, keel_json_view(text.data, text.len), back, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(back[0].borrowed, 300);
    budget_holds_drop(back, count);
    assert_int_equal(budget_settle(b, p, &h[0], 1100), 0);
    assert_int_equal(spent_of(b, p, "tokens"), 1100);
    keel_buf_free(&text);
    budgets_destroy(b);
    policy_destroy(p);
}

typedef struct looked {
    const char *unit;
    int64_t spent;
} looked;

static void on_line(void *ctx, const budget_line *l) {
    looked *k = ctx;
    k->spent += strcmp(l->unit, k->unit) == 0 ? l->spent : 0;
}

static int64_t spent_of(budgets *b, const policy *p, const char *unit) {
    looked k = {unit, 0};
    budget_each(b, p, NOON, on_line, &k);
    return k.spent;
}

/* Money of which nothing was held is spent where its currency counts, and nowhere else. */
static void opened_without_a_hold(void **state) {
    (void)state;
    policy *p = make(B "  - { id: usd, scope: workspace, limit: 1 USD }\n"
                       "  - { id: eur, each: agent, limit: 1 EUR }\n"
                       "  - { id: not, scope: workspace, limit: 1 EUR, agents: [b] }\n"
                       "  - { id: tok, scope: workspace, limit: 5 tokens }\n");
    budgets *b = budgets_create();
    budget_hold h[BUDGET_HOLDS];
    budget_request q = request("a", 1, 0, 1, 0, "EUR");
    assert_int_equal(budget_open(b, p, &q, NOON, h, 0), 0);
    assert_int_equal(budget_open(b, p, &q, NOON, h, BUDGET_HOLDS), 1);
    is_held(&h[0], "eur", "agent:a", "-", "EUR", 0);
    assert_int_equal(budget_settle(b, p, &h[0], USD(1.25)), USD(0.25));
    assert_int_equal(spent_of(b, p, "EUR"), USD(1.25));
    assert_int_equal(spent_of(b, p, "USD"), 0);
    budgets_destroy(b);
    policy_destroy(p);
}

/* A budget that says tokens now and money before has accounts of its own for each. */
static void another_unit_is_another_account(void **state) {
    (void)state;
    policy *before = make(B "  - { id: few, scope: workspace, limit: 5 calls }\n");
    policy *after = make(B "  - { id: few, scope: workspace, limit: 5 tokens }\n");
    budgets *b = budgets_create();
    budget_hold h[BUDGET_HOLDS];
    budget_refusal why;
    size_t n = 0;
    budget_request q = uses("a", 1, 5);
    assert_int_equal(budget_reserve(b, before, &q, NOON, h, &n, &why), 0);
    assert_int_equal(n, 1);
    budget_settle(b, before, &h[0], 1);
    assert_int_equal(budget_reserve(b, after, &q, NOON, h, &n, &why), 0);
    is_held(&h[0], "few", "workspace", "-", "tokens", 5);
    q.tokens = 1;
    assert_int_equal(budget_reserve(b, after, &q, NOON, h, &n, &why), -1);
    budgets_destroy(b);
    policy_destroy(before);
    policy_destroy(after);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_row_that_has_begun_holds),
        cmocka_unit_test(tokens_cost_what_the_row_says),
        cmocka_unit_test(the_most_expensive_row_is_that_of_the_usage),
        cmocka_unit_test(files_are_merged),
        cmocka_unit_test(held_in_every_scope_and_settled),
        cmocka_unit_test(refused_with_the_account_that_is_short),
        cmocka_unit_test(borrowed_and_written),
        cmocka_unit_test(opened_without_a_hold),
        cmocka_unit_test(another_unit_is_another_account),
    };
    return cmocka_run_group_tests_name("prices", tests, NULL, NULL);
}
