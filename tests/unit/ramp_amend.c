/* The allow of a rule changed in the text of its file: what comes out, byte by byte, and what is left
 * alone since it is written in a way that is not changed safely. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ramp_amend.h"

#define HEAD "version: 1\nlists: { own: [a.example] }\nrules:\n"

static char *b_c[] = {"b.example", "\"c, \\\"d\\\"\""};
static ramp_condition domain_in[] = {{"to_domain", NULL, NULL, "{ in: [b.example] }", NULL, 0},
                                     {"tainted", NULL, NULL, "false", NULL, 0}};
static ramp_condition amount_lt[] = {{"amount", "lt", "lte", "180 EUR", NULL, 0},
                                     {"tainted", NULL, NULL, "false", NULL, 0}};
static ramp_condition domain_more[] = {
    {"to_domain", "in", "in", "[a.example, b.example, \"c, \\\"d\\\"\"]", b_c, 2}};
static ramp_condition bare[] = {{"to_domain", "", "in", "[a.example, b.example]", b_c, 1}};
static ramp_condition both[] = {
    {"to_domain", "in", "in", "[a.example, b.example]", b_c, 1},
    {"amount", "lt", "lte", "180 EUR", NULL, 0},
    {"tainted", NULL, NULL, "false", NULL, 0},
};
static ramp_condition long_ones[] = {
    {"to_domain", NULL, NULL, "{ in: [one.client.example, two.client.example] }", NULL, 0},
    {"amount", NULL, NULL, "{ gte: 0 EUR, lte: 180.99 EUR }", NULL, 0},
    {"tainted", NULL, NULL, "false", NULL, 0}};

#define NEW(list)  true, list, sizeof(list) / sizeof(*list)
#define OLD(list)  false, list, sizeof(list) / sizeof(*list)
#define ALLOW(map) "  - { id: r, on: a.b.write, allow: " map ", ask: {} }\n"

static const struct {
    const char *before;
    bool band;
    ramp_condition *conditions;
    size_t count;
    const char *after; /* NULL: refused */
} cases[] = {
    /* a new band: above the ask, in its indent, or within the braces */
    {"  - id: r # the rule\n    on: a.b.write\n    # why\n    ask: {} # always\n", NEW(domain_in),
     "  - id: r # the rule\n    on: a.b.write\n    # why\n    allow: { to_domain: { in: "
     "[b.example] }, "
     "tainted: false }\n    ask: {} # always\n"},
    {"  - id: r\n    on: a.b.write\n    ask: {}\n", NEW(long_ones),
     "  - id: r\n    on: a.b.write\n    allow:\n      to_domain: { in: [one.client.example, "
     "two.client.example] }\n      amount: { gte: 0 EUR, lte: 180.99 EUR }\n      tainted: false\n "
     "   "
     "ask: {}\n"},
    {"- ask: {}\n  id: r\n  on: a.b.write\n", NEW(domain_in),
     "- allow: { to_domain: { in: [b.example] }, tainted: false }\n  ask: {}\n  id: r\n  on: "
     "a.b.write\n"},
    {"  - { id: q, on: x.y.write, ask: {} }\n  - { id: r, on: a.b.write, ask: {} }\n",
     NEW(domain_in),
     "  - { id: q, on: x.y.write, ask: {} }\n  - { id: r, on: a.b.write, allow: { to_domain: { in: "
     "[b.example] }, tainted: false }, ask: {} }\n"},
    /* the allow that is there */
    {ALLOW("{ amount: { lt: 100 EUR } }"), OLD(amount_lt),
     ALLOW("{ amount: { lte: 180 EUR }, tainted: false }")},
    {ALLOW("{ amount: { \"lt\": '100 EUR' } }"), OLD(amount_lt),
     ALLOW("{ amount: { lte: 180 EUR }, tainted: false }")},
    {ALLOW("{ to_domain: { in: [a.example] } }"), OLD(domain_more),
     ALLOW("{ to_domain: { in: [a.example, b.example, \"c, \\\"d\\\"\"] } }")},
    {ALLOW("{ to_domain: { in: [] } }"), OLD(domain_more),
     ALLOW("{ to_domain: { in: [b.example, \"c, \\\"d\\\"\"] } }")},
    {ALLOW("{ to_domain: { in: [\"a]}, x\", 'it''s' ] } }"), OLD(domain_more),
     ALLOW("{ to_domain: { in: [\"a]}, x\", 'it''s', b.example, \"c, \\\"d\\\"\" ] } }")},
    {ALLOW("{ to_domain: { in: $own } }"), OLD(domain_more),
     ALLOW("{ to_domain: { in: [a.example, b.example, \"c, \\\"d\\\"\"] } }")},
    {ALLOW("{ to_domain: a.example }"), OLD(bare),
     ALLOW("{ to_domain: { in: [a.example, b.example] } }")},
    {ALLOW("{ to_domain: { in: [a.example] }, amount: { lt: 100 EUR } }"), OLD(both),
     ALLOW("{ to_domain: { in: [a.example, b.example] }, amount: { lte: 180 EUR }, tainted: false "
           "}")},
    /* in lines, with comments and other alphabets before it */
    {"  - id: r\n    on: a.b.write\n    allow:\n      # \xc3\xa4\xe2\x82\xac\n      amount:\n      "
     "  lt: 100 "
     "EUR # small\n      \"x\\u00e4\": { in: [\"\xc3\xa4\"] }\n    ask: {}\n",
     OLD(amount_lt),
     "  - id: r\n    on: a.b.write\n    allow:\n      # \xc3\xa4\xe2\x82\xac\n      tainted: "
     "false\n      "
     "amount:\n        lte: 180 EUR # small\n      \"x\\u00e4\": { in: [\"\xc3\xa4\"] }\n    ask: "
     "{}\n"},
    {"  - id: r\n    on: a.b.write\n    allow:\n      to_domain:\n        in:\n          - "
     "a.example # "
     "ours\n    ask: {}\n",
     OLD(domain_more),
     "  - id: r\n    on: a.b.write\n    allow:\n      to_domain:\n        in:\n          - "
     "a.example # ours\n    "
     "      - b.example\n          - \"c, \\\"d\\\"\"\n    ask: {}\n"},
    {"  - id: r\n    on: a.b.write\n    allow: { to_domain: { in: [ a.example, # ]\n      "
     "\"\xe2\x82\xac]\" "
     "] } }\n    ask: {}\n",
     OLD(both), NULL}, /* it has no amount */
    {"  - { id: r, on: a.b.write, allow: { x: { in: [\"\xe2\x82\xac\"] }, amount: { lt: 100 EUR }, "
     "# }\n "
     "     y: 1, # last\n      }, ask: {} }\n",
     OLD(amount_lt),
     "  - { id: r, on: a.b.write, allow: { x: { in: [\"\xe2\x82\xac\"] }, amount: { lte: 180 EUR "
     "}, # }\n "
     "     y: 1, tainted: false, # last\n      }, ask: {} }\n"},
    /* what is not changed */
    {ALLOW("{ amount: { lte: 100 EUR } }"), OLD(amount_lt), NULL}, /* another one than was found */
    {"  - id: r\n    on: a.b.write\n    allow:\n      to_domain: >-\n        a.example\n    ask: "
     "{}\n",
     OLD(bare), NULL},
    {"  - id: r\n    on: a.b.write\n    allow:\n      to_domain: a\n        example\n    ask: {}\n",
     OLD(bare), NULL},
    {"  - { id: s, on: a.b.write, ask: {} }\n", NEW(domain_in), NULL},
    {"  - { id: r, on: a.b.write, deny: {} }\n", NEW(domain_in), NULL},
    {"  - { id: r, on: a.b.write, ask: {} }\n", OLD(amount_lt), NULL},
    {"  - [ r ]\n", NEW(domain_in), NULL},
    {"  - id: r\n  ask: [\n", NEW(domain_in), NULL}, /* no YAML */
};

