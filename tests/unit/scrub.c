/* Scrubbing: each way to write a secret, at each place, cut anywhere. long: writers of each form, and tables. */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "keel/buf.h"
#include "scrub.h"

/* ---- writers, made for the test ---- */

static void write_raw(keel_buf *out, const char *s, size_t len) {
    keel_buf_append(out, s, len);
}

static void write_base64(keel_buf *out, const char *s, size_t len, size_t skip, int variant) {
    unsigned char plain[512];
    char text[1024];
    memset(plain, 'Q', sizeof plain);
    memcpy(plain + skip, s, len);
    sodium_bin2base64(text, sizeof text, plain, skip + len + 4, variant);
    keel_buf_puts(out, text);
}

#define BASE64(name, skip, variant)                                                                \
    static void name(keel_buf *out, const char *s, size_t len) {                                   \
        write_base64(out, s, len, skip, variant);                                                  \
    }
BASE64(write_base64_0, 0, sodium_base64_VARIANT_ORIGINAL)
BASE64(write_base64_1, 1, sodium_base64_VARIANT_ORIGINAL)
BASE64(write_base64_2, 2, sodium_base64_VARIANT_ORIGINAL)
BASE64(write_base64_url_0, 0, sodium_base64_VARIANT_URLSAFE)
BASE64(write_base64_url_1, 1, sodium_base64_VARIANT_URLSAFE_NO_PADDING)
BASE64(write_base64_url_2, 2, sodium_base64_VARIANT_URLSAFE_NO_PADDING)

static void each(keel_buf *out, const char *s, size_t len, const char *format) {
    for (size_t i = 0; i < len; i++) {
        char text[16];
        snprintf(text, sizeof text, format, (unsigned char)s[i]);
        keel_buf_puts(out, text);
    }
}

static void write_hex(keel_buf *out, const char *s, size_t len) {
    each(out, s, len, "%02x");
}

static void write_hex_capitals(keel_buf *out, const char *s, size_t len) {
    each(out, s, len, "%02X");
}

static void write_percent_all(keel_buf *out, const char *s, size_t len) {
    each(out, s, len, "%%%02x");
}

static void write_percent_all_capitals(keel_buf *out, const char *s, size_t len) {
    each(out, s, len, "%%%02X");
}

static bool unreserved(char c) {
    return c > 0 && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~", c);
}

static void percent(keel_buf *out, const char *s, size_t len, const char *format, bool form) {
    for (size_t i = 0; i < len; i++) {
        if (form && s[i] == ' ') {
            keel_buf_putc(out, '+');
        } else if (unreserved(s[i])) {
            keel_buf_putc(out, s[i]);
        } else {
            each(out, s + i, 1, format);
        }
    }
}

static void write_percent(keel_buf *out, const char *s, size_t len) {
    percent(out, s, len, "%%%02x", false);
}

static void write_percent_capitals(keel_buf *out, const char *s, size_t len) {
    percent(out, s, len, "%%%02X", false);
}

static void write_form(keel_buf *out, const char *s, size_t len) {
    percent(out, s, len, "%%%02X", true);
}

static void json(keel_buf *out, const char *s, size_t len, const char *escape, bool named) {
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        const char *e = named ? strchr("\nn\tt\rr\bb\ff", c) : NULL;
        if (c < ' ' && e) {
            keel_buf_printf(out, "\\%c", e[1]);
        } else if (c < ' ') {
            keel_buf_printf(out, "\\u%04x", c);
        } else if (strchr(escape, c)) {
            keel_buf_printf(out, "\\%c", c);
        } else {
            keel_buf_putc(out, (char)c);
        }
    }
}

static void write_json(keel_buf *out, const char *s, size_t len) {
    json(out, s, len, "\"\\", true);
}

static void write_json_slashes(keel_buf *out, const char *s, size_t len) {
    json(out, s, len, "\"\\/", false);
}

/* Each character of UTF-8 as \uXXXX. */
static void utf16(keel_buf *out, const char *s, size_t len, const char *format) {
    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)s[i];
        size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
        uint32_t code = n == 1 ? c : c & (0x7fu >> n);
        for (size_t k = 1; k < n; k++) {
            code = code << 6 | ((unsigned char)s[i + k] & 0x3f);
        }
        char text[16];
        if (code > 0xffff) {
            snprintf(text, sizeof text, format, 0xd800 + ((code - 0x10000) >> 10));
            keel_buf_puts(out, text);
            code = 0xdc00 + ((code - 0x10000) & 0x3ff);
        }
        snprintf(text, sizeof text, format, code);
        keel_buf_puts(out, text);
        i += n;
    }
}

