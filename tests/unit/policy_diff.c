/* What differs between two policies, as a table: what stands in both, what in one, and what is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy_diff.h"

static policy *make(const char *text) {
    policy *p = NULL;
    diag d = {0};
    keel_buf all = KEEL_BUF_INIT;
    keel_buf_printf(&all, "version: 1\n%s", text);
    policy_source source = {"p.yaml", all.data, all.len};
    if (policy_compile(&p, &source, 1, NULL, NULL, NULL, &d)) {
        fail_msg("%s\n%d:%d: %s", text, d.line, d.column, d.what);
    }
    keel_buf_free(&all);
    return p;
}

/* Of each entry "CHANGE KIND ID PART: FROM -> TO"; | between entries. */
static void put(keel_buf *out, keel_json entry, const char *key, const char *before) {
    keel_json v = keel_json_get(entry, key);
    if (v.data) {
        keel_buf_puts(out, before);
        keel_json_string(v, out);
    }
}

static char *told(const char *a, const char *b) {
    policy *before = make(a), *after = make(b);
    keel_buf json = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
    keel_json_error e;
    policy_diff(before, after, &json);
    assert_int_equal(keel_json_check(json.data, json.len, &e), 0);
    keel_buf_puts(&out, "");
    for (keel_json_iter it = keel_json_each(keel_json_view(json.data, json.len));
         keel_json_next(&it);) {
        put(&out, it.value, "change", out.len ? "|" : "");
        put(&out, it.value, "kind", " ");
        put(&out, it.value, "id", " ");
        put(&out, it.value, "part", " ");
        put(&out, it.value, "from", " < ");
        put(&out, it.value, "to", " > ");
    }
    keel_buf_free(&json);
    policy_destroy(before);
    policy_destroy(after);
    return out.data;
}

#define RULE(rest) "rules: [ { id: r, on: a.b.write, " rest " } ]\n"

