/* Power loss and disk faults at every operation of a workload of the store, each point in turn:
 * what was acknowledged is there, chain and anchor hold, the tables follow, and the store goes on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "crashvfs.h"
#include "store_world.h"

#define HEX  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HOLD "{'amount':3,'budget':'b','scope':'s','unit':'calls','window':'w'}"

enum { LARGE = 3000, TURNS = 8, RESTART_AT = 4, CHECKPOINT_PAGES = 12, REBUILD_EVERY = 5 };

typedef struct outcome {
    int64_t acknowledged; /* the last record of a commit that returned 0 */
    bool failed;
} outcome;

static char large[LARGE];

static void fill_turn(world *w, int number) {
    static char body[LARGE + 64];
    uint64_t run = (uint64_t)number / 3 + 1;
    switch (number % 3) {
    case 0:
        world_add(w, RECORD_RUN_BEGIN, run, "", world_begin_body);
        for (int i = 0; i < 6; i++) {
            world_add(w, RECORD_STEP, run, "1", "{'name':'s','result':12345678}");
        }
        world_add(w, RECORD_SLEEP, run, "2", "{'call':'c','until_us':5}");
        break;
    case 1:
        snprintf(body, sizeof body, "{'name':'s','result':'%d%s'}", number % 2, large);
        world_add(w, RECORD_STEP, run, "3", body);
        world_add(w, RECORD_EFFECT_INTENDED, run, "4",
                  "{'args':{},'attempt':1,'call':'c','class':'once','connector':'x','decision':{},"
                  "'digest':'" HEX "','holds':[" HOLD "],'key':'k','target':'i.m.write'}");
        break;
    default:
        world_add(w, RECORD_EFFECT_DONE, run, "4",
                  "{'attempt':1,'call':'c','result':1,'settled':[{'actual':2,'amount':3,"
                  "'budget':'b','overrun':0,'scope':'s','unit':'calls','window':'w'}],"
                  "'target':'i.m.write'}");
        world_add(w, RECORD_RUN_END, run, "", "{'result':1,'state':'ended'}");
        digest d = digest_of(body, (size_t)number);
        turn_artifact(w->t, &d, body, (size_t)number);
    }
}

/* False when the store failed. */
static bool commit(world *w, outcome *o) {
    if (turn_count(w->t) == 0) {
        return true;
    }
    int64_t last = turn_get(w->t, turn_count(w->t) - 1)->seq;
    if (store_commit(w->s, w->t, &w->d) < 0) {
        o->failed = true;
        return false;
    }
    o->acknowledged = last;
    w->at += 1000000;
    turn_begin(w->t, last + 1, w->at);
    return true;
}

static bool start(world *w, outcome *o) {
    keel_buf body = KEEL_BUF_INIT;
    if (world_open(w) < 0) {
        o->failed = true;
        return false;
    }
    sqlite3_wal_autocheckpoint(w->s->db, CHECKPOINT_PAGES);
    store_boot_body(w->s, &body);
    turn_add(w->t, RECORD_BOOT, 0, "", body.data, body.len);
    keel_buf_free(&body);
    return commit(w, o);
}

static bool run_turn(world *w, outcome *o, int number) {
    if (number == RESTART_AT) {
        world_close(w);
        if (!start(w, o)) {
            return false;
        }
    }
    fill_turn(w, number);
    if (!commit(w, o)) {
        return false;
    }
    if (number % 4 == 3 && store_anchor(w->s, w->at, &w->d) < 0) {
        fail_msg("%s", w->d.what);
    }
    if (number % 5 == 4 && store_index(w->s, &w->d) < 0) {
        o->failed = true;
        return false;
    }
    return true;
}

static int count_row(void *ctx, const journal_row *row) {
    *(int64_t *)ctx = row->seq;
    return 0;
}

/* After a fault in place the store acknowledges nothing more, and what was acknowledged can be
 * read. */
static void check_stopped(world *w, const outcome *o) {
    int64_t last = 0;
    diag d;
    turn_begin(w->t, o->acknowledged + 1, w->at);
    turn_add(w->t, RECORD_STOP, 0, "", "{}", 2);
    assert_int_equal(store_commit(w->s, w->t, &d), DIAG_STORAGE);
    assert_int_equal(reader_scan(store_reader(w->s), 1, count_row, &last, &d), 0);
    assert_true(last >= o->acknowledged);
}

