/* The scripted outside's mail: commands of IMAP in pieces, sets, headers, mailboxes, logins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "digest.h"
#include "imap_words.h"
#include "post.h"
#include "script_mail.h"

/* ---- commands ---- */

/* Words as "a atom", "t text", "(" and ")", with | between. */
static const struct {
    const char *bytes;
    const char *words; /* NULL: refused */
} commands[] = {
    {"a NOOP\r\n", "a a|a NOOP"},
    {"a noop\n", "a a|a noop"},
    {"k1 LOGIN \"a \\\"b\\\\\" {3}\r\np w\r\n", "a k1|a LOGIN|t a \"b\\|t p w"},
    {"k2 APPEND Drafts (\\Draft \\Seen) {5+}\r\na\r\nb)\r\n",
     "a k2|a APPEND|a Drafts|(|a \\Draft|a \\Seen|)|t a\r\nb)"},
    {"a UID FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (A B)]<0.9>)\r\n",
     "a a|a UID|a FETCH|a 1:*|(|a UID|a BODY.PEEK[HEADER.FIELDS (A B)]<0.9>|)"},
    {"a X {0}\r\n {2}\r\nyz\r\n", "a a|a X|t |t yz"},
    {"a \"open\r\n", NULL},
    {"\"a\" NOOP\r\n", NULL},
    {"\r\n", NULL},
};

static void write_words(const imap_words *w, keel_buf *out) {
    static const char *const marks[] = {"", "a ", "t ", "", ""};
    for (size_t i = 0; i < w->count; i++) {
        keel_buf_printf(out, "%s%s", i ? "|" : "", marks[w->items[i].kind]);
        keel_buf_append(out, w->items[i].text, w->items[i].len);
    }
    keel_buf_reserve(out, 1);
    out->data[out->len] = 0;
}

static void splits_commands(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        imap_words w = {.count = 0};
        keel_buf got = KEEL_BUF_INIT;
        char tag[8];
        size_t len = strlen(commands[i].bytes);
        bool taken = imap_words_split(&w, commands[i].bytes, len, tag, sizeof tag);
        if (taken != (commands[i].words != NULL)) {
            fail_msg("%s: taken %d", commands[i].bytes, taken);
        }
        if (taken) {
            write_words(&w, &got);
            assert_string_equal(got.data, commands[i].words);
        }
        imap_words_free(&w);
        keel_buf_free(&got);
    }
}

/* However it is cut, a command is whole at its last byte and not before; its client is asked for each
 * literal that it waits for, once. */
static void gathers_commands(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const char *bytes = commands[i].bytes;
        size_t len = strlen(bytes), asked = 0, literals = 0;
        imap_gather g = {0};
        bool go_on = false;
        for (size_t n = 0; n < len; n++) {
            char *part = keel_memdup(bytes, n);
            assert_int_equal(imap_gather_next(&g, part, n, &go_on), 0);
            asked += go_on;
            free(part);
        }
        assert_int_equal(imap_gather_next(&g, bytes, len, &go_on), len);
        for (const char *p = strchr(bytes, '}'); p; p = strchr(p + 1, '}')) {
            literals += p[-1] != '+';
        }
        assert_int_equal(asked, literals);
    }
}

/* ---- sets ---- */

static const struct {
    const char *set;
    const char *members; /* of 1 to 6, 6 being the last */
} sets[] = {{"1", "1"}, {"1,3", "13"}, {"2:4", "234"}, {"4:2", "234"},      {"5:*", "56"},
            {"*", "6"}, {"9:*", "6"},  {"*:5", "56"},  {"1:2,5,*", "1256"}, {"7", ""}};

static void reads_sets(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        char got[8] = "", *at = got;
        for (int64_t n = 1; n <= 6; n++) {
            *at = (char)('0' + n);
            at += imap_set_has(sets[i].set, n, 6);
        }
        *at = 0;
        assert_true(imap_set_valid(sets[i].set));
        assert_string_equal(got, sets[i].members);
    }
    assert_false(imap_set_valid(""));
    assert_false(imap_set_valid("1;2"));
}

