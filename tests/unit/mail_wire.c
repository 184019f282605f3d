/* What IMAP and SMTP servers say, taken apart: tables of bytes and words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "imap.h"
#include "smtp.h"
#include "wire.h"

/* ---- where a response ends ---- */

static const struct {
    const char *bytes;
    int found;
    size_t end;
} frames[] = {
    {"", 0, 0},
    {"* OK", 0, 0},
    {"* OK\r", 0, 0},
    {"* OK\r\n", 1, 6},
    {"* OK\n", 1, 5},
    {"* OK\r\n* 1 EXISTS\r\n", 1, 6},
    {"* 1 FETCH (BODY[] {3}\r\nabc)\r\n", 1, 29},
    {"* 1 FETCH (BODY[] {3}\r\nab", 0, 0},
    {"* 1 FETCH (BODY[] {3}\r\nabc", 0, 0},
    {"* 1 FETCH (BODY[] {3}\r\na\r\n)\r\n", 1, 29},
    {"* 1 FETCH (A {1}\r\nx B {2}\r\nyy)\r\n", 1, 32},
    {"* 1 FETCH (A {0}\r\n)\r\n", 1, 21},
    {"* 1 FETCH (A {3+}\r\nabc)\r\n", 1, 25},
    {"* OK {x}\r\n", 1, 10}, /* no literal */
    {"* OK {}\r\n", 1, 9},
    {"* OK 3}\r\n", 1, 9},
    {"* 1 FETCH (A {15728641}\r\n", -1, 0},
    {"* 1 FETCH (A {99999999999999999999999999}\r\n", -1, 0},
    {"* 1 FETCH (A {15728640}\r\n", 0, 0},
};

static void framing(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        size_t len = strlen(frames[i].bytes);
        size_t end = 0;
        wire_frame whole = {0};
        int found = wire_frame_next(&whole, frames[i].bytes, len, &end);
        if (found != frames[i].found || (found > 0 && end != frames[i].end)) {
            fail_msg("%s: %d, %zu", frames[i].bytes, found, end);
        }
        /* The same a byte at a time. */
        wire_frame slow = {0};
        found = 0;
        for (size_t n = 0; n <= len && found == 0; n++) {
            found = wire_frame_next(&slow, frames[i].bytes, n, &end);
        }
        if (found != frames[i].found || (found > 0 && end != frames[i].end)) {
            fail_msg("%s, slowly: %d, %zu", frames[i].bytes, found, end);
        }
    }
}

static void long_lines(void **state) {
    (void)state;
    size_t len = WIRE_LINE + 2;
    char *line = malloc(len);
    memset(line, 'a', len);
    wire_frame f = {0};
    size_t end = 0;
    assert_int_equal(wire_frame_next(&f, line, WIRE_LINE, &end), 0);
    assert_int_equal(wire_frame_next(&f, line, len, &end), -1);
    free(line);
    /* Literals that are each small enough, and together too many. */
    keel_buf many = KEEL_BUF_INIT;
    int found = 0;
    wire_frame g = {0};
    for (int i = 0; i < 3 && found == 0; i++) {
        keel_buf_printf(&many, "A {%u}\r\n", 8u << 20);
        found = wire_frame_next(&g, many.data, many.len, &end);
        keel_buf_reserve(&many, 8u << 20);
        memset(many.data + many.len, 'x', 8u << 20);
        many.len += 8u << 20;
    }
    assert_int_equal(found, -1);
    keel_buf_free(&many);
}

/* ---- words ---- */

static const struct {
    const char *bytes;
    const char *words; /* A:atom T:text ( ) ! */
} lines[] = {
    {"* OK [UIDVALIDITY 12] ready\r\n", "A:* A:OK A:[UIDVALIDITY 12] A:ready "},
    {"* 1 FETCH (UID 3 FLAGS (\\Seen $x))\r\n",
     "A:* A:1 A:FETCH ( A:UID A:3 A:FLAGS ( A:\\Seen A:$x ) ) "},
    {"(BODY[HEADER.FIELDS (MESSAGE-ID)] {4}\r\na\r\nb)",
     "( A:BODY[HEADER.FIELDS (MESSAGE-ID)] T:a\r\nb ) "},
    {"BODY[]<0> \"q\\\"u\\\\o\"", "A:BODY[]<0> T:q\"u\\o "},
    {"\"\" NIL {0}\r\n\r\n", "T: A:NIL T: "},
    {"a(b)c", "A:a ( A:b ) A:c "},
    {"\"open", "!"},
    {"\"open\\", "!"},
    {"\"open\\\"", "!"},
    {"[open", "!"},
    {"{5}\r\nabc", "!"},
    {"{5}", "!"},
    {"{x}\r\nabc", "!"},
    {"a )", "A:a !"},
    {"a\x01"
     "b",
     "!"},
    {"", ""},
    {"\r\n", ""},
    {"   ", ""},
};

