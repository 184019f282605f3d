/* One rule on one attribute: the bands and the comparators. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"

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
static const attr_value eur_100 = {
    .type = ATTR_MONEY, .text = "100 EUR", .len = 7, .micros = 100000000, .currency = "EUR"};
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
        policy_query q = {.agent = "a",
                          .target = "c.r.write",
                          .class = CLASS_ONCE,
                          .attrs = attrs,
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decides_one_rule),
    };
    digest_init();
    return cmocka_run_group_tests_name("policy_bands", tests, NULL, NULL);
}
