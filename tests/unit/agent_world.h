/* A kernel's part, played for an agent in C that runs in a real executor: it follows the script of an
 * act (the lines of lua_host.c, in tests/unit/lua/ACT.lua or tests/abi/agents/ACT.txt), writes frames
 * as text, and records what a kernel would record. */
#ifndef AGENT_WORLD_H
#define AGENT_WORLD_H

#include "executor_world.h"
#include "lua_world.h"

typedef struct agent_world {
    const char *script; /* its name, for messages */
    char *text;
    char act[64];
    child *c;
    world w; /* its lines and records */
    world_record *given;
    size_t given_count;
    char input[4096];
    char previous[4096];
    bool by_hand; /* no acknowledgements but those of the script */
    bool once;    /* not to be replayed */
    bool late;    /* answers and acknowledgements come when the run is suspended */
    keel_buf notes;
} agent_world;

/* Reads the script and starts an executor with its act. */
void agent_world_create(agent_world *x, const char *script);
void agent_world_destroy(agent_world *x);
/* Sends X_START and the records. */
void agent_world_start(agent_world *x, uint64_t run, const world_record *records, size_t count);
void agent_world_answer(agent_world *x, uint64_t run, const char *path, const char *outcome);
void agent_world_send(agent_world *x, uint16_t type, uint64_t run, uint64_t ref);
/* Takes one more frame; false when none has come after timeout_ms. Ends the test if the executor
 * has ended. */
bool agent_world_take(agent_world *x, int timeout_ms);
/* The next line must be this one. */
void agent_world_expect(agent_world *x, const char *text);
/* Nothing more comes within a moment. */
void agent_world_expect_nothing(agent_world *x);
/* From the start to the end of the script. */
void agent_world_play(agent_world *x);
/* The run again, with the first k of `first`'s records: the rest must come as it came there. */
void agent_world_replay(agent_world *x, const agent_world *first, size_t k);
/* Forgets lines and records. */
void agent_world_forget(agent_world *x);

#endif
