/* A guard makes stricter what other rules let, and opens nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "digest.h"
#include "policy.h"

#define RULES         "version: 1\nrules:\n"
#define R(id, says)   "  - { id: " id ", on: \"*.*.*\", " says " }\n"
#define GUARD         R("g", "when: { tainted: true }, ask: {}, guard: true")
#define GUARD_OF(how) R("g", "ask: {}, guard: true, approval: { " how " }")

static policy *compile(const char *text) {
    policy_source source = {"p.yaml", text, strlen(text)};
    policy *p = NULL;
    diag d = {0};
    if (policy_compile(&p, &source, 1, NULL, NULL, NULL, &d)) {
        fail_msg("%d:%d: %s\n%s", d.line, d.column, d.what, text);
    }
    return p;
}

static const char *const verdicts[] = {"deny", "ask", "allow"};

static const struct {
    const char *rules;
    effect_class class;
    bool tainted;
    const char *said;
} cases[] = {
    /* alone it says nothing */
    {GUARD, CLASS_ONCE, true, "none deny"},
    {GUARD, CLASS_ONCE, false, "none deny"},
    {GUARD R("l", "allow: { n: 4 }"), CLASS_ONCE, true, "none deny"},
    /* what another lets it asks for, where it holds */
    {GUARD R("l", "allow: {}"), CLASS_ONCE, true, "g ask"},
    {R("l", "allow: {}") GUARD, CLASS_ONCE, true, "g ask"},
    {GUARD R("l", "allow: {}"), CLASS_ONCE, false, "l allow"},
    {GUARD R("l", "agents: [b], allow: {}"), CLASS_ONCE, true, "none deny"},
    /* what another denies it does not open */
    {GUARD R("l", "deny: {}"), CLASS_ONCE, true, "l deny"},
    {GUARD R("l", "allow: {}") R("m", "deny: { n: 5 }"), CLASS_ONCE, true, "m deny"},
    /* built-in rules are others too, and a guard takes none away */
    {GUARD, CLASS_READ, true, "g ask"},
    {GUARD, CLASS_READ, false, "base.reads allow"},
    {GUARD, CLASS_NONE, false, "base.undo allow"},
    {"  - { id: g, on: \"*.*.compensate\", when: { tainted: true }, ask: {}, guard: true }\n",
     CLASS_NONE, false, "base.undo allow"},
    {"  - { id: g, on: \"*.*.compensate\", ask: {}, guard: true }\n", CLASS_NONE, false, "g ask"},
    /* of two that ask, the stricter says how, guard or not */
    {GUARD_OF("expires: 1h") R("l", "ask: {}"), CLASS_ONCE, false, "g ask"},
    {GUARD_OF("expires: 48h") R("l", "ask: {}"), CLASS_ONCE, false, "l ask"},
    {GUARD_OF("expires: 48h") R("l", "allow: {}") R("m", "ask: {}"), CLASS_ONCE, false, "m ask"},
    {GUARD_OF("expires: 48h") R("h", "ask: {}, guard: true") R("l", "allow: {}"), CLASS_ONCE, false,
     "h ask"},
    /* its deny is one like any other */
    {R("g", "deny: { n: 5 }, ask: {}, guard: true") R("l", "allow: {}"), CLASS_ONCE, false,
     "g deny"},
    {R("g", "deny: { n: 4 }, ask: {}, guard: true") R("l", "allow: {}"), CLASS_ONCE, false,
     "g ask"},
    /* guard: false is a rule */
    {R("g", "ask: {}, guard: false"), CLASS_ONCE, false, "g ask"},
};

static void it_raises_and_opens_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[700], said[40];
        snprintf(text, sizeof text, RULES "%s", cases[i].rules);
        policy *p = compile(text);
        attr_value five = {.type = ATTR_NUMBER, .number = 5};
        attr n = {"n", &five, 1};
        policy_query q = {.agent = "a",
                          .target = cases[i].class == CLASS_READ   ? "c.r.read"
                                    : cases[i].class == CLASS_NONE ? "c.r.compensate"
                                                                   : "c.r.write",
                          .class = cases[i].class,
                          .ordered = cases[i].class == CLASS_NONE,
                          .tainted = cases[i].tainted,
                          .attrs = &n,
                          .attr_count = 1};
        policy_decision d;
        policy_decide(p, &q, &d);
        snprintf(said, sizeof said, "%s %s", d.rule_id, verdicts[d.verdict]);
        if (strcmp(said, cases[i].said) != 0) {
            fail_msg("%s\n%s, wanted %s", cases[i].rules, said, cases[i].said);
        }
        policy_destroy(p);
    }
}

static void a_denial_tells_of_it(void **state) {
    (void)state;
    policy *p = compile(RULES GUARD);
    policy_query q = {.agent = "a", .target = "c.r.write", .class = CLASS_ONCE, .tainted = true};
    policy_decision d;
    keel_buf text = KEEL_BUF_INIT;
    policy_decide(p, &q, &d);
    policy_explain(p, &q, &d, &text);
    assert_non_null(strstr(text.data, "\"why\":\"no rule speaks for a on c.r.write; rule g "
                                      "(p.yaml:3) is a guard, and asks of what another lets\""));
    keel_buf_free(&text);
    policy_destroy(p);
}

static void count(void *ctx, const diag *d) {
    (void)d;
    ++*(int *)ctx;
}

/* It needs what it raises: a rule that allows is not hidden by it. */
static void it_hides_no_rule(void **state) {
    (void)state;
    const char *text = RULES R("g", "ask: {}, guard: true") R("l", "allow: {}");
    policy_source source = {"p.yaml", text, strlen(text)};
    policy *p = NULL;
    diag d = {0};
    int warned = 0;
    assert_int_equal(policy_compile(&p, &source, 1, NULL, count, &warned, &d), 0);
    assert_int_equal(warned, 0);
    policy_destroy(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_raises_and_opens_nothing),
        cmocka_unit_test(a_denial_tells_of_it),
        cmocka_unit_test(it_hides_no_rule),
    };
    digest_init();
    return cmocka_run_group_tests_name("policy_guard", tests, NULL, NULL);
}
