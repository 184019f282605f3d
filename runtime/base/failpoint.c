#include "failpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "keel/buf.h"

typedef struct rule {
    char *name;
    int action;
    int64_t argument;
    uint64_t at; /* 0: each hit */
} rule;

typedef struct point {
    char *name;
    uint64_t hits;
    uint64_t traced; /* how many of them the trace tells */
} point;

static struct {
    pthread_mutex_t lock;
    bool started;
    rule *rules;
    size_t rule_count;
    point *points;
    size_t point_count;
    uint64_t random;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local int64_t argument;

static const char *const actions[] = {"none",  "kill", "eio", "enospc", "enomem",
                                      "delay", "torn", "dup", "drop",   "clock"};
#define ACTIONS ((int)(sizeof actions / sizeof *actions))

/* ---- the places ---- */

/* The linker's own names for the ends of the section; both are NULL where there is none. */
extern const failpoint_place __start_keel_failpoints[] __attribute__((weak, visibility("hidden")));
extern const failpoint_place __stop_keel_failpoints[] __attribute__((weak, visibility("hidden")));

const failpoint_place *failpoint_registered(size_t i) {
    size_t count =
        (size_t)((uintptr_t)__stop_keel_failpoints - (uintptr_t)__start_keel_failpoints) /
        sizeof(failpoint_place);
    return i < count ? __start_keel_failpoints + i : NULL;
}

/* ---- the plan ---- */

static int refuse(diag *d, const char *entry) {
    diag_set(d, DIAG_USAGE, "KEEL_FAILPOINT: \"%s\" is no failpoint", entry);
    diag_next(d,
              "Write name=action, name=action@N or seed=S, divided by semicolons; actions: kill, "
              "eio, enospc, enomem, delay(ms), torn, dup, drop, clock(ms).");
    return DIAG_USAGE;
}

static int action_named(const char *name, size_t len) {
    for (int i = 1; i < ACTIONS; i++) {
        if (strlen(actions[i]) == len && memcmp(actions[i], name, len) == 0) {
            return i;
        }
    }
    return -1;
}

static bool number(const char **p, int64_t *out) {
    char *end;
    errno = 0;
    long long v = strtoll(*p, &end, 10);
    bool digits = end != *p && (**p == '-' || (**p >= '0' && **p <= '9'));
    *p = end;
    *out = v;
    return digits && errno == 0;
}

/* "action", "action(argument)", each with "@N" behind it. */
static bool parse_action(const char *p, rule *r) {
    size_t len = strcspn(p, "(@");
    int64_t at = 0;
    r->action = action_named(p, len);
    p += len;
    if (*p == '(') {
        p++;
        if (!number(&p, &r->argument) || *p++ != ')') {
            return false;
        }
    }
    if (*p == '@') {
        p++;
        if (!number(&p, &at) || at < 1) {
            return false;
        }
    }
    r->at = (uint64_t)at;
    return r->action > 0 && !*p;
}

static void free_rules(rule *rules, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(rules[i].name);
    }
    free(rules);
}

/* Splits the entry in place. */
static bool parse_entry(char *entry, rule **rules, size_t *count, uint64_t *seed) {
    char *equals = strchr(entry, '=');
    if (!equals || equals == entry) {
        return false;
    }
    const char *value = equals + 1;
    size_t len = (size_t)(equals - entry);
    if (len == 4 && memcmp(entry, "seed", 4) == 0) {
        int64_t v = 0;
        bool good = number(&value, &v) && !*value;
        *seed = (uint64_t)v;
        return good;
    }
    rule r = {NULL, 0, 0, 0};
    if (!parse_action(value, &r)) {
        return false;
    }
    r.name = keel_memdup(entry, len);
    *rules = keel_realloc(*rules, (*count + 1) * sizeof **rules);
    (*rules)[(*count)++] = r;
    return true;
}

static int parse_plan(const char *plan, rule **rules, size_t *count, uint64_t *seed, diag *d) {
    char *copy = keel_strdup(plan);
    char *save = NULL;
    int rc = 0;
    for (char *e = strtok_r(copy, ";", &save); e && rc == 0; e = strtok_r(NULL, ";", &save)) {
        rc = parse_entry(e, rules, count, seed) ? 0 : refuse(d, e);
    }
    free(copy);
    return rc;
}

