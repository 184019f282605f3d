/* `rates` against a list of all effects that is counted anew each time, to the microsecond; what it costs;
 * and its words. */
#include <malloc.h>
#include <stdio.h>

#include "pace.h"
#include "policy_past.h"

#define V    "version: 1\n"
#define KEPT 512
#define KEYS 4

typedef struct gone {
    int64_t at;
    unsigned keys; /* bits; 0: taken back */
    bool by_b, unread;
    pace_mark *mark;
} gone;

typedef struct oracle {
    gone list[KEPT];
    size_t count;
    uint64_t seed;
} oracle;

static uint64_t roll(oracle *o, uint64_t below) {
    o->seed ^= o->seed << 13;
    o->seed ^= o->seed >> 7;
    o->seed ^= o->seed << 17;
    return o->seed % below;
}

typedef struct pace_row {
    const char *entry;
    bool each_to, each_agent, of_a; /* agents: [a] */
    int64_t per, burst_us;
    size_t limit, burst;
} pace_row;

static const pace_row rows[] = {
    {"{on: c1.r1.write, limit: 20, per: 1h, burst: 5}", false, false, false, HOUR, 15 * MINUTE, 20,
     5},
    {"{on: c1.*, each: to, limit: 3, per: 10m}", true, false, false, 10 * MINUTE, 10 * MINUTE, 3,
     3},
    {"{on: c1.r1.write, each: to, limit: 7, per: 1m, burst: 1}", true, false, false, MINUTE,
     8571429, 7, 1},
    {"{on: [c2.r2.write, c1.r1.write], each: agent, limit: 4, per: 2s, burst: 3}", false, true,
     false, 2000000, 1500000, 4, 3},
    {"{on: \"*.*.write\", agents: a, limit: 1, per: 1m}", false, false, true, MINUTE, MINUTE, 1, 1},
};

static bool same_room(const pace_row *r, const gone *g, bool by_b, int key) {
    return g->keys && (!r->each_to || g->unread || (g->keys >> key & 1)) &&
           (!r->each_agent || g->by_b == by_b) && !(r->of_a && g->by_b);
}

static bool fits(const oracle *o, const pace_row *r, bool by_b, int key, int64_t now) {
    size_t wide = 0, narrow = 0;
    for (size_t i = 0; i < KEPT; i++) {
        const gone *g = &o->list[i];
        if (same_room(r, g, by_b, key)) {
            wide += g->at > now - r->per;
            narrow += g->at > now - r->burst_us;
        }
    }
    return wide < r->limit && narrow < r->burst;
}

/* The first moment from now on; it can only be one in which something leaves a window. */
static int64_t naive(const oracle *o, const pace_row *r, bool by_b, int key, int64_t now) {
    int64_t first = fits(o, r, by_b, key, now) ? now : INT64_MAX;
    for (size_t i = 0; first > now && i < KEPT; i++) {
        int64_t turns[] = {o->list[i].at + r->per, o->list[i].at + r->burst_us};
        for (size_t k = 0; k < 2; k++) {
            if (turns[k] > now && turns[k] < first && fits(o, r, by_b, key, turns[k])) {
                first = turns[k];
            }
        }
    }
    return first;
}

static policy_query effect_of(attr *a, attr_value *v, unsigned keys, bool by_b) {
    static const char *const members[KEYS] = {"w.example", "x.example", "y.example", "z.example"};
    size_t n = 0;
    for (int i = 0; i < KEYS; i++) {
        if (keys >> i & 1) {
            v[n++] = (attr_value){.type = ATTR_TEXT, .text = members[i], .len = 9};
        }
    }
    *a = (attr){"to", v, n};
    return (policy_query){.agent = by_b ? "b" : "a",
                          .target = "c1.r1.write",
                          .class = CLASS_ONCE,
                          .attrs = a,
                          .attr_count = 1};
}

static void one_goes(oracle *o, paces *t, const policy_query *q, unsigned keys, int64_t now) {
    gone *g = &o->list[o->count++ % KEPT];
    bool unread = roll(o, 50) == 0;
    free(g->mark);
    *g = (gone){now, keys, q->agent[0] == 'b', unread, pace_add(t, q, !unread, now)};
}

static void one_is_taken_back(oracle *o, paces *t) {
    size_t n = o->count < 30 ? o->count : 30;
    gone *g = n ? &o->list[(o->count - 1 - roll(o, n)) % KEPT] : NULL;
    if (g && g->keys && roll(o, 8) == 0) {
        pace_take(t, g->mark);
        if (roll(o, 2)) {
            pace_put(t, g->mark);
        } else {
            g->keys = 0;
        }
    }
}

