/* The oldest records in files of their own: found by all readers, proved by the audit, moved whole or
 * not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "crashvfs.h"
#include "fsio.h"
#include "store_world.h"

#define HEX   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define MONTH (31LL * 86400 * 1000000)

static char large[1200];

/* Runs first..first+count-1, each 4 records: begin, a large step that all share, a small one, end. */
static void add_runs(world *w, uint64_t first, uint64_t count) {
    snprintf(large, sizeof large, "{'name':'s','result':'%01100d'}", 7);
    for (uint64_t run = first; run < first + count; run++) {
        world_add(w, RECORD_RUN_BEGIN, run, "", world_begin_body);
        world_add(w, RECORD_STEP, run, "1", large);
        world_add(w, RECORD_STEP, run, "2", "{'name':'s','result':2}");
        world_add(w, RECORD_RUN_END, run, "", "{'result':1,'state':'ended'}");
    }
    world_committed(w);
}

static void make(world *w) {
    char folder[128];
    world_make(w);
    snprintf(folder, sizeof folder, "%s/archive", w->dir);
    assert_int_equal(fsio_mkdirs(folder, 0700, NULL), 0);
}

/* What is there is closed, and long ago; then up to `last` is moved. */
static int archive(world *w, int64_t last, archive_report *out) {
    int rc = store_archivable(w->s, last, w->at + MONTH, out, &w->d);
    rc = rc ? rc : store_archive(w->s, w->t, out, &w->d);
    w->at += 1000000;
    turn_begin(w->t, store_identify(w->s)->next_seq, w->at);
    return rc;
}

static void archived(world *w, int64_t last, const char *file) {
    archive_report a;
    world_restart(w);
    if (archive(w, last, &a) != 0) {
        fail_msg("%s", w->d.what);
    }
    assert_int_equal(a.last, last);
    assert_string_equal(a.file, file);
}

static void check_whole(world *w, int64_t records) {
    audit_report report;
    if (audit_verify(w->db, w->anchor, w->vfs, &report, NULL, NULL, &w->d) != 0) {
        fail_msg("verify: %s", w->d.what);
    }
    assert_int_equal(report.records, records);
    if (audit_rebuild_check(w->db, w->vfs, &report, &w->d) != 0) {
        fail_msg("rebuild: %s", w->d.what);
    }
    assert_int_equal(report.records, records);
}

static int count_row(void *ctx, const journal_row *row) {
    int64_t *last = ctx;
    assert_int_equal(row->seq, *last + 1);
    assert_non_null(row->body.data);
    *last = row->seq;
    return 0;
}

static int count_rows(void *ctx, const journal_row *row) {
    assert_true(row->run == 2 || row->run == 6);
    ++*(int *)ctx;
    return 0;
}

/* 1 boot, 2..21 runs 1 to 5, 22 boot, 23 archived (1..9), 24..43 runs 6 to 10, 44 boot, 45 archived
 * (10..30), then 46 boot. */
static void build(world *w) {
    world_start(w);
    add_runs(w, 1, 5);
    archived(w, 9, "001.keel");
    add_runs(w, 6, 5);
    assert_int_equal(store_anchor(w->s, w->at, &w->d), 0);
    archived(w, 30, "002.keel");
    world_restart(w);
}

static void test_readers_find_them(void **state) {
    world w;
    int64_t last = 0;
    int rows = 0;
    uint64_t runs[] = {6, 2};
    (void)state;
    make(&w);
    build(&w);
    check_whole(&w, 46);
    assert_string_equal(world_rows(&w, "SELECT min(seq), count(*) FROM journal"), "31|16");
    reader *r;
    assert_int_equal(reader_open(&r, w.db, NULL, &w.d), 0);
    assert_int_equal(reader_scan(r, 1, count_row, &last, &w.d), 0);
    assert_int_equal(last, 46);
    last = 11;
    assert_int_equal(reader_scan(r, 12, count_row, &last, &w.d), 0);
    assert_int_equal(last, 46);
    for (int64_t seq = 1; seq <= 46; seq++) {
        last = seq - 1;
        assert_int_equal(reader_record(r, seq, count_row, &last, &w.d), 0);
        assert_int_equal(last, seq);
    }
    assert_int_equal(reader_record(r, 47, count_row, &last, &w.d), DIAG_NOT_FOUND);
    assert_int_equal(reader_runs(r, runs, 2, count_rows, &rows, &w.d), 0);
    assert_int_equal(rows, 8);
    reader_close(r);
    world_end(&w);
}

/* ---- tampering ---- */

static void edit_file(world *w, const char *file, const char *sql) {
    char db[96];
    memcpy(db, w->db, sizeof db);
    snprintf(w->db, sizeof w->db, "%.60s/archive/%s", w->dir, file);
    world_edit(w, sql);
    memcpy(w->db, db, sizeof db);
}

