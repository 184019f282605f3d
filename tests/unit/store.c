#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store_world.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* ---- turns ---- */

static void test_turn_keeps_what_it_was_given(void **state) {
    static const size_t sizes[] = {0, 1, 100, 8000, 8192, 300000, 3, 2000000, 5};
    (void)state;
    turn *t = turn_create();
    for (int round = 0; round < 3; round++) {
        turn_begin(t, 10 * (round + 1), round);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            char *body = keel_alloc(sizes[i] + 1);
            memset(body, 'a' + (int)i, sizes[i]);
            assert_int_equal(turn_add(t, RECORD_STEP, i, "1.2", body, sizes[i]),
                             10 * (round + 1) + (int64_t)i);
            free(body);
        }
        assert_int_equal(turn_count(t), sizeof sizes / sizeof *sizes);
        assert_int_equal(turn_at(t), round);
        for (size_t i = 0; i < turn_count(t); i++) {
            const record *r = turn_get(t, i);
            assert_int_equal(r->len, sizes[i]);
            assert_string_equal(r->path, "1.2");
            assert_true(r->len == 0 ||
                        (r->body[0] == 'a' + (int)i && r->body[r->len - 1] == 'a' + (int)i));
            assert_int_equal(r->run, i);
        }
        assert_null(turn_get(t, turn_count(t)));
    }
    turn_destroy(t);
    turn_destroy(NULL);
}

static void test_kinds_have_names_and_failpoints(void **state) {
    (void)state;
    assert_string_equal(record_kind_name(RECORD_EFFECT_NOT_DONE), "effect.not_done");
    assert_null(record_kind_name((record_kind)0));
    assert_null(record_kind_name((record_kind)RECORD_KIND_MAX));
    assert_string_equal(record_failpoint(RECORD_STEP, RECORD_APPEND), "journal.step.append");
    assert_string_equal(record_failpoint(RECORD_RUN_END, RECORD_AFTER_COMMIT),
                        "journal.run.end.after_commit");
    assert_null(record_failpoint((record_kind)RECORD_KIND_MAX, RECORD_APPEND));
}

/* ---- commits ---- */

typedef struct seen {
    int count;
    int64_t first, last;
    keel_buf text;
} seen;

static int note(void *ctx, const journal_row *row) {
    seen *s = ctx;
    s->first = s->count == 0 ? row->seq : s->first;
    s->last = row->seq;
    s->count++;
    keel_buf_printf(&s->text, "%lld:%s:%llu:%s:%.*s;", (long long)row->seq,
                    record_kind_name(row->kind), (unsigned long long)row->run, row->path,
                    (int)(row->body.len < 40 ? row->body.len : 40), row->body.data);
    return 0;
}

static void test_commit_and_read(void **state) {
    world w;
    seen s = {0};
    (void)state;
    world_make(&w);
    world_start(&w);
    world_add(&w, RECORD_STEP, 3, "1", "{'name':'s','result':1}");
    world_add(&w, RECORD_LOG, 3, "2.1", "{'level':'info','text':'hello'}");
    world_committed(&w);
    assert_int_equal(world_commit(&w), 0); /* nothing to do */
    assert_int_equal(store_identify(w.s)->next_seq, 4);
    assert_int_equal(reader_scan(store_reader(w.s), 2, note, &s, &w.d), 0);
    assert_string_equal(s.text.data, "2:step:3:1:{\"name\":\"s\",\"result\":1};"
                                     "3:log:3:2.1:{\"level\":\"info\",\"text\":\"hello\"};");
    keel_buf_clear(&s.text);
    assert_int_equal(reader_record(store_reader(w.s), 3, note, &s, &w.d), 0);
    assert_string_equal(s.text.data, "3:log:3:2.1:{\"level\":\"info\",\"text\":\"hello\"};");
    assert_int_equal(reader_record(store_reader(w.s), 9, note, &s, &w.d), DIAG_NOT_FOUND);
    assert_string_equal(w.d.what, "there is no record 9");
    keel_buf_free(&s.text);
    world_end(&w);
}

