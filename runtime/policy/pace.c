#include "pace.h"

#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "policyint.h"

/* When effects of one key were sent, the oldest first. */
typedef struct cell {
    uint32_t rate; /* index into policy.rates */
    uint32_t count, cap;
    int64_t at[];
} cell;

struct paces {
    const policy *p;
    map cells; /* key -> cell */
    size_t added, swept_at;
};

struct pace_mark {
    int64_t at;
    size_t count, cap;
    struct {
        uint32_t rate;
        uint64_t key;
    } keys[];
};

paces *paces_create(const policy *p) {
    paces *t = keel_alloc(sizeof *t);
    *t = (paces){.p = p};
    return t;
}

void paces_destroy(paces *t) {
    size_t at = 0;
    cell *c;
    while (t && (c = map_next(&t->cells, &at, NULL)) != NULL) {
        free(c);
    }
    if (t) {
        map_free(&t->cells);
    }
    free(t);
}

const policy *paces_policy(const paces *t) {
    return t->p;
}

/* ---- what it is about ---- */

static bool is_about(const rate_rule *r, const char *target) {
    return strncmp(target, "run.", 4) != 0 && entry_covers(r->on, r->on_count, NULL, 0, "", target);
}

bool rate_is_about(const rate_rule *r, const policy_query *q) {
    return strncmp(q->target, "run.", 4) != 0 &&
           entry_covers(r->on, r->on_count, r->agents, r->agent_count, q->agent, q->target);
}

bool pace_counts(const policy *p, const char *target) {
    for (size_t i = 0; i < p->rate_count; i++) {
        if (is_about(&p->rates[i], target)) {
            return true;
        }
    }
    return false;
}

bool pace_reads(const policy *p, const char *target) {
    for (size_t i = 0; i < p->rate_count; i++) {
        if (p->rates[i].each == EACH_ATTR && is_about(&p->rates[i], target)) {
            return true;
        }
    }
    return false;
}

int64_t pace_since_us(const policy *p, int64_t now_us) {
    int64_t since = INT64_MAX;
    for (size_t i = 0; i < p->rate_count; i++) {
        int64_t from = now_us - p->rates[i].per_us;
        since = from < since ? from : since;
    }
    return since;
}

/* ---- cells ---- */

/* Under two rates one value is two keys. Should two of them be one, less is let go, never more. */
static uint64_t key_of(uint32_t rate, uint64_t member) {
    uint64_t h = (member ^ (rate + 1) * UINT64_C(0x9e3779b97f4a7c15)) * 0x9fb21c651e98df25u;
    h ^= h >> 32;
    return h ? h : 1;
}

static uint32_t place_of(const cell *c, int64_t at) {
    uint32_t i = c->count;
    while (i > 0 && c->at[i - 1] > at) {
        i--;
    }
    return i;
}

/* What left the window goes, and of the others what no limit looks at any more. */
static void forget_old(const policy *p, cell *c, int64_t now_us) {
    const rate_rule *r = &p->rates[c->rate];
    uint32_t most = 2 * r->limit;
    uint32_t old = c->count > most ? c->count - most : 0;
    while (old < c->count && c->at[old] <= now_us - r->per_us) {
        old++;
    }
    c->count -= old;
    memmove(c->at, c->at + old, c->count * sizeof *c->at);
}

static void put_in(paces *t, uint32_t rate, uint64_t key, int64_t at) {
    cell *c = map_get(&t->cells, key);
    if (!c) {
        c = keel_alloc(sizeof *c + sizeof *c->at);
        *c = (cell){.rate = rate, .cap = 1};
    } else if (c->count == c->cap) {
        forget_old(t->p, c, at);
    }
    if (c->count == c->cap) {
        c->cap *= 2;
        c = keel_realloc(c, sizeof *c + c->cap * sizeof *c->at);
    }
    uint32_t i = place_of(c, at);
    memmove(c->at + i + 1, c->at + i, (c->count - i) * sizeof *c->at);
    c->at[i] = at;
    c->count++;
    map_put(&t->cells, key, c);
}

static void take_out(paces *t, uint64_t key, int64_t at) {
    cell *c = map_get(&t->cells, key);
    uint32_t i = c ? place_of(c, at) : 0;
    if (i == 0 || c->at[i - 1] != at) {
        return; /* it has left the window */
    }
    c->count--;
    memmove(c->at + i - 1, c->at + i, (c->count - i + 1) * sizeof *c->at);
}

/* Keys whose window has passed go, once as many effects were counted as there were keys at the last
 * look: that is constant for each of them. */
static void sweep(paces *t, int64_t now_us) {
    if (t->added++ < t->swept_at) {
        return;
    }
    map kept = {0};
    uint64_t key;
    size_t at = 0;
    cell *c;
    while ((c = map_next(&t->cells, &at, &key)) != NULL) {
        forget_old(t->p, c, now_us);
        if (c->count) {
            map_put(&kept, key, c);
        } else {
            free(c);
        }
    }
    map_free(&t->cells);
    t->cells = kept;
    t->added = 0;
    t->swept_at = kept.count + 64;
}

/* ---- counting ---- */

static pace_mark *mark_more(pace_mark *m, uint32_t rate, uint64_t key) {
    for (size_t i = 0; m && i < m->count; i++) {
        if (m->keys[i].key == key) {
            return m; /* two recipients of one domain */
        }
    }
    if (!m || m->count == m->cap) {
        size_t cap = m ? m->cap * 2 : 2;
        pace_mark *more = keel_realloc(m, sizeof *more + cap * sizeof *more->keys);
        more->count = m ? more->count : 0;
        more->cap = cap;
        m = more;
    }
    m->keys[m->count].rate = rate;
    m->keys[m->count++].key = key;
    return m;
}

