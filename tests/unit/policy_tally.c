/* Sums and counts against a list of all effects that is added up anew each time: never less than what the
 * window holds, never more than what it and one slice before it hold; and what they cost. */
#include <malloc.h>

#include "policy_past.h"

#define STEPS 100000
#define KEPT  1024
#define KEYS  5

/* One effect of the naive list. */
typedef struct past_effect {
    int64_t at, micros;
    int key; /* -1: it was taken back */
    tally_mark *mark;
} past_effect;

typedef struct oracle {
    past_effect list[KEPT]; /* a ring: what falls out of it left every window long ago */
    size_t count;
    uint64_t seed;
} oracle;

static uint64_t roll(oracle *o, uint64_t below) {
    o->seed ^= o->seed << 13;
    o->seed ^= o->seed >> 7;
    o->seed ^= o->seed << 17;
    return o->seed % below;
}

static policy_query effect_of(attr *attrs, attr_value values[2], int key, int64_t micros) {
    static const char *const members[KEYS] = {"v", "w", "x", "y", "z"};
    values[0] = (attr_value){.type = ATTR_MONEY, .micros = micros, .currency = "EUR"};
    values[1] = (attr_value){.type = ATTR_TEXT, .text = members[key], .len = 1};
    attrs[0] = (attr){"amount", &values[0], 1};
    attrs[1] = (attr){"to", &values[1], 1};
    return (policy_query){.agent = members[key],
                          .target = "c1.r1.write",
                          .class = CLASS_ONCE,
                          .attrs = attrs,
                          .attr_count = 2};
}

/* What the window that ends now holds of the key (-1: of all), and so many us before it. */
static int64_t naive(const oracle *o, int key, int64_t since, bool sum) {
    int64_t total = 0;
    size_t n = o->count < KEPT ? o->count : KEPT;
    for (size_t i = 0; i < n; i++) {
        const past_effect *e = &o->list[i];
        if (e->key >= 0 && e->at > since && (key < 0 || e->key == key)) {
            total += sum ? e->micros : 1;
        }
    }
    return total;
}

static const struct {
    const char *rule;
    bool sum, each;
    int64_t per, limit;
} limits[] = {
    {"allow: {sum: {of: amount, per: 10m, lte: 40 EUR}}", true, false, 10 * MINUTE, 40000000},
    {"allow: {sum: {of: amount, per: 7m, each: to, lte: 9 EUR}}", true, true, 7 * MINUTE, 9000000},
    {"allow: {count: {per: 1m, lte: 30}}", false, false, MINUTE, 30},
    {"allow: {count: {per: 61m, each: agent, lte: 30}}", false, true, 61 * MINUTE, 30},
};

/* It goes; and now and then an older one is proved not applied, or is decided on once more. */
static void one_step(oracle *o, tallies *t, int64_t now, const policy_query *q, int key,
                     int64_t micros, bool goes) {
    if (goes) {
        past_effect *e = &o->list[o->count++ % KEPT];
        free(e->mark);
        *e = (past_effect){now, micros, key, tally_add(t, q, true, now)};
    }
    size_t n = o->count < 40 ? o->count : 40;
    past_effect *e = n ? &o->list[(o->count - 1 - roll(o, n)) % KEPT] : NULL;
    if (e && e->key >= 0 && roll(o, 8) == 0) {
        tally_take(t, e->mark);
        if (roll(o, 2)) {
            tally_put(t, e->mark);
        } else {
            e->key = -1;
        }
    }
}

