/* What the Lua host costs without a kernel: durable steps, and the replay of open runs. Prints
 * CPU time; no test. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lua_world.h"

static const char steps[] = "local keel = require 'keel'\n"
                            "return keel.agent { run = function(ctx, input)\n"
                            "  for i = 1, input.n do\n"
                            "    ctx.step('work', function() return { id = i, name = 'a step of a "
                            "hundred bytes', total = i * 3,\n"
                            "      list = { 1, 2, 3 }, note = 'some words to fill it up' } end)\n"
                            "  end\n"
                            "  return input.n\n"
                            "end }\n";

static const char scalar[] =
    "local keel = require 'keel'\n"
    "local text = ('x'):rep(98)\n"
    "return keel.agent { run = function(ctx, input)\n"
    "  for i = 1, input.n do ctx.step('work', function() return text end) end\n"
    "end }\n";

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void begin(world *w, const char *script) {
    char why[1024];
    world_create(w, "bench.lua", script, strlen(script));
    if (world_load(w, why)) {
        fprintf(stderr, "%s\n", why);
        exit(1);
    }
    w->quiet = true;
}

/* 64 runs of `n` steps at a time, `total` runs in all; each is acknowledged as often as its window
 * fills. */
static void bench_steps(const char *label, const char *script, int n, int total) {
    world w;
    char input[64];
    uint64_t *acked = keel_alloc((size_t)(total + 1) * sizeof *acked);
    begin(&w, script);
    snprintf(input, sizeof input, "{\"n\":%d}", n);
    double t = now_us();
    for (int first = 1; first <= total; first += 64) {
        for (int i = first; i < first + 64 && i <= total; i++) {
            world_start(&w, (uint64_t)i, input, "null", NULL, 0);
            acked[i] = 0;
        }
        while (w.ended < (uint64_t)(first + 63 < total ? first + 63 : total)) {
            for (int i = first; i < first + 64 && i <= total; i++) {
                acked[i] += RUN_WINDOW;
                world_ack(&w, (uint64_t)i, acked[i]);
            }
        }
    }
    t = now_us() - t;
    printf("%-40s %6.2f us a step\n", label, t / (double)n / total);
    free(acked);
    world_destroy(&w);
}

static void bench_replay(int runs, int n) {
    world w;
    char input[64], *paths = keel_alloc((size_t)n * 12), call[17];
    world_record *records = keel_alloc((size_t)n * sizeof *records);
    static char outcome[] =
        "{\"ok\":{\"id\":1,\"list\":[1,2,3],\"name\":\"a step of a hundred bytes\","
        "\"note\":\"some words to fill it up\",\"total\":3}}";
    world_call_digest(call, "step", "work", "");
    for (int i = 0; i < n; i++) {
        snprintf(paths + i * 12, 12, "%d", i + 1);
        records[i] = (world_record){paths + i * 12, (char *)"step", (char *)"work", call, outcome};
    }
    begin(&w, steps);
    snprintf(input, sizeof input, "{\"n\":%d}", n);
    double t = now_us();
    for (int i = 1; i <= runs; i++) {
        world_start(&w, (uint64_t)i, input, "null", records, (size_t)n);
    }
    t = now_us() - t;
    printf("replay of %d runs of %d records %21.1f ms\n", runs, n, t / 1e3);
    if (w.ended != (uint64_t)runs) {
        printf("only %d runs ended\n", (int)w.ended);
    }
    world_destroy(&w);
    free(paths);
    free(records);
}

/* With an argument the work is divided by it: for callgrind. */
int main(int argc, char **argv) {
    int part = argc > 1 ? atoi(argv[1]) : 1;
    for (int i = 0; i < (part > 1 ? 1 : 3); i++) {
        bench_steps("text of 98 bytes, runs of 1 step", scalar, 1, 100000 / part);
        bench_steps("text of 98 bytes, runs of 10 steps", scalar, 10, 20000 / part);
        bench_steps("table of 5 fields, runs of 10 steps", steps, 10, 20000 / part);
        bench_steps("table of 5 fields, runs of 1000 steps", steps, 1000, 200 / part);
        bench_replay(64 / part + 1, 1000);
    }
    return 0;
}
