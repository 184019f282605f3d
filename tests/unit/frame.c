#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frame.h"

#define MANY 64

/* What a side was handed, in order. */
typedef struct inbox {
    frame frames[MANY];
    int count;
    frame_channel *answer_on;
} inbox;

static void collect(void *ctx, const frame *f) {
    inbox *in = ctx;
    assert_true(in->count < MANY);
    in->frames[in->count] = *f;
    in->frames[in->count++].body = keel_memdup(f->body, f->len);
    if (in->answer_on) {
        frame_channel_send(in->answer_on, 99, 0, f->run, f->ref, NULL, 0);
    }
}

static void empty(inbox *in) {
    for (int i = 0; i < in->count; i++) {
        free((char *)in->frames[i].body);
    }
    in->count = 0;
}

/* Moves up to `most` bytes from one side to the other, in feeds of at most `step`. */
static size_t carry(frame_channel *from, frame_channel *to, inbox *in, size_t step, size_t most) {
    size_t moved = 0;
    const char *data;
    for (size_t n; moved < most && (n = frame_channel_output(from, &data)) > 0;) {
        n = n < step ? n : step;
        n = n < most - moved ? n : most - moved;
        char *copy = keel_memdup(data, n); /* exactly n bytes, so that ASan sees a read behind */
        frame_channel_sent(from, n);
        diag d;
        if (frame_channel_feed(to, copy, n, collect, in, &d) < 0) {
            fail_msg("%s", d.what);
        }
        free(copy);
        moved += n;
    }
    return moved;
}

static char *pattern(size_t len, unsigned seed) {
    char *p = keel_alloc(len);
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1103515245u + 12345u;
        p[i] = (char)(seed >> 16);
    }
    return p;
}

static void expect(const frame *f, uint16_t type, uint64_t run, uint64_t ref, const char *body,
                   size_t len) {
    assert_int_equal(f->type, type);
    assert_int_equal(f->run, run);
    assert_int_equal(f->ref, ref);
    assert_int_equal(f->len, len);
    assert_memory_equal(f->body, body, len);
}

static void header_is_as_the_page_says(void **state) {
    (void)state;
    frame_channel *ch = frame_channel_create();
    const char *data;
    assert_int_equal(frame_channel_output(ch, &data), 0);
    frame_channel_send(ch, 0x0102, 0x0304, 0x05060708090a0b0cu, 0x0d0e0f1011121314u, "xyz", 3);
    assert_int_equal(frame_channel_output(ch, &data), 27);
    assert_memory_equal(data,
                        "\x03\0\0\0\x02\x01\x04\x03\x0c\x0b\x0a\x09\x08\x07\x06\x05"
                        "\x14\x13\x12\x11\x10\x0f\x0e\x0dxyz",
                        27);
    assert_int_equal(frame_channel_queued(ch), 27);
    frame_channel_sent(ch, 20);
    assert_int_equal(frame_channel_output(ch, &data), 7);
    assert_memory_equal(data, "\x10\x0f\x0e\x0dxyz", 7);
    frame_channel_sent(ch, 7);
    assert_int_equal(frame_channel_output(ch, &data), 0);
    assert_int_equal(frame_channel_queued(ch), 0);
    frame_channel_destroy(ch);
    frame_channel_destroy(NULL);
}

static void any_split_gives_the_same_frames(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 110, 4000, FRAME_INLINE, FRAME_INLINE + 1, 200000, 7};
    static const size_t steps[] = {1, 2, 23, 24, 25, 1000, 65536, 1u << 20};
    char *body = pattern(200000, 1);
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
        frame_channel *a = frame_channel_create();
        frame_channel *b = frame_channel_create();
        inbox got = {.count = 0};
        inbox back = {.count = 0};
        for (uint64_t i = 0; i < 8; i++) {
            frame_channel_send2(a, 5, (uint16_t)i, 3, i, body, sizes[i] / 3, body + sizes[i] / 3,
                                sizes[i] - sizes[i] / 3);
        }
        while (carry(a, b, &got, steps[s], SIZE_MAX) + carry(b, a, &back, steps[s], SIZE_MAX)) {
        }
        assert_int_equal(got.count, 8);
        for (uint64_t i = 0; i < 8; i++) {
            expect(&got.frames[i], 5, 3, i, body, sizes[i]);
            assert_int_equal(got.frames[i].flags, i);
        }
        assert_int_equal(back.count, 0);
        assert_int_equal(frame_channel_queued(a) + frame_channel_queued(b), 0);
        empty(&got);
        frame_channel_destroy(a);
        frame_channel_destroy(b);
    }
    free(body);
}

