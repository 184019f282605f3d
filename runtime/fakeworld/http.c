/* HTTP, a face of the scripted outside: requests of a connection, one after the other. */
#include <stdlib.h>

#include "world.h"

typedef struct http {
    world *w;
    conn *c;
    request q;
} http;

static void *http_open(world *w, conn *c) {
    http *h = keel_alloc(sizeof *h);
    *h = (http){.w = w, .c = c};
    return h;
}

static void http_close(void *session) {
    http *h = session;
    request_free(&h->q);
    free(h);
}

static void refuse(conn *c) {
    answer a = {0};
    keel_buf out = KEEL_BUF_INIT;
    answer_text(&a, 400, "");
    serve_write(&out, &a, true, -1);
    conn_send(c, &out, true);
    keel_buf_free(&out);
    answer_free(&a);
}

static void http_input(void *session, keel_buf *in) {
    http *h = session;
    while (conn_ready(h->c) && in->len > 0) {
        long used = request_parse(&h->q, in->data, in->len);
        if (used < 0) {
            refuse(h->c);
        } else if (used == 0) {
            return;
        } else {
            keel_buf_consume(in, (size_t)used);
            serve(h->w, h->c, &h->q);
        }
    }
}

const face face_http = {"http", http_open, http_input, http_close};
