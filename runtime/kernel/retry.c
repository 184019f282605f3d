/* What is sent again: when, and whether it still may. Back-off has full jitter: a random part of a span
 * that doubles from attempt to attempt, as far as policy's `retries` says. */
#include "grants.h"
#include "parts.h"
#include "planted.h"
#include "polls.h"
#include "sums.h"
#include "waits.h"

int64_t effect_backoff_us(kernel *k, const call *c, uint32_t attempt) {
    policy_retrying p = policy_retry(k->world.policy, c->target);
    int64_t span = p.first_us;
    uint32_t r;
    for (uint32_t i = 1; i < attempt && span < p.cap_us; i++) {
        span *= 2;
    }
    k->env.random(k->env.ctx, &r, sizeof r);
    return (span > p.cap_us ? p.cap_us : span) / 256 * (int64_t)(r >> 8) / (1 << 16);
}

static void retry_record(kernel *k, call *c, const char *why, bool pay, int64_t not_before,
                         bool unsent) {
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    if (c->absent) {
        keel_json_set_bool(&w, "absent", true);
    }
    keel_json_set_int(&w, "attempt", c->attempt);
    if (c->maybe_applied) {
        keel_json_set_bool(&w, "maybe", true);
    }
    keel_json_set_int(&w, "not_before_us", not_before);
    if (c->held_up) {
        keel_json_set_bool(&w, "paced", true);
    }
    holds_settle(k, c, pay, NULL, &w);
    if (unsent) {
        keel_json_set_bool(&w, "unsent", true);
    }
    keel_json_set_text(&w, "why", why);
    keel_json_object_end(&w);
    journal_effect(k, RECORD_EFFECT_RETRY, c, &k->scratch);
    c->ours = false;
    if (c->number) {
        item_close(k, c); /* nobody has to say any more what became of it */
    }
    call_due(k, c, not_before);
}

void effect_retry_at(kernel *k, call *c, const char *why, bool pay, int64_t not_before) {
    retry_record(k, c, why, pay, not_before, false);
}

/* ---- what was not sent ---- */

static void park(kernel *k, call *c, const char *why) {
    worker_drop(k, c);
    retry_record(k, c, why, false, kernel_now(k), true);
    c->parked++;
}

void effect_park(kernel *k, connection *only, const char *why) {
    for (connection *cn = k->connections; cn; cn = cn->next) {
        call *next;
        for (call *c = only && cn != only ? NULL : cn->queue; c; c = next) {
            next = c->queue_next;
            if (c->poll) {
                poll_unsent(k, c);
            } else if (!c->reconcile) {
                park(k, c, why);
            }
        }
    }
}

void effect_hold(kernel *k, call *c) {
    park(k, c, "its connection rests");
    timer_clear(&k->timers, &c->timer);
}

/* A consent is used by now; what it was given for goes when its pace and the hour let it. */
void effect_held_up(kernel *k, call *c, const hold_up *h) {
    char why[sizeof h->words + 16];
    snprintf(why, sizeof why, "%s: %s", wait_reason_names[h->reason], h->words);
    c->dispatched = false;
    c->held_up = true;
    retry_record(k, c, why, false, h->until_us, true);
    c->parked++;
}

/* ---- again ---- */

/* It may have been applied, so it cannot be denied any more; but sent again it is only as policy and
 * people are willing now. */
static bool still_let(kernel *k, call *c) {
    policy_query q;
    policy_decision d;
    effect_query(k, c, &q);
    sums_leave_out(k, c);
    policy_decide(k->world.policy, &q, &d);
    sums_put_back(k, c);
    return d.verdict == POLICY_ALLOW ||
           (d.verdict == POLICY_ASK && (approval_covers(k, c, &d) || grant_covers(k, c, &d)));
}

void effect_again(kernel *k, call *c) {
    budget_refusal why;
    bool there = c->connection && !c->connection->gone && c->verb;
    bool wanted = c->run->tree || c->undoes; /* by its run, or by the person who takes it back */
    waits_leave(k, c);
    if (!wanted && (c->class != CLASS_REPEATABLE || !there)) {
        effect_give_up(k, c, "cancelled", "its run ended before it was sent again");
    } else if (!c->maybe_applied && wanted) {
        effect_decide(k, c); /* as if for the first time; a consent may still cover it */
    } else if (!there) {
        effect_give_up(k, c, "unavailable", "its connection was changed or removed meanwhile");
    } else if (!effect_key_lives(k, c)) {
        effect_give_up(k, c, "unavailable", "the other side may no longer know its key");
    } else if (!still_let(k, c)) {
        effect_give_up(k, c, "denied", "policy does not let it be sent again");
    } else if (effect_reserve(k, c, true, &why)) {
        effect_give_up(k, c, "budget", why.why);
    } else {
        if (KEEL_PLANTED("keyed_new_key")) {
            c->key[0] = c->key[0] == '0' ? '1' : '0';
        }
        effect_intend(k, c, (keel_json){0});
    }
}
