/* The scripted outside's own log: what reached it and what it did, a line of canonical JSON each.
 * Append-only; a line that says that something was applied is on the disk before its answer leaves.
 *
 *   {"applied":bool,"at_us":N,"body_digest":HEX,"fault":NAME|null,"key":S|null,"method":S,"path":S,
 *    "query":S,"status":N}
 *
 * One line for a request (applied false), when its answer is decided; status 0: none was given. One
 * line more (applied true) for each change that it caused, at the moment of the change. */
#ifndef FAKEWORLD_ORACLE_H
#define FAKEWORLD_ORACLE_H

#include "request.h"
#include "script.h"

/* fd -1: nothing is written. 0 or -errno. */
int oracle_request(int fd, const route *r, const request *q, const char *befallen, int status);
int oracle_applied(int fd, const route *r, const request *q, const char *befallen, int status);

#endif
