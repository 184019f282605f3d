#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"
#include "policy_world.h"

#define R "version: 1\nrules:\n"

static policy *compile(const char *text) {
    policy_source source = {"p.yaml", text, strlen(text)};
    policy *p = NULL;
    diag d = {0};
    if (policy_compile(&p, &source, 1, NULL, NULL, NULL, &d)) {
        fail_msg("%d:%d: %s\n%s", d.line, d.column, d.what, text);
    }
    return p;
}

/* ---- one rule, one attribute: the bands and the comparators ---- */

static const attr_value text_a = {.type = ATTR_TEXT, .text = "a.example", .len = 9};
static const attr_value text_upper = {.type = ATTR_TEXT, .text = "A.Example", .len = 9};
static const attr_value text_b = {.type = ATTR_TEXT, .text = "b.example", .len = 9};
static const attr_value text_look = {.type = ATTR_TEXT, .text = "\xd0\xb0.example", .len = 10};
static const attr_value text_money = {.type = ATTR_TEXT, .text = "12", .len = 2};
static const attr_value five = {.type = ATTR_NUMBER, .number = 5};
static const attr_value seven = {.type = ATTR_NUMBER, .number = 7};
static const attr_value eur_100 = {.type = ATTR_MONEY, .text = "100 EUR", .len = 7,
                                   .micros = 100000000, .currency = "EUR"};
static const attr_value usd_5 = {.type = ATTR_MONEY, .micros = 5000000, .currency = "USD"};
static const attr_value yes = {.type = ATTR_BOOL, .number = 1};
static const attr_value bad_value = {.type = ATTR_BAD};

#define D POLICY_DENY
#define K POLICY_ASK
#define A POLICY_ALLOW

