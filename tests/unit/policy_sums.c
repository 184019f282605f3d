/* `sum` and `count` of rules: what is refused and warned about, and what is
 * recorded. */
#include "policy_past.h"
#include "policy_world.h"

#define W R "  - id: r\n    on: c1.r1.write\n" /* the rule goes on at line 5 */
#define M R "  - id: r\n    on: inbox.message.write\n"

/* ---- what is refused ---- */

static const struct {
    const char *text;
    int line, column;
    const char *says, *next;
} bad[] = {
    {W "    allow: { sum: 5 }\n", 5, 19, "sum wants a map", ""},
    {W "    allow: { sum: [] }\n", 5, 19, "an empty list", "remove the line"},
    {W "    allow: { count: [5] }\n", 5, 22, "count wants a map", ""},
    {W "    allow: { sum: { per: 1d, lte: 5 EUR } }\n", 5, 19, "of is missing", "of: amount"},
    {W "    allow: { sum: { of: amount, lte: 5 EUR } }\n", 5, 19, "per is missing", "per: 1d"},
    {W "    allow: { count: { lte: 5 } }\n", 5, 21, "per is missing", "per: 1h"},
    {W "    allow: { sum: { of: amount, per: 1d } }\n", 5, 19, "nothing to compare with", "lte"},
    {W "    allow: { sum: { fo: amount, per: 1d, lte: 5 } }\n", 5, 21, "not known here", "of"},
    {W "    allow: { sum: { of: amount, pre: 1d, lte: 5 } }\n", 5, 33, "not known here", "per"},
    {W "    allow: { count: { per: 1d, eahc: x, lte: 5 } }\n", 5, 32, "not known here", "each"},
    {W "    allow: { count: { per: 1d, in: [5] } }\n", 5, 32, "not known here", ""},
    {W "    allow: { count: { of: x, per: 1d, lte: 5 } }\n", 5, 27, "of no attribute", "sum"},
    {W "    allow: { sum: { of: [a], per: 1d, lte: 5 } }\n", 5, 25, "one attribute", "of: amount"},
    {W "    allow: { sum: { of: tainted, per: 1d, lte: 5 } }\n", 5, 25, "of cannot be tainted",
     "attribute"},
    {W "    allow: { count: { per: 1d, each: class, lte: 5 } }\n", 5, 38, "each cannot be class",
     ""},
    {W "    allow: { count: { per: 1d, each: [a], lte: 5 } }\n", 5, 38, "one attribute", "each:"},
    {W "    allow: { count: { per: 59s, lte: 5 } }\n", 5, 28, "1m to 366d", "per: day"},
    {W "    allow: { count: { per: 367d, lte: 5 } }\n", 5, 28, "1m to 366d", ""},
    {W "    allow: { count: { per: dya, lte: 5 } }\n", 5, 28, "hour, day or calendar_month",
     "\"day\""},
    {W "    allow: { count: { per: calender_month, lte: 5 } }\n", 5, 28, "calendar_month",
     "\"calendar_month\""},
    {W "    allow: { count: { per: none, lte: 5 } }\n", 5, 28, "1m to 366d", ""},
    {W "    allow: { count: { per: [1d], lte: 5 } }\n", 5, 28, "1m to 366d", ""},
    {W "    allow: { count: { per: 1d, tz: UTC, lte: 5 } }\n", 5, 36, "has no time zone", "day"},
    {W "    allow: { count: { per: day, tz: Mars/Base, lte: 5 } }\n", 5, 37, "no time zone",
     "timedatectl"},
    {W "    allow: { count: { per: 1d, lte: 5 EUR } }\n", 5, 37, "a whole number", "lte: 20"},
    {W "    allow: { count: { per: 1d, lte: 5.5 } }\n", 5, 37, "a whole number", ""},
    {W "    allow: { count: { per: 1d, lte: -1 } }\n", 5, 37, "a whole number", ""},
    {W "    allow: { count: { per: 1d, lte: \"5\" } }\n", 5, 37, "a whole number", ""},
    {W "    allow: { sum: { of: amount, per: 1d, lte: much } }\n", 5, 47, "number or an amount",
     "500 EUR"},
    {W "    allow: { sum: { of: amount, per: 1d, lte: -1 EUR } }\n", 5, 47, "never negative", ""},
    {W "    allow: { sum: { of: amount, per: 1d, lte: [5] } }\n", 5, 47, "single value", ""},
    {W "    allow: { sum: { of: amount, per: 1d, lte: 5 EUR, gt: 1 USD } }\n", 5, 58,
     "mixed currencies", "each currency"},
    {W "    allow: { sum: { of: amount, per: 1d, lte: 5 EUR, gt: 1 } }\n", 5, 58, "mixed", ""},
    {W "    allow: { sum: { of: amount, per: 1d, lte: 5 EUR } }\n"
       "    ask: { sum: { of: amount, per: 1d, lte: 9 USD } }\n",
     6, 17, "compares amount in EUR and in USD", "never converted"},
    {W "    allow: { amount: { lt: 5 USD }, sum: { of: amount, per: 1d, lte: 5 EUR } }\n", 5, 42,
     "compares amount in USD and in EUR", ""},
    {W "    allow: { x: { sum: { of: x, per: 1d, lte: 5 } } }\n", 5, 19, "beside the attributes",
     "sum: { of"},
    {W "    allow: { x: { count: { per: 1d } } }\n", 5, 19, "beside the attributes", "count: {"},
};

