/* What an attempt came to. Done means that the other side said so; not done means proof; all else
 * is unknown, and is looked at before anything is sent again. */
#include <string.h>

#include "breaker.h"
#include "parts.h"
#include "planted.h"
#include "polls.h"
#include "rules.h"
#include "short.h"
#include "trouble.h"

#define SECOND 1000000LL

/* ---- what the class makes of it ---- */

static void retry(kernel *k, call *c, const char *why) {
    effect_retry_at(k, c, why, c->dispatched,
                    kernel_now(k) + effect_backoff_us(k, c, c->attempt - c->parked));
}

static effect_facts facts_of(kernel *k, const call *c) {
    return (effect_facts){.class = c->class,
                          .attempt = c->attempt - c->parked,
                          .limit = policy_retry(k->world.policy, c->target).max,
                          .now_us = kernel_now(k),
                          .opened_us = c->opened_us,
                          .window_us = c->verb ? c->verb->window_us : 0,
                          .settle_us = c->verb ? c->verb->settle_us : 0,
                          .maybe_applied = c->maybe_applied};
}

/* code: of the error, where it ends as not done. */
static void take_step(kernel *k, call *c, effect_step step, const char *code, const char *why) {
    switch (step) {
    case STEP_RETRY:
        retry(k, c, why);
        break;
    case STEP_LOOK:
        effect_look_now(k, c, why);
        break;
    case STEP_LOOK_LATER:
        effect_look_later(k, c, why, c->verb->settle_us);
        break;
    case STEP_ASK:
        effect_unknown(k, c, why);
        break;
    case STEP_NOT_DONE:
        effect_not_done(k, c, code, why, NULL);
        break;
    }
}

/* That the last attempt was not applied says nothing of an earlier one whose answer was lost. */
void effect_give_up(kernel *k, call *c, const char *code, const char *why) {
    effect_facts f = facts_of(k, c);
    take_step(k, c, rules_give_up(&f), code, why);
}

void effect_retry(kernel *k, call *c, const char *why) {
    effect_facts f = facts_of(k, c);
    take_step(k, c, rules_refused(&f), "unavailable", why);
}

void effect_lost(kernel *k, call *c, const char *why) {
    effect_facts f = facts_of(k, c);
    c->maybe_applied = c->class != CLASS_READ;
    c->lost_us = k->env.boot_us(k->env.ctx);
    effect_step step = rules_lost(&f);
    if ((KEEL_PLANTED("resend_once") && c->class == CLASS_ONCE) ||
        (KEEL_PLANTED("window_ignored") && c->class == CLASS_KEYED)) {
        step = STEP_RETRY;
    } else if (KEEL_PLANTED("settle_ignored") && step == STEP_LOOK_LATER) {
        step = STEP_LOOK;
    }
    take_step(k, c, step, "unavailable", why);
}

bool effect_key_lives(kernel *k, const call *c) {
    effect_facts f = facts_of(k, c);
    return c->class != CLASS_KEYED || !c->maybe_applied || rules_key_lives(&f) ||
           KEEL_PLANTED("window_ignored");
}

void effect_timer(kernel *k, timer *t) {
    call *c = t->owner;
    if (c->state == EFFECT_WAITING && KEEL_PLANTED("approval_expired")) {
        return;
    }
    if (short_waits(c) && !c->number) {
        effect_decide(k, c); /* it has waited as long as its budget lets it */
    } else if (c->state == EFFECT_WAITING) {
        effect_expired(k, c);
    } else if (k->halted && !KEEL_PLANTED("halt_lets_through")) {
        return; /* set again by resume, also for runs that are over */
    } else if (c->connection && !breaker_lets(c->connection, c)) {
        return; /* set again when it rests no more */
    } else if (c->state == EFFECT_RETRY) {
        effect_again(k, c);
    } else if (c->state == EFFECT_UNKNOWN) {
        effect_look(k, c);
    }
}

/* ---- what the connector said ---- */

