/* HTTP/1.1 requests as a scripted outside reads them, from bytes that came so far. */
#ifndef FAKEWORLD_REQUEST_H
#define FAKEWORLD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "keel/buf.h"

#define REQUEST_HEAD_LIMIT 65536
#define REQUEST_BODY_LIMIT (32u << 20)
#define REQUEST_PATH       1024

typedef struct request {
    char method[16];
    char path[REQUEST_PATH]; /* without the query, percent-decoded */
    char query[REQUEST_PATH];
    keel_buf head; /* header lines, each "name: value\n", names in small letters */
    keel_buf body;
    bool close; /* the client wants the connection closed */
} request;

/* Bytes that the first request takes; 0: not whole yet; -1: no HTTP that is understood. */
long request_parse(request *r, const char *data, size_t len);
void request_copy(request *to, const request *from);
void request_free(request *r);
/* Copies a header's value, or the decoded value of a query parameter. false: there is none. */
bool request_header(const request *r, const char *name, char *out, size_t size);
bool request_query(const request *r, const char *name, char *out, size_t size);

#endif
