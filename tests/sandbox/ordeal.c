#include "ordeal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fsio.h"
#include "operator.h"
#include "siteint.h"

/* A good run takes milliseconds; this is what a busy machine may make of it. */
#define GOOD_S 10.0

/* How late this process was woken at the most: so long the whole machine may have stood still. */
static double late;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void nap(void) {
    double began = now();
    site_sleep_us(5000);
    double over = now() - began - 0.005;
    late = over > late ? over : late;
}

bool ordeal_header(const keel_buf *script, const char *name, char out[256]) {
    const char *at = memmem(script->data, script->len, name, strlen(name));
    if (!at) {
        return false;
    }
    at += strlen(name);
    snprintf(out, 256, "%.*s", (int)strcspn(at, "\n"), at);
    return true;
}

/* ---- the place ---- */

static void link_program(const char *folder, const char *variable, const char *name) {
    char link[256];
    const char *program = getenv(variable);
    snprintf(link, sizeof link, "%s/%s", folder, name);
    if (program && symlink(program, link)) {
        fprintf(stderr, "%s cannot be made\n", link);
        exit(2);
    }
}

void ordeal_make(ordeal *o, const char *folder) {
    char libexec[200];
    *o = (ordeal){.took = 0};
    site_make(&o->s, folder, getenv("KEEL_WORKSPACE"));
    snprintf(libexec, sizeof libexec, "%s/libexec", folder);
    fsio_mkdirs(libexec, 0700, NULL);
    link_program(libexec, "KEEL_EXECUTOR", "keel-executor");
    link_program(libexec, "KEEL_EGRESS", "keel-egress");
    setenv("KEEL_LIBEXEC", libexec, 1);
}

/* ---- runs ---- */

static bool begin(site *s, const char *agent, int n, const char *input) {
    char request[64], args[256];
    snprintf(request, sizeof request, "do-%s-%d", agent, n);
    snprintf(args, sizeof args, "{\"agent\":\"%s\",\"input\":%s}", agent, input);
    return site_say(s, request, "do", args) == SITE_ANSWERED ||
           site_fault(s, "do %s: %s", agent, site_refusal);
}

static long over(site *s, const char *agent) {
    return strtol(site_query(s,
                             "SELECT count(*) FROM run WHERE agent = ? "
                             "AND state NOT IN ('open', 'paused')",
                             agent),
                  NULL, 10);
}

/* Waits until `count` runs of it are over; the kernel must answer all the while. */
static bool await(site *s, const char *agent, long count, double seconds) {
    double began = now();
    while (over(s, agent) < count) {
        if (site_ask(s, "status", NULL) != SITE_ANSWERED) {
            return site_fault(s, "the kernel does not answer while %s runs", agent);
        }
        if (now() - began > seconds) {
            return site_fault(s, "%s is not over after %.1f s", agent, seconds);
        }
        nap();
    }
    return true;
}

static bool good(site *s, int n) {
    return begin(s, "good", n, "{}") && await(s, "good", n, GOOD_S) &&
           (site_count(s, "SELECT count(*) FROM run WHERE agent = 'good' AND state = 'ended'") ==
                n ||
            site_fault(s, "a good agent does not end well beside it"));
}

bool ordeal_run(ordeal *o, const char *agent, const char *input, double seconds) {
    site *s = &o->s;
    if (!site_up_plain(s)) {
        return false;
    }
    o->began = now();
    if (!begin(s, agent, 1, input) || !good(s, 1) || !await(s, agent, 1, seconds)) {
        return false;
    }
    o->took = now() - o->began;
    snprintf(o->state, sizeof o->state, "%s",
             site_query(s, "SELECT state FROM run WHERE agent = ?", agent));
    snprintf(o->reason, sizeof o->reason, "%s",
             site_query(s, "SELECT reason FROM run WHERE agent = ?", agent));
    return true;
}

/* ---- what the operator reads ---- */

static bool says(const char *line, const char *who, const char *const *words) {
    bool all = (strstr(line, " warn ") || strstr(line, " error ")) && strstr(line, who);
    for (; all && *words; words++) {
        all = strstr(line, *words) != NULL;
    }
    return all;
}

static bool told(const ordeal *o, const char *who, const char *const *words) {
    keel_buf log = KEEL_BUF_INIT;
    char *save = NULL;
    bool is = false;
    site_log(&o->s, &log);
    for (char *l = log.data ? strtok_r(log.data, "\n", &save) : NULL; l && !is;
         l = strtok_r(NULL, "\n", &save)) {
        is = says(l, who, words);
    }
    keel_buf_free(&log);
    return is;
}

void ordeal_told(ordeal *o, const char *who, const char *const *words) {
    if (!told(o, who, words)) {
        site_fault(&o->s, "no warning in the log names %s and says \"%s\"", who, words[0]);
    }
}

/* Why a run failed, what its executor died of for the last time, or why it does not load. */
static void told_of_run(ordeal *o, const char *agent) {
    char plugin[80];
    snprintf(plugin, sizeof plugin, "org.example.%s 1.0.0: ", agent);
    if (!told(o, agent, (const char *[]){"failed: ", NULL}) &&
        !told(o, agent, (const char *[]){"strike 3 of 3: ", NULL}) &&
        !told(o, plugin, (const char *[]){NULL})) {
        site_fault(&o->s, "no warning in the log says why %s failed", agent);
    }
}

void ordeal_stretches(ordeal *o) {
    static const char text[] = "it computed for ";
    keel_buf log = KEEL_BUF_INIT;
    site_log(&o->s, &log);
    for (const char *at = log.data; at && (at = strstr(at, text)) != NULL; at++) {
        double wall = 0, cpu = 0;
        if (sscanf(at + strlen(text), "%lf s (%lf s", &wall, &cpu) != 2 ||
            wall > ORDEAL_WALL_S + ORDEAL_SECOND + late ||
            cpu > ORDEAL_CPU_S + ORDEAL_SECOND + late) {
            site_fault(&o->s, "the watchdog came late: %.60s", at);
        }
    }
    keel_buf_free(&log);
}

/* ---- the end ---- */

void ordeal_end(ordeal *o, const char *agent, keel_buf *problem, keel_buf *detail) {
    site *s = &o->s;
    if (!s->problem[0]) {
        good(s, 2);
    }
    if (!s->problem[0] && strcmp(o->state, "failed") == 0) {
        told_of_run(o, agent);
    }
    ordeal_stretches(o);
    if (!s->problem[0]) {
        operator_settle(s, true);
    }
    if (!site_down(s)) {
        site_fault(s, "the kernel does not end in good order: status %d", s->status);
    }
    if (!s->problem[0]) {
        site_check(s);
    }
    site_finish(s);
    if (s->problem[0]) {
        keel_buf_puts(problem, s->problem);
        site_log(s, detail);
    }
}
