#include "points.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint.h"
#include "fsio.h"
#include "standin.h"

#define QUICK_POWER 40 /* with --quick, each so many operations of the store */
#define PAIRS       32 /* one of so many visits is followed by another death */
#define PAIRS_QUICK 8

static struct {
    points_plan plan;
    point *points;
    size_t count;
    visit *visits;
    size_t visit_count;
} all;

/* ---- points ---- */

static point *find(const char *name) {
    for (size_t i = 0; i < all.count; i++) {
        if (!strcmp(all.points[i].name, name)) {
            return &all.points[i];
        }
    }
    all.points = keel_realloc(all.points, (all.count + 1) * sizeof *all.points);
    point *p = &all.points[all.count++];
    *p = (point){.hits = 0};
    snprintf(p->name, sizeof p->name, "%s", name);
    return p;
}

void points_begin(const points_plan *p) {
    const failpoint_place *place;
    all.plan = *p;
    for (size_t i = 0; (place = failpoint_registered(i)) != NULL; i++) {
        point *added = find(place->name);
        added->registered = true;
        added->steers |= place->steers != 0;
    }
}

size_t points_count(void) {
    return all.count;
}

const point *points_get(size_t i) {
    return &all.points[i];
}

void points_area(const char *name, char *out, size_t size) {
    snprintf(out, size, "%.*s", (int)strcspn(name, "."), name);
}

/* ---- visits ---- */

void points_title(const visit *v, char *out, size_t size) {
    const char *how = v->kind == VISIT_ERROR ? strchr(v->plan, '=') : NULL;
    int error = how ? (int)strcspn(how, "@") : 0;
    int n = snprintf(out, size, "%s:%s%.*s@%ld", v->script->name, v->point, error, how ? how : "",
                     v->hit);
    if (v->kind == VISIT_PAIR && n > 0 && (size_t)n < size) {
        snprintf(out + n, size - (size_t)n, "+%.*s%s", (int)strcspn(v->then, "="), v->then,
                 strrchr(v->then, '@'));
    }
}

/* "journal.step.append" wants all of its hits, "journal" all of the area, "work" all of a script. */
static bool fits(const char *wanted, const char *title) {
    size_t len = strlen(wanted);
    return !strncmp(wanted, title, len) && (!title[len] || strchr(".@:=", title[len]));
}

static bool is_wanted(const visit *v) {
    char title[400];
    points_title(v, title, sizeof title);
    const char *wanted = all.plan.only;
    return !wanted || fits(wanted, title) || fits(wanted, strchr(title, ':') + 1);
}

static visit *add_visit(const script *sc, visit_kind kind, const char *name, long hit) {
    all.visits = keel_realloc(all.visits, (all.visit_count + 1) * sizeof *all.visits);
    visit *v = &all.visits[all.visit_count];
    *v = (visit){.script = sc, .kind = kind, .hit = hit};
    snprintf(v->point, sizeof v->point, "%s", name);
    return v;
}

/* Counts it among all that there is. */
static void keep(const visit *v, bool in_part) {
    find(v->point)->hits++;
    all.visit_count += in_part || !all.plan.quick;
}

/* Last: so one that is asked for alone is what it is among all. */
static void drop_unwanted(void) {
    size_t kept = 0;
    for (size_t i = 0; i < all.visit_count; i++) {
        if (is_wanted(&all.visits[i])) {
            find(all.visits[i].point)->planned++;
            all.visits[kept++] = all.visits[i];
        }
    }
    all.visit_count = kept;
}

size_t points_visits(void) {
    return all.visit_count;
}

const visit *points_visit(size_t i) {
    return &all.visits[i];
}

/* ---- failpoints ---- */

static void add_kill(const script *sc, const char *name, long hit, bool in_part) {
    visit *v = add_visit(sc, VISIT_KILL, name, hit);
    snprintf(v->plan, sizeof v->plan, "%.100s=kill@%ld", name, hit);
    keep(v, in_part);
}

static void add_error(const script *sc, const char *name, const char *error) {
    visit *v = add_visit(sc, VISIT_ERROR, name, 1);
    snprintf(v->plan, sizeof v->plan, "%.100s=%s@1", name, error);
    keep(v, true);
}