/* ---- letters ---- */

static const char letter_text[] = "Subject:  one\r\n  two \r\nX-Message-ID: <no@b>\r\n"
                                  "message-id:\r\n <a.b@c>\r\n\r\nSubject: of the body\r\n";

static void reads_headers(void **state) {
    (void)state;
    static const struct {
        const char *name, *value; /* NULL: there is none */
    } rows[] = {{"Subject", "one  two"},
                {"SUBJECT", "one  two"},
                {"Message-ID", "<a.b@c>"},
                {"Message", NULL},
                {"From", NULL}};
    char id[32];
    size_t len = sizeof letter_text - 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        keel_buf value = KEEL_BUF_INIT;
        assert_int_equal(letter_header(letter_text, len, rows[i].name, &value),
                         rows[i].value != NULL);
        if (rows[i].value) {
            assert_string_equal(value.data, rows[i].value);
        }
        keel_buf_free(&value);
    }
    letter_id(letter_text, len, id, sizeof id);
    assert_string_equal(id, "a.b@c");
    letter_id("no header", 9, id, sizeof id);
    assert_string_equal(id, "");
    assert_string_equal(letter_text + letter_head(letter_text, len), "Subject: of the body\r\n");
}

/* UIDs rise and are never given again; a lost index gives others under another UIDVALIDITY. */
static void keeps_letters(void **state) {
    (void)state;
    post *p = post_create();
    folder *f = post_make(p, "me", "inbox");
    assert_ptr_equal(f, post_find(p, "me", "INBOX"));
    assert_null(post_find(p, "bea", "INBOX"));
    for (int64_t n = 1; n <= 3; n++) {
        assert_int_equal(folder_put(f, "x", 1, 0, 0), n);
    }
    folder_drop(f, 2);
    folder_drop(f, 0);
    assert_int_equal(folder_put(f, "x", 1, FLAG_SEEN, 0), 4);
    int64_t before = f->validity;
    post_forget(p);
    assert_true(f->validity != before);
    assert_int_equal(f->letters[0].uid, 1);
    assert_int_equal(f->letters[1].uid, 2);
    assert_int_equal(folder_put(f, "x", 1, 0, 0), 3);
    post_clear(p);
    assert_int_equal(f->count, 0);
    post_destroy(p);
}

/* ---- who ---- */

static void knows_who(void **state) {
    (void)state;
    static const char text[] = "users: { me: pw }\nsmtp: { domain: test.local }\n"
                               "imap: { without: [move] }\n";
    yaml_tree *t = NULL;
    mail_script m;
    char name[16];
    assert_int_equal(yaml_tree_parse(&t, "s", text, sizeof text - 1, NULL), 0);
    assert_int_equal(script_read_mail(&m, t, NULL), 0);
    assert_true(m.smtp.on && m.imap.on);
    assert_true(script_list_has(m.without, "MOVE"));
    assert_false(script_list_has(m.without, "UIDPLUS"));
    script_mailbox("Me+tag@Test.Local", name, sizeof name);
    assert_string_equal(name, "me");
    assert_true(script_login(&m, "me@test.local", "pw"));
    assert_false(script_login(&m, "me", "wrong"));
    assert_false(script_login(&m, "bea", "pw"));
    assert_false(script_login(&m, "", ""));
    assert_true(script_is_local(&m, "bea@TEST.local"));
    assert_false(script_is_local(&m, "bea@nottest.local"));
    m.users = NULL;
    assert_true(script_login(&m, "anybody", "anything"));
    yaml_tree_destroy(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_commands), cmocka_unit_test(gathers_commands),
        cmocka_unit_test(reads_sets),      cmocka_unit_test(reads_headers),
        cmocka_unit_test(keeps_letters),   cmocka_unit_test(knows_who),
    };
    return digest_init() ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