static const struct {
    const char *file; /* NULL: the database itself */
    const char *sql;  /* NULL: the file is removed */
    const char *what;
} edits[] = {
    {"001.keel", NULL, "archive/001.keel, with the records 1 to 9, is missing"},
    {"002.keel", NULL, "archive/002.keel, with the records 10 to 30, is missing"},
    {"001.keel", "UPDATE journal SET at = at + 1 WHERE seq = 3", "001.keel, with the records 1"},
    {"002.keel", "DELETE FROM journal WHERE seq = 30", "002.keel, with the records 10 to 30, was"},
    {"001.keel", "PRAGMA application_id = 1", "001.keel, with the records 1 to 9, is none that"},
    {NULL, "DELETE FROM archive WHERE first = 10", "record 10 is missing"},
    {NULL, "DELETE FROM archive WHERE first = 1", "table archive, row 10: it does not go on"},
    {NULL, "UPDATE archive SET head = zeroblob(32) WHERE first = 1",
     "001.keel, with the records 1"},
    {NULL, "DELETE FROM journal WHERE seq = 31", "record 31 is missing"},
    {NULL, "DELETE FROM journal", "is not in the journal, which ends at record 30"},
};

static void test_tampering(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        world w;
        audit_report report;
        char path[160];
        make(&w);
        build(&w);
        world_close(&w);
        snprintf(path, sizeof path, "%s/archive/%s", w.dir, edits[i].file ? edits[i].file : "");
        if (edits[i].sql == NULL) {
            assert_int_equal(unlink(path), 0);
        } else if (edits[i].file != NULL) {
            edit_file(&w, edits[i].file, edits[i].sql);
        } else {
            world_edit(&w, edits[i].sql);
        }
        int rc = audit_verify(w.db, w.anchor, NULL, &report, NULL, NULL, &w.d);
        if (rc != DIAG_STORAGE || strstr(w.d.what, edits[i].what) == NULL) {
            fail_msg("edit %zu: %d %s", i, rc, w.d.what);
        }
        assert_true(w.d.next[0] != 0);
        world_end(&w);
    }
}

/* ---- what holds it back ---- */

static const struct {
    const char *body;
    record_kind kind;
    int64_t last;
    const char *who;
} holds[] = {
    {"{'agent':'b','depth':0,'input':null,'plugin':'" HEX "','root':9,'version':'1'}",
     RECORD_RUN_BEGIN, 5, "an open run"},
    {"{'answer':1,'digest':'" HEX "','name':'do','request':'q'}", RECORD_COMMAND, 5, "a command"},
    {"{'body':1,'name':'n'}", RECORD_EVENT, 5, "an event"},
    {"{'why':'w'}", RECORD_HALT, 10, NULL},
};

static void test_what_is_needed_stays(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof holds / sizeof *holds; i++) {
        world w;
        archive_report a;
        make(&w);
        world_start(&w);
        add_runs(&w, 1, 1);
        bool host = holds[i].kind == RECORD_HALT || holds[i].kind == RECORD_COMMAND;
        world_put(&w, holds[i].kind, host ? 0 : 9, "", holds[i].body);
        add_runs(&w, 2, 1);
        world_restart(&w);
        assert_int_equal(store_archivable(w.s, 99, w.at, &a, &w.d), 0);
        assert_int_equal(a.last, holds[i].last);
        assert_true(holds[i].who == NULL ? a.keeps == NULL : strstr(a.keeps, holds[i].who) != NULL);
        if (holds[i].kind == RECORD_COMMAND) { /* a month later nobody repeats it */
            assert_int_equal(store_archivable(w.s, 99, w.at + MONTH, &a, &w.d), 0);
            assert_int_equal(a.last, 10);
        }
        world_end(&w);
    }
}

/* ---- the power fails at each operation ---- */

static void visit(world *w, long point, crash_mode mode, bool *struck) {
    crash_disk *disk = crash_disk_create("crash", (uint64_t)point);
    archive_report a;
    unlink(w->anchor);
    w->at = 1000000;
    world_start(w);
    add_runs(w, 1, 5);
    world_restart(w);
    crash_disk_arm(disk, point, mode);
    int rc = archive(w, 13, &a);
    world_close(w);
    *struck = crash_disk_struck(disk);
    crash_disk_restart(disk);
    world_start(w);
    const char *rows = world_rows(w, "SELECT count(*) FROM archive");
    bool moved = strcmp(rows, "1") == 0;
    if (rc == 0 && !moved) {
        fail_msg("operation %ld: acknowledged, and not there", point);
    }
    check_whole(w, moved ? 24 : 23);
    if (!moved) { /* whatever lies there of the first try does no harm */
        assert_int_equal(archive(w, 13, &a), 0);
        check_whole(w, 24);
    }
    assert_string_equal(world_rows(w, "PRAGMA integrity_check"), "ok");
    world_close(w);
    crash_disk_destroy(disk);
}

static void test_every_operation(void **state) {
    static const crash_mode modes[] = {CRASH_LOSE, CRASH_PREFIX, CRASH_TORN, CRASH_EIO, CRASH_FULL};
    world w;
    long points = 0;
    (void)state;
    if (access("/dev/shm", W_OK) == 0) {
        setenv("TMPDIR", "/dev/shm", 0); /* the anchor's fsync is not what is tested */
    }
    world_make(&w);
    w.vfs = "crash";
    strcpy(w.db, "keel.db");
    for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
        bool more = true;
        for (long point = 1 + (long)m; more; point += WORLD_STRIDE, points++) {
            visit(&w, point, modes[m], &more);
        }
    }
    print_message("%ld points\n", points);
    assert_true(points * WORLD_STRIDE > 50);
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readers_find_them),
        cmocka_unit_test(test_tampering),
        cmocka_unit_test(test_what_is_needed_stays),
        cmocka_unit_test(test_every_operation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