/* Of a trace, summed over the processes that wrote it. */
typedef struct traced {
    char name[FAILPOINT_NAME];
    long hits;
} traced;

static size_t read_trace(const script *sc, traced *out, size_t max) {
    char path[200], name[FAILPOINT_NAME];
    long hits;
    size_t count = 0;
    visit_trace_file(sc, "", path, sizeof path);
    FILE *f = fopen(path, "r");
    while (f && count < max && fscanf(f, "%63s %ld", name, &hits) == 2) {
        size_t i = 0;
        while (i < count && strcmp(out[i].name, name) != 0) {
            i++;
        }
        if (i == count) {
            snprintf(out[count++].name, sizeof out->name, "%s", name);
            out[i].hits = 0;
        }
        out[i].hits += hits;
    }
    if (f) {
        fclose(f);
    }
    return count;
}

static void add_failpoint(const script *sc, const char *name, long hits) {
    point *p = find(name);
    bool fresh = !p->hits; /* no script before has hit it */
    if (p->steers) {
        bool used = sc->plan && strstr(sc->plan, name);
        p->hits = p->visited = p->planned = p->visited || used;
        return;
    }
    for (long hit = 1; hit <= hits; hit++) {
        add_kill(sc, name, hit, fresh && (hit == 1 || hit == hits));
    }
    if (fresh && strstr(name, "_commit")) {
        add_error(sc, name, all.visit_count % 2 ? "eio" : "enospc");
    }
}

/* ---- power, answers, deaths ---- */

/* A letter for each operation of the first process of the script (power.h): the one that is struck. */
static void read_operations(const script *sc, keel_buf *out) {
    char path[200];
    visit_trace_file(sc, ".power", path, sizeof path);
    fsio_read(path, 1 << 20, out, NULL);
    out->len = out->len ? strcspn(out->data, "\n") : 0;
}

/* Is it of the script's own? Left out are repeats: a kernel that starts on a copy of the same site
 * (script_site) does the same to the same bytes in every script that has prepared nothing, so the first
 * of them has it; and every kernel ends with the same record, signed head and checkpoint, so one script
 * of each place has that. Commands and first starts of all are their own. */
static bool is_own(const script *sc, char operation, bool first_of_place) {
    bool alone = first_of_place || sc->words || sc->fresh;
    return alone || operation == 'w' || operation == 'W' ||
           ((operation == 's' || operation == 'S') && sc->prepare);
}

/* Each operation is struck once, in one of the modes in turn. When all is lost that was not synced,
 * every operation until the next sync leaves the same disk: one of them is struck so, and the others in
 * the other two modes. */
static void add_power(const script *sc, bool first_of_place) {
    char name[40];
    keel_buf operations = KEEL_BUF_INIT;
    read_operations(sc, &operations);
    bool lost = false;
    for (size_t i = 0; i < operations.len; i++) {
        long n = (long)i + 1;
        power_mode mode = (power_mode)((n + all.plan.seed) % POWER_MODES);
        bool again = mode == POWER_LOSE && lost;
        lost = (lost || mode == POWER_LOSE) && !strchr("SWE", operations.data[i]);
        if (again || !is_own(sc, operations.data[i], first_of_place)) {
            continue;
        }
        snprintf(name, sizeof name, "power.%s", power_mode_name(mode));
        visit *v = add_visit(sc, VISIT_POWER, name, n);
        snprintf(v->plan, sizeof v->plan, "%ld:%s:%ld", n, power_mode_name(mode),
                 all.plan.seed * 100003 + n);
        keep(v, n % QUICK_POWER == 1);
    }
    keel_buf_free(&operations);
}

/* verb: "CONNECTION.RESOURCE.VERB", of which the connection has no full stop. */
static void add_answers_of(const script *sc, const char *verb, long n) {
    for (size_t i = 0; standin_faults[i]; i++) {
        char name[120];
        size_t len = strcspn(verb, ".");
        snprintf(name, sizeof name, "answers.%.90s.%s", verb, standin_faults[i]);
        visit *v = add_visit(sc, VISIT_ANSWER, name, n);
        snprintf(v->plan, sizeof v->plan, "%.*s %.90s %ld %s", (int)len, verb, verb + len + 1, n,
                 standin_faults[i]);
        keep(v, n == 1);
    }
}

