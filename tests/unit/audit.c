/* Tampering with a closed file: each way is found, and the record at fault is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fsio.h"
#include "store_world.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* 1 boot, 2 run.begin, 3 step, 4 step (large), 5 waiting, 6 sleep, 7 event, 8 command, 9 policy,
 * 10 plugin, 11 connection, 12 approver, 13 halt, 14 batch, 15 intended; anchored; then boot 16, and
 * 17 and 18 begin and end of run 2. */
static void build(world *w) {
    char large[400];
    world_make(w);
    world_start(w);
    world_put(w, RECORD_RUN_BEGIN, 1, "", world_begin_body);
    world_put(w, RECORD_STEP, 1, "1", "{'name':'s','result':1}");
    snprintf(large, sizeof large, "{'name':'s','result':'%0300d'}", 7);
    world_put(w, RECORD_STEP, 1, "2", large);
    world_put(w, RECORD_EFFECT_WAITING, 1, "3",
              "{'approval':'" HEX "','args':{},'call':'c','class':'once','connector':'x',"
              "'decision':{'rule':'r1'},'digest':'" HEX "','number':7,'reason':'approval',"
              "'target':'i.m.write'}");
    world_put(w, RECORD_SLEEP, 1, "4", "{'call':'c','until_us':5}");
    world_put(w, RECORD_EVENT, 1, "", "{'body':1,'name':'n'}");
    world_put(w, RECORD_COMMAND, 0, "",
              "{'answer':1,'digest':'" HEX "','name':'do','request':'q'}");
    world_put(w, RECORD_POLICY, 0, "",
              "{'digest':'" HEX "','files':[{'digest':'" HEX "','name':'a.yaml'}]}");
    world_put(w, RECORD_PLUGIN, 0, "",
              "{'digest':'" HEX "','files':[{'digest':'" HEX "','name':'a.lua'}],'id':'x.y',"
              "'kind':'agent','name':'y','version':'1'}");
    world_put(w, RECORD_CONNECTION, 0, "",
              "{'config':{},'name':'inbox','plugin':'p','version':'1'}");
    world_put(w, RECORD_APPROVER, 0, "", "{'name':'me','public_key':'" HEX "','salt':'00ff'}");
    world_put(w, RECORD_HALT, 0, "", "{'why':'w'}");
    world_put(w, RECORD_BATCH, 0, "", "{'batch':4,'numbers':[7]}");
    world_put(w, RECORD_EFFECT_INTENDED, 1, "5",
              "{'args':{},'attempt':1,'call':'c','class':'once','connector':'x','decision':{},"
              "'digest':'" HEX "','holds':[{'amount':3,'budget':'b','scope':'s','unit':'calls',"
              "'window':'w'}],'key':'k','target':'i.m.write'}");
    digest d = digest_of("return 1", 8);
    turn_artifact(w->t, &d, "return 1", 8);
    world_committed(w);
    assert_int_equal(store_anchor(w->s, w->at, &w->d), 0);
    world_restart(w);
    world_put(w, RECORD_RUN_BEGIN, 2, "", world_begin_body);
    world_put(w, RECORD_RUN_END, 2, "", "{'result':1,'state':'ended'}");
    world_close(w);
}

static void seen_progress(void *ctx, int64_t done, int64_t total) {
    *(int64_t *)ctx = done * 1000000 + total;
}

static void test_a_whole_file(void **state) {
    world w;
    audit_report report;
    (void)state;
    build(&w);
    assert_int_equal(audit_verify(w.db, w.anchor, NULL, &report, seen_progress, NULL, &w.d), 0);
    assert_int_equal(report.records, 18);
    assert_int_equal(report.boots, 2);
    assert_int_equal(report.anchors, 2);
    assert_int_equal(report.unanchored, 3);
    assert_int_equal(report.erased, 0);
    assert_int_equal(audit_rebuild_check(w.db, NULL, &report, &w.d), 0);
    assert_int_equal(report.records, 18);
    world_end(&w);
}

