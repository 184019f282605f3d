/* Tiers, and what is said of memory: what an engine is told, from one file or several; what is refused in
 * a workspace; what nothing uses yet. */
#include <stdio.h>

#include "keeping.h"
#include "policy_bad.h"

static policy *compiled(const char *a, const char *b, policy_warning *warn, void *ctx, diag *d) {
    policy_world world = test_world();
    policy_source sources[] = {{"a.yaml", a, strlen(a)}, {"b.yaml", b, strlen(b)}};
    policy *p = NULL;
    policy_compile(&p, sources, 2, &world, warn, ctx, d);
    test_world_free(&world);
    return p;
}

#define TIERS                                                                                      \
    "tiers:\n  fast: { models: [m1, m2], max_tokens: 800 }\n"                                      \
    "  smart: { models: big, max_sensitivity: internal }\n  here: { models: x, where: local }\n"

static void an_engine_is_told_of_tiers(void **state) {
    (void)state;
    diag d = {0};
    policy *p = compiled(V, V TIERS, NULL, NULL, &d);
    assert_non_null(p);
    assert_int_equal(policy_tier_count(p), 3);
    const policy_tier *fast = policy_tier_get(p, "fast", 4);
    assert_ptr_equal(fast, policy_tier_at(p, 0));
    assert_int_equal(fast->model_count, 2);
    assert_string_equal(fast->models[0], "m1");
    assert_string_equal(fast->models[1], "m2");
    assert_int_equal(fast->max_tokens, 800);
    assert_int_equal(fast->most, SENSITIVITY_CONFIDENTIAL);
    assert_false(fast->local);
    assert_string_equal(fast->file, "b.yaml");
    assert_int_equal(fast->line, 3);
    assert_int_equal(policy_tier_at(p, 1)->most, SENSITIVITY_INTERNAL);
    assert_int_equal(policy_tier_at(p, 1)->max_tokens, 0);
    assert_int_equal(policy_tier_at(p, 2)->most, SENSITIVITY_RESTRICTED);
    assert_true(policy_tier_at(p, 2)->local);
    assert_null(policy_tier_at(p, 3));
    assert_null(policy_tier_get(p, "fas", 3));
    assert_null(policy_tier_get(p, "fast!", 5));
    policy_destroy(p);
}

static void an_engine_is_told_of_memory(void **state) {
    (void)state;
    diag d = {0};
    policy *p = compiled(V "retention: [ { of: working, ttl: 7d } ]\n"
                           "compact: [ { of: working, when: items > 200, by: a, tier: fast } ]\n",
                         V TIERS "retention: [ { of: cache, ttl: 36h } ]\n"
                                 "compact: [ { of: working, when: tokens >= 8000, by: b } ]\n"
                                 "snapshots: { every: week, keep: 30 }\n",
                         NULL, NULL, &d);
    if (!p) {
        fail_msg("%s:%d:%d: %s", d.file, d.line, d.column, d.what);
    }
    assert_int_equal(policy_retention(p, KEPT_WORKING), 7 * 86400 * 1000000LL);
    assert_int_equal(policy_retention(p, KEPT_CACHE), 36 * 3600 * 1000000LL);
    assert_int_equal(policy_retention(p, KEPT_SEMANTIC), 0);
    const policy_compaction *items = policy_compact(p, KEPT_WORKING, COMPACT_ITEMS);
    assert_int_equal(items->from, 201);
    assert_string_equal(items->by, "a");
    assert_string_equal(items->tier, "fast"); /* of the other file, below */
    const policy_compaction *tokens = policy_compact(p, KEPT_WORKING, COMPACT_TOKENS);
    assert_int_equal(tokens->from, 8000);
    assert_string_equal(tokens->by, "b");
    assert_null(tokens->tier);
    assert_null(policy_compact(p, KEPT_SEMANTIC, COMPACT_ITEMS));
    assert_int_equal(policy_snapshots(p).every, SNAPSHOT_WEEK);
    assert_int_equal(policy_snapshots(p).keep, 30);
    policy_destroy(p);
    p = compiled(V, V, NULL, NULL, &d);
    assert_int_equal(policy_tier_count(p), 0);
    assert_int_equal(policy_retention(p, KEPT_WORKING), 0);
    assert_int_equal(policy_snapshots(p).every, SNAPSHOT_NEVER);
    policy_destroy(p);
}

static const bad_policy bad[] = {
    {V "compact: [ { of: working, when: items > 5, by: traige } ]\n", 2, 48, "no agent \"traige\"",
     "\"triage\""},
    {V "compact: [ { of: working, when: items > 5, by: a, tier: fats } ]\n" TIERS, 2, 57,
     "no tier \"fats\"", "\"fast\""},
    {V "compact: [ { of: working, when: items > 5, by: a, tier: zzzz } ]\n", 2, 57,
     "no tier \"zzzz\"", "below `tiers`"},
    {V "compact: [ { of: working, when: itms > 5, by: a } ]\n", 2, 33, "items or tokens",
     "\"items\""},
    {V "compact: [ { of: working, when: 'items  > 5', by: a } ]\n", 2, 40, "> or >=", ""},
    {V "compact:\n  - { of: working, when: items > 2, by: a }\n"
       "  - { of: working, when: items > 3, by: b }\n",
     4, 26, "at how many items working is condensed is already said at p.yaml:3", ""},
    {V "retention:\n  - { of: working, ttl: 7d }\n  - { of: working, ttl: 7d }\n", 4, 11,
     "how long working is kept is already said at p.yaml:3", ""},
    {V "retention: [ { of: cahce, ttl: 7d } ]\n", 2, 20, "no kind of memory", "\"cache\""},
    {V "tiers: { t: { models: m, max_sensitivity: confidental } }\n", 2, 43, "no sensitivity",
     "\"confidential\""},
    {V "tiers: { t: { modles: m } }\n", 2, 15, "not known here", "\"models\""},
};

