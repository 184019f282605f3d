/* What a store refuses to open, and what it says; and going on after an accepted rollback. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fsio.h"
#include "store_world.h"

/* ---- ways to harm a closed workspace ---- */

static void overwrite(const char *path, long at, const char *bytes, size_t len) {
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, at), (ssize_t)len);
    close(fd);
}

static void replace_file(const char *path, const char *text) {
    assert_int_equal(fsio_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

static void newer_schema(world *w) {
    world_edit(w, "PRAGMA user_version = 99");
}

static void foreign(world *w) {
    unlink(w->db);
    world_edit(w, "CREATE TABLE theirs(a)");
}

static void no_database(world *w) {
    replace_file(w->db, "Dear diary, this is not a database. It only happens to be here, and is "
                        "long enough to be taken for one at a first glance.");
}

static void torn_page(world *w) {
    char zeros[4096];
    memset(zeros, 0x5a, sizeof zeros);
    overwrite(w->db, 4096, zeros, sizeof zeros);
}

static void trigger(world *w) {
    world_edit(w, "CREATE TRIGGER t AFTER INSERT ON journal BEGIN SELECT 1; END");
}

static void edited_body(world *w) {
    world_edit(w, "UPDATE journal SET body = x'7b7d' WHERE seq = 4");
}

static void edited_time(world *w) {
    world_edit(w, "UPDATE journal SET at = at + 1 WHERE seq = 4");
}

static void no_identity(world *w) {
    world_edit(w, "DELETE FROM meta WHERE key = 'workspace'");
}

static void other_identity(world *w) {
    world_edit(w, "UPDATE meta SET value = '00112233445566778899aabbccddeeff'"
                  " WHERE key = 'workspace'");
}

static void no_payload_key(world *w) {
    world_edit(w, "UPDATE meta SET value = 'x' WHERE key = 'payload_key'");
}

static void no_anchor(world *w) {
    unlink(w->anchor);
}

static void anchor_of_others(world *w) {
    replace_file(w->anchor, "keel1 00 1 2\nsomething else\n");
}

static void forged_anchor(world *w) {
    keel_buf b = KEEL_BUF_INIT;
    assert_int_equal(fsio_read(w->anchor, 1 << 20, &b, NULL), 0);
    b.data[b.len - 5] = b.data[b.len - 5] == '0' ? '1' : '0';
    replace_file(w->anchor, b.data);
    keel_buf_free(&b);
}

static void deleted(world *w) {
    unlink(w->db);
}

static void emptied(world *w) {
    replace_file(w->db, "");
}

static void cut_tail(world *w) {
    world_edit(w, "DELETE FROM journal WHERE seq > 3");
}

/* Another history of the same length, chained as it should be. */
static void rewritten(world *w) {
    char key[128], anchor[128];
    snprintf(key, sizeof key, "%s.aside", w->key);
    snprintf(anchor, sizeof anchor, "%s.aside", w->anchor);
    rename(w->anchor, anchor);
    char old[128];
    snprintf(old, sizeof old, "%s.old", w->db);
    world_copy(old, w->db);
    world_copy(anchor, w->anchor);
    w->accept_rollback = true;
    world_start(w);
    for (int i = 0; i < 4; i++) {
        world_put(w, RECORD_LOG, 1, "1", "{'level':'info','text':'another'}");
    }
    world_close(w);
    w->accept_rollback = false;
    world_copy(anchor, w->anchor);
}

static void older_copy(world *w) {
    char old[128];
    snprintf(old, sizeof old, "%s.old", w->db);
    world_copy(old, w->db);
}

static void no_key(world *w) {
    unlink(w->key);
}

static void other_key(world *w) {
    replace_file(w->key, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n");
}

static void bad_key(world *w) {
    replace_file(w->key, "secret\n");
}

static void open_key(world *w) {
    chmod(w->key, 0644);
}

static const struct {
    const char *name;
    void (*harm)(world *w);
    const char *what; /* stands in the message */
    const char *next;
} refusals[] = {
    {"a newer schema", newer_schema, "tables are version 99, this program knows up to 5",
     "install that version"},
    {"a foreign file", foreign, "is a database of another program", "move it away"},
    {"no database", no_database, "is no database of Keel", "restore"},
    {"a torn page", torn_page, "is damaged", "restore the last backup"},
    {"a trigger", trigger, "a trigger, view or virtual table that Keel did not make", "restore"},
    {"an edited body", edited_body, "record 4 has a body that is not its digest's", "restore"},
    {"an edited column", edited_time, "record 4 does not follow from the record before it", "copy"},
    {"no identity", no_identity, "does not say its workspace", "restore"},
    {"another identity", other_identity, "is of another workspace", "put together from two"},
    {"no payload key", no_payload_key, "has no payload key", "restore"},
    {"no anchor", no_anchor, "the anchor file of this workspace is missing", "put the file back"},
    {"an anchor of others", anchor_of_others, "has no line of this workspace", "put the file"},
    {"a deleted database", deleted, "but its anchor", "--accept-rollback"},
    {"an emptied database", emptied, "has seen record 5", "newest file"},
    {"a forged anchor", forged_anchor, "the signature of the head at record 5 does not hold",
     "one backup"},
    {"a tail cut off", cut_tail, "ends at record 3, but its anchor has seen record 5",
     "--accept-rollback"},
    {"an older copy", older_copy, "ends at record 2, but its anchor has seen record 5", "newest"},
    {"a rewritten history", rewritten, "record 5 of ", "newest file"},
    {"no key", no_key, "the key that signs this workspace's heads is missing", "put the file back"},
    {"another key", other_key, "is not the one that the first record names", "own key"},
    {"no key in the file", bad_key, "holds no signing key", "put the file back"},
    {"a key that all can read", open_key, "can be read by others", "chmod 600"},
};

/* Records 1 to 5, the last of them anchored; a copy of the file as it was at record 2. */
static void build(world *w) {
    char old[128];
    world_make(w);
    world_start(w);
    world_put(w, RECORD_STEP, 1, "1", "{'name':'s','result':1}");
    world_close(w);
    snprintf(old, sizeof old, "%s.old", w->db);
    world_copy(w->db, old);
    world_start(w);
    world_put(w, RECORD_STEP, 1, "2", "{'name':'s','result':1}");
    world_put(w, RECORD_STEP, 1, "3", "{'name':'s','result':1}");
    assert_int_equal(store_anchor(w->s, w->at, &w->d), 0);
    world_close(w);
}

static void test_refusals(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        world w;
        build(&w);
        refusals[i].harm(&w);
        int rc = world_open(&w);
        if (rc == 0 || strstr(w.d.what, refusals[i].what) == NULL ||
            strstr(w.d.next, refusals[i].next) == NULL) {
            fail_msg("%s: %d %s / %s", refusals[i].name, rc, w.d.what, w.d.next);
        }
        assert_int_equal(rc, DIAG_STORAGE);
        assert_null(w.s);
        world_end(&w);
    }
}

/* What was lost is begun again only when a person says so, and the first record tells it. */
static void test_a_lost_database_is_accepted(void **state) {
    world w;
    (void)state;
    build(&w);
    unlink(w.db);
    w.accept_rollback = true;
    world_start(&w);
    assert_int_equal(store_identify(w.s)->rollback_from, 5);
    world_end(&w);
}

/* A refusal changes nothing: without the harm the same files open. */
static void test_a_refusal_leaves_the_files_alone(void **state) {
    world w;
    char aside[128];
    (void)state;
    build(&w);
    snprintf(aside, sizeof aside, "%s.aside", w.anchor);
    rename(w.anchor, aside);
    assert_int_equal(world_open(&w), DIAG_STORAGE);
    rename(aside, w.anchor);
    world_start(&w);
    assert_string_equal(world_rows(&w, "SELECT max(seq) FROM journal"), "6");
    world_end(&w);
}

static void test_no_workspace(void **state) {
    world w;
    store *s = NULL;
    reader *r = NULL;
    (void)state;
    world_make(&w);
    store_options o = {.path = w.db, .anchor = w.anchor, .key = w.key};
    assert_int_equal(store_open(&s, &o, &w.d), DIAG_STORAGE);
    assert_non_null(strstr(w.d.what, "cannot open"));
    assert_non_null(strstr(w.d.next, "keel init"));
    replace_file(w.db, "");
    assert_int_equal(store_open(&s, &o, &w.d), DIAG_STORAGE);
    assert_non_null(strstr(w.d.what, "holds no workspace yet"));
    assert_int_equal(reader_open(&r, w.db, NULL, &w.d), DIAG_STORAGE);
    assert_non_null(strstr(w.d.what, "holds no workspace yet"));
    assert_null(s);
    assert_null(r);
    world_end(&w);
}

/* A line that power loss left half-written is no head; the next one is whole. */
static void test_a_torn_anchor_line_is_skipped(void **state) {
    world w;
    (void)state;
    build(&w);
    int fd = open(w.anchor, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "keel1 0011", 10), 10);
    close(fd);
    world_start(&w);
    assert_int_equal(store_anchor(w.s, w.at, &w.d), 0);
    world_close(&w);
    audit_report report;
    assert_int_equal(audit_verify(w.db, w.anchor, NULL, &report, NULL, NULL, &w.d), 0);
    assert_int_equal(report.anchors, 3); /* birth, record 5, record 6 */
    assert_int_equal(report.unanchored, 0);
    world_end(&w);
}

/* An anchor file of many lines is read from its end. */
static void test_a_long_anchor_file(void **state) {
    world w;
    (void)state;
    build(&w);
    world_start(&w);
    store_anchor(w.s, w.at, &w.d);
    world_close(&w);
    FILE *f = fopen(w.anchor, "a");
    for (int i = 0; i < 2000; i++) {
        fprintf(f, "keel1 %032d 1 2 of another workspace\n", i);
    }
    fclose(f);
    world_start(&w);
    assert_string_equal(world_rows(&w, "SELECT max(seq) FROM journal"), "7");
    world_end(&w);
}

static void test_accepting_a_rollback(void **state) {
    world w;
    char body[160];
    audit_report report;
    (void)state;
    build(&w);
    world_start(&w);
    store_identity before = *store_identify(w.s);
    world_close(&w);
    older_copy(&w);
    w.accept_rollback = true;
    world_start(&w);
    store_identity after = *store_identify(w.s);
    assert_int_equal(after.rollback_from, 5);
    assert_string_equal(after.workspace, before.workspace);
    assert_string_not_equal(after.incarnation, before.incarnation);
    snprintf(body, sizeof body, "{'anchor_seq':5,'incarnation':'%s','seq':2}", after.incarnation);
    world_put(&w, RECORD_ROLLBACK, 0, "", body);
    assert_int_equal(store_anchor(w.s, w.at, &w.d), 0);
    world_close(&w);
    w.accept_rollback = false;
    world_start(&w);
    assert_int_equal(store_identify(w.s)->rollback_from, 0);
    assert_string_equal(store_identify(w.s)->incarnation, after.incarnation);
    world_close(&w);
    if (audit_verify(w.db, w.anchor, NULL, &report, NULL, NULL, &w.d) != 0) {
        fail_msg("%s", w.d.what);
    }
    world_end(&w);
}

/* A clock that was set back must not take the windows of budgets and rates with it. */
static void test_time_never_goes_back(void **state) {
    world w;
    (void)state;
    world_make(&w);
    world_start(&w);
    int64_t last = w.at;
    world_put(&w, RECORD_STOP, 0, "", "{}");
    assert_int_equal(store_time(w.s, last + 1), last + 1);
    assert_int_equal(store_time(w.s, 1), last);
    world_close(&w);
    assert_int_equal(world_open(&w), 0);
    assert_int_equal(store_time(w.s, 1), last);
    world_end(&w);
}

/* ---- migrations ---- */

static void test_migrations(void **state) {
    static const migration steps[] = {
        {1, "CREATE TABLE a(x); PRAGMA user_version = 1"},
        {2, "ALTER TABLE a ADD COLUMN y; PRAGMA user_version = 2"},
        {3, "INSERT INTO a VALUES(1, 2); PRAGMA user_version = 3"},
        {4, "PRAGMA user_version = 7"},
        {5, "CREATE TABLE a(x)"},
    };
    static const struct {
        int from;
        size_t count;
        int rc;
        const char *what;
    } cases[] = {
        {0, 3, 0, ""},
        {3, 3, 0, ""},
        {3, 4, DIAG_STORAGE, "the step to version 4 of the tables left version 7"},
        {4, 5, DIAG_STORAGE, "table a already exists"},
    };
    sqlite3 *db;
    diag d = {0};
    (void)state;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(migrate(db, steps, cases[i].count, cases[i].from, &d), cases[i].rc);
        assert_non_null(strstr(d.what, cases[i].what));
    }
    int64_t y = 0;
    assert_int_equal(db_int(db, "SELECT y FROM a", 0, &y, &d), 0);
    assert_int_equal(y, 2);
    sqlite3_close(db);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_a_lost_database_is_accepted),
        cmocka_unit_test(test_a_refusal_leaves_the_files_alone),
        cmocka_unit_test(test_no_workspace),
        cmocka_unit_test(test_a_torn_anchor_line_is_skipped),
        cmocka_unit_test(test_a_long_anchor_file),
        cmocka_unit_test(test_accepting_a_rollback),
        cmocka_unit_test(test_time_never_goes_back),
        cmocka_unit_test(test_migrations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
