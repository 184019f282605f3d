/* What policy lets go, but not yet: its rate has no room (policy/pace.h), or the hour is quiet. It holds no
 * budget, and is decided again when it goes. One timer for all; a call that waits costs nothing. */
#ifndef KERNEL_WAITS_H
#define KERNEL_WAITS_H

#include "pace.h"
#include "parts.h"

typedef struct line line; /* what waits for the same */

typedef struct hold_up {
    wait_reason reason; /* WAIT_RATE, WAIT_QUIET */
    int64_t at_us;      /* when there is room, or it is quiet no more */
    int64_t until_us;   /* about when it goes: behind what waits already */
    uint64_t key;       /* of its line */
    char words[320];    /* the rule, and its place */
} hold_up;

bool waits_must(kernel *k, call *c, hold_up *out);
/* Allowed, so it waits; recorded, unless it waits for such a thing already. */
void waits_begin(kernel *k, call *c, keel_json decision, const hold_up *h);
/* Consented to: intended, which has used the consent, and given back. */
void waits_give_back(kernel *k, call *c, const hold_up *h);
void waits_leave(kernel *k, call *c); /* it is decided, or gone */
/* All that waits is decided again, the oldest first: another policy, or it was halted. */
void waits_renew(kernel *k);
void waits_restore(kernel *k, call *c); /* it waited when the kernel ended */
/* When so much time has passed but for the hours in which approvals pause; c NULL: of no effect. */
int64_t waits_awake(kernel *k, const call *c, int64_t from_us, int64_t span_us);
void waits_clock(kernel *k); /* the wall clock is another */
void waits_free(kernel *k);

/* waiting.c: the record; h NULL: it is for neither; scope: what an approval of it may cover further on,
 * NULL or empty: nothing. */
void effect_waits(kernel *k, call *c, keel_json decision, const hold_up *h, const keel_buf *scope);

#endif
