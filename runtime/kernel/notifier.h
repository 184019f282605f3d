/* Tells people: starts the program of a way of keel.yaml's `notify`, as the user who runs Keel, outside of
 * any sandbox. It is given the notice as its standard input and nothing else of Keel's: a few words of
 * environment, "/" as its folder, no descriptor, a session of its own. It has 30 s (or `timeout`), then it
 * is killed with all that it started; what it prints goes into the log, cut. One thread, the loop's. */
#ifndef KERNEL_NOTIFIER_H
#define KERNEL_NOTIFIER_H

#include <uv.h>

#include "main.h"

typedef struct notifier_events {
    void *ctx;
    void (*told)(void *ctx, uint64_t id, const char *why); /* as kernel_notified; from the loop */
} notifier_events;

typedef struct notifier notifier;
notifier *notifier_create(const kernel_settings *s, uv_loop_t *loop, const notifier_events *ev);
/* Ends in ev->told, later. by NULL: there is no such way any more. notice as in env.h. */
void notifier_tell(notifier *n, uint64_t id, const workspace_notifier *by, const char *notice,
                   size_t len);
/* Kills what still runs, tells nobody, and waits for its end. */
void notifier_end(notifier *n);
void notifier_destroy(notifier *n);

/* ---- notifier_words.c: what the program is called with, and reads ---- */
typedef struct notifier_words {
    char **argv; /* NULL-terminated, each ours */
    char **env;  /* the same */
    keel_buf input;
} notifier_words;
/* 0, or -1 and why: a sentence without its end. */
int notifier_words_make(notifier_words *w, const workspace_notifier *by, keel_json notice,
                        int64_t now_s, keel_buf *why);
void notifier_words_free(notifier_words *w);

#endif
