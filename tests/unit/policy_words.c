/* Decisions in words, attributes, what can be suggested. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"
#include "policy_world.h"

static const char starter[] =
    "version: 1\n"
    "lists: { own_domains: [studio.example] }\n"
    "rules:\n"
    "  - id: outbound-mail\n"
    "    on: inbox.message.write\n"
    "    allow: { to_domain: { in: $own_domains } }\n"
    "    ask: {}\n"
    "  - id: refunds\n"
    "    on: c1.r1.write\n"
    "    agents: [a]\n"
    "    allow: { amount: { lt: 100 EUR } }\n"
    "    ask: { amount: { lt: 5000 EUR } }\n"
    "  - id: three\n"
    "    on: \"*.*.write\"\n"
    "    when: { tainted: true, sink: external }\n"
    "    ask: {}\n"
    "  - id: no-lists\n"
    "    on: inbox.message.write\n"
    "    deny: { recipients: { gt: 3 }, to_domain: { matches: \"lists.*\" } }\n"
    "budgets: [{ id: month, scope: workspace, limit: 5 USD }]\n";

static policy *make(const char *text, policy_world *world) {
    policy_source source = {"policies/starter.yaml", text, strlen(text)};
    policy *p = NULL;
    diag d = {0};
    if (policy_compile(&p, &source, 1, world, NULL, NULL, &d)) {
        fail_msg("%d:%d: %s", d.line, d.column, d.what);
    }
    return p;
}

static const struct {
    const char *agent, *target, *args;
    effect_class class;
    bool tainted, external;
    const char *why;
} whys[] = {
    {"a", "inbox.message.write", "{\"to\":\"b@example.org\"}", CLASS_CHECKABLE, false, true,
     "rule outbound-mail (policies/starter.yaml:4) asks: to_domain is \"example.org\", not in "
     "own_domains"},
    {"a", "inbox.message.write", "{\"to\":\"b@Studio.Example\"}", CLASS_CHECKABLE, false, true,
     "rule outbound-mail (policies/starter.yaml:4) allows: to_domain is \"studio.example\", in "
     "own_domains"},
    {"a", "inbox.message.write", "{\"to\":[\"b@studio.example\",\"c@x.example\"]}", CLASS_CHECKABLE,
     false, true,
     "rule outbound-mail (policies/starter.yaml:4) asks: to_domain has \"x.example\", not in "
     "own_domains"},
    {"a", "inbox.message.write", "{}", CLASS_CHECKABLE, false, true,
     "rule outbound-mail (policies/starter.yaml:4) asks: to_domain is missing"},
    {"a", "inbox.message.write", "{\"to\":\"nobody\"}", CLASS_CHECKABLE, false, true,
     "rule outbound-mail (policies/starter.yaml:4) asks: to_domain cannot be read"},
    {"b", "c2.r2.write", "{}", CLASS_KEYED, true, true,
     "rule three (policies/starter.yaml:13) asks: tainted is true; sink is \"external\""},
    {"a", "inbox.message.write", "{\"to\":[\"a@lists.x\",\"b@x\",\"c@x\",\"d@x\"]}",
     CLASS_CHECKABLE, false, true,
     "rule no-lists (policies/starter.yaml:17) denies: recipients is 4, above 3; to_domain has "
     "\"lists.x\", matching \"lists.*\""},
    {"a", "c1.r1.write", "{\"amount\":\"120 EUR\"}", CLASS_ONCE, false, false,
     "rule refunds (policies/starter.yaml:8) asks: amount is 120 EUR, not below 100 EUR; amount is "
     "120 EUR, below 5000 EUR"},
    {"a", "c1.r1.write", "{\"amount\":\"9000.50 EUR\"}", CLASS_ONCE, false, false,
     "no rule speaks for a on c1.r1.write; rule refunds (policies/starter.yaml:8) is silent: "
     "amount "
     "is 9000.50 EUR, not below 5000 EUR; rule three (policies/starter.yaml:13) is silent: tainted "
     "is false, not true"},
    {"a", "c1.r1.write", "{\"amount\":\"5 USD\"}", CLASS_ONCE, false, false,
     "rule refunds (policies/starter.yaml:8) asks: amount is 5 USD, which is no amount in EUR; "
     "amount "
     "is 5 USD, which is no amount in EUR"},
    {"a", "inbox.message.read", "{}", CLASS_READ, false, false,
     "the built-in rule base.reads allows inbox.message.read: a read changes nothing"},
    {"a", "run.spawn", "{}", CLASS_LOCAL, false, false,
     "no rule speaks for a on run.spawn, and without a rule Keel denies"},
    {"a", "inbox.message.write", "{\"to\":\"b@ex\\u202eample.org\"}", CLASS_CHECKABLE, false, true,
     "rule outbound-mail (policies/starter.yaml:4) asks: to_domain is "
     "\"ex\\xe2\\x80\\xaeample.org\", "
     "not in own_domains"},
};

static keel_json canonical(const char *text, keel_buf *out) {
    keel_json_error e;
    assert_int_equal(keel_json_canonical(out, text, strlen(text), &e), 0);
    return keel_json_view(out->data, out->len);
}

static void explains_in_words(void **state) {
    (void)state;
    policy_world world = test_world();
    policy *p = make(starter, &world);
    attr_set *set = attr_set_create();
    int failed = 0;
    for (size_t i = 0; i < sizeof whys / sizeof *whys; i++) {
        keel_buf args = KEEL_BUF_INIT;
        keel_buf out = KEEL_BUF_INIT;
        bool mail = strncmp(whys[i].target, "inbox", 5) == 0;
        const manifest *m = world.connections[mail ? 2 : 0].plugin;
        attr_set_fill(set, manifest_find(m, mail ? "message" : "r1"),
                      canonical(whys[i].args, &args));
        policy_query q = {whys[i].agent,
                          whys[i].target,
                          whys[i].class,
                          false,
                          whys[i].tainted,
                          SENSITIVITY_INTERNAL,
                          whys[i].external,
                          REPLY_NONE,
                          NULL,
                          0,
                          false,
                          NULL};
        q.attrs = attr_set_list(set, &q.attr_count);
        policy_decision d;
        policy_decide(p, &q, &d);
        policy_explain(p, &q, &d, &out);
        keel_json_error e;
        assert_int_equal(keel_json_check(out.data, out.len, &e), 0);
        char why[600];
        keel_json_copy(keel_json_get(keel_json_view(out.data, out.len), "why"), why, sizeof why);
        if (strcmp(why, whys[i].why) != 0) {
            print_error("%s\n%s\n", why, whys[i].why);
            failed++;
        }
        keel_buf_free(&args);
        keel_buf_free(&out);
    }
    attr_set_destroy(set);
    policy_destroy(p);
    test_world_free(&world);
    assert_int_equal(failed, 0);
}

/* Only what the rules look at, and Keel's own three; long text and long lists are cut. */
static void records_the_inputs(void **state) {
    (void)state;
    policy_world world = test_world();
    policy *p = make("version: 1\nrules:\n"
                     "  - { id: r, on: inbox.message.write, ask: { subject: { present: true } },\n"
                     "      deny: { recipients: { gt: 90 } } }\n",
                     &world);
    keel_buf json = KEEL_BUF_INIT;
    keel_buf_puts(&json, "{\"body\":\"private\",\"subject\":\"");
    for (int i = 0; i < 255; i++) {
        keel_buf_putc(&json, 'a');
    }
    keel_buf_puts(&json, "\xc3\xa4 end\",\"to\":[");
    for (int i = 0; i < 40; i++) {
        keel_buf_printf(&json, "%s\"x%d@y.example\"", i ? "," : "", i);
    }
    keel_buf_puts(&json, "]}");
    keel_buf args = KEEL_BUF_INIT;
    attr_set *set = attr_set_create();
    attr_set_fill(set, manifest_find(world.connections[2].plugin, "message"),
                  canonical(json.data, &args));
    policy_query q = {.agent = "a",
                      .target = "inbox.message.write",
                      .class = CLASS_CHECKABLE,
                      .level = SENSITIVITY_INTERNAL,
                      .sink_external = true};
    q.attrs = attr_set_list(set, &q.attr_count);
    policy_decision d;
    policy_decide(p, &q, &d);
    keel_buf out = KEEL_BUF_INIT;
    policy_explain(p, &q, &d, &out);
    keel_json v = keel_json_view(out.data, out.len);
    assert_true(keel_json_is(keel_json_get(v, "verdict"), "ask"));
    assert_true(keel_json_is(keel_json_get(v, "band"), "ask"));
    assert_true(keel_json_is(keel_json_get(v, "rule"), "r"));
    char hex[DIGEST_HEX];
    digest_hex(policy_digest(p), hex);
    assert_true(keel_json_is(keel_json_get(v, "policy"), hex));
    keel_json in = keel_json_get(v, "inputs");
    assert_int_equal(keel_json_count(in), 6);
    assert_true(keel_json_is(keel_json_get(in, "class"), "checkable"));
    assert_true(keel_json_is(keel_json_get(in, "sensitivity"), "internal"));
    assert_true(keel_json_is(keel_json_get(in, "sink"), "external"));
    assert_int_equal(keel_json_typeof(keel_json_get(in, "tainted")), KEEL_JSON_BOOL);
    int64_t n;
    assert_true(keel_json_int(keel_json_get(in, "recipients"), &n));
    assert_int_equal(n, 40);
    char subject[400];
    assert_int_equal(keel_json_copy(keel_json_get(in, "subject"), subject, sizeof subject), 258);
    assert_string_equal(subject + 255, "...");
    keel_buf_free(&out);
    keel_buf_free(&args);
    keel_buf_free(&json);
    attr_set_destroy(set);
    policy_destroy(p);
    test_world_free(&world);
}

