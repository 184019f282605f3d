/* A kernel in one process without a loop: a virtual clock, a store on the disk whose power fails,
 * executors that are small interpreters in memory, and an outside with a log of its own. The code
 * that decides is the shipped one. */
#ifndef SIMWORLD_H
#define SIMWORLD_H

#include "crashvfs.h"
#include "kernel.h"
#include "outside.h"
#include "policy.h"

#define SIM_ANSWERS 32

typedef struct sim_executor {
    uint32_t number; /* 0: free */
    bool connector;
    char agent[32];
    struct sim_run *runs;
} sim_executor;

typedef struct sim_answer {
    char request[48];
    bool ok;
    char result[256];
} sim_answer;

typedef struct sim_world {
    char root[128]; /* workspace folder, shared by all lives */
    crash_disk *disk;
    outside outside;
    uint64_t seed;
    int64_t clock; /* us */
    store *store;
    kernel *kernel;
    turn *committing;
    bool dead; /* a commit failed: this life is over */
    sim_executor executors[8];
    struct sim_event *first, *last;  /* frames and deaths on their way to the kernel */
    sim_answer answers[SIM_ANSWERS]; /* acknowledged commands, over all lives */
    size_t answer_count;
    uint64_t client;
    char fault[256]; /* what broke an invariant of the simulation itself */
} sim_world;

/* Makes the folder with its plugins and policy once. */
void sim_folder(char root[128]);
void sim_folder_remove(const char *root);

/* A life: opens store and kernel. false when the disk struck meanwhile. */
bool sim_start(sim_world *w);
/* Ends it without another word, as kill -9 does. */
void sim_end(sim_world *w);
/* One command, answered or not; the same request id may be given again in a later life. */
void sim_command(sim_world *w, const char *request, const char *name, const char *args);
const sim_answer *sim_answered(const sim_world *w, const char *request);
/* Goes on until nothing moves within an hour of virtual time, or the disk struck. */
void sim_run_out(sim_world *w);
/* Signs and approves all open approvals; the operator settles unknown outcomes by the outside's own
 * log. true if there was any. */
bool sim_operator(sim_world *w);

/* ---- executors.c ---- */
void sim_spawn(sim_world *w, uint32_t number, const kernel_spawn *s);
void sim_frame(sim_world *w, uint32_t number, uint16_t type, uint64_t run, uint64_t ref,
               const void *body, size_t len);
void sim_kill(sim_world *w, uint32_t number, const char *why);
void sim_executors_free(sim_world *w);
/* Queues a frame from an executor to the kernel. */
void sim_to_kernel(sim_world *w, uint32_t number, uint16_t type, uint64_t run, uint64_t ref,
                   const keel_buf *body);
void sim_gone(sim_world *w, uint32_t number, const char *why);

#endif
