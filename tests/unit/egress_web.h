/* A small HTTP server on 127.0.0.1, in threads of the test, that does as a path says:
 *
 *   /echo          200, the request's first line, headers and body as the answer's body
 *   /status/N      N
 *   /later/N/WHEN  N, with Retry-After: WHEN, in which _ is a space
 *   /to/URL        302 to what follows "/to/"; /loop: 302 to /loop
 *   /close         closes without an answer, and counts
 *   /cut           says 100 bytes, sends 10, closes
 *   /large/N       N bytes of "x"
 *   /headers/N     N bytes of header lines
 *   /slow/MS       200 after so long; /held: 200 when web_release was called
 *   /malformed     what is no HTTP
 *   /once          answers and closes the connection after the next request has come, unanswered
 *   /token         200, {"access_token":"token-N","expires_in":3600}, N growing
 *   /rotate        when web_release was called, the same with a new "refresh_token",
 *                  "rotated-token-N"
 *   /guarded       401 unless the token is the newest
 */
#ifndef EGRESS_WEB_H
#define EGRESS_WEB_H

#include <stdatomic.h>

#include "visitors.h"

typedef struct web {
    visitors visitors;
    unsigned port;
    atomic_int requests;    /* that came */
    atomic_int connections; /* that were accepted */
    atomic_int tokens;
    atomic_bool released; /* what is held is answered */
    int watch;            /* a descriptor, or -1 */
    atomic_int watched;   /* whether it could be read when the last request came */
    pthread_mutex_t lock;
    char last[65536]; /* the last request */
} web;

void web_start(web *w);
void web_stop(web *w);
void web_release(web *w);
/* Waits until that many requests have come; fails when they do not. */
void web_await(web *w, int requests);

#endif
