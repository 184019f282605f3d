/* The anchor cannot be reached: commits go on, it is told, and the head is signed when it can be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fsio.h"
#include "store_world.h"
#include "writer.h"

typedef struct scene {
    world w;
    uv_loop_t loop;
    writer *writer;
    int commits, tries;
    int rc;
    char trouble[200];
} scene;

static void on_committed(void *ctx, turn *t, int rc, const diag *d) {
    scene *s = ctx;
    (void)d;
    s->w.at += 1000000;
    turn_begin(t, store_identify(s->w.s)->next_seq, s->w.at);
    s->commits++;
    s->rc |= rc;
}

static int64_t wall_us(void *ctx) {
    (void)ctx;
    return 1700000000000000;
}

static void on_anchored(void *ctx, const char *trouble) {
    scene *s = ctx;
    s->tries++;
    snprintf(s->trouble, sizeof s->trouble, "%s", trouble ? trouble : "");
}

static void wait_for(scene *s, const int *count, int n) {
    for (int i = 0; i < 10000 && *count < n; i++) {
        uv_run(&s->loop, UV_RUN_NOWAIT);
        usleep(2000);
    }
    assert_true(*count >= n);
}

static void put(scene *s, bool here) {
    int before = s->commits;
    world_add(&s->w, RECORD_STEP, 1, "1", "{'name':'s','result':1}");
    if (!here || !writer_commit_here(s->writer, s->w.t)) {
        writer_commit(s->writer, s->w.t);
    }
    wait_for(s, &s->commits, before + 1);
    assert_int_equal(s->rc, 0);
}

static void sign(scene *s) {
    int before = s->tries;
    writer_anchor(s->writer);
    wait_for(s, &s->tries, before + 1);
}

static void begin(scene *s) {
    memset(s, 0, sizeof *s);
    world_make(&s->w);
    world_start(&s->w);
    uv_loop_init(&s->loop);
    writer_events ev = {s, on_committed, wall_us, on_anchored};
    assert_int_equal(writer_start(&s->writer, &s->loop, s->w.s, &ev, &s->w.d), 0);
    put(s, false);
    wait_for(s, &s->tries, 1);
    assert_string_equal(s->trouble, "");
}

static int end(scene *s) {
    int rc = writer_stop(s->writer, &s->w.d);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s->loop), 0);
    return rc;
}

/* A folder stands in the place of the file. */
static void take_away(scene *s, char aside[128]) {
    snprintf(aside, 128, "%s.aside", s->w.anchor);
    assert_int_equal(rename(s->w.anchor, aside), 0);
    assert_int_equal(mkdir(s->w.anchor, 0700), 0);
}

static void put_back(scene *s, const char *aside) {
    assert_int_equal(rmdir(s->w.anchor), 0);
    assert_int_equal(rename(aside, s->w.anchor), 0);
}

static void work_goes_on_without_an_anchor(void **state) {
    scene s;
    char aside[128];
    (void)state;
    begin(&s);
    take_away(&s, aside);
    for (int i = 0; i < 20; i++) {
        put(&s, i % 2);
        sign(&s);
        assert_non_null(strstr(s.trouble, s.w.anchor));
    }
    sign(&s); /* again, though nothing new was committed */
    put_back(&s, aside);
    sign(&s);
    assert_string_equal(s.trouble, "");
    assert_int_equal(end(&s), 0);
    world_close(&s.w);
    audit_report report;
    assert_int_equal(audit_verify(s.w.db, s.w.anchor, NULL, &report, NULL, NULL, &s.w.d), 0);
    assert_int_equal(report.unanchored, 0);
    world_end(&s.w);
}

/* At the end it is said, since nobody signs it later; what was committed is there. */
static void an_end_without_an_anchor_is_told(void **state) {
    scene s;
    char aside[128];
    (void)state;
    begin(&s);
    take_away(&s, aside);
    put(&s, false);
    assert_int_equal(end(&s), DIAG_STORAGE);
    assert_non_null(strstr(s.w.d.what, s.w.anchor));
    world_close(&s.w);
    put_back(&s, aside);
    world_start(&s.w);
    assert_string_equal(world_rows(&s.w, "SELECT count(*) FROM journal WHERE kind = 21"), "2");
    world_end(&s.w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_goes_on_without_an_anchor),
        cmocka_unit_test(an_end_without_an_anchor_is_told),
    };
    return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