static void refuses_with_place(void **state) {
    (void)state;
    policy_world world = test_world();
    int failed = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        policy_source source = {"p.yaml", bad[i].text, strlen(bad[i].text)};
        policy *p = NULL;
        diag d = {0};
        int rc = policy_compile(&p, &source, 1, &world, NULL, NULL, &d);
        if (rc != DIAG_USAGE || p || d.line != bad[i].line || d.column != bad[i].column ||
            !strstr(d.what, bad[i].says) || !strstr(d.next, bad[i].next) || !d.next[0]) {
            print_error("%d at %d:%d: %s | %s\n%s\n", rc, d.line, d.column, d.what, d.next,
                        bad[i].text);
            failed++;
        }
        policy_destroy(p);
    }
    test_world_free(&world);
    assert_int_equal(failed, 0);
}

/* ---- what is warned about ---- */

typedef struct heard {
    int count;
    diag first;
} heard;

static void hear(void *ctx, const diag *d) {
    heard *h = ctx;
    if (h->count++ == 0) {
        h->first = *d;
    }
}

static const struct {
    const char *text;
    int line;
    const char *says, *next; /* NULL: silence */
} warned[] = {
    {M "    allow: { sum: { of: size, per: 1d, lte: 500 } }\n", 0, NULL, NULL},
    {M "    allow: { count: { per: 1d, each: to_domain, lte: 1 } }\n", 0, NULL, NULL},
    {M "    allow: { count: { per: 1d, each: agent, lt: 2 } }\n", 0, NULL, NULL},
    {M "    allow: { count: { per: 1d, lt: 1 } }\n", 5, "count(1d) can never hold", "itself"},
    {M "    allow: { count: { per: 1d, lte: 0 } }\n", 5, "count(1d) can never hold", ""},
    {M "    allow: { count: { per: 1d, gt: 5, lte: 5 } }\n", 5, "can never hold", ""},
    {M "    deny: { count: { per: 1d, gte: 1 } }\n", 5, "always holds", ""},
    {M "    deny: { count: { per: 1d, gt: 1 } }\n", 0, NULL, NULL},
    {M "    deny: { sum: { of: size, per: 1d, gte: 0 } }\n", 5, "sum(size,1d) always", ""},
    {M "    allow: { sum: { of: size, per: 1d, lt: 0 } }\n", 5, "sum(size,1d) can never", ""},
    {M "    allow: { sum: { of: size, per: 1d, lte: 0 } }\n", 0, NULL, NULL},
    {M "    allow: { size: { gt: 9 }, sum: { of: size, per: 1d, lte: 9 } }\n", 5, "can never", ""},
    {M "    allow: { size: { gte: 9 }, sum: { of: size, per: 1d, lte: 9 } }\n", 0, NULL, NULL},
    {M "    allow: { size: { lt: 9 }, sum: { of: size, per: 1d, lte: 5 } }\n", 0, NULL, NULL},
    {M "    allow: { sum: { of: amount, per: 1d, lte: 5 EUR } }\n", 5,
     "`of: amount` is declared by no manifest", "always there"},
    {M "    allow: { sum: { of: siez, per: 1d, lte: 5 } }\n", 5, "declared by no manifest",
     "\"size\""},
    {M "    allow: { count: { per: 1d, each: agnet, lte: 5 } }\n", 5, "`each: agnet`", "\"agent\""},
    {W "    allow: { sum: { of: size, per: 1d, lte: 5 } }\n", 5, "declared by no manifest", ""},
    {R "  - {id: r, on: run.spawn, allow: {count: {per: 1d, each: key, lte: 5}}}\n", 0, NULL, NULL},
};