/* What lacks the attribute has a room of its own. */
static uint64_t member_key(const rate_rule *r, const attr *a, size_t i, const policy *p,
                           const char *agent) {
    if (r->each == EACH_AGENT) {
        return tally_key_agent(agent);
    }
    return a && a->count ? tally_key(&a->values[i], p->attrs[r->each_attr].fold) : TALLY_KEY_ALL;
}

static size_t members(const attr *a) {
    return a && a->count ? a->count : 1;
}

pace_mark *pace_add(paces *t, const policy_query *q, bool known, int64_t at_us) {
    pace_mark *m = NULL;
    for (uint32_t i = 0; i < t->p->rate_count; i++) {
        const rate_rule *r = &t->p->rates[i];
        if (!rate_is_about(r, q)) {
            continue;
        }
        if (!known && r->each == EACH_ATTR) {
            m = mark_more(m, i, key_of(i, TALLY_KEY_ANY));
            continue;
        }
        const attr *a = r->each == EACH_ATTR ? query_attr(t->p, q, r->each_attr) : NULL;
        for (size_t k = 0; k < members(a); k++) {
            m = mark_more(m, i, key_of(i, member_key(r, a, k, t->p, q->agent)));
        }
    }
    if (m) {
        m->at = at_us;
        sweep(t, at_us);
        pace_put(t, m);
    }
    return m;
}

void pace_put(paces *t, const pace_mark *m) {
    for (size_t i = 0; m && i < m->count; i++) {
        put_in(t, m->keys[i].rate, m->keys[i].key, m->at);
    }
}

void pace_take(paces *t, const pace_mark *m) {
    for (size_t i = 0; m && i < m->count; i++) {
        take_out(t, m->keys[i].key, m->at);
    }
}

/* ---- what is seen ---- */

/* The n-th newest of both, or INT64_MIN: there are not so many. */
static int64_t newest(const cell *a, const cell *b, uint32_t n) {
    uint32_t i = a ? a->count : 0, k = b ? b->count : 0;
    int64_t at = INT64_MIN;
    if (i + k < n) {
        return at;
    }
    if (k == 0) {
        return a->at[i - n];
    }
    for (; n; n--) {
        at = k == 0 || (i && a->at[i - 1] > b->at[k - 1]) ? a->at[--i] : b->at[--k];
    }
    return at;
}

static int64_t room(const paces *t, uint32_t rate, uint64_t key) {
    const rate_rule *r = &t->p->rates[rate];
    const cell *own = map_get(&t->cells, key);
    const cell *every =
        r->each == EACH_ATTR ? map_get(&t->cells, key_of(rate, TALLY_KEY_ANY)) : NULL;
    int64_t wide = newest(own, every, r->limit), narrow = newest(own, every, r->burst);
    wide = wide == INT64_MIN ? wide : wide + r->per_us;
    narrow = narrow == INT64_MIN ? narrow : narrow + r->burst_us;
    return wide > narrow ? wide : narrow;
}

int64_t pace_room_us(const paces *t, uint64_t key) {
    const cell *c = map_get(&t->cells, key);
    return c ? room(t, c->rate, key) : INT64_MIN;
}

/* Later than the others, or of those that need not wait one for which others do. */
static bool matters_more(const pace_sight *s, int64_t at, bool busy, bool busy_before,
                         int64_t now_us) {
    if (!s->rate || at <= now_us) {
        return !s->rate || (s->at_us <= now_us && busy && !busy_before);
    }
    return at > s->at_us;
}

void pace_see(const paces *t, const policy_query *q, int64_t now_us, pace_busy *is_busy, void *ctx,
              pace_sight *out) {
    bool busy_before = false;
    *out = (pace_sight){.at_us = now_us};
    for (uint32_t i = 0; i < t->p->rate_count; i++) {
        const rate_rule *r = &t->p->rates[i];
        if (!rate_is_about(r, q)) {
            continue;
        }
        const attr *a = r->each == EACH_ATTR ? query_attr(t->p, q, r->each_attr) : NULL;
        for (size_t k = 0; k < members(a); k++) {
            uint64_t key = key_of(i, member_key(r, a, k, t->p, q->agent));
            int64_t at = room(t, i, key);
            bool busy = is_busy && is_busy(ctx, key);
            if (matters_more(out, at, busy, busy_before, now_us)) {
                *out = (pace_sight){at > now_us ? at : now_us, key, r->per_us / r->limit, r,
                                    a && a->count ? &a->values[k] : NULL};
                busy_before = busy;
            }
        }
    }
}

/* ---- words ---- */

void rate_words(const policy *p, const rate_rule *r, keel_buf *out) {
    keel_buf_printf(out, "%u in ", (unsigned)r->limit);
    span_print(r->per_us, out);
    if (r->each != EACH_NONE) {
        keel_buf_printf(out, " for each %s",
                        r->each == EACH_AGENT ? "agent" : p->attrs[r->each_attr].name);
    }
    if (r->burst < r->limit) {
        keel_buf_printf(out, ", %u at once", (unsigned)r->burst);
    }
    keel_buf_printf(out, " (%s:%d)", r->file, r->line);
}

void pace_words(const policy *p, const pace_sight *s, keel_buf *out) {
    const rate_rule *r = s->rate;
    rate_words(p, r, out);
    if (r->each == EACH_ATTR) {
        keel_buf_printf(out, "; %s is ", p->attrs[r->each_attr].name);
        if (s->value) {
            value_print(s->value, out);
        } else {
            keel_buf_puts(out, "missing");
        }
    }
}
