#include "frame.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "frameint.h"

/* ---- the wire ---- */

static void put16(char *to, uint16_t v) {
    v = htole16(v);
    memcpy(to, &v, sizeof v);
}

static void put32(char *to, uint32_t v) {
    v = htole32(v);
    memcpy(to, &v, sizeof v);
}

static void put64(char *to, uint64_t v) {
    v = htole64(v);
    memcpy(to, &v, sizeof v);
}

static uint16_t get16(const char *from) {
    uint16_t v;
    memcpy(&v, from, sizeof v);
    return le16toh(v);
}

static uint32_t get32(const char *from) {
    uint32_t v;
    memcpy(&v, from, sizeof v);
    return le32toh(v);
}

static uint64_t get64(const char *from) {
    uint64_t v;
    memcpy(&v, from, sizeof v);
    return le64toh(v);
}

void frame_encode(char to[FRAME_HEADER], const frame_header *h) {
    put32(to, h->len);
    put16(to + 4, h->type);
    put16(to + 6, h->flags);
    put64(to + 8, h->run);
    put64(to + 16, h->ref);
}

frame_header frame_decode(const char *from) {
    return (frame_header){get32(from), get16(from + 4), get16(from + 6), get64(from + 8),
                          get64(from + 16)};
}

void frame_append(keel_buf *to, const frame_header *h, const void *a, size_t alen, const void *b,
                  size_t blen) {
    keel_buf_reserve(to, FRAME_HEADER + alen + blen);
    char *p = to->data + to->len;
    frame_encode(p, h);
    p += FRAME_HEADER;
    if (alen) {
        memcpy(p, a, alen);
    }
    if (blen) {
        memcpy(p + alen, b, blen);
    }
    p[alen + blen] = 0;
    to->len += FRAME_HEADER + alen + blen;
}

void frame_forget(keel_buf *b, size_t keep) {
    if (b->cap > keep) {
        keel_buf_free(b);
    } else {
        keel_buf_clear(b);
    }
}

/* ---- life ---- */

frame_channel *frame_channel_create(void) {
    frame_channel *ch = keel_alloc(sizeof *ch);
    memset(ch, 0, sizeof *ch);
    return ch;
}

void frame_stream_free(frame_stream *s) {
    free(s->body);
    keel_buf_free(&s->behind);
    free(s);
}

void frame_channel_destroy(frame_channel *ch) {
    if (!ch) {
        return;
    }
    while (ch->first) {
        frame_stream *s = ch->first;
        ch->first = s->next;
        frame_stream_free(s);
    }
    keel_buf_free(&ch->out);
    keel_buf_free(&ch->in);
    keel_buf_free(&ch->body);
    free(ch);
}

/* ---- fields ---- */

void frame_put(keel_buf *b, const char *text, size_t len) {
    if (len > UINT16_MAX) {
        abort();
    }
    char size[2];
    put16(size, (uint16_t)len);
    keel_buf_append(b, size, 2);
    keel_buf_append(b, text, len);
}

frame_reader frame_read(const frame *f) {
    return (frame_reader){f->body, f->body + f->len};
}

int frame_get(frame_reader *r, const char **text, size_t *len) {
    if (r->end - r->p < 2) {
        return -1;
    }
    size_t n = get16(r->p);
    if ((size_t)(r->end - r->p) - 2 < n) {
        return -1;
    }
    *text = r->p + 2;
    *len = n;
    r->p += 2 + n;
    return 0;
}
