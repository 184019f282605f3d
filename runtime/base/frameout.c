/* Sending: `out` holds bytes that may be written now. Large bodies wait in a list of streams, one
 * of which at a time puts pieces into `out`. A frame that must not overtake a waiting body is
 * encoded into the `behind` buffer of the last body that it has to follow. */
#include <stdlib.h>
#include <string.h>

#include "frameint.h"

static size_t backlog(const frame_channel *ch) {
    return ch->out.len - ch->written;
}

static void open_stream(frame_channel *ch, frame_stream *s) {
    char body[FRAME_OPEN_SIZE];
    frame_encode(body, &s->h);
    memcpy(body + FRAME_HEADER, s->sum.bytes, DIGEST_SIZE);
    frame_header h = {FRAME_OPEN_SIZE, FRAME_CHUNK, FRAME_OPEN, s->h.run, s->h.ref};
    frame_append(&ch->out, &h, body, FRAME_OPEN_SIZE, NULL, 0);
    s->opened = true;
}

static void send_piece(frame_channel *ch, frame_stream *s) {
    size_t left = s->h.len - s->done;
    size_t n = left < FRAME_INLINE ? left : FRAME_INLINE;
    frame_header h = {(uint32_t)n, FRAME_CHUNK, FRAME_PIECE, s->h.run, s->done};
    frame_append(&ch->out, &h, s->body + s->done, n, NULL, 0);
    s->done += n;
    ch->waiting -= n;
    ch->pieces_sent++;
}

static void finish_stream(frame_channel *ch) {
    frame_stream *s = ch->first;
    ch->first = s->next;
    if (!ch->first) {
        ch->last = NULL;
    }
    keel_buf_append(&ch->out, s->behind.data, s->behind.len);
    ch->waiting -= s->behind.len;
    frame_stream_free(s);
}

void frame_pump(frame_channel *ch) {
    while (ch->first && backlog(ch) < FRAME_BACKLOG &&
           ch->pieces_sent - ch->pieces_acked < FRAME_WINDOW) {
        frame_stream *s = ch->first;
        if (!s->opened) {
            open_stream(ch, s);
        }
        send_piece(ch, s);
        if (s->done == s->h.len) {
            finish_stream(ch);
        }
    }
}

static void add_stream(frame_channel *ch, const frame_header *h, const void *a, size_t alen,
                       const void *b, size_t blen) {
    frame_stream *s = keel_alloc(sizeof *s);
    memset(s, 0, sizeof *s);
    s->h = *h;
    s->sum = digest_of2(a, alen, b, blen);
    s->body = keel_alloc(alen + blen);
    if (alen) {
        memcpy(s->body, a, alen);
    }
    if (blen) {
        memcpy(s->body + alen, b, blen);
    }
    if (ch->last) {
        ch->last->next = s;
    } else {
        ch->first = s;
    }
    ch->last = s;
    ch->waiting += h->len;
}

/* The last waiting body that a frame of this run may not overtake. */
static frame_stream *must_follow(frame_channel *ch, uint64_t run) {
    frame_stream *found = NULL;
    for (frame_stream *s = ch->first; s; s = s->next) {
        if (s->h.run == run || s->h.run == 0) {
            found = s;
        }
    }
    return found;
}

void frame_channel_send2(frame_channel *ch, uint16_t type, uint16_t flags, uint64_t run,
                         uint64_t ref, const void *a, size_t alen, const void *b, size_t blen) {
    if (alen > FRAME_LIMIT || blen > FRAME_LIMIT - alen || type >= FRAME_CHUNK) {
        abort();
    }
    frame_header h = {(uint32_t)(alen + blen), type, flags, run, ref};
    if (h.len > FRAME_INLINE) {
        add_stream(ch, &h, a, alen, b, blen);
        frame_pump(ch);
        return;
    }
    frame_stream *s = ch->first ? must_follow(ch, run) : NULL;
    frame_append(s ? &s->behind : &ch->out, &h, a, alen, b, blen);
    ch->waiting += s ? FRAME_HEADER + h.len : 0;
}

void frame_channel_send(frame_channel *ch, uint16_t type, uint16_t flags, uint64_t run,
                        uint64_t ref, const void *body, size_t len) {
    frame_channel_send2(ch, type, flags, run, ref, body, len, NULL, 0);
}

size_t frame_channel_output(frame_channel *ch, const char **data) {
    *data = ch->out.data ? ch->out.data + ch->written : NULL;
    return backlog(ch);
}

void frame_channel_sent(frame_channel *ch, size_t n) {
    ch->written += n < backlog(ch) ? n : backlog(ch);
    if (ch->written == ch->out.len) {
        frame_forget(&ch->out, 4 * FRAME_BACKLOG);
        ch->written = 0;
    } else if (ch->written >= FRAME_BACKLOG && ch->written >= ch->out.len / 2) {
        keel_buf_consume(&ch->out, ch->written);
        ch->written = 0;
    }
    frame_pump(ch);
}

size_t frame_channel_queued(const frame_channel *ch) {
    return backlog(ch) + ch->waiting;
}
