/* How executors end: told to stop, killed, crashed. What they had under way is settled, their runs will
 * be replayed, and a run at which executors keep dying is ended. */
#include <string.h>

#include "parts.h"

#define SECOND        1000000LL
#define STRIKES       3
#define BAD_LOADS     5 /* deaths before it was ready, until it counts as one that will not load */
#define BACKOFF_FIRST (SECOND / 10)
#define BACKOFF_LIMIT (30 * SECOND)
#define HEALTHY_AFTER (60 * SECOND)

void worker_strike(kernel *k, worker *w, uint64_t run_id, const char *why) {
    run *r = run_id ? map_get(&k->runs, run_id) : NULL;
    if (!r || r->worker != w) {
        return;
    }
    r->strikes = r->last_seq > r->strike_seq ? 1 : r->strikes + 1;
    keel_json_writer jw;
    k->scratch.len = 0;
    keel_json_write(&jw, &k->scratch);
    keel_json_object(&jw);
    keel_json_set_int(&jw, "strikes", r->strikes);
    keel_json_set_text(&jw, "why", why);
    keel_json_object_end(&jw);
    r->strike_seq = journal_run(k, RECORD_RUN_STRIKE, r, "", &k->scratch);
    r->struck = true;
    kernel_log(k, "warn", r->id, "%s: strike %u of %d: %s", r->plugin->manifest->name, r->strikes,
               STRIKES, why);
    if (r->strikes >= STRIKES) {
        run_failed(k, r, "crashed", why);
    }
}

static void lose_current(kernel *k, worker *w, const char *why) {
    char text[256];
    call *c = worker_take_current(k, w);
    snprintf(text, sizeof text, "%s %s", w->plugin->manifest->id,
             w->overdue ? "did not answer in time and was killed" : why);
    if (!order_keeps(c, HEARD_DEATH, text, strlen(text))) {
        call_conclude(k, c, HEARD_DEATH, text, strlen(text));
    }
}

/* Its runs will be replayed. true: one of them has its strike for this already. */
static bool lose_runs(worker *w) {
    bool struck = false;
    for (run *r = w->runs; r; r = r->worker_next) {
        r->live = false;
        struck |= r->struck;
        r->struck = false;
    }
    w->replay_waits = true;
    return struck;
}

/* It ended because it was told to, by a halt, a reload or the stop of the kernel. */
static void stopped(kernel *k, worker *w) {
    w->state = WORKER_DOWN;
    lose_runs(w);
    if (worker_has_work(w)) {
        worker_need(k, w);
    }
}

void worker_stop(kernel *k, worker *w) {
    if (map_get(&k->executors, w->id) == w && !w->current && !w->told_to_stop) {
        w->told_to_stop = true;
        k->env.send(k->env.ctx, w->id, X_STOP, 0, 0, NULL, 0);
    }
}

static void backed_off(kernel *k, timer *t) {
    worker *w = t->owner;
    w->state = WORKER_DOWN;
    if (worker_has_work(w)) {
        worker_need(k, w);
    }
}

static void back_off(kernel *k, worker *w) {
    int64_t now = k->env.boot_us(k->env.ctx);
    if (now - w->started_boot > HEALTHY_AFTER) {
        w->crashes = 0;
    }
    int64_t delay = 0;
    if (++w->crashes > 1) {
        delay = BACKOFF_FIRST;
        for (int i = 2; i < w->crashes && delay < BACKOFF_LIMIT; i++) {
            delay *= 2;
        }
    }
    w->state = WORKER_BACKOFF;
    timer_set(&k->timers, &w->timer, now + (delay < BACKOFF_LIMIT ? delay : BACKOFF_LIMIT),
              backed_off, w);
}

void kernel_executor_gone(kernel *k, uint32_t executor, bool clean, const char *why) {
    uint64_t running = 0, ticks;
    int64_t cpu;
    worker *w = map_get(&k->executors, executor);
    if (!w) {
        return;
    }
    if (executor == k->egress.id) {
        egress_gone(k, why);
        return;
    }
    k->env.watch(k->env.ctx, executor, &running, &ticks, &cpu);
    map_take(&k->executors, executor);
    timer_clear(&k->timers, &w->timer);
    if (w->told_to_stop && !w->current && (clean || k->stopping)) {
        stopped(k, w);
        return;
    }
    const char *how = !w->overdue                   ? why
                      : w->state == WORKER_STARTING ? "was killed for taking too long to start"
                                                    : "did not answer in time and was killed";
    kernel_log(k, "warn", w->connection ? 0 : running, "%s: its executor %s",
               w->plugin->manifest->id, how);
    if (w->state == WORKER_STARTING && ++w->bad_loads >= (w->overdue ? STRIKES : BAD_LOADS)) {
        char text[256];
        snprintf(text, sizeof text, "its executor %s before it was ready, %d times",
                 w->overdue ? "was killed for taking too long" : why, w->bad_loads);
        w->bad_loads = 0;
        worker_refuse(k, w, text);
        return;
    }
    w->state = WORKER_BACKOFF;
    if (w->current) {
        lose_current(k, w, why);
    } else if (!w->connection && !lose_runs(w)) {
        char text[256];
        snprintf(text, sizeof text, "its executor %s", why);
        worker_strike(k, w, running, text);
        lose_runs(w);
    }
    w->watch_run = 0;
    back_off(k, w); /* last: what was lost gives back the timer */
}
