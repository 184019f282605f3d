/* What each class of effect promises, as pure functions: what follows from an attempt that was lost
 * or refused, and until when a key may be sent. No state, no clock: the kernel calls them, tests and
 * the simulation's model call the same. */
#ifndef KERNEL_RULES_H
#define KERNEL_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "manifest.h"

/* All that counts of an effect that was tried. Times: wall clock, us. */
typedef struct effect_facts {
    effect_class class;
    uint32_t attempt; /* how often it was intended */
    uint32_t limit;   /* of attempts, from policy; 0: the class's own */
    int64_t now_us;
    int64_t opened_us;  /* since when the other side may remember its key */
    int64_t window_us;  /* keyed: for how long it does */
    int64_t settle_us;  /* how long a look cannot yet prove absence */
    bool maybe_applied; /* some attempt may have been applied */
} effect_facts;

typedef enum effect_step {
    STEP_RETRY,      /* try again, after back-off */
    STEP_LOOK,       /* reconcile now */
    STEP_LOOK_LATER, /* reconcile once settle_us is over */
    STEP_ASK,        /* unknown, and a person's verdict */
    STEP_NOT_DONE
} effect_step;

/* The answer is lost: it may have been applied. */
effect_step rules_lost(const effect_facts *f);
/* This attempt is proved not applied, and another may be made. */
effect_step rules_refused(const effect_facts *f);
/* No attempt will follow. */
effect_step rules_give_up(const effect_facts *f);
/* May the key still be sent? Keys are retried for 0.8 of their window, and never after it. */
bool rules_key_lives(const effect_facts *f);

#endif