static void test_progress(void **state) {
    world w;
    audit_report report;
    int64_t seen = 0;
    (void)state;
    world_make(&w);
    world_start(&w);
    for (int i = 0; i < 5000; i++) {
        world_add(&w, RECORD_STEP, 1, "1", "{'name':'s','result':1}");
    }
    world_committed(&w);
    /* while the store is open and may write */
    assert_int_equal(audit_verify(w.db, w.anchor, NULL, &report, seen_progress, &seen, &w.d), 0);
    assert_int_equal(seen, 4096005001);
    world_end(&w);
}

/* ---- the journal ---- */

/* Rows 3 and 6 change places. */
static const char reorder[] =
    "UPDATE journal SET seq = -1 WHERE seq = 3; UPDATE journal SET seq = 3 WHERE seq = 6;"
    "UPDATE journal SET seq = 6 WHERE seq = -1";
static const char insert[] = "INSERT INTO journal SELECT 19, at, boot, run, path, kind, digest, "
                             "hash, salt, body FROM journal"
                             " WHERE seq = 18";
/* A record of its own boot, put where none was: all later ones move. */
static const char insert_between[] =
    "UPDATE journal SET seq = -seq - 1 WHERE seq >= 7; UPDATE journal SET seq = -seq WHERE seq < 0;"
    "INSERT INTO journal SELECT 7, at, boot, run, path, kind, digest, hash, salt, body FROM journal"
    " WHERE seq = 6";

static const struct {
    const char *name;
    const char *sql;
    const char *what;
} edits[] = {
    {"a body", "UPDATE journal SET body = x'7b7d' WHERE seq = 3",
     "record 3 has a body that is not its digest's"},
    {"a salt", "UPDATE journal SET salt = zeroblob(16) WHERE seq = 3",
     "record 3 has a body that is not its digest's"},
    {"a large body",
     "UPDATE payload SET bytes = x'7b7d' WHERE digest ="
     " (SELECT digest FROM journal WHERE seq = 4)",
     "record 4 has a body, kept in payload, that is not its digest's"},
    {"a time", "UPDATE journal SET at = at + 1 WHERE seq = 5", "record 5 does not follow"},
    {"a run", "UPDATE journal SET run = 2 WHERE seq = 5", "record 5 does not follow"},
    {"a path", "UPDATE journal SET path = '9' WHERE seq = 5", "record 5 does not follow"},
    {"a kind", "UPDATE journal SET kind = 22 WHERE seq = 3", "record 3 does not follow"},
    {"a kind that is none", "UPDATE journal SET kind = 64 WHERE seq = 3", "record 3 is no record"},
    {"a digest", "UPDATE journal SET digest = zeroblob(32) WHERE seq = 3", "record 3 does not"},
    {"a short digest", "UPDATE journal SET digest = x'00' WHERE seq = 3", "record 3 is no record"},
    {"a hash", "UPDATE journal SET hash = zeroblob(32) WHERE seq = 3", "record 3 does not follow"},
    {"a boot", "UPDATE journal SET boot = 2 WHERE seq = 5", "record 5 begins a boot without"},
    {"an earlier boot", "UPDATE journal SET boot = 1 WHERE seq = 17", "record 17 stands behind a"},
    {"deleted", "DELETE FROM journal WHERE seq = 7", "record 7 is missing"},
    {"the first deleted", "DELETE FROM journal WHERE seq = 1", "record 1 is missing"},
    {"reordered", reorder, "record 3 does not follow"},
    {"inserted at the end", insert, "record 19 does not follow"},
    {"inserted between", insert_between, "record 7 does not follow"},
    {"the first boot's end cut",
     "DELETE FROM journal WHERE seq BETWEEN 14 AND 15;"
     "UPDATE journal SET seq = seq - 2 WHERE seq > 15",
     "record 14 does not follow"},
    {"cut behind the anchor", "DELETE FROM journal WHERE seq > 12",
     "record 15 was signed here and is not in the journal, which ends at record 12"},
    {"emptied", "DELETE FROM journal", "record 15 was signed here and is not in the journal"},
    {"a stored file", "UPDATE artifact SET bytes = x'00'", "does not have its digest"},
};

