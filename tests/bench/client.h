/* A client of a kernel's socket: the commands of runtime/kernel/control.h as the command line sends
 * them, many at a time. A refusal or a broken connection ends the benchmark. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "keel/buf.h"

typedef struct client client;

client *client_connect(const char *socket_path); /* NULL: nobody answers there yet */
void client_close(client *c);
/* Sends a command; args is canonical JSON. mutating: with a request id of its own. */
void client_send(client *c, const char *name, const char *args, bool mutating);
/* Sends one and waits for its answer, whose result is appended. */
void client_call(client *c, const char *name, const char *args, keel_buf *result);
/* Waits until at least one followed run ended, and returns how many did since the last call. */
int64_t client_done(client *c);
/* A number in a result. */
int64_t client_number(const keel_buf *result, const char *key);

#endif
