/* kill -9 at every failpoint, with real processes. Each script runs once without faults and tells
 * which failpoints there are and how often each is hit; then, for every one of them and for its
 * first and its last hit, it runs in a workspace of its own until the kernel is killed there, is
 * started again, says the same commands again, comes to rest, and is compared with what the outside
 * has really seen. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "fsio.h"
#include "pool.h"
#include "records.h"
#include "scripts.h"
#include "siteint.h"

#define LIVES 4

typedef struct visit {
    const script *script;
    char plan[160];
    bool fires; /* it must: a first hit */
    bool fails; /* the disk says no; the kernel ends by itself, and says so */
    char point[64];
    char then[160]; /* the plan of the next life; "": none */
} visit;

/* ---- one visit ---- */

static void give_log(const site *s, keel_buf *detail) {
    keel_buf log = KEEL_BUF_INIT;
    site_log(s, &log);
    size_t from = log.len > 3000 ? log.len - 3000 : 0;
    keel_buf_puts(detail, log.data ? log.data + from : "");
    keel_buf_free(&log);
}

static void finish(site *s, keel_buf *problem, keel_buf *detail) {
    site_finish(s);
    if (s->problem[0]) {
        keel_buf_puts(problem, s->problem);
        give_log(s, detail);
    }
}

/* A life that nothing disturbs, to the end. */
static void last_life(site *s, const script *sc) {
    site_start how = {sc->plan, NULL, sc->option};
    if (!site_up(s, &how)) {
        site_fault(s, "the kernel does not start again: exit code %d", site_exit(s));
    } else if (site_repeat(s) && sc->live(s)) {
        if (!site_down(s)) {
            site_fault(s, "it does not end in good order: status %d", s->status);
        }
    } else {
        site_fault(s, "it ended, and was not told to: status %d", s->status);
    }
}

static void check_message(site *s, const visit *v) {
    keel_buf log = KEEL_BUF_INIT;
    site_log(s, &log);
    const char *text = log.data ? log.data : "";
    if (site_exit(s) != 1) {
        site_fault(s, "the disk failed, and it ended with status %d instead of exit code 1",
                   s->status);
    } else if (!strstr(text, v->point) || !strstr(text, "keel up")) {
        site_fault(s, "the message does not say what failed and what to do");
    }
    keel_buf_free(&log);
}

/* A life under a plan: until the kernel is gone, or to the end. */
static void disturbed_life(site *s, const script *sc, const char *failpoints) {
    char plan[240];
    snprintf(plan, sizeof plan, "%s%s%s", sc->plan ? sc->plan : "", sc->plan ? ";" : "",
             failpoints);
    site_start how = {plan, NULL, sc->option};
    if (site_up(s, &how) && site_repeat(s) && sc->live(s)) {
        site_down(s);
    }
    site_reap(s);
}

static void run_lives(site *s, const visit *v) {
    disturbed_life(s, v->script, v->plan);
    bool fired = v->fails ? site_exit(s) != 0 : site_killed(s);
    if (!fired && (v->fires || site_exit(s) != 0)) {
        site_fault(s, "the failpoint was not reached: status %d", s->status);
    } else if (fired && v->fails) {
        check_message(s, v);
    }
    if (v->then[0] && !s->problem[0]) {
        disturbed_life(s, v->script, v->then);
        if (!site_killed(s) && site_exit(s) != 0) {
            site_fault(s, "the second life ended with status %d", s->status);
        }
    }
    if (!s->problem[0]) {
        last_life(s, v->script);
    }
}

static void run_visit(const void *arg, const char *folder, keel_buf *problem, keel_buf *detail) {
    const visit *v = arg;
    site s;
    script_site(&s, folder);
    if (!v->script->prepare || v->script->prepare(&s)) {
        run_lives(&s, v);
    }
    if (!s.problem[0]) {
        script_check(&s, v->script);
    }
    finish(&s, problem, detail);
}