static void warns_of_what_never_matters(void **state) {
    (void)state;
    policy_world world = test_world();
    for (size_t i = 0; i < sizeof warned / sizeof *warned; i++) {
        policy_source source = {"p.yaml", warned[i].text, strlen(warned[i].text)};
        policy *p = NULL;
        diag d = {0};
        heard h = {0};
        if (policy_compile(&p, &source, 1, &world, hear, &h, &d)) {
            fail_msg("%s%s", warned[i].text, d.what);
        }
        policy_destroy(p);
        bool right = warned[i].says ? h.count == 1 && h.first.line == warned[i].line &&
                                          strstr(h.first.what, warned[i].says) && h.first.next[0] &&
                                          strstr(h.first.next, warned[i].next)
                                    : h.count == 0;
        if (!right) {
            fail_msg("%s%d warnings, first at %d: %s | %s", warned[i].text, h.count, h.first.line,
                     h.first.what, h.first.next);
        }
    }
    test_world_free(&world);
}

/* ---- what is recorded, and said of a role ---- */

static void records_what_was_seen(void **state) {
    (void)state;
    policy *p = compile(
        R "  - {id: r, on: c1.r1.write, allow: {amount: {lt: 9 EUR}, " S ",\n"
          "      count: [{per: 1h, each: to, lte: 3}, {per: day, lte: 9}]}}\n"
          "  - {id: wide, on: \"c1.*\", when: {count: {per: 1h, each: to, gt: 5}}, deny: {" S "}}\n"
          "  - {id: other, on: c2.r2.write, allow: {count: {per: 7d, lte: 1}}}\n");
    tallies *t = tallies_create(p);
    attr_set *set = attr_set_create();
    static const done past[3] = {{AT(1, "{\"amount\":\"5 EUR\",\"to\":\"x\"}")}};
    add_past(t, set, past);
    policy_query q =
        query(set, "a", "c1.r1.write", "{\"amount\":\"4 EUR\",\"to\":[\"x\",\"y\"],\"zone\":1}");
    policy_past seen = {t, NOON, false};
    policy_decision d;
    keel_buf out = KEEL_BUF_INIT;
    q.past = &seen;
    policy_decide(p, &q, &d);
    assert_int_equal(d.verdict, POLICY_ALLOW);
    policy_explain(p, &q, &d, &out);
    assert_int_equal(keel_json_check(out.data, out.len, NULL), 0);
    assert_non_null(strstr(
        out.data, "\"inputs\":{\"amount\":\"4 EUR\",\"class\":\"once\",\"count(1h,to)\":"
                  "[2,1],\"count(1h,to) of wide\":[2,1],\"count(day)\":2,"
                  "\"sensitivity\":\"public\",\"sink\":\"internal\",\"sum(amount,1d)\":\"9 EUR\","
                  "\"sum(amount,1d) of wide\":\"9 EUR\",\"tainted\":false,"
                  "\"to\":[\"x\",\"y\"]}"));
    keel_buf_clear(&out);
    policy_world world = test_world();
    policy_can(p, &world, "a", &out);
    assert_non_null(strstr(out.data, "r: allow when amount below 9 EUR and sum of amount in 1d at "
                                     "most 500 EUR and count in 1h for each to at most 3 and "
                                     "count in the day at most 9"));
    test_world_free(&world);
    keel_buf_free(&out);
    attr_set_destroy(set);
    tallies_destroy(t);
    policy_destroy(p);
}

/* What was counted for one policy tells nothing under another. */
static void another_policy_knows_nothing(void **state) {
    (void)state;
    policy *p = compile(R "  - {id: r, on: c1.r1.write, allow: {count: {per: 1h, lte: 3}}}\n");
    policy *old = compile(R "  - {id: r, on: c1.r1.write, allow: {}}\n");
    tallies *t = tallies_create(old);
    policy_past seen = {t, NOON, false};
    policy_query q = {.agent = "a", .target = "c1.r1.write", .class = CLASS_ONCE, .past = &seen};
    policy_decision d;
    policy_decide(p, &q, &d);
    assert_int_equal(d.verdict, POLICY_DENY);
    q.past = NULL;
    policy_decide(p, &q, &d);
    assert_int_equal(d.verdict, POLICY_ALLOW);
    tallies_destroy(t);
    policy_destroy(old);
    policy_destroy(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_with_place),
        cmocka_unit_test(warns_of_what_never_matters),
        cmocka_unit_test(records_what_was_seen),
        cmocka_unit_test(another_policy_knows_nothing),
    };
    digest_init();
    return cmocka_run_group_tests_name("policy_sums", tests, NULL, NULL);
}
