/* The kernel's side of egress: its life, what it is told of connections, the orders by which a verb may
 * use the network, and the evidence that comes back. Until that has come, what a connector says of a
 * verb that may have changed something is kept, and judged with it: done means that the other side
 * said so, not done means proof. */
#include <string.h>

#include "breaker.h"
#include "egress_protocol.h"
#include "failpoint.h"
#include "fsio.h"
#include "parts.h"
#include "planted.h"
#include "reach.h"
#include "trouble.h"

#define SECOND         1000000LL
#define BACKOFF_FIRST  (SECOND / 10)
#define BACKOFF_LIMIT  (30 * SECOND)
#define HEALTHY_AFTER  (60 * SECOND)
#define EVIDENCE_LIMIT (10 * SECOND) /* an order's end is answered at once, or egress hangs */
#define ANSWER_BYTES   (64LL << 20)  /* of all answers under one order */

/* ---- its life ---- */

static void tell(kernel *k, uint16_t type, uint64_t run_id, uint64_t ref, const keel_buf *body) {
    k->env.send(k->env.ctx, k->egress.id, type, run_id, ref, body ? body->data : NULL,
                body ? body->len : 0);
}

static void tell_start(kernel *k) {
    const workspace *ws = k->world.workspace;
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    if (k->credentials) {
        keel_json_set_text(&w, "credentials", k->credentials);
    }
    keel_json_set_raw(&w, "secrets",
                      ws->secrets.len ? keel_json_view(ws->secrets.data, ws->secrets.len)
                                      : keel_json_view("{}", 2));
    char folder[4200];
    snprintf(folder, sizeof folder, "%s/secrets", ws->keel);
    keel_json_set_text(&w, "secrets_folder", folder);
    keel_json_object_end(&w);
    tell(k, G_START, 0, 0, &k->scratch);
    if (KEEL_PLANTED("secret_in_log")) {
        keel_buf secret = KEEL_BUF_INIT;
        strcat(folder, "/canary");
        fsio_read(folder, 4096, &secret, NULL);
        kernel_log(k, "info", 0, "secret: %s", secret.data ? secret.data : "");
        keel_buf_free(&secret);
    }
}

void egress_tell(kernel *k, const connection *cn) {
    if (reach_any_network(cn->plugin->manifest)) {
        tell(k, G_CONNECTION, cn->id, 0, &cn->reach);
    }
}

static bool has_executor(kernel *k, const connection *cn) {
    for (const worker *w = k->workers; w; w = w->next) {
        if (w->connection == cn && map_get(&k->executors, w->id) == w) {
            return true;
        }
    }
    return false;
}

/* What is no longer in keel.yaml is forgotten there, sockets and secrets too, when nobody uses it;
 * an executor that is started for it after all (to look, say) brings it back. */
static void tell_connections(kernel *k) {
    for (const connection *cn = k->connections; cn; cn = cn->next) {
        if (!cn->gone || has_executor(k, cn)) {
            egress_tell(k, cn);
        } else if (reach_any_network(cn->plugin->manifest)) {
            tell(k, G_CONNECTION, cn->id, 0, NULL);
        }
    }
}

static void backed_off(kernel *k, timer *t) {
    (void)t;
    k->egress.state = EGRESS_DOWN;
    for (worker *w = k->workers; w; w = w->next) {
        if (w->state == WORKER_DOWN && worker_has_work(w)) {
            worker_need(k, w);
        }
    }
}

static void back_off(kernel *k) {
    egress_link *e = &k->egress;
    int64_t now = k->env.boot_us(k->env.ctx), delay = 0;
    if (now - e->started_boot > HEALTHY_AFTER) {
        e->crashes = 0;
    }
    if (++e->crashes > 1) {
        delay = BACKOFF_FIRST;
        for (int i = 2; i < e->crashes && delay < BACKOFF_LIMIT; i++) {
            delay *= 2;
        }
    }
    e->state = EGRESS_BACKOFF;
    timer_set(&k->timers, &e->timer, now + (delay < BACKOFF_LIMIT ? delay : BACKOFF_LIMIT),
              backed_off, e);
}

