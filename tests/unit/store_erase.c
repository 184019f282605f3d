/* The right to be forgotten: what was erased is in no byte of the files, the chain holds, and the
 * tables follow from what is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "crashvfs.h"
#include "fsio.h"
#include "store_world.h"

#define HEX  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define WORD "Mallory Quint"

/* ---- what is left of a body ---- */

static const struct {
    record_kind kind;
    const char *body;
    const char *rest;
} bodies[] = {
    {RECORD_STEP, "{'name':'ask " WORD "','result':{'a':1}}", "{'name':'erased','result':null}"},
    {RECORD_LOG, "{'level':'info','text':'" WORD "'}", "{'level':'info','text':'erased'}"},
    {RECORD_RUN_BEGIN, "{'agent':'a','depth':0,'input':{'to':'" WORD "'},'key':'k','root':1}",
     "{'agent':'a','depth':0,'key':'k','root':1}"},
    {RECORD_RUN_END,
     "{'error':{'code':'script','message':'" WORD "','trace':'x'},'result':1,'state':'failed'}",
     "{'error':{'code':'script','message':'erased'},'result':null,'state':'failed'}"},
    {RECORD_EFFECT_INTENDED,
     "{'args':{'to':'" WORD "'},'attempt':1,'decision':{'attributes':['" WORD "'],'rule':'r',"
     "'why':'w'},'digest':'00','evidence':[1],'holds':[],'key':'k','target':'t','why':'w'}",
     "{'args':{},'attempt':1,'decision':{'rule':'r','why':'erased'},'digest':'00','holds':[],"
     "'key':'k','target':'t','why':'erased'}"},
    {RECORD_WOKEN, "{'call':'c','kind':'wait','outcome':{'ok':'" WORD "'}}",
     "{'call':'c','kind':'wait'}"},
    {RECORD_QUESTION, "{'args':{'question':'" WORD "'},'call':'c','number':1}",
     "{'args':{},'call':'c','number':1}"},
    {RECORD_WOKEN,
     "{'by':'operator','call':'c','how':'answered','kind':'ask','number':1,'outcome':{'ok':'" WORD
     "'},'why':'" WORD "'}",
     "{'by':'operator','call':'c','how':'answered','kind':'ask','number':1,'why':'erased'}"},
    {RECORD_OVERRIDE, "{'by':'ann','number':1,'why':'" WORD "'}",
     "{'by':'ann','number':1,'why':'erased'}"},
    {RECORD_POLLED,
     "{'account':'00','connection':'c','items':[{'body':{'from':'" WORD "'},'id':'x'},{'body':2,"
     "'id':'y'}],'next':7,'resource':'m'}",
     "{'account':'00','connection':'c','items':[{'id':'x'},{'id':'y'}],'next':7,'resource':'m'}"},
    {RECORD_EVENT, "{'body':'" WORD "','name':'n'}", "{'name':'n'}"},
    {RECORD_STUCK, "{'kind':'run','next':'n','number':1,'owner':'o','reason':'" WORD "'}",
     "{'kind':'run','next':'n','number':1,'owner':'o','reason':'erased'}"},
    {RECORD_EFFECT_WAITING, "{'args':1,'reason':'approval','why':2}",
     "{'args':{},'reason':'approval'}"},
};

static char *quoted(const char *text) {
    char *out = keel_strdup(text);
    for (char *p = out; (p = strchr(p, '\'')) != NULL;) {
        *p = '"';
    }
    return out;
}

static void test_rests(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        char *body = quoted(bodies[i].body), *rest = quoted(bodies[i].rest);
        journal_row row = {.kind = bodies[i].kind, .body = keel_json_view(body, strlen(body))};
        keel_buf out = KEEL_BUF_INIT;
        erase_rest(&row, &out);
        assert_string_equal(out.data, rest);
        keel_buf_free(&out);
        free(body);
        free(rest);
    }
}

/* ---- a workspace in which a person is named everywhere ---- */

static char large[3000];

static void fill_large(void) {
    int n = snprintf(large, sizeof large, "{'name':'s','result':'" WORD " ");
    memset(large + n, 'x', 2000);
    strcpy(large + n + 2000, "'}");
}

#define ARGS                                                                                       \
    "'args':{'to':'" WORD "'},'call':'c','class':'once','connector':'x','decision':{'rule':'r1',"  \
    "'why':'" WORD "'},'digest':'" HEX "'"