static void test_edits(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        world w;
        audit_report report;
        build(&w);
        world_edit(&w, edits[i].sql);
        int rc = audit_verify(w.db, w.anchor, NULL, &report, NULL, NULL, &w.d);
        if (rc != DIAG_STORAGE || strstr(w.d.what, edits[i].what) == NULL) {
            fail_msg("%s: %d %s", edits[i].name, rc, w.d.what);
        }
        assert_true(w.d.next[0] != 0);
        world_end(&w);
    }
}

/* Behind the last anchor a cut cannot be seen; that is what `unanchored` counts. */
static void test_a_cut_behind_the_last_anchor(void **state) {
    world w;
    audit_report report;
    (void)state;
    build(&w);
    world_edit(&w, "DELETE FROM journal WHERE seq > 16");
    assert_int_equal(audit_verify(w.db, w.anchor, NULL, &report, NULL, NULL, &w.d), 0);
    assert_int_equal(report.unanchored, 1);
    world_end(&w);
}

static void test_erased_bodies_are_no_fault(void **state) {
    world w;
    audit_report report;
    (void)state;
    build(&w);
    world_edit(&w, "UPDATE journal SET salt = NULL, body = NULL WHERE seq IN (3, 6);"
                   "DELETE FROM payload WHERE digest = (SELECT digest FROM journal WHERE seq = 4)");
    assert_int_equal(audit_verify(w.db, w.anchor, NULL, &report, NULL, NULL, &w.d), 0);
    assert_int_equal(report.erased, 3);
    assert_int_equal(audit_rebuild_check(w.db, NULL, &report, &w.d), 0);
    assert_int_equal(report.erased, 3);
    world_end(&w);
}

/* ---- the whole rewritten, with all hashes as they should be ---- */

static int copy_record(void *ctx, const journal_row *row) {
    world *to = ctx;
    if (row->kind == RECORD_BOOT) {
        return 0;
    }
    turn_add(to->t, row->kind, row->run, row->path, row->body.data, row->body.len);
    return 0;
}

static void test_rewritten(void **state) {
    world w, other;
    audit_report report;
    reader *r;
    (void)state;
    build(&w);
    world_make(&other);
    world_start(&other);
    assert_int_equal(reader_open(&r, w.db, NULL, &w.d), 0);
    assert_int_equal(reader_scan(r, 1, copy_record, &other, &w.d), 0);
    reader_close(r);
    world_committed(&other);
    world_close(&other);
    assert_int_equal(audit_verify(other.db, other.anchor, NULL, &report, NULL, NULL, &w.d), 0);
    /* With its own key it is a workspace of its own, which this anchor has never seen. */
    assert_int_equal(audit_verify(other.db, w.anchor, NULL, &report, NULL, NULL, &w.d),
                     DIAG_STORAGE);
    assert_non_null(strstr(w.d.what, "no line of this workspace"));
    world_end(&other);
    world_end(&w);
}

static void test_replaced_key(void **state) {
    world w;
    audit_report report;
    anchor_key key;
    (void)state;
    build(&w);
    assert_int_equal(fsio_write_atomic(w.key, HEX "\n", 65, 0600, NULL), 0);
    assert_int_equal(anchor_key_load(&key, w.key, false, &w.d), 0);
    reader *r;
    assert_int_equal(reader_open(&r, w.db, NULL, &w.d), 0);
    char workspace[33];
    assert_int_equal(meta_get(r->db, "workspace", workspace, sizeof workspace, &w.d), 0);
    reader_close(r);
    anchor_head head = {.boot = 2, .seq = 18, .at = 1};
    assert_int_equal(anchor_append(w.anchor, &key, workspace, &head, &w.d), 0);
    assert_int_equal(audit_verify(w.db, w.anchor, NULL, &report, NULL, NULL, &w.d), DIAG_STORAGE);
    assert_non_null(strstr(w.d.what, "the signature of the head at record 18 does not hold"));
    assert_string_equal(w.d.file, w.anchor);
    assert_int_equal(w.d.line, 3);
    world_end(&w);
}

