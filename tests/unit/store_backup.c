/* Copies of a file that is at work, and older files that take the place of newer ones: what is known
 * to be newer is refused, unless it is restored, which is an act that the journal tells. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_world.h"

static const char *beside(const world *w, const char *name) {
    static char path[2][160];
    static int other;
    other = 1 - other;
    snprintf(path[other], sizeof path[0], "%s/%s", w->dir, name);
    return path[other];
}

static void add_run(world *w, uint64_t run) {
    world_add(w, RECORD_RUN_BEGIN, run, "", world_begin_body);
    for (int i = 0; i < 200; i++) {
        world_add(w, RECORD_STEP, run, "1", "{'name':'s','result':123456789012345}");
    }
    world_add(w, RECORD_RUN_END, run, "", "{'result':1,'state':'ended'}");
    world_committed(w);
}

static void check_whole(world *w, const char *db, int64_t records) {
    audit_report report;
    if (audit_verify(db, w->anchor, NULL, &report, NULL, NULL, &w->d) != 0 ||
        audit_rebuild_check(db, NULL, &report, &w->d) != 0) {
        fail_msg("%s", w->d.what);
    }
    assert_int_equal(report.records, records);
}

/* ---- backup ---- */

typedef struct writing {
    world *w;
    int steps;
} writing;

/* While the copy is made, more is written, and signed. */
static void go_on(void *ctx, int64_t done, int64_t total) {
    writing *x = ctx;
    assert_true(done <= total);
    x->steps++;
    world_put(x->w, RECORD_LOG, 1, "9", "{'level':'info','text':'meanwhile'}");
    if (x->steps == 1) {
        assert_int_equal(
            sqlite3_wal_checkpoint_v2(x->w->s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL),
            SQLITE_OK);
    }
}

static void test_a_copy_while_it_is_written(void **state) {
    world w;
    backup_report report;
    (void)state;
    world_make(&w);
    world_start(&w);
    for (uint64_t run = 1; run <= 200; run++) {
        add_run(&w, run);
    }
    int64_t last = store_identify(w.s)->next_seq - 1;
    writing x = {.w = &w};
    const char *to = beside(&w, "copy.db");
    assert_int_equal(store_backup(w.db, NULL, to, &report, go_on, &x, &w.d), 0);
    assert_true(x.steps >= 2);
    assert_int_equal(report.seq, last);
    assert_string_equal(report.workspace, store_identify(w.s)->workspace);
    assert_string_equal(report.incarnation, store_identify(w.s)->incarnation);
    assert_string_equal(report.public_key, store_identify(w.s)->public_key);
    check_whole(&w, to, last);
    assert_int_equal(access(beside(&w, "copy.db-wal"), F_OK), -1);
    /* it is read where nothing can be written */
    backup_report again;
    assert_int_equal(chmod(w.dir, 0500), 0);
    assert_int_equal(backup_look(to, NULL, &again, &w.d), 0);
    assert_int_equal(chmod(w.dir, 0700), 0);
    assert_memory_equal(&again, &report, sizeof report);
    check_whole(&w, w.db, last + x.steps);
    world_end(&w);
}

static void test_a_damaged_copy(void **state) {
    world w;
    backup_report report;
    (void)state;
    world_make(&w);
    world_start(&w);
    add_run(&w, 1);
    const char *to = beside(&w, "copy.db");
    assert_int_equal(store_backup(w.db, NULL, to, &report, NULL, NULL, &w.d), 0);
    int fd = open(to, O_RDWR | O_CLOEXEC);
    uint8_t bytes[64];
    memset(bytes, 0xff, sizeof bytes);
    for (off_t at = 4096; at < 40960; at += 4096) {
        assert_int_equal(pwrite(fd, bytes, sizeof bytes, at), sizeof bytes);
    }
    close(fd);
    assert_int_equal(backup_look(to, NULL, &report, &w.d), DIAG_STORAGE);
    assert_non_null(strstr(w.d.what, "copy.db is damaged"));
    assert_int_equal(backup_look(beside(&w, "none.db"), NULL, &report, &w.d), DIAG_STORAGE);
    world_end(&w);
}