/* Run 1: 2 begin, 3 step, 4 large step, 5 waiting as number 7, 6 rejected, 7 intended, 8 done, 9 end
 * with an error. Run 2: 10 begin, 11 the same large step, 12 end. */
static void build(world *w) {
    fill_large();
    world_start(w);
    world_add(w, RECORD_RUN_BEGIN, 1, "",
              "{'agent':'a','depth':0,'input':'" WORD "','plugin':'" HEX "','root':1,"
              "'version':'1'}");
    world_add(w, RECORD_STEP, 1, "1", "{'name':'s','result':'" WORD "'}");
    world_add(w, RECORD_STEP, 1, "2", large);
    world_add(w, RECORD_EFFECT_WAITING, 1, "3",
              "{'approval':'" HEX "'," ARGS ",'number':7,'reason':'approval','target':'i.m.write',"
              "'why':'" WORD "'}");
    world_add(w, RECORD_EFFECT_REJECTED, 1, "3",
              "{'by':'me','call':'c','error':{'code':'rejected','why':'" WORD "'},'number':7,"
              "'target':'i.m.write','why':'" WORD "'}");
    world_add(w, RECORD_EFFECT_INTENDED, 1, "4",
              "{'args':{'to':'" WORD "'},'attempt':1,'call':'c','class':'once','connector':'x',"
              "'decision':{'rule':'r2'},'digest':'" HEX "','holds':[{'amount':3,'budget':'b',"
              "'scope':'s','unit':'calls','window':'w'}],'key':'k','target':'i.m.write'}");
    world_add(w, RECORD_EFFECT_DONE, 1, "4",
              "{'attempt':1,'call':'c','result':'" WORD "','settled':[{'actual':2,'amount':3,"
              "'budget':'b','overrun':0,'scope':'s','unit':'calls','window':'w'}],"
              "'target':'i.m.write'}");
    world_add(w, RECORD_RUN_END, 1, "",
              "{'error':{'code':'script','message':'" WORD "'},'state':'failed'}");
    world_add(w, RECORD_RUN_BEGIN, 2, "", world_begin_body);
    world_add(w, RECORD_STEP, 2, "1", large);
    world_add(w, RECORD_RUN_END, 2, "", "{'result':1,'state':'ended'}");
    world_committed(w);
}

static bool holds_word(const char *path) {
    keel_buf bytes = KEEL_BUF_INIT;
    bool found = fsio_read(path, 1 << 26, &bytes, NULL) == 0 &&
                 memmem(bytes.data, bytes.len, WORD, strlen(WORD)) != NULL;
    keel_buf_free(&bytes);
    return found;
}

static bool anywhere(const world *w) {
    char wal[128];
    snprintf(wal, sizeof wal, "%s-wal", w->db);
    return holds_word(w->db) || holds_word(wal);
}

static int erase(world *w, int64_t first, int64_t last, erase_report *out) {
    int64_t seqs[32];
    size_t n = 0;
    for (int64_t i = last; i >= first; i--) {
        seqs[n++] = i;
    }
    int rc = store_erase(w->s, w->t, seqs, n, "me", "asked for", out, &w->d);
    w->at += 1000000;
    turn_begin(w->t, store_identify(w->s)->next_seq, w->at);
    return rc;
}

static void check_whole(world *w, int64_t erased) {
    audit_report report;
    if (audit_verify(w->db, w->anchor, w->vfs, &report, NULL, NULL, &w->d) != 0 ||
        audit_rebuild_check(w->db, w->vfs, &report, &w->d) != 0) {
        fail_msg("%s", w->d.what);
    }
    assert_int_equal(report.erased, erased);
}

