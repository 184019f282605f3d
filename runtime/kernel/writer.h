/* The store's thread: commits turns, one at a time, and signs the journal's heads. */
#ifndef KERNEL_WRITER_H
#define KERNEL_WRITER_H

#include <stdbool.h>
#include <uv.h>

#include "store.h"

typedef struct writer writer;

typedef struct writer_events {
    void *ctx;
    void (*committed)(void *ctx, turn *t, int rc, const diag *d); /* on the loop's thread */
    int64_t (*wall_us)(void *ctx);                                /* called on the store's thread */
    /* On the loop's thread, after each try to sign the head. trouble: why it was not; NULL: it was. */
    void (*anchored)(void *ctx, const char *trouble);
} writer_events;

#define WRITER_ANCHOR_EVERY_US 60000000

int writer_start(writer **out, uv_loop_t *loop, store *s, const writer_events *ev, diag *d);
void writer_commit(writer *w, turn *t); /* none may be under way */
/* The same on the caller's thread, reported before it returns: for turns so small that handing them
 * over would cost more. false, and nothing done, when the store's thread is at work. */
bool writer_commit_here(writer *w, turn *t);
/* Signs the head if there is news since the last time; nothing when a commit is under way. That an
 * anchor cannot be written stops no commit: the head is signed at a later call. */
void writer_anchor(writer *w);
/* Waits for what is under way, signs the head, ends the thread. 0 or the last failure. */
int writer_stop(writer *w, diag *d);

#endif