static void test_signatures(void **state) {
    world w;
    char signature[129];
    (void)state;
    world_make(&w);
    world_start(&w);
    const char *key = store_identify(w.s)->public_key;
    digest d = digest_of("x", 1), other = digest_of("y", 1);
    assert_int_equal(store_sign(w.key, key, &d, signature, &w.d), 0);
    assert_true(store_signed(key, &d, signature));
    assert_false(store_signed(key, &other, signature));
    assert_false(store_signed(key, &d, "00"));
    assert_int_equal(store_sign(w.key, "00", &d, signature, &w.d), DIAG_STORAGE);
    assert_int_equal(store_sign(w.anchor, key, &d, signature, &w.d), DIAG_STORAGE);
    world_end(&w);
}

/* ---- files that are not the newest ---- */

static void remove_log(world *w) {
    char log[128];
    snprintf(log, sizeof log, "%s-wal", w->db);
    unlink(log);
    snprintf(log, sizeof log, "%s-shm", w->db);
    unlink(log);
}

/* The file as a kill leaves it: much of it is in the log alone. */
static void with_a_log(world *w) {
    world_start(w);
    add_run(w, 1);
    world_restart(w); /* a checkpoint at its end */
    add_run(w, 2);
    assert_int_equal(store_anchor(w->s, w->at, &w->d), 0);
}

static void copied_without_its_log(world *w) {
    world_copy(w->db, beside(w, "copy"));
    world_close(w);
    remove_log(w);
    world_copy(beside(w, "copy"), w->db);
}

static void log_deleted(world *w) {
    world_copy(w->db, beside(w, "copy"));
    w->s->failed = true;
    sqlite3_db_config(w->s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    world_close(w);
    remove_log(w);
}

static void older_copy(world *w) {
    backup_report report;
    assert_int_equal(store_backup(w->db, NULL, beside(w, "copy"), &report, NULL, NULL, &w->d), 0);
    add_run(w, 3);
    assert_int_equal(store_anchor(w->s, w->at, &w->d), 0);
    world_close(w);
    world_copy(beside(w, "copy"), w->db);
}

static void of_another_workspace(world *w) {
    world other;
    world_make(&other);
    world_start(&other);
    for (uint64_t run = 1; run <= 5; run++) {
        add_run(&other, run);
    }
    world_close(&other);
    world_close(w);
    world_copy(other.db, w->db);
    world_end(&other);
}

/* Both workspaces share one anchor file and its key: then only the lines tell them apart. */
static void of_another_under_the_same_key(world *w) {
    world other;
    world_make(&other);
    world_copy(w->key, other.key);
    world_start(&other);
    add_run(&other, 1);
    world_close(&other);
    world_close(w);
    world_copy(other.db, w->db);
    world_end(&other);
}

static void lost(world *w) {
    world_close(w);
    remove_log(w);
    unlink(w->db);
}

static const struct {
    void (*happens)(world *w);
    const char *what;
} older[] = {
    {copied_without_its_log, "but its anchor has seen record"},
    {log_deleted, "but its anchor has seen record"},
    {older_copy, "but its anchor has seen record"},
    {of_another_workspace, "is not the one that the first record names"},
    {of_another_under_the_same_key, "has no line of this workspace"},
    {lost, "the database was deleted or moved"},
};

static void test_what_is_not_the_newest_is_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof older / sizeof *older; i++) {
        world w;
        world_make(&w);
        with_a_log(&w);
        older[i].happens(&w);
        int rc = world_open(&w);
        if (rc != DIAG_STORAGE || strstr(w.d.what, older[i].what) == NULL) {
            fail_msg("%zu: %d %s", i, rc, w.d.what);
        }
        assert_true(w.d.next[0] != 0);
        world_end(&w);
    }
}

/* ---- restore ---- */

static void restored(world *w) {
    keel_buf body = KEEL_BUF_INIT;
    w->restore = true;
    if (world_open(w) != 0) {
        fail_msg("%s", w->d.what);
    }
    w->restore = false;
    store_boot_body(w->s, &body);
    turn_add(w->t, RECORD_BOOT, 0, "", body.data, body.len);
    keel_buf_clear(&body);
    store_restored_body(w->s, &body);
    turn_add(w->t, RECORD_RESTORED, 0, "", body.data, body.len);
    keel_buf_free(&body);
    world_committed(w);
    assert_int_equal(store_anchor(w->s, w->at, &w->d), 0);
}

