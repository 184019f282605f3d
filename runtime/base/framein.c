/* Receiving: whole frames are handled where they stand in the fed bytes; only a frame that was cut
 * is copied, into `in`. A large body is collected in `body`. */
#include <string.h>

#include "frameint.h"

static int fault(frame_channel *ch, diag *d, const char *what) {
    ch->broken = true;
    diag_set(d, DIAG_FAILED, "the other side broke the frame protocol: %s", what);
    diag_next(d,
              "The connection is closed. If both sides are of the same version of Keel, this is a "
              "fault in one of them: keep the log and report it.");
    return DIAG_FAILED;
}

static int take_open(frame_channel *ch, const frame *f, diag *d) {
    if (ch->receiving) {
        return fault(ch, d, "a large body began before the last one had ended");
    }
    if (f->len != FRAME_OPEN_SIZE) {
        return fault(ch, d, "the first frame of a large body has the wrong size");
    }
    frame_header h = frame_decode(f->body);
    if (h.len <= FRAME_INLINE || h.len > FRAME_LIMIT) {
        return fault(ch, d, "a large body is announced with a length outside of the limits");
    }
    if (h.type >= FRAME_CHUNK || h.run != f->run || h.ref != f->ref) {
        return fault(ch, d, "a large body is announced for a frame that cannot be");
    }
    ch->opened = h;
    memcpy(ch->sum.bytes, f->body + FRAME_HEADER, DIGEST_SIZE);
    ch->receiving = true;
    return 0;
}

static int deliver_body(frame_channel *ch, frame_handler *handler, void *ctx, diag *d) {
    digest sum = digest_of(ch->body.data, ch->body.len);
    if (!digest_equal(&sum, &ch->sum)) {
        return fault(ch, d, "the digest of a large body is not that of what arrived");
    }
    keel_buf whole = ch->body;
    ch->body = (keel_buf)KEEL_BUF_INIT;
    ch->receiving = false;
    frame f = {ch->opened.type, ch->opened.flags, ch->opened.run,
               ch->opened.ref,  whole.data,       whole.len};
    handler(ctx, &f);
    keel_buf_free(&whole);
    return 0;
}

static int take_piece(frame_channel *ch, const frame *f, frame_handler *handler, void *ctx,
                      diag *d) {
    size_t left = ch->opened.len - ch->body.len;
    size_t want = left < FRAME_INLINE ? left : FRAME_INLINE;
    if (!ch->receiving || f->run != ch->opened.run || f->ref != ch->body.len || f->len != want) {
        return fault(ch, d, "a piece of a large body is out of order");
    }
    keel_buf_append(&ch->body, f->body, f->len);
    frame_header ack = {0, FRAME_CHUNK_ACK, 0, f->run, ++ch->pieces_received};
    frame_append(&ch->out, &ack, NULL, 0, NULL, 0);
    return ch->body.len == ch->opened.len ? deliver_body(ch, handler, ctx, d) : 0;
}

static int take_ack(frame_channel *ch, const frame *f, diag *d) {
    if (f->len || f->ref <= ch->pieces_acked || f->ref > ch->pieces_sent) {
        return fault(ch, d, "it acknowledges a piece that was not sent");
    }
    ch->pieces_acked = f->ref;
    frame_pump(ch);
    return 0;
}

static int take_frame(frame_channel *ch, const frame *f, frame_handler *handler, void *ctx,
                      diag *d) {
    ch->taken++;
    if (f->type < FRAME_CHUNK) {
        handler(ctx, f);
        return 0;
    }
    if (f->type == FRAME_CHUNK && f->flags == FRAME_OPEN) {
        return take_open(ch, f, d);
    }
    if (f->type == FRAME_CHUNK && f->flags == FRAME_PIECE) {
        return take_piece(ch, f, handler, ctx, d);
    }
    if (f->type == FRAME_CHUNK_ACK) {
        return take_ack(ch, f, d);
    }
    return fault(ch, d, "a frame has a type that is not known");
}

typedef struct input {
    const char *p;
    const char *end;
} input;

/* Moves bytes into `in` until it holds `want`. */
static bool fill(frame_channel *ch, input *from, size_t want) {
    size_t left = (size_t)(from->end - from->p);
    size_t n = want - ch->in.len < left ? want - ch->in.len : left;
    keel_buf_append(&ch->in, from->p, n);
    from->p += n;
    return ch->in.len == want;
}

/* The next whole frame: where it stands if it is whole there, else by way of `in`. 1, 0 when bytes
 * are missing, or a DIAG_ code. */
static int next_frame(frame_channel *ch, input *from, frame *f, diag *d) {
    const char *at = from->p;
    bool straight = ch->in.len == 0 && from->end - from->p >= FRAME_HEADER;
    if (!straight) {
        if (ch->in.len < FRAME_HEADER && !fill(ch, from, FRAME_HEADER)) {
            return 0;
        }
        at = ch->in.data;
    }
    frame_header h = frame_decode(at);
    if (h.len > FRAME_INLINE) {
        return fault(ch, d, "a frame is announced with a length over the limit");
    }
    if (straight && (size_t)(from->end - from->p) >= FRAME_HEADER + h.len) {
        from->p += FRAME_HEADER + h.len;
    } else if (fill(ch, from, FRAME_HEADER + h.len)) {
        at = ch->in.data;
    } else {
        return 0;
    }
    *f = (frame){h.type, h.flags, h.run, h.ref, at + FRAME_HEADER, h.len};
    return 1;
}

bool frame_channel_unfinished(const frame_channel *ch, uint64_t *taken) {
    *taken = ch->taken;
    return ch->in.len > 0 || ch->receiving;
}

int frame_channel_feed(frame_channel *ch, const void *data, size_t len, frame_handler *handler,
                       void *ctx, diag *d) {
    input from = {data, data ? (const char *)data + len : data};
    if (ch->broken) {
        return fault(ch, d, "more bytes came after a fault");
    }
    while (from.p < from.end) {
        frame f;
        int rc = next_frame(ch, &from, &f, d);
        if (rc <= 0) {
            return rc;
        }
        bool copied = ch->in.len > 0;
        rc = take_frame(ch, &f, handler, ctx, d);
        if (rc < 0) {
            return rc;
        }
        if (copied) {
            frame_forget(&ch->in, 16384);
        }
    }
    return 0;
}
