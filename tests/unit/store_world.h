/* A workspace's store in a folder of its own, for tests of the store. */
#ifndef STORE_WORLD_H
#define STORE_WORLD_H

#include "private.h"

/* Sanitizers make it several times slower: of the operations at which the power fails they visit one of
 * some, the plain build all. */
#ifdef __SANITIZE_ADDRESS__
#define WORLD_STRIDE 7
#else
#define WORLD_STRIDE 1
#endif

typedef struct world {
    char dir[64];
    char db[96];
    char anchor[96];
    char key[96];
    const char *vfs;
    bool accept_rollback;
    bool restore;
    store *s;
    turn *t;
    int64_t at; /* of the next turn; grows by one second */
    diag d;
} world;

void world_make(world *w); /* folder and paths; opens nothing */
void world_end(world *w);  /* closes, removes the folder */
int world_open(world *w);  /* store_open with create, and a turn; its result */
void world_start(
    world *w); /* world_open that must succeed, and this boot's first record, committed */
void world_close(world *w);
void world_restart(world *w);

/* Adds a record to the turn under way; ' stands for " in the body. */
int64_t world_add(world *w, record_kind kind, uint64_t run, const char *path, const char *body);
int world_commit(world *w);
void world_committed(world *w); /* must succeed */
/* One record, committed. */
int64_t world_put(world *w, record_kind kind, uint64_t run, const char *path, const char *body);

/* Rows as "a|b;c|d", NULL as "-". The text lives until the next call. */
const char *world_rows(world *w, const char *sql);
/* Changes the file behind the store's back, with the store closed. */
void world_edit(world *w, const char *sql);
/* A file of up to 64 MiB; what was there is replaced. */
void world_copy(const char *from, const char *to);

extern const char world_plugin[]; /* 64 hex digits */
/* A run.begin body for agent "a". */
extern const char world_begin_body[];

#endif