static int set_plan(const char *plan, diag *d) {
    rule *rules = NULL;
    size_t count = 0;
    uint64_t seed = 0;
    int rc = parse_plan(plan ? plan : "", &rules, &count, &seed, d);
    if (rc < 0) {
        free_rules(rules, count);
        return rc;
    }
    free_rules(state.rules, state.rule_count);
    state.rules = rules;
    state.rule_count = count;
    state.random = seed;
    for (size_t i = 0; i < state.point_count; i++) {
        free(state.points[i].name);
    }
    free(state.points);
    state.points = NULL;
    state.point_count = 0;
    state.started = true;
    return 0;
}

int failpoint_plan(const char *plan, diag *d) {
    pthread_mutex_lock(&state.lock);
    int rc = set_plan(plan, d);
    pthread_mutex_unlock(&state.lock);
    return rc;
}

static void start(void) {
    diag d;
    if (state.started) {
        return;
    }
    if (set_plan(getenv("KEEL_FAILPOINT"), &d) < 0) {
        diag_print(stderr, &d);
        _exit(2);
    }
    if (getenv("KEEL_FAILPOINT_TRACE")) {
        atexit(failpoint_trace);
    }
}

/* ---- the trace ---- */

static void append_trace(void) {
    const char *file = getenv("KEEL_FAILPOINT_TRACE");
    keel_buf lines = KEEL_BUF_INIT;
    for (size_t i = 0; file && i < state.point_count; i++) {
        point *p = &state.points[i];
        if (p->hits > p->traced) {
            keel_buf_printf(&lines, "%s %llu\n", p->name,
                            (unsigned long long)(p->hits - p->traced));
            p->traced = p->hits;
        }
    }
    int fd = lines.len ? open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    /* One write, so that the lines of several processes do not mix. */
    if (fd >= 0 && write(fd, lines.data, lines.len) != (ssize_t)lines.len) {
        fprintf(stderr, "keel: %s: the failpoint trace is not complete\n", file);
    }
    if (fd >= 0) {
        close(fd);
    }
    keel_buf_free(&lines);
}

void failpoint_trace(void) {
    pthread_mutex_lock(&state.lock);
    append_trace();
    pthread_mutex_unlock(&state.lock);
}

/* ---- hits ---- */

static point *find(const char *name) {
    for (size_t i = 0; i < state.point_count; i++) {
        if (strcmp(state.points[i].name, name) == 0) {
            return &state.points[i];
        }
    }
    return NULL;
}

static point *find_or_add(const char *name) {
    point *p = find(name);
    if (!p) {
        state.points = keel_realloc(state.points, (state.point_count + 1) * sizeof *state.points);
        p = &state.points[state.point_count++];
        *p = (point){keel_strdup(name), 0, 0};
    }
    return p;
}

static rule planned(const char *name) {
    point *p = find_or_add(name);
    p->hits++;
    for (size_t i = 0; i < state.rule_count; i++) {
        const rule *r = &state.rules[i];
        if ((r->at == 0 || r->at == p->hits) && strcmp(r->name, name) == 0) {
            return *r;
        }
    }
    return (rule){NULL, FAILPOINT_NONE, 0, 0};
}

static void wait_ms(int64_t ms) {
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (ms > 0 && nanosleep(&left, &left) < 0 && errno == EINTR) {
    }
}

int failpoint_hit(const char *name) {
    pthread_mutex_lock(&state.lock);
    start();
    rule r = planned(name);
    if (r.action == FAILPOINT_KILL) {
        append_trace();
        kill(getpid(), SIGKILL);
    }
    pthread_mutex_unlock(&state.lock);
    argument = r.argument;
    if (r.action == FAILPOINT_DELAY) {
        wait_ms(r.argument);
    }
    return r.action;
}

int64_t failpoint_argument(void) {
    return argument;
}

int failpoint_errno(int action) {
    switch (action) {
    case FAILPOINT_EIO:
        return EIO;
    case FAILPOINT_ENOSPC:
        return ENOSPC;
    case FAILPOINT_ENOMEM:
        return ENOMEM;
    default:
        return 0;
    }
}

uint64_t failpoint_random(uint64_t below) {
    pthread_mutex_lock(&state.lock);
    start();
    /* splitmix64: any seed is a good seed */
    state.random += 0x9e3779b97f4a7c15u;
    uint64_t z = state.random;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    pthread_mutex_unlock(&state.lock);
    return below ? z % below : 0;
}

uint64_t failpoint_hits(const char *name) {
    pthread_mutex_lock(&state.lock);
    const point *p = find(name);
    uint64_t hits = p ? p->hits : 0;
    pthread_mutex_unlock(&state.lock);
    return hits;
}
