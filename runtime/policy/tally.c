#include "tally.h"

#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "policyint.h"

/* What was counted in one slice of the window: micro-units of money or of a number, or effects. */
typedef struct slice {
    int64_t at;
    int64_t amount;
} slice;

/* What is counted under one key. */
typedef struct cell {
    int64_t total; /* of all slices */
    bool full;     /* beyond what can be counted, until all its slices have left the window */
    uint32_t count, cap;
    slice slices[]; /* in order of time */
} cell;

struct tallies {
    const policy *p;
    map *cells; /* beside policy.tallies: key -> cell */
    size_t added, swept_at;
};

typedef struct entry {
    uint16_t index; /* into policy.tallies */
    int64_t slice;
    uint64_t key;
    int64_t amount;
} entry;

struct tally_mark {
    size_t count, cap;
    entry entries[];
};

tallies *tallies_create(const policy *p) {
    tallies *t = keel_alloc(sizeof *t);
    *t = (tallies){.p = p};
    t->cells = keel_alloc((p->tally_count + 1) * sizeof *t->cells);
    memset(t->cells, 0, (p->tally_count + 1) * sizeof *t->cells);
    return t;
}

void tallies_destroy(tallies *t) {
    if (!t) {
        return;
    }
    for (size_t i = 0; i < t->p->tally_count; i++) {
        size_t at = 0;
        cell *c;
        while ((c = map_next(&t->cells[i], &at, NULL)) != NULL) {
            free(c);
        }
        map_free(&t->cells[i]);
    }
    free(t->cells);
    free(t);
}

const policy *tallies_policy(const tallies *t) {
    return t->p;
}

/* ---- what it is about ---- */

static bool is_about(const tally_rule *r, const char *target) {
    for (size_t i = 0; i < r->on_count; i++) {
        if (target_matches(r->on[i], target)) {
            return true;
        }
    }
    return false;
}

bool tally_counts(const policy *p, const char *target) {
    for (size_t i = 0; i < p->tally_count; i++) {
        if (is_about(p->tallies[i], target)) {
            return true;
        }
    }
    return false;
}

bool tally_reads(const policy *p, const char *target) {
    for (size_t i = 0; i < p->tally_count; i++) {
        const tally_rule *r = p->tallies[i];
        if ((r->sum || r->each == EACH_ATTR) && is_about(r, target)) {
            return true;
        }
    }
    return false;
}

int64_t tally_since_us(const policy *p, int64_t now_us) {
    int64_t since = INT64_MAX;
    for (size_t i = 0; i < p->tally_count; i++) {
        int64_t from = now_us - tally_reach_us(p->tallies[i]);
        since = from < since ? from : since;
    }
    return since;
}

/* ---- cells ---- */

static void forget_old(cell *c, int64_t first) {
    uint32_t old = 0;
    while (old < c->count && c->slices[old].at < first) {
        c->total -= c->full ? 0 : c->slices[old].amount;
        old++;
    }
    if (old) {
        c->count -= old;
        memmove(c->slices, c->slices + old, c->count * sizeof *c->slices);
    }
    if (c->count == 0) {
        c->total = 0;
        c->full = false;
    }
}

/* The place of the slice, or where it would be. */
static uint32_t place_of(const cell *c, int64_t at) {
    uint32_t i = c->count;
    while (i > 0 && c->slices[i - 1].at >= at) {
        i--;
    }
    return i;
}

static cell *with_slice(cell *c, uint32_t i, int64_t at) {
    if (i < c->count && c->slices[i].at == at) {
        return c;
    }
    if (c->count == c->cap) {
        c->cap *= 2;
        c = keel_realloc(c, sizeof *c + c->cap * sizeof *c->slices);
    }
    memmove(c->slices + i + 1, c->slices + i, (c->count - i) * sizeof *c->slices);
    c->slices[i] = (slice){at, 0};
    c->count++;
    return c;
}

static void put_in(tallies *t, const entry *e) {
    map *m = &t->cells[e->index];
    cell *c = map_get(m, e->key);
    if (!c) {
        c = keel_alloc(sizeof *c + sizeof *c->slices);
        *c = (cell){.cap = 1};
    }
    uint32_t i = place_of(c, e->slice);
    c = with_slice(c, i, e->slice);
    c->full = c->full || __builtin_add_overflow(c->total, e->amount, &c->total);
    if (!c->full) {
        c->slices[i].amount += e->amount;
    }
    map_put(m, e->key, c);
}

static void take_out(tallies *t, const entry *e) {
    cell *c = map_get(&t->cells[e->index], e->key);
    uint32_t i = c ? place_of(c, e->slice) : 0;
    if (!c || c->full || i == c->count || c->slices[i].at != e->slice) {
        return; /* that slice has left the window */
    }
    c->slices[i].amount -= e->amount;
    c->total -= e->amount;
}

