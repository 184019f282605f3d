/* Frames. The input is taken in three ways: as bytes from a hostile peer, fed whole and in pieces,
 * which must come to the same; as changes to the bytes of an honest one, so that faults behind a
 * valid header are met; and as a script of frames to send, which must all arrive, each run's in the
 * order in which they were sent. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "frame.h"

static void must(bool holds) {
    if (!holds) {
        abort();
    }
}

static char pattern[200000];

static void record(void *ctx, const frame *f) {
    keel_buf *to = ctx;
    digest sum = digest_of(f->body, f->len);
    keel_buf_append(to, &f->type, sizeof f->type);
    keel_buf_append(to, &f->flags, sizeof f->flags);
    keel_buf_append(to, &f->run, sizeof f->run);
    keel_buf_append(to, &f->ref, sizeof f->ref);
    keel_buf_append(to, sum.bytes, sizeof sum.bytes);
}

/* ---- a hostile peer ---- */

/* Feeds in steps that follow from `seed` (0: all at once); what arrived goes to `got`. */
static int feed(const uint8_t *data, size_t len, uint32_t seed, keel_buf *got, keel_buf *sent) {
    frame_channel *ch = frame_channel_create();
    diag d;
    int rc = 0;
    for (size_t at = 0; at < len && rc == 0;) {
        size_t n = len - at;
        if (seed) {
            seed = seed * 1664525u + 1013904223u;
            size_t step = 1 + (seed >> 16) % 67;
            n = n < step ? n : step;
        }
        char *copy = keel_memdup(data + at, n);
        rc = frame_channel_feed(ch, copy, n, record, got, &d);
        free(copy);
        at += n;
    }
    must(rc == 0 || (rc == DIAG_FAILED && d.what[0] && d.next[0]));
    const char *out;
    size_t n = frame_channel_output(ch, &out);
    keel_buf_append(sent, out, n);
    frame_channel_destroy(ch);
    return rc;
}

static void same_in_any_split(const uint8_t *data, size_t len) {
    keel_buf whole = KEEL_BUF_INIT;
    keel_buf split = KEEL_BUF_INIT;
    keel_buf out_whole = KEEL_BUF_INIT;
    keel_buf out_split = KEEL_BUF_INIT;
    int a = feed(data, len, 0, &whole, &out_whole);
    int b = feed(data, len, 1 + (uint32_t)len + (len ? data[len - 1] : 0), &split, &out_split);
    must(a == b && whole.len == split.len && out_whole.len == out_split.len);
    must(whole.len == 0 || memcmp(whole.data, split.data, whole.len) == 0);
    must(out_whole.len == 0 || memcmp(out_whole.data, out_split.data, out_whole.len) == 0);
    keel_buf_free(&whole);
    keel_buf_free(&split);
    keel_buf_free(&out_whole);
    keel_buf_free(&out_split);
}

/* ---- an honest peer's bytes, changed ---- */

#define LARGE (FRAME_INLINE + 50)
/* Where the headers stand: small, open with its body, piece, piece, small. */
static const uint32_t places[] = {0, FRAME_HEADER + 8, 2 * FRAME_HEADER + 8,
                                  3 * FRAME_HEADER + 40 + FRAME_INLINE,
                                  4 * FRAME_HEADER + 90 + FRAME_INLINE};

static void large_is_whole(void *ctx, const frame *f) {
    (void)ctx;
    must(f->len != LARGE || f->type != 3 || memcmp(f->body, pattern, LARGE) == 0);
}

static void changed_bytes_are_noticed(const uint8_t *data, size_t len) {
    frame_channel *ch = frame_channel_create();
    frame_channel_send(ch, 2, 0, 1, 1, "8 bytes.", 8);
    frame_channel_send(ch, 3, 0, 2, 2, pattern, LARGE);
    frame_channel_send(ch, 4, 0, 2, 3, "behind", 6);
    const char *out;
    size_t size = frame_channel_output(ch, &out);
    uint8_t *wire = (uint8_t *)keel_memdup(out, size);
    frame_channel_destroy(ch);
    for (size_t i = 0; i + 2 < len; i += 3) {
        size_t at = places[data[i] % 5] + (size_t)data[i + 1];
        wire[at < size ? at : size - 1] ^= data[i + 2];
    }
    same_in_any_split(wire, size);
    ch = frame_channel_create();
    frame_channel_feed(ch, wire, size, large_is_whole, NULL, NULL);
    frame_channel_destroy(ch);
    free(wire);
}

/* ---- a script ---- */

#define RUNS 4

typedef struct world {
    frame_channel *a;
    frame_channel *b;
    uint64_t sent[RUNS]; /* refs count up within a run */
    uint64_t got[RUNS];
    size_t lens[RUNS][256];
} world;

static void arrive(void *ctx, const frame *f) {
    world *w = ctx;
    must(f->run < RUNS && f->ref == w->got[f->run]);
    must(f->len == w->lens[f->run][f->ref] && memcmp(f->body, pattern, f->len) == 0);
    w->got[f->run]++;
}

static void refuse(void *ctx, const frame *f) {
    (void)ctx;
    (void)f;
    abort(); /* nobody sends this way */
}

static size_t carry(frame_channel *from, frame_channel *to, frame_handler *h, world *w,
                    size_t step) {
    const char *data;
    size_t n = frame_channel_output(from, &data);
    n = n < step ? n : step;
    char *copy = keel_memdup(data ? data : "", n);
    frame_channel_sent(from, n);
    must(frame_channel_feed(to, copy, n, h, w, NULL) == 0);
    free(copy);
    return n;
}

static void send_one(world *w, uint8_t what) {
    static const size_t sizes[] = {0, 3, 120, 65536, 65537, 131073, 200000, 24};
    uint64_t run = what % RUNS;
    size_t len = sizes[(what >> 2) % 8];
    if (w->sent[run] < 256) {
        w->lens[run][w->sent[run]] = len;
        frame_channel_send2(w->a, 1, 2, run, w->sent[run]++, pattern, len / 2, pattern + len / 2,
                            len - len / 2);
    }
}

static void all_arrive_in_order(const uint8_t *data, size_t len) {
    world *w = keel_alloc(sizeof *w);
    memset(w, 0, sizeof *w);
    w->a = frame_channel_create();
    w->b = frame_channel_create();
    for (size_t i = 0; i < len && i < 60; i++) {
        if (data[i] & 0x80) {
            carry(w->a, w->b, arrive, w, (size_t)1 << (data[i] & 31) % 20);
        } else if (data[i] & 0x40) {
            carry(w->b, w->a, refuse, w, (size_t)1 << (data[i] & 31) % 20);
        } else {
            send_one(w, data[i]);
        }
    }
    while (carry(w->a, w->b, arrive, w, SIZE_MAX) + carry(w->b, w->a, refuse, w, SIZE_MAX)) {
    }
    must(memcmp(w->sent, w->got, sizeof w->sent) == 0);
    must(frame_channel_queued(w->a) == 0 && frame_channel_queued(w->b) == 0);
    frame_channel_destroy(w->a);
    frame_channel_destroy(w->b);
    free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    for (size_t i = 0; !pattern[1] && i < sizeof pattern; i++) {
        pattern[i] = (char)(i * 31 + i / 251);
    }
    if (len && data[0] == 's') {
        all_arrive_in_order(data + 1, len - 1);
    } else if (len && data[0] == 't') {
        changed_bytes_are_noticed(data + 1, len - 1);
    } else {
        same_in_any_split(data, len);
    }
    return 0;
}
