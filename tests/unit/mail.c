/* Mails, hostile ones above all. Each tests/mail/NAME.eml has beside it what must come out,
 * NAME.json; MAIL_UPDATE=1 writes these anew (look at the difference before it is committed). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mail.h"

static char *patterns[] = {"me@studio.example", "me+*@studio.example"};
static const mail_owner owner = {patterns, 2};

static int read_file(const char *path, keel_buf *out) {
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        return -1;
    }
    char piece[4096];
    size_t n;
    keel_buf_puts(out, "");
    while ((n = fread(piece, 1, sizeof piece, f)) > 0) {
        keel_buf_append(out, piece, n);
    }
    fclose(f);
    return 0;
}

/* The item that an agent would see, checked to be canonical JSON. */
static void item_of(keel_buf *out, const char *bytes, size_t len) {
    mail m;
    mail_parse(&m, bytes, len, MAIL_TEXT_LIMIT);
    mail_place at = {.id = *m.message_id != 0 ? m.message_id : m.digest, .size = len};
    keel_json_writer w;
    keel_json_write(&w, out);
    mail_write(&w, &m, &at, &owner);
    mail_finish(&m);
    assert_int_equal(keel_json_check(out->data, out->len, NULL), 0);
}

static void update(const char *path, const keel_buf *item) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fprintf(f, "%s\n", item->data);
    fclose(f);
}

static void golden(void **state) {
    const char *name = *state;
    char path[512];
    keel_buf mail_bytes = KEEL_BUF_INIT;
    keel_buf want = KEEL_BUF_INIT;
    keel_buf got = KEEL_BUF_INIT;
    snprintf(path, sizeof path, "%s/%s.eml", MAIL_TESTS, name);
    assert_int_equal(read_file(path, &mail_bytes), 0);
    item_of(&got, mail_bytes.data, mail_bytes.len);
    snprintf(path, sizeof path, "%s/%s.json", MAIL_TESTS, name);
    if (getenv("MAIL_UPDATE") != NULL) {
        update(path, &got);
    }
    assert_int_equal(read_file(path, &want), 0);
    keel_buf_putc(&got, '\n');
    assert_string_equal(got.data, want.data);
    keel_buf_free(&mail_bytes);
    keel_buf_free(&want);
    keel_buf_free(&got);
}

/* Every prefix of every kind of mail parses too. */
static void every_prefix(void **state) {
    (void)state;
    static const char *const names[] = {"attachments", "html_only", "bad_addresses", "garbage"};
    for (size_t i = 0; i < 4; i++) {
        char path[512];
        keel_buf bytes = KEEL_BUF_INIT;
        snprintf(path, sizeof path, "%s/%s.eml", MAIL_TESTS, names[i]);
        assert_int_equal(read_file(path, &bytes), 0);
        for (size_t len = 0; len < bytes.len; len += 7) {
            char *exact = malloc(len + 1); /* so that a read beyond the end is seen */
            memcpy(exact, bytes.data, len);
            char *cut = realloc(exact, len > 0 ? len : 1);
            keel_buf got = KEEL_BUF_INIT;
            item_of(&got, cut, len);
            keel_buf_free(&got);
            free(cut);
        }
        keel_buf_free(&bytes);
    }
}

/* ---- too large to be kept as files ---- */

static void repeat(keel_buf *b, const char *text, size_t times) {
    for (size_t i = 0; i < times; i++) {
        keel_buf_puts(b, text);
    }
}

static void make_deep(keel_buf *b) {
    for (int i = 0; i < 20000; i++) {
        keel_buf_printf(b, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i);
    }
    keel_buf_puts(b, "\nat the bottom\n");
}

static void make_many_parts(keel_buf *b) {
    keel_buf_puts(b, "Content-Type: multipart/mixed; boundary=b\n\n");
    repeat(b, "--b\nContent-Type: image/png; name=x.png\n\nx\n", 20000);
}

static void make_headers(keel_buf *b) {
    repeat(b, "X-Filler: filler filler filler filler\n", 20000);
    keel_buf_puts(b, "\nbody\n");
}

static void make_long_header(keel_buf *b) {
    keel_buf_puts(b, "Subject: ");
    repeat(b, "=?utf-8?q?word_?= ", 50000);
    keel_buf_puts(b, "\n\nbody\n");
}

static void make_recipients(keel_buf *b) {
    keel_buf_puts(b, "To: a@b.example");
    repeat(b, ",\n a@b.example", 30000);
    keel_buf_puts(b, "\n\nbody\n");
}

