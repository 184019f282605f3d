/* What differs between two policies, in terms of what they say: the order of rules, files and lines, and
 * how something is written, make no difference. */
#ifndef POLICY_DIFF_H
#define POLICY_DIFF_H

#include "policy.h"

/* Appends a canonical JSON array, by kind and id, of
 * {"change":"added|removed|changed","file","from"?,"id","kind":"list|rule|budget|egress|retry|breaker|
 *  rate|quiet","line","part"?,"to"?}
 *
 * One for each part that changed ("deny.recipients": from "above 3" to "above 5"); without `from` it is
 * new, without `to` it is gone. Of what was added or removed as a whole there is one, without a part.
 * Entries of egress, retries, breakers, rates and quiet have no id: their `on` stands for it. Only lists that some rule
 * uses are told; one that is there in both, and used in one, has changed in "used". */
void policy_diff(const policy *before, const policy *after, keel_buf *out);

#endif
