/* Starting runs at an executor: fresh ones with their input, others with all that is recorded,
 * pushed in one go (asking per effect takes more than twice as long). */
#include <stdlib.h>
#include <string.h>

#include "history.h"
#include "parts.h"

typedef struct replayed {
    run *run;
    history history;
} replayed;

typedef struct reading {
    const map *runs; /* id -> replayed */
    int64_t last;    /* what came after it is left for later */
} reading;

/* The run was reopened: the ordinals that it took from there on are free. What is still out keeps its
 * own. */
static void take_again(replayed *e) {
    char path[PATH_LIMIT];
    keel_json body;
    run_forget_paths(e->run);
    for (size_t at = 0; history_next(&e->history, &at, &body);) {
        history_path(body, path);
        e->run->effects += run_path_order(e->run, path) == PATH_NEW;
    }
    for (const call *c = e->run->calls; c; c = c->next) {
        run_path_order(e->run, c->path);
    }
}

static int on_record(void *ctx, const journal_row *row) {
    const reading *now = ctx;
    replayed *e = map_get(now->runs, row->run);
    if (row->seq > now->last) {
        return 1;
    }
    if (strchr(row->path, '~')) {
        return 0; /* taken back by a person: its script knows nothing of it */
    }
    if (row->path[0] && run_path_order(e->run, row->path) == PATH_NEW) { /* it is taken */
        e->run->effects++;
    }
    history_add(&e->history, row);
    if (row->kind == RECORD_RUN_REOPENED) {
        take_again(e);
    }
    return 0;
}

static void mark_live(kernel *k, run *r) {
    sleep_watch(k);
    r->live = true;
    r->ahead = 0;
    r->acked = 0;
    r->ack_turn = 0;
}

static void push(kernel *k, worker *w, const replayed *e) {
    const history *h = &e->history;
    keel_json body;
    keel_buf previous = KEEL_BUF_INIT;
    keel_buf start = KEEL_BUF_INIT;
    if (h->previous) {
        reader_member(k->env.reads, h->previous, "result", &previous, NULL);
    }
    run_start_body(&start, keel_json_view(h->input.data, h->input.len),
                   keel_json_view(previous.data, previous.len));
    k->env.send(k->env.ctx, w->id, X_START, e->run->id, h->count, start.data, start.len);
    for (size_t at = 0; history_next(h, &at, &body);) {
        k->env.send(k->env.ctx, w->id, X_RECORD, e->run->id, 0, body.data, body.len);
    }
    mark_live(k, e->run);
    keel_buf_free(&start);
    keel_buf_free(&previous);
}

static void forget(replayed *e) {
    history_free(&e->history);
    free(e);
}

/* What the runs recorded after `after`, up to `last`. */
static int read_runs(kernel *k, map *runs, int64_t after, int64_t last) {
    uint64_t *ids = keel_alloc(runs->count * sizeof *ids);
    size_t count = 0;
    uint64_t id;
    reading now = {runs, last};
    diag d = {0};
    for (size_t at = 0; map_next(runs, &at, &id);) {
        ids[count++] = id;
    }
    int rc = reader_runs_after(k->env.reads, after, ids, count, on_record, &now, &d);
    if (rc) {
        kernel_log(k, "error", 0, "cannot read the records of %zu runs: %s", count, d.what);
    }
    free(ids);
    return rc;
}

static void push_all(kernel *k, worker *w, map *runs, int64_t after) {
    uint64_t id;
    replayed *e;
    int rc = runs->count ? read_runs(k, runs, after, INT64_MAX) : 0;
    for (size_t at = 0; (e = map_next(runs, &at, &id)) != NULL;) {
        if (!rc && e->history.erased) {
            run_erased(k, e->run);
        } else if (!rc) {
            push(k, w, e);
        }
        forget(e);
    }
    map_free(runs);
}

void run_start_fresh(kernel *k, run *r) {
    r->fresh = false;
    k->env.send(k->env.ctx, r->worker->id, X_START, r->id, 0, r->start.data, r->start.len);
    keel_buf_free(&r->start);
    mark_live(k, r);
    worker_busy(k);
}

/* ---- early: an executor takes a while to load, and the journal can be read meanwhile ---- */

void run_forget_early(kernel *k, worker *w) {
    replayed *e;
    timer_clear(&k->timers, &w->early_timer);
    for (size_t at = 0; (e = map_next(&w->early, &at, NULL)) != NULL;) {
        forget(e);
    }
    map_free(&w->early);
}

static void add_waiting(map *runs, run *r) {
    replayed *e = keel_alloc(sizeof *e);
    *e = (replayed){.run = r};
    map_put(runs, r->id, e);
}

static void read_early(kernel *k, timer *t) {
    worker *w = t->owner;
    run_forget_early(k, w);
    if (w->state != WORKER_STARTING) {
        return;
    }
    for (run *r = w->runs; r; r = r->worker_next) {
        if (!r->live && !r->fresh && r->state == RUN_OPEN) {
            add_waiting(&w->early, r);
        }
    }
    w->early_seq = k->durable_seq;
    if (w->early.count && read_runs(k, &w->early, 0, w->early_seq)) {
        run_forget_early(k, w);
    }
    for (run *r = w->runs; r; r = r->worker_next) {
        r->early = map_get(&w->early, r->id) != NULL;
    }
}

/* Not now: more runs may follow in this turn, and what the turn decided is not to wait for it. */
void run_read_early(kernel *k, worker *w) {
    timer_set(&k->timers, &w->early_timer, k->env.boot_us(k->env.ctx), read_early, w);
}

/* What was read of it, if nobody has begun to tell its record anew since then. */
static bool was_read(worker *w, run *r, map *read) {
    replayed *e = map_take(&w->early, r->id);
    if (!e) {
        return false;
    }
    if (!r->early) {
        forget(e);
        return false;
    }
    map_put(read, r->id, e);
    r->early = false;
    return true;
}

void run_start_all(kernel *k, worker *w) {
    map waiting = {0}, read = {0}; /* id -> replayed */
    w->replay_waits = false;
    if (w->state != WORKER_READY || k->halted) {
        return;
    }
    for (run *r = w->runs; r; r = r->worker_next) {
        if (r->live || r->state != RUN_OPEN) {
            continue;
        }
        if (r->fresh) {
            run_start_fresh(k, r);
        } else if (r->last_seq > k->durable_seq) {
            w->replay_waits = true;
        } else if (!was_read(w, r, &read)) {
            add_waiting(&waiting, r);
        }
    }
    push_all(k, w, &read, w->early_seq);
    push_all(k, w, &waiting, 0);
    if (!w->replay_waits) {
        run_forget_early(k, w);
    }
    worker_busy(k);
}
