/* Deaths that no failpoint names: at any time, while it recovers, of its executors. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "operator.h"
#include "siteint.h"
#include "visit.h"

#define LIVES 4

/* kill -9 at any time, not only where a failpoint stands. */
static void at_any_time(site *s, const script *sc, long delay_us) {
    for (int life = 0; life < LIVES && !s->problem[0]; life++) {
        pid_t killer = -1;
        if (site_up_plain(s) && (killer = fork()) == 0) {
            site_sleep_us(delay_us + life * 7000);
            kill(s->kernel, SIGKILL);
            _exit(0);
        }
        if (site_repeat(s)) {
            sc->live(s);
        }
        site_kill(s);
    }
    visit_last_life(s, sc);
}

/* A life that is over at its failpoint, or after so long. */
static void short_life(site *s, const char *failpoint, long limit_us) {
    site_start how = {.failpoint = failpoint};
    site_launch(s, &how);
    for (long us = 0; operator_alive(s) && us < limit_us; us += 500) {
        site_sleep_us(500);
    }
    site_kill(s);
}

/* Twenty kernels in a row that do not get through their recovery: each other one ends before what it
 * has recovered is durable, or when nobody but the journal knows of it. */
static void while_recovering(site *s, const script *sc) {
    static const char *const ends[] = {"recover.effect=kill@1", "journal.boot.before_commit=kill@1",
                                       "journal.boot.after_commit=kill@1"};
    site_start first = {.failpoint = "journal.effect.done.before_commit=kill@2"};
    if (site_up(s, &first)) {
        sc->live(s);
    }
    site_reap(s);
    for (long i = 0; i < 20 && !s->problem[0]; i++) {
        if (i % 2) {
            short_life(s, ends[i / 2 % 3], 3000000);
        } else {
            short_life(s, NULL, 1000 + i * 1500);
        }
    }
    visit_last_life(s, sc);
}

/* SIGKILL of the executors in the middle of what they do. */
static void of_executors(site *s, const script *sc, const char *connector) {
    if (site_up_plain(s)) {
        pid_t killer = fork();
        for (int i = 0; killer == 0 && i < (connector ? 12 : 2); i++) {
            site_sleep_us(12000);
            site_kill_executors(s, connector);
        }
        if (killer == 0) {
            _exit(0);
        }
        if (!sc->live(s) || !site_down(s)) {
            site_fault(s, "it ended, and was not told to: status %d", s->status);
        }
    }
}

static const long delays_ms[] = {3, 9, 17, 30, 55, 90, 140, 220};
#define DELAYS (sizeof delays_ms / sizeof *delays_ms)

const char *const death_names[] = {
    "deaths.any_time_3ms",   "deaths.any_time_9ms",   "deaths.any_time_17ms",
    "deaths.any_time_30ms",  "deaths.any_time_55ms",  "deaths.any_time_90ms",
    "deaths.any_time_140ms", "deaths.any_time_220ms", "deaths.recovering_20_times",
    "deaths.of_agents",      "deaths.of_a_connector", NULL};

void death_run(site *s, const visit *v) {
    size_t which = (size_t)v->arg;
    if (which < DELAYS) {
        at_any_time(s, v->script, delays_ms[which] * 1000);
    } else if (which == DELAYS) {
        while_recovering(s, v->script);
    } else {
        of_executors(s, v->script, which == DELAYS + 1 ? NULL : v->script->granted);
    }
}
