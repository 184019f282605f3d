/* Executors: started when there is work, many runs for agents; started again with back-off when they
 * die. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"
#include "planted.h"
#include "polls.h"
#include "reach.h"
#include "trouble.h"

#define LOAD_LEAST 1000000LL
#define NOTES      500 /* lines of one executor that go into the log */
#define NOTES_US   10000000LL

/* ---- who runs what ---- */

static worker *worker_new(kernel *k, const plugin *p, connection *cn) {
    worker *w = keel_alloc(sizeof *w);
    *w = (worker){.plugin = p, .connection = cn, .next = k->workers};
    k->workers = w;
    return w;
}

worker *worker_for_connection(kernel *k, connection *cn) {
    cn->worker_count++;
    return worker_new(k, cn->plugin, cn);
}

worker *worker_for_agent(kernel *k, const plugin *p) {
    for (worker *w = k->workers; w; w = w->next) {
        if (!w->connection && digest_equal(&w->plugin->digest, &p->digest)) {
            return w;
        }
    }
    return worker_new(k, p, NULL);
}

void worker_add_run(kernel *k, worker *w, run *r) {
    assert(w->last_run != r && !r->worker_prev && !r->worker_next); /* on one list, and once */
    r->worker = w;
    r->worker_next = NULL;
    r->worker_prev = w->last_run;
    *(w->last_run ? &w->last_run->worker_next : &w->runs) = r;
    w->last_run = r;
    w->idle_sweeps = 0;
    if (w->state == WORKER_REFUSED) {
        w->state = WORKER_DOWN; /* its script may have been mended meanwhile */
    }
    if (w->state == WORKER_READY && r->fresh && !k->halted && !w->told_to_stop) {
        run_start_fresh(k, r);
    } else if (w->state == WORKER_READY && r->last_seq > k->durable_seq) {
        w->replay_waits = true;
    } else {
        worker_need(k, w);
    }
}

void worker_take_run(kernel *k, worker *w, run *r) {
    if (run_only_waits(r)) {
        r->worker = w;
        r->asleep = true;
    } else {
        worker_add_run(k, w, r);
    }
}

void worker_remove_run(run *r) {
    worker *w = r->worker;
    if (r->asleep) {
        r->asleep = false;
        return;
    }
    if (r->worker_prev) {
        r->worker_prev->worker_next = r->worker_next;
    } else {
        w->runs = r->worker_next;
    }
    if (r->worker_next) {
        r->worker_next->worker_prev = r->worker_prev;
    } else {
        w->last_run = r->worker_prev;
    }
    r->worker_prev = r->worker_next = NULL;
}

bool worker_has_work(const worker *w) {
    return w->connection ? dispatch_ready(w->connection) : w->runs != NULL;
}

/* ---- start ---- */

void worker_refuse(kernel *k, worker *w, const char *text) {
    w->state = WORKER_REFUSED;
    snprintf(w->refusal, sizeof w->refusal, "%s", text);
    kernel_log(k, "error", 0, "%s %s: %s", w->plugin->manifest->id, w->plugin->manifest->version,
               text);
    trouble_note(k, w->connection, text);
    while (w->runs) {
        run_failed(k, w->runs, "refused", w->refusal);
    }
    while (w->connection && w->connection->queue) {
        call *c = w->connection->queue;
        worker_drop(k, c);
        if (c->poll) {
            poll_heard(k, c, HEARD_DEATH, keel_json_view(w->refusal, strlen(w->refusal)));
        } else if (c->recheck) {
            restored_heard(k, c, HEARD_DEATH, (keel_json){0});
        } else if (c->reconcile) {
            effect_unknown(k, c, w->refusal);
        } else {
            effect_give_up(k, c, "unavailable", w->refusal);
        }
    }
}

static void deadline_passed(kernel *k, timer *t) {
    worker *w = t->owner;
    w->overdue = true;
    k->env.kill(k->env.ctx, w->id);
}

void worker_expect(kernel *k, worker *w, int64_t within_us) {
    timer_set(&k->timers, &w->timer, k->env.boot_us(k->env.ctx) + within_us, deadline_passed, w);
}

bool worker_deadline(const timer *t) {
    return t->fire == deadline_passed;
}

static void not_started(kernel *k, timer *t) {
    worker *w = t->owner;
    char text[sizeof w->refusal];
    memcpy(text, w->refusal, sizeof text);
    worker_refuse(k, w, text);
}

/* What happened and what to do, as one text that a record can hold. */
static void in_one(char *out, size_t size, const char *what, const char *next) {
    size_t len = strlen(what);
    bool ended = len > 0 && what[len - 1] == '.', sentence = next[0] >= 'A' && next[0] <= 'Z';
    const char *between = !next[0] ? "" : ended ? " " : sentence ? ". " : "; ";
    keel_buf whole = KEEL_BUF_INIT;
    keel_buf_printf(&whole, "%s%s%s", what, between, next);
    size_t fits = whole.len < size ? whole.len : size - 1; /* what does not fit is left out */
    memcpy(out, whole.data, fits);
    out[fits] = 0;
    keel_buf_free(&whole);
}

