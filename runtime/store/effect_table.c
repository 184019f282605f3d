#include "effect_table.h"

#include <stddef.h>
#include <string.h>

static const char *const names[EFFECT_STATES] = {
    [EFFECT_NONE] = "proposed",
    [EFFECT_DENIED] = "denied",
    [EFFECT_WAITING] = "waiting",
    [EFFECT_REJECTED] = "rejected",
    [EFFECT_EXPIRED] = "expired",
    [EFFECT_STALE] = "stale",
    [EFFECT_INTENDED] = "intended",
    [EFFECT_RETRY] = "retry",
    [EFFECT_UNKNOWN] = "unknown",
    [EFFECT_RECONCILING] = "reconciling",
    [EFFECT_DONE] = "done",
    [EFFECT_NOT_DONE] = "not_done",
    [EFFECT_COMPENSATING] = "compensating",
    [EFFECT_COMPENSATED] = "compensated",
    [EFFECT_COMPENSATION_UNKNOWN] = "compensation_unknown",
    [EFFECT_COMPENSATION_FAILED] = "compensation_failed",
};

#define IN(state) (1u << EFFECT_##state)

/* Not yet sent, by this or by an earlier attempt that is proved not applied. */
#define UNSENT (IN(NONE) | IN(WAITING) | IN(STALE) | IN(RETRY))
#define OUT    (IN(INTENDED) | IN(UNKNOWN) | IN(RECONCILING))
#define ENDED  (IN(DENIED) | IN(REJECTED) | IN(EXPIRED) | IN(NOT_DONE))

/* From any of these states, by that record, to this state. */
static const struct {
    record_kind kind;
    unsigned from;
    effect_state to;
} table[] = {
    {RECORD_EFFECT_DENIED, UNSENT, EFFECT_DENIED},
    {RECORD_EFFECT_WAITING, UNSENT, EFFECT_WAITING},
    {RECORD_APPROVAL_GIVEN, IN(WAITING), EFFECT_WAITING},
    {RECORD_APPROVAL_EDITED, IN(WAITING), EFFECT_WAITING},
    {RECORD_EFFECT_REJECTED, IN(WAITING), EFFECT_REJECTED},
    {RECORD_EFFECT_EXPIRED, IN(WAITING), EFFECT_EXPIRED},
    {RECORD_EFFECT_STALE, IN(WAITING), EFFECT_STALE},
    {RECORD_EFFECT_INTENDED, UNSENT, EFFECT_INTENDED},
    {RECORD_SPAWN, UNSENT, EFFECT_DONE},
    {RECORD_EFFECT_DONE, OUT, EFFECT_DONE},
    {RECORD_EFFECT_NOT_DONE, UNSENT | OUT, EFFECT_NOT_DONE},
    {RECORD_EFFECT_RETRY, IN(INTENDED) | IN(RECONCILING), EFFECT_RETRY},
    {RECORD_EFFECT_UNKNOWN, OUT | IN(RETRY), EFFECT_UNKNOWN},
    {RECORD_EFFECT_RECONCILING, IN(UNKNOWN) | IN(RECONCILING), EFFECT_RECONCILING},
    {RECORD_EFFECT_COMPENSATING, IN(DONE) | IN(COMPENSATION_FAILED), EFFECT_COMPENSATING},
    {RECORD_EFFECT_COMPENSATED, IN(COMPENSATING) | IN(COMPENSATION_UNKNOWN), EFFECT_COMPENSATED},
    {RECORD_COMPENSATION_UNKNOWN, IN(COMPENSATING) | IN(COMPENSATION_UNKNOWN),
     EFFECT_COMPENSATION_UNKNOWN},
    {RECORD_COMPENSATION_FAILED, IN(COMPENSATING) | IN(COMPENSATION_UNKNOWN),
     EFFECT_COMPENSATION_FAILED},
    {RECORD_EFFECT_REOPENED, ENDED, EFFECT_NONE},
    {RECORD_EFFECT_RECHECKED, IN(DONE), EFFECT_DONE},
};

const char *effect_state_name(effect_state s) {
    return names[s];
}

effect_state effect_state_named(const char *name) {
    effect_state s = EFFECT_NONE;
    while (s < EFFECT_STATES && strcmp(names[s], name) != 0) {
        s++;
    }
    return s;
}

bool effect_moves(record_kind kind) {
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].kind == kind) {
            return true;
        }
    }
    return false;
}

effect_state effect_next(effect_state from, record_kind kind) {
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].kind == kind && from < EFFECT_STATES && (table[i].from & (1u << from))) {
            return table[i].to;
        }
    }
    return EFFECT_STATES;
}

bool effect_is_over(effect_state s) {
    return ((ENDED | IN(DONE) | IN(COMPENSATED)) & (1u << s)) != 0;
}
