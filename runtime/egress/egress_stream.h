/* Streams of executors, shared by stream.c and stream_relay.c, and what the rest of egress asks of
 * them. */
#ifndef EGRESS_STREAM_H
#define EGRESS_STREAM_H

#include "egress.h"

struct stream {
    transfer t; /* first */
    token_waiter waiter;
    stream *next;
    door *door;
    order *order; /* the latest under which something was said; NULL: it is over */
    uint64_t run;
    permit permit;
    int64_t deadline_us; /* for opening it */
    bool open;
    bool waiting; /* for a token */
    bool fresh;
    bool closing; /* the executor has closed it; it ends when all is written */
    bool wrote;   /* under `order`, and whether the other side has spoken since */
    bool said;
    bool gone; /* memory goes with the handles */
    unsigned handles;
    uv_poll_t poll;
    uv_timer_t quiet;
    int events;
    keel_buf out;      /* from the executor, not yet given to curl */
    char chunk[16384]; /* what curl has been given: OpenSSL wants it unmoved until it is written */
    size_t chunk_len;
    keel_buf in;     /* may be the beginning of a secret: waits for what follows */
    uint64_t on_way; /* bytes that the executor has not taken out */
};

void stream_begin(door *d, order *o, const frame *f);
void stream_data(door *d, order *o, const frame *f);
stream *stream_find(door *d, uint64_t run);
void stream_taken(stream *s, uint64_t bytes);
/* At the wish of the executor: an opening is stopped; what is open ends when all is written. */
void stream_cancel(stream *s);
void stream_finish(stream *s);
/* Ends it now; code NULL: without a word. */
void stream_close(stream *s, const char *code, const char *message);
/* The order is over: what has not been written under it is not written any more. */
void stream_order_over(door *d, order *o);
/* The connection's words have changed: its idle streams end. */
void stream_replaced(door *d, const connection *c);
/* Whether the other side is still to say something to what went out under this order. */
bool stream_unanswered(const door *d, const order *o);
/* Relays from now on. */
void stream_relay(stream *s);
void stream_relay_stop(stream *s);

#endif
