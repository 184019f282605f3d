#include "resting.h"

#include <stdio.h>
#include <unistd.h>

#include "bench.h"
#include "raw.h"
#include "world.h"

#define SLEEPERS 10000
#define EFFECTS  100000
#define SEGMENT  2000

static world *make(const resting *o, const char *name) {
    char folder[4096];
    snprintf(folder, sizeof folder, "%s/%s", o->folder, name);
    return world_create(o->keel, o->workspace, folder);
}

/* ---- runs that sleep ---- */

/* The kernel after a restart, with nothing to do but to keep them. */
static double kernel_mb(world *w) {
    world_down(w);
    world_up(w);
    sleep(2);
    return world_pss_kernel(w);
}

static double cpu_of_a_while(const world *w) {
    double before = world_cpu_s(w);
    sleep(3);
    return world_cpu_s(w) - before;
}

void resting_sleepers(resting o) {
    load l = {.agent = "long", .input = "{\"steps\":0}", .keys = "sleeper", .runs = SLEEPERS};
    world *w = make(&o, "sleepers");
    world_up(w);
    double without = kernel_mb(w);
    world_open_runs(w, &l, 3); /* begun, and waiting */
    double with = kernel_mb(w);
    double cpu = cpu_of_a_while(w) * 1000 / 3;
    int executors = world_executors(w);
    world_destroy(w);
    double bytes = (with - without) * 1048576 / SLEEPERS;
    report_add(o.report, "sleeping_run_bytes", bytes, "B", 4096, "<= 4096, no executor",
               bytes <= 4096 && executors == 0);
    report_add(o.report, "sleeping_cpu_ms_per_s", cpu, "ms", 1, "(of 10,000 runs) <= 1", cpu <= 1);
}

/* ---- runs that go on ---- */

/* From the moment that the kernel answers, with no executor started yet, to the end of the run: its
 * executor starts, its record is read and replayed. */
static double resume_ms(const resting *o, int size, double *limit) {
    char input[64];
    snprintf(input, sizeof input, "{\"left\":%d,\"size\":%d}", EFFECTS, size);
    load l = {.agent = "segments", .input = input, .keys = "open", .runs = 1};
    world *w = make(o, "segments");
    double ms[16];
    world_up(w);
    world_open_runs(w, &l, EFFECTS / 100 * 101 + 2 * (EFFECTS / size));
    *limit = 0;
    for (int i = 0; i < o->rounds; i++) {
        world_kill(w);
        *limit = raw_scan_ms(world_db(w));
        world_up(w);
        double from = bench_now();
        world_nudge_run(w);
        ms[i] = (bench_now() - from) * 1000;
    }
    world_finish_runs(w, &l);
    world_destroy(w);
    return bench_median(ms, (size_t)o->rounds);
}

void resting_segments(resting o) {
    double limit, ms = resume_ms(&o, SEGMENT, &limit);
    report_add(o.report, "resume_segmented_ms", ms, "ms", limit, "<= 20", ms <= 20);
    ms = resume_ms(&o, EFFECTS, &limit);
    report_add(o.report, "resume_100k_effects_ms", ms, "ms", limit, "<= 1000", ms <= 1000);
}
