/* What may become of an effect: one pure table, from a state by a record to the next state. The
 * kernel takes every step through it, the projection's states follow it, `keel audit rebuild
 * --check` holds the journal to it, and the simulation's model is built from it. What a lost answer
 * means for each class is in kernel/rules.h.
 *
 *   proposed -> denied
 *            -> waiting -> rejected | expired | stale -> asked again
 *            -> intended -> done | not_done | unknown | retry -> intended
 *   unknown  -> reconciling -> done | not_done | retry | unknown
 *   done     -> compensating -> compensated | compensation_unknown | compensation_failed */
#ifndef EFFECT_TABLE_H
#define EFFECT_TABLE_H

#include <stdbool.h>

#include "records.h"

typedef enum effect_state {
    EFFECT_NONE, /* proposed: there is no record of it yet, or it was reopened */
    EFFECT_DENIED,
    EFFECT_WAITING,
    EFFECT_REJECTED,
    EFFECT_EXPIRED,
    EFFECT_STALE,
    EFFECT_INTENDED, /* to be sent, or sent */
    EFFECT_RETRY,    /* will be intended again: proved not applied, or a repeat is harmless */
    EFFECT_UNKNOWN,
    EFFECT_RECONCILING,
    EFFECT_DONE,
    EFFECT_NOT_DONE,
    EFFECT_COMPENSATING,
    EFFECT_COMPENSATED,
    EFFECT_COMPENSATION_UNKNOWN,
    EFFECT_COMPENSATION_FAILED,
    EFFECT_STATES
} effect_state;

const char *effect_state_name(effect_state s); /* as in the table `effect`; NONE: "proposed" */
/* EFFECT_STATES: there is no state of that name. */
effect_state effect_state_named(const char *name);

/* Does a record of this kind, at an effect's path, move the effect? */
bool effect_moves(record_kind kind);
/* The state after the record; EFFECT_STATES: the table does not let it happen. */
effect_state effect_next(effect_state from, record_kind kind);
/* It needs nothing more: no automation, no person. Done effects can still be taken back. */
bool effect_is_over(effect_state s);

#endif
