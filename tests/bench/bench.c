/* What Keel does in a second and weighs in memory, each beside what this machine can do at best,
 * measured in the same minute. Called by tests/bench/run.sh:
 *
 *   bench KEEL WORKSPACE OUTSIDE FOLDER DECISION BACKTEST NOTHING JSON ONLY
 *
 * KEEL: the program, stripped. WORKSPACE, OUTSIDE: those of tests/bench. FOLDER: where to work, on the disk
 * that is measured. DECISION, BACKTEST, NOTHING: the programs bench_decision, bench_backtest and
 * bench_nothing. */
#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "deciding.h"
#include "outward.h"
#include "raw.h"
#include "reloading.h"
#include "report.h"
#include "resting.h"
#include "world.h"

#define ROUNDS     5
#define STEPS      10 /* of one run of the agent "steps" */
#define OPEN_RUNS  64
#define OPEN_STEPS 1000
#define SMALL_FILE 1000 /* records */
#define LARGE_FILE 1000000

typedef struct setting {
    const char *keel, *workspace, *outside, *folder, *decision, *backtest, *nothing;
    report *report;
    raw *raw;
} setting;

double bench_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void bench_die(const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(1);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t count) {
    qsort(values, count, sizeof *values, by_value);
    return values[count / 2];
}

static world *make_world(const setting *s, const char *name) {
    char folder[4096];
    snprintf(folder, sizeof folder, "%s/%s", s->folder, name);
    return world_create(s->keel, s->workspace, folder);
}

/* Pairs of one rate and the machine's, taken in turns so that both saw the same disk. */
typedef struct pairs {
    double value[ROUNDS], limit[ROUNDS], ratio[ROUNDS];
    size_t count;
} pairs;

static void pairs_add(pairs *p, double value, double before, double after) {
    double limit = (before + after) / 2;
    p->value[p->count] = value;
    p->limit[p->count] = limit;
    p->ratio[p->count++] = value / limit;
}

/* Reports the round with the median ratio, and returns that ratio. */
static double pairs_report(const pairs *p, report *r, const char *name, const char *wanted,
                           double least) {
    double sorted[ROUNDS];
    memcpy(sorted, p->ratio, sizeof sorted);
    double median = bench_median(sorted, p->count);
    size_t i = 0;
    while (p->ratio[i] < median || p->ratio[i] > median) {
        i++;
    }
    report_add(r, name, p->value[i], "1/s", p->limit[i], wanted, median >= least);
    return median;
}

/* What one load does per second, between two looks at the raw disk. */
static void measure(const setting *s, world *w, const load *l, int per_run, int rows, pairs *p) {
    int64_t runs;
    double before = raw_rate(s->raw, rows, 0.7);
    double took = world_load(w, l, &runs);
    double after = raw_rate(s->raw, rows, 0.7);
    pairs_add(p, (double)runs * per_run / took, before, after);
}

static void warm(world *w, const char *agent, const char *input) {
    load l = {.agent = agent, .input = input, .in_flight = 1, .runs = 3};
    int64_t runs;
    world_load(w, &l, &runs);
}

/* ---- speed ---- */

static void steps(const setting *s) {
    static const load many = {.agent = "steps", .input = "{}", .in_flight = 64, .seconds = 3};
    static const load one = {.agent = "steps", .input = "{}", .in_flight = 1, .seconds = 2};
    pairs p64 = {.count = 0}, p1 = {.count = 0};
    world *w = make_world(s, "steps");
    world_up(w);
    warm(w, "steps", "{}");
    for (int i = 0; i < ROUNDS; i++) {
        measure(s, w, &many, STEPS, 64, &p64);
        measure(s, w, &one, STEPS, 1, &p1);
    }
    world_destroy(w);
    pairs_report(&p64, s->report, "steps_64", ">= 0.5 of it, aim 0.8", 0.5);
    pairs_report(&p1, s->report, "steps_1", ">= 1.5 of it, aim 3", 1.5);
}

static void effects(const setting *s) {
    static const load one = {
        .agent = "effects", .input = "{\"count\":200}", .in_flight = 1, .seconds = 2};
    pairs p = {.count = 0};
    world *w = make_world(s, "effects");
    world_up(w);
    warm(w, "effects", "{\"count\":5}");
    for (int i = 0; i < ROUNDS; i++) {
        measure(s, w, &one, 200, 1, &p);
    }
    world_destroy(w);
    pairs_report(&p, s->report, "effects_1", ">= 0.3 of it", 0.3);
}