int64_t tally_counted(const tallies *t, uint16_t index, uint64_t key, int64_t first) {
    const cell *c = map_get(&t->cells[index], key);
    int64_t total = c ? c->total : 0;
    if (!c || c->count == 0 || c->slices[c->count - 1].at < first) {
        return 0;
    }
    for (uint32_t i = 0; !c->full && c->slices[i].at < first; i++) {
        total -= c->slices[i].amount;
    }
    return c->full ? INT64_MAX : total;
}

/* Keys whose window has passed go, once as many effects were counted as there were keys at the last
 * look: that is constant for each of them. */
static void sweep(tallies *t, int64_t now_us) {
    size_t left = 0;
    if (t->added++ < t->swept_at) {
        return;
    }
    for (size_t i = 0; i < t->p->tally_count; i++) {
        int64_t first = tally_first(t->p->tallies[i], now_us);
        map kept = {0};
        uint64_t key;
        size_t at = 0;
        cell *c;
        while ((c = map_next(&t->cells[i], &at, &key)) != NULL) {
            forget_old(c, first);
            if (c->count) {
                map_put(&kept, key, c);
            } else {
                free(c);
            }
        }
        map_free(&t->cells[i]);
        t->cells[i] = kept;
        left += kept.count;
    }
    t->added = 0;
    t->swept_at = left + 64;
}

/* ---- adding and taking back ---- */

static tally_mark *mark_more(tally_mark *m, entry e) {
    if (!m || m->count == m->cap) {
        size_t cap = m ? m->cap * 2 : 4;
        tally_mark *more = keel_realloc(m, sizeof *more + cap * sizeof *more->entries);
        more->count = m ? more->count : 0;
        more->cap = cap;
        m = more;
    }
    m->entries[m->count++] = e;
    return m;
}

static int by_key(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* A message to two of one domain is one message to it. */
static tally_mark *mark_members(const tallies *t, tally_mark *m, const attr *a, entry e) {
    bool fold = t->p->attrs[t->p->tallies[e.index]->each_attr].fold;
    uint64_t *keys = keel_alloc((a->count + 1) * sizeof *keys);
    for (size_t i = 0; i < a->count; i++) {
        keys[i] = tally_key(&a->values[i], fold);
    }
    qsort(keys, a->count, sizeof *keys, by_key);
    for (size_t i = 0; i < a->count; i++) {
        if (i == 0 || keys[i] != keys[i - 1]) {
            e.key = keys[i];
            m = mark_more(m, e);
        }
    }
    free(keys);
    return m;
}

/* What cannot be read may be anything: it counts under every key, and no sum of it can be told. */
static tally_mark *mark_one(const tallies *t, tally_mark *m, const policy_query *q, bool known,
                            entry e) {
    const tally_rule *r = t->p->tallies[e.index];
    const attr *each = known && r->each == EACH_ATTR ? query_attr(t->p, q, r->each_attr) : NULL;
    tally_odd odd = known ? tally_amount(t->p, r, q, &e.amount) : TALLY_BAD;
    e.amount = known ? e.amount : 1;
    if (odd == TALLY_BAD && r->sum) {
        e.key = TALLY_KEY_UNREAD;
        e.amount = 1;
    } else if (r->each != EACH_ATTR) {
        e.key = r->each == EACH_AGENT ? tally_key_agent(q->agent) : TALLY_KEY_ALL;
    } else if (!known || tally_unread(each)) {
        e.key = TALLY_KEY_ANY;
    } else {
        return each && each->count && e.amount ? mark_members(t, m, each, e) : m;
    }
    return e.amount ? mark_more(m, e) : m;
}

tally_mark *tally_add(tallies *t, const policy_query *q, bool known, int64_t at_us) {
    tally_mark *m = NULL;
    for (size_t i = 0; i < t->p->tally_count; i++) {
        const tally_rule *r = t->p->tallies[i];
        if (is_about(r, q->target)) {
            entry e = {.index = (uint16_t)i, .slice = tally_slice(r, at_us)};
            m = mark_one(t, m, q, known, e);
        }
    }
    if (m) {
        sweep(t, at_us);
        tally_put(t, m);
    }
    return m;
}

void tally_put(tallies *t, const tally_mark *m) {
    for (size_t i = 0; m && i < m->count; i++) {
        put_in(t, &m->entries[i]);
    }
}

void tally_take(tallies *t, const tally_mark *m) {
    for (size_t i = 0; m && i < m->count; i++) {
        take_out(t, &m->entries[i]);
    }
}
