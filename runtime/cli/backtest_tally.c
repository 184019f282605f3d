#include "backtest_tally.h"

#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "tally.h"

struct backtest_tally {
    const policy *policy;
    tallies *counted;
    map effects; /* that are settled, to what they count */
    map apart;   /* erased records of what nothing is counted of, by seq */
    policy_past past;
    int64_t unread; /* until when a window may hold what cannot be read */
};

typedef struct counted {
    tally_mark *mark;
    bool let; /* by the other policy itself: it counts though it was not sent */
} counted;

static counted nothing; /* of what that policy denies */

/* Of what an effect was about its target is left. */
static int take_erased(void *ctx, int columns, const char *const *v, const char *const *names) {
    backtest_tally *t = ctx;
    char target[160];
    (void)columns;
    (void)names;
    keel_json left = keel_json_get(keel_json_view(v[1], strlen(v[1])), "target");
    if (keel_json_copy(left, target, sizeof target) > 0 && !tally_counts(t->policy, target)) {
        map_put(&t->apart, strtoull(v[0], NULL, 10), &nothing);
    }
    return 0;
}

int backtest_tally_create(backtest_tally **out, const policy *p, reader *r, diag *d) {
    *out = NULL;
    if (tally_since_us(p, 0) == INT64_MAX) {
        return 0;
    }
    backtest_tally *t = *out = keel_alloc(sizeof *t);
    *t = (backtest_tally){.policy = p, .counted = tallies_create(p), .unread = INT64_MIN};
    return reader_query(r, "SELECT seq, body FROM erased", NULL, 0, take_erased, t, d);
}

static void forget(counted *c) {
    if (c && c != &nothing) {
        free(c->mark);
        free(c);
    }
}

void backtest_tally_destroy(backtest_tally *t) {
    size_t at = 0;
    counted *c;
    while (t && (c = map_next(&t->effects, &at, NULL))) {
        forget(c);
    }
    if (t) {
        map_free(&t->effects);
        map_free(&t->apart);
        tallies_destroy(t->counted);
        free(t);
    }
}

bool backtest_tally_see(backtest_tally *t, policy_query *q, int64_t at_us) {
    if (!t) {
        return true;
    }
    t->past = (policy_past){.tallies = t->counted, .now_us = at_us};
    q->past = &t->past;
    return at_us > t->unread || !policy_looks_back(t->policy, q);
}

static void settle(backtest_tally *t, uint64_t effect, counted *c) {
    forget(map_take(&t->effects, effect));
    map_put(&t->effects, effect, c);
}

static void miss(backtest_tally *t, int64_t at_us) {
    t->unread = at_us + (at_us - tally_since_us(t->policy, at_us));
}

static void count(backtest_tally *t, uint64_t effect, const policy_query *q, bool known, bool let,
                  int64_t at_us) {
    if (!known && tally_reads(t->policy, q->target)) {
        miss(t, at_us);
        return;
    }
    counted *c = keel_alloc(sizeof *c);
    *c = (counted){.mark = tally_add(t->counted, q, known, at_us), .let = let};
    settle(t, effect, c);
}

void backtest_tally_decided(backtest_tally *t, uint64_t effect, const policy_query *q, bool known,
                            policy_verdict now, bool sent, int64_t at_us) {
    if (!t || !tally_counts(t->policy, q->target)) {
        return;
    }
    if (now == POLICY_ALLOW || (now == POLICY_ASK && sent)) {
        count(t, effect, q, known, now == POLICY_ALLOW, at_us);
    } else if (now == POLICY_DENY) {
        settle(t, effect, &nothing);
    } else {
        forget(map_take(&t->effects, effect));
    }
}

bool backtest_tally_wants(const backtest_tally *t, uint64_t effect, const char *target) {
    return t && tally_counts(t->policy, target) && !map_get(&t->effects, effect);
}

bool backtest_tally_follows(const backtest_tally *t, uint64_t effect, const char *target) {
    const counted *c = map_get(&t->effects, effect);
    return tally_reads(t->policy, target) && (!c || (c != &nothing && !c->let));
}

void backtest_tally_sent(backtest_tally *t, uint64_t effect, const policy_query *q, bool known,
                         int64_t at_us) {
    count(t, effect, q, known, false, at_us);
}

static void take_out(backtest_tally *t, uint64_t effect, bool back) {
    counted *c = map_take(&t->effects, effect);
    if (c && back) {
        tally_take(t->counted, c->mark);
    }
    forget(c);
}

void backtest_tally_unsent(backtest_tally *t, uint64_t effect) {
    const counted *c = map_get(&t->effects, effect);
    if (c && c != &nothing && !c->let) {
        take_out(t, effect, true);
    }
}

void backtest_tally_lifted(backtest_tally *t, uint64_t effect) {
    if (map_get(&t->effects, effect) == &nothing) {
        map_take(&t->effects, effect);
    }
}

void backtest_tally_over(backtest_tally *t, uint64_t effect, bool applied) {
    if (map_get(&t->effects, effect) != &nothing) { /* that stays: it may be asked once more */
        take_out(t, effect, !applied);
    }
}

void backtest_tally_erased(backtest_tally *t, const journal_row *row) {
    bool apart = row->kind == RECORD_SPAWN ? !tally_counts(t->policy, "run.spawn")
                                           : map_get(&t->apart, (uint64_t)row->seq) != NULL;
    if (!apart) {
        miss(t, row->at);
    }
}