static void changes_and_refuses(void **state) {
    int failed = 0;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        keel_buf text = KEEL_BUF_INIT, out = KEEL_BUF_INIT, wanted = KEEL_BUF_INIT;
        diag d = {0};
        int line = 0;
        ramp_finding f = {.rule = "r",
                          .band = cases[i].band,
                          .conditions = cases[i].conditions,
                          .condition_count = cases[i].count};
        keel_buf_printf(&text, HEAD "%sbudgets: [] # \xc3\xa4\n", cases[i].before);
        keel_buf_printf(&wanted, HEAD "%sbudgets: [] # \xc3\xa4\n",
                        cases[i].after ? cases[i].after : "");
        int rc = ramp_amend("p.yaml", &text, &f, &out, &line, &d);
        bool good = cases[i].after ? rc == 0 && strcmp(out.data, wanted.data) == 0 && line >= 4
                                   : rc == DIAG_USAGE && d.what[0] && d.next[0] && out.len == 0;
        if (!good) {
            print_error("%d %s\n%s\n---- expected\n%s\n", rc, d.what,
                        out.data ? out.data : text.data, wanted.data);
            failed++;
        }
        keel_buf_free(&text);
        keel_buf_free(&out);
        keel_buf_free(&wanted);
    }
    assert_int_equal(failed, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(changes_and_refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
