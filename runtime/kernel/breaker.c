/* What a connection that fails is spared. Of its last outcomes so many were failures, or it gave an
 * answer that does not change by itself (401, 402, 403), or it said when to come again: then it rests,
 * and nothing is sent through it. When its time is over one thing is sent to see, the oldest that
 * waits; its outcome opens the way for all, or the connection rests again.
 *
 * States are records, and so outlive a restart; the outcomes of which they follow are in memory only.
 * What waits holds no budget: new effects are waiting(breaker), what is to be sent again stays retry
 * without a timer, a look stays unknown, or in the connection's queue. */
#include <stdlib.h>
#include <string.h>

#include "breaker.h"
#include "polls.h"

#define SECOND 1000000LL

static const char *const state_names[] = {"closed", "open", "half_open"};
static const char changed[] = "it was changed or removed in keel.yaml";

static void journal_state(kernel *k, const connection *cn) {
    const breaker *b = &cn->breaker;
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_text(&w, "connection", cn->name);
    keel_json_set_text(&w, "state", state_names[b->state]);
    if (b->state == BREAKER_OPEN) {
        keel_json_set_int(&w, "until_us", b->until_us);
    }
    keel_json_set_text(&w, "why", b->why);
    keel_json_object_end(&w);
    journal_add(k, RECORD_BREAKER, 0, "", &k->scratch);
}

static void set_why(breaker *b, const char *why) {
    text_cut(b->why, sizeof b->why, why);
}

/* ---- what waits ---- */

bool breaker_lets(const connection *cn, const call *c) {
    const breaker *b = &cn->breaker;
    return b->state == BREAKER_CLOSED ||
           (b->state == BREAKER_HALF_OPEN && (!b->probe || b->probe == c));
}

static bool waits(const connection *cn, const call *c) {
    if (c->connection != cn) {
        return false;
    }
    switch (c->state) {
    case EFFECT_WAITING:
        return c->reason == WAIT_BREAKER;
    case EFFECT_RETRY:
        return !c->timer.at && !c->line;
    case EFFECT_UNKNOWN:
        return c->ours && !c->timer.at;
    default:
        return c->queued;
    }
}

static call *older(const connection *cn, const run *r, call *oldest) {
    for (call *c = r->calls; c; c = c->next) {
        bool before = !oldest || c->opened_us < oldest->opened_us ||
                      (c->opened_us == oldest->opened_us && c->run->id < oldest->run->id);
        if (waits(cn, c) && before) {
            oldest = c;
        }
    }
    return oldest;
}

static call *oldest_waiting(kernel *k, const connection *cn) {
    call *oldest = NULL;
    size_t at = 0;
    const run *r;
    while ((r = map_next(&k->runs, &at, NULL)) != NULL) {
        oldest = older(cn, r, oldest);
    }
    for (r = k->over; r; r = r->worker_next) {
        oldest = older(cn, r, oldest);
    }
    return oldest;
}

/* Each try either sends it, or it waits for this no more: denied, asked for, given up. */
static void send_one(kernel *k, connection *cn) {
    breaker *b = &cn->breaker;
    call *c;
    while (b->state == BREAKER_HALF_OPEN && !b->probe && !k->halted && !k->stopping &&
           (c = oldest_waiting(k, cn)) != NULL) {
        if (c->queued) {
            b->probe = c;
            connection_go(k, cn);
        } else if (c->state == EFFECT_WAITING) {
            effect_decide(k, c);
        } else if (c->state == EFFECT_RETRY) {
            effect_again(k, c);
        } else {
            effect_look(k, c);
        }
    }
}

static void let_go(kernel *k, const connection *cn, run *r) {
    call *next;
    for (call *c = r->calls; c; c = next) {
        next = c->next;
        if (!waits(cn, c) || c->queued) {
            continue;
        }
        if (c->state == EFFECT_WAITING) {
            effect_decide(k, c);
        } else {
            call_due(k, c, kernel_now(k));
        }
    }
}

