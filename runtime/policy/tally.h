/* Sums and counts over time: what `sum` and `count` of a policy's rules have seen. All state is in
 * memory, one owner, no lock. It follows from what was sent and when, and from nothing else, so it is
 * filled anew from the journal at a start and for each new policy.
 *
 * An effect is added when it is decided to go, and taken back when it is proved not to have been
 * applied; one whose outcome is unknown stays. Windows are cut into slices (tally_window.c), and a
 * key that nothing was counted under for a whole window takes no memory: a million effects under one
 * key cost as much as 66. Adding and looking take constant time for each sum that is about the target,
 * and the slices of one key. */
#ifndef TALLY_H
#define TALLY_H

#include "policy.h"

typedef struct tallies tallies;
typedef struct tally_mark tally_mark; /* what one effect added; freed by free() */

tallies *tallies_create(const policy *p); /* p must outlive it */
void tallies_destroy(tallies *t);
/* Of which it counts; by another policy nothing can be told. */
const policy *tallies_policy(const tallies *t);

/* Does some sum or count count effects of this target; and does it need their attributes for that? */
bool tally_counts(const policy *p, const char *target);
bool tally_reads(const policy *p, const char *target);
/* From when on effects count: what was sent before is in no window. INT64_MAX: nothing counts. */
int64_t tally_since_us(const policy *p, int64_t now_us);

/* Counts an effect (its agent, target and attributes) that was sent at that time. known false: its
 * attributes cannot be read any more; then it counts under every key, and a sum of what it said cannot
 * be told while it is in the window. NULL: no sum is about it. */
tally_mark *tally_add(tallies *t, const policy_query *q, bool known, int64_t at_us);
void tally_take(tallies *t, const tally_mark *m); /* back */
void tally_put(tallies *t, const tally_mark *m);  /* again, as of the same time */

#endif