static void agrees(const pace_row *r) {
    char text[256];
    snprintf(text, sizeof text, V "rates: [%s]\n", r->entry);
    policy *p = compile(text);
    paces *t = paces_create(p);
    oracle *o = calloc(1, sizeof *o);
    int64_t now = NOON;
    int went = 0, waited = 0;
    assert_non_null(o);
    o->seed = 88172645463325252u;
    for (int i = 0; i < 4000; i++) {
        attr a;
        attr_value v[KEYS];
        unsigned keys = 1 + (unsigned)roll(o, (1 << KEYS) - 1);
        bool by_b = roll(o, 2);
        policy_query q = effect_of(&a, v, keys, by_b);
        pace_sight s;
        int64_t expected = now;
        now += (int64_t)roll(o, (uint64_t)r->per / r->limit);
        expected = now;
        for (int key = 0; key < KEYS && !(r->of_a && by_b); key++) {
            int64_t at = keys >> key & 1 ? naive(o, r, by_b, key, now) : now;
            expected = at > expected ? at : expected;
        }
        pace_see(t, &q, now, NULL, NULL, &s);
        if (s.at_us != expected) {
            fail_msg("%s, step %d: in %lld us, not %lld", r->entry, i, (long long)(s.at_us - now),
                     (long long)(expected - now));
        }
        if (s.at_us > now) {
            assert_int_equal(pace_room_us(t, s.key), s.at_us);
        }
        if (s.at_us > now && roll(o, 3)) { /* what waits goes at that very moment */
            waited++;
            now = s.at_us;
        }
        if (expected <= now || roll(o, 10) == 0) {
            one_goes(o, t, &q, keys, now);
            went++;
        }
        one_is_taken_back(o, t);
    }
    if (went < 500 || (!r->of_a && waited < 200)) {
        fail_msg("%d went, %d waited: %s", went, waited, r->entry);
    }
    for (size_t i = 0; i < KEPT; i++) {
        free(o->list[i].mark);
    }
    free(o);
    paces_destroy(t);
    policy_destroy(p);
}

static void is_to_the_microsecond_what_a_list_says(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        agrees(&rows[i]);
    }
}

/* ---- which is told ---- */

static const struct {
    const char *rates, *target, *args;
    bool by_b;
    int64_t waits;
    const char *words; /* NULL: it goes */
} sights[] = {
    {"{on: c1.*, limit: 1, per: 1h}", "c1.r1.write", "{}", false, HOUR, "1 in 1h (p.yaml:2)"},
    {"{on: c1.*, limit: 1, per: 1h}", "c2.r1.write", "{}", false, 0, NULL},
    {"{on: c1.*, limit: 1, per: 1h}", "run.spawn", "{}", false, 0, NULL},
    {"{on: \"*\", limit: 1, per: 1h}", "run.spawn", "{}", false, 0, NULL},
    {"{on: c1.*, agents: [b], limit: 1, per: 1h}", "c1.r1.write", "{}", false, 0, NULL},
    {"{on: c1.*, agents: [b], limit: 1, per: 1h}", "c1.r1.write", "{}", true, HOUR,
     "1 in 1h (p.yaml:2)"},
    {"{on: c1.*, limit: 8, per: 1h, burst: 1}", "c1.r1.write", "{}", false, HOUR / 8,
     "8 in 1h, 1 at once (p.yaml:2)"},
    {"{on: c1.*, limit: 1, per: 1h}, {on: c1.*, limit: 1, per: 90m}, {on: c1.*, limit: 1, per: 1s}",
     "c1.r1.write", "{}", false, 90 * MINUTE, "1 in 90m (p.yaml:2)"},
    {"{on: c1.*, each: to_domain, limit: 1, per: 1d}", "c1.r1.write",
     "{\"to_domain\":\"A.example\"}", false, DAY,
     "1 in 1d for each to_domain (p.yaml:2); to_domain is \"A.example\""},
    {"{on: c1.*, each: to_domain, limit: 1, per: 1d}", "c1.r1.write", "{}", false, DAY,
     "1 in 1d for each to_domain (p.yaml:2); to_domain is missing"},
    {"{on: c1.*, each: to_domain, limit: 2, per: 1d}", "c1.r1.write",
     "{\"to_domain\":[\"a.example\",\"a.example\"]}", false, 0, NULL},
    {"{on: c1.*, each: to_domain, limit: 1, per: 250s}", "c1.r1.write",
     "{\"to_domain\":[\"new.example\",\"a.EXAMPLE\"]}", false, 250000000,
     "1 in 250s for each to_domain (p.yaml:2); to_domain is \"a.EXAMPLE\""},
    {"{on: c1.*, each: agent, limit: 1, per: 1m}", "c1.r1.write", "{}", true, MINUTE,
     "1 in 1m for each agent (p.yaml:2)"},
};