/* ---- without faults ---- */

static void trace_file(const script *sc, char *out, size_t size) {
    snprintf(out, size, "%s/trace-%s", pool_folder(), sc->name);
}

static void run_trace(const void *arg, const char *folder, keel_buf *problem, keel_buf *detail) {
    const script *sc = arg;
    char trace[120];
    site s;
    script_site(&s, folder);
    trace_file(sc, trace, sizeof trace);
    site_start how = {sc->plan, trace, sc->option};
    if (!sc->prepare || sc->prepare(&s)) {
        if (!site_up(&s, &how) || !sc->live(&s) || !site_down(&s)) {
            site_fault(&s, "it ended, and was not told to: status %d", s.status);
        }
    }
    if (!s.problem[0]) {
        script_check(&s, sc);
    }
    finish(&s, problem, detail);
}

/* ---- every failpoint ---- */

static struct {
    visit visits[1024];
    size_t count;
    char *seen[512]; /* names that some script hits */
    size_t seen_count;
} plan;

static bool is_seen(const char *name) {
    for (size_t i = 0; i < plan.seen_count; i++) {
        if (!strcmp(plan.seen[i], name)) {
            return true;
        }
    }
    return false;
}

static void add_visit(const script *sc, const char *name, const char *action, long hit) {
    char title[200];
    visit *v = &plan.visits[plan.count++];
    *v = (visit){.script = sc, .fires = hit == 1, .fails = strcmp(action, "kill") != 0};
    snprintf(v->plan, sizeof v->plan, "%s=%s@%ld", name, action, hit);
    snprintf(v->point, sizeof v->point, "%s", name);
    snprintf(title, sizeof title, "%s: %s", sc->name, v->plan);
    pool_add(title, run_visit, v);
}

static void add_point(const script *sc, const char *name, long hits) {
    if (!strcmp(name, "clock.wall") || is_seen(name)) {
        return;
    }
    plan.seen[plan.seen_count++] = keel_strdup(name);
    add_visit(sc, name, "kill", 1);
    if (hits > 1) {
        add_visit(sc, name, "kill", hits);
    }
    if (strstr(name, "_commit")) {
        add_visit(sc, name, plan.seen_count % 2 ? "eio" : "enospc", 1);
    }
}

static void add_points(const script *sc) {
    char trace[120], name[128];
    long hits;
    trace_file(sc, trace, sizeof trace);
    FILE *f = fopen(trace, "r");
    while (f && fscanf(f, "%127s %ld", name, &hits) == 2) {
        add_point(sc, name, hits);
    }
    if (f) {
        fclose(f);
    }
}

/* Killed at one point, and at another in the life after: the recovery's own records among them. */
static void add_pairs(void) {
    size_t count = plan.count;
    for (size_t i = 0; i < count; i += 3) {
        const visit *a = &plan.visits[i], *b = &plan.visits[i * 7 % count];
        if (a->fails || b->fails || a->script != b->script || a == b) {
            continue;
        }
        char title[400];
        visit *v = &plan.visits[plan.count++];
        *v = *a;
        memcpy(v->then, b->plan, sizeof v->then);
        snprintf(title, sizeof title, "%s: %s, then %s", v->script->name, v->plan, v->then);
        pool_add(title, run_visit, v);
    }
}

static void every_kind_was_hit(const void *arg, const char *folder, keel_buf *problem,
                               keel_buf *detail) {
    static const char *const points[] = {"append", "before_commit", "after_commit"};
    (void)arg;
    (void)folder;
    for (int kind = 1; kind < RECORD_KIND_MAX; kind++) {
        const char *kind_name = record_kind_name((record_kind)kind);
        for (size_t i = 0; kind_name && i < 3; i++) {
            char name[96];
            snprintf(name, sizeof name, "journal.%s.%s", kind_name, points[i]);
            if (!is_seen(name)) {
                keel_buf_puts(problem, problem->len ? "" : "failpoints that no script hits");
                keel_buf_printf(detail, "%s\n", name);
            }
        }
    }
}

