/* A stand-in for the process around the Lua engine: it gives the engine its files and config, keeps
 * the frames that it sends as text, and records what a kernel would record. One world at a time. */
#ifndef LUA_WORLD_H
#define LUA_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "keel/buf.h"

#define WORLD_RUN 7 /* the run's number */

typedef struct world_line {
    char *text; /* "step 1 first 42", "call 2 now {}", "end {...}" */
    char *path; /* of a run's call; else "" */
    bool is_call;
    bool is_one_way;
} world_line;

typedef struct world_record {
    char *path, *kind, *name, *call, *outcome;
} world_record;

typedef struct world {
    executor_config config;
    executor_file *files;
    size_t file_count;
    void *engine;
    bool by_hand;  /* no acknowledgements but those that the test gives */
    bool quiet;    /* counts frames and keeps nothing: for the benchmark */
    uint64_t sent; /* one-way frames since the start */
    uint64_t acked;
    uint64_t running;
    uint64_t ended; /* X_END frames */
    size_t bad;     /* frames that broke the protocol; the first is in `fault` */
    char fault[512];
    world_line *lines;
    size_t line_count;
    size_t line_read;
    world_record *records;
    size_t record_count;
} world;

void world_create(world *w, const char *name, const char *script, size_t len);
void world_add_file(world *w, const char *name, const char *data, size_t len);
void world_destroy(world *w);
/* 0, or the refusal's text in why. */
int world_load(world *w, char why[1024]);
/* A frame that came from an executor process, in place of one of this engine. */
void world_take(world *w, const frame *f);
/* Records the answer to a call that was made, as a kernel does. */
void world_record_answer(world *w, const char *path, const char *outcome);
void world_start(world *w, uint64_t run, const char *input, const char *previous,
                 const world_record *records, size_t count);
void world_answer(world *w, uint64_t run, const char *path, const char *outcome);
void world_ack(world *w, uint64_t run, uint64_t count);
void world_verb(world *w, uint64_t ref, const char *json);
void world_cancel(world *w, uint64_t run);
/* Acknowledges until nothing new is sent, unless by_hand. */
void world_settle(world *w);
/* The next line that was not read yet, or NULL. */
const world_line *world_next(world *w);
void world_call_digest(char out[17], const char *kind, const char *name, const char *args);
/* A whole file, NUL-terminated; fails the test when it cannot be read. */
char *world_read(const char *path, size_t *len);

#endif