static void words(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        keel_buf got = KEEL_BUF_INIT;
        wire_scan s;
        wire_word w;
        keel_buf_puts(&got, "");
        wire_begin(&s, lines[i].bytes, strlen(lines[i].bytes));
        while (wire_next(&s, &w) != WIRE_END && w.kind != WIRE_BAD) {
            if (w.kind == WIRE_ATOM || w.kind == WIRE_TEXT) {
                keel_buf_puts(&got, w.kind == WIRE_ATOM ? "A:" : "T:");
                wire_text(&w, &got);
            } else {
                keel_buf_putc(&got, w.kind == WIRE_OPEN ? '(' : ')');
            }
            keel_buf_putc(&got, ' ');
        }
        if (w.kind == WIRE_BAD) {
            keel_buf_putc(&got, '!');
            assert_int_equal(wire_next(&s, &w), WIRE_END);
        }
        if (strcmp(got.data, lines[i].words) != 0) {
            fail_msg("%s: %s", lines[i].bytes, got.data);
        }
        keel_buf_free(&got);
    }
}

static void depth(void **state) {
    (void)state;
    char deep[200];
    wire_scan s;
    wire_word w;
    memset(deep, '(', sizeof deep);
    wire_begin(&s, deep, sizeof deep);
    int n = 0;
    while (wire_next(&s, &w) == WIRE_OPEN) {
        n++;
    }
    assert_int_equal(n, WIRE_DEPTH);
    assert_int_equal(w.kind, WIRE_BAD);
}

