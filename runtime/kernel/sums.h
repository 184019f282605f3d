/* What sums and counts of policy's rules see (policy/tally.h), kept by sums.c. */
#ifndef KERNEL_SUMS_H
#define KERNEL_SUMS_H

#include "parts.h"

int sums_load(kernel *k, diag *d);                     /* for world.policy: counts all anew */
void sums_see(kernel *k, policy_query *q);             /* q is asked now */
void sums_sent(kernel *k, call *c);                    /* the record that says so was written */
void sums_heard(kernel *k, call *c, record_kind kind); /* a record of an effect was */
void sums_leave_out(kernel *k, const call *c); /* while it is decided whether it goes again */
void sums_put_back(kernel *k, const call *c);
void sums_over(kernel *k, call *c); /* c is about to be freed */
void sums_durable(kernel *k);
void sums_free(kernel *k);

#endif
