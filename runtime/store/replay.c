/* All records of some runs, in order: what recovery replays. */
#include <stdlib.h>

#include "private.h"

/* A scan passes a record in a fraction of what it costs to fetch one by its seq. */
enum { DENSE = 8 };

typedef struct seqs {
    int64_t *at;
    size_t count;
    size_t cap;
    int64_t least;
    int64_t after; /* only larger ones are wanted */
} seqs;

static void add_seq(void *ctx, int64_t seq) {
    seqs *s = ctx;
    if (seq <= s->after) {
        return;
    }
    if (s->count == s->cap) {
        s->cap = s->cap > 0 ? s->cap * 2 : 256;
        s->at = keel_realloc(s->at, s->cap * sizeof *s->at);
    }
    if (s->count == 0 || seq < s->least) {
        s->least = seq;
    }
    s->at[s->count++] = seq;
}

static int compare_runs(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static int compare_seqs(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static int indexed(reader *r, uint64_t run, seqs *out, diag *d) {
    sqlite3_stmt *st = reader_statement(r, READER_INDEX, d);
    if (st == NULL) {
        return DIAG_STORAGE;
    }
    sqlite3_bind_int64(st, 1, (sqlite3_int64)run);
    sqlite3_bind_int64(st, 2, out->after);
    int rc, failed = 0;
    while (failed == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        if (run_index_decode(sqlite3_column_blob(st, 1), (size_t)sqlite3_column_bytes(st, 1),
                             sqlite3_column_int64(st, 0), add_seq, out) < 0) {
            diag_set(d, DIAG_STORAGE, "the index of run %llu is damaged", (unsigned long long)run);
            failed = diag_next(d, "restore the last backup; the journal itself may be whole: `keel "
                                  "audit verify`");
        }
    }
    if (failed == 0 && rc != SQLITE_DONE) {
        failed = db_fault(r->db, d);
    }
    sqlite3_reset(st);
    return failed;
}

static int read_watermark(reader *r, int64_t *out, diag *d) {
    sqlite3_stmt *st = reader_statement(r, READER_WATERMARK, d);
    if (st == NULL) {
        return DIAG_STORAGE;
    }
    int rc = sqlite3_step(st);
    *out = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
    sqlite3_reset(st);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : db_fault(r->db, d);
}

static int fetch_each(reader *r, const seqs *s, reader_walk *w, diag *d) {
    int rc = 0;
    qsort(s->at, s->count, sizeof *s->at, compare_seqs);
    for (size_t i = 0; i < s->count && rc == 0 && w->stopped == 0; i++) {
        rc = reader_walk_from(r, READER_RECORD, s->at[i], w, d);
    }
    return rc;
}

static int walk(reader *r, const seqs *s, int64_t watermark, reader_walk *w, diag *d) {
    int64_t from = (watermark > s->after ? watermark : s->after) + 1;
    if (s->count > 0) {
        int64_t span = watermark - s->least + 1;
        if (span / DENSE <= (int64_t)s->count) {
            from = s->least;
        } else if (fetch_each(r, s, w, d) < 0) {
            return DIAG_STORAGE;
        }
    }
    return w->stopped == 0 ? reader_walk_from(r, READER_SCAN, from, w, d) : 0;
}

int reader_runs(reader *r, uint64_t *runs, size_t count, journal_visit *visit, void *ctx, diag *d) {
    return reader_runs_after(r, 0, runs, count, visit, ctx, d);
}

int reader_runs_after(reader *r, int64_t after, uint64_t *runs, size_t count, journal_visit *visit,
                      void *ctx, diag *d) {
    reader_walk w = {.visit = visit, .ctx = ctx, .filter = runs, .filter_count = count};
    seqs s = {.after = after};
    int64_t watermark;
    bool began;
    if (count == 0) {
        return 0;
    }
    qsort(runs, count, sizeof *runs, compare_runs);
    if (reader_begin(r, &began, d) < 0) {
        return DIAG_STORAGE;
    }
    int rc = read_watermark(r, &watermark, d);
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = i > 0 && runs[i] == runs[i - 1] ? 0 : indexed(r, runs[i], &s, d);
    }
    if (rc == 0) {
        rc = walk(r, &s, watermark, &w, d);
    }
    free(s.at);
    reader_end(r, began);
    return reader_walked(rc, &w);
}
