/* The bytes of streams. */
#include <string.h>

#include "egress_client_int.h"

#define TAKEN_OFTEN (EGRESS_WINDOW / 4)
#define QUEUE_ABOVE (4u * FRAME_INLINE) /* bytes of ours that wait, before more are added */

egress_stream *egress_stream_find(egress_client *c, uint64_t id) {
    for (size_t i = 0; i < EGRESS_STREAMS; i++) {
        if (id != 0 && c->streams[i].id == id) {
            return &c->streams[i];
        }
    }
    return NULL;
}

egress_stream *egress_stream_place(egress_client *c) {
    for (size_t i = 0; i < EGRESS_STREAMS; i++) {
        if (c->streams[i].id == 0) {
            return &c->streams[i];
        }
    }
    return NULL;
}

/* What comes for a stream that we have closed was on its way. */
void egress_stream_frame(egress_client *c, const frame *f) {
    egress_stream *s = egress_stream_find(c, f->run);
    if (f->run == 0 || f->run > c->last) {
        egress_fault(c, "bytes of a stream that was not asked for");
    } else if (!s) {
        return;
    } else if (s->ended) {
        egress_fault(c, "bytes of a stream behind its end");
    } else if (f->type == E_CLOSED) {
        s->ended = egress_read_failure(f, &s->end, s->why, sizeof s->why);
        if (!s->ended) {
            egress_fault(c, "the end of a stream without its reason");
        }
    } else if (f->len == 0 || s->in.len + s->taken + f->len > EGRESS_WINDOW) {
        egress_fault(c, "bytes of a stream beyond its window");
    } else {
        keel_buf_append(&s->in, f->body, f->len);
    }
}

/* Whether the verb's bytes were among what was lost decides between unknown and retry. */
static keel_status stream_gone(egress_client *c, const egress_stream *s) {
    return egress_fail(c, s->sent_order == c->order ? KEEL_E_UNKNOWN : KEEL_E_RETRY, "%s",
                       c->gone ? c->gone_why : "egress has ended; it is started again");
}

static keel_status stream_broken(egress_client *c, const egress_stream *s) {
    if (s->end == KEEL_OK) {
        return egress_fail(c, KEEL_E_UNKNOWN, "the other side ended the stream");
    }
    bool as_it_is = s->end == KEEL_E_DEADLINE || s->end == KEEL_E_CANCELLED;
    return egress_fail(c, as_it_is ? s->end : KEEL_E_UNKNOWN, "%s", s->why);
}

static keel_status begin(egress_client *c, uint64_t id, egress_stream **s) {
    keel_status status = egress_begin(c);
    if (status != KEEL_OK) {
        return status;
    }
    *s = egress_stream_find(c, id);
    return *s ? KEEL_OK
              : egress_fail(c, KEEL_E_NOT_FOUND, "there is no such stream (it was closed)");
}

/* ---- sending ---- */

static keel_status turn_while_sending(egress_client *c, const egress_stream *s) {
    switch (egress_wait(c, c->deadline_ns)) {
    case TURN_TIME:
        return egress_fail(c, KEEL_E_DEADLINE,
                           "the verb's deadline came before all bytes were sent");
    case TURN_KERNEL:
        return egress_fail(c, KEEL_E_CANCELLED, "Keel has ended");
    case TURN_GONE:
        return stream_gone(c, s);
    case TURN_ON:
        break;
    }
    return KEEL_OK;
}

/* Until less than `above` + 1 bytes of ours wait. */
static keel_status settle(egress_client *c, const egress_stream *s, size_t above) {
    keel_status status = KEEL_OK;
    while (status == KEEL_OK && frame_channel_queued(c->channel) > above && !s->ended && !c->deaf) {
        status = turn_while_sending(c, s);
    }
    if (status == KEEL_OK && s->ended) {
        return stream_broken(c, s);
    }
    if (status == KEEL_OK && (c->gone || c->deaf)) {
        return stream_gone(c, s);
    }
    return status;
}

keel_status egress_send(egress_client *c, uint64_t id, const void *data, size_t len) {
    egress_stream *s;
    keel_status status = begin(c, id, &s);
    if (status == KEEL_OK && len && !data) {
        status = egress_fail(c, KEEL_E_INVALID, "there are no bytes to send");
    }
    if (status == KEEL_OK) {
        status = settle(c, s, QUEUE_ABOVE);
    }
    for (size_t at = 0; at < len && status == KEEL_OK;) {
        size_t n = len - at < FRAME_INLINE ? len - at : FRAME_INLINE;
        s->sent_order = c->order;
        frame_channel_send(c->channel, E_DATA, 0, id, c->order, (const char *)data + at, n);
        egress_look(c);
        at += n;
        status = settle(c, s, at < len ? QUEUE_ABOVE : 0);
    }
    return status;
}

/* ---- receiving ---- */

static keel_status wait_bytes(egress_client *c, const egress_stream *s) {
    while (s->in.len == 0 && !s->ended) {
        switch (egress_wait(c, c->deadline_ns)) {
        case TURN_ON:
            break;
        case TURN_TIME:
            return egress_fail(c, KEEL_E_DEADLINE,
                               "the verb's deadline came before the other side "
                               "said anything");
        case TURN_KERNEL:
            return egress_fail(c, KEEL_E_CANCELLED, "Keel has ended");
        case TURN_GONE:
            if (s->in.len == 0 && !s->ended) {
                return stream_gone(c, s);
            }
        }
    }
    return KEEL_OK;
}

static void tell_taken(egress_client *c, egress_stream *s) {
    s->taken += s->out.len;
    if (s->taken >= TAKEN_OFTEN && !s->ended) {
        frame_channel_send(c->channel, E_TAKEN, 0, s->id, s->taken, NULL, 0);
        s->taken = 0;
        egress_look(c);
    }
}

keel_status egress_receive(egress_client *c, uint64_t id, keel_span *out) {
    egress_stream *s;
    keel_status status = begin(c, id, &s);
    if (status == KEEL_OK) {
        status = wait_bytes(c, s);
    }
    if (status != KEEL_OK) {
        return status;
    }
    if (s->in.len == 0 && s->end != KEEL_OK) {
        return stream_broken(c, s);
    }
    keel_buf old = s->out;
    s->out = s->in;
    s->in = old;
    keel_buf_clear(&s->in);
    *out = (keel_span){s->out.len ? s->out.data : "", s->out.len};
    tell_taken(c, s);
    return KEEL_OK;
}

void egress_close(egress_client *c, uint64_t id) {
    egress_stream *s = egress_stream_find(c, id);
    if (!s) {
        return;
    }
    keel_buf_free(&s->in);
    keel_buf_free(&s->out);
    *s = (egress_stream){0};
    if (!c->gone && !c->deaf) {
        frame_channel_send(c->channel, E_CLOSE, 0, id, c->order, NULL, 0);
        egress_look(c);
    }
}