/* A backup at record 203 of boot 1; what came behind it, up to 407 and signed, is lost. */
static void lose(world *w) {
    backup_report report;
    world_make(w);
    world_start(w);
    add_run(w, 1);
    assert_int_equal(store_backup(w->db, NULL, beside(w, "copy"), &report, NULL, NULL, &w->d), 0);
    assert_int_equal(report.seq, 203);
    world_restart(w);
    add_run(w, 2);
    assert_int_equal(store_anchor(w->s, w->at, &w->d), 0);
    world_close(w);
    world_copy(beside(w, "copy"), w->db);
}

static void test_restore_goes_on(void **state) {
    world w;
    char before[17];
    (void)state;
    lose(&w);
    assert_int_equal(world_open(&w), DIAG_STORAGE); /* an older copy is no restore */
    restored(&w);
    assert_string_equal(world_rows(&w, "SELECT seq, last, last_us < at_us FROM restored"),
                        "205|203|1");
    snprintf(before, sizeof before, "%s", world_rows(&w, "SELECT incarnation FROM restored"));
    assert_string_not_equal(before, store_identify(w.s)->incarnation);
    assert_int_equal(strlen(before), 16);
    check_whole(&w, w.db, 205);
    world_restart(&w); /* as any other file from then on */
    add_run(&w, 2);
    assert_int_equal(store_anchor(w.s, w.at, &w.d), 0);
    check_whole(&w, w.db, 408);
    /* and a cut of what was signed since is seen, though lost heads had the same numbers */
    world_close(&w);
    world_edit(&w, "DELETE FROM journal WHERE seq > 300");
    audit_report report;
    assert_int_equal(audit_verify(w.db, w.anchor, NULL, &report, NULL, NULL, &w.d), DIAG_STORAGE);
    assert_non_null(strstr(w.d.what, "record 408 was signed here and is not in the journal"));
    world_end(&w);
}

/* A first try that was cut off has signed a head of a file that is gone. */
static void test_restore_twice(void **state) {
    world w;
    (void)state;
    lose(&w);
    restored(&w);
    world_close(&w);
    world_copy(beside(&w, "copy"), w.db);
    restored(&w);
    world_restart(&w);
    check_whole(&w, w.db, 206);
    world_end(&w);
}

/* On another machine there is neither key nor anchor. */
static void test_restore_without_the_key(void **state) {
    world w;
    audit_report report;
    (void)state;
    lose(&w);
    unlink(w.key);
    unlink(w.anchor);
    restored(&w);
    world_restart(&w);
    add_run(&w, 2);
    assert_int_equal(store_anchor(w.s, w.at, &w.d), 0);
    check_whole(&w, w.db, 408);
    world_close(&w);
    /* no key may change but by a restore */
    unlink(w.key);
    assert_int_equal(world_open(&w), DIAG_STORAGE);
    world_end(&w);

    lose(&w);
    unlink(w.key);
    keel_buf body = KEEL_BUF_INIT;
    w.restore = true;
    assert_int_equal(world_open(&w), 0);
    store_boot_body(w.s, &body);
    turn_add(w.t, RECORD_BOOT, 0, "", body.data, body.len);
    world_committed(&w);
    keel_buf_free(&body);
    world_close(&w);
    assert_int_equal(audit_verify(w.db, w.anchor, NULL, &report, NULL, NULL, &w.d), DIAG_STORAGE);
    assert_non_null(strstr(w.d.what, "record 204 names another key for signed heads, and no "
                                     "restore follows"));
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_copy_while_it_is_written),
        cmocka_unit_test(test_a_damaged_copy),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_what_is_not_the_newest_is_refused),
        cmocka_unit_test(test_restore_goes_on),
        cmocka_unit_test(test_restore_twice),
        cmocka_unit_test(test_restore_without_the_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