/* ---- attributes ---- */

static const struct {
    const char *args, *name;
    const char *want; /* types and texts: "T:x", "N:5", "M:1", "B:1", "?" ; "" missing */
} fills[] = {
    {"{\"to\":\"a@X.Example\"}", "to_domain", "T:x.example"},
    {"{\"to\":\"Ann <a@x.example>\",\"cc\":[\"b@y.example.\"]}", "to_domain",
     "T:x.example T:y.example"},
    {"{\"to\":\"a@x.example, b@y.example\"}", "to_domain", "T:x.example T:y.example"},
    {"{\"to\":\"\\\"a@evil.example\\\" <a@x.example>\"}", "to_domain",
     "T:evil.example T:x.example"},
    {"{\"to\":\"a@x.example\\nBcc: b@evil.example\"}", "to_domain", "? T:evil.example"},
    {"{\"to\":\"a@(c)x.example\"}", "to_domain", "?"},
    {"{\"to\":\"a@[10.0.0.1]\"}", "to_domain", "T:[10.0.0.1]"},
    {"{\"to\":\"a@\\u0445.example\"}", "to_domain", "T:\xd1\x85.example"},
    {"{\"to\":\"nobody\"}", "to_domain", "?"},
    {"{\"to\":5}", "to_domain", "?"},
    {"{\"to\":[]}", "to_domain", ""},
    {"{\"to\":null}", "to_domain", ""},
    {"{\"to\":\"a@x\",\"cc\":[\"b@y\",\"c@z\"]}", "recipients", "N:3"},
    {"{}", "recipients", "N:0"},
    {"{\"body\":\"\\u00e4b\"}", "size", "N:3"},
    {"{\"body\":7}", "size", "?"},
    {"{\"client\":{\"id\":\"c7\"}}", "client", "T:c7"},
    {"{\"client\":[{\"id\":\"c7\"},{\"id\":\"c8\"}]}", "client", "T:c7 T:c8"},
    {"{\"client\":\"c7\"}", "client", "?"},
    /* fields */
    {"{\"amount\":\"12.50 EUR\"}", "amount", "M:12500000"},
    {"{\"amount\":\"12.50 eur\"}", "amount", "T:12.50 eur"},
    {"{\"amount\":12.5}", "amount", "N:12.5"},
    {"{\"n\":[1,\"x\",true,{\"a\":1}]}", "n", "N:1 T:x B:1 ?"},
    {"{\"t\":\"a\\\"b\"}", "t", "T:a\"b"},
    {"{\"to_domain\":\"studio.example\",\"to\":\"a@evil.example\"}", "to_domain", "T:evil.example"},
    {"[1]", "recipients", "? ? ? N:0"},
};