static void make_nested_groups(keel_buf *b) {
    keel_buf_puts(b, "To: ");
    repeat(b, "g:", 100000);
    keel_buf_puts(b, "\n\nbody\n");
}

static void make_folded_groups(keel_buf *b) {
    keel_buf_puts(b, "Content-Type: message/rfc822\n\nrePLY-to \t: g:\n");
    repeat(b, " g:\n", 100000);
    keel_buf_puts(b, "\n\nbody\n");
}

static void make_forwards(keel_buf *b) {
    repeat(b, "Content-Type: message/rfc822\n\n", 30000);
    keel_buf_puts(b, "Subject: at last\n\nbody\n");
}

static void make_types(keel_buf *b) {
    keel_buf_puts(b, "Content-Type: multipart/mixed; boundary=b\n\n--b\n");
    repeat(b, "content-type : multipart/mixed;\n boundary=b\n\n--b\n", 15000);
}

static void make_comments(keel_buf *b) {
    keel_buf_puts(b, "From: ");
    repeat(b, "(", 200000);
    keel_buf_puts(b, "\n\nbody\n");
}

static void make_references(keel_buf *b) {
    keel_buf_puts(b, "References:");
    repeat(b, " <a@b.example>", 30000);
    keel_buf_puts(b, "\n\nbody\n");
}

static void make_line(keel_buf *b) {
    keel_buf_puts(b, "Subject: one line\n\n");
    repeat(b, "0123456789", 300000);
}

static void make_html(keel_buf *b) {
    keel_buf_puts(b, "Content-Type: text/html\n\n");
    repeat(b, "<a href=\"<!--<script", 40000);
}

static void make_tags(keel_buf *b) {
    keel_buf_puts(b, "Content-Type: text/html\n\n<p>");
    repeat(b, "<b x='", 100000);
}

static void make_boundaries(keel_buf *b) {
    keel_buf_puts(b, "Content-Type: multipart/mixed; boundary=\"");
    repeat(b, "-", 5000);
    keel_buf_puts(b, "\"\n\n");
    repeat(b, "--------\n", 90000);
}

/* Sound, small, and soon. */
static void huge(void **state) {
    void (*const *make)(keel_buf *) = *state;
    keel_buf bytes = KEEL_BUF_INIT;
    keel_buf got = KEEL_BUF_INIT;
    (*make)(&bytes);
    item_of(&got, bytes.data, bytes.len);
    assert_true(got.len < 100000); /* an answer stays small whatever came in */
    keel_buf_free(&bytes);
    keel_buf_free(&got);
}

static void fifty_megabytes(void **state) {
    (void)state;
    size_t len = 50u << 20;
    char *bytes = malloc(len);
    memset(bytes, 'x', len);
    memcpy(bytes, "Subject: big\n\n", 14);
    keel_buf got = KEEL_BUF_INIT;
    item_of(&got, bytes, len);
    keel_json v = keel_json_view(got.data, got.len);
    int64_t size = 0;
    assert_true(keel_json_int(keel_json_get(v, "size"), &size));
    assert_int_equal(size, len);
    assert_true(keel_json_true(keel_json_get(v, "truncated")));
    keel_buf_free(&got);
    free(bytes);
}

/* ---- the pieces ---- */