static void window_holds_pieces_back(void **state) {
    (void)state;
    size_t len = 3u << 20; /* 48 pieces */
    char *body = pattern(len, 2);
    frame_channel *a = frame_channel_create();
    frame_channel *b = frame_channel_create();
    inbox got = {.count = 0};
    frame_channel_send(a, 1, 0, 9, 1, body, len);
    assert_true(frame_channel_queued(a) >= len);
    const char *data;
    assert_true(frame_channel_output(a, &data) < 3 * (FRAME_INLINE + FRAME_HEADER));
    /* Without acknowledgements no more than the window comes out. */
    size_t out = carry(a, b, &got, SIZE_MAX, SIZE_MAX);
    assert_int_equal(out, FRAME_HEADER + FRAME_HEADER + 32 +
                              FRAME_WINDOW * (FRAME_HEADER + FRAME_INLINE));
    assert_int_equal(got.count, 0);
    assert_int_equal(frame_channel_queued(a), len - FRAME_WINDOW * FRAME_INLINE);
    /* One acknowledgement lets one piece out. */
    inbox back = {.count = 0};
    assert_int_equal(carry(b, a, &back, SIZE_MAX, FRAME_HEADER), FRAME_HEADER);
    assert_int_equal(frame_channel_output(a, &data), FRAME_HEADER + FRAME_INLINE);
    while (carry(a, b, &got, SIZE_MAX, SIZE_MAX) + carry(b, a, &back, SIZE_MAX, SIZE_MAX)) {
    }
    assert_int_equal(got.count, 1);
    expect(&got.frames[0], 1, 9, 1, body, len);
    empty(&got);
    free(body);
    frame_channel_destroy(a);
    frame_channel_destroy(b);
}

/* Sends a large body of `run` and small frames behind it; takes in what arrives. The kernel's order
 * depends on this, so it is told by the refs of what arrived. */
static void order_of(uint64_t run, const uint64_t *small, int count, const char *expected) {
    size_t len = 2u << 20;
    char *body = pattern(len, 3);
    frame_channel *a = frame_channel_create();
    frame_channel *b = frame_channel_create();
    inbox got = {.count = 0};
    inbox back = {.count = 0};
    frame_channel_send(a, 1, 0, run, 'L', body, len);
    for (int i = 0; i < count; i++) {
        frame_channel_send(a, 2, 0, small[i], (uint64_t)('0' + i), "small", 5);
    }
    while (carry(a, b, &got, SIZE_MAX, SIZE_MAX) + carry(b, a, &back, SIZE_MAX, SIZE_MAX)) {
    }
    char refs[MANY + 1] = "";
    for (int i = 0; i < got.count; i++) {
        refs[i] = (char)got.frames[i].ref;
    }
    assert_string_equal(refs, expected);
    assert_int_equal(frame_channel_queued(a), 0);
    empty(&got);
    free(body);
    frame_channel_destroy(a);
    frame_channel_destroy(b);
}

static void small_frames_overtake_but_not_their_run(void **state) {
    (void)state;
    order_of(7, (const uint64_t[]){8, 9}, 2, "01L");
    order_of(7, (const uint64_t[]){7, 8, 7}, 3, "1L02");
    order_of(7, (const uint64_t[]){0, 7}, 2, "0L1");
    order_of(0, (const uint64_t[]){8, 0, 9}, 3, "L012");
}