static void looked(kernel *k, call *c, keel_json result) {
    char state[16] = "";
    int64_t now = kernel_now(k), settle = c->verb->settle_us;
    int64_t since = k->env.boot_us(k->env.ctx) - c->lost_us; /* the wall clock may jump */
    body_text(result, "state", state, sizeof state);
    if (!strcmp(state, "applied")) {
        if (c->late) {
            stuck_late(k, c);
        }
        effect_done(k, c, keel_json_get(result, "ref"), (keel_json){0}, "reconcile");
    } else if (!strcmp(state, "absent") && since >= settle && restored_elsewhere(k, c)) {
        c->looks = 0;
        effect_look_later(k, c, "absent, and now looked for as another life may have sent it", 0);
    } else if (!strcmp(state, "absent") && (since >= settle || KEEL_PLANTED("settle_ignored"))) {
        bool sent = !c->doubt;
        restored_absent(k, c);
        c->absent = !c->late; /* what is in its way is not its own */
        c->late = c->maybe_applied = false;
        c->looks = 0;
        effect_retry_at(k, c, "it was looked for and is proved absent", sent,
                        now + effect_backoff_us(k, c, c->attempt - c->parked));
    } else if (!strcmp(state, "absent")) {
        effect_look_later(k, c, "not there yet, but it may still arrive", settle - since);
    } else if (!strcmp(state, "pending")) {
        effect_look_later(k, c, "the other side is still at it",
                          effect_backoff_us(k, c, c->looks) + SECOND);
    } else {
        effect_unknown(k, c, "it was looked for, and the other side cannot tell");
    }
}

static void replied(kernel *k, call *c, keel_json body) {
    keel_json result = keel_json_get(body, "result");
    trouble_clear(k, c->connection);
    if (c->reconcile) {
        looked(k, c, result);
    } else {
        effect_done(k, c, result, body, NULL);
    }
}

static bool is_final(const char *code) {
    static const char *const finals[] = {"invalid", "denied", "not_found", "conflict",
                                         "not_implemented"};
    for (size_t i = 0; i < sizeof finals / sizeof *finals; i++) {
        if (!strcmp(finals[i], code)) {
            return true;
        }
    }
    return false;
}

/* It says something of the connection, and not only of what was asked. */
static bool is_trouble(const char *code) {
    return !is_final(code) || !strcmp(code, "denied");
}

/* Nothing of this attempt can have been applied: it had no way out but the network, and egress has
 * announced no byte that could change something. */
static bool proved_absent(const call *c) {
    const manifest *m = c->connection ? c->connection->plugin->manifest : NULL;
    for (size_t i = 0; m && i < m->need_count; i++) {
        if (!strcmp(m->needs[i].service, "file")) {
            return false;
        }
    }
    return m && (!m->need_count || (c->proof.known && !c->proof.sent));
}

/* It was sent, and the other side has not said what became of it: then no word of the connector's
 * makes it not applied. */
static bool unproved(const call *c) {
    return c->proof.known && c->proof.sent && !c->proof.answered;
}

static void failed(kernel *k, call *c, keel_json body) {
    char code[24] = "internal", text[512] = "the connector gave no reason";
    body_text(body, "code", code, sizeof code);
    keel_json_copy(keel_json_get(body, "message"), text, sizeof text);
    if (is_trouble(code)) {
        trouble_note(k, c->connection, text);
    }
    if (c->reconcile) {
        if (!strcmp(code, "not_implemented")) {
            effect_unknown(k, c, "its connector cannot look");
        } else {
            effect_look_later(k, c, text, effect_backoff_us(k, c, c->looks) + SECOND);
        }
    } else if (c->absent && !strcmp(code, "conflict")) {
        c->absent = false;
        c->late = true; /* it may be its own, of before */
        effect_lost(k, c, text);
    } else if (unproved(c)) {
        effect_lost(k, c, text);
    } else if (is_final(code)) {
        effect_give_up(k, c, code, text);
    } else if (!strcmp(code, "retry") || (c->class != CLASS_READ && proved_absent(c))) {
        effect_retry(k, c, text);
    } else {
        effect_lost(k, c, text);
    }
}