static void write_json_codes(keel_buf *out, const char *s, size_t len) {
    utf16(out, s, len, "\\u%04x");
}

static void write_json_codes_capitals(keel_buf *out, const char *s, size_t len) {
    utf16(out, s, len, "\\u%04X");
}

static const struct writer {
    const char *name;
    void (*write)(keel_buf *out, const char *s, size_t len);
    bool base64; /* digits at the edges are of the neighbours too */
    bool utf8;   /* only for secrets that are */
} writers[] = {
    {"raw", write_raw, false, false},
    {"base64 0", write_base64_0, true, false},
    {"base64 1", write_base64_1, true, false},
    {"base64 2", write_base64_2, true, false},
    {"base64url 0", write_base64_url_0, true, false},
    {"base64url 1", write_base64_url_1, true, false},
    {"base64url 2", write_base64_url_2, true, false},
    {"hex", write_hex, false, false},
    {"HEX", write_hex_capitals, false, false},
    {"percent all", write_percent_all, false, false},
    {"PERCENT all", write_percent_all_capitals, false, false},
    {"percent", write_percent, false, false},
    {"PERCENT", write_percent_capitals, false, false},
    {"form", write_form, false, false},
    {"json", write_json, false, false},
    {"json slashes", write_json_slashes, false, false},
    {"json codes", write_json_codes, false, true},
    {"JSON codes", write_json_codes_capitals, false, true},
};
#define WRITERS (sizeof writers / sizeof *writers)

static const struct secret_case {
    const char *data;
    size_t len;
    bool utf8;
} secrets[] = {
    {"hunter2", 7, true},
    {"sixsix", 6, true},
    {"%41%25%", 7, true},
    {"back\\sl/ash \"quoted\"", 20, true},
    {"two\nlines\tand \x01 more", 20, true},
    {"p\xc3\xa4ssw\xc3\xb6rt \xe2\x82\xac \xf0\x9f\x94\x91 end", 23, true},
    {"\xff\xfb\xef\xbe\xfb\xef\xbe\xff\x3f\x3e", 10, false},
    {"sk-live_51H8.AbC+/=~Zz09", 24, true},
    {"\\\\a\\\\\\b\\%", 9, true},
    {" a b  c +", 9, true},
};
#define SECRETS (sizeof secrets / sizeof *secrets)

static const char filler[] =
    "The {quick} brown-fox; jumps=over [the] lazy_dog, 12345:67890 <tag/>.";

/* How many of the bytes of `written` a scrubbed text may still show: four digits at each edge of a
 * base64, which belong to the neighbours too. */
static void check(const struct writer *w, const char *whole, size_t offset, size_t written,
                  const char *scrubbed) {
    for (size_t i = 0; whole[i]; i++) {
        bool inside = i >= offset && i < offset + written;
        if (!inside) {
            assert_int_equal(scrubbed[i], whole[i]);
        }
    }
    size_t kept = 0;
    for (size_t i = offset; i < offset + written; i++) {
        kept += scrubbed[i] != '*';
    }
    /* With the four bytes "Q" behind, and up to two before it. */
    if (w->base64 ? kept > 11 : kept > 0) {
        fail_msg("%s: %zu bytes are left: %s", w->name, kept, scrubbed);
    }
}

static void finds_each_form_at_each_place(void **state) {
    (void)state;
    for (size_t i = 0; i < SECRETS * WRITERS; i++) {
        const struct writer *w = &writers[i % WRITERS];
        const struct secret_case *c = &secrets[i / WRITERS];
        if (w->utf8 && !c->utf8) {
            continue;
        }
        scrub *s = scrub_create();
        scrub_add(s, c->data, c->len);
        scrub_add(s, c->data, c->len);
        for (size_t offset = 0; offset < sizeof filler; offset++) {
            keel_buf text = KEEL_BUF_INIT;
            keel_buf_append(&text, filler, offset);
            w->write(&text, c->data, c->len);
            size_t written = text.len - offset;
            keel_buf_puts(&text, filler + offset);
            char *whole = keel_memdup(text.data, text.len);
            if (scrub_bytes(s, text.data, text.len) != 1) {
                fail_msg("%s of %s at %zu: %s", w->name, c->data, offset, text.data);
            }
            check(w, whole, offset, written, text.data);
            free(whole);
            keel_buf_free(&text);
        }
        scrub_destroy(s);
    }
}

