/* Stores of mail: where messages begin and end in an mbox, the order of a Maildir, and cursors
 * under mail that arrives, moves and goes. */
#include "mbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "maildir.h"

/* ---- mbox ---- */

typedef struct memory {
    const char *data;
    size_t len;
    size_t piece; /* at most so much at once; 0: all */
    int fail;
} memory;

static int read_memory(void *ctx, uint64_t offset, size_t len, const char **data, size_t *got) {
    const memory *m = ctx;
    if (m->fail != 0) {
        return m->fail;
    }
    size_t left = offset < m->len ? m->len - (size_t)offset : 0;
    *got = left < len ? left : len;
    *data = m->data + (left > 0 ? (size_t)offset : 0);
    return 0;
}

#define F "From a@b.example Mon Nov  4 10:00:00 2002\n"

/* Messages as they come out, with "|" behind each, and what came last. */
static const struct {
    const char *name;
    const char *in;
    const char *out;
    int end;
} splits[] = {
    {"empty", "", "", MBOX_END},
    {"one", F "S: x\n\nbody\n", "S: x\n\nbody\n|", MBOX_END},
    {"two", F "S: x\n\none\n\n" F "S: y\n\ntwo\n\n", "S: x\n\none\n|S: y\n\ntwo\n|", MBOX_END},
    {"crlf",
     "From a Mon Nov  4 10:00:00 2002\r\nS: x\r\n\r\none\r\n\r\nFrom b Mon Nov  4 10:00:00 "
     "2002\r\nS: y\r\n\r\n",
     "S: x\r\n\r\none\r\n|S: y\r\n|", MBOX_END},
    {"blank lines before", "\n\n" F "S: x\n\nb\n", "S: x\n\nb\n|", MBOX_END},
    {"From in the body", F "S: x\n\none\n\nFrom what I hear\nit rains\n",
     "S: x\n\none\n\nFrom what I hear\nit rains\n|", MBOX_END},
    {"From with a time only", F "S: x\n\none\n\nFrom 10:30 to 11:00 in May 2002\n",
     "S: x\n\none\n\nFrom 10:30 to 11:00 in May 2002\n|", MBOX_END},
    {"From without an empty line", F "S: x\n\none\n" F "two\n", "S: x\n\none\n" F "two\n|",
     MBOX_END},
    {"quoted From", F "S: x\n\n>From me\n>>From you\n> From all\n>from\n",
     "S: x\n\nFrom me\n>From you\n> From all\n>from\n|", MBOX_END},
    {"no sender", "From  Mon Nov  4 10:00:00 2002\nS: x\n\nb\n", "S: x\n\nb\n|", MBOX_END},
    {"a zone at the end", F "S: x\n\nb\n\nFrom c@d Mon Nov  4 10:00:00 2002 +0100\nS: y\n",
     "S: x\n\nb\n|S: y\n|", MBOX_END},
    {"no last newline", F "S: x\n\nbody", "S: x\n\nbody|", MBOX_END},
    {"only a From line", F, "|", MBOX_END},
    {"torn From line", "From a@b", "|", MBOX_END},
    {"not an mbox", "Subject: x\n\nbody\n", "", MBOX_BAD},
    {"binary",
     "\x7f"
     "ELF\x02\x01",
     "", MBOX_BAD},
};

static void splitting(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
        memory in = {splits[i].in, strlen(splits[i].in), 0, 0};
        keel_buf message = KEEL_BUF_INIT;
        keel_buf all = KEEL_BUF_INIT;
        keel_buf_puts(&all, "");
        mbox m;
        mbox_entry e;
        mbox_begin(&m, read_memory, &in, 0);
        int rc;
        while ((rc = mbox_next(&m, &message, 1000, &e)) == MBOX_MESSAGE) {
            keel_buf_append(&all, message.data, message.len);
            keel_buf_putc(&all, '|');
        }
        if (strcmp(all.data, splits[i].out) != 0 || rc != splits[i].end) {
            fail_msg("%s: got %d \"%s\"", splits[i].name, rc, all.data);
        }
        keel_buf_free(&message);
        keel_buf_free(&all);
    }
}

static void bad_says_where(void **state) {
    (void)state;
    memory in = {"\n\nhello \x01 there\n", 17, 0, 0};
    keel_buf message = KEEL_BUF_INIT;
    mbox m;
    mbox_entry e;
    mbox_begin(&m, read_memory, &in, 0);
    assert_int_equal(mbox_next(&m, &message, 1000, &e), MBOX_BAD);
    assert_non_null(strstr(m.problem, "at byte 2 "));
    assert_non_null(strstr(m.problem, "hello ? there"));
    in.fail = -7;
    mbox_begin(&m, read_memory, &in, 0);
    assert_int_equal(mbox_next(&m, &message, 1000, &e), -7);
    keel_buf_free(&message);
}

