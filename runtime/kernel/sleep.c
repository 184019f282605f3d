/* Runs that only wait, for months: such a run stands on no worker's list and needs no executor. What
 * answers one of its calls wakes it: then its executor starts, and the record is replayed.
 *
 * Whether a run only waits is seen from its calls: one that is open in the first branch of its program
 * holds up all of it, since there are other branches only while the first one waits for them, and
 * that wait is no call. A run whose open calls are all in such branches may still compute in another:
 * it stays. */
#include <string.h>

#include "parts.h"

#define SECOND      1000000LL
#define SWEEP_US    (60 * SECOND)
#define IDLE_SWEEPS 5 /* then an executor without runs ends */
#define SOON_US     (60 * SECOND)

static const call *holds_up(const run *r) {
    const call *c = r->calls;
    while (c && (strchr(c->path, '.') || c->recheck)) {
        c = c->next;
    }
    return c;
}

bool run_only_waits(const run *r) {
    return r->state == RUN_PAUSED || (!r->fresh && holds_up(r) != NULL);
}

void run_rest(run *r) {
    if (r->asleep || !r->worker) {
        return; /* it does already, or is being recovered, and will where it is paused */
    }
    worker_remove_run(r);
    run_forget_paths(r); /* the record tells it again */
    replies_free(r);
    r->asleep = true;
    r->live = false;
}

void run_wake(kernel *k, run *r) {
    if (!r->asleep || r->state != RUN_OPEN) {
        return;
    }
    r->asleep = false;
    worker_add_run(k, r->worker, r);
}

/* ---- what has waited for a while leaves its executor ---- */

static bool rests_now(kernel *k, const run *r) {
    const call *c = r->live && r->last_seq < k->sweep_seq ? holds_up(r) : NULL;
    int64_t now = k->env.boot_us(k->env.ctx);
    return c && !c->dispatch && !c->queued && (!c->timer.due || c->timer.due > now + SOON_US);
}

/* true: it needs no look any more. */
static bool sweep_worker(kernel *k, worker *w) {
    run *next;
    for (run *r = w->runs; r; r = next) {
        next = r->worker_next;
        if (rests_now(k, r)) {
            k->env.send(k->env.ctx, w->id, X_CANCEL, r->id, 0, NULL, 0);
            run_rest(r);
        }
    }
    w->idle_sweeps = w->runs ? 0 : w->idle_sweeps + 1;
    if (w->idle_sweeps > IDLE_SWEEPS) {
        worker_stop(k, w);
    }
    return w->told_to_stop;
}

static void sweep(kernel *k, timer *t) {
    bool more = false;
    (void)t;
    for (worker *w = k->workers; w; w = w->next) {
        if (!w->connection && w->state == WORKER_READY) {
            more |= !sweep_worker(k, w);
        }
    }
    k->sweep_seq = k->next_seq;
    if (more) {
        sleep_watch(k);
    }
}

void sleep_watch(kernel *k) {
    if (!k->sweep.due) {
        timer_set(&k->timers, &k->sweep, k->env.boot_us(k->env.ctx) + SWEEP_US, sweep, k);
    }
}