/* A caller as egress is one: keeps what it may not pass on, and gives it again. */
static void stream(const scrub *s, const char *data, size_t len, const size_t *cuts, size_t count,
                   keel_buf *out) {
    keel_buf held = KEEL_BUF_INIT;
    size_t at = 0;
    for (size_t i = 0; i <= count; i++) {
        size_t to = i < count ? cuts[i] : len;
        keel_buf_append(&held, data + at, to - at);
        at = to;
        size_t n = scrub_stream(s, held.data, held.len, i == count);
        keel_buf_append(out, held.data, n);
        keel_buf_consume(&held, n);
    }
    assert_int_equal(held.len, 0);
    keel_buf_free(&held);
}

static void finds_it_however_a_stream_is_cut(void **state) {
    (void)state;
    for (size_t i = 0; i < SECRETS * WRITERS; i++) {
        const struct writer *w = &writers[i % WRITERS];
        const struct secret_case *c = &secrets[i / WRITERS];
        scrub *s = scrub_create();
        scrub_add(s, c->data, c->len);
        keel_buf text = KEEL_BUF_INIT;
        keel_buf whole = KEEL_BUF_INIT;
        keel_buf_puts(&text, "before ");
        if (!w->utf8 || c->utf8) {
            w->write(&text, c->data, c->len);
        }
        keel_buf_puts(&text, " after");
        keel_buf_append(&whole, text.data, text.len);
        scrub_bytes(s, whole.data, whole.len);
        for (size_t a = 0; a <= text.len; a++) {
            for (size_t b = a; b <= text.len; b += b - a < 3 ? 1 : 7) {
                keel_buf out = KEEL_BUF_INIT;
                stream(s, text.data, text.len, (size_t[]){a, b}, 2, &out);
                assert_int_equal(out.len, whole.len);
                assert_memory_equal(out.data, whole.data, whole.len);
                keel_buf_free(&out);
            }
        }
        keel_buf_free(&text);
        keel_buf_free(&whole);
        scrub_destroy(s);
    }
}

static void passes_on_what_begins_no_secret(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t passed;
    } cases[] = {
        {"", 0},          {"* OK ready\r\n", 12}, {"hunter", 0},       {"x hunter", 2},
        {"hunter1", 7},   {"hunterhunt", 6},      {"68756e746572", 0}, {"say %68%75", 4},
        {"x\\u006", 1},   {"x\\u006z", 7},        {"aHVud", 0},        {"%", 0},
        {"100% sure", 9},
    };
    scrub *s = scrub_create();
    scrub_add(s, "hunter2", 7);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        size_t len = strlen(cases[i].text);
        memcpy(text, cases[i].text, len + 1);
        assert_int_equal(scrub_stream(s, text, len, 0), cases[i].passed);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(scrub_stream(s, text, len, 1), len);
        assert_string_equal(text, cases[i].text);
    }
    scrub_destroy(s);
}

