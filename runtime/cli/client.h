/* A conversation with the running kernel over .keel/keel.sock (control.h, protocol.h). Blocking;
 * one thread. */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "diag.h"
#include "keel/buf.h"
#include "keel/json.h"

typedef struct client client;

/* DIAG_FAILED "Keel is not running here", or why the socket cannot be used. */
int client_open(client **out, const char *socket_path, diag *d);
void client_close(client *c);         /* NULL is fine */
bool client_hung_up(const client *c); /* the kernel has closed the connection */
/* Called while nothing comes, every three seconds, with the seconds so far: so that whoever waits
 * is told. */
typedef void client_idle(void *ctx, int seconds);
void client_on_idle(client *c, client_idle *idle, void *ctx);

/* Sends one command and waits for its answer. args: a canonical object, NULL for {}. request: NULL
 * makes a fresh id. result gets the answer's result; NULL when it is of no interest. An error of
 * the kernel comes back as it was said. When the kernel ends before it answers, the message tells
 * the request id with which the same command may be repeated safely. */
int client_call(client *c, const char *name, const keel_buf *args, const char *request,
                keel_buf *result, diag *d);

/* After a command that follows: one call for each event, and at the end the exit code and the
 * numbers that wait. An event that returns non-zero ends the stream with that code. */
typedef int client_event(void *ctx, keel_json event);
int client_follow(client *c, client_event *event, void *ctx, int *exit_code, keel_buf *waiting,
                  diag *d);

/* Waits until the kernel has closed the connection; false after timeout_ms. */
int client_wait_end(client *c, int timeout_ms);

#endif
