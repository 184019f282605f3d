/* Bits that flip in a file at rest: in the write-ahead log of a kernel that was killed, and in any page of
 * a database that was closed. Nothing acknowledged goes without a word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fsio.h"
#include "store_world.h"

enum { TURNS = 6, FRAME = 24 + 4096 };

/* What a kernel leaves that is killed: the file and its log, six turns in it. */
static void killed(world *w, keel_buf *db, keel_buf *log, int64_t *records) {
    char path[128];
    world_make(w);
    world_start(w);
    for (int i = 0; i < TURNS; i++) {
        world_put(w, RECORD_STEP, 1, "1", "{'name':'s','result':1}");
    }
    snprintf(path, sizeof path, "%s-wal", w->db);
    assert_int_equal(fsio_read(w->db, 64 << 20, db, NULL), 0);
    assert_int_equal(fsio_read(path, 64 << 20, log, NULL), 0);
    *records = TURNS + 1;
    w->s->failed = true; /* it writes nothing at its end */
    world_close(w);
}

static void put_back(world *w, const keel_buf *db, const keel_buf *log) {
    char path[128];
    assert_int_equal(fsio_write_atomic(w->db, db->data, db->len, 0600, NULL), 0);
    snprintf(path, sizeof path, "%s-shm", w->db);
    unlink(path);
    snprintf(path, sizeof path, "%s-wal", w->db);
    assert_int_equal(fsio_write_atomic(path, log->data, log->len, 0600, NULL), 0);
}

static int64_t last_record(world *w) {
    return store_identify(w->s)->next_seq - 1;
}

/* Each frame in turn, in its head and in its page. Refused, unless power could have left it so: then
 * one turn at most is missing. */
static void test_the_log(void **state) {
    static const size_t places[] = {0, 5, 9, 18, 24, 24 + 2048, 24 + 4095};
    (void)state;
    world w;
    keel_buf db = KEEL_BUF_INIT, log = KEEL_BUF_INIT;
    int64_t records, refused = 0;
    killed(&w, &db, &log, &records);
    put_back(&w, &db, &log);
    assert_int_equal(world_open(&w), 0);
    assert_int_equal(last_record(&w), records);
    w.s->failed = true;
    world_close(&w);
    for (size_t at = 32; at + FRAME <= log.len; at += FRAME) {
        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
            log.data[at + places[i]] ^= 4;
            put_back(&w, &db, &log);
            int rc = world_open(&w);
            if (rc == 0 && last_record(&w) < records - 1) {
                fail_msg("byte %zu of the log: %lld of %lld records, and nobody was told",
                         at + places[i], (long long)last_record(&w), (long long)records);
            }
            if (rc != 0) {
                refused++;
                assert_non_null(strstr(w.d.what, "is damaged at frame "));
                assert_non_null(strstr(w.d.next, "restore the last backup"));
            } else {
                w.s->failed = true;
                world_close(&w);
            }
            log.data[at + places[i]] ^= 4;
        }
    }
    assert_true(refused > 30);
    keel_buf_free(&db);
    keel_buf_free(&log);
    world_end(&w);
}

/* Without its log the file is an older copy: the signed head has seen more. */
static void test_no_log(void **state) {
    (void)state;
    world w;
    char path[128];
    world_make(&w);
    world_start(&w);
    world_put(&w, RECORD_STEP, 1, "1", "{'name':'s','result':1}");
    world_close(&w); /* so far the file holds all */
    world_start(&w);
    world_put(&w, RECORD_STEP, 1, "2", "{'name':'s','result':1}");
    assert_int_equal(store_anchor(w.s, w.at, &w.d), 0);
    keel_buf db = KEEL_BUF_INIT;
    assert_int_equal(fsio_read(w.db, 64 << 20, &db, NULL), 0); /* as it is beside a kernel */
    w.s->failed = true;
    world_close(&w);
    assert_int_equal(fsio_write_atomic(w.db, db.data, db.len, 0600, NULL), 0);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s-%s", w.db, i ? "shm" : "wal");
        unlink(path);
    }
    assert_int_equal(world_open(&w), DIAG_STORAGE);
    assert_non_null(strstr(w.d.what, "ends at record 2, but its anchor has seen record 4"));
    assert_non_null(strstr(w.d.next, "(with its -wal)"));
    keel_buf_free(&db);
    world_end(&w);
}