/* Each once by a and by b, to a.example and to nobody; then the one of the row. */
static void tells_what_it_waits_for(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof sights / sizeof *sights; i++) {
        char text[256];
        snprintf(text, sizeof text, V "rates: [%s]\n", sights[i].rates);
        policy *p = compile(text);
        paces *t = paces_create(p);
        attr_set *set = attr_set_create();
        for (int k = 0; k < 2; k++) {
            policy_query q =
                query(set, k ? "b" : "a", "c1.r1.write", "{\"to_domain\":\"a.example\"}");
            free(pace_add(t, &q, true, NOON));
            q = query(set, k ? "b" : "a", "c1.r1.write", "{}");
            if (i != 10) {
                free(pace_add(t, &q, true, NOON));
            }
            if (i == 10) {
                break;
            }
        }
        policy_query q = query(set, sights[i].by_b ? "b" : "a", sights[i].target, sights[i].args);
        pace_sight s;
        keel_buf words = KEEL_BUF_INIT;
        pace_see(t, &q, NOON, NULL, NULL, &s);
        if (s.at_us - NOON != sights[i].waits) {
            fail_msg("%s: waits %lld us", sights[i].rates, (long long)(s.at_us - NOON));
        }
        if (sights[i].words) {
            pace_words(p, &s, &words);
            assert_string_equal(words.data, sights[i].words);
        }
        assert_true((s.rate == NULL) == (sights[i].waits == 0 && i != 10));
        keel_buf_free(&words);
        attr_set_destroy(set);
        paces_destroy(t);
        policy_destroy(p);
    }
}

static bool all_busy(void *ctx, uint64_t key) {
    *(uint64_t *)ctx = key;
    return true;
}

/* There is room, but others wait for it. */
static void tells_for_what_others_wait(void **state) {
    (void)state;
    policy *p = compile(V "rates: [{on: c1.*, limit: 9, per: 1h}]\n");
    paces *t = paces_create(p);
    policy_query q = {.agent = "a", .target = "c1.r1.write"};
    pace_sight s;
    uint64_t key = 0;
    pace_see(t, &q, NOON, all_busy, &key, &s);
    assert_int_equal(s.at_us, NOON);
    assert_true(key && s.key == key);
    assert_int_equal(s.step_us, HOUR / 9);
    paces_destroy(t);
    policy_destroy(p);
}

/* ---- what it costs ---- */

static size_t bytes(void) {
    return mallinfo2().uordblks;
}

static void add_one(paces *t, int key, int64_t at) {
    attr_value to = {.type = ATTR_NUMBER, .number = key};
    attr one = {"to", &to, 1};
    policy_query q = {.agent = "a", .target = "c1.r1.write", .attrs = &one, .attr_count = 1};
    free(pace_add(t, &q, true, at));
}

static void a_million_effects_cost_little(void **state) {
    (void)state;
    policy *p = compile(V "rates: [{on: c1.r1.write, each: to, limit: 9, per: 1d}]\n");
    paces *t = paces_create(p);
    size_t before = bytes();
    for (int i = 0; i < 100000; i++) {
        add_one(t, i, NOON + i);
    }
    assert_true(bytes() < before + 20000000);
    for (int i = 0; i < 1000000; i++) { /* more than it lets go: approved before it was written */
        add_one(t, 7, NOON + 2 * DAY + (int64_t)i * 1000);
    }
    assert_true(bytes() < before + 20000);
    paces_destroy(t);
    policy_destroy(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_to_the_microsecond_what_a_list_says),
        cmocka_unit_test(tells_what_it_waits_for),
        cmocka_unit_test(tells_for_what_others_wait),
        cmocka_unit_test(a_million_effects_cost_little),
    };
    digest_init();
    return cmocka_run_group_tests_name("policy_pace", tests, NULL, NULL);
}
