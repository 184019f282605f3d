/* The parts of the scripted outside's process. One thread, one loop. */
#ifndef FAKEWORLD_WORLD_H
#define FAKEWORLD_WORLD_H

#include <uv.h>

#include "post.h"
#include "script.h"
#include "shelf.h"

typedef struct late late;
typedef struct conn conn;
typedef struct world world;

/* A protocol that is spoken on a port of its own. A session is what it keeps of one connection. */
typedef struct face {
    const char *name;
    void *(*open)(world *w, conn *c); /* greets, where that is the custom */
    /* Bytes are there: takes those that are understood from the front, as long as the connection is
     * ready. Called again when more came, or when an answer that held it up has left. */
    void (*input)(void *session, keel_buf *in);
    void (*close)(void *session);
} face;

extern const face face_http, face_smtp, face_imap;

typedef struct listener {
    uv_tcp_t tcp;
    world *w;
    const face *face;
} listener;

struct world {
    uv_loop_t loop;
    listener listeners[FACES];
    uv_signal_t signals[2];
    script *script;
    shelf *shelf;
    post *post;
    fault_list faults; /* in force */
    uint64_t random;   /* state of the seeded numbers */
    late *late;        /* what is applied later */
    int64_t requests, applied;
    int log_fd; /* -1: no log */
};

int64_t world_now_us(const world *w);
/* A log that cannot be written is no oracle: then the process ends. rc: 0 or -errno. */
void world_must_log(int rc);

/* ---- conn.c ---- */
void conn_listen(uv_stream_t *server, int status);
bool conn_ready(const conn *c); /* takes and answers requests */
void conn_send(conn *c, const keel_buf *bytes, bool close_after);
void conn_drip(conn *c, const keel_buf *bytes, int64_t every_us, bool close_after);
void conn_close(conn *c);
void conn_hang(conn *c); /* nothing more is answered on it */

/* ---- serve.c ---- */
void serve(world *w, conn *c, const request *q);
/* Writes status line, headers and body; a length other than the body's when claimed >= 0. */
void serve_write(keel_buf *out, const answer *a, bool close, int64_t claimed);

/* ---- late.c ---- */
typedef void late_fn(world *w, void *ctx);
/* Does it `after_us` from now, then frees ctx by `drop`. */
void late_do(world *w, int64_t after_us, late_fn *act, void (*drop)(void *ctx), void *ctx);
size_t late_count(const world *w);
void late_apply_all(world *w);

/* ---- misbehave.c ---- */
/* The fault that befalls a command, or NULL. Counts it for every fault that matches. `about` are the
 * addresses or folders that it is about. */
typedef struct occasion {
    face_kind face;
    const char *method;
    const char *path; /* HTTP */
    const char *const *about;
    size_t about_count;
} occasion;
const fault *misbehave_pick(world *w, const occasion *o);
/* Sends an answer that was already decided, in the fault's way. */
void misbehave_send(world *w, conn *c, const fault *f, answer *a);

/* ---- control.c ---- */
/* Requests to /_fakeworld/...: false when it is none. */
bool control_serve(world *w, conn *c, const request *q);

#endif
