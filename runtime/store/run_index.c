/* Which records belong to a run. The journal has no second index: one costs half of the throughput
 * on long runs. Instead the runs of the records behind the watermark are kept in memory, eight
 * bytes each, and written as rows of sorted deltas when STORE_INDEX_EVERY have gathered, and at
 * stop. After a crash what is missing in memory is read from the journal at the next flush, not at
 * the start. */
#include <stdlib.h>
#include <string.h>

#include "failpoint.h"
#include "private.h"

typedef struct entry {
    uint64_t run;
    int64_t seq;
} entry;

void run_index_init(run_index *ri, int64_t next_seq) {
    *ri = (run_index){.first = next_seq};
}

void run_index_finish(run_index *ri) {
    free(ri->runs);
    ri->runs = NULL;
}

void run_index_add(run_index *ri, uint64_t run) {
    if (ri->count == ri->cap) {
        ri->cap = ri->cap > 0 ? ri->cap * 2 : 256;
        ri->runs = keel_realloc(ri->runs, ri->cap * sizeof *ri->runs);
    }
    ri->runs[ri->count++] = run;
}

void run_index_flushed(run_index *ri) {
    ri->first += (int64_t)ri->count;
    ri->count = 0;
}

/* What the journal has between the watermark and the first record in memory. */
static int read_missing(sqlite3 *db, int64_t watermark, int64_t end, entry **entries, size_t *count,
                        diag *d) {
    sqlite3_stmt *st;
    if (watermark + 1 >= end) {
        return 0;
    }
    if (db_prepare(db, &st, "SELECT run, seq FROM journal WHERE seq > ? AND seq < ? AND run > 0",
                   d) < 0) {
        return DIAG_STORAGE;
    }
    sqlite3_bind_int64(st, 1, watermark);
    sqlite3_bind_int64(st, 2, end);
    size_t cap = 0;
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        if (*count == cap) {
            cap = cap > 0 ? cap * 2 : 1024;
            *entries = keel_realloc(*entries, cap * sizeof **entries);
        }
        (*entries)[(*count)++] = (entry){.run = (uint64_t)sqlite3_column_int64(st, 0),
                                         .seq = sqlite3_column_int64(st, 1)};
    }
    if (rc != SQLITE_DONE) {
        db_fault(db, d);
    }
    sqlite3_finalize(st);
    return rc == SQLITE_DONE ? 0 : DIAG_STORAGE;
}

static int by_run(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->run != y->run) {
        return x->run < y->run ? -1 : 1;
    }
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Runs that follow each other in number, which is the rule, are sorted by counting. */
static void sort_entries(entry *e, size_t count) {
    uint64_t least = UINT64_MAX, most = 0;
    for (size_t i = 0; i < count; i++) {
        least = e[i].run < least ? e[i].run : least;
        most = e[i].run > most ? e[i].run : most;
    }
    if (count == 0 || most - least >= 4 * count) {
        qsort(e, count, sizeof *e, by_run);
        return;
    }
    size_t range = (size_t)(most - least) + 2;
    size_t *at = keel_alloc(range * sizeof *at);
    entry *sorted = keel_alloc(count * sizeof *sorted);
    memset(at, 0, range * sizeof *at);
    for (size_t i = 0; i < count; i++) {
        at[e[i].run - least + 1]++;
    }
    for (size_t i = 1; i < range; i++) {
        at[i] += at[i - 1];
    }
    for (size_t i = 0; i < count; i++) {
        sorted[at[e[i].run - least]++] = e[i];
    }
    memcpy(e, sorted, count * sizeof *e);
    free(at);
    free(sorted);
}

static size_t put_varint(uint8_t *p, uint64_t v) {
    size_t n = 0;
    while (v >= 0x80) {
        p[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    p[n++] = (uint8_t)v;
    return n;
}

/* One row: the deltas after the first seq, which is a column. */
static int write_row(sqlite3 *db, sqlite3_stmt *st, const entry *e, size_t count, diag *d) {
    uint8_t bytes[STORE_INDEX_ROW * 10];
    size_t len = 0;
    for (size_t i = 1; i < count; i++) {
        len += put_varint(bytes + len, (uint64_t)(e[i].seq - e[i - 1].seq));
    }
    sqlite3_bind_int64(st, 1, (int64_t)e[0].run);
    sqlite3_bind_int64(st, 2, e[0].seq);
    sqlite3_bind_int64(st, 3, e[count - 1].seq);
    sqlite3_bind_blob(st, 4, bytes, (int)len, SQLITE_STATIC);
    int rc = sqlite3_step(st);
    sqlite3_reset(st);
    return rc == SQLITE_DONE ? 0 : db_fault(db, d);
}

static int write_rows(sqlite3 *db, const entry *e, size_t count, diag *d) {
    sqlite3_stmt *st;
    if (db_prepare(db, &st, "INSERT INTO run_index(run, first, last, seqs) VALUES(?, ?, ?, ?)", d) <
        0) {
        return DIAG_STORAGE;
    }
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0;) {
        size_t n = 1;
        while (i + n < count && n < STORE_INDEX_ROW && e[i + n].run == e[i].run) {
            n++;
        }
        rc = write_row(db, st, e + i, n, d);
        i += n;
    }
    sqlite3_finalize(st);
    return rc;
}

static int move_watermark(sqlite3 *db, int64_t seq, diag *d) {
    sqlite3_stmt *st;
    if (db_prepare(db, &st, "UPDATE watermark SET seq = ? WHERE id = 1", d) < 0) {
        return DIAG_STORAGE;
    }
    sqlite3_bind_int64(st, 1, seq);
    int rc = sqlite3_step(st);
    sqlite3_finalize(st);
    return rc == SQLITE_DONE ? 0 : db_fault(db, d);
}

int run_index_flush(run_index *ri, sqlite3 *db, diag *d) {
    int64_t watermark;
    entry *entries = NULL;
    size_t count = 0;
    if (db_int(db, "SELECT seq FROM watermark", 0, &watermark, d) < 0) {
        return DIAG_STORAGE;
    }
    int rc = read_missing(db, watermark, ri->first, &entries, &count, d);
    if (rc == 0) {
        entries = keel_realloc(entries, (count + ri->count) * sizeof *entries);
        for (size_t i = 0; i < ri->count; i++) {
            if (ri->runs[i] > 0) {
                entries[count++] = (entry){ri->runs[i], ri->first + (int64_t)i};
            }
        }
        sort_entries(entries, count);
        rc = write_rows(db, entries, count, d);
    }
    free(entries);
    (void)KEEL_FP("index.rows");
    return rc == 0 ? move_watermark(db, ri->first + (int64_t)ri->count - 1, d) : rc;
}

int run_index_decode(const uint8_t *bytes, size_t len, int64_t first,
                     void (*add)(void *ctx, int64_t seq), void *ctx) {
    uint64_t seq = (uint64_t)first;
    add(ctx, first);
    for (size_t i = 0; i < len;) {
        uint64_t delta = 0;
        int shift = 0;
        while (i < len && bytes[i] >= 0x80 && shift < 63) {
            delta |= (uint64_t)(bytes[i++] & 0x7f) << shift;
            shift += 7;
        }
        if (i == len || shift >= 63 || (delta |= (uint64_t)bytes[i++] << shift) == 0 ||
            delta > (uint64_t)INT64_MAX - seq) {
            return -1;
        }
        seq += delta;
        add(ctx, (int64_t)seq);
    }
    return 0;
}
