/* One denial that a person lifts once (`keel override`), with the approver's key: for exactly these bytes,
 * at this place of this run, against this rule as it is. It is no rule: nothing else is let through by it.
 * Budgets, connections and classes are not lifted. */
#ifndef KERNEL_OVERRIDE_H
#define KERNEL_OVERRIDE_H

#include "parts.h"

#define OVERRIDE_LASTS_US (24LL * 3600 * 1000000) /* unless it is used before */

typedef struct override {
    struct override *next;
    uint64_t number, run;
    char path[PATH_LIMIT];
    digest approval; /* as approval_digest makes it */
    int64_t expires_us;
    bool used;
} override;

/* Policy does not deny c; or it does, and an override covers exactly that: c->overridden is its number
 * then. So it is where policy asks, and a person has denied the same before (denials.h). */
bool override_lets(kernel *k, call *c, const policy_decision *d);
override *override_add(kernel *k, uint64_t number, uint64_t run_id, const char *path,
                       const digest *approval, int64_t expires_us);
/* The member "override" of the record by which c goes, if it goes by one, which is used up then. */
void override_put(kernel *k, const call *c, keel_json_writer *w);
/* Recovery: those that were not used; and the one by which c was intended last, at sent_seq. */
int override_recover(kernel *k, diag *d);
void override_restore(kernel *k, call *c, int64_t sent_seq);
void overrides_free(kernel *k);

#endif