static const struct {
    const char *before, *after, *told;
} cases[] = {
    {"", "", ""},
    {RULE("allow: {}"), RULE("allow: {}"), ""},
    {"rules:\n  - { id: a, on: a.b.write, ask: {} }\n  - { id: b, on: c.d.write, deny: {} }\n",
     "rules:\n  - { id: b, on: c.d.write, deny: {} }\n  - { id: a, on: a.b.write, ask: {} }\n", ""},
    {RULE("allow: { x: { in: [a, b] } }"), RULE("allow: { x: { in: [b, a] } }"),
     "changed rule r words < the same in other words > the same in other words"},
    {RULE("allow: {}"), RULE("ask: {}"),
     "changed rule r allow < always|changed rule r ask > always|changed rule r approval.expires > "
     "1d|changed rule r approval.batch.max > 25|changed rule r approval.edit > nothing"},
    {RULE("deny: { n: { gt: 3 } }"), RULE("deny: { n: { gt: 5 } }"),
     "changed rule r deny.n < above 3 > above 5"},
    {RULE("deny: { n: { gt: 3, lt: 9 } }"), RULE("deny: { n: { lt: 9, gt: 3 } }"), ""},
    {RULE("deny: { n: { gt: 3 } }"), RULE("deny: { n: { gt: 3 }, m: 4 }"),
     "changed rule r deny.m > is 4"},
    {RULE("allow: { m: { lt: 100 EUR } }"), RULE("allow: { m: { lt: 100 USD } }"),
     "changed rule r allow.m < below 100 EUR > below 100 USD"},
    {RULE("allow: { sum: { of: m, per: 1d, lte: 50 EUR } }"),
     RULE("allow: { sum: { of: m, per: 1d, lte: 90 EUR } }"), NULL},
    {RULE("allow: { x: { present: true } }"), RULE("allow: { x: { present: false } }"),
     "changed rule r allow.x < is there > is missing"},
    {RULE("allow: { x: { not_in: [a] } }"), RULE("allow: { x: { in: [a] } }"),
     "changed rule r allow.x < not in [\"a\"] > in [\"a\"]"},
    {RULE("when: { tainted: true }, ask: {}"), RULE("when: { sink: external }, ask: {}"),
     "changed rule r when.tainted < is true|changed rule r when.sink > is \"external\""},
    {RULE("agents: [b, a], allow: {}"), RULE("allow: {}"), "changed rule r agents < a, b > all"},
    {"rules: [ { id: r, on: a.b.write, allow: {} } ]\n",
     "rules: [ { id: r, on: [a.b.write, c.d.write], allow: {} } ]\n",
     "changed rule r on < a.b.write > a.b.write, c.d.write"},
    {RULE("ask: {}, approval: { expires: 24h, edit: [b, a] }"),
     RULE("ask: {}, approval: { expires: 90m, edit: [a], batch: { max: 3 } }"),
     "changed rule r approval.expires < 1d > 90m|changed rule r approval.batch.max < 25 > "
     "3|changed "
     "rule r approval.edit < a, b > a"},
    {RULE("ask: {}"), RULE("ask: {}, approval: { escalate: [ { after: 4h, notify: phone } ] }"),
     "changed rule r approval.escalate.1 > after 4h to phone"},
    {RULE("ask: {}"),
     RULE("ask: {}, approval: { digest: [\"09:00\"], tz: Europe/Madrid, batch: { by: [b, agent] },"
          " remember: { for: 90m, max_uses: 3, vary: [c, b] } }"),
     "changed rule r approval.digest.1 > 09:00 Europe/Madrid|changed rule r "
     "approval.remember.for > 90m|changed rule r approval.remember.max_uses > 3|changed rule r "
     "approval.remember.vary > b, c|changed rule r approval.batch.by > agent, b"},
    {RULE("allow: {}"), "", "removed rule r < on: a.b.write; agents: all; allow: always"},
    {"", RULE("deny: { x: { matches: \"a*\" } }"),
     "added rule r > on: a.b.write; agents: all; deny.x: matching \"a*\""},
    /* tiers and what is kept */
    {"budgets: [ { id: b, each: agent, limit: 5 USD, soft: 80% } ]\ntiers: { t: { models: m } }\n",
     "budgets: [ { id: b, each: agent, limit: 5 USD, soft: 80%, at_soft: [{ tier: t }, batch] } ]\n"
     "tiers: { t: { models: m } }\n",
     "changed budget b at_soft < notify > batch, tier t"},
    {"", "tiers: { fast: { models: [b, a], max_tokens: 8 }, smart: { models: c, where: local } }\n",
     "added tier fast > models: b, a; max_tokens: 8; max_sensitivity: confidential; where: remote"
     "|added tier smart > models: c; max_sensitivity: restricted; where: local; dearer than: fast"},
    {"tiers: { x: { models: [a, b] }, y: { models: [c] } }\n",
     "tiers: { y: { models: [c] }, x: { models: [b, a] } }\n",
     "changed tier x models < a, b > b, a|changed tier x dearer than > y|changed tier y dearer "
     "than "
     "< x"},
    {"retention: [ { of: cache, ttl: 24h }, { of: working, ttl: 7d } ]\n",
     "retention: [ { of: working, ttl: 8d }, { of: cache, ttl: 1d } ]\n",
     "changed retention working ttl < 7d > 8d"},
    {"compact: [ { of: working, when: items > 200, by: a } ]\n",
     "compact: [ { of: working, when: items >= 201, by: b }, { of: working, when: tokens > 5, by: "
     "a "
     "} ]\n",
     "changed compact working by items by < a > b|added compact working by tokens > when: tokens "
     ">= "
     "6; by: a"},
    {"snapshots: { every: day, keep: 30 }\n", "snapshots: { every: week, keep: 4 }\n",
     "changed snapshots all every < day > week|changed snapshots all keep < 30 > 4"},
    {"snapshots: { every: day, keep: 30 }\n", "", "removed snapshots all < every: day; keep: 30"},
    /* a list is told once, and not for every rule that uses it */
    {"lists: { l: [a, b] }\n" RULE("allow: { x: { in: $l } }, deny: { y: { in: $l } }"),
     "lists: { l: [b, c] }\n" RULE("allow: { x: { in: $l } }, deny: { y: { in: $l } }"),
     "changed list l \"a\" < |changed list l \"c\" > "},
    /* one that is there all the time, and begins or ceases to be used */
    {"lists: { l: [a] }\n" RULE("allow: { x: { in: [a] } }"),
     "lists: { l: [a] }\n" RULE("allow: { x: { in: $l } }"),
     "changed list l used < by no rule > \"a\"|changed rule r allow.x < in [\"a\"] > in $l"},
    {"lists: { l: [a] }\n" RULE("allow: { x: { in: $l } }"),
     "lists: { l: [a] }\n" RULE("allow: { x: { in: [a] } }"),
     "changed list l used < \"a\" > by no rule|changed rule r allow.x < in $l > in [\"a\"]"},
    {"lists: { l: [a] }\n" RULE("allow: { x: { in: $l } }"), RULE("allow: { x: { in: [a] } }"),
     "removed list l < \"a\"|changed rule r allow.x < in $l > in [\"a\"]"},
    /* values that messages cut are told apart all the same */
    {RULE("allow: { x: { in: [a, b, c, d, e] } }"), RULE("allow: { x: { in: [a, b, c, d, f] } }"),
     "changed rule r allow.x < in [\"a\", \"b\", \"c\", \"d\", \"e\"] > in [\"a\", \"b\", \"c\", "
     "\"d\", "
     "\"f\"]"},
    {RULE("allow: { x: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1 }"),
     RULE("allow: { x: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa2 }"),
     "changed rule r allow.x < is "
     "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1\" > is "
     "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa2\""},
    {"budgets: [ { id: b, scope: workspace, limit: 5 USD, window: day } ]\n",
     "budgets: [ { id: b, each: agent, limit: 50 calls, window: hour, tz: Europe/Madrid, at_hard: "
     "ask "
     "} ]\n",
     "changed budget b scope < the workspace > each agent|changed budget b window < day > "
     "hour|changed budget b tz < UTC > Europe/Madrid|changed budget b at_hard < deny > ask|changed "
     "budget b limit < 5 USD|changed budget b calls > 50"},
    {"budgets: [ { id: b, each: connection, limit: 5 USD, window: 24h, soft: 80% } ]\n",
     "budgets: [ { id: b, each: connection, limit: 5 USD, window: 1d, soft: 80%, at_soft: notify "
     "} ]\n",
     ""},
    {"budgets: [ { id: b, each: day, limit: 12 interruptions } ]\n",
     "budgets: [ { id: b, each: day, limit: 30 minutes, tz: Europe/Madrid, at_hard: batch } ]\n",
     "changed budget b tz < UTC > Europe/Madrid|changed budget b limit < 12 interruptions > 30 "
     "minutes"},
    {"budgets: [ { id: b, each: agent, limit: 5 USD, window: none } ]\n",
     "budgets: [ { id: b, each: agent, limit: 5 USD, window: life, at_hard: deny } ]\n", ""},
    {"budgets: [ { id: b, scope: workspace, agents: [y, x], limit: 5 USD, window: day } ]\n",
     "budgets: [ { id: b, scope: workspace, agents: [x, y], on: [\"c.*\"], limit: 5 USD, window: "
     "24h } ]\n",
     "changed budget b on < all > c.*|changed budget b window < day > 1d"},
    {"budgets: [ { id: b, each: connection, limit: 5 USD, at_hard: throttle, then: ask, soft: 80% "
     "} ]\n",
     "budgets: [ { id: b, each: connection, limit: 5 USD, at_hard: stop, soft: 90%, at_soft: "
     "[notify, ask] } ]\n",
     "changed budget b at_hard < throttle > stop|changed budget b throttle < 10m|changed budget b "
     "then < ask|changed budget b soft < 80% > 90%|changed budget b at_soft < notify > ask, "
     "notify"},
    {"egress: [ { on: c, to: [\"https://a.example\"] } ]\n",
     "egress: [ { on: c, to: [\"https://b.example\"] } ]\n",
     "changed egress c https://a.example < |changed egress c https://b.example > "},
    {"egress: [ { on: c, to: [\"https://a.example\"] } ]\n", "egress: [ { on: c, to: [] } ]\n",
     "changed egress c https://a.example < |changed egress c nothing > "},
    {"retries: [ { on: \"*.*.read\", max: 3 } ]\n",
     "retries: [ { on: \"*.*.read\", max: 5, first: 1s } ]\n",
     "changed retry *.*.read max < 3 > 5|changed retry *.*.read first < 250ms > 1s"},
    {"breakers: [ { on: \"c.*\", open_at: 50% } ]\n", "", NULL},
    {RULE("allow: {}"), RULE("mode: shadow, allow: {}"), "changed rule r mode > shadow"},
    {"defaults: { mode: shadow }\n" RULE("allow: {}"), RULE("allow: {}"),
     "changed rule r mode < shadow"},
    {"rates: [ { on: c.*, limit: 20, per: 1h } ]\n",
     "rates: [ { on: c.*, agents: [a], each: to, limit: 20, per: 90m, burst: 5 } ]\n",
     "changed rate c.* agents < all > a|changed rate c.* per < 1h > 90m|changed rate c.* burst < "
     "20 > "
     "5|changed rate c.* each > to"},
    {"", "quiet: [ { on: c.*, days: [sun, sat], tz: Europe/Madrid } ]\n",
     "added quiet c.* > of: what is sent; agents: all; sink: any; hours: all; days: sat, sun; tz: "
     "Europe/Madrid"},
    {"quiet: [ { approvals: pause, hours: \"20:00-08:00\" } ]\n",
     "quiet: [ { approvals: pause, hours: \"21:00-08:00\" } ]\n",
     "changed quiet * hours < 20:00-08:00 > 21:00-08:00"},
};