/* ---- growth ---- */

static void fill(world *w, int64_t records) {
    load l = {.agent = "steps", .input = "{}", .in_flight = 64, .runs = records / (STEPS + 3) + 1};
    int64_t runs;
    world_load(w, &l, &runs);
}

/* What a load took, and what the raw disk did around it, summed over short bursts. */
typedef struct sums {
    double runs, took, raw;
} sums;

static void burst(const setting *s, world *w, const load *l, sums *t) {
    int64_t runs;
    t->raw += raw_rate(s->raw, 64, 0.2);
    t->took += world_load(w, l, &runs);
    t->raw += raw_rate(s->raw, 64, 0.2);
    t->runs += (double)runs;
}

static double of_raw(const sums *t) {
    return t->runs / t->took / t->raw;
}

/* A step's cost in a small file, new for each burst, and in the large one: the same 1,000 runs, in
 * turns, so short that the small file stays small. */
static double growth_round(const setting *s, world *big) {
    static const load some = {.agent = "steps", .input = "{}", .in_flight = 64, .runs = 1000};
    sums small = {0, 0, 0}, large = {0, 0, 0};
    for (int i = 0; i < 4; i++) {
        world *w = make_world(s, "small");
        world_up(w);
        fill(w, SMALL_FILE);
        burst(s, w, &some, &small);
        burst(s, big, &some, &large);
        world_destroy(w);
    }
    return of_raw(&small) / of_raw(&large);
}

static void growth(const setting *s) {
    double ratio[ROUNDS];
    world *big = make_world(s, "large");
    world_up(big);
    fill(big, LARGE_FILE);
    for (int i = 0; i < ROUNDS; i++) {
        ratio[i] = growth_round(s, big);
    }
    world_destroy(big);
    double median = bench_median(ratio, ROUNDS);
    report_add(s->report, "growth_ratio", median, "x", 1, "<= 1.15", median <= 1.15);
}

/* ---- policy ---- */

static deciding deciding_of(const setting *s) {
    return (deciding){s->decision, s->backtest, s->folder, s->report};
}

static void decisions(const setting *s) {
    deciding_decisions(deciding_of(s));
}

static void backtest(const setting *s) {
    deciding_backtest(deciding_of(s));
}

static void reload(const setting *s) {
    reloading_rules((reloading){s->keel, s->workspace, s->folder, s->report, ROUNDS});
}

/* ---- start, memory, recovery ---- */

static double first_run_ms(world *w) {
    double from = bench_now();
    load l = {.agent = "steps", .input = "{}", .in_flight = 1, .runs = 1};
    int64_t runs;
    world_up(w);
    world_load(w, &l, &runs);
    return (bench_now() - from) * 1000;
}

/* Starting and ending a program that does nothing, and one commit. */
static double nothing_ms(const setting *s) {
    double from = bench_now();
    char command[4200];
    snprintf(command, sizeof command, "exec '%s' end", s->nothing);
    if (system(command) != 0) {
        bench_die("%s did not run", s->nothing);
    }
    double spawned = (bench_now() - from) * 1000;
    return spawned + 1000 / raw_rate(s->raw, 1, 0.05);
}

static void cold_start(const setting *s) {
    double fresh[ROUNDS], again[ROUNDS * 3], limit[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        world *w = make_world(s, "cold");
        fresh[i] = first_run_ms(w);
        world_down(w);
        for (int j = 0; j < 3; j++) {
            again[i * 3 + j] = first_run_ms(w);
            world_down(w);
        }
        world_destroy(w);
        limit[i] = nothing_ms(s);
    }
    double least = bench_median(limit, ROUNDS);
    double ms = bench_median(again, sizeof again / sizeof *again);
    report_add(s->report, "cold_start_ms", ms, "ms", least, "<= 40, aim 15", ms <= 40);
    ms = bench_median(fresh, ROUNDS);
    report_add(s->report, "cold_start_first_ms", ms, "ms", least, "(a new workspace)", true);
}

