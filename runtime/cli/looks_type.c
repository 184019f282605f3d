/* The line at the bottom: a passphrase that is not shown, a reason, or an answer. */
#include <string.h>

#include "looks_int.h"

void looks_ask(looks *l, asking what, const char *label) {
    l->asks = what;
    looks_forget_typed(l);
    keel_buf_clear(&l->ask_label);
    keel_buf_puts(&l->ask_label, label);
}

void looks_forget_typed(looks *l) {
    explicit_bzero(l->typed, sizeof l->typed);
    l->typed_len = 0;
}

const char *looks_typed(const looks *l) {
    return l->typed;
}

static void add(looks *l, const char *text) {
    size_t len = strlen(text);
    if (l->typed_len + len < sizeof l->typed) {
        memcpy(l->typed + l->typed_len, text, len + 1);
        l->typed_len += len;
    }
}

static void take_back(looks *l) {
    while (l->typed_len && (l->typed[--l->typed_len] & 0xc0) == 0x80) {
    }
    l->typed[l->typed_len] = 0;
}

static looks_action cancel(looks *l) {
    static const char *const words[] = {[ASKS_NOTHING] = "",
                                        [ASKS_PASSPHRASE] = "Nothing was approved.",
                                        [ASKS_REASON] = "Nothing was denied.",
                                        [ASKS_ANSWER] = "Nothing was answered."};
    looks_say(l, TINT_NONE, "%s", words[l->asks]);
    looks_ask(l, ASKS_NOTHING, "");
    return LOOKS_NOTHING;
}

static looks_action entered(looks *l) {
    asking what = l->asks;
    if (l->typed_len == 0) {
        return cancel(l);
    }
    l->asks = ASKS_NOTHING;
    return what == ASKS_PASSPHRASE ? LOOKS_UNLOCK : what == ASKS_ANSWER ? LOOKS_ANSWER : LOOKS_DENY;
}

looks_action looks_type(looks *l, const key *k) {
    switch (k->code) {
    case KEY_TEXT:
    case KEY_PASTE:
        add(l, k->text);
        return LOOKS_NOTHING;
    case KEY_ENTER:
        return entered(l);
    case KEY_ESCAPE:
        return cancel(l);
    case KEY_BACKSPACE:
        take_back(l);
        return LOOKS_NOTHING;
    case KEY_CLEAR:
        looks_forget_typed(l);
        return LOOKS_NOTHING;
    case KEY_REDRAW:
        return LOOKS_REDRAW;
    default:
        return LOOKS_NOTHING;
    }
}

/* ---- the answer ---- */

void looks_prompt(looks *l, const char *prompt) {
    keel_buf_clear(&l->prompt);
    keel_buf_puts(&l->prompt, prompt);
    l->unlocked = false;
}

void looks_no_passphrase(looks *l) {
    l->unlocked = true;
}

/* While the passphrase was typed, some may have gone, and one may have come again, changed. */
static void keep_approvable(looks *l) {
    size_t kept = 0;
    for (size_t i = 0; i < l->batch_count; i++) {
        const entry *e = looks_find(l, l->batch[i]);
        if (e && entry_approvable(e)) {
            l->batch[kept++] = l->batch[i];
        }
    }
    l->batch_count = kept;
}

looks_action looks_unlocked(looks *l, bool right, bool last) {
    looks_forget_typed(l);
    if (right) {
        l->unlocked = true;
        keep_approvable(l);
        if (l->batch_count == 0) {
            looks_say(l, TINT_WAIT, "All of it has gone meanwhile: nothing was approved.");
        }
        return l->batch_count ? LOOKS_APPROVE : LOOKS_NOTHING;
    }
    if (last) {
        looks_say(l, TINT_BAD, "That is not the passphrase: nothing was approved.");
        return LOOKS_NOTHING;
    }
    looks_ask(l, ASKS_PASSPHRASE, l->prompt.len ? l->prompt.data : "Passphrase: ");
    looks_say(l, TINT_BAD, "That is not the passphrase.");
    return LOOKS_NOTHING;
}