static int stop_at_second(void *ctx, const journal_row *row) {
    int *left = ctx;
    (void)row;
    return --*left == 0 ? DIAG_WAITING : 0;
}

static void test_a_visitor_ends_the_walk(void **state) {
    world w;
    int left = 2;
    (void)state;
    world_make(&w);
    world_start(&w);
    for (int i = 0; i < 5; i++) {
        world_add(&w, RECORD_STEP, 1, "1", "{'name':'s','result':1}");
    }
    world_committed(&w);
    assert_int_equal(reader_scan(store_reader(w.s), 1, stop_at_second, &left, &w.d), DIAG_WAITING);
    assert_int_equal(left, 0);
    world_put(&w, RECORD_STEP, 1, "1", "{'name':'s','result':1}");
    world_end(&w);
}

static void test_identity(void **state) {
    world w;
    (void)state;
    world_make(&w);
    world_start(&w);
    store_identity a = *store_identify(w.s);
    assert_int_equal(a.boot, 1);
    assert_int_equal(a.next_seq, 2);
    assert_int_equal(a.rollback_from, 0);
    assert_int_equal(strlen(a.workspace), 32);
    assert_int_equal(strlen(a.incarnation), 16);
    assert_int_equal(strlen(a.public_key), 64);
    world_restart(&w);
    store_identity b = *store_identify(w.s);
    assert_int_equal(b.boot, 2);
    assert_int_equal(b.next_seq, 3);
    assert_string_equal(a.workspace, b.workspace);
    assert_string_equal(a.incarnation, b.incarnation);
    assert_string_equal(a.public_key, b.public_key);
    assert_string_equal(world_rows(&w, "SELECT boot, first_seq FROM boot"), "1|1;2|2");
    world_end(&w);
}

