#include "rules.h"

#define READ_ATTEMPTS       5
#define REPEATABLE_ATTEMPTS 20

/* A repeat of a read costs nothing but time; what is proved not applied is tried as often. */
static bool may_try(const effect_facts *f, uint32_t own_limit) {
    return f->attempt < (f->limit ? f->limit : own_limit);
}

bool rules_key_lives(const effect_facts *f) {
    return f->now_us - f->opened_us < f->window_us / 10 * 8;
}

effect_step rules_give_up(const effect_facts *f) {
    if (!f->maybe_applied || f->class == CLASS_READ) {
        return STEP_NOT_DONE;
    }
    return f->class == CLASS_KEYED || f->class == CLASS_CHECKABLE ? STEP_LOOK : STEP_ASK;
}

effect_step rules_lost(const effect_facts *f) {
    switch (f->class) {
    case CLASS_READ:
        return may_try(f, READ_ATTEMPTS) ? STEP_RETRY : STEP_NOT_DONE;
    case CLASS_REPEATABLE:
        return may_try(f, REPEATABLE_ATTEMPTS) ? STEP_RETRY : STEP_ASK;
    case CLASS_KEYED: /* the other side forgets keys: stop well before that, then look */
        return may_try(f, UINT32_MAX) && rules_key_lives(f) ? STEP_RETRY : STEP_LOOK;
    case CLASS_CHECKABLE:
        return f->settle_us ? STEP_LOOK_LATER : STEP_LOOK;
    default:
        return STEP_ASK;
    }
}

effect_step rules_refused(const effect_facts *f) {
    return may_try(f, READ_ATTEMPTS) ? STEP_RETRY : rules_give_up(f);
}
