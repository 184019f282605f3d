#include "writer.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct writer {
    store *store;
    writer_events ev;
    uv_async_t done;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    turn *turn;      /* to commit */
    turn *committed; /* to report */
    bool anchor;     /* to sign */
    bool signing;    /* the thread is at it */
    bool news;       /* records since the last signed head */
    bool stop;
    int rc;
    diag why;
    bool tried;    /* to sign; not yet reported */
    int anchor_rc; /* of the last try */
    diag anchor_why;
    int64_t anchored_us;
};

/* Called with the lock, which is free while the disk is waited for. */
static void sign(writer *w) {
    int64_t now = w->ev.wall_us(w->ev.ctx);
    diag why = {0};
    w->anchored_us = now;
    w->news = false;
    w->signing = true;
    pthread_mutex_unlock(&w->lock);
    int rc = store_anchor(w->store, now, &why);
    pthread_mutex_lock(&w->lock);
    w->signing = false;
    w->tried = true;
    w->anchor_rc = rc;
    w->anchor_why = why;
    w->news |= rc != 0;
    uv_async_send(&w->done);
}

static void *run(void *arg) {
    writer *w = arg;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (!w->turn && !w->anchor && !w->stop) {
            pthread_cond_wait(&w->wake, &w->lock);
        }
        if (w->turn) {
            turn *t = w->turn;
            pthread_mutex_unlock(&w->lock);
            diag why = {0};
            int rc = store_commit(w->store, t, &why);
            pthread_mutex_lock(&w->lock);
            w->turn = NULL;
            w->committed = t;
            w->rc = rc;
            if (rc) {
                w->why = why;
            }
            w->news = true;
            w->anchor |= w->ev.wall_us(w->ev.ctx) - w->anchored_us > WRITER_ANCHOR_EVERY_US;
            uv_async_send(&w->done);
        } else if (w->anchor) {
            w->anchor = false;
            if (w->news && !w->rc) {
                sign(w);
            }
        } else {
            break;
        }
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void on_done(uv_async_t *a) {
    writer *w = a->data;
    pthread_mutex_lock(&w->lock);
    turn *t = w->committed;
    int rc = w->rc;
    diag why = w->why;
    bool tried = w->tried;
    int anchor_rc = w->anchor_rc;
    diag anchor_why = w->anchor_why;
    w->committed = NULL;
    w->tried = false;
    pthread_mutex_unlock(&w->lock);
    if (tried) {
        w->ev.anchored(w->ev.ctx, anchor_rc ? anchor_why.what : NULL);
    }
    if (t) {
        w->ev.committed(w->ev.ctx, t, rc, &why);
    }
}

int writer_start(writer **out, uv_loop_t *loop, store *s, const writer_events *ev, diag *d) {
    writer *w = calloc(1, sizeof *w);
    if (!w) {
        return diag_set(d, DIAG_FAILED, "out of memory");
    }
    w->store = s;
    w->ev = *ev;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    uv_async_init(loop, &w->done, on_done);
    w->done.data = w;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old); /* signals are the loop's */
    int rc = pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc) {
        free(w);
        return diag_set(d, DIAG_FAILED, "cannot start the store's thread: %s", strerror(rc));
    }
    *out = w;
    return 0;
}

void writer_commit(writer *w, turn *t) {
    pthread_mutex_lock(&w->lock);
    w->turn = t;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

void writer_anchor(writer *w) {
    pthread_mutex_lock(&w->lock);
    if (!w->turn && w->news) {
        w->anchor = true;
        pthread_cond_signal(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
}

bool writer_commit_here(writer *w, turn *t) {
    diag why = {0};
    pthread_mutex_lock(&w->lock);
    bool asleep = !w->turn && !w->committed && !w->signing && !w->anchor;
    w->news |= asleep;
    pthread_mutex_unlock(&w->lock);
    if (!asleep) {
        return false;
    }
    int rc = store_commit(w->store, t, &why);
    if (rc) {
        w->rc = rc;
        w->why = why;
    } else if (w->ev.wall_us(w->ev.ctx) - w->anchored_us > WRITER_ANCHOR_EVERY_US) {
        writer_anchor(w);
    }
    w->ev.committed(w->ev.ctx, t, rc, &why);
    return true;
}

static void on_closed(uv_handle_t *h) {
    free(h->data);
}

int writer_stop(writer *w, diag *d) {
    pthread_mutex_lock(&w->lock);
    w->anchor = true;
    w->stop = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    int rc = w->rc ? w->rc : w->anchor_rc;
    if (rc && d) {
        *d = w->rc ? w->why : w->anchor_why;
    }
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->wake);
    uv_close((uv_handle_t *)&w->done, on_closed);
    return rc;
}