static void print_values(const attr *a, keel_buf *out) {
    for (size_t i = 0; a && i < a->count; i++) {
        const attr_value *v = &a->values[i];
        keel_buf_puts(out, i ? " " : "");
        if (v->type == ATTR_TEXT) {
            keel_buf_printf(out, "T:%.*s", (int)v->len, v->text);
        } else if (v->type == ATTR_MONEY) {
            keel_buf_printf(out, "M:%lld", (long long)v->micros);
        } else if (v->type == ATTR_BAD) {
            keel_buf_puts(out, "?");
        } else {
            keel_buf_printf(out, "%c:%g", v->type == ATTR_BOOL ? 'B' : 'N', v->number);
        }
    }
    keel_buf_puts(out, "");
}

static void computes_attributes(void **state) {
    (void)state;
    policy_world world = test_world();
    const manifest_resource *r = manifest_find(world.connections[2].plugin, "message");
    attr_set *set = attr_set_create();
    int failed = 0;
    for (size_t i = 0; i < sizeof fills / sizeof *fills; i++) {
        keel_buf args = KEEL_BUF_INIT;
        keel_buf got = KEEL_BUF_INIT;
        attr_set_fill(set, r, canonical(fills[i].args, &args));
        size_t count;
        const attr *list = attr_set_list(set, &count);
        const attr *found = NULL;
        for (size_t k = 0; k < count; k++) {
            found = strcmp(list[k].name, fills[i].name) == 0 && !found ? &list[k] : found;
        }
        print_values(found, &got);
        if (strcmp(got.data ? got.data : "", fills[i].want) != 0) {
            print_error("%s: %s is %s\n", fills[i].args, fills[i].name, got.data);
            failed++;
        }
        keel_buf_free(&args);
        keel_buf_free(&got);
    }
    attr_set_fill(set, NULL, keel_json_view(NULL, 0));
    size_t count = 9;
    attr_set_list(set, &count);
    assert_int_equal(count, 0);
    attr_set_destroy(set);
    attr_set_destroy(NULL);
    test_world_free(&world);
    assert_int_equal(failed, 0);
}

