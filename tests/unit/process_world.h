/* A loop, one executor process at a time, and what came from it. Shared by the tables of process.c
 * and process_gate.c. */
#ifndef PROCESS_WORLD_H
#define PROCESS_WORLD_H

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "executor.h"
#include "keel/buf.h"

typedef struct world {
    uv_loop_t loop;
    uv_timer_t timeout;
    host_process *p;
    char program[PATH_MAX];
    int frames;
    int bursts;
    int ends;
    int64_t status;
    int signal;
    char why[900];
    frame last; /* body in `body` */
    keel_buf body;
    uint16_t wait_for; /* the loop stops at a frame of this type; 0: at the end */
    int echoes;        /* sent again on each X_REPLY while > 0 */
    char folder[64];
} world;

int world_set_up(void **state);
int world_tear_down(void **state); /* fails if a child is left, alive or as a zombie */
host_events world_events(world *w);
/* `config` holds the text that the spec points to. */
host_spec world_spec(world *w, char *config, size_t size, const char *mode);
void world_spawn(world *w, const host_spec *spec);
void world_start(world *w, const char *mode);
/* Runs until a frame of that type came; 0: until the end of the process. */
void world_run_until(world *w, uint16_t type);
void world_kill(world *w); /* and waits for the end */
void world_pass_ms(long ms);
int world_count_fds(void);

#endif