static void start(kernel *k) {
    egress_link *e = &k->egress;
    kernel_spawn s = {0};
    diag d = {0};
    e->id = ++k->next_executor;
    e->started_boot = k->env.boot_us(k->env.ctx);
    if (k->env.spawn(k->env.ctx, e->id, &s, &d)) {
        kernel_log(k, "error", 0, "the network process: %s; %s", d.what, d.next);
        back_off(k);
        return;
    }
    e->state = EGRESS_UP;
    e->unanswered = 0;
    map_put(&k->executors, e->id, e);
    tell_start(k);
    tell_connections(k);
}

bool egress_need(kernel *k) {
    if (k->egress.state == EGRESS_DOWN) {
        start(k);
    }
    return k->egress.state == EGRESS_UP;
}

void egress_renew(kernel *k) {
    if (k->egress.state == EGRESS_UP) {
        tell_start(k);
        tell_connections(k);
    }
}

/* ---- orders ---- */

void order_open(kernel *k, worker *w, call *c, int64_t timeout_us) {
    keel_json_writer jw;
    bool unsafe = !c->reconcile && c->class != CLASS_READ;
    c->proof = (order_proof){0};
    c->sending = false;
    keel_buf_clear(&c->requests);
    if (!reach_any_network(w->plugin->manifest)) {
        return;
    }
    k->scratch.len = 0;
    keel_json_write(&jw, &k->scratch);
    keel_json_object(&jw);
    keel_json_set_int(&jw, "bytes", ANSWER_BYTES);
    keel_json_set_int(&jw, "connection", (int64_t)w->connection->id);
    keel_json_set_bool(&jw, "unsafe", unsafe);
    keel_json_set_int(&jw, "us", timeout_us);
    keel_json_object_end(&jw);
    turn_send(k, k->egress.id, G_ORDER, w->id, w->current_ref, k->scratch.data, k->scratch.len);
    if (unsafe) {
        c->order = w->current_ref;
        map_put(&k->orders, c->order, c);
    }
}

/* An order's end is answered at once. */
static void silent(kernel *k, timer *t) {
    (void)t;
    kernel_log(k, "error", 0, "the network process does not answer and is ended");
    k->env.kill(k->env.ctx, k->egress.id);
}

bool egress_silence(const timer *t) {
    return t->fire == silent;
}

static void expect_answer(kernel *k) {
    timer_set(&k->timers, &k->egress.timer, k->env.boot_us(k->env.ctx) + EVIDENCE_LIMIT, silent,
              &k->egress);
}

static void answered(kernel *k) {
    egress_link *e = &k->egress;
    if (e->unanswered && --e->unanswered) {
        expect_answer(k);
    } else {
        timer_clear(&k->timers, &e->timer);
    }
}

void order_end(kernel *k, const worker *w, uint64_t ref) {
    if (reach_any_network(w->plugin->manifest) && k->egress.state == EGRESS_UP &&
        !KEEL_PLANTED("order_leak")) {
        tell(k, G_END, 0, ref, NULL);
        if (!k->egress.unanswered++) {
            expect_answer(k);
        }
    }
}

void order_forget(kernel *k, call *c) {
    if (c->order) {
        map_take(&k->orders, c->order);
        c->order = 0;
    }
    keel_buf_free(&c->heard_body);
    keel_buf_free(&c->requests);
}

bool order_keeps(call *c, call_heard heard, const char *body, size_t len) {
    if (!c->order) {
        return false;
    }
    c->heard = heard;
    keel_buf_clear(&c->heard_body);
    keel_buf_append(&c->heard_body, body, len);
    return true;
}