/* Not now: whoever asked for it still holds what a refusal ends. */
static void refuse_later(kernel *k, worker *w, const diag *d) {
    map_take(&k->executors, w->id);
    in_one(w->refusal, sizeof w->refusal, d->what, d->next);
    w->state = WORKER_BACKOFF;
    timer_set(&k->timers, &w->timer, w->started_boot, not_started, w);
}

/* To load is to compute without a call, as far as the limit goes; but a machine may be slow. */
static int64_t load_limit(const kernel *k) {
    int64_t wall = k->world.workspace->step_wall_us;
    return wall > LOAD_LEAST ? wall : LOAD_LEAST;
}

void worker_need(kernel *k, worker *w) {
    if (w->state == WORKER_READY && !w->connection && !w->told_to_stop) {
        run_start_all(k, w);
        return;
    }
    if (w->state != WORKER_DOWN || k->halted || k->stopping) {
        return;
    }
    diag d = {0};
    kernel_spawn s = {.plugin = w->plugin};
    if (reach_any_network(w->plugin->manifest)) {
        if (!egress_need(k)) {
            return; /* it asks again when there is one */
        }
        if (w->connection->gone) {
            egress_tell(k, w->connection);
        }
        s.egress = k->egress.id;
        s.connection = w->connection->id;
    }
    if (w->connection) {
        s.config = keel_json_view(w->connection->config.data, w->connection->config.len);
    }
    w->id = ++k->next_executor;
    w->told_to_stop = w->overdue = false;
    w->state = WORKER_STARTING;
    w->started_boot = k->env.boot_us(k->env.ctx);
    timer_set(&k->timers, &w->timer, w->started_boot + load_limit(k), deadline_passed, w);
    map_put(&k->executors, w->id, w);
    int rc = k->env.spawn(k->env.ctx, w->id, &s, &d);
    if (rc == DIAG_CONFLICT) { /* it asks again when there is another egress */
        map_take(&k->executors, w->id);
        timer_clear(&k->timers, &w->timer);
        w->state = WORKER_DOWN;
    } else if (rc) {
        refuse_later(k, w, &d);
    } else if (!w->connection) {
        run_read_early(k, w);
    }
}

/* ---- frames that are about the executor itself ---- */

static void ready(kernel *k, worker *w) {
    timer_clear(&k->timers, &w->timer);
    w->bad_loads = 0;
    w->state = WORKER_READY;
    if (w->connection) {
        worker_next(k, w);
    } else {
        run_start_all(k, w);
    }
}

static void refused(kernel *k, worker *w, const frame *f) {
    timer_clear(&k->timers, &w->timer);
    char text[512] = "it will not load, and did not say why", next[256] = "";
    keel_json body = keel_json_view(f->body, f->len);
    if (!keel_json_check(f->body, f->len, NULL)) {
        keel_json_copy(keel_json_get(body, "message"), text, sizeof text);
        keel_json_copy(keel_json_get(body, "next"), next, sizeof next);
    }
    char whole[800];
    in_one(whole, sizeof whole, text, next);
    if (!KEEL_PLANTED("executor_leak")) {
        k->env.kill(k->env.ctx, w->id);
    }
    map_take(&k->executors, w->id);
    worker_refuse(k, w, whole);
}

bool worker_may_log(kernel *k, worker *w) {
    int64_t now = k->env.boot_us(k->env.ctx);
    if (!w->notes || now - w->notes_since > NOTES_US) {
        w->notes = 0;
        w->notes_since = now;
    }
    if (++w->notes == NOTES + 1) {
        kernel_log(k, "warn", 0, "%s says too much: after %d lines in %d s the rest is dropped",
                   w->plugin->manifest->id, NOTES, (int)(NOTES_US / 1000000));
    }
    return w->notes <= NOTES;
}

static void note(kernel *k, worker *w, const frame *f) {
    if (!worker_may_log(k, w)) {
        return;
    }
    keel_json body = keel_json_view(f->body, f->len);
    char level[8] = "info", text[1024];
    if (!keel_json_check(f->body, f->len, NULL) &&
        keel_json_copy(keel_json_get(body, "text"), text, sizeof text) >= 0) {
        body_text(body, "level", level, sizeof level);
        kernel_log(k, level, 0, "%s: %s", w->plugin->manifest->id, text);
    }
}

void kernel_executor_frame(kernel *k, uint32_t executor, const frame *f) {
    worker *w = map_get(&k->executors, executor);
    if (executor == k->egress.id) {
        egress_frame(k, f);
        return;
    }
    if (!w || k->stop_written) {
        return; /* it was refused or replaced, or all is over: what it still says does not count */
    }
    if (f->type == X_NOTE) {
        note(k, w, f);
    } else if (w->state == WORKER_STARTING && f->type == X_READY) {
        ready(k, w);
    } else if (w->state == WORKER_STARTING && f->type == X_REFUSED) {
        refused(k, w, f);
    } else if (w->connection) {
        connector_frame(k, w, f);
    } else {
        agent_frame(k, w, f);
    }
}

void workers_free(kernel *k) {
    while (k->workers) {
        worker *w = k->workers;
        k->workers = w->next;
        timer_clear(&k->timers, &w->timer);
        run_forget_early(k, w);
        free(w);
    }
}