static void what_is_wrong_has_its_place(void **state) {
    (void)state;
    all_are_refused(bad, sizeof bad / sizeof *bad);
}

static const struct {
    const char *a, *b;
    int line, column; /* in b.yaml */
    const char *says;
} two[] = {
    {V TIERS, V "tiers: { other: { models: m } }\n", 2, 10, "some are at a.yaml:3"},
    {V "retention: [ { of: cache, ttl: 7d } ]\n", V "retention: [ { of: cache, ttl: 7d } ]\n", 2,
     20, "already said at a.yaml:2"},
    {V "snapshots: { every: day, keep: 3 }\n", V "snapshots: { every: day, keep: 3 }\n", 2, 12,
     "already said at a.yaml:2"},
};

static void two_files_do_not_say_two_things(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof two / sizeof *two; i++) {
        diag d = {0};
        assert_null(compiled(two[i].a, two[i].b, NULL, NULL, &d));
        if (strcmp(d.file, "b.yaml") != 0 || d.line != two[i].line || d.column != two[i].column ||
            !strstr(d.what, two[i].says) || !d.next[0]) {
            fail_msg("%zu: %s:%d:%d: %s", i, d.file, d.line, d.column, d.what);
        }
    }
}

/* A tier that is faulty is there for who names it: only one fault is told. */
static void count(void *ctx, const diag *d) {
    (void)d;
    ++*(int *)ctx;
}

static void a_faulty_tier_is_told_once(void **state) {
    (void)state;
    static const char text[] =
        V "tiers: { fast: { models: m, where: x } }\n"
          "compact: [ { of: working, when: items > 5, by: a, tier: fast } ]\n";
    int faults = 0;
    diag d = {0};
    policy *p = NULL;
    policy_source source = {"p.yaml", text, strlen(text)};
    policy_listener to = {count, NULL, &faults};
    assert_int_equal(policy_check(&p, &source, 1, NULL, &to, &d), DIAG_USAGE);
    assert_int_equal(faults, 1);
}

/* ---- what nothing uses ---- */

static void note(void *ctx, const diag *d) {
    keel_buf_printf(ctx, "%s:%d:%d %.12s|", d->file, d->line, d->column, d->what);
    assert_true(strstr(d->what, "nothing in this version uses it yet") ||
                strstr(d->what, "no verb of this workspace has the attribute tier"));
    assert_true(d->next[0]);
}

/* A connector that declares the attribute: then they are used. */
static void what_a_verb_uses_is_no_warning(void **state) {
    (void)state;
    static const char text[] = V TIERS
        "budgets:\n  - { id: b, each: agent, limit: 5 USD, soft: 9%, at_soft: {tier: fast} }\n";
    manifest *m = test_manifest("kind: connector\nversion: 1.0.0\nentry: x.lua\n"
                                "id: com.example.words\nresources:\n"
                                "  text: { read: {}, attributes: { tier: { of: tier } } }\n");
    policy_connection with = {"words", m};
    policy_world none = {0}, one = {.connections = &with, .connection_count = 1};
    keel_buf said = KEEL_BUF_INIT;
    policy_source source = {"p.yaml", text, strlen(text)};
    policy *p = NULL;
    diag d = {0};
    assert_int_equal(policy_compile(&p, &source, 1, &one, note, &said, &d), 0);
    assert_int_equal(said.len, 0);
    policy_destroy(p);
    assert_int_equal(policy_compile(&p, &source, 1, &none, note, &said, &d), 0);
    assert_string_equal(said.data, "p.yaml:3:3 tiers: no ve|p.yaml:7:5 budget b: no|");
    policy_destroy(p);
    keel_buf_free(&said);
    manifest_destroy(m);
}

static void what_nothing_uses_is_told_once_each(void **state) {
    (void)state;
    keel_buf said = KEEL_BUF_INIT;
    diag d = {0};
    policy *p =
        compiled(V TIERS "retention: [ { of: cache, ttl: 7d }, { of: working, ttl: 7d } ]\n",
                 V "compact: [ { of: working, when: items > 5, by: a } ]\n"
                   "snapshots: { every: day, keep: 3 }\n",
                 note, &said, &d);
    assert_non_null(p);
    assert_string_equal(said.data, "a.yaml:3:3 tiers: no ve|a.yaml:6:38 retention: n|"
                                   "b.yaml:2:12 compact: not|b.yaml:3:12 snapshots: n|");
    policy_destroy(p);
    keel_buf_clear(&said);
    p = compiled(V "tiers: {}\nretention: []\ncompact: []\n", V, note, &said, &d);
    assert_non_null(p);
    assert_int_equal(said.len, 0);
    policy_destroy(p);
    keel_buf_free(&said);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_engine_is_told_of_tiers),
        cmocka_unit_test(an_engine_is_told_of_memory),
        cmocka_unit_test(what_is_wrong_has_its_place),
        cmocka_unit_test(two_files_do_not_say_two_things),
        cmocka_unit_test(a_faulty_tier_is_told_once),
        cmocka_unit_test(what_a_verb_uses_is_no_warning),
        cmocka_unit_test(what_nothing_uses_is_told_once_each),
    };
    digest_init();
    return cmocka_run_group_tests_name("policy_keeping", tests, NULL, NULL);
}