/* A person may go on from what holds: under another incarnation, so that no id comes twice. */
static void test_going_on(void **state) {
    (void)state;
    world w;
    keel_buf db = KEEL_BUF_INIT, log = KEEL_BUF_INIT;
    char before[17];
    int64_t records;
    killed(&w, &db, &log, &records);
    put_back(&w, &db, &log);
    assert_int_equal(world_open(&w), 0);
    snprintf(before, sizeof before, "%s", store_identify(w.s)->incarnation);
    w.s->failed = true;
    world_close(&w);
    log.data[log.len / 2 / FRAME * FRAME + 32 + 100] ^= 1;
    put_back(&w, &db, &log);
    assert_int_equal(world_open(&w), DIAG_STORAGE);
    put_back(&w, &db, &log);
    w.accept_rollback = true;
    assert_int_equal(world_open(&w), 0);
    assert_true(last_record(&w) < records);
    assert_string_not_equal(store_identify(w.s)->incarnation, before);
    keel_buf_free(&db);
    keel_buf_free(&log);
    world_end(&w);
}

/* Over the whole file: what opens and is verified holds the records that it held. */
static void test_the_pages(void **state) {
    (void)state;
    world w;
    keel_buf db = KEEL_BUF_INIT, none = KEEL_BUF_INIT;
    audit_report report;
    int found = 0;
    world_make(&w);
    world_start(&w);
    for (int i = 0; i < 200; i++) {
        world_put(&w, RECORD_STEP, 1, "1",
                  "{'name':'s','result':'a result of some length, so that "
                  "there are pages that hold nothing else'}");
    }
    assert_int_equal(store_anchor(w.s, w.at, &w.d), 0);
    world_close(&w);
    assert_int_equal(fsio_read(w.db, 64 << 20, &db, NULL), 0);
    for (size_t at = 0; at < db.len; at += 397) {
        db.data[at] ^= 16;
        put_back(&w, &db, &none);
        int rc = audit_verify(w.db, w.anchor, NULL, &report, NULL, NULL, &w.d);
        found += rc != 0;
        if (rc == 0 && report.records != 201) {
            fail_msg("byte %zu: %lld records are verified, and there were 201", at,
                     (long long)report.records);
        }
        if (rc != 0 && (w.d.what[0] == 0 || w.d.next[0] == 0)) {
            fail_msg("byte %zu: it is not said what is wrong and what to do: %s", at, w.d.what);
        }
        db.data[at] ^= 16;
    }
    assert_true(found > 20);
    keel_buf_free(&db);
    world_end(&w);
}

/* Every page in turn, far from the first and the last records: what stands in it is not built upon. */
static void test_a_damaged_page_is_refused_at_the_start(void **state) {
    (void)state;
    world w;
    keel_buf db = KEEL_BUF_INIT, none = KEEL_BUF_INIT;
    enum { PAGE = 4096, HEAD = 12 };
    int refused = 0;
    world_make(&w);
    world_start(&w);
    for (int i = 0; i < 1200; i++) {
        world_put(&w, RECORD_STEP, 1, "1",
                  "{'name':'s','result':'a result of some length, so that "
                  "there are pages that hold nothing else'}");
    }
    assert_int_equal(store_anchor(w.s, w.at, &w.d), 0);
    world_close(&w);
    assert_int_equal(fsio_read(w.db, 64 << 20, &db, NULL), 0);
    int pages = (int)(db.len / PAGE);
    for (int page = 1; page < pages; page++) {
        char kept[HEAD], *at = db.data + (size_t)page * PAGE;
        memcpy(kept, at, HEAD);
        memset(at, 0x5a, HEAD);
        put_back(&w, &db, &none);
        int rc = world_open(&w);
        if (rc == 0) {
            fail_msg("page %d of %d is damaged, and is built upon", page + 1, pages);
        }
        assert_non_null(strstr(w.d.what, "damaged"));
        assert_non_null(strstr(w.d.next, "restore the last backup"));
        memcpy(at, kept, HEAD);
        refused++;
    }
    assert_true(refused > 80);
    keel_buf_free(&db);
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_log),
        cmocka_unit_test(test_no_log),
        cmocka_unit_test(test_going_on),
        cmocka_unit_test(test_the_pages),
        cmocka_unit_test(test_a_damaged_page_is_refused_at_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