static void entries(void **state) {
    (void)state;
    static const char text[] =
        F "Status: RO\nX-Status: A\n\nb\n\n" F "S: y\n\nStatus: R\n\n" F "torn";
    memory in = {text, sizeof text - 1, 0, 0};
    keel_buf message = KEEL_BUF_INIT;
    mbox m;
    mbox_entry e;
    mbox_begin(&m, read_memory, &in, 0);
    assert_int_equal(mbox_next(&m, &message, 1000, &e), MBOX_MESSAGE);
    assert_int_equal(e.start, 0);
    assert_int_equal(e.end, strlen(F) + 27);
    assert_true(e.seen && e.answered && !e.torn && !e.cut);
    assert_int_equal(e.size, 26);
    assert_int_equal(mbox_next(&m, &message, 4, &e), MBOX_MESSAGE);
    assert_true(!e.seen && !e.answered && e.cut);
    assert_int_equal(message.len, 4);
    assert_int_equal(e.size, 16);
    assert_int_equal(mbox_next(&m, &message, 1000, &e), MBOX_MESSAGE);
    assert_true(e.torn);
    assert_int_equal(e.end, sizeof text - 1);
    keel_buf_free(&message);
}

/* Lines and messages larger than the window. */
static void large(void **state) {
    (void)state;
    keel_buf file = KEEL_BUF_INIT;
    keel_buf_puts(&file, F "S: x\n\n");
    for (size_t i = 0; i < 5 * MBOX_WINDOW; i++) {
        keel_buf_putc(&file, 'x');
    }
    keel_buf_puts(&file, "\n\n" F "S: y\n\n");
    for (size_t i = 0; i < MBOX_WINDOW / 4; i++) {
        keel_buf_puts(&file, "\nFrom x\n>From \n");
    }
    memory in = {file.data, file.len, 0, 0};
    keel_buf message = KEEL_BUF_INIT;
    mbox m;
    mbox_entry e;
    mbox_begin(&m, read_memory, &in, 0);
    assert_int_equal(mbox_next(&m, &message, 1u << 24, &e), MBOX_MESSAGE);
    assert_int_equal(message.len, 5 * MBOX_WINDOW + 7);
    assert_int_equal(mbox_next(&m, &message, 1u << 24, &e), MBOX_MESSAGE);
    assert_int_equal(message.len, 6 + 14 * (MBOX_WINDOW / 4));
    assert_int_equal(mbox_next(&m, &message, 1u << 24, &e), MBOX_END);
    keel_buf_free(&message);
    keel_buf_free(&file);
}

static void mbox_cursors(void **state) {
    (void)state;
    static const char before[] = F "S: x\n\none\n\n";
    static const char after[] = F "S: x\n\none\n\n" F "S: y\n\ntwo\n";
    static const char rewritten[] = F "S: z\n\nten\n\n" F "S: y\n\ntwo\n";
    char cursor[MBOX_CURSOR_SIZE];
    memory in = {before, sizeof before - 1, 0, 0};
    mbox m;
    mbox_begin(&m, read_memory, &in, 0);
    assert_int_equal(mbox_cursor(&m, sizeof before - 1, cursor), 0);
    uint64_t at = 7;
    in = (memory){after, sizeof after - 1, 0, 0};
    assert_int_equal(mbox_resume(&m, cursor, &at), 0);
    assert_int_equal(at, sizeof before - 1);
    at = 7;
    in = (memory){rewritten, sizeof rewritten - 1, 0, 0};
    assert_int_equal(mbox_resume(&m, cursor, &at), MBOX_BAD);
    assert_non_null(strstr(m.problem, "rewritten"));
    in = (memory){before, 10, 0, 0};
    assert_int_equal(mbox_resume(&m, cursor, &at), MBOX_BAD);
    assert_int_equal(mbox_cursor(&m, 500, cursor), MBOX_BAD);
    static const char *const bad[] = {
        "", "mbox1:", "mbox1:1", "mbox1:1:2x", "maildir1:a:", "mbox1:99999999999999999999999:0"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(mbox_resume(&m, bad[i], &at), MBOX_BAD);
    }
    assert_int_equal(at, 7);
}

/* ---- Maildir ---- */

static size_t entries_of(keel_fs_entry *to, const char *names) {
    size_t n = 0;
    static char copy[4096];
    static size_t used;
    used = used > 2048 ? 0 : used;
    char *text = copy + used;
    used += strlen(names) + 1;
    strcpy(text, names);
    for (char *name = strtok(text, " "); name != NULL; name = strtok(NULL, " ")) {
        to[n++] = (keel_fs_entry){name, 1, 0};
    }
    return n;
}

