/* Clients of the kernel's socket: accepted, peer checked, frames in and out. */
#ifndef KERNEL_STREAM_H
#define KERNEL_STREAM_H

#include <uv.h>

#include "diag.h"
#include "frame.h"

typedef struct server server;

/* So long may a client owe the rest of a frame: then it is dropped. */
#define SERVER_PATIENCE_MS 5000
#define SERVER_CLIENTS     256

typedef struct server_events {
    void *ctx;
    void (*frame)(void *ctx, uint64_t client, const frame *f);
    void (*gone)(void *ctx, uint64_t client);
} server_events;

/* Listens on path (0600), replacing a socket that nobody listens on: the caller holds the
 * workspace's lock. Only peers of the same user, or root, are let in.
 * Where all seats are taken, one that has said nothing yet loses its own to the next. */
int server_open(server **out, uv_loop_t *loop, const char *path, const server_events *ev, diag *d);
/* Queued; a client that does not read is dropped when 8 MiB wait for it. */
void server_send(server *s, uint64_t client, uint16_t type, uint64_t ref, const void *body,
                 size_t len);
void server_flush(server *s);
/* Writes what can be written at once, closes all, removes the socket. */
void server_close(server *s);

#endif
