/* The parts of the scripted outside's process. One thread, one loop. */
#ifndef FAKEWORLD_WORLD_H
#define FAKEWORLD_WORLD_H

#include <uv.h>

#include "script.h"
#include "shelf.h"

typedef struct late late;

typedef struct world {
    uv_loop_t loop;
    uv_tcp_t listener;
    uv_signal_t signals[2];
    script *script;
    shelf *shelf;
    fault_list faults; /* in force */
    uint64_t random;   /* state of the seeded numbers */
    late *late;        /* what is applied later */
    int64_t requests, applied;
    int log_fd; /* -1: no log */
} world;

int64_t world_now_us(const world *w);

/* ---- conn.c ---- */
typedef struct conn conn;
void conn_listen(uv_stream_t *server, int status);
void conn_send(conn *c, const keel_buf *bytes, bool close_after);
void conn_drip(conn *c, const keel_buf *bytes, int64_t every_us); /* then closes */
void conn_close(conn *c);
void conn_hang(conn *c); /* nothing more is answered on it */

/* ---- serve.c ---- */
void serve(world *w, conn *c, const request *q);
/* Writes status line, headers and body; a length other than the body's when claimed >= 0. */
void serve_write(keel_buf *out, const answer *a, bool close, int64_t claimed);
size_t late_count(const world *w);
void late_apply_all(world *w);

/* ---- misbehave.c ---- */
/* The fault that befalls this request, or NULL. Counts it for every fault that matches. */
const fault *misbehave_pick(world *w, const request *q);
/* Sends an answer that was already decided, in the fault's way. */
void misbehave_send(world *w, conn *c, const fault *f, answer *a);

/* ---- control.c ---- */
/* Requests to /_fakeworld/...: false when it is none. */
bool control_serve(world *w, conn *c, const request *q);

#endif