/* What is known of the order now; c may be gone after it. */
static void proved(kernel *k, call *c, order_proof proof) {
    call_heard heard = c->heard;
    keel_buf body = c->heard_body;
    c->heard_body = (keel_buf)KEEL_BUF_INIT;
    c->heard = HEARD_NOTHING;
    map_take(&k->orders, c->order);
    c->order = 0;
    c->proof = proof;
    if (heard != HEARD_NOTHING) {
        call_conclude(k, c, heard, body.data ? body.data : "", body.len);
    }
    keel_buf_free(&body);
}

/* ---- what comes from it ---- */

static void ended(kernel *k, call *c, const frame *f) {
    keel_json body = keel_json_view(f->body, f->len);
    if (keel_json_check(f->body, f->len, NULL)) {
        kernel_log(k, "error", 0, "the network process answered in a form of its own");
        k->env.kill(k->env.ctx, k->egress.id);
        return;
    }
    order_proof proof = {.known = true,
                         .sent = keel_json_true(keel_json_get(body, "sent")) || c->sending,
                         .answered = keel_json_true(keel_json_get(body, "answered"))};
    keel_json digests = keel_json_get(body, "digests");
    if (keel_json_count(digests)) {
        keel_buf_append(&c->requests, digests.data, digests.len);
    }
    proved(k, c, proof);
}

static void egress_note(kernel *k, const frame *f) {
    keel_json body = keel_json_view(f->body, f->len);
    char level[8] = "info", text[1024];
    if (!keel_json_check(f->body, f->len, NULL) &&
        keel_json_copy(keel_json_get(body, "text"), text, sizeof text) >= 0) {
        body_text(body, "level", level, sizeof level);
        kernel_log(k, level, 0, "network: %s", text);
        if (strcmp(level, "info") != 0) {
            trouble_of_network(k, text);
        }
    }
}

/* What egress saw of the other side: no word of a connector's. */
static void status_seen(kernel *k, const frame *f) {
    int64_t id = 0, status = 0, after = 0;
    keel_json body = keel_json_view(f->body, f->len);
    if (keel_json_check(f->body, f->len, NULL)) {
        return;
    }
    keel_json_int(keel_json_get(body, "connection"), &id);
    keel_json_int(keel_json_get(body, "status"), &status);
    keel_json_int(keel_json_get(body, "retry_after_s"), &after);
    for (connection *cn = k->connections; cn; cn = cn->next) {
        if (cn->id == (uint64_t)id) {
            breaker_answered(k, cn, f->ref, status, after);
        }
    }
}

void egress_frame(kernel *k, const frame *f) {
    call *c = map_get(&k->orders, f->ref);
    if (f->type == G_NOTE) {
        egress_note(k, f);
    } else if (f->type == G_SENDING && c) {
        (void)KEEL_FP("egress.announced");
        c->sending = true;
    } else if (f->type == G_ANSWERED) {
        status_seen(k, f);
    } else if (f->type == G_ENDED) {
        answered(k);
        if (c) {
            (void)KEEL_FP("egress.evidence");
            ended(k, c, f);
        }
    }
}

/* Executors that spoke to it end too, since their channels lead nowhere; until they have ended they
 * get nothing more to do. */
static void end_users(kernel *k) {
    for (worker *w = k->workers; w; w = w->next) {
        if (w->connection && reach_any_network(w->plugin->manifest) &&
            map_get(&k->executors, w->id) == w) {
            w->told_to_stop = true;
            k->env.kill(k->env.ctx, w->id);
        }
    }
}

/* All of its orders are over: what had not been announced as sent, was not. */
void egress_gone(kernel *k, const char *why) {
    kernel_log(k, k->stopping ? "info" : "warn", 0, "the network process %s", why);
    map_take(&k->executors, k->egress.id);
    k->egress.id = 0;
    trouble_of_network(k, why);
    size_t at = 0;
    call *c;
    back_off(k); /* first: what is concluded below must not start an executor without it */
    end_users(k);
    while ((c = map_next(&k->orders, &at, NULL)) != NULL) {
        proved(k, c, (order_proof){.known = true, .sent = c->sending});
        at = 0;
    }
}
