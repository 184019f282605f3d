/* An outcome that nobody knows: Keel itself looks, as often as that may help; then it is a person's. */
#include <string.h>

#include "parts.h"

#define LOOKS 10

static void unknown_record(kernel *k, call *c, const char *owner, int64_t next_check,
                           const char *why) {
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_int(&w, "attempt", c->attempt);
    if (next_check) {
        keel_json_set_int(&w, "next_check_us", next_check);
    }
    if (c->number) {
        keel_json_set_int(&w, "number", (int64_t)c->number);
    }
    keel_json_set_text(&w, "owner", owner);
    keel_json_set_text(&w, "why", why);
    keel_json_object_end(&w);
    journal_effect(k, RECORD_EFFECT_UNKNOWN, c, &k->scratch);
    c->ours = !strcmp(owner, "keel");
}

void effect_unknown(kernel *k, call *c, const char *why) {
    c->maybe_applied = true;
    if (!c->number) {
        c->number = k->next_number++;
        item_open(k, c, NULL, kernel_now(k), 0);
    }
    timer_clear(&k->timers, &c->timer);
    unknown_record(k, c, "operator", 0, why);
    kernel_log(k, "warn", c->run->id,
               "%s: we do not know whether it happened: %s; `keel inbox %llu`", c->target, why,
               (unsigned long long)c->number);
}

void effect_look_later(kernel *k, call *c, const char *why, int64_t delay_us) {
    int64_t at = kernel_now(k) + delay_us;
    unknown_record(k, c, "keel", at, why);
    call_due(k, c, at);
}

void effect_look(kernel *k, call *c) {
    if (!c->connection || !c->verb) {
        effect_unknown(k, c, "its connection was changed or removed since, so nobody can look");
        return;
    }
    if (++c->looks > LOOKS) {
        effect_unknown(k, c, "it was looked at often enough, without an answer that is proof");
        return;
    }
    k->scratch.len = 0;
    keel_buf_printf(&k->scratch, "{\"attempt\":%u}", c->looks);
    journal_effect(k, RECORD_EFFECT_RECONCILING, c, &k->scratch);
    c->reconcile = true;
    dispatch(k, c);
}

void effect_look_now(kernel *k, call *c, const char *why) {
    if (c->state != EFFECT_UNKNOWN && c->state != EFFECT_RECONCILING) {
        unknown_record(k, c, "keel", kernel_now(k), why);
    }
    effect_look(k, c);
}

int effect_check(kernel *k, call *c, diag *d) {
    const char *word = c->verb ? effect_class_name(c->verb->class) : "";
    if (!c->connection || c->connection->gone || !c->verb) {
        diag_set(d, DIAG_CONFLICT,
                 "%s: its connection was changed or removed since, so nobody can look", c->target);
    } else if (restored_hidden(k, c)) {
        diag_set(d, DIAG_CONFLICT,
                 "%s: it may have been sent before the restore, and its key of then is not known",
                 c->target);
    } else if (c->verb->class != CLASS_KEYED && c->verb->class != CLASS_CHECKABLE) {
        diag_set(d, DIAG_CONFLICT, "%s is of class %s: its connector cannot look for what it did",
                 c->target, word);
    } else if (c->class != c->verb->class) {
        diag_set(d, DIAG_CONFLICT,
                 "%s runs as %s, since its connector has not passed keel connector check: what it "
                 "finds is no proof",
                 c->target, effect_class_name(c->class));
    } else {
        timer_clear(&k->timers, &c->timer);
        c->looks = 0;
        effect_look(k, c);
        return 0;
    }
    return diag_next(d, "look at the other side yourself, then: keel unknown verdict N "
                        "done|not_done --why");
}