static void replaces_overlapping_ones_wholly(void **state) {
    (void)state;
    static const struct {
        const char *secrets[3];
        const char *text;
        const char *becomes;
        size_t places;
    } cases[] = {
        {{"abcdef", "defghi"}, "xabcdefghix", "x*********x", 1},
        {{"defghi", "abcdef"}, "xabcdefghix", "x*********x", 1},
        {{"abcdef", "abcdefghi"}, "abcdefghi abcdefgh abcdef", "********* ******gh ******", 3},
        {{"cdefgh", "abcdefghij"}, "abcdefghij", "**********", 1},
        {{"aaaaaa", NULL}, "aaaaaaaaaaaaab", "*************b", 1},
        {{"abcabc", NULL}, "abcabcabcabcab", "************ab", 1},
        {{"abcdef", "ghijkl"}, "abcdefghijklm", "************m", 2},
        {{"abcdef", "efghij", "ijklmn"}, "abcdefghijklmn", "**************", 1},
        {{"abcde", NULL}, "abcde", "abcde", 0}, /* five bytes are not looked for */
        {{"abcdef", NULL}, "ABCDEF", "ABCDEF", 0},
        {{"", NULL}, "abc", "abc", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scrub *s = scrub_create();
        char text[64];
        size_t len = strlen(cases[i].text);
        for (int k = 0; k < 3 && cases[i].secrets[k]; k++) {
            scrub_add(s, cases[i].secrets[k], strlen(cases[i].secrets[k]));
        }
        for (size_t a = 0; a <= len; a++) {
            keel_buf out = KEEL_BUF_INIT;
            stream(s, cases[i].text, len, (size_t[]){a}, 1, &out);
            assert_string_equal(out.data, cases[i].becomes);
            keel_buf_free(&out);
        }
        memcpy(text, cases[i].text, len + 1);
        assert_int_equal(scrub_bytes(s, text, len), cases[i].places);
        assert_string_equal(text, cases[i].becomes);
        scrub_destroy(s);
    }
}

static uint32_t seed = 1;

static uint32_t pick(uint32_t below) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

/* Texts of two letters are full of overlaps: compared with the plainest way to do it. */
static void agrees_with_the_plainest_way(void **state) {
    (void)state;
    for (int round = 0; round < 3000; round++) {
        char words[3][12];
        char text[200];
        char plain[200];
        size_t len = 20 + pick(180);
        scrub *s = scrub_create();
        for (size_t i = 0; i < len; i++) {
            plain[i] = text[i] = "ab"[pick(2)];
        }
        for (int w = 0; w < 3; w++) {
            size_t n = 6 + pick(5);
            for (size_t i = 0; i < n; i++) {
                words[w][i] = "ab"[pick(2)];
            }
            scrub_add(s, words[w], n);
            for (size_t i = 0; i + n <= len; i++) {
                if (memcmp(text + i, words[w], n) == 0) {
                    memset(plain + i, '*', n);
                }
            }
        }
        size_t cuts[20];
        size_t at = 0;
        for (size_t i = 0; i < 20; i++) {
            at += pick((uint32_t)(len - at + 1) / 4 + 1);
            cuts[i] = at;
        }
        keel_buf out = KEEL_BUF_INIT;
        stream(s, text, len, cuts, 20, &out);
        assert_int_equal(out.len, len);
        assert_memory_equal(out.data, plain, len);
        keel_buf_free(&out);
        scrub_destroy(s);
    }
}

/* What is held does not grow with the stream, also of a secret that overlaps itself. */
static void holds_little(void **state) {
    (void)state;
    scrub *s = scrub_create();
    char text[4096];
    scrub_add(s, "aaaaaaaa", 8);
    memset(text, 'a', sizeof text);
    assert_true(scrub_stream(s, text, sizeof text, 0) >= sizeof text - 16);
    scrub_destroy(s);
}

static void is_fast_enough_for_large_bodies(void **state) {
    (void)state;
    enum { SIZE = 15 << 20 };
    scrub *s = scrub_create();
    unsigned char *random = keel_alloc(SIZE / 4 * 3);
    char *text = keel_alloc(SIZE + 1);
    unsigned char key[randombytes_SEEDBYTES] = {7};
    randombytes_buf_deterministic(random, SIZE / 4 * 3, key);
    for (int i = 0; i < 8; i++) {
        scrub_add(s, (char *)random + 1000 * (i + 1), 40);
    }
    sodium_bin2base64(text, SIZE + 1, random, SIZE / 4 * 3, sodium_base64_VARIANT_ORIGINAL);
    clock_t began = clock();
    assert_int_equal(scrub_bytes(s, text, SIZE), 8);
    double seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
    print_message("# 15 MiB of base64 and 8 secrets: %.3f s\n", seconds);
    assert_true(seconds < 5);
    free(text);
    free(random);
    scrub_destroy(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_each_form_at_each_place),
        cmocka_unit_test(finds_it_however_a_stream_is_cut),
        cmocka_unit_test(passes_on_what_begins_no_secret),
        cmocka_unit_test(replaces_overlapping_ones_wholly),
        cmocka_unit_test(agrees_with_the_plainest_way),
        cmocka_unit_test(holds_little),
        cmocka_unit_test(is_fast_enough_for_large_bodies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