static void send_all(kernel *k, connection *cn) {
    size_t at = 0;
    run *r;
    while ((r = map_next(&k->runs, &at, NULL)) != NULL) {
        let_go(k, cn, r);
    }
    run *next;
    for (r = k->over; r; r = next) {
        next = r->worker_next; /* with its last call it goes */
        let_go(k, cn, r);
    }
    connection_go(k, cn);
    polls_go_on(k, cn);
}

/* ---- from state to state ---- */

static void on_timer(kernel *k, timer *t) {
    connection *cn = t->owner;
    breaker *b = &cn->breaker;
    if (b->state == BREAKER_OPEN) {
        b->state = BREAKER_HALF_OPEN;
        journal_state(k, cn);
    }
    send_one(k, cn);
    polls_go_on(k, cn); /* nothing else is there to see */
}

static void soon(kernel *k, connection *cn, int64_t delay_us) {
    timer_set(&k->timers, &cn->breaker.timer, k->env.boot_us(k->env.ctx) + delay_us, on_timer, cn);
}

static void forget_outcomes(breaker *b) {
    b->count = 0;
}

static void rest(kernel *k, connection *cn, int64_t for_us, const char *why) {
    breaker *b = &cn->breaker;
    int64_t until = kernel_now(k) + for_us;
    if (cn->gone || (b->state == BREAKER_OPEN && until < b->until_us + SECOND)) {
        return; /* the first of many that are on their way has said it */
    }
    b->state = BREAKER_OPEN;
    b->until_us = until;
    b->probe = NULL;
    set_why(b, why);
    forget_outcomes(b);
    journal_state(k, cn);
    soon(k, cn, for_us);
    kernel_log(k, "warn", 0, "%s rests for %lld s: %s; `keel connection retry %s` ends it",
               cn->name, (long long)((for_us + SECOND - 1) / SECOND), why, cn->name);
    effect_park(k, cn, "its connection rests");
}

bool breaker_close(kernel *k, connection *cn, const char *why) {
    breaker *b = &cn->breaker;
    if (b->state == BREAKER_CLOSED) {
        return false;
    }
    b->state = BREAKER_CLOSED;
    b->probe = NULL;
    set_why(b, why);
    forget_outcomes(b);
    timer_clear(&k->timers, &b->timer);
    journal_state(k, cn);
    kernel_log(k, "info", 0, "%s works again: %s", cn->name, why);
    send_all(k, cn);
    return true;
}

void breaker_look(kernel *k, connection *cn, bool now) {
    if (cn->breaker.state == BREAKER_OPEN && now) {
        soon(k, cn, 0);
    } else {
        send_one(k, cn);
    }
}

/* ---- what is heard of it ---- */

void breaker_takes(call *c) {
    breaker *b = &c->connection->breaker;
    if (b->state == BREAKER_HALF_OPEN && !b->probe) {
        b->probe = c;
    }
}

void breaker_unsent(kernel *k, call *c) {
    if (c->connection && c->connection->breaker.probe == c) {
        c->connection->breaker.probe = NULL;
        soon(k, c->connection, 0); /* not now: whoever asks is in the middle of something */
    }
}

static uint32_t failures(const breaker *b, uint32_t of) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < of && i < b->count; i++) {
        n += b->failed[(b->count - 1 - i) % POLICY_BREAKER_OF];
    }
    return n;
}

/* Outcomes that there have not been count as successes. */
static void note(kernel *k, connection *cn, bool good, const char *why) {
    breaker *b = &cn->breaker;
    policy_breaking p = policy_breaker(k->world.policy, cn->name);
    b->failed[b->count++ % POLICY_BREAKER_OF] = !good;
    uint32_t failed = failures(b, p.of);
    if (!good && failed >= p.open_at) {
        char text[sizeof b->why];
        snprintf(text, sizeof text, "%u of its last %u outcomes were failures, the last: %.120s",
                 failed, p.of, why);
        rest(k, cn, p.for_us, text);
    }
}

