/* The index of runs: written at intervals, read at recovery, whatever lies behind its watermark. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store_world.h"

typedef struct seen {
    int64_t last;
    uint64_t runs[64];
    size_t count;
    bool ordered;
} seen;

static int note(void *ctx, const journal_row *row) {
    seen *s = ctx;
    s->ordered = s->ordered && row->seq > s->last;
    s->last = row->seq;
    s->count++;
    s->runs[row->run]++;
    return 0;
}

/* Turns of one step for each run of the list. */
static void fill(world *w, const uint64_t *runs, size_t count, int turns) {
    for (int i = 0; i < turns; i++) {
        for (size_t k = 0; k < count; k++) {
            world_add(w, RECORD_STEP, runs[k], "1", "{'name':'s','result':1}");
        }
        world_committed(w);
    }
}

static void expect(world *w, uint64_t run, size_t count) {
    uint64_t runs[] = {60, run, run}; /* 60 has no records; twice is once */
    seen s = {.ordered = true};
    assert_int_equal(reader_runs(store_reader(w->s), runs, 3, note, &s, &w->d), 0);
    if (s.count != count || s.runs[run] != count || !s.ordered) {
        fail_msg("run %llu: %zu records, expected %zu", (unsigned long long)run, s.count, count);
    }
}

static const uint64_t ten[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
static const uint64_t one[] = {11};

static void expect_all(world *w) {
    expect(w, 3, 700);
    expect(w, 11, 2);
    expect(w, 12, 0);
    uint64_t runs[] = {11, 2, 1};
    seen s = {.ordered = true};
    assert_int_equal(reader_runs(store_reader(w->s), runs, 3, note, &s, &w->d), 0);
    assert_int_equal(s.count, 1402);
    assert_true(s.ordered);
    assert_int_equal(runs[0], 1);
    assert_int_equal(reader_runs(store_reader(w->s), runs, 0, note, &s, &w->d), 0);
}

static void expect_after(world *w, int64_t after, size_t of_3, size_t of_11) {
    uint64_t runs[] = {3, 11};
    seen s = {.last = after, .ordered = true};
    assert_int_equal(reader_runs_after(store_reader(w->s), after, runs, 2, note, &s, &w->d), 0);
    if (s.count != of_3 + of_11 || s.runs[3] != of_3 || !s.ordered) {
        fail_msg("after %lld: %zu of run 3, %zu of run 11", (long long)after, s.runs[3],
                 s.runs[11]);
    }
    size_t sparse = s.runs[11];
    s = (seen){.last = after, .ordered = true};
    runs[0] = 11;
    assert_int_equal(reader_runs_after(store_reader(w->s), after, runs, 1, note, &s, &w->d), 0);
    assert_int_equal(sparse, of_11);
    assert_int_equal(s.count, of_11);
}

/* Run 3 has the records 5, 15, ..., 6985, 6996; run 11 has 2 and 6993. The host's are 1, and 7004 and
 * on when it was started again. */
static void expect_tails(world *w) {
    static const struct {
        int64_t after;
        size_t of_3, of_11;
    } tails[] = {{0, 700, 2},    {1, 700, 2},  {2, 700, 1},  {5, 699, 1},  {4994, 201, 1},
                 {4995, 200, 1}, {6992, 1, 1}, {6993, 1, 0}, {6996, 0, 0}, {9999, 0, 0}};
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        expect_after(w, tails[i].after, tails[i].of_3, tails[i].of_11);
    }
}

/* Run 11 is sparse: fetched by its seqs. The others are dense: one scan. */
static void build(world *w) {
    world_make(w);
    world_start(w);
    fill(w, one, 1, 1);
    fill(w, ten, 10, 699);
    fill(w, one, 1, 1);
    fill(w, ten, 10, 1);
}

static void test_no_index_yet(void **state) {
    world w;
    (void)state;
    build(&w);
    assert_string_equal(world_rows(&w, "SELECT seq FROM watermark"), "0");
    expect_all(&w);
    expect_tails(&w);
    world_end(&w);
}

static void test_index_at_stop(void **state) {
    world w;
    (void)state;
    build(&w);
    world_close(&w);
    world_start(&w);
    assert_string_equal(world_rows(&w, "SELECT seq FROM watermark"), "7003");
    assert_string_equal(world_rows(&w, "SELECT count(*), min(first), max(last) FROM run_index"
                                       " WHERE run = 3"),
                        "3|5|6996");
    assert_string_equal(world_rows(&w, "SELECT first, last, seqs FROM run_index WHERE run = 11"),
                        "2|6993|cf36");
    expect_all(&w);
    expect_tails(&w);
    world_end(&w);
}

static void test_index_on_the_way(void **state) {
    world w;
    (void)state;
    world_make(&w);
    world_start(&w);
    fill(&w, one, 1, 2);
    fill(&w, ten, 10, 700);
    assert_int_equal(store_index(w.s, &w.d), 0);
    assert_string_equal(world_rows(&w, "SELECT seq FROM watermark"), "7003");
    expect_all(&w);
    fill(&w, ten, 10, 1700);
    assert_string_equal(world_rows(&w, "SELECT seq FROM watermark"), "23393");
    expect(&w, 3, 2400);
    expect(&w, 11, 2);
    assert_int_equal(store_index(w.s, &w.d), 0);
    assert_int_equal(store_index(w.s, &w.d), 0); /* nothing new */
    expect(&w, 3, 2400);
    world_end(&w);
}

/* Killed: what the memory knew is gone, and is read from the journal at the next flush. */
static void test_index_after_a_kill(void **state) {
    world w;
    (void)state;
    build(&w);
    assert_int_equal(store_index(w.s, &w.d), 0);
    fill(&w, ten, 10, 5);
    w.s->failed = true; /* closes without its last words */
    world_close(&w);
    world_start(&w);
    assert_string_equal(world_rows(&w, "SELECT seq FROM watermark"), "7003");
    expect(&w, 3, 705);
    fill(&w, ten, 10, 5);
    assert_int_equal(store_index(w.s, &w.d), 0);
    assert_string_equal(world_rows(&w, "SELECT seq FROM watermark"), "7104");
    expect(&w, 3, 710);
    expect(&w, 11, 2);
    world_end(&w);
}

static void test_a_damaged_index_is_named(void **state) {
    static const char *const damage[] = {
        "UPDATE run_index SET seqs = x'00' WHERE run = 11",
        "UPDATE run_index SET seqs = x'80' WHERE run = 11",
        "UPDATE run_index SET seqs = x'ffffffffffffffffffff7f' WHERE run = 11",
    };
    (void)state;
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        world w;
        uint64_t runs[] = {11};
        seen s = {.ordered = true};
        world_make(&w);
        world_start(&w);
        fill(&w, one, 1, 2);
        world_close(&w);
        world_edit(&w, damage[i]);
        world_start(&w);
        assert_int_equal(reader_runs(store_reader(w.s), runs, 1, note, &s, &w.d), DIAG_STORAGE);
        assert_string_equal(w.d.what, "the index of run 11 is damaged");
        world_end(&w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_index_yet),
        cmocka_unit_test(test_index_at_stop),
        cmocka_unit_test(test_index_on_the_way),
        cmocka_unit_test(test_index_after_a_kill),
        cmocka_unit_test(test_a_damaged_index_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