static void test_wrong_turns_stop_the_store(void **state) {
    static const struct {
        int64_t first_seq;
        record_kind kind;
        const char *what;
    } bad[] = {
        {9, RECORD_STEP, "the turn begins at record 9, the journal goes on at 2"},
        {2, RECORD_BOOT, "a boot begins with its boot record, and has no other"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        world w;
        world_make(&w);
        world_start(&w);
        turn_begin(w.t, bad[i].first_seq, 1);
        turn_add(w.t, bad[i].kind, 0, "", "{}", 2);
        assert_int_equal(store_commit(w.s, w.t, &w.d), DIAG_STORAGE);
        assert_string_equal(w.d.what, bad[i].what);
        turn_begin(w.t, 2, 1);
        turn_add(w.t, RECORD_STOP, 0, "", "{}", 2);
        assert_int_equal(store_commit(w.s, w.t, &w.d), DIAG_STORAGE);
        assert_string_equal(w.d.what, "the store stopped writing when a commit failed");
        assert_int_equal(store_index(w.s, &w.d), DIAG_STORAGE);
        world_end(&w);
    }
}

/* ---- bodies and files by content ---- */

static void test_large_bodies_stand_once(void **state) {
    world w;
    char body[400];
    seen s = {0};
    (void)state;
    world_make(&w);
    world_start(&w);
    for (int i = 0; i < 6; i++) {
        int pad = i < 4    ? 300
                  : i == 4 ? 256 - 24
                           : 257 - 24; /* 4 the same, one of 256, one of 257 */
        snprintf(body, sizeof body, "{'name':'s','result':'%0*d'}", pad, 7);
        world_add(&w, RECORD_STEP, 1, "1", body);
        if (i == 1) {
            world_committed(&w);
        }
    }
    world_committed(&w);
    assert_string_equal(world_rows(&w, "SELECT seq, body IS NULL, salt IS NULL, length(body) FROM"
                                       " journal WHERE kind = 21"),
                        "2|1|1|-;3|1|1|-;4|1|1|-;5|1|1|-;6|0|0|256;7|1|1|-");
    assert_string_equal(world_rows(&w, "SELECT count(DISTINCT j.digest), count(*) FROM journal j"
                                       " JOIN payload p ON p.digest = j.digest WHERE kind = 21"),
                        "2|5");
    assert_int_equal(reader_scan(store_reader(w.s), 5, note, &s, &w.d), 0);
    assert_int_equal(s.count, 3);
    assert_memory_equal(s.text.data, "5:step:1:1:{\"name\":\"s\",\"result\":\"0000", 32);
    keel_buf_free(&s.text);
    world_end(&w);
}

static void test_artifacts(void **state) {
    world w;
    keel_buf out = KEEL_BUF_INIT;
    (void)state;
    digest d = digest_of("return 1", 8), other = digest_of("x", 1);
    world_make(&w);
    world_start(&w);
    for (int i = 0; i < 2; i++) {
        turn_artifact(w.t, &d, "return 1", 8);
        world_committed(&w); /* artifacts alone are a commit too */
    }
    assert_int_equal(reader_artifact(store_reader(w.s), &d, &out, &w.d), 0);
    assert_string_equal(out.data, "return 1");
    assert_int_equal(reader_artifact(store_reader(w.s), &other, &out, &w.d), DIAG_NOT_FOUND);
    assert_int_equal(out.len, 8);
    world_close(&w);
    world_edit(&w, "UPDATE artifact SET bytes = x'00'");
    world_start(&w);
    assert_int_equal(reader_artifact(store_reader(w.s), &d, &out, &w.d), DIAG_STORAGE);
    assert_non_null(strstr(w.d.what, "does not have its digest"));
    assert_int_equal(out.len, 8);
    keel_buf_free(&out);
    world_end(&w);
}

static void test_a_changed_body_is_named_when_read(void **state) {
    world w;
    seen s = {0};
    (void)state;
    world_make(&w);
    world_start(&w);
    for (int i = 0; i < 400; i++) { /* more than is checked at the start */
        world_add(&w, RECORD_STEP, 1, "1", "{'name':'s','result':1}");
    }
    world_committed(&w);
    world_close(&w);
    world_edit(&w, "UPDATE journal SET body = x'7b7d' WHERE seq = 5");
    world_start(&w);
    assert_int_equal(reader_scan(store_reader(w.s), 1, note, &s, &w.d), DIAG_STORAGE);
    assert_string_equal(w.d.what, "record 5: its body does not have its digest");
    assert_int_equal(s.last, 4);
    keel_buf_free(&s.text);
    world_end(&w);
}

/* ---- look-ups ---- */

static void test_requests_and_keys(void **state) {
    world w;
    digest d;
    uint64_t run = 0;
    keel_buf body = KEEL_BUF_INIT;
    char hex[DIGEST_HEX];
    (void)state;
    world_make(&w);
    world_start(&w);
    world_put(&w, RECORD_COMMAND, 0, "",
              "{'answer':{'ok':1},'digest':'" HEX "','name':'do','request':'q-1'}");
    world_put(&w, RECORD_RUN_BEGIN, 7, "",
              "{'agent':'a','depth':0,'input':null,'key':'mail-9','plugin':'" HEX
              "','root':7,'version':'1'}");
    reader *r = store_reader(w.s);
    assert_int_equal(reader_request(r, "q-1", &d, &body, &w.d), 0);
    digest_hex(&d, hex);
    assert_string_equal(hex, HEX);
    assert_true(keel_json_get(keel_json_view(body.data, body.len), "answer").len > 0);
    assert_int_equal(reader_request(r, "q-2", &d, &body, &w.d), DIAG_NOT_FOUND);
    assert_int_equal(reader_run_by_key(r, "a", "mail-9", &run, &w.d), 0);
    assert_int_equal(run, 7);
    assert_int_equal(reader_run_by_key(r, "b", "mail-9", &run, &w.d), DIAG_NOT_FOUND);
    assert_int_equal(reader_run_by_key(r, "a", "mail-1", &run, &w.d), DIAG_NOT_FOUND);
    assert_int_equal(run, 7);
    keel_buf_free(&body);
    world_end(&w);
}

static int first_value(void *ctx, int columns, const char *const *values,
                       const char *const *names) {
    keel_buf *out = ctx;
    keel_buf_printf(out, "%d %s=%s %s=%s", columns, names[0], values[0], names[1],
                    values[1] != NULL ? values[1] : "NULL");
    return 1;
}

static void test_query(void **state) {
    static const char *const params[] = {"1", NULL};
    world w;
    keel_buf out = KEEL_BUF_INIT;
    (void)state;
    world_make(&w);
    world_start(&w);
    assert_int_equal(reader_query(store_reader(w.s),
                                  "SELECT x'00ff' AS a, ?2 AS b FROM journal"
                                  " WHERE seq = CAST(?1 AS INTEGER)",
                                  params, 2, first_value, &out, &w.d),
                     0);
    assert_string_equal(out.data, "2 a=00ff b=NULL");
    assert_int_equal(reader_query(store_reader(w.s), "SELECT nothing FROM journal", NULL, 0,
                                  first_value, &out, &w.d),
                     DIAG_STORAGE);
    keel_buf_free(&out);
    world_end(&w);
}

/* A reader of its own sees committed turns only, and does not stand in the writer's way. */
static void test_readers_while_writing(void **state) {
    world w;
    reader *r;
    seen s = {0};
    (void)state;
    world_make(&w);
    world_start(&w);
    assert_int_equal(reader_open(&r, w.db, NULL, &w.d), 0);
    for (int i = 0; i < 50; i++) {
        world_add(&w, RECORD_STEP, 1, "1", "{'name':'s','result':1}");
        s.count = 0;
        assert_int_equal(reader_scan(r, 1, note, &s, &w.d), 0);
        assert_int_equal(s.count, i + 1);
        world_committed(&w);
    }
    bool began;
    assert_int_equal(reader_begin(r, &began, &w.d), 0);
    s.count = 0;
    assert_int_equal(reader_scan(r, 1, note, &s, &w.d), 0);
    world_put(&w, RECORD_STEP, 1, "1", "{'name':'s','result':1}");
    int before = s.count;
    s.count = 0;
    assert_int_equal(reader_scan(r, 1, note, &s, &w.d), 0);
    assert_int_equal(s.count, before); /* one transaction, one state */
    reader_end(r, began);
    reader_close(r);
    reader_close(NULL);
    keel_buf_free(&s.text);
    world_end(&w);
}

/* What kill -9 leaves, database and log, can be read without a kernel, and opens again. */
static void test_after_a_kill(void **state) {
    world w, copy;
    reader *r;
    seen s = {0};
    (void)state;
    world_make(&w);
    world_make(&copy);
    world_start(&w);
    world_put(&w, RECORD_STEP, 1, "1", "{'name':'s','result':1}");
    static const char *const parts[] = {"keel.db", "keel.db-wal", "key", "anchor"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char from[128], to[128];
        snprintf(from, sizeof from, "%s/%s", w.dir, parts[i]);
        snprintf(to, sizeof to, "%s/%s", copy.dir, parts[i]);
        world_copy(from, to);
    }
    assert_int_equal(reader_open(&r, copy.db, NULL, &w.d), 0);
    assert_int_equal(reader_scan(r, 2, note, &s, &w.d), 0);
    assert_int_equal(s.count, 1);
    reader_close(r);
    world_start(&copy);
    assert_int_equal(store_identify(copy.s)->boot, 2);
    keel_buf_free(&s.text);
    world_end(&copy);
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turn_keeps_what_it_was_given),
        cmocka_unit_test(test_kinds_have_names_and_failpoints),
        cmocka_unit_test(test_commit_and_read),
        cmocka_unit_test(test_a_visitor_ends_the_walk),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_wrong_turns_stop_the_store),
        cmocka_unit_test(test_large_bodies_stand_once),
        cmocka_unit_test(test_artifacts),
        cmocka_unit_test(test_a_changed_body_is_named_when_read),
        cmocka_unit_test(test_requests_and_keys),
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_readers_while_writing),
        cmocka_unit_test(test_after_a_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