static void agrees_with_a_list(const char *rule, bool sum, bool each, int64_t per, int64_t limit) {
    char text[256];
    snprintf(text, sizeof text, R "  - {id: r, on: c1.r1.write, %s}\n", rule);
    policy *p = compile(text);
    tallies *t = tallies_create(p);
    oracle *o = calloc(1, sizeof *o);
    int64_t now = NOON, slice = (per + 63) / 64;
    int allowed = 0, refused = 0;
    assert_non_null(o);
    o->seed = 88172645463325252u;
    for (int i = 0; i < STEPS / 4; i++) {
        attr attrs[2];
        attr_value values[2];
        int key = (int)roll(o, KEYS);
        int64_t micros = (int64_t)roll(o, 4000000);
        policy_query q = effect_of(attrs, values, key, micros);
        policy_past past = {t, now += (int64_t)roll(o, (uint64_t)per / 100), false};
        policy_decision d;
        q.past = &past;
        policy_decide(p, &q, &d);
        int64_t own = sum ? micros : 1;
        int64_t exact = naive(o, each ? key : -1, now - per, sum);
        int64_t wide = naive(o, each ? key : -1, now - per - slice - 1, sum);
        if (d.verdict == POLICY_ALLOW && exact + own > limit) {
            fail_msg("step %d: allowed %lld beyond %lld: %s", i, (long long)(exact + own),
                     (long long)limit, rule);
        }
        if (d.verdict != POLICY_ALLOW && wide + own <= limit) {
            fail_msg("step %d: refused though %lld are below %lld: %s", i, (long long)(wide + own),
                     (long long)limit, rule);
        }
        *(d.verdict == POLICY_ALLOW ? &allowed : &refused) += 1;
        one_step(o, t, now, &q, key, micros, d.verdict == POLICY_ALLOW || roll(o, 20) == 0);
    }
    if (allowed < 500 || refused < 500) {
        fail_msg("%d allowed, %d refused: %s", allowed, refused, rule);
    }
    for (size_t i = 0; i < KEPT; i++) {
        free(o->list[i].mark);
    }
    free(o);
    tallies_destroy(t);
    policy_destroy(p);
}

static void never_less_than_the_window_nor_more_than_a_slice(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        agrees_with_a_list(limits[i].rule, limits[i].sum, limits[i].each, limits[i].per,
                           limits[i].limit);
    }
}

/* ---- what it costs ---- */

static size_t bytes(void) {
    return mallinfo2().uordblks;
}

static void add_one(tallies *t, int key, int64_t at) {
    double n = key;
    attr_value to = {.type = ATTR_NUMBER, .number = n};
    attr one = {"to", &to, 1};
    policy_query q = {.agent = "a", .target = "c1.r1.write", .attrs = &one, .attr_count = 1};
    free(tally_add(t, &q, true, at));
}

/* Many under one key cost what its slices do; keys of a window that has passed cost nothing. */
static void a_million_effects_cost_little(void **state) {
    (void)state;
    policy *p =
        compile(R "  - {id: r, on: c1.r1.write, allow: {count: {per: 1d, each: to, lte: 9}}}\n");
    tallies *t = tallies_create(p);
    size_t before = bytes();
    for (int i = 0; i < 100000; i++) {
        add_one(t, i, NOON + i);
    }
    assert_true(bytes() < before + 20000000);
    for (int i = 0; i < 1000000; i++) {
        add_one(t, 7, NOON + 2 * DAY + (int64_t)i * 100000);
    }
    assert_true(bytes() < before + 20000);
    attr_value to = {.type = ATTR_NUMBER, .number = 7};
    attr one = {"to", &to, 1};
    policy_past past = {t, NOON + 2 * DAY + 100000000000LL, false};
    policy_query q = {
        .agent = "a", .target = "c1.r1.write", .attrs = &one, .attr_count = 1, .past = &past};
    policy_decision d;
    keel_buf why = KEEL_BUF_INIT;
    policy_decide(p, &q, &d);
    policy_explain(p, &q, &d, &why);
    /* those of the last day, up to a slice of it (22.5 minutes, 13,500 effects) more */
    long long n = atoll(strstr(why.data, "\"count(1d,to)\":") + 15);
    assert_true(n >= 864001 && n <= 864001 + 13500);
    keel_buf_free(&why);
    tallies_destroy(t);
    policy_destroy(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_less_than_the_window_nor_more_than_a_slice),
        cmocka_unit_test(a_million_effects_cost_little),
    };
    digest_init();
    return cmocka_run_group_tests_name("policy_tally", tests, NULL, NULL);
}
