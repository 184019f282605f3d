/* Rules in shadow: they decide nothing, and what would have been decided with them is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"

#define V            "version: 1\n"
#define LIVE         V "rules:\n"
#define SHADOW       V "defaults: { mode: shadow }\nrules:\n"
#define R(id, says)  "  - { id: " id ", on: c.r.write, " says " }\n"
#define RS(id, says) R(id, "mode: shadow, " says)

static const struct {
    const char *a, *b; /* the files; b may be NULL */
    effect_class class;
    bool ordered;
    const char *live,
        *shadow; /* "RULE VERDICT"; of those in shadow all that spoke, then what would be */
} cases[] = {
    {LIVE R("l", "allow: {}"), NULL, CLASS_ONCE, false, "l allow", ""},
    /* it can make nothing stricter or milder */
    {LIVE R("l", "allow: {}") RS("s", "deny: {}"), NULL, CLASS_ONCE, false, "l allow",
     "s deny, deny"},
    {LIVE R("l", "allow: {}") RS("s", "ask: {}"), NULL, CLASS_ONCE, false, "l allow", "s ask, ask"},
    {LIVE R("l", "deny: {}") RS("s", "allow: {}"), NULL, CLASS_ONCE, false, "l deny",
     "s allow, deny"},
    {LIVE R("l", "ask: {}") RS("s", "allow: {}"), NULL, CLASS_ONCE, false, "l ask", "s allow, ask"},
    {LIVE RS("s", "allow: {}"), NULL, CLASS_ONCE, false, "none deny", "s allow, allow"},
    {LIVE RS("s", "ask: {}") RS("t", "deny: {}") RS("u", "allow: {}"), NULL, CLASS_ONCE, false,
     "none deny", "s ask, t deny, u allow, deny"},
    /* a guard asks of what would be let, and opens nothing */
    {LIVE R("l", "allow: {}") RS("g", "ask: {}, guard: true"), NULL, CLASS_ONCE, false, "l allow",
     "g ask, ask"},
    {LIVE RS("g", "ask: {}, guard: true"), NULL, CLASS_ONCE, false, "none deny", ""},
    {LIVE R("l", "deny: {}") RS("g", "ask: {}, guard: true"), NULL, CLASS_ONCE, false, "l deny",
     ""},
    {LIVE RS("g", "ask: {}, guard: true") RS("s", "allow: {}"), NULL, CLASS_ONCE, false,
     "none deny", "s allow, g ask, ask"},
    {LIVE R("g", "ask: {}, guard: true") RS("s", "allow: {}"), NULL, CLASS_ONCE, false, "none deny",
     "s allow, ask"},
    /* silent, or about something else: nothing to tell */
    {LIVE R("l", "allow: {}") RS("s", "deny: { n: { gt: 5 } }"), NULL, CLASS_ONCE, false, "l allow",
     ""},
    {LIVE R("l", "allow: {}") RS("s", "deny: { n: { gt: 4 } }"), NULL, CLASS_ONCE, false, "l allow",
     "s deny, deny"},
    {LIVE R("l", "allow: {}") RS("s", "agents: b, deny: {}"), NULL, CLASS_ONCE, false, "l allow",
     ""},
    /* a file in shadow beside one that is not; a rule that is in force all the same */
    {LIVE R("l", "allow: {}"), SHADOW R("s", "deny: {}"), CLASS_ONCE, false, "l allow",
     "s deny, deny"},
    {SHADOW R("l", "mode: enforce, allow: {}") R("s", "ask: {}"), NULL, CLASS_ONCE, false,
     "l allow", "s ask, ask"},
    {SHADOW R("s", "allow: {}"), LIVE R("l", "ask: {}"), CLASS_ONCE, false, "l ask",
     "s allow, ask"},
    /* what is built in stays until a rule that is in force replaces it */
    {LIVE RS("base.reads", "ask: {}"), NULL, CLASS_READ, false, "base.reads allow",
     "base.reads ask, ask"},
    {LIVE RS("base.reads", "ask: { n: { gt: 9 } }"), NULL, CLASS_READ, false, "base.reads allow",
     "deny"},
    {LIVE RS("s", "deny: {}"), NULL, CLASS_READ, false, "base.reads allow", "s deny, deny"},
    {LIVE "  - { id: s, on: c.r.compensate, mode: shadow, ask: {} }\n", NULL, CLASS_ONCE, true,
     "base.undo allow", ""},
    {LIVE "  - { id: s, on: \"*.*.compensate\", mode: shadow, ask: { n: { gt: 9 } } }\n", NULL,
     CLASS_NONE, true, "base.undo allow", "deny"},
    {LIVE RS("base.undo", "deny: {}"), NULL, CLASS_NONE, true, "base.undo allow", "deny"},
};