static void test_an_older_copy(void **state) {
    world w;
    audit_report report;
    keel_buf old = KEEL_BUF_INIT;
    (void)state;
    build(&w);
    assert_int_equal(fsio_read(w.db, 1 << 24, &old, NULL), 0);
    world_start(&w);
    assert_int_equal(store_anchor(w.s, w.at, &w.d), 0);
    world_close(&w);
    assert_int_equal(fsio_write_atomic(w.db, old.data, old.len, 0600, NULL), 0);
    assert_int_equal(audit_verify(w.db, w.anchor, NULL, &report, NULL, NULL, &w.d), DIAG_STORAGE);
    assert_string_equal(w.d.what,
                        "record 19 was signed here and is not in the journal, which ends at "
                        "record 18: its end was cut off, or the file is an older copy");
    assert_int_equal(w.d.line, 3);
    keel_buf_free(&old);
    world_end(&w);
}

/* ---- tables ---- */

static const struct {
    const char *sql;
    const char *what;
} table_edits[] = {
    {"UPDATE boot SET version = '9' WHERE boot = 2", "table boot, row 2 (record 16): version is 9"},
    {"DELETE FROM request", "table request, row q (record 8): follows from the journal and is"},
    {"UPDATE policy_version SET loaded_us = 1",
     "table policy_version, row 9 (record 9): loaded_us"},
    {"DELETE FROM policy_file", "table policy_file, row 9 a.yaml (record 9): follows"},
    {"UPDATE plugin SET id = 'z.z'", "(record 10): id is z.z, but from the journal follows x.y"},
    {"UPDATE plugin_file SET name = 'b.lua'",
     "table plugin_file, row 0011223344556677 a.lua: follows"},
    {"INSERT INTO connection VALUES('z', 'p', '1', 99)",
     "table connection, row z (record 99): does not follow from the journal"},
    {"INSERT INTO kv VALUES('inbox', 'cursor', '1')",
     "table kv, row inbox cursor: does not follow from the journal"},
    {"UPDATE approver SET public_key = zeroblob(32)", "table approver, row me: public_key is 0000"},
    {"UPDATE control SET halted = 0", "table control, row 1: halted is 0, but from the journal"},
    {"UPDATE run SET state = 'ended' WHERE id = 1",
     "table run, row 1 (record 2): state is ended, but from the journal follows open"},
    {"UPDATE role SET run = 1", "table role, row a (record 18): run is 1"},
    {"UPDATE effect SET state = 'done' WHERE path = '3'",
     "table effect, row 1 3 (record 5): state"},
    {"UPDATE effect SET holds = NULL WHERE path = '5'", "table effect, row 1 5 (record 15): holds"},
    {"DELETE FROM pending", "table pending, row 1 4 (record 6): follows"},
    {"DELETE FROM event", "table event, row 7 (record 7): follows"},
    {"UPDATE item SET state = 'approved'", "table item, row 7 (record 5): state is approved"},
    {"INSERT INTO breaker VALUES('z', 'open', 1, 2, 'w')", "table breaker, row z: does not follow"},
    {"INSERT INTO rollback VALUES(2, 'open', 17, 1, NULL)",
     "table rollback, row 2 (record 17): does not follow"},
    {"INSERT INTO erased VALUES(3, '{}', 1)", "table erased, row 3: does not follow"},
    {"INSERT INTO restored VALUES(9, '00', 1, 2, 3, NULL)",
     "table restored, row 9 (record 9): does not"},
    {"INSERT INTO archive VALUES(1, 2, 'f', x'00', x'00')",
     "table archive, row 1: it does not go on from the row before"},
    {"INSERT INTO poll VALUES('z', 'm', '00', NULL, 5)",
     "table poll, row z m (record 5): does not"},
    {"INSERT INTO polled_id VALUES('z', 'm', 'i', 5)",
     "table polled_id, row z m i (record 5): does"},
    {"INSERT INTO arrival VALUES('z.m', 5, 0)", "table arrival, row z.m 5 0 (record 5): does not"},
    {"INSERT INTO received VALUES(1, 'z.m', 5, 0)", "table received, row 1 z.m (record 5): does"},
    {"INSERT INTO grant VALUES(3, 'b', 'a', 't', 'r', '{}', x'00', '00', 1, '3', 1, 2, 3, 0, NULL,"
     " NULL, NULL)",
     "table grant, row 3: does not follow"},
    {"UPDATE batch SET numbers = '[]'", "table batch, row 4: numbers is []"},
    {"UPDATE budget SET held = 0",
     "table budget, row b s w calls: held is 0, but from the journal"},
};