static const struct {
    const char *rule;
    const attr_value *first, *second; /* NULL: missing; second NULL: one value */
    policy_verdict want;
    const char *band;
} one[] = {
    {"allow: {}", NULL, NULL, A, "allow"},
    {"ask: {}", NULL, NULL, K, "ask"},
    {"deny: {}", NULL, NULL, D, "deny"},
    {"{deny: {x: 5}, allow: {}}", &five, NULL, D, "deny"},
    {"{deny: {x: 5}, allow: {}}", &seven, NULL, A, "allow"},
    {"{allow: {x: 5}, ask: {}}", &five, NULL, A, "allow"},
    {"{allow: {x: 5}, ask: {}}", &seven, NULL, K, "ask"},
    {"{allow: {x: 5}}", &seven, NULL, D, "default"},
    {"{when: {x: 5}, ask: {}}", &five, NULL, K, "ask"},
    {"{when: {x: 5}, ask: {}}", &seven, NULL, D, "default"},
    /* order */
    {"allow: {x: {lt: 7}}", &five, NULL, A, "allow"},
    {"allow: {x: {lt: 5}}", &five, NULL, D, "default"},
    {"allow: {x: {lte: 5}}", &five, NULL, A, "allow"},
    {"allow: {x: {gt: 5}}", &five, NULL, D, "default"},
    {"allow: {x: {gte: 5}}", &five, NULL, A, "allow"},
    {"allow: {x: {gt: -1, lt: 5.5}}", &five, NULL, A, "allow"},
    {"allow: {x: {gt: 5, lt: 7}}", &five, NULL, D, "default"},
    /* money */
    {"allow: {x: {lt: 100.01 EUR}}", &eur_100, NULL, A, "allow"},
    {"allow: {x: {lt: 100 EUR}}", &eur_100, NULL, D, "default"},
    {"allow: {x: 100 EUR}", &eur_100, NULL, A, "allow"},
    {"allow: {x: {in: [100 EUR]}}", &eur_100, NULL, A, "allow"},
    {"allow: {x: {lt: 100 EUR}}", &usd_5, NULL, D, "default"},
    {"ask: {x: {gt: 100 EUR}}", &usd_5, NULL, K, "ask"},
    {"deny: {x: {gt: 100 EUR}}", &usd_5, NULL, D, "deny"},
    {"allow: {x: {in: [5 USD]}}", &eur_100, NULL, D, "default"},
    {"allow: {x: {lt: 5}}", &usd_5, NULL, D, "default"},
    {"allow: {x: {matches: \"1* EUR\"}}", &eur_100, NULL, A, "allow"},
    /* text */
    {"allow: {x: a.example}", &text_a, NULL, A, "allow"},
    {"allow: {x: a.example}", &text_upper, NULL, D, "default"},
    {"allow: {x: {in: [b.example, a.example]}}", &text_a, NULL, A, "allow"},
    {"allow: {x: {in: []}}", &text_a, NULL, D, "default"},
    {"allow: {x: {not_in: []}}", &five, NULL, A, "allow"},
    {"allow: {x: {not_in: [b.example]}}", &text_a, NULL, A, "allow"},
    {"allow: {x: {matches: \"*.example\"}}", &text_a, NULL, A, "allow"},
    {"allow: {x: {matches: \"?.example\"}}", &text_a, NULL, A, "allow"},
    {"allow: {x: {matches: \"?.example\"}}", &text_look, NULL, A, "allow"},
    {"allow: {x: {matches: \"?\"}}", &text_a, NULL, D, "default"},
    {"allow: {x: {matches: \"a*x*e\"}}", &text_a, NULL, A, "allow"},
    {"allow: {x: {matches: \"*\"}}", &text_a, NULL, A, "allow"},
    /* domains are case-folded; other letters are other domains */
    {"allow: {to_domain: {in: [a.EXAMPLE]}}", &text_upper, NULL, A, "allow"},
    {"allow: {to_domain: a.example}", &text_upper, NULL, A, "allow"},
    {"allow: {to_domain: {matches: \"*.EXAMPLE\"}}", &text_a, NULL, A, "allow"},
    {"allow: {to_domain: {in: [a.example]}}", &text_look, NULL, D, "default"},
    {"allow: {to_domain: {in: [a1, a2, a3, a4, a5, a6, a7, a8, A.example]}}", &text_upper, NULL, A,
     "allow"},
    {"allow: {to_domain: {in: [a1, a2, a3, a4, a5, a6, a7, a8, a9]}}", &text_a, NULL, D, "default"},
    /* missing: never enough to allow, always enough to ask or deny */
    {"allow: {x: {not_in: [q]}}", NULL, NULL, D, "default"},
    {"ask: {x: {in: [q]}}", NULL, NULL, K, "ask"},
    {"deny: {x: {in: [q]}}", NULL, NULL, D, "deny"},
    {"{when: {x: 5}, allow: {}}", NULL, NULL, D, "default"},
    {"{when: {x: 5}, ask: {}}", NULL, NULL, K, "ask"},
    {"{when: {x: 5}, deny: {}}", NULL, NULL, D, "deny"},
    {"allow: {x: {present: true}}", NULL, NULL, D, "default"},
    {"allow: {x: {present: false}}", NULL, NULL, A, "allow"},
    {"ask: {x: {present: true}}", NULL, NULL, D, "default"},
    {"deny: {x: {present: true}}", &five, NULL, D, "deny"},
    {"ask: {x: {present: false}}", &five, NULL, D, "default"},
    {"ask: {x: {present: true, lt: 3}}", &five, NULL, D, "default"},
    {"ask: {x: {present: true, lt: 9}}", &five, NULL, K, "ask"},
    {"ask: {x: {present: true, lt: 9}}", NULL, NULL, D, "default"},
    /* mistyped */
    {"allow: {x: {lt: 100}}", &text_money, NULL, D, "default"},
    {"ask: {x: {lt: 1}}", &text_money, NULL, K, "ask"},
    {"deny: {x: {lt: 1}}", &text_money, NULL, D, "deny"},
    {"allow: {x: {matches: \"*\"}}", &five, NULL, D, "default"},
    {"allow: {x: {not_in: [q]}}", &five, NULL, D, "default"},
    {"allow: {x: true}", &yes, NULL, A, "allow"},
    {"allow: {x: false}", &yes, NULL, D, "default"},
    {"ask: {x: false}", &five, NULL, K, "ask"},
    {"allow: {x: {present: true}}", &bad_value, NULL, A, "allow"},
    {"allow: {x: {not_in: []}}", &bad_value, NULL, D, "default"},
    /* lists: allow and ask need all, deny any */
    {"allow: {x: {in: [a.example]}}", &text_a, &text_b, D, "default"},
    {"allow: {x: {in: [a.example, b.example]}}", &text_a, &text_b, A, "allow"},
    {"ask: {x: {in: [a.example]}}", &text_a, &text_b, D, "default"},
    {"ask: {x: {in: [a.example, b.example]}}", &text_a, &text_b, K, "ask"},
    {"deny: {x: {in: [b.example]}}", &text_a, &text_b, D, "deny"},
    {"{deny: {x: {in: [c.example]}}, allow: {}}", &text_a, &text_b, A, "allow"},
    {"{deny: {x: {gt: 5, lt: 7}}, allow: {}}", &five, &seven, A, "allow"},
    {"{deny: {x: {gte: 5, lt: 7}}, allow: {}}", &five, &seven, D, "deny"},
    {"allow: {x: {lt: 9}}", &five, &text_a, D, "default"},
    {"ask: {x: {lt: 9}}", &five, &text_a, K, "ask"},
    {"{deny: {x: {gt: 9}}, allow: {}}", &five, &text_a, D, "deny"},
};

