/* What sums and counts of another policy would have seen of the past. What that policy lets go counts from
 * when it was asked for; what it asks for, and what it was not asked of, from when it was sent; what was
 * proved not to have been applied does not count. Memory: a few words for each effect that a sum is about,
 * and that is not over or denied. */
#ifndef CLI_BACKTEST_TALLY_H
#define CLI_BACKTEST_TALLY_H

#include "policy.h"
#include "store.h"

typedef struct backtest_tally backtest_tally;

/* *out NULL: no rule of p sums or counts. p must outlive it; destroy it also after a failure. */
int backtest_tally_create(backtest_tally **out, const policy *p, reader *r, diag *d);
void backtest_tally_destroy(backtest_tally *t); /* takes NULL */

/* q is decided now, as of that time; its past lives until the next call. t may be NULL. false: a rule looks
 * at what was erased since. */
bool backtest_tally_see(backtest_tally *t, policy_query *q, int64_t at_us);

/* Effects by a key of their own. known: it is known all that was asked; sent: the record says so, too. */
void backtest_tally_decided(backtest_tally *t, uint64_t effect, const policy_query *q, bool known,
                            policy_verdict now, bool sent, int64_t at_us);
/* Whether it counts once it is sent; t may be NULL. */
bool backtest_tally_wants(const backtest_tally *t, uint64_t effect, const char *target);
/* Whether it would be counted, or counted anew, by what it says. */
bool backtest_tally_follows(const backtest_tally *t, uint64_t effect, const char *target);
void backtest_tally_sent(backtest_tally *t, uint64_t effect, const policy_query *q, bool known,
                         int64_t at_us);
/* It did not go after all, and may go once more; what the other policy lets go counts on. */
void backtest_tally_unsent(backtest_tally *t, uint64_t effect);
/* A person overrode a denial: then it counts once it is sent. */
void backtest_tally_lifted(backtest_tally *t, uint64_t effect);
void backtest_tally_over(backtest_tally *t, uint64_t effect, bool applied);
/* What was asked for or sent by that record cannot be read any more. */
void backtest_tally_erased(backtest_tally *t, const journal_row *row);

#endif
