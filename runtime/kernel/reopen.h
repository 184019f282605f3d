/* A run that is over goes on from a step that was not applied: the pieces of it. run_reopen (parts.h) is
 * the usual way; an override does something of its own in between. */
#ifndef KERNEL_REOPEN_H
#define KERNEL_REOPEN_H

#include "turning.h"

typedef struct reopening {
    uint64_t run_id;
    open_item *stuck; /* NULL: it ended by itself, and nobody began it who may have been told */
    turning turning;
    run *run; /* once it is open again */
} reopening;

/* Where it would go on from; changes nothing. Free turning also after a failure. */
int reopen_plan(kernel *k, reopening *o, diag *d);
int reopen_revive(kernel *k, reopening *o, diag *d); /* it is open again, in memory */
/* Records it, and starts it. number: whose word it is. */
void reopen_go(kernel *k, reopening *o, uint64_t number, const char *why, keel_json_writer *result);

#endif