static void decides_one_rule(void **state) {
    (void)state;
    int failed = 0;
    for (size_t i = 0; i < sizeof one / sizeof *one; i++) {
        char text[512];
        const char *rule = one[i].rule;
        if (rule[0] == '{') {
            snprintf(text, sizeof text, R "  - {id: r, on: \"*\", %s\n", rule + 1);
        } else {
            snprintf(text, sizeof text, R "  - {id: r, on: \"*\", %s}\n", rule);
        }
        policy *p = compile(text);
        attr_value values[2];
        size_t count = 0;
        if (one[i].first) {
            values[count++] = *one[i].first;
        }
        if (one[i].second) {
            values[count++] = *one[i].second;
        }
        attr attrs[] = {{"other", &five, 1}, {"x", values, count}, {"to_domain", values, count}};
        policy_query q = {.agent = "a", .target = "c.r.write", .class = CLASS_ONCE, .attrs = attrs,
                          .attr_count = 3};
        policy_decision d;
        policy_decide(p, &q, &d);
        if (d.verdict != one[i].want || strcmp(d.band, one[i].band) != 0) {
            print_error("%s: verdict %d, band %s\n", text, (int)d.verdict, d.band);
            failed++;
        }
        policy_destroy(p);
    }
    assert_int_equal(failed, 0);
}

/* ---- several rules ---- */

static policy_decision decide(const policy *p, const char *agent, const char *target,
                              effect_class class, bool tainted, bool external) {
    policy_query q = {.agent = agent, .target = target, .class = class, .tainted = tainted,
                      .sink_external = external};
    policy_decision d;
    policy_decide(p, &q, &d);
    return d;
}

static void deny_beats_ask_beats_allow(void **state) {
    (void)state;
    static const struct {
        const char *bands[3];
        policy_verdict want;
    } cases[] = {
        {{"allow", "allow", "allow"}, A}, {{"allow", "ask", "allow"}, K},
        {{"ask", "allow", "allow"}, K},   {{"allow", "ask", "deny"}, D},
        {{"deny", "allow", "ask"}, D},    {{"ask", "ask", "ask"}, K},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        keel_buf text = KEEL_BUF_INIT;
        keel_buf_puts(&text, R);
        for (int k = 0; k < 3; k++) {
            keel_buf_printf(&text, "  - {id: r%d, on: c.r.write, %s: {}}\n", k, cases[i].bands[k]);
        }
        policy *p = compile(text.data);
        assert_int_equal(decide(p, "a", "c.r.write", CLASS_ONCE, false, false).verdict,
                         cases[i].want);
        policy_destroy(p);
        keel_buf_free(&text);
    }
}

