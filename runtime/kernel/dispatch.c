/* What is sent to connectors: one verb at a time for each executor, the others in their connection's
 * queue, in order. What is intended waits there for an executor and for nothing else; a halt and a
 * connection that rests give it back, to be sent again. */
#include <string.h>

#include "breaker.h"
#include "parts.h"
#include "planted.h"

/* The first that may be handed over now: while its connection rests, none, or the one to see. */
static call *first(const connection *cn) {
    call *c = cn->queue;
    while (c && !breaker_lets(cn, c)) {
        c = c->queue_next;
    }
    return c;
}

bool dispatch_ready(const connection *cn) {
    return first(cn) != NULL;
}

static void verb_body(kernel *k, const call *c, const keel_buf *outcome, int64_t timeout) {
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_int(&w, "attempt", c->reconcile ? c->looks : c->attempt);
    keel_json_set_raw(&w, "body",
                      KEEL_PLANTED("sent_other_bytes") ? keel_json_view("{}", 2) : c->args);
    keel_json_set_int(&w, "deadline_us", timeout);
    keel_json_key(&w, "flags");
    keel_json_array(&w);
    keel_json_array_end(&w);
    keel_json_set_text(&w, "key", c->key);
    if (c->connection->kv.len > 2) {
        keel_json_set_raw(&w, "kv", keel_json_view(c->connection->kv.data, c->connection->kv.len));
    }
    keel_json_set_text(&w, "mode", c->reconcile ? "effect" : "");
    keel_json_set_raw(&w, "outcome", keel_json_view(outcome->data, outcome->len));
    keel_json_set_text(&w, "resource", c->resource->name);
    keel_json_set_text(&w, "verb", c->reconcile ? "reconcile" : c->verb_name);
    keel_json_object_end(&w);
}

static void hand_over(kernel *k, worker *w, call *c, const keel_buf *outcome) {
    int64_t timeout = c->verb->timeout_us;
    w->current = c;
    w->current_ref = ++k->next_dispatch;
    memcpy(w->current_target, c->target, sizeof w->current_target);
    w->overdue = false;
    c->worker = w;
    c->dispatch = w->current_ref;
    c->dispatched = true;
    order_open(k, w, c, timeout);
    verb_body(k, c, outcome, timeout);
    turn_send(k, w->id, X_VERB, 0, w->current_ref, k->scratch.data, k->scratch.len);
    if (c->undoes && !c->reconcile && KEEL_PLANTED("undo_handed_over_twice")) {
        turn_send(k, w->id, X_VERB, 0, w->current_ref, k->scratch.data, k->scratch.len);
    }
    worker_expect(k, w, timeout);
}

static void unlink_queued(call *c) {
    call **at = &c->connection->queue;
    while (*at != c) {
        at = &(*at)->queue_next;
    }
    *at = c->queue_next;
    c->queue_next = NULL;
    c->queued = false;
}

static void unsent(kernel *k, call *c, const char *why) {
    breaker_unsent(k, c);
    if (c->reconcile) {
        effect_unknown(k, c, why);
    } else {
        effect_give_up(k, c, "unavailable", why);
    }
}

void worker_next(kernel *k, worker *w) {
    connection *cn = w->connection;
    if (w->state != WORKER_READY || w->told_to_stop) {
        return;
    }
    if (k->stopping) {
        worker_stop(k, w); /* it was busy when the others were told */
        return;
    }
    if (k->halted) {
        return;
    }
    call *c;
    while (!w->current && (c = first(cn)) != NULL) {
        keel_buf outcome = KEEL_BUF_INIT;
        unlink_queued(c);
        if (!undo_outcome(k, c, &outcome)) {
            unsent(k, c, "what was recorded of what it takes back cannot be read");
        } else if (c->reconcile || effect_key_lives(k, c)) {
            hand_over(k, w, c, &outcome);
        } else { /* it was queued for too long */
            unsent(k, c, "the other side may no longer know its key");
        }
        keel_buf_free(&outcome);
    }
    if (!w->current && !cn->queue && cn->gone) {
        worker_stop(k, w);
    }
}

/* A worker for one more dispatch: an idle one, else a new one as far as the manifest lets. */
static worker *pick(kernel *k, connection *cn) {
    worker *down = NULL;
    for (worker *w = k->workers; w; w = w->next) {
        if (w->connection == cn) {
            if (w->state == WORKER_READY && !w->current && !w->told_to_stop) {
                return w;
            }
            if (w->state == WORKER_DOWN || w->state == WORKER_REFUSED) {
                down = w;
            }
        }
    }
    if (!down && cn->worker_count < cn->plugin->manifest->concurrency) {
        down = worker_for_connection(k, cn);
    }
    return down;
}

static bool go_one(kernel *k, connection *cn) {
    worker *w = pick(k, cn);
    if (!w) {
        return false; /* all are busy, starting or backing off: the queue waits for them */
    }
    if (w->state == WORKER_READY) {
        worker_next(k, w);
        return true;
    }
    w->state = WORKER_DOWN; /* a refused one is tried again for new work */
    worker_need(k, w);
    return w->state == WORKER_STARTING;
}

void connection_go(kernel *k, connection *cn) {
    while (!k->halted && !k->stopping && first(cn) && go_one(k, cn)) {
    }
}

void dispatch(kernel *k, call *c) {
    connection *cn = c->connection;
    call **at = &cn->queue;
    breaker_takes(c);
    if (!c->reconcile && !breaker_lets(cn, c)) {
        c->dispatch = 0;
        c->dispatched = false;
        effect_hold(k, c);
        return;
    }
    while (*at) {
        at = &(*at)->queue_next;
    }
    *at = c;
    c->queued = true;
    c->dispatch = 0;
    c->dispatched = c->reconcile && c->dispatched;
    if (!k->halted && breaker_lets(cn, c)) {
        go_one(k, cn);
    }
}

void worker_drop(kernel *k, call *c) {
    if (!c->queued) {
        return;
    }
    unlink_queued(c);
    breaker_unsent(k, c);
}

call *worker_take_current(kernel *k, worker *w) {
    call *c = w->current;
    order_end(k, w, w->current_ref);
    w->current = NULL;
    timer_clear(&k->timers, &w->timer);
    c->worker = NULL;
    c->dispatch = 0;
    return c;
}
