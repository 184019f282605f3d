/* One workspace under measurement: its folder, its kernel and a client of it. One thread. */
#ifndef BENCH_WORLD_H
#define BENCH_WORLD_H

#include <stdint.h>
#include <sys/types.h>

typedef struct world world;

/* Copies the workspace `from` to `folder` (replaced if there). keel: the program. */
world *world_create(const char *keel, const char *from, const char *folder);
void world_destroy(world *w); /* ends its kernel */
const char *world_db(const world *w);

/* `keel up` until its socket answers. */
void world_up(world *w);
void world_down(world *w); /* orderly */
void world_kill(world *w); /* SIGKILL, waits until it is gone */

/* PSS in MB, of the kernel or of all its executors divided by their number. */
double world_pss_kernel(const world *w);
double world_pss_executor(const world *w);
/* PSS of a program that does nothing and is linked with libc alone. */
double world_pss_nothing(const char *nothing);

/* CPU time of the kernel so far, in seconds; how many children it has. */
double world_cpu_s(const world *w);
int world_executors(const world *w);

typedef struct load {
    const char *agent;
    const char *input; /* canonical JSON */
    int in_flight;
    int64_t runs; /* how many, or 0: as many as `seconds` allow */
    double seconds;
    const char *keys; /* prefix of idempotency keys, or NULL: none */
} load;

/* A closed loop: the next run begins when one ends. Returns seconds from the first command to the
 * last end; *runs: how many ended. Any failed run ends the benchmark. */
double world_load(world *w, const load *l, int64_t *runs);
/* Puts the files of the workspace into force: milliseconds to the answer. beside: as many runs are begun
 * before, and ended behind it; or NULL. */
double world_reload_ms(world *w, const load *beside);
/* Starts `runs` runs with keys and returns when each has executed `steps` steps. */
void world_open_runs(world *w, const load *l, int64_t steps);
/* Sends the one run that world_open_runs started a word that does not end it, and returns when it waits
 * again: a step and a receive later. */
void world_nudge_run(world *w);
/* Sends each of the runs that world_open_runs started a word and returns when all have ended. */
void world_finish_runs(world *w, const load *l);

#endif