static void differences(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = told(cases[i].before, cases[i].after);
        if (cases[i].told && strcmp(text, cases[i].told) != 0) {
            fail_msg("%s%s\n  is    %s\n  wants %s", cases[i].before, cases[i].after, text,
                     cases[i].told);
        }
        assert_int_equal(strlen(text) > 0, !cases[i].told || *cases[i].told);
        free(text);
    }
}

/* What A to B adds, B to A removes; nothing differs from itself. */
static void both_ways(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *there = told(cases[i].before, cases[i].after);
        char *back = told(cases[i].after, cases[i].before);
        char *self = told(cases[i].after, cases[i].after);
        assert_string_equal(self, "");
        assert_int_equal(strlen(there) == 0, strlen(back) == 0);
        free(there);
        free(back);
        free(self);
    }
}

/* A query from a part of the arguments is decided only where no rule looks at the rest. */
static void beyond(void **state) {
    (void)state;
    static const struct {
        const char *rules;
        bool beyond;
    } looks[] = {
        {RULE("allow: { x: a }"), false},
        {RULE("allow: { y: a }"), true},
        {RULE("when: { y: { present: true } }, allow: { x: a }"), true},
        {RULE("deny: { tainted: true, sink: external, class: once }"), false},
        {RULE("agents: [other], allow: { y: a }"), false},
        {"rules: [ { id: r, on: a.c.write, allow: { y: a } } ]\n", false},
        {"rules: [ { id: r, on: \"*\", ask: { y: a } } ]\n", true},
    };
    attr_value v = {.type = ATTR_TEXT, .text = "a", .len = 1};
    attr x = {"x", &v, 1};
    policy_query q = {.agent = "agent", .target = "a.b.write", .attrs = &x, .attr_count = 1};
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        policy *p = make(looks[i].rules);
        assert_int_equal(policy_looks_beyond(p, &q), looks[i].beyond);
        policy_destroy(p);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(differences),
        cmocka_unit_test(both_ways),
        cmocka_unit_test(beyond),
    };
    if (digest_init()) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