/* What is new behind the cursor, at most `limit`; the cursor moves on. */
static void step(keel_buf *cursor, const char *fresh, const char *cur, size_t limit,
                 keel_buf *got) {
    keel_fs_entry a[300];
    keel_fs_entry b[300];
    maildir_message *all = NULL;
    size_t count = maildir_merge(a, entries_of(a, fresh), b, entries_of(b, cur), &all);
    maildir_cursor c = {.recent = NULL};
    if (cursor->len > 0) {
        assert_true(maildir_cursor_parse(&c, cursor->data));
    }
    bool *read = calloc(count + 1, sizeof *read);
    keel_buf_clear(got);
    keel_buf_puts(got, "");
    for (size_t i = 0; i < count && limit > 0; i++) {
        if (!maildir_was_read(&c, &all[i])) {
            keel_buf_printf(got, "%s%.*s", got->len > 0 ? " " : "", (int)all[i].unique,
                            all[i].name);
            read[i] = true;
            limit--;
        }
    }
    keel_buf_clear(cursor);
    maildir_cursor_next(&c, all, read, count, cursor);
    maildir_cursor_finish(&c);
    free(read);
    free(all);
}

static void maildir_steps(void **state) {
    (void)state;
    static const struct {
        const char *fresh;
        const char *cur;
        size_t limit;
        const char *got;
    } rows[] = {
        {"2 4", "1:2,S 3:2,", 3, "1 2 3"}, /* by unique name, whatever the folder */
        {"2 4", "1:2,S 3:2,", 3, "4"},
        {"", "1:2,S 2:2,RS 3:2, 4:2,S", 3, ""}, /* moved and flagged */
        {"35 5", "1:2,S 4:2,", 9, "35 5"},      /* one was late; two are gone */
        {"35 5", "1:2,S 4:2,", 9, ""},
        {".hidden 6", "35:2,S", 9, "6"},
        {"a%b:2,S", "6", 9, "a%b"},
    };
    keel_buf cursor = KEEL_BUF_INIT;
    keel_buf got = KEEL_BUF_INIT;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        step(&cursor, rows[i].fresh, rows[i].cur, rows[i].limit, &got);
        assert_string_equal(got.data, rows[i].got);
    }
    keel_buf_free(&cursor);
    keel_buf_free(&got);
}

/* 300 messages by pages of 7: each once, and the cursor stays short. */
static void maildir_pages(void **state) {
    (void)state;
    keel_buf names = KEEL_BUF_INIT;
    for (int i = 0; i < 250; i++) {
        keel_buf_printf(&names, "%s%03d", i > 0 ? " " : "", i);
    }
    keel_buf cursor = KEEL_BUF_INIT;
    keel_buf got = KEEL_BUF_INIT;
    keel_buf all = KEEL_BUF_INIT;
    do {
        step(&cursor, names.data, "", 7, &got);
        keel_buf_printf(&all, "%s%s", all.len > 0 && got.len > 0 ? " " : "", got.data);
        assert_true(cursor.len < 20 + 8 * (MAILDIR_RECENT + 7));
    } while (got.len > 0);
    assert_string_equal(all.data, names.data);
    keel_buf_free(&names);
    keel_buf_free(&cursor);
    keel_buf_free(&got);
    keel_buf_free(&all);
}

static void maildir_bad_cursors(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "maildir1",
                                      "maildir1:a",
                                      "mbox1:0:0",
                                      "maildir1:a:xyz",
                                      "maildir1:%zz:",
                                      "maildir1:%4",
                                      "maildir1:a:01234567,",
                                      "maildir1:a:0123"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        maildir_cursor c;
        assert_false(maildir_cursor_parse(&c, bad[i]));
        assert_int_equal(c.recent_count, 0);
    }
}

static void maildir_flags(void **state) {
    (void)state;
    keel_fs_entry a[8];
    keel_fs_entry b[8];
    maildir_message *all = NULL;
    size_t n = entries_of(b, "1:2,RS 2:2,F 3:1,RS");
    n = maildir_merge(a, entries_of(a, "1 4"), b, n, &all);
    assert_int_equal(n, 4);
    assert_string_equal(all[0].folder, "cur"); /* in both: as cur has it */
    assert_true(all[0].seen && all[0].answered);
    assert_true(!all[1].seen && !all[1].answered);
    assert_true(!all[2].seen);
    assert_string_equal(all[3].folder, "new");
    free(all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splitting),     cmocka_unit_test(bad_says_where),
        cmocka_unit_test(entries),       cmocka_unit_test(large),
        cmocka_unit_test(mbox_cursors),  cmocka_unit_test(maildir_steps),
        cmocka_unit_test(maildir_pages), cmocka_unit_test(maildir_bad_cursors),
        cmocka_unit_test(maildir_flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