static void large_bodies_keep_their_order(void **state) {
    (void)state;
    size_t len = 1u << 20;
    char *body = pattern(len, 4);
    frame_channel *a = frame_channel_create();
    frame_channel *b = frame_channel_create();
    inbox got = {.count = 0};
    inbox back = {.count = 0};
    frame_channel_send(a, 1, 0, 5, 1, body, len);
    frame_channel_send(a, 1, 0, 5, 2, "between", 7);
    frame_channel_send(a, 1, 0, 5, 3, body, len);
    frame_channel_send(a, 1, 0, 5, 4, "behind", 6);
    frame_channel_send(a, 1, 0, 6, 5, body, FRAME_INLINE + 1);
    frame_channel_send(b, 1, 0, 5, 1, body, len); /* both ways at once */
    while (carry(a, b, &got, 10000, 50000) + carry(b, a, &back, 10000, 50000)) {
    }
    assert_int_equal(got.count, 5);
    for (uint64_t i = 0; i < 5; i++) {
        assert_int_equal(got.frames[i].ref, i + 1);
    }
    expect(&got.frames[2], 1, 5, 3, body, len);
    assert_int_equal(back.count, 1);
    expect(&back.frames[0], 1, 5, 1, body, len);
    empty(&got);
    empty(&back);
    free(body);
    frame_channel_destroy(a);
    frame_channel_destroy(b);
}

static void largest_body_passes(void **state) {
    (void)state;
    char *body = pattern(FRAME_LIMIT, 5);
    frame_channel *a = frame_channel_create();
    frame_channel *b = frame_channel_create();
    inbox got = {.count = 0};
    inbox back = {.count = 0};
    frame_channel_send(a, 1, 0, 5, 1, body, FRAME_LIMIT);
    while (carry(a, b, &got, SIZE_MAX, SIZE_MAX) + carry(b, a, &back, SIZE_MAX, SIZE_MAX)) {
    }
    assert_int_equal(got.count, 1);
    expect(&got.frames[0], 1, 5, 1, body, FRAME_LIMIT);
    empty(&got);
    free(body);
    frame_channel_destroy(a);
    frame_channel_destroy(b);
}

static void handler_may_send(void **state) {
    (void)state;
    frame_channel *a = frame_channel_create();
    frame_channel *b = frame_channel_create();
    inbox got = {.count = 0, .answer_on = b};
    inbox back = {.count = 0};
    for (uint64_t i = 0; i < 50; i++) {
        frame_channel_send(a, 1, 0, 1, i, "question", 8);
    }
    carry(a, b, &got, 1000, SIZE_MAX);
    carry(b, a, &back, 1000, SIZE_MAX);
    assert_int_equal(back.count, 50);
    assert_int_equal(back.frames[49].ref, 49);
    empty(&got);
    empty(&back);
    frame_channel_destroy(a);
    frame_channel_destroy(b);
}

static void fields(void **state) {
    (void)state;
    keel_buf b = KEEL_BUF_INIT;
    frame_put(&b, "3.2.1", 5);
    frame_put(&b, "", 0);
    frame_put(&b, "a\0b", 3);
    keel_buf_puts(&b, "rest");
    frame f = {1, 0, 0, 0, b.data, b.len};
    frame_reader r = frame_read(&f);
    const char *text = NULL;
    size_t len = 99;
    assert_int_equal(frame_get(&r, &text, &len), 0);
    assert_int_equal(len, 5);
    assert_memory_equal(text, "3.2.1", 5);
    assert_int_equal(frame_get(&r, &text, &len), 0);
    assert_int_equal(len, 0);
    assert_int_equal(frame_get(&r, &text, &len), 0);
    assert_memory_equal(text, "a\0b", 3);
    assert_int_equal(r.end - r.p, 4);
    assert_memory_equal(r.p, "rest", 4);
    assert_int_equal(frame_get(&r, &text, &len), -1); /* "re" is a length beyond the end */
    assert_int_equal(len, 3);
    for (size_t cut = 0; cut < 7; cut++) {
        f.len = cut;
        r = frame_read(&f);
        assert_int_equal(frame_get(&r, &text, &len), -1);
    }
    keel_buf_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_is_as_the_page_says),
        cmocka_unit_test(any_split_gives_the_same_frames),
        cmocka_unit_test(window_holds_pieces_back),
        cmocka_unit_test(small_frames_overtake_but_not_their_run),
        cmocka_unit_test(large_bodies_keep_their_order),
        cmocka_unit_test(largest_body_passes),
        cmocka_unit_test(handler_may_send),
        cmocka_unit_test(fields),
    };
    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
