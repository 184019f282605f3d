/* A fault at every failpoint of the journal: each kind, before its row, before the commit and after
 * it. And records that do not fit the tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "failpoint.h"
#include "store_world.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* Everything that any kind's projection asks for, in canonical order. */
static const char every_member[] =
    "{'account':'00','agent':'a','answer':1,'approval':'" HEX
    "','attempt':1,'batch':1,'by':'b','class':'once',"
    "'connection':'c','denied':1,'depth':0,'digest':'" HEX
    "','existing':false,'expires_us':1,'file':'f','first':1,'from':'00','grant':1,"
    "'head':'" HEX
    "','holds':[],'how':'drop','id':'i','incarnation':'00','key':'k','kind':'agent','last':1,"
    "'last_us':1,'name':'n','next':'x','not_before_us':1,'number':1,'numbers':[],"
    "'of':{'path':'1','run':1},'override':1,'owner':'keel','plugin':'" HEX "',"
    "'public_key':'" HEX "','reason':'halted','remember':'" HEX
    "','request':'q','resource':'r','root':1,'run':2,'salt':'00',"
    "'scope':{'agent':'a','max_uses':1,'rule':'r','target':'t'},"
    "'sensitivity':'internal','seq':1,'settled':[],'state':'failed','step':1,'strikes':1,"
    "'tainted':false,'target':'t','undo':'u','until_us':1,'"
    "version':'1','why':'w'}";
/* `approval` is a number there. */
static const char intended[] =
    "{'approval':1,'args':1,'attempt':1,'class':'once','digest':'" HEX "','holds':[],'key':'k',"
    "'target':'t'}";

static const char *body_of(record_kind kind) {
    return kind == RECORD_EFFECT_INTENDED ? intended
           : kind == RECORD_SPAWN         ? "{'run':2}"
                                          : every_member;
}

static void visit(record_kind kind, enum record_point point) {
    world w;
    char plan[96];
    const char *name = record_failpoint(kind, point);
    world_make(&w);
    if (kind == RECORD_BOOT) {
        assert_int_equal(world_open(&w), 0);
        keel_buf body = KEEL_BUF_INIT;
        store_boot_body(w.s, &body);
        turn_add(w.t, RECORD_BOOT, 0, "", body.data, body.len);
        keel_buf_free(&body);
    } else {
        world_start(&w);
        world_add(&w, kind, 1, "1", body_of(kind));
    }
    int64_t next = store_identify(w.s)->next_seq;
    snprintf(plan, sizeof plan, "%s=eio@1", name);
    assert_int_equal(failpoint_plan(plan, &w.d), 0);
    if (world_commit(&w) != DIAG_STORAGE || strstr(w.d.what, name) == NULL) {
        fail_msg("%s: %s", name, w.d.what);
    }
    assert_int_equal(failpoint_hits(name), 1);
    assert_int_equal(failpoint_plan(NULL, &w.d), 0);
    world_close(&w);
    assert_int_equal(world_open(&w), 0);
    assert_int_equal(store_identify(w.s)->next_seq, next + (point == RECORD_AFTER_COMMIT));
    world_end(&w);
}

static void test_every_failpoint(void **state) {
    enum record_point point = *(const enum record_point *)*state;
    int kinds = 0;
    for (int k = 1; k < RECORD_KIND_MAX; k++) {
        if (record_kind_name((record_kind)k) != NULL) {
            visit((record_kind)k, point);
            kinds++;
        }
    }
    assert_true(kinds >= 60);
}

/* ---- records that do not fit ---- */

typedef struct put {
    record_kind kind;
    uint64_t run;
    const char *path;
    const char *body;
} put;

static const struct {
    const char *name;
    put put;
    const char *what;
} misfits[] = {
    {"a member is missing",
     {RECORD_EFFECT_RETRY, 1, "1", "{'attempt':1,'settled':[],'why':''}"},
     "record 2 (effect.retry) has no usable member \"not_before_us\""},
    {"text where a number belongs",
     {RECORD_SLEEP, 1, "1", "{'call':'c','until_us':'soon'}"},
     "record 2 (sleep) has no usable member \"until_us\""},
    {"no hex",
     {RECORD_COMMAND, 0, "", "{'answer':1,'digest':'xy','name':'n','request':'q'}"},
     "record 2 (command) has no usable member \"digest\""},
    {"a member of an element",
     {RECORD_POLICY, 0, "", "{'digest':'" HEX "','files':[{'digest':'" HEX "'}]}"},
     "record 2 (policy) has no usable member \"name\""},
};

static void test_misfits(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof misfits / sizeof misfits[0]; i++) {
        world w;
        const put *p = &misfits[i].put;
        world_make(&w);
        world_start(&w);
        world_add(&w, p->kind, p->run, p->path, p->body);
        assert_int_equal(world_commit(&w), DIAG_STORAGE);
        assert_string_equal(w.d.what, misfits[i].what);
        world_close(&w);
        world_start(&w);
        assert_string_equal(world_rows(&w, "SELECT seq, kind FROM journal"), "1|1;2|1");
        world_end(&w);
    }
}

static void test_same_thing_twice(void **state) {
    static const put twice[] = {
        {RECORD_COMMAND, 0, "", "{'answer':1,'digest':'" HEX "','name':'n','request':'q'}"},
        {RECORD_RUN_BEGIN, 1, "", world_begin_body},
        {RECORD_SLEEP, 1, "1", "{'call':'c','until_us':1}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof twice / sizeof twice[0]; i++) {
        world w;
        world_make(&w);
        world_start(&w);
        world_put(&w, twice[i].kind, twice[i].run, twice[i].path, twice[i].body);
        world_add(&w, twice[i].kind, twice[i].run, twice[i].path, twice[i].body);
        assert_int_equal(world_commit(&w), DIAG_STORAGE);
        assert_non_null(strstr(w.d.what, "does not fit the tables: UNIQUE"));
        world_end(&w);
    }
}

/* An intention has a key that no other has: it stands in its record up to 1 KiB. */
static void test_unique_bodies_stand_inline(void **state) {
    world w;
    char body[1400];
    static const int pads[] = {600, 900};
    (void)state;
    world_make(&w);
    world_start(&w);
    for (int i = 0; i < 2; i++) {
        snprintf(
            body, sizeof body,
            "{'args':{},'attempt':1,'call':'c','class':'once','connector':'k','digest':'%064d',"
            "'holds':[],'key':'%d','target':'a.b.write','why':'%0*d'}",
            1, i, pads[i], 7);
        world_add(&w, RECORD_EFFECT_INTENDED, 1, i ? "2" : "1", body);
    }
    world_committed(&w);
    assert_string_equal(world_rows(&w, "SELECT path, body IS NULL FROM journal WHERE kind = 33"),
                        "1|0;2|1");
    world_end(&w);
}

int main(void) {
    static const enum record_point points[] = {RECORD_APPEND, RECORD_BEFORE_COMMIT,
                                               RECORD_AFTER_COMMIT};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unique_bodies_stand_inline),
        {"append", test_every_failpoint, NULL, NULL, (void *)&points[0]},
        {"before commit", test_every_failpoint, NULL, NULL, (void *)&points[1]},
        {"after commit", test_every_failpoint, NULL, NULL, (void *)&points[2]},
        cmocka_unit_test(test_misfits),
        cmocka_unit_test(test_same_thing_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
