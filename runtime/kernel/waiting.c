/* The record of an effect that waits: for whom or what, and until when. */
#include "attention.h"
#include "denials.h"
#include "seal.h"
#include "short.h"
#include "waits.h"

const char *const wait_reason_names[] = {"approval",  "budget", "halted", "breaker",
                                         "attention", "rate",   "quiet"};

static void put_shortfall(const budget_refusal *why, keel_json_writer *w) {
    keel_json_key(w, "budget");
    keel_json_object(w);
    keel_json_set_text(w, "id", why->budget);
    keel_json_set_text(w, "scope", why->scope);
    keel_json_set_bool(w, "soft", why->soft);
    keel_json_set_text(w, "why", why->why);
    keel_json_object_end(w);
}

static void waiting_body(kernel *k, const call *c, keel_json decision, const hold_up *h,
                         const keel_buf *scope) {
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    if (c->number) {
        keel_json_key(&w, "approval");
        keel_json_hex(&w, c->approval.bytes, DIGEST_SIZE);
    }
    effect_put_args(c, &w);
    attention_put(k, &w);
    approval_put_batch(c, &w);
    beyond_put(c, true, &w);
    if (c->shortfall) {
        put_shortfall(c->shortfall, &w);
    }
    effect_put_common(c, &w);
    keel_json_set_raw(&w, "decision", decision);
    effect_put_digest(c, &w);
    if (c->expires_us) {
        keel_json_set_int(&w, "expires_us", c->expires_us);
    }
    if (h) {
        keel_json_set_text(&w, "held", h->words);
    }
    if (c->number) {
        keel_json_set_int(&w, "number", (int64_t)c->number);
    }
    if (c->raise_us) {
        keel_json_set_int(&w, "raise_us", c->raise_us);
    }
    keel_json_set_text(&w, "reason", wait_reason_names[c->reason]);
    if (scope && scope->len) {
        keel_json_set_raw(&w, "remember", keel_json_view(scope->data, scope->len));
    }
    if (c->number) {
        seal_write(c, &w);
    }
    denial_put(c, &w);
    effect_put_target(c, &w, h ? h->until_us : 0);
    keel_json_object_end(&w);
}

void effect_waits(kernel *k, call *c, keel_json decision, const hold_up *h, const keel_buf *scope) {
    c->recorded = false;
    waiting_body(k, c, decision, h, scope);
    journal_effect(k, RECORD_EFFECT_WAITING, c, &k->scratch);
    c->recorded = true;
}

void effect_wait_until(kernel *k, call *c, keel_json decision, const hold_up *h) {
    beyond_set(c, NULL, 0);
    c->reason = h->reason;
    c->expires_us = 0;
    c->consented = false;
    c->raise_us = 0;
    timer_clear(&k->timers, &c->timer);
    effect_waits(k, c, decision, h, NULL);
}