/* ---- other deaths ---- */

/* kill -9 at any time, not only where a failpoint stands. */
static void killed_at_any_time(const void *arg, const char *folder, keel_buf *problem,
                               keel_buf *detail) {
    long delay = (long)(intptr_t)arg;
    const script *sc = &scripts[0];
    site s;
    script_site(&s, folder);
    for (int life = 0; life < LIVES && !s.problem[0]; life++) {
        pid_t killer = -1;
        if (site_up_plain(&s) && (killer = fork()) == 0) {
            site_sleep_us(delay + life * 7000);
            kill(s.kernel, SIGKILL);
            _exit(0);
        }
        if (site_repeat(&s)) {
            sc->live(&s);
        }
        site_kill(&s);
    }
    last_life(&s, sc);
    script_check(&s, sc);
    finish(&s, problem, detail);
}

/* Twenty kernels in a row that do not get through their recovery. */
static void killed_while_recovering(const void *arg, const char *folder, keel_buf *problem,
                                    keel_buf *detail) {
    const script *sc = &scripts[0];
    site s;
    (void)arg;
    script_site(&s, folder);
    site_start first = {"journal.effect.done.before_commit=kill@2", NULL, NULL};
    site_start plain = {NULL, NULL, NULL};
    if (site_up(&s, &first)) {
        sc->live(&s);
    }
    site_reap(&s);
    for (long i = 0; i < 20 && !s.problem[0]; i++) {
        site_launch(&s, &plain);
        site_sleep_us(1000 + i * 1500);
        site_kill(&s);
    }
    last_life(&s, sc);
    script_check(&s, sc);
    finish(&s, problem, detail);
}

/* SIGKILL of the executors in the middle of what they do. */
static void executors_are_killed(const void *arg, const char *folder, keel_buf *problem,
                                 keel_buf *detail) {
    const script *sc = &scripts[0];
    const char *connector = arg;
    site s;
    script_site(&s, folder);
    if (site_up_plain(&s)) {
        pid_t killer = fork();
        for (int i = 0; killer == 0 && i < (connector ? 12 : 2); i++) {
            site_sleep_us(12000);
            site_kill_executors(&s, connector);
        }
        if (killer == 0) {
            _exit(0);
        }
        if (!sc->live(&s) || !site_down(&s)) {
            site_fault(&s, "it ended, and was not told to: status %d", s.status);
        }
    }
    script_check(&s, sc);
    finish(&s, problem, detail);
}

static void add_other_deaths(void) {
    static const long delays[] = {3000, 9000, 17000, 30000, 55000, 90000, 140000, 220000};
    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
        char name[64];
        snprintf(name, sizeof name, "kill -9 every %ld ms", delays[i] / 1000);
        pool_add(name, killed_at_any_time, (const void *)(intptr_t)delays[i]);
    }
    pool_add("kill -9 twenty times while it recovers", killed_while_recovering, NULL);
    pool_add("kill -9 of the agents' executors", executors_are_killed, NULL);
    pool_add("kill -9 of a connector, again and again", executors_are_killed, "plain");
}

/* torture [TEXT]: only tests with TEXT in their name. */
int main(int argc, char **argv) {
    if (digest_init()) {
        return 2;
    }
    for (size_t i = 0; i < script_count; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s: without faults", scripts[i].name);
        pool_add(name, run_trace, &scripts[i]);
    }
    if (pool_run()) {
        pool_only(argc > 1 ? argv[1] : NULL);
        for (size_t i = 0; i < script_count; i++) {
            add_points(&scripts[i]);
        }
        add_pairs();
        pool_add("every kind of record has its failpoints hit", every_kind_was_hit, NULL);
        add_other_deaths();
        pool_run();
    }
    return pool_end();
}
