/* keel.http/1: HTTP requests, made for a connector by Keel's egress process (manifest: needs
 * "http:{config.base}", or "http:https://api.example/v1").
 *
 * The connector sees no socket and no credential: egress checks each request against what manifest,
 * keel.yaml and policy allow, resolves, connects, verifies TLS, adds the login of the connection
 * (`auth:` in keel.yaml) and takes secrets out of what comes back. A request that is not allowed is
 * KEEL_E_DENIED, and nothing was sent.
 *
 * Calls block until the answer is whole, the verb's deadline, or `timeout_ns`. Callable only from
 * the thread that a verb runs on, within a verb. What is returned is borrowed until the verb
 * returns. */
#ifndef KEEL_HTTP_H
#define KEEL_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "keel/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KEEL_HTTP_SERVICE "keel.http/1"

/* Redirects of GET and HEAD are followed, up to 3, each checked like a request of its own; the login
 * is not sent to another origin. Without the flag a 3xx is an answer like any other. */
#define KEEL_HTTP_FOLLOW 1u

#define KEEL_HTTP_BODY_LIMIT ((size_t)15 << 20) /* the largest body, either way */

typedef struct keel_http_header {
    keel_span name;
    keel_span value;
} keel_http_header;

typedef struct keel_http_request {
    uint32_t size; /* sizeof the caller's struct */
    uint32_t flags;
    const char *method;              /* "GET", "POST", ... */
    const char *url;                 /* absolute; http or https */
    const keel_http_header *headers; /* Host, Content-Length and those of the login are egress's */
    size_t header_count;
    keel_span body;
    uint64_t body_limit; /* bytes of the answer; more is KEEL_E_UNKNOWN. 0: KEEL_HTTP_BODY_LIMIT */
    uint64_t timeout_ns; /* from now; 0: the verb's deadline */
} keel_http_request;

typedef struct keel_http_response {
    uint32_t size;  /* sizeof the caller's struct */
    int32_t status; /* 200, 404, ... */
    keel_span body; /* decoded (gzip and the like), secrets replaced by asterisks */
    keel_span url;  /* after redirects */
    const keel_http_header *headers; /* names in small letters */
    size_t header_count;
} keel_http_response;

typedef struct keel_http {
    uint32_t size; /* sizeof the host's struct */
    uint32_t reserved;
    void *ctx;
    /* KEEL_OK: a whole answer came, whatever its status. Else nothing of `out` is set:
     *   invalid    the request is malformed, or has more than 128 headers, a URL or a header of more
     *              than 16 KiB, or more than 64 KiB of them together
     *   denied     not allowed, or no such secret; nothing was sent
     *   retry      not sent (no such host, refused, TLS failed), or sent with a safe method (GET,
     *              HEAD, OPTIONS) and the answer was lost
     *   unknown    sent, and the answer was lost, cut, malformed or larger than the limit
     *   deadline, cancelled   gave up after it was sent; before that they are retry */
    keel_status (*send)(void *ctx, keel_call *call, const keel_http_request *request,
                        keel_http_response *out);
} keel_http;

/* What an answer's status means for a write, in the words of plugin.h: 2xx and 3xx ok; 4xx not applied
 * (400, 422 and the rest invalid; 401, 403 denied; 404, 410 not_found; 409, 412 conflict; 429 retry;
 * 408 unknown); 5xx and all else unknown. */
static inline keel_status keel_http_meaning(int32_t status) {
    switch (status) {
    case 401:
    case 403:
        return KEEL_E_DENIED;
    case 404:
    case 410:
        return KEEL_E_NOT_FOUND;
    case 409:
    case 412:
        return KEEL_E_CONFLICT;
    case 429:
        return KEEL_E_RETRY;
    case 408:
        return KEEL_E_UNKNOWN;
    default:
        return status >= 200 && status < 400   ? KEEL_OK
               : status >= 400 && status < 500 ? KEEL_E_INVALID
                                               : KEEL_E_UNKNOWN;
    }
}

#ifdef __cplusplus
}
#endif

#endif