static void test_table_edits(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof table_edits / sizeof *table_edits; i++) {
        world w;
        audit_report report;
        build(&w);
        world_edit(&w, table_edits[i].sql);
        /* where the archive is, the chain itself says */
        bool chain = strstr(table_edits[i].sql, "INTO archive") == NULL;
        assert_true((audit_verify(w.db, w.anchor, NULL, &report, NULL, NULL, &w.d) == 0) == chain);
        int rc = audit_rebuild_check(w.db, NULL, &report, &w.d);
        if (rc != DIAG_STORAGE || strstr(w.d.what, table_edits[i].what) == NULL) {
            fail_msg("%s: %d %s", table_edits[i].sql, rc, w.d.what);
        }
        world_end(&w);
    }
}

/* A journal whose chain holds, but in which an effect goes where none may. */
static void test_a_way_that_no_effect_goes(void **state) {
    world w;
    audit_report report;
    (void)state;
    build(&w);
    world_start(&w);
    world_put(&w, RECORD_EFFECT_DENIED, 1, "5",
              "{'args':{},'call':'c','class':'once','decision':{},'digest':'" HEX "','error':{},"
              "'target':'i.m.write'}");
    world_close(&w);
    assert_int_equal(audit_verify(w.db, w.anchor, NULL, &report, NULL, NULL, &w.d), 0);
    assert_int_equal(audit_rebuild_check(w.db, NULL, &report, &w.d), DIAG_STORAGE);
    assert_non_null(strstr(w.d.what, "effect.denied at 5 of run 1: the effect was intended"));
    world_end(&w);
}

/* Every table of the projection is edited above, so that none is forgotten by the check. */
static void test_every_table_is_compared(void **state) {
    static const char *const own[] = {"meta",      "journal",   "payload",
                                      "run_index", "watermark", "artifact"};
    world w;
    (void)state;
    build(&w);
    world_start(&w);
    char *names =
        keel_strdup(world_rows(&w, "SELECT name FROM sqlite_schema WHERE type = 'table'"));
    char *save = NULL;
    for (char *t = strtok_r(names, ";", &save); t != NULL; t = strtok_r(NULL, ";", &save)) {
        bool found = false;
        char word[64];
        snprintf(word, sizeof word, " %s", t);
        for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
            found = found || strcmp(own[i], t) == 0;
        }
        for (size_t i = 0; i < sizeof table_edits / sizeof *table_edits; i++) {
            found = found || strstr(table_edits[i].sql, word) != NULL;
        }
        if (!found) {
            fail_msg("no edit of table %s", t);
        }
    }
    free(names);
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_file),
        cmocka_unit_test(test_progress),
        cmocka_unit_test(test_edits),
        cmocka_unit_test(test_a_cut_behind_the_last_anchor),
        cmocka_unit_test(test_erased_bodies_are_no_fault),
        cmocka_unit_test(test_rewritten),
        cmocka_unit_test(test_replaced_key),
        cmocka_unit_test(test_an_older_copy),
        cmocka_unit_test(test_table_edits),
        cmocka_unit_test(test_a_way_that_no_effect_goes),
        cmocka_unit_test(test_every_table_is_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
