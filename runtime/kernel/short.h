/* Budgets in the kernel: what becomes of an effect that fits none, when it goes on, and what is told.
 * What waits for a budget holds nothing. */
#ifndef KERNEL_SHORT_H
#define KERNEL_SHORT_H

#include "parts.h"

/* What at_hard says becomes of it; c may be gone after it. */
void effect_short(kernel *k, call *c, const policy_decision *d, keel_json decision,
                  const budget_refusal *why);
/* Limits that a person who approves it lets it go beyond, as records and its digest name them. */
void beyond_set(call *c, const budget_beyond *list, size_t count);
void beyond_put(const call *c, bool amounts, keel_json_writer *w); /* the member "beyond", if any */
void beyond_restore(call *c, keel_json list);
bool short_waits(const call *c);
/* Its rule d asks: a person is asked, unless that is so already, or what it waits for is still not there
 * and at_hard says otherwise. c may be gone after it. */
void short_or_ask(kernel *k, call *c, const policy_decision *d, keel_json decision);
bool short_stopped(const call *c); /* with its run, which a person lets go on */
/* It is decided again at that time, or before. */
void short_wait(kernel *k, call *c, int64_t until_us);
/* All that wait so, the oldest first; the caller frees the list. An earlier one may end a later one. */
call **short_list(kernel *k, size_t *count);
bool short_listed(kernel *k, call *c); /* c is still there */
void short_freed(kernel *k);           /* something was released: what waits is looked at soon */
void short_resume(kernel *k, run *r);
void short_forget(kernel *k, const call *c);
void budgets_tell(kernel *k); /* soft limits that were reached */
/* Accounts at their soft limit or full, as an array. */
void budgets_write(kernel *k, keel_json_writer *w);

/* A row of BUDGET_ROWS; ctx is the kernel. */
#define BUDGET_ROWS "SELECT budget, scope, window, unit, spent, held FROM budget"
int account_restore(void *ctx, int n, const char *const *columns, const char *const *names);

#endif
