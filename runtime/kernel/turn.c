/* The turn: gather, decide, commit, send. Records and the messages that follow from them collect in
 * the open turn; the messages leave when its commit is durable. While one turn commits, the next
 * one gathers. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "egress_protocol.h"
#include "failpoint.h"
#include "notices.h"
#include "parts.h"
#include "planted.h"
#include "rollback.h"
#include "sums.h"

int64_t kernel_now(kernel *k) {
    if (!k->turn->news) {
        clock_read(k);
    }
    return k->at;
}

void turn_ready(kernel *k) {
    if (!k->turn->news) {
        int64_t now = kernel_now(k);
        turn_begin(k->turn->records, k->next_seq, now);
        k->turn->news = true;
    }
}

static int64_t add(kernel *k, record_kind kind, uint64_t run_id, uint64_t root, const char *path,
                   const keel_buf *body) {
    open_turn *t = k->turn;
    turn_ready(k);
    size_t i = turn_count(t->records);
    if (i >= t->root_cap) {
        t->root_cap = t->root_cap ? t->root_cap * 2 : 128;
        t->roots = keel_realloc(t->roots, t->root_cap * sizeof *t->roots);
    }
    t->roots[i] = root;
    k->next_seq++;
    return turn_add(t->records, kind, run_id, path, body->data, body->len);
}

int64_t journal_add(kernel *k, record_kind kind, uint64_t run_id, const char *path,
                    const keel_buf *body) {
    return add(k, kind, run_id, 0, path, body);
}

int64_t journal_run(kernel *k, record_kind kind, run *r, const char *path, const keel_buf *body) {
    r->last_seq = add(k, kind, r->id, r->tree ? r->tree->root : r->root, path, body);
    return r->last_seq;
}

int64_t journal_past(kernel *k, record_kind kind, run *r, const char *path, effect_state *state,
                     const keel_buf *body) {
    effect_state next = effect_next(*state, kind);
    if (next == EFFECT_STATES) { /* an invariant of ours: nothing of this turn may be written */
        kernel_log(k, "error", r->id, "the effect at %s is %s, and cannot take the record %s", path,
                   effect_state_name(*state), record_kind_name(kind));
        abort();
    }
    *state = next;
    return journal_run(k, kind, r, path, body);
}

int64_t journal_effect(kernel *k, record_kind kind, call *c, const keel_buf *body) {
    int64_t seq = journal_past(k, kind, c->run, c->path, &c->state, body);
    sums_heard(k, c, kind);
    if (k->rollbacks) {
        rollback_heard(k, c, keel_json_view(body->data, body->len), seq);
    }
    return seq;
}

static message *message_new(open_turn *t, const void *body, size_t len) {
    if (t->count == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 64;
        t->messages = keel_realloc(t->messages, t->cap * sizeof(message));
    }
    message *m = &t->messages[t->count++];
    memset(m, 0, sizeof *m);
    m->at = t->bytes.len;
    m->len = len;
    keel_buf_append(&t->bytes, body, len);
    return m;
}

void turn_send(kernel *k, uint32_t executor, uint16_t type, uint64_t run_id, uint64_t ref,
               const void *body, size_t len) {
    if (KEEL_PLANTED("send_before_commit") && type == X_VERB) {
        k->env.send(k->env.ctx, executor, type, run_id, ref, body, len);
        return;
    }
    message *m = message_new(k->turn, body, len);
    m->to = TO_EXECUTOR;
    m->executor = executor;
    m->type = type;
    m->run = run_id;
    m->ref = ref;
}

void turn_reply(kernel *k, uint64_t client, uint16_t type, uint64_t ref, const void *body,
                size_t len) {
    if (KEEL_PLANTED("answered_before_commit") && type == C_ANSWER) {
        k->env.reply(k->env.ctx, client, type, ref, body, len);
        return;
    }
    message *m = message_new(k->turn, body, len);
    m->to = TO_CLIENT;
    m->client = client;
    m->type = type;
    m->ref = ref;
}

void turn_notice(kernel *k, uint64_t id, const void *body, size_t len) {
    message *m = message_new(k->turn, body, len);
    m->to = TO_NOTIFIER;
    m->ref = id;
}

void turn_ack(kernel *k, run *r) {
    if (r->ack_turn == k->turn->id) {
        k->turn->messages[r->ack_message].ref = r->ahead;
        return;
    }
    r->ack_turn = k->turn->id;
    r->ack_message = k->turn->count;
    turn_send(k, r->worker->id, X_ACK, r->id, r->ahead, NULL, 0);
}

static void deliver_one(kernel *k, const message *m, const char *body) {
    if (m->to == TO_CLIENT) {
        k->env.reply(k->env.ctx, m->client, m->type, m->ref, body, m->len);
        return;
    }
    if (m->to == TO_NOTIFIER) {
        notice_leaves(k, m->ref, body, m->len);
        return;
    }
    if (!map_get(&k->executors, m->executor)) {
        return; /* it died meanwhile; its runs are replayed, its dispatch was settled */
    }
    if (m->executor == k->egress.id && m->type == G_ORDER && !map_get(&k->executors, m->run)) {
        return; /* who was to use it died, and its end has been told: nobody would end it again */
    }
    if (m->type == X_ACK) {
        run *r = map_get(&k->runs, m->run);
        if (!r || !r->live) {
            return;
        }
        r->acked = (uint32_t)m->ref;
    }
    k->env.send(k->env.ctx, m->executor, m->type, m->run, m->ref, body, m->len);
    worker_busy(k);
}

static void deliver(kernel *k, open_turn *t) {
    for (size_t i = 0; i < t->count; i++) {
        const message *m = &t->messages[i];
        (void)KEEL_FP("turn.message");
        deliver_one(k, m, t->bytes.data ? t->bytes.data + m->at : "");
    }
    t->count = 0;
    keel_buf_clear(&t->bytes);
}

void kernel_turn(kernel *k) {
    open_turn *t = k->turn;
    rollbacks_go_on(k);
    if (k->committing || (!t->news && !t->count)) {
        return;
    }
    if (!t->news) {
        deliver(k, t); /* nothing to make durable, and nothing before it still syncs */
        return;
    }
    k->committing = t;
    k->turn = t == &k->turns[0] ? &k->turns[1] : &k->turns[0];
    k->turn->news = false;
    k->turn->id = ++k->turn_id;
    k->env.commit(k->env.ctx, t->records);
}

void kernel_committed(kernel *k, turn *records, int rc) {
    open_turn *t = k->committing;
    k->committing = NULL;
    if (rc) {
        return;
    }
    size_t count = turn_count(records);
    k->durable_seq = turn_get(records, count - 1)->seq;
    recent_durable(k);
    sums_durable(k);
    deliver(k, t);
    if (k->followers) {
        follow_records(k, t);
    }
    t->news = false;
    for (worker *w = k->workers; w; w = w->next) {
        if (w->replay_waits) {
            run_start_all(k, w);
        }
    }
    kernel_turn(k);
}

void kernel_log(kernel *k, const char *level, uint64_t run_id, const char *format, ...) {
    keel_buf text = KEEL_BUF_INIT;
    va_list ap;
    va_start(ap, format);
    keel_buf_vprintf(&text, format, ap);
    va_end(ap);
    k->env.log(k->env.ctx, level, run_id, text.data);
    keel_buf_free(&text);
}
