#include "backtest_tally.h"

#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "tally.h"

struct backtest_tally {
    const policy *policy;
    tallies *counted;
    map effects; /* that are settled, to marks */
    policy_past past;
    int64_t unread; /* until when a window may hold what cannot be read */
};

static char nothing; /* in place of the mark of one that does not count */

backtest_tally *backtest_tally_create(const policy *p) {
    if (tally_since_us(p, 0) == INT64_MAX) {
        return NULL;
    }
    backtest_tally *t = keel_alloc(sizeof *t);
    *t = (backtest_tally){.policy = p, .counted = tallies_create(p), .unread = INT64_MIN};
    return t;
}

static void forget(void *mark) {
    if (mark != &nothing) {
        free(mark);
    }
}

void backtest_tally_destroy(backtest_tally *t) {
    size_t at = 0;
    void *mark;
    while (t && (mark = map_next(&t->effects, &at, NULL))) {
        forget(mark);
    }
    if (t) {
        map_free(&t->effects);
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

static void settle(backtest_tally *t, uint64_t effect, void *mark) {
    forget(map_take(&t->effects, effect));
    map_put(&t->effects, effect, mark ? mark : &nothing);
}

void backtest_tally_decided(backtest_tally *t, uint64_t effect, const policy_query *q,
                            policy_verdict now, bool sent, int64_t at_us) {
    if (!t || !tally_counts(t->policy, q->target)) {
        return;
    }
    if (now == POLICY_ALLOW || (now == POLICY_ASK && sent)) {
        settle(t, effect, tally_add(t->counted, q, true, at_us));
    } else if (now == POLICY_DENY) {
        settle(t, effect, NULL);
    }
}

bool backtest_tally_wants(const backtest_tally *t, uint64_t effect, const char *target) {
    return t && tally_counts(t->policy, target) && !map_get(&t->effects, effect);
}

void backtest_tally_sent(backtest_tally *t, uint64_t effect, const policy_query *q, bool known,
                         int64_t at_us) {
    if (!known && tally_reads(t->policy, q->target)) {
        backtest_tally_unread(t, at_us);
    } else {
        settle(t, effect, tally_add(t->counted, q, known, at_us));
    }
}

void backtest_tally_over(backtest_tally *t, uint64_t effect, bool applied) {
    void *mark = map_take(&t->effects, effect);
    if (mark && mark != &nothing && !applied) {
        tally_take(t->counted, mark);
    }
    forget(mark);
}

void backtest_tally_unread(backtest_tally *t, int64_t at_us) {
    if (t) {
        t->unread = at_us + (at_us - tally_since_us(t->policy, at_us));
    }
}