static void clean_words(void **state) {
    (void)state;
    static const struct {
        const char *in;
        size_t len;
        size_t limit;
        bool one_line;
        const char *out;
        bool whole;
    } rows[] = {
        {"plain", 5, 100, false, "plain", true},
        {"a\r\nb\rc\n", 7, 100, false, "a\nb\nc\n", true},
        {"a\r\nb\tc", 6, 100, true, "a b c", true},
        {"n\0ul\x07\x1b", 6, 100, false, "nul", true},
        {"\xc3\xa9t\xc3\xa9", 5, 3, false, "\xc3\xa9t", false},
        {"\xc3\xa9t\xc3\xa9", 5, 4, false, "\xc3\xa9t", false},
        {"12345", 5, 3, false, "123", false},
        {"\xff\xc0\xaf", 3, 100, false, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", true},
        {"\xed\xa0\x80", 3, 100, false, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", true},
        {"\xc2\x85x", 3, 100, false, "x", true},
        {"\xf4\x90\x80\x80", 4, 3, false, "\xEF\xBF\xBD", false},
        {"\xe2\x82", 2, 100, false, "\xEF\xBF\xBD\xEF\xBF\xBD", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        keel_buf b = KEEL_BUF_INIT;
        keel_buf_puts(&b, "");
        bool whole = words_clean(&b, rows[i].in, rows[i].len, rows[i].limit, rows[i].one_line);
        assert_string_equal(b.data, rows[i].out);
        assert_int_equal(whole, rows[i].whole);
        keel_buf_free(&b);
    }
}

static void html_words(void **state) {
    (void)state;
    static const struct {
        const char *in;
        const char *out;
    } rows[] = {
        {"<p>one</p><p>two", "one\n\ntwo"},
        {"a  \n\t b", "a b"},
        {"x<br>y<BR/>z", "x\ny\nz"},
        {"5 < 6 and a<b>b</b>c", "5 < 6 and abc"},
        {"<script>if (a > b) {}</script>after", "after"},
        {"<script>never closed", ""},
        {"<!-- a > b -->seen<!-- open", "seen"},
        {"&lt;b&gt; &#65;&#x42; &#0; &#xD800; &nosuch; & &;",
         "<b> AB \xEF\xBF\xBD \xEF\xBF\xBD &nosuch; & &;"},
        {"<a title=\"a > b\">link</a>", "link"},
        {"<a title=\"never closed>text", "text"},
        {"<", "<"},
        {"</", ""},
        {"&#", "&#"},
        {"&#x;", "&#x;"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        keel_buf b = KEEL_BUF_INIT;
        keel_buf_puts(&b, "");
        html_text(&b, rows[i].in, strlen(rows[i].in));
        b.data[b.len] = 0;
        assert_string_equal(b.data, rows[i].out);
        keel_buf_free(&b);
    }
}

static void owners(void **state) {
    (void)state;
    static const struct {
        const char *address;
        bool is;
    } rows[] = {
        {"me@studio.example", true},
        {"ME@STUDIO.EXAMPLE", true},
        {"me+x@studio.example", true},
        {"you@studio.example", false},
        {"", false},
        {"me@studio.example.evil", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(mail_owner_is(&owner, rows[i].address), rows[i].is);
    }
}

static void message_ids(void **state) {
    (void)state;
    static const struct {
        const char *id;
        bool is;
    } rows[] = {
        {"a@b", true},  {"", false},     {"a b", false},
        {"a>b", false}, {"a\nb", false}, {"\xc3\xa9", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(words_is_id(rows[i].id), rows[i].is);
    }
}

static int warm(void **state) {
    (void)state;
    mail_warm();
    return 0;
}

static void (*makers[])(keel_buf *) = {
    make_deep,       make_many_parts,    make_headers,       make_long_header, make_recipients,
    make_comments,   make_references,    make_line,          make_html,        make_tags,
    make_boundaries, make_nested_groups, make_folded_groups, make_forwards,    make_types,
};
static const char *const maker_names[] = {
    "huge nesting",
    "huge number of parts",
    "huge number of headers",
    "huge header",
    "huge recipients",
    "huge comments",
    "huge references",
    "huge line",
    "huge comments in html",
    "huge open quotes in html",
    "huge boundaries",
    "huge groups",
    "huge folded groups",
    "huge forwards",
    "huge types",
};
static const char *const names[] = {
    "alternative",
    "attachments",
    "automatic",
    "bad_addresses",
    "bad_date",
    "bidi",
    "crlf",
    "encoded_subject",
    "folded",
    "from_group",
    "from_name_address",
    "from_several",
    "garbage",
    "html_only",
    "inject_id",
    "koi8",
    "list",
    "lying_charset",
    "no_body",
    "no_boundary",
    "no_headers",
    "nul",
    "open_boundary",
    "own",
    "plain",
    "quoted_printable",
    "raw_latin1",
    "two_from",
    "wrong_charset",
};

int main(void) {
    enum { NAMES = sizeof names / sizeof *names, MAKERS = sizeof makers / sizeof *makers };
    struct CMUnitTest tests[NAMES + MAKERS + 6];
    size_t n = 0;
    for (size_t i = 0; i < NAMES; i++) {
        tests[n++] = (struct CMUnitTest){names[i], golden, NULL, NULL, (void *)(uintptr_t)names[i]};
    }
    for (size_t i = 0; i < MAKERS; i++) {
        tests[n++] = (struct CMUnitTest){maker_names[i], huge, NULL, NULL, &makers[i]};
    }
    const struct CMUnitTest rest[] = {
        cmocka_unit_test(every_prefix), cmocka_unit_test(fifty_megabytes),
        cmocka_unit_test(clean_words),  cmocka_unit_test(html_words),
        cmocka_unit_test(owners),       cmocka_unit_test(message_ids),
    };
    memcpy(tests + n, rest, sizeof rest);
    return _cmocka_run_group_tests("mail", tests, n + 6, warm, NULL);
}
