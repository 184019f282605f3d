/* A peer that breaks the protocol, or tries to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "digest.h"
#include "frame.h"

static void count(void *ctx, const frame *f) {
    assert_int_equal(f->ref, 2);
    ++*(int *)ctx;
}

static char *pattern(size_t len, unsigned seed) {
    char *p = keel_alloc(len);
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1103515245u + 12345u;
        p[i] = (char)(seed >> 16);
    }
    return p;
}

static void put(keel_buf *b, uint64_t v, int bytes) {
    for (int i = 0; i < bytes; i++) {
        keel_buf_putc(b, (char)(v >> (8 * i) & 0xff));
    }
}

/* Builds frames by hand. */
static void raw(keel_buf *b, uint32_t len, uint16_t type, uint16_t flags, uint64_t run,
                uint64_t ref, const void *body, size_t body_len) {
    put(b, len, 4);
    put(b, type, 2);
    put(b, flags, 2);
    put(b, run, 8);
    put(b, ref, 8);
    keel_buf_append(b, body, body_len);
}

/* The frame that announces a body of `len` bytes. */
static void announce(keel_buf *b, uint32_t len, uint16_t type, const digest *sum) {
    keel_buf body = KEEL_BUF_INIT;
    raw(&body, len, type, 0, 4, 2, sum->bytes, sizeof sum->bytes);
    raw(b, (uint32_t)body.len, FRAME_CHUNK, 1, 4, 2, body.data, body.len);
    keel_buf_free(&body);
}

static void piece(keel_buf *b, const char *body, uint64_t at, size_t len) {
    raw(b, (uint32_t)len, FRAME_CHUNK, 2, 4, at, body + at, len);
}

static void expect_fault(keel_buf *bytes, const char *said) {
    frame_channel *ch = frame_channel_create();
    int got = 0;
    diag d = {.code = 0};
    assert_int_equal(frame_channel_feed(ch, bytes->data, bytes->len, count, &got, &d), DIAG_FAILED);
    if (!strstr(d.what, said)) {
        fail_msg("\"%s\" does not say \"%s\"", d.what, said);
    }
    assert_true(d.next[0]);
    assert_int_equal(got, 0);
    /* A broken channel stays broken. */
    assert_int_equal(frame_channel_feed(ch, "", 0, count, &got, NULL), DIAG_FAILED);
    frame_channel_destroy(ch);
    keel_buf_clear(bytes);
}

static void lengths_are_refused_before_the_body(void **state) {
    (void)state;
    keel_buf b = KEEL_BUF_INIT;
    digest sum = digest_of("", 0);
    raw(&b, FRAME_INLINE + 1, 1, 0, 0, 0, NULL, 0);
    expect_fault(&b, "length over the limit");
    raw(&b, UINT32_MAX, 1, 0, 0, 0, NULL, 0);
    expect_fault(&b, "length over the limit");
    announce(&b, FRAME_LIMIT + 1, 1, &sum);
    expect_fault(&b, "outside of the limits");
    announce(&b, UINT32_MAX, 1, &sum);
    expect_fault(&b, "outside of the limits");
    announce(&b, FRAME_INLINE, 1, &sum);
    expect_fault(&b, "outside of the limits");
    keel_buf_free(&b);
}

static void chunks_out_of_order_are_refused(void **state) {
    (void)state;
    size_t len = FRAME_INLINE + 100;
    char *body = pattern(len, 6);
    digest sum = digest_of(body, len);
    keel_buf b = KEEL_BUF_INIT;
    piece(&b, body, 0, FRAME_INLINE); /* nothing announced */
    expect_fault(&b, "out of order");
    announce(&b, (uint32_t)len, 1, &sum);
    piece(&b, body, FRAME_INLINE, 100);
    expect_fault(&b, "out of order");
    announce(&b, (uint32_t)len, 1, &sum);
    piece(&b, body, 0, 100); /* too short */
    expect_fault(&b, "out of order");
    announce(&b, (uint32_t)len, 1, &sum);
    piece(&b, body, 0, FRAME_INLINE);
    piece(&b, body, FRAME_INLINE, 99);
    expect_fault(&b, "out of order");
    announce(&b, (uint32_t)len, 1, &sum);
    announce(&b, (uint32_t)len, 1, &sum);
    expect_fault(&b, "before the last one had ended");
    announce(&b, (uint32_t)len, FRAME_CHUNK, &sum);
    expect_fault(&b, "cannot be");
    raw(&b, 8, FRAME_CHUNK, 1, 0, 0, "12345678", 8);
    expect_fault(&b, "wrong size");
    raw(&b, 0, FRAME_CHUNK, 3, 0, 0, NULL, 0);
    expect_fault(&b, "not known");
    raw(&b, 0, 0xfff2, 0, 0, 0, NULL, 0);
    expect_fault(&b, "not known");
    raw(&b, 0, FRAME_CHUNK_ACK, 0, 0, 1, NULL, 0);
    expect_fault(&b, "not sent");
    keel_buf_free(&b);
    free(body);
}

static void digest_must_be_that_of_the_body(void **state) {
    (void)state;
    size_t len = FRAME_INLINE + 100;
    char *body = pattern(len, 7);
    digest sum = digest_of(body, len);
    keel_buf b = KEEL_BUF_INIT;
    for (size_t flip = 0; flip < len; flip += FRAME_INLINE + 50) {
        body[flip] ^= 1;
        announce(&b, (uint32_t)len, 1, &sum);
        piece(&b, body, 0, FRAME_INLINE);
        piece(&b, body, FRAME_INLINE, 100);
        expect_fault(&b, "digest of a large body");
        body[flip] ^= 1;
    }
    /* The same bytes untouched pass, so that the test above tests the digest. */
    announce(&b, (uint32_t)len, 1, &sum);
    piece(&b, body, 0, FRAME_INLINE);
    piece(&b, body, FRAME_INLINE, 100);
    frame_channel *ch = frame_channel_create();
    int got = 0;
    assert_int_equal(frame_channel_feed(ch, b.data, b.len, count, &got, NULL), 0);
    assert_int_equal(got, 1);
    frame_channel_destroy(ch);
    keel_buf_free(&b);
    free(body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_are_refused_before_the_body),
        cmocka_unit_test(chunks_out_of_order_are_refused),
        cmocka_unit_test(digest_must_be_that_of_the_body),
    };
    return cmocka_run_group_tests_name("framefault", tests, NULL, NULL);
}
