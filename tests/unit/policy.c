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

#define D POLICY_DENY
#define K POLICY_ASK
#define A POLICY_ALLOW

static policy_decision decide(const policy *p, const char *agent, const char *target,
                              effect_class class, bool tainted, bool external) {
    policy_query q = {.agent = agent,
                      .target = target,
                      .class = class,
                      .tainted = tainted,
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
    policy *p =
        compile(R "  - {id: three, on: \"*.*.write\", when: {tainted: true, sink: external},\n"
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
    policy_query q = {"a",  "c.r.write", CLASS_KEYED, false, true,  SENSITIVITY_PUBLIC,
                      true, REPLY_NONE,  attrs,       1,     false, NULL};
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
    policy_query own = {
        .agent = "b", .target = "facts.x.set", .class = CLASS_LOCAL, .own_scope = true};
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
    static const char b[] =
        "version: 1\ndefaults: { effect: deny, on_error: deny, mode: enforce }\n"
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
    policy_query query = {"a",   "c.r.write", CLASS_ONCE, false, false, SENSITIVITY_PUBLIC,
                          false, REPLY_NONE,  &at,        1,     false, NULL};
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
        "version: 1\nlists:\n  l: [\"x\"]\nrules:\n - {on: c.r.write, id: r, ask: {a: {in: $l}}}\n",
        "version: 1\nlists: { l: [y] }\nrules: [{id: r, on: c.r.write, ask: {a: {in: $l}}}]\n",
        "version: 1\nlists: { l: [x] }\nrules: [{id: r, on: c.r.write, ask: {}}]\n",
    };
    digest of[4];
    for (size_t i = 0; i < 4; i++) {
        policy *p = compile(texts[i]);
        of[i] = policy_rule_digest(decide(p, "a", "c.r.write", CLASS_ONCE, false, false).rule);
        policy_destroy(p);
    }
    static const digest none = {{0}};
    digest of_none = policy_rule_digest(NULL);
    assert_true(digest_equal(&of_none, &none));
    assert_true(digest_equal(&of[0], &of[1]));
    assert_false(digest_equal(&of[0], &of[2]));
    assert_false(digest_equal(&of[0], &of[3]));
}

static void approvals(void **state) {
    (void)state;
    policy *p =
        compile(R "  - id: r\n    on: c.r.write\n    ask: {}\n    approval: { by: [operator], "
                  "expires: 2h, on_expiry: deny, edit: [subject, body], batch: { max: 5 } }\n");
    policy_approval a = policy_rule_approval(decide(p, "a", "c.r.write", CLASS_ONCE, 0, 0).rule);
    assert_int_equal(a.expires_us, 7200000000LL);
    assert_int_equal(a.edit_count, 2);
    assert_string_equal(a.edit[1], "body");
    assert_int_equal(a.batch_max, 5);
    policy_destroy(p);
    assert_int_equal(a.escalate_count, 0);
    a = policy_rule_approval(NULL);
    assert_int_equal(a.escalate_count, 0);
    assert_int_equal(a.expires_us, 86400000000LL);
    assert_int_equal(a.edit_count, 0);
    assert_int_equal(a.batch_max, 25);
}

/* The table and the plain walk over all rules say the same. */
static void table_agrees_with_the_walk(void **state) {
    (void)state;
    srand(7);
    keel_buf text = KEEL_BUF_INIT;
    static const char *const on[] = {"c1.r1.write", "c1.*",      "\"*.*.write\"", "c2.r1.read",
                                     "\"c?.r2.*\"", "run.spawn", "\"*\""};
    static const char *const agents[] = {"", "agents: [a],", "agents: [b, c],", "agents: [c, a],"};
    static const char *const bands[] = {"allow: {x: {lt: 5}}, ask: {}", "deny: {x: {gt: 8}}",
                                        "ask: {x: {gt: 2}}", "allow: {}",
                                        "ask: {x: {gt: 1}}, guard: true"};
    keel_buf_puts(&text, R);
    for (int i = 0; i < 200; i++) {
        keel_buf_printf(&text, "  - {id: r%d, on: %s, %s %s}\n", i, on[rand() % 7],
                        agents[rand() % 4], bands[rand() % 5]);
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
        policy_query q = {
            who[rand() % 4], targets[rand() % 5], CLASS_ONCE, false, false, SENSITIVITY_PUBLIC,
            false,           REPLY_NONE,          &at,        1,     false, NULL};
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

static void escalations(void **state) {
    (void)state;
    policy *p = compile(R "  - id: r\n    on: c.r.write\n    ask: {}\n    approval: { expires: 3d, "
                          "escalate: [ { after: 4h, notify: phone }, { after: 2d } ] }\n");
    policy_approval a = policy_rule_approval(policy_rule_named(p, "r"));
    assert_int_equal(a.escalate_count, 2);
    assert_int_equal(a.escalate[0].after_us, 4 * 3600000000LL);
    assert_string_equal(a.escalate[0].to, "phone");
    assert_int_equal(a.escalate[1].after_us, 48 * 3600000000LL);
    assert_null(a.escalate[1].to);
    assert_null(policy_rule_named(p, "s"));
    policy_destroy(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deny_beats_ask_beats_allow),
        cmocka_unit_test(order_never_matters),
        cmocka_unit_test(targets_and_agents),
        cmocka_unit_test(builtin_attributes),
        cmocka_unit_test(reads_are_allowed_unless_a_rule_speaks),
        cmocka_unit_test(nothing_speaks_nothing_passes),
        cmocka_unit_test(files_are_merged),
        cmocka_unit_test(rule_digests),
        cmocka_unit_test(approvals),
        cmocka_unit_test(escalations),
        cmocka_unit_test(table_agrees_with_the_walk),
    };
    digest_init();
    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