/* ---- suggestions ---- */

/* What is suggested compiles, and then lets exactly this effect pass. */
static void suggestions_work(void **state) {
    (void)state;
    static const char *const argss[] = {
        "{\"body\":\"Dear all, hello\",\"to\":\"a@x.example\",\"amount\":\"12.50 EUR\"}",
        "{\"to\":[\"a@x.example\",\"b@y.example\"],\"n\":[3,9],\"q\":\"it's \\\"so\\\"\\\\\"}",
        "{\"$b64\":\"x\",\"a "
        "b\":\"x\",\"count\":5,\"sink\":\"s\",\"n\":1e-7,\"m\":1e300,\"u\":\"a\\u202eb\","
        "\"c\":\"a\\u0000b\",\"d\":-0.5,\"e\":[\"x\",\"$own\"],\"f\":[1,\"x\"],\"tainted\":false}",
        "{}",
    };
    policy_world world = test_world();
    const manifest_resource *r = manifest_find(world.connections[2].plugin, "message");
    attr_set *set = attr_set_create();
    for (size_t i = 0; i < 8; i++) {
        bool ask = i % 2;
        keel_buf args = KEEL_BUF_INIT;
        attr_set_fill(set, r, canonical(argss[i / 2], &args));
        policy_query q = {.agent = "triage",
                          .target = "inbox.message.write",
                          .class = CLASS_CHECKABLE,
                          .sink_external = true};
        q.attrs = attr_set_list(set, &q.attr_count);
        keel_buf text = KEEL_BUF_INIT;
        keel_buf_puts(&text, "version: 1\nrules:\n");
        policy_suggest(&q, ask, &text);
        if (i < 2) { /* prose is no condition, and that is said */
            const char *open = strstr(text.data, "# not looked at, so anything may stand there: ");
            assert_int_equal(open && strstr(open, "body"), !ask);
        }
        policy *p = make(text.data, &world);
        policy_decision d;
        policy_decide(p, &q, &d);
        assert_int_equal(d.verdict, ask ? POLICY_ASK : POLICY_ALLOW);
        q.agent = "a";
        policy_decide(p, &q, &d);
        assert_int_equal(d.verdict, POLICY_DENY);
        policy_destroy(p);
        keel_buf_free(&text);
        keel_buf_free(&args);
    }
    attr_set_destroy(set);
    test_world_free(&world);
}

static void tells_what_a_role_can_do(void **state) {
    (void)state;
    policy_world world = test_world();
    policy *p = make(starter, &world);
    keel_buf out = KEEL_BUF_INIT;
    policy_can(p, &world, "b", &out);
    keel_json_error e;
    assert_int_equal(keel_json_check(out.data, out.len, &e), 0);
    static const struct {
        const char *target, *verdict, *rule, *when;
    } want[] = {
        {"c1.r1.read", "allow", "base.reads", ""},
        {"c1.r1.write", "depends", "three",
         "three: ask, if tainted is true and sink is \"external\""},
        {"inbox.message.write", "depends", "no-lists",
         "no-lists: deny when recipients above 3 and to_domain matching \"lists.*\"; "
         "outbound-mail: "
         "allow when to_domain in own_domains, else ask; three: ask, if tainted is true and sink "
         "is "
         "\"external\""},
    };
    for (size_t i = 0; i < 3; i++) {
        bool found = false;
        keel_json all = keel_json_view(out.data, out.len);
        for (keel_json_iter it = keel_json_each(all); keel_json_next(&it);) {
            if (!keel_json_is(keel_json_get(it.value, "target"), want[i].target)) {
                continue;
            }
            found = true;
            char when[600];
            keel_json_copy(keel_json_get(it.value, "when"), when, sizeof when);
            assert_string_equal(when, want[i].when);
            assert_true(keel_json_is(keel_json_get(it.value, "verdict"), want[i].verdict));
            assert_true(keel_json_is(keel_json_get(it.value, "rule"), want[i].rule));
            assert_int_equal(keel_json_count(keel_json_get(it.value, "budgets")), 1);
        }
        assert_true(found);
    }
    assert_null(strstr(out.data, "run.spawn"));
    keel_buf_free(&out);
    policy_destroy(p);
    test_world_free(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explains_in_words),        cmocka_unit_test(records_the_inputs),
        cmocka_unit_test(computes_attributes),      cmocka_unit_test(suggestions_work),
        cmocka_unit_test(tells_what_a_role_can_do),
    };
    digest_init();
    return cmocka_run_group_tests_name("policy_words", tests, NULL, NULL);
}