/* Whatever the order in the file, the same rule decides: the one that leaves least room. */
static void order_never_matters(void **state) {
    (void)state;
    static const char *const texts[] = {
        R "  - {id: a, on: c.r.write, ask: {}, approval: {expires: 24h}}\n"
          "  - {id: b, on: c.r.write, ask: {}, approval: {expires: 1h}}\n",
        R "  - {id: b, on: c.r.write, ask: {}, approval: {expires: 1h}}\n"
          "  - {id: a, on: c.r.write, ask: {}, approval: {expires: 24h}}\n"};
    for (size_t i = 0; i < 2; i++) {
        policy *p = compile(texts[i]);
        policy_decision d = decide(p, "a", "c.r.write", CLASS_ONCE, false, false);
        assert_string_equal(d.rule_id, "b");
        assert_int_equal(policy_rule_approval(d.rule).expires_us, 3600000000LL);
        policy_destroy(p);
    }
}

static void targets_and_agents(void **state) {
    (void)state;
    static const struct {
        const char *on, *agents, *agent, *target;
        bool covered;
    } cases[] = {
        {"inbox.message.write", "", "a", "inbox.message.write", true},
        {"inbox.message.write", "", "a", "inbox.message.read", false},
        {"inbox.message.write", "", "a", "inbox.message.write.x", false},
        {"inbox.*", "", "a", "inbox.message.write", true},
        {"inbox.*", "", "a", "inbox2.message.write", false},
        {"*", "", "a", "run.spawn", true},
        {"run.*", "", "a", "run.spawn", true},
        {"*.*.write", "", "a", "inbox.message.write", true},
        {"*.*.write", "", "a", "run.spawn", false},
        {"inbox.m*.write", "", "a", "inbox.message.write", true},
        {"in?ox.*.write", "", "a", "inbox.message.write", true},
        {"[billing.*, inbox.*]", "", "a", "inbox.message.write", true},
        {"inbox.*", "agents: [a, b],", "b", "inbox.message.write", true},
        {"inbox.*", "agents: a,", "a", "inbox.message.write", true},
        {"inbox.*", "agents: [a, b],", "c", "inbox.message.write", false},
        {"inbox.message.write", "agents: [a],", "a", "inbox.message.write", true},
        {"inbox.message.write", "agents: [a],", "b", "inbox.message.write", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        const char *quote = cases[i].on[0] == '[' ? "" : "\"";
        snprintf(text, sizeof text, R "  - {id: r, on: %s%s%s, %s ask: {}}\n", quote, cases[i].on,
                 quote, cases[i].agents);
        policy *p = compile(text);
        policy_decision d = decide(p, cases[i].agent, cases[i].target, CLASS_ONCE, false, false);
        if ((d.verdict == POLICY_ASK) != cases[i].covered) {
            fail_msg("%s by %s on %s", text, cases[i].agent, cases[i].target);
        }
        policy_destroy(p);
    }
}

static void builtin_attributes(void **state) {
    (void)state;
    policy *p = compile(R "  - {id: three, on: \"*.*.write\", when: {tainted: true, sink: external},\n"
                          "     ask: {}}\n"
                          "  - {id: once, on: \"*.*.write\", deny: {class: {in: [once]}}}\n"
                          "  - {id: all, on: \"*.*.write\", allow: {}}\n");
    assert_string_equal(decide(p, "a", "c.r.write", CLASS_KEYED, true, true).rule_id, "three");
    assert_string_equal(decide(p, "a", "c.r.write", CLASS_KEYED, true, false).rule_id, "all");
    assert_string_equal(decide(p, "a", "c.r.write", CLASS_KEYED, false, true).rule_id, "all");
    assert_string_equal(decide(p, "a", "c.r.write", CLASS_ONCE, false, false).rule_id, "once");
    /* an argument of that name changes nothing */
    attr_value no = {.type = ATTR_BOOL};
    attr attrs[] = {{"tainted", &no, 1}};
    policy_query q = {"a", "c.r.write", CLASS_KEYED, false, true, true, attrs, 1};
    policy_decision d;
    policy_decide(p, &q, &d);
    assert_string_equal(d.rule_id, "three");
    policy_destroy(p);
}

static void reads_are_allowed_unless_a_rule_speaks(void **state) {
    (void)state;
    policy *p = compile(R "  - {id: no, on: \"*.secret.read\", deny: {}}\n"
                          "  - {id: mine, on: c.r.read, agents: [a], ask: {}}\n");
    policy_decision d = decide(p, "b", "c.r.read", CLASS_READ, false, false);
    assert_int_equal(d.verdict, A);
    assert_string_equal(d.rule_id, "base.reads");
    assert_null(d.rule);
    assert_int_equal(decide(p, "a", "c.r.read", CLASS_READ, false, false).verdict, K);
    assert_int_equal(decide(p, "b", "c.secret.read", CLASS_READ, false, false).verdict, D);
    assert_int_equal(decide(p, "b", "c.r.write", CLASS_ONCE, false, false).verdict, D);
    policy_query own = {.agent = "b", .target = "facts.x.set", .class = CLASS_LOCAL,
                        .own_scope = true};
    policy_decide(p, &own, &d);
    assert_int_equal(d.verdict, A);
    policy_destroy(p);
    p = compile(R "  - {id: base.reads, on: \"*.*.read\", agents: [a], allow: {}}\n");
    assert_int_equal(decide(p, "a", "c.r.read", CLASS_READ, false, false).verdict, A);
    assert_int_equal(decide(p, "b", "c.r.read", CLASS_READ, false, false).verdict, D);
    policy_destroy(p);
}

static void nothing_speaks_nothing_passes(void **state) {
    (void)state;
    policy *p = NULL;
    assert_int_equal(policy_compile(&p, NULL, 0, NULL, NULL, NULL, NULL), 0);
    policy_decision d = decide(p, "a", "c.r.write", CLASS_ONCE, false, false);
    assert_int_equal(d.verdict, D);
    assert_string_equal(d.rule_id, "none");
    assert_string_equal(d.band, "default");
    assert_int_equal(policy_rule_count(p), 0);
    policy_destroy(p);
    policy_destroy(NULL);
}

static void files_are_merged(void **state) {
    (void)state;
    static const char a[] = "version: 1\nlists: { own: [x.example] }\n";
    static const char b[] = "version: 1\ndefaults: { effect: deny, on_error: deny, mode: enforce }\n"
                            "rules:\n  - {id: r, on: c.r.write, allow: {x: {in: $own}}}\n";
    policy_source files[] = {{"b.yaml", b, sizeof b - 1}, {"a.yaml", a, sizeof a - 1}};
    policy *p = NULL;
    policy *q = NULL;
    assert_int_equal(policy_compile(&p, files, 2, NULL, NULL, NULL, NULL), 0);
    policy_source other[] = {files[1], files[0]};
    assert_int_equal(policy_compile(&q, other, 2, NULL, NULL, NULL, NULL), 0);
    assert_true(digest_equal(policy_digest(p), policy_digest(q)));
    attr_value v = {.type = ATTR_TEXT, .text = "x.example", .len = 9};
    attr at = {"x", &v, 1};
    policy_query query = {"a", "c.r.write", CLASS_ONCE, false, false, false, &at, 1};
    policy_decision d;
    policy_decide(p, &query, &d);
    assert_int_equal(d.verdict, A);
    assert_string_equal(d.file, "b.yaml");
    assert_int_equal(d.line, 4);
    policy_destroy(p);
    policy_destroy(q);
}

/* What a rule means decides its digest: its own words, and those of its lists. */
static void rule_digests(void **state) {
    (void)state;
    static const char *const texts[] = {
        "version: 1\nlists: { l: [x] }\nrules: [{id: r, on: c.r.write, ask: {a: {in: $l}}}]\n",
        "version: 1\nlists:\n  l: [\"x\"]\nrules:\n  - {on: c.r.write, id: r, ask: {a: {in: $l}}}\n",
        "version: 1\nlists: { l: [y] }\nrules: [{id: r, on: c.r.write, ask: {a: {in: $l}}}]\n",
        "version: 1\nlists: { l: [x] }\nrules: [{id: r, on: c.r.write, ask: {}}]\n",
    };
    digest of[4];
    for (size_t i = 0; i < 4; i++) {
        policy *p = compile(texts[i]);
        of[i] = policy_rule_digest(decide(p, "a", "c.r.write", CLASS_ONCE, false, false).rule);
        policy_destroy(p);
    }
    assert_true(digest_equal(&of[0], &of[1]));
    assert_false(digest_equal(&of[0], &of[2]));
    assert_false(digest_equal(&of[0], &of[3]));
}

static void approvals(void **state) {
    (void)state;
    policy *p = compile(R "  - id: r\n    on: c.r.write\n    ask: {}\n    approval: { by: [operator], "
                          "expires: 2h, on_expiry: deny, edit: [subject, body], batch: { max: 5 } }\n");
    policy_approval a = policy_rule_approval(decide(p, "a", "c.r.write", CLASS_ONCE, 0, 0).rule);
    assert_int_equal(a.expires_us, 7200000000LL);
    assert_int_equal(a.edit_count, 2);
    assert_string_equal(a.edit[1], "body");
    assert_int_equal(a.batch_max, 5);
    policy_destroy(p);
    a = policy_rule_approval(NULL);
    assert_int_equal(a.expires_us, 86400000000LL);
    assert_int_equal(a.edit_count, 0);
    assert_int_equal(a.batch_max, 25);
}

/* The table and the plain walk over all rules say the same. */
static void table_agrees_with_the_walk(void **state) {
    (void)state;
    srand(7);
    keel_buf text = KEEL_BUF_INIT;
    static const char *const on[] = {"c1.r1.write", "c1.*", "\"*.*.write\"", "c2.r1.read",
                                     "\"c?.r2.*\"", "run.spawn", "\"*\""};
    static const char *const agents[] = {"", "agents: [a],", "agents: [b, c],", "agents: [c, a],"};
    static const char *const bands[] = {"allow: {x: {lt: 5}}, ask: {}", "deny: {x: {gt: 8}}",
                                        "ask: {x: {gt: 2}}", "allow: {}"};
    keel_buf_puts(&text, R);
    for (int i = 0; i < 200; i++) {
        keel_buf_printf(&text, "  - {id: r%d, on: %s, %s %s}\n", i, on[rand() % 7],
                        agents[rand() % 4], bands[rand() % 4]);
    }
    policy *with = NULL;
    policy_source source = {"p", text.data, text.len};
    policy_world world = test_world();
    diag d = {0};
    if (policy_compile(&with, &source, 1, &world, NULL, NULL, &d)) {
        fail_msg("%s", d.what);
    }
    policy *without = compile(text.data);
    static const char *const targets[] = {"c1.r1.write", "c1.r2.write", "c2.r1.read", "c2.r2.write",
                                          "run.spawn"};
    static const char *const who[] = {"a", "b", "c", "d"};
    for (int i = 0; i < 2000; i++) {
        attr_value v = {.type = ATTR_NUMBER, .number = rand() % 10};
        attr at = {"x", &v, 1};
        policy_query q = {who[rand() % 4], targets[rand() % 5], CLASS_ONCE, false, false, false,
                          &at, 1};
        policy_decision one_way;
        policy_decision other;
        policy_decide(with, &q, &one_way);
        policy_decide(without, &q, &other);
        assert_int_equal(one_way.verdict, other.verdict);
        assert_string_equal(one_way.rule_id, other.rule_id);
    }
    policy_destroy(with);
    policy_destroy(without);
    test_world_free(&world);
    keel_buf_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decides_one_rule),
        cmocka_unit_test(deny_beats_ask_beats_allow),
        cmocka_unit_test(order_never_matters),
        cmocka_unit_test(targets_and_agents),
        cmocka_unit_test(builtin_attributes),
        cmocka_unit_test(reads_are_allowed_unless_a_rule_speaks),
        cmocka_unit_test(nothing_speaks_nothing_passes),
        cmocka_unit_test(files_are_merged),
        cmocka_unit_test(rule_digests),
        cmocka_unit_test(approvals),
        cmocka_unit_test(table_agrees_with_the_walk),
    };
    digest_init();
    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