static void add_answers(const script *sc) {
    char path[200], verb[100];
    struct {
        char verb[100];
        long calls;
    } seen[200];
    size_t count = 0;
    visit_trace_file(sc, ".calls", path, sizeof path);
    FILE *f = fopen(path, "r");
    while (f && fscanf(f, "%99s", verb) == 1) {
        size_t i = 0;
        while (i < count && strcmp(seen[i].verb, verb) != 0) {
            i++;
        }
        if (i == count && count < sizeof seen / sizeof *seen) {
            memcpy(seen[count].verb, verb, sizeof verb);
            seen[count++].calls = 0;
        }
        if (i < count) {
            add_answers_of(sc, verb, ++seen[i].calls);
        }
    }
    if (f) {
        fclose(f);
    }
}

static void add_deaths(const script *sc) {
    for (long i = 0; death_names[i]; i++) {
        visit *v = add_visit(sc, VISIT_DEATH, death_names[i], 1);
        v->arg = i;
        keep(v, true);
    }
}

void points_add_script(const script *sc, bool first, bool first_of_place) {
    traced trace[FAILPOINT_NAME * 8];
    size_t count = read_trace(sc, trace, sizeof trace / sizeof *trace);
    for (size_t i = 0; i < count; i++) {
        add_failpoint(sc, trace[i].name, trace[i].hits);
    }
    add_power(sc, first_of_place);
    if (sc->outside) {
        add_answers(sc);
    }
    if (first) {
        add_deaths(sc);
    }
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const point *)a)->name, ((const point *)b)->name);
}

static void add_pair(size_t first, size_t second, bool if_wanted) {
    const visit a = all.visits[first], b = all.visits[second];
    if (a.kind == VISIT_KILL && b.kind == VISIT_KILL && strcmp(a.plan, b.plan) != 0) {
        visit *v = add_visit(a.script, VISIT_PAIR, "pairs", a.hit);
        snprintf(v->point, sizeof v->point, "pairs.%.100s", a.point);
        memcpy(v->plan, a.plan, sizeof v->plan);
        memcpy(v->then, b.plan, sizeof v->then);
        if (!if_wanted || is_wanted(v)) {
            keep(v, true);
        }
    }
}

/* Which hits make pairs depends on how many there are, and that is a matter of timing: so one whose
 * title somebody has is made of its two ends. */
static void add_named_pairs(const char *title) {
    size_t count = all.visit_count;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; strstr(title, all.visits[i].point) && k < count; k++) {
            if (all.visits[k].script == all.visits[i].script &&
                strstr(title, all.visits[k].point)) {
                add_pair(i, k, true);
            }
        }
    }
}

static void draw_pairs(void) {
    size_t count = all.visit_count, begin = 0;
    size_t every = all.plan.quick ? PAIRS_QUICK : PAIRS;
    for (size_t i = (size_t)all.plan.seed % every; i < count; i += every) {
        while (all.visits[begin].script != all.visits[i].script) {
            begin++;
        }
        size_t end = i; /* of its script's visits */
        while (end < count && all.visits[end].script == all.visits[i].script) {
            end++;
        }
        add_pair(i, begin + i * 7 % (end - begin), false);
    }
}

/* Killed at one point, and at another in the life after: the recovery's own records among them. */
void points_add_pairs(void) {
    if (all.plan.only && strchr(all.plan.only, '+')) {
        add_named_pairs(all.plan.only);
    } else {
        draw_pairs();
    }
    drop_unwanted();
    qsort(all.points, all.count, sizeof *all.points, by_name);
}

/* ---- what became of them ---- */

void points_done(const visit *v, points_outcome outcome) {
    point *p = find(v->point);
    p->visited += outcome != POINTS_MISSED;
    p->missed += outcome == POINTS_MISSED;
    p->violations += outcome == POINTS_VIOLATED;
}

points_sum points_add_up(void) {
    points_sum s = {.all = 0};
    for (size_t i = 0; i < all.count; i++) {
        const point *p = &all.points[i];
        bool unreached = p->registered && !p->hits;
        s.all += p->hits - p->missed + (unreached && all.plan.all_registered);
        s.planned += p->planned;
        s.visited += p->visited;
        s.missed += p->missed;
        s.violations += p->violations;
        s.unreached += unreached;
    }
    return s;
}