static void test_nothing_is_left(void **state) {
    world w;
    erase_report report;
    audit_report audit;
    (void)state;
    world_make(&w);
    build(&w);
    assert_true(anywhere(&w));
    assert_int_equal(erase(&w, 2, 9, &report), 0);
    assert_int_equal(report.records, 8);
    assert_int_equal(report.before, 0);
    assert_int_equal(report.shared, 1); /* run 2 has the same large step */
    check_whole(&w, 8);
    assert_int_equal(erase(&w, 10, 12, &report), 0);
    assert_int_equal(report.shared, 0);
    assert_int_equal(store_compact(w.s, &w.d), 0);
    assert_false(anywhere(&w)); /* while it is open, too */
    check_whole(&w, 11);
    assert_string_equal(world_rows(&w, "SELECT state, reason FROM run"), "failed|erased;ended|-");
    assert_string_equal(world_rows(&w, "SELECT state, closed_why, closed_by FROM item"),
                        "denied|erased|me");
    assert_string_equal(world_rows(&w, "SELECT path, state, rule, args_seq FROM effect"),
                        "3|rejected|r1|5;4|done|r2|7");
    assert_string_equal(world_rows(&w, "SELECT spent, held FROM budget"), "2|0");
    assert_int_equal(audit_verify(w.db, w.anchor, NULL, &audit, NULL, NULL, &w.d), 0);
    assert_int_equal(audit.erased, 11);
    /* what comes later with the same bytes is there again */
    world_put(&w, RECORD_RUN_BEGIN, 3, "", world_begin_body);
    world_put(&w, RECORD_STEP, 3, "1", large);
    assert_true(anywhere(&w));
    world_restart(&w);
    check_whole(&w, 11);
    world_end(&w);
}

/* The table of what is left is itself held to the journal. */
static void test_a_rest_that_was_changed(void **state) {
    world w;
    erase_report report;
    audit_report audit;
    (void)state;
    world_make(&w);
    build(&w);
    assert_int_equal(erase(&w, 9, 9, &report), 0);
    world_close(&w);
    world_edit(&w, "UPDATE erased SET body = replace(body, 'failed', 'ended') WHERE seq = 9");
    assert_int_equal(audit_rebuild_check(w.db, NULL, &audit, &w.d), DIAG_STORAGE);
    assert_non_null(strstr(w.d.what, "table run, row 1"));
    world_edit(&w, "UPDATE erased SET body = '{' WHERE seq = 9");
    assert_int_equal(audit_rebuild_check(w.db, NULL, &audit, &w.d), DIAG_STORAGE);
    assert_non_null(strstr(w.d.what, "table erased, row 9"));
    world_end(&w);
}

static void test_refusals(void **state) {
    world w;
    erase_report report;
    (void)state;
    world_make(&w);
    build(&w);
    assert_int_equal(erase(&w, 1, 1, &report), DIAG_USAGE);
    assert_non_null(strstr(w.d.what, "record 1 (boot) is the host's own"));
    assert_int_equal(erase(&w, 99, 99, &report), DIAG_NOT_FOUND);
    assert_int_equal(erase(&w, 3, 3, &report), 0);
    assert_int_equal(erase(&w, 3, 3, &report), 0); /* again: nothing to do */
    assert_int_equal(report.records, 0);
    assert_int_equal(report.before, 1);
    assert_string_equal(world_rows(&w, "SELECT count(*) FROM journal WHERE kind = 14"), "1");
    archive_report archive;
    assert_int_equal(store_archivable(w.s, 5, w.at + 90LL * 86400000000, &archive, &w.d), 0);
    assert_int_equal(archive.last, 0); /* the store knows of what was there when it was opened */
    world_end(&w);
}

/* ---- the power fails at each operation ---- */

static void visit(world *w, long point, crash_mode mode, bool *struck) {
    crash_disk *disk = crash_disk_create("crash", (uint64_t)point);
    erase_report report = {0};
    unlink(w->anchor);
    w->at = 1000000;
    build(w);
    crash_disk_arm(disk, point, mode);
    int rc = erase(w, 2, 12, &report);
    int compact = rc == 0 ? store_compact(w->s, &w->d) : -1;
    world_close(w);
    *struck = crash_disk_struck(disk);
    crash_disk_restart(disk);
    world_start(w);
    const char *rows = world_rows(w, "SELECT count(*) FROM erased");
    if (strcmp(rows, "11") != 0 && (rc == 0 || strcmp(rows, "0") != 0)) {
        fail_msg("operation %ld: %s of 11 erased, result %d", point, rows, rc);
    }
    bool done = strcmp(rows, "11") == 0;
    assert_true(*struck || compact == 0);
    check_whole(w, done ? 11 : 0);
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
    assert_true(points * WORLD_STRIDE > 100);
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rests),
        cmocka_unit_test(test_nothing_is_left),
        cmocka_unit_test(test_a_rest_that_was_changed),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_every_operation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
