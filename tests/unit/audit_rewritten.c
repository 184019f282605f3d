/* A file that was written anew with every hash as it should be: only what stands elsewhere, in the next
 * boot or in the anchor file, can tell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store_world.h"

/* Two boots of three records, the first one's end anchored: 1 boot, 2 and 3; 4 boot, 5 and 6. */
static void build(world *w) {
    world_make(w);
    world_start(w);
    world_put(w, RECORD_RUN_BEGIN, 1, "", world_begin_body);
    world_put(w, RECORD_STEP, 1, "1", "{'name':'s','result':1}");
    world_restart(w);
    world_put(w, RECORD_STEP, 1, "2", "{'name':'s','result':2}");
    world_put(w, RECORD_STEP, 1, "3", "{'name':'s','result':3}");
    assert_int_equal(store_anchor(w->s, w->at, &w->d), 0);
    world_close(w);
}

/* The chain of one boot as it follows from its records. */
static void chain_anew(const world *w, int64_t boot) {
    sqlite3 *db;
    sqlite3_stmt *from, *to;
    digest hash = chain_zero, body;
    assert_int_equal(sqlite3_open(w->db, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db, CHAIN_COLUMNS " WHERE boot = ? ORDER BY seq", -1, &from, NULL), 0);
    assert_int_equal(
        sqlite3_prepare_v2(db, "UPDATE journal SET hash = ? WHERE seq = ?", -1, &to, NULL), 0);
    sqlite3_bind_int64(from, 1, boot);
    while (sqlite3_step(from) == SQLITE_ROW) {
        chain_header h = {
            .seq = sqlite3_column_int64(from, 0),
            .at = sqlite3_column_int64(from, 1),
            .boot = sqlite3_column_int64(from, 2),
            .run = (uint64_t)sqlite3_column_int64(from, 3),
            .path = (const char *)sqlite3_column_text(from, 4),
            .path_len = (size_t)sqlite3_column_bytes(from, 4),
            .kind = sqlite3_column_int(from, 5),
        };
        memcpy(body.bytes, sqlite3_column_blob(from, 6), DIGEST_SIZE);
        hash = chain_next(&hash, &h, &body);
        sqlite3_bind_blob(to, 1, hash.bytes, DIGEST_SIZE, SQLITE_STATIC);
        sqlite3_bind_int64(to, 2, h.seq);
        assert_int_equal(sqlite3_step(to), SQLITE_DONE);
        sqlite3_reset(to);
    }
    sqlite3_finalize(from);
    sqlite3_finalize(to);
    sqlite3_close(db);
}

static void verify_says(world *w, const char *what) {
    audit_report report;
    int rc = audit_verify(w->db, w->anchor, NULL, &report, NULL, NULL, &w->d);
    if (rc != DIAG_STORAGE || strstr(w->d.what, what) == NULL) {
        fail_msg("%d %s, not: %s", rc, w->d.what, what);
    }
}

static void test_nothing_changes_by_it(void **state) {
    world w;
    audit_report report;
    (void)state;
    build(&w);
    chain_anew(&w, 1);
    chain_anew(&w, 2);
    assert_int_equal(audit_verify(w.db, w.anchor, NULL, &report, NULL, NULL, &w.d), 0);
    assert_int_equal(report.records, 6);
    world_end(&w);
}

/* The next boot names the head that it found. */
static void test_an_earlier_boot(void **state) {
    world w;
    (void)state;
    build(&w);
    world_edit(&w, "UPDATE journal SET at = at - 1 WHERE seq = 2");
    chain_anew(&w, 1);
    verify_says(&w, "record 4 names another head of an earlier boot");
    world_end(&w);
}

/* Nothing in the file is against it: the anchor is. */
static void test_the_last_boot(void **state) {
    world w;
    (void)state;
    build(&w);
    world_edit(&w, "UPDATE journal SET at = at - 1 WHERE seq = 5");
    chain_anew(&w, 2);
    verify_says(&w, "record 6 was signed here and the journal has another in its place");
    world_end(&w);
}

static void go_on(world *w) {
    char body[200];
    world_start(w);
    const store_identity *i = store_identify(w->s);
    if (i->rollback_from) {
        snprintf(body, sizeof body,
                 "{'anchor_seq':%lld,'incarnation':'%s','seq':%lld,'shared':%lld}",
                 (long long)i->rollback_from, i->incarnation, (long long)i->next_seq - 1,
                 (long long)i->shared_seq);
        world_put(w, RECORD_ROLLBACK, 0, "", body);
    }
    world_put(w, RECORD_STEP, 1, "4", "{'name':'s','result':4}");
    assert_int_equal(store_anchor(w->s, w->at, &w->d), 0);
    world_close(w);
}

/* An older copy is gone on with, and then the newest file after all: what the life between them signed
 * has the numbers of records that are there. What is signed since has to be there, as ever. */
static void the_newest_file_after_an_older_one(void **state) {
    world w;
    audit_report report;
    char older[140], newest[140];
    (void)state;
    build(&w);
    snprintf(older, sizeof older, "%s.older", w.db);
    snprintf(newest, sizeof newest, "%s.newest", w.db);
    world_copy(w.db, older);
    go_on(&w);
    go_on(&w);
    world_copy(w.db, newest);
    w.accept_rollback = true;
    world_copy(older, w.db);
    go_on(&w);
    world_copy(newest, w.db);
    go_on(&w);
    if (audit_verify(w.db, w.anchor, NULL, &report, NULL, NULL, &w.d) != 0) {
        fail_msg("%s", w.d.what);
    }
    assert_int_equal(report.unanchored, 0);
    world_copy(newest, w.db);
    verify_says(&w, "was signed here");
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_changes_by_it),
        cmocka_unit_test(test_an_earlier_boot),
        cmocka_unit_test(test_the_last_boot),
        cmocka_unit_test(the_newest_file_after_an_older_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
