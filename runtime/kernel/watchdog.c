/* The watchdog: an executor that computes for too long without a call is killed, and the run that
 * it named gets a strike. It looks only while something was sent and has not come to rest. */
#include "parts.h"

#define WATCH_INTERVAL 250000

static void look(kernel *k, worker *w, int64_t now, bool *busy) {
    uint64_t running = 0, ticks = 0;
    int64_t cpu = 0;
    k->env.watch(k->env.ctx, w->id, &running, &ticks, &cpu);
    if (!running) {
        w->watch_run = 0;
        return;
    }
    *busy = true;
    if (running != w->watch_run || ticks != w->watch_ticks) {
        w->watch_run = running;
        w->watch_ticks = ticks;
        w->watch_boot = now;
        w->watch_cpu = cpu;
        return;
    }
    const workspace *ws = k->world.workspace;
    if (now - w->watch_boot > ws->step_wall_us ||
        (cpu >= 0 && cpu - w->watch_cpu > ws->step_cpu_us)) {
        char why[160];
        snprintf(why, sizeof why,
                 "it computed for %.1f s (%.1f s of CPU) without a call, and was killed",
                 (double)(now - w->watch_boot) / 1e6, (double)(cpu - w->watch_cpu) / 1e6);
        worker_strike(k, w, running, why);
        k->env.kill(k->env.ctx, w->id);
        w->watch_run = 0;
    }
}

static void watch(kernel *k, timer *t) {
    bool busy = false;
    int64_t now = k->env.boot_us(k->env.ctx);
    for (worker *w = k->workers; w; w = w->next) {
        if (w->state == WORKER_READY && !w->connection) {
            look(k, w, now, &busy);
        }
    }
    if (busy) {
        timer_set(&k->timers, t, now + WATCH_INTERVAL, watch, NULL);
    }
}

void worker_busy(kernel *k) {
    if (!k->watchdog.at) {
        timer_set(&k->timers, &k->watchdog, k->env.boot_us(k->env.ctx) + WATCH_INTERVAL, watch,
                  NULL);
    }
}
