/* A first word to a server through the real egress, as an executor would say it. */
#ifndef KIT_KNOCK_H
#define KIT_KNOCK_H

#include "net.h"

typedef struct knock {
    bool answered;
    int status;    /* of HTTP; 0: a stream was opened, with TLS and login as the connection says */
    char code[24]; /* else: as egress says it, */
    char message[600]; /* for people */
} knock;

/* A stream is opened and closed again; http and https get a HEAD, which changes nothing. `number` has
 * not been used in `n` as an executor or an order. 0, or a DIAG_ code: there is no egress any more. */
int knock_at(net *n, uv_loop_t *loop, uint64_t number, uint64_t connection, const char *url,
             int64_t timeout_us, knock *out, diag *d);

#endif