static void codes(void **state) {
    (void)state;
    static const struct {
        const char *word;
        bool good;
        uint64_t n;
    } rows[] = {
        {"[UIDVALIDITY 12]", true, 12},
        {"[uidvalidity 4294967295]", true, 4294967295},
        {"[UIDVALIDITY ]", false, 0},
        {"[UIDVALIDITY -1]", false, 0},
        {"[UIDVALIDITYX 1]", false, 0},
        {"[UIDNEXT 12]", false, 0},
        {"[UIDVALIDITY 1x]", false, 0},
        {"UIDVALIDITY", false, 0},
        {"[UIDVALIDITY 999999999999999999999]", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wire_word w = {WIRE_ATOM, rows[i].word, strlen(rows[i].word), false};
        uint64_t n = 0;
        if (wire_code(&w, "UIDVALIDITY", &n) != rows[i].good || n != rows[i].n) {
            fail_msg("%s", rows[i].word);
        }
    }
}

/* ---- FETCH ---- */

static void fetches(void **state) {
    (void)state;
    static const struct {
        const char *line;
        bool good;
        uint64_t uid, size;
        bool seen, answered;
        const char *body;
    } rows[] = {
        {"1 FETCH (UID 7 FLAGS (\\Seen \\Answered) RFC822.SIZE 3 BODY[]<0> {3}\r\nabc)", true, 7, 3,
         true, true, "abc"},
        {"1 FETCH (BODY[]<0> \"x\\\\y\" UID 7)", true, 7, 0, false, false, "x\\y"},
        {"1 FETCH (UID 7 BODY[] NIL)", true, 7, 0, false, false, NULL},
        {"1 FETCH (UID 7 ENVELOPE (\"a\" NIL ((NIL NIL \"x\" \"y\"))) FLAGS ())", true, 7, 0, false,
         false, NULL},
        {"1 fetch (uid 7 x-y z)", true, 7, 0, false, false, NULL},
        {"1 FETCH (FLAGS (\\Seen))", false, 0, 0, true, false, NULL},
        {"1 FETCH (UID 0)", false, 0, 0, false, false, NULL},
        {"1 FETCH (UID 99999999999)", false, 99999999999, 0, false, false, NULL},
        {"1 FETCH (UID x)", false, 0, 0, false, false, NULL},
        {"1 FETCH (UID 7", false, 7, 0, false, false, NULL},
        {"1 FETCH (UID 7 FLAGS \\Seen)", false, 7, 0, false, false, NULL},
        {"1 FETCH (UID 7 BODY[] 12)", false, 7, 0, false, false, NULL},
        {"1 FETCH (UID 7 ENVELOPE (\"a\")", false, 7, 0, false, false, NULL},
        {"1 FETCH UID 7", false, 0, 0, false, false, NULL},
        {"1 EXISTS", false, 0, 0, false, false, NULL},
        {"x FETCH (UID 7)", false, 0, 0, false, false, NULL},
        {"", false, 0, 0, false, false, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wire_scan s;
        imap_message m;
        keel_buf body = KEEL_BUF_INIT;
        wire_begin(&s, rows[i].line, strlen(rows[i].line));
        bool good = imap_fetch_parse(&s, &m);
        if (good != rows[i].good || m.uid != rows[i].uid || m.size != rows[i].size ||
            m.seen != rows[i].seen || m.answered != rows[i].answered) {
            fail_msg("%s", rows[i].line);
        }
        if (good && rows[i].body != NULL) {
            assert_true(m.has_body);
            wire_text(&m.body, &body);
            assert_string_equal(body.data, rows[i].body);
        } else if (good) {
            assert_false(m.has_body);
        }
        keel_buf_free(&body);
    }
}

static void names(void **state) {
    (void)state;
    static const struct {
        const char *folder;
        const char *wire; /* NULL: refused */
    } rows[] = {
        {"INBOX", "\"INBOX\""},
        {"Sent Items", "\"Sent Items\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\""},
        {"R&D", "\"R&-D\""},
        {"Entw\xc3\xbcrfe", "\"Entw&APw-rfe\""},
        {"\xe5\x8f\xb0\xe5\x8c\x97", "\"&U,BTFw-\""},
        {"\xf0\x9f\x98\x80!", "\"&2D3eAA-!\""},
        {"", NULL},
        {"a\r\nb", NULL},
        {"a\x7f", NULL},
        {"\xff", NULL},
        {"\xc3", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        keel_buf out = KEEL_BUF_INIT;
        bool good = imap_name(&out, rows[i].folder);
        if (good != (rows[i].wire != NULL) || (good && strcmp(out.data, rows[i].wire) != 0)) {
            fail_msg("%s: %s", rows[i].folder, out.data);
        }
        keel_buf_free(&out);
    }
}

/* ---- SMTP ---- */

static void answers(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        long end;
        int code;
        const char *said;
    } rows[] = {
        {"250 OK\r\n", 8, 250, "250 OK"},
        {"250\r\n", 5, 250, "250"},
        {"250 OK\n", 7, 250, "250 OK"},
        {"550-no\r\n550-such\r\n550 user\r\n", 28, 550, "550 user"},
        {"250 a\r\n354 b\r\n", 7, 250, "250 a"},
        {"421 caf\xc3\xa9\x1b\r\n", 12, 421, "421 caf???"},
        {"250 O", 0, 0, NULL},
        {"250-O\r\n", 0, 0, NULL},
        {"", 0, 0, NULL},
        {"250-a\r\n550 b\r\n", -1, 0, NULL},
        {"25\r\n", -1, 0, NULL},
        {"2500 OK\r\n", -1, 0, NULL},
        {"950 OK\r\n", -1, 0, NULL},
        {"* OK IMAP\r\n", -1, 0, NULL},
        {"\r\n", -1, 0, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int code = 0;
        char said[60] = "";
        long end = smtp_answer(rows[i].bytes, strlen(rows[i].bytes), &code, said, sizeof said);
        if (end != rows[i].end ||
            (end > 0 && (code != rows[i].code || strcmp(said, rows[i].said) != 0))) {
            fail_msg("%s: %ld %d %s", rows[i].bytes, end, code, said);
        }
    }
    char endless[SMTP_LINES * 8];
    keel_buf many = KEEL_BUF_INIT;
    int code = 0;
    for (int i = 0; i <= SMTP_LINES; i++) {
        keel_buf_puts(&many, "250-x\r\n");
    }
    assert_int_equal(smtp_answer(many.data, many.len, &code, endless, sizeof endless), -1);
    keel_buf_clear(&many);
    while (many.len <= SMTP_LINE) {
        keel_buf_puts(&many, "250 xxxxxxxxxxxxx");
    }
    assert_int_equal(smtp_answer(many.data, many.len, &code, endless, sizeof endless), -1);
    keel_buf_free(&many);
}

static void stuffing(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *wire;
    } rows[] = {
        {"", ""},
        {"a", "a\r\n"},
        {"a\n", "a\r\n"},
        {".\n", "..\r\n"},
        {"..\na.b\n.c", "...\r\na.b\r\n..c\r\n"},
        {"a\r\n.\r\n", "a\r\n..\r\n"},
        {"\n\n.", "\r\n\r\n..\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        keel_buf out = KEEL_BUF_INIT;
        keel_buf_puts(&out, "");
        smtp_lines(&out, rows[i].text, strlen(rows[i].text));
        assert_string_equal(out.data, rows[i].wire);
        keel_buf_free(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(framing), cmocka_unit_test(long_lines), cmocka_unit_test(words),
        cmocka_unit_test(depth),   cmocka_unit_test(codes),      cmocka_unit_test(fetches),
        cmocka_unit_test(names),   cmocka_unit_test(answers),    cmocka_unit_test(stuffing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