static policy *compile(const char *a, const char *b) {
    policy_source files[] = {{"a.yaml", a, strlen(a)}, {"b.yaml", b ? b : "", b ? strlen(b) : 0}};
    policy *p = NULL;
    diag d = {0};
    if (policy_compile(&p, files, b ? 2 : 1, NULL, NULL, NULL, &d) != 0) {
        fail_msg("%s:%d: %s\n%s", d.file, d.line, d.what, a);
    }
    return p;
}

static const char *const verdicts[] = {"deny", "ask", "allow"};

static void they_change_nothing_and_are_told(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        policy *p = compile(cases[i].a, cases[i].b);
        attr_value five = {.type = ATTR_NUMBER, .number = 5};
        attr n = {"n", &five, 1};
        policy_query q = {.agent = "a",
                          .target = cases[i].class == CLASS_NONE ? "c.r.compensate" : "c.r.write",
                          .class = cases[i].class,
                          .ordered = cases[i].ordered,
                          .attrs = &n,
                          .attr_count = 1};
        policy_decision d;
        policy_shadows s;
        keel_buf live = KEEL_BUF_INIT, told = KEEL_BUF_INIT, text = KEEL_BUF_INIT;
        policy_decide(p, &q, &d);
        policy_shadow(p, &q, &d, &s);
        keel_buf_printf(&live, "%s %s", d.rule_id, verdicts[d.verdict]);
        keel_buf_puts(&told, "");
        for (size_t k = 0; k < s.count; k++) {
            keel_buf_printf(&told, "%s %s, ", s.says[k].rule_id, verdicts[s.says[k].verdict]);
        }
        if (s.told) {
            keel_buf_puts(&told, verdicts[s.would.verdict]);
        }
        if (strcmp(live.data, cases[i].live) != 0 || strcmp(told.data, cases[i].shadow) != 0) {
            fail_msg("%s\n%s and %s, wanted %s and %s", cases[i].a, live.data, told.data,
                     cases[i].live, cases[i].shadow);
        }
        policy_explain(p, &q, &d, &text); /* and the record has it, canonical */
        assert_true((strstr(text.data, "\"would\":") != NULL) == s.told);
        keel_buf again = KEEL_BUF_INIT;
        assert_int_equal(keel_json_canonical(&again, text.data, text.len, NULL), 0);
        assert_string_equal(again.data, text.data);
        keel_buf_free(&again);
        keel_buf_free(&live);
        keel_buf_free(&told);
        keel_buf_free(&text);
        policy_destroy(p);
    }
}

static void the_record_says_why(void **state) {
    (void)state;
    policy *p = compile(LIVE R("l", "allow: {}") RS("s", "deny: { n: { gt: 4 } }"), NULL);
    attr_value five = {.type = ATTR_NUMBER, .number = 5};
    attr n = {"n", &five, 1};
    policy_query q = {
        .agent = "a", .target = "c.r.write", .class = CLASS_ONCE, .attrs = &n, .attr_count = 1};
    policy_decision d;
    keel_buf text = KEEL_BUF_INIT;
    policy_decide(p, &q, &d);
    policy_explain(p, &q, &d, &text);
    assert_non_null(strstr(
        text.data, "\"shadow\":[{\"band\":\"deny\",\"file\":\"a.yaml\",\"line\":4,\"rule\":\"s\","
                   "\"verdict\":\"deny\",\"why\":\"rule s (a.yaml:4) denies: n is 5, above 4\"}]"));
    assert_non_null(strstr(text.data, "\"would\":\"deny\"}"));
    assert_non_null(strstr(text.data, "\"n\":5")); /* what it looked at is among the inputs */
    keel_buf_free(&text);
    policy_destroy(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_change_nothing_and_are_told),
        cmocka_unit_test(the_record_says_why),
    };
    digest_init();
    return cmocka_run_group_tests_name("policy_shadow", tests, NULL, NULL);
}