static outcome run_workload(world *w, bool in_place) {
    outcome o = {0, false};
    if (start(w, &o)) {
        for (int number = 0; number < TURNS && run_turn(w, &o, number); number++) {
        }
    }
    if (o.failed && in_place && w->s != NULL) {
        check_stopped(w, &o);
    }
    world_close(w);
    return o;
}

static void must(int rc, const char *what, long point, const diag *d) {
    if (rc != 0) {
        fail_msg("operation %ld: %s: %s", point, what, d->what);
    }
}

static void check_after(world *w, const outcome *o, long point) {
    audit_report report;
    outcome more = {0, false};
    diag *d = &w->d;
    must(start(w, &more) ? 0 : -1, "go on", point, d);
    int64_t last = w->s->last.seq; /* as it was found */
    assert_int_equal(more.acknowledged, last + 1);
    if (last < o->acknowledged) {
        fail_msg("operation %ld: record %lld was acknowledged, the journal ends at %lld", point,
                 (long long)o->acknowledged, (long long)last);
    }
    assert_string_equal(world_rows(w, "PRAGMA integrity_check"), "ok");
    must(store_anchor(w->s, w->at, d), "anchor", point, d);
    must(audit_verify(w->db, w->anchor, w->vfs, &report, NULL, NULL, d), "verify", point, d);
    assert_int_equal(report.records, last + 1);
    assert_int_equal(report.unanchored, 0);
    if (point % REBUILD_EVERY == 0) {
        must(audit_rebuild_check(w->db, w->vfs, &report, d), "rebuild", point, d);
    }
    world_close(w);
}

static const struct fault {
    const char *name;
    crash_mode mode;
    bool then_cut; /* power fails after the fault */
    uint64_t seeds;
} faults[] = {
    {"lose", CRASH_LOSE, false, 1},   {"prefix", CRASH_PREFIX, false, 1},
    {"torn", CRASH_TORN, false, 2},   {"eio", CRASH_EIO, false, 1},
    {"eio, cut", CRASH_EIO, true, 1}, {"full, cut", CRASH_FULL, true, 1},
};

/* True when the armed operation was reached. */
static bool visit(world *w, const struct fault *f, long point, uint64_t seed) {
    crash_disk *disk = crash_disk_create("crash", (uint64_t)point * 7919 + seed);
    unlink(w->anchor);
    w->at = 1000000;
    crash_disk_arm(disk, point, f->mode);
    outcome o = run_workload(w, f->mode == CRASH_EIO || f->mode == CRASH_FULL);
    bool struck = crash_disk_struck(disk);
    if (f->then_cut) {
        crash_disk_cut(disk, CRASH_TORN);
    }
    crash_disk_restart(disk);
    check_after(w, &o, point);
    crash_disk_destroy(disk);
    return struck;
}

static void test_every_operation(void **state) {
    const struct fault *f = *state;
    world w;
    long points = 0;
    if (access("/dev/shm", W_OK) == 0) {
        setenv("TMPDIR", "/dev/shm", 0); /* the anchor's fsync is not what is tested */
    }
    world_make(&w);
    w.vfs = "crash";
    strcpy(w.db, "keel.db");
    memset(large, 'x', sizeof large - 1);
    for (uint64_t seed = 0; seed < f->seeds; seed++) {
        for (long point = 1 + (long)seed % WORLD_STRIDE; visit(&w, f, point, seed);
             point += WORLD_STRIDE) {
            points++;
        }
    }
    print_message("%s: %ld points, one of %d\n", f->name, points, WORLD_STRIDE);
    assert_true(points * WORLD_STRIDE > 100);
    world_end(&w);
}

int main(void) {
    enum { FAULTS = sizeof faults / sizeof faults[0] };
    struct CMUnitTest tests[FAULTS];
    for (size_t i = 0; i < FAULTS; i++) {
        tests[i] = (struct CMUnitTest){.name = faults[i].name,
                                       .test_func = test_every_operation,
                                       .initial_state = (void *)&faults[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
