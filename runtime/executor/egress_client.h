/* The way out of an executor: what its verbs ask of egress, for both engines (frames of
 * egress_protocol.h on a socket). One client per process; one thread; calls block, until the answer,
 * the verb's deadline, the kernel's end or egress's.
 *
 * Calls give a keel_status as http.h and stream.h say, and leave their results untouched on failure;
 * egress_client_error then says why, in a sentence. When egress has gone, a call that it had been
 * handed and that may have changed something is unknown; all others are retry. */
#ifndef EGRESS_CLIENT_H
#define EGRESS_CLIENT_H

#include <stdbool.h>

#include "keel/http.h"
#include "keel/json.h"

#define EGRESS_STREAMS  16u          /* open at once in one executor */
#define EGRESS_HEADERS  128u         /* of one request */
#define EGRESS_TEXT     (16u << 10)  /* bytes of a URL, of an address */
#define EGRESS_PATIENCE 200000000ull /* ns; for the word whether a call that is given up was sent */

typedef struct egress_client egress_client;

/* fd: the socket to egress; kernel_fd: hung up when the kernel has gone. Both are borrowed, but fd is
 * closed when egress breaks the protocol. */
egress_client *egress_client_create(int fd, int kernel_fd);
void egress_client_destroy(egress_client *c);

/* The verb whose order the next calls go by. order 0: none runs, and calls are refused. */
void egress_client_verb(egress_client *c, uint64_t order, uint64_t deadline_ns);
/* Why the last call failed; valid until the next. */
const char *egress_client_error(const egress_client *c);

typedef struct egress_answer {
    int32_t status;
    keel_json url;     /* a string */
    keel_json headers; /* an array of [name, value], both strings */
    keel_span body;
    char *owned_;
} egress_answer;

/* `request` is a whole struct (its size is not looked at). */
keel_status egress_http(egress_client *c, const keel_http_request *request, egress_answer *out);
void egress_answer_free(egress_answer *a);

keel_status egress_open(egress_client *c, const char *address, uint64_t *id);
keel_status egress_send(egress_client *c, uint64_t id, const void *data, size_t len);
/* *out is valid until the next call. */
keel_status egress_receive(egress_client *c, uint64_t id, keel_span *out);
/* Outside of a verb too. */
void egress_close(egress_client *c, uint64_t id);

#endif
