#include "visit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsio.h"
#include "pool.h"
#include "siteint.h"
#include "standin.h"

#define TRIES 8 /* until a hit that not every life has comes again */

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

void visit_last_life(site *s, const script *sc) {
    site_start how = {.failpoint = sc->plan, .option = sc->option};
    if (sc->words) {
        site_cli(s, NULL, sc->words); /* once more: it may have been done, and say so */
        if (site_exit(s) < 0) {
            site_fault(s, "%s %s ends with status %d", sc->words[0], sc->words[1], s->status);
        }
    }
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
    if (v->script->words) {
        return; /* what commands say is for their own tests */
    }
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
static void disturbed_life(site *s, const visit *v, const char *plan) {
    const script *sc = v->script;
    char failpoints[240];
    bool power = v->kind == VISIT_POWER && plan == v->plan;
    snprintf(failpoints, sizeof failpoints, "%s%s%s", sc->plan ? sc->plan : "",
             sc->plan && !power ? ";" : "", power ? "" : plan);
    site_start how = {.failpoint = failpoints, .option = sc->option, .power = power ? plan : NULL};
    if (sc->words) {
        site_cli(s, &how, sc->words);
    } else if (site_up(s, &how) && site_repeat(s) && sc->live(s)) {
        site_down(s);
    }
    site_reap(s);
}

/* false: it was not struck. */
static bool strike(site *s, const visit *v) {
    disturbed_life(s, v, v->plan);
    if (v->kind == VISIT_ERROR) {
        if (site_exit(s) == 0) {
            return false;
        }
        check_message(s, v);
        return true;
    }
    if (!site_killed(s) && site_exit(s) != 0) {
        site_fault(s, "it ended with status %d, and was not killed", s->status);
    }
    return site_killed(s);
}

/* The outside is struck, and the kernel goes on. */
static bool lose_answer(site *s, const visit *v) {
    standin_fault(s, v->plan);
    visit_last_life(s, v->script);
    return standin_struck(s);
}

/* One life and what follows from it. false: the point did not come. */
static bool lives(site *s, const visit *v) {
    if (v->kind == VISIT_DEATH) {
        death_run(s, v);
        return true;
    }
    if (v->kind == VISIT_ANSWER) {
        return lose_answer(s, v);
    }
    if (!strike(s, v)) {
        return false;
    }
    if (v->then[0] && !s->problem[0]) {
        disturbed_life(s, v, v->then);
        /* A command may have been done by the first, and say so. */
        if (!site_killed(s) && (v->script->words ? site_exit(s) < 0 : site_exit(s) != 0)) {
            site_fault(s, "the second life ended with status %d", s->status);
        }
    }
    if (!s->problem[0]) {
        visit_last_life(s, v->script);
    }
    return true;
}

/* An outside that loses an answer has a hastier manifest (standin_fault), and a version that is installed
 * keeps the one it came with: so nothing may be installed yet. */
static bool make_site(site *s, const visit *v, const char *folder) {
    if (v->kind != VISIT_ANSWER) {
        return script_site(s, v->script, folder);
    }
    bool made = v->script->make(s, v->script, folder);
    s->of = v->script->of;
    return made;
}

static bool try_once(site *s, const visit *v, const char *folder) {
    bool struck = true;
    fsio_mkdirs(folder, 0700, NULL);
    if (make_site(s, v, folder)) {
        struck = lives(s, v);
    }
    if (!s->problem[0] && struck) {
        v->script->check(s, v->script);
    }
    return struck;
}

/* How many turns the same work takes is a matter of timing, so not each life has each hit of the trace. */
void visit_run(const void *arg, const char *folder, keel_buf *problem, keel_buf *detail) {
    const visit *v = arg;
    for (int i = 0; i < TRIES; i++) {
        char own[160];
        site s;
        snprintf(own, sizeof own, "%s/%d", folder, i);
        bool struck = try_once(&s, v, own);
        bool over = struck || s.problem[0];
        if (over) {
            finish(&s, problem, detail);
            return;
        }
        site_finish(&s);
        fsio_remove_tree(AT_FDCWD, own, NULL);
    }
    pool_missed();
}

void visit_trace_file(const script *sc, const char *what, char *out, size_t size) {
    snprintf(out, size, "%s/trace-%s%s", pool_folder(), sc->name, what);
}

void visit_trace(const void *arg, const char *folder, keel_buf *problem, keel_buf *detail) {
    const script *sc = arg;
    char trace[160], calls[160];
    site s;
    visit_trace_file(sc, "", trace, sizeof trace);
    visit_trace_file(sc, ".calls", calls, sizeof calls);
    bool made = script_site(&s, sc, folder);
    site_start how = {.failpoint = sc->plan, .trace = trace, .option = sc->option, .power = "0"};
    if (made && sc->words) {
        site_cli(&s, &how, sc->words);
        if (site_exit(&s) != 0) {
            site_fault(&s, "%s %s: status %d", sc->words[0], sc->words[1], s.status);
        }
        how = (site_start){.failpoint = NULL};
    }
    if (made && !s.problem[0] && (!site_up(&s, &how) || !sc->live(&s) || !site_down(&s))) {
        site_fault(&s, "it ended, and was not told to: status %d", s.status);
    }
    if (!s.problem[0]) {
        sc->check(&s, sc);
        standin_calls(&s, calls);
    }
    finish(&s, problem, detail);
}