void breaker_heard(kernel *k, connection *cn, bool probe, bool good, const char *why) {
    breaker *b = &cn->breaker;
    if (cn->gone) {
        return; /* whoever has its name now is another */
    }
    if (b->state == BREAKER_CLOSED) {
        note(k, cn, good, why);
    } else if (b->state == BREAKER_HALF_OPEN && probe && good) {
        breaker_close(k, cn, "what was sent to see was answered");
    } else if (b->state == BREAKER_HALF_OPEN && probe) {
        rest(k, cn, policy_breaker(k->world.policy, cn->name).for_us, why);
    }
}

static policy_retrying retry_of(kernel *k, const connection *cn, uint64_t ref) {
    for (const worker *w = k->workers; w; w = w->next) {
        if (w->connection == cn && w->current_ref == ref) {
            return policy_retry(k->world.policy, w->current_target);
        }
    }
    return policy_retry(k->world.policy, cn->name); /* it is over already */
}

void breaker_answered(kernel *k, connection *cn, uint64_t ref, int64_t status,
                      int64_t retry_after_s) {
    char text[120];
    if (status == 401 || status == 402 || status == 403) {
        const char *means = status == 401   ? "it does not know the login"
                            : status == 402 ? "it wants to be paid"
                                            : "it does not let this login do that";
        snprintf(text, sizeof text, "it answered %d: %s", (int)status, means);
        rest(k, cn, policy_breaker(k->world.policy, cn->name).for_us, text);
    } else if (retry_after_s > 0) {
        int64_t cap = retry_of(k, cn, ref).cap_us;
        int64_t asked = retry_after_s < cap / SECOND ? retry_after_s * SECOND : cap;
        snprintf(text, sizeof text, "it answered %d, and asks to come again after %lld s",
                 (int)status, (long long)retry_after_s);
        rest(k, cn, asked, text);
    }
}

/* ---- its life ---- */

static int on_row(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    breaker *b = ctx;
    while (b->state < BREAKER_HALF_OPEN && strcmp(state_names[b->state], v[0]) != 0) {
        b->state++;
    }
    b->until_us = v[1] ? strtoll(v[1], NULL, 10) : 0;
    set_why(b, v[2]);
    return 0;
}

void breaker_restore(kernel *k, connection *cn, bool same) {
    const char *params[] = {cn->name};
    breaker *b = &cn->breaker;
    reader_query(k->env.reads, "SELECT state, until_us, why FROM breaker WHERE connection = ?",
                 params, 1, on_row, b, NULL);
    if (b->state != BREAKER_CLOSED && !same) {
        breaker_close(k, cn, changed);
    } else if (b->state == BREAKER_OPEN) {
        int64_t left = b->until_us - kernel_now(k);
        soon(k, cn, left > 0 ? left : 0);
    }
}

/* What waits is decided when the reload is through, over the connection of that name then. */
void breaker_retire(kernel *k, connection *cn) {
    breaker *b = &cn->breaker;
    if (b->state != BREAKER_CLOSED) {
        b->state = BREAKER_CLOSED;
        set_why(b, changed);
        journal_state(k, cn);
    }
    b->probe = NULL;
    timer_clear(&k->timers, &b->timer);
}

/* ---- for `status` ---- */

bool breaker_rests(const connection *cn) {
    return cn->breaker.state != BREAKER_CLOSED;
}

void breaker_write(const connection *cn, keel_json_writer *w) {
    const breaker *b = &cn->breaker;
    keel_json_object(w);
    keel_json_set_text(w, "state", state_names[b->state]);
    if (b->state == BREAKER_OPEN) {
        keel_json_set_int(w, "until_us", b->until_us);
    }
    keel_json_set_text(w, "why", b->why);
    keel_json_object_end(w);
}
