/* Questions: answered by the key of a choice, or by what is typed. Only what was seen as a whole. */
#include <inttypes.h>
#include <stdio.h>

#include "looks_int.h"

/* The question under the cursor, when it may be answered now; says why not. */
static entry *question(looks *l, int64_t now_ms) {
    entry *e = looks_entry(l);
    if (!e) {
        looks_say(l, TINT_NONE, "There is nothing under the cursor.");
    } else if (e->gone) {
        looks_say(l, TINT_WAIT, "%" PRId64 " has gone meanwhile.", e->is.number);
    } else if (!entry_is(e, "question")) {
        looks_say(l, TINT_WAIT, "%" PRId64 " asks no question.", e->is.number);
    } else if (e->unreadable) {
        looks_say(l, TINT_WAIT, "%" PRId64 " cannot be shown, and so not be answered here.",
                  e->is.number);
    } else if (!e->seen) {
        looks_say(l, TINT_WAIT, "%" PRId64 " has not been on the screen as a whole: read on.",
                  e->is.number);
    } else if (now_ms - l->fresh_ms < LOOKS_DWELL_MS) {
        looks_say(l, TINT_WAIT, "This has only just come on the screen: press it again.");
    } else {
        return e;
    }
    return NULL;
}

static void fix(looks *l, const entry *e) {
    l->batch = keel_realloc(l->batch, sizeof *l->batch);
    l->batch[0] = e->is.number;
    l->batch_count = 1;
    l->choice = 0;
    l->denying = false;
}

looks_action looks_key_answer(looks *l, int64_t now_ms) {
    char label[64];
    const entry *e = question(l, now_ms);
    if (!e) {
        return LOOKS_NOTHING;
    }
    fix(l, e);
    snprintf(label, sizeof label, "Your answer to %" PRId64 ": ", e->is.number);
    looks_ask(l, ASKS_ANSWER, label);
    looks_say(l, TINT_NONE, "It is recorded, and allows nothing by itself; Esc gives it up.");
    return LOOKS_NOTHING;
}

looks_action looks_key_choice(looks *l, size_t choice, int64_t now_ms) {
    const entry *e = question(l, now_ms);
    if (!e) {
        return LOOKS_NOTHING;
    }
    if (choice > e->is.choices) {
        looks_say(l, TINT_WAIT,
                  e->is.choices ? "It has no choice of that number."
                                : "It has no choices: Enter, and write the answer.");
        return LOOKS_NOTHING;
    }
    fix(l, e);
    l->choice = choice;
    return LOOKS_ANSWER;
}

size_t looks_choice(const looks *l) {
    return l->choice;
}