static void memory(const setting *s) {
    load l = {.agent = "steps", .input = "{}", .in_flight = 64, .seconds = 2};
    int64_t runs;
    double nothing = world_pss_nothing(s->nothing);
    world *w = make_world(s, "memory");
    world_up(w);
    warm(w, "steps", "{}");
    sleep(1);
    double kernel = world_pss_kernel(w), executor = world_pss_executor(w);
    world_load(w, &l, &runs);
    report_add(s->report, "pss_kernel_idle_mb", kernel, "MB", nothing, "<= 8", kernel <= 8);
    report_add(s->report, "pss_executor_idle_mb", executor, "MB", nothing, "<= 3", executor <= 3);
    report_add(s->report, "pss_kernel_loaded_mb", world_pss_kernel(w), "MB", nothing, "", true);
    report_add(s->report, "pss_executor_loaded_mb", world_pss_executor(w), "MB", nothing, "", true);
    world_destroy(w);
}

static void resume(const setting *s) {
    double ms[ROUNDS], limit[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        char input[64];
        snprintf(input, sizeof input, "{\"steps\":%d}", OPEN_STEPS);
        load l = {.agent = "long", .input = input, .keys = "open", .runs = OPEN_RUNS};
        world *w = make_world(s, "resume");
        world_up(w);
        world_open_runs(w, &l, OPEN_STEPS);
        world_kill(w);
        limit[i] = raw_scan_ms(world_db(w));
        double from = bench_now();
        world_up(w);
        world_finish_runs(w, &l);
        ms[i] = (bench_now() - from) * 1000;
        world_destroy(w);
    }
    double median = bench_median(ms, ROUNDS);
    report_add(s->report, "resume_ms", median, "ms", bench_median(limit, ROUNDS), "<= 200",
               median <= 200);
}

/* ---- the way out ---- */

static void hop(const setting *s) {
    outward o = {s->keel, s->outside, s->folder, s->report, ROUNDS};
    outward_hop(&o);
}

static void mail(const setting *s) {
    outward o = {s->keel, s->outside, s->folder, s->report, ROUNDS};
    outward_mail(&o);
}

static resting resting_of(const setting *s) {
    return (resting){s->keel, s->workspace, s->folder, s->report, ROUNDS};
}

static void sleepers(const setting *s) {
    resting_sleepers(resting_of(s));
}

static void segments(const setting *s) {
    resting_segments(resting_of(s));
}

typedef struct part {
    const char *name, *what;
    void (*run)(const setting *s);
} part;

static const part parts[] = {
    {"steps", "durable steps a second", steps},
    {"effects", "effects a second", effects},
    {"decisions", "decisions", decisions},
    {"backtest", "a journal decided again", backtest},
    {"reload", "a policy of 1,000 rules that takes force", reload},
    {"start", "cold start", cold_start},
    {"memory", "memory", memory},
    {"resume", "kill -9 and resume", resume},
    {"sleepers", "10,000 runs that sleep", sleepers},
    {"segments", "a run of 100,000 effects that goes on", segments},
    {"hop", "a request through egress", hop},
    {"mail", "reading a mailbox", mail},
    {"growth", "growth to a million records", growth},
};

/* All parts, or the one named; how many ran. */
static size_t run_parts(const setting *s, const char *only) {
    size_t ran = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (*only && strcmp(only, parts[i].name) != 0) {
            continue;
        }
        double from = bench_now();
        fprintf(stderr, "measuring: %s ...", parts[i].what);
        fflush(stderr);
        parts[i].run(s);
        fprintf(stderr, " %.0f s\n", bench_now() - from);
        ran++;
    }
    return ran;
}

int main(int argc, char **argv) {
    if (argc != 10) {
        fputs("usage: bench KEEL WORKSPACE OUTSIDE FOLDER DECISION BACKTEST NOTHING JSON ONLY\n",
              stderr);
        return 2;
    }
    setting s = {argv[1], argv[2], argv[3],         argv[4], argv[5],
                 argv[6], argv[7], report_create(), NULL};
    s.raw = raw_create(s.folder);
    size_t ran = run_parts(&s, argv[9]);
    raw_destroy(s.raw);
    if (ran == 0) {
        bench_die(
            "there is no part %s: steps effects decisions backtest reload start memory resume "
            "sleepers segments hop mail growth",
            argv[9]);
    }
    report_print(s.report, stdout);
    int rc = *argv[8] ? report_json(s.report, argv[8]) : 0;
    report_destroy(s.report);
    return rc < 0 ? 1 : 0;
}