void connector_frame(kernel *k, worker *w, const frame *f) {
    bool reply = f->type == X_REPLY;
    if ((!reply && f->type != X_FAIL) || !w->current || f->ref != w->current_ref) {
        if (worker_may_log(k, w)) {
            kernel_log(k, "warn", 0, "%s answered what it was not asked; ignored",
                       w->plugin->manifest->id);
        }
        return;
    }
    call_heard heard = keel_json_check(f->body, f->len, NULL) ? HEARD_NONSENSE
                       : reply                                ? HEARD_REPLY
                                                              : HEARD_FAIL;
    call *c = worker_take_current(k, w);
    if (!order_keeps(c, heard, f->body, f->len)) {
        call_conclude(k, c, heard, f->body, f->len);
    }
    worker_next(k, w);
}

static void lost(kernel *k, call *c, const char *why) {
    trouble_note(k, c->connection, why);
    if (c->reconcile) {
        effect_look_later(k, c, why, SECOND);
    } else if (KEEL_PLANTED("done_without_answer")) {
        effect_done(k, c, keel_json_view("{}", 2), (keel_json){0}, NULL);
    } else if (KEEL_PLANTED("not_done_after_sending")) {
        effect_not_done(k, c, "unavailable", why, NULL);
    } else if (proved_absent(c)) {
        effect_retry(k, c, why);
    } else {
        effect_lost(k, c, why);
    }
}

static void conclude(kernel *k, call *c, call_heard heard, const char *body, size_t len) {
    keel_json said = keel_json_view(body, len);
    char why[512];
    if (c->poll) {
        poll_heard(k, c, heard, said);
        return;
    }
    if (c->recheck) {
        restored_heard(k, c, heard, said);
        return;
    }
    switch (heard) {
    case HEARD_REPLY:
        replied(k, c, said);
        break;
    case HEARD_FAIL:
        failed(k, c, said);
        break;
    case HEARD_DEATH:
        snprintf(why, sizeof why, "%.*s", (int)len, body);
        lost(k, c, why);
        break;
    default:
        lost(k, c, "its connector's answer was not canonical JSON");
        break;
    }
}

/* What it says of the connection: an answer about what was asked is a good one. */
static bool is_good(const call *c, call_heard heard, const char *body, size_t len, char *why,
                    size_t size) {
    keel_json said = keel_json_view(body, len);
    char code[24] = "internal";
    if (heard == HEARD_REPLY) {
        return true;
    }
    snprintf(why, size, "its answer was no canonical JSON");
    if (heard == HEARD_DEATH) {
        snprintf(why, size, "%.*s", (int)len, body);
    } else if (heard == HEARD_FAIL) {
        body_text(said, "code", code, sizeof code);
        snprintf(why, size, "%s", code);
        keel_json_copy(keel_json_get(said, "message"), why, size);
        return !is_trouble(code) && !unproved(c);
    }
    return false;
}

void call_conclude(kernel *k, call *c, call_heard heard, const char *body, size_t len) {
    char why[200];
    connection *cn = c->connection;
    bool probe = cn && cn->breaker.probe == c, good = is_good(c, heard, body, len, why, sizeof why);
    conclude(k, c, heard, body, len); /* c may be gone after it */
    if (cn) {
        breaker_heard(k, cn, probe, good, why);
    }
}

void effect_recover(kernel *k, call *c) {
    switch (c->state) {
    case EFFECT_INTENDED:
        c->dispatched = true; /* it may have been */
        if (!c->verb) {
            c->maybe_applied = c->class != CLASS_READ;
            effect_give_up(k, c, "unavailable", "its connection was changed or removed since");
            return;
        }
        effect_lost(k, c, "Keel was stopped between the sending and the answer");
        break;
    case EFFECT_RECONCILING:
        effect_look(k, c);
        break;
    default:
        break; /* timers and items were restored with it */
    }
}
