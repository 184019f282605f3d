/* When something that policy lets go may go: how often `rates` let it, and when it is not `quiet`. Neither
 * denies: what may not go yet waits.
 *
 * What rates have seen is in memory, one owner, no lock. It follows from what was sent and when, and from
 * nothing else, so it is filled anew from the journal at a start and for each new policy. An effect counts
 * once, from when it was sent last; what was given back before it was sent does not count.
 *
 * A rate of `limit: 20, per: 1h, burst: 5` lets at most 20 go in any hour, and at most 5 in any quarter of
 * one: the same pace on a smaller scale. Windows are exact, to the microsecond. */
#ifndef PACE_H
#define PACE_H

#include "policy.h"

typedef struct paces paces;
typedef struct rate_rule rate_rule;   /* one entry of `rates`, */
typedef struct quiet_rule quiet_rule; /* and of `quiet` */
typedef struct pace_mark pace_mark;   /* where one effect counts; freed by free() */

paces *paces_create(const policy *p); /* p must outlive it */
void paces_destroy(paces *t);
const policy *paces_policy(const paces *t);

/* Does some rate count effects of this target; and does it need their attributes for that? */
bool pace_counts(const policy *p, const char *target);
bool pace_reads(const policy *p, const char *target);
/* From when on effects count: what was sent before is in no window. INT64_MAX: nothing counts. */
int64_t pace_since_us(const policy *p, int64_t now_us);

/* Counts an effect (its agent, target and attributes) that was sent at that time. known false: its
 * attributes cannot be read any more; then it counts for every value. NULL: no rate is about it. */
pace_mark *pace_add(paces *t, const policy_query *q, bool known, int64_t at_us);
void pace_take(paces *t, const pace_mark *m); /* back */
void pace_put(paces *t, const pace_mark *m);  /* again, as of the same time */

/* Of all rates that are about an effect, and of all its values under each, the one that lets it go
 * last. */
typedef struct pace_sight {
    int64_t at_us;           /* when there is room; not later than now_us: it may go */
    uint64_t key;            /* what it waits for: a rate and a value */
    int64_t step_us;         /* what comes behind it waits about so much longer */
    const rate_rule *rate;   /* NULL: no rate is about it */
    const attr_value *value; /* whose room it is; NULL: the rate is not by members */
} pace_sight;
/* busy (may be NULL): others wait for that key already. Then it is `out`'s even if there is room. */
typedef bool pace_busy(void *ctx, uint64_t key);
void pace_see(const paces *t, const policy_query *q, int64_t now_us, pace_busy *busy, void *ctx,
              pace_sight *out);
/* When there is room under that key, of which a sight told; in the past: now. */
int64_t pace_room_us(const paces *t, uint64_t key);

/* ---- quiet ---- */

bool quiet_any(const policy *p); /* some entry holds something up */
/* When nothing is quiet any more that is about the effect; now_us: it may go. rule: what ends last. */
int64_t quiet_until_us(const policy *p, const policy_query *q, int64_t now_us,
                       const quiet_rule **rule);
/* When so much time has passed since then, but for the hours in which approvals pause. The query needs
 * agent, target and sink; NULL: it is about no effect. */
int64_t quiet_after_us(const policy *p, const policy_query *q, int64_t from_us, int64_t span_us);

/* ---- one entry ---- */

bool rate_is_about(const rate_rule *r, const policy_query *q); /* agent and target */
/* The same, with sink; q NULL: about no effect in particular. */
bool quiet_is_about(const quiet_rule *r, const policy_query *q);

/* ---- words ---- */

void rate_words(const policy *p, const rate_rule *r, keel_buf *out);

/* "20 in 1h for each to_domain, 5 at once (policies/p.yaml:9); to_domain is \"a.example\"" */
void pace_words(const policy *p, const pace_sight *s, keel_buf *out);
/* "quiet from 20:00 to 08:00 Europe/Madrid (policies/p.yaml:9)" */
void quiet_days(const quiet_rule *r, keel_buf *out); /* "mon, sat"; "all" */
void quiet_words(const quiet_rule *r, keel_buf *out);

#endif
