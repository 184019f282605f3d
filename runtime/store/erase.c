/* The right to be forgotten: the chain covers the digest of a body, so salt and bytes can go and
 * leave it whole. What the tables need of them stands in records of kind "erased" from then on. */
#include <stdlib.h>
#include <string.h>

#include "private.h"

enum { RESTS = 500 }; /* in one record */

typedef struct found {
    int64_t seq;
    record_kind kind;
} found;

typedef struct erasing {
    store *s;
    turn *t;
    const char *by, *why;
    found *found; /* to be erased, so far */
    size_t count;
    keel_buf body; /* the record "erased" under way */
    keel_json_writer w;
    size_t rests; /* in it */
    erase_report *report;
    diag *d;
} erasing;

/* ---- the records ---- */

static void begin_record(erasing *e) {
    keel_buf_clear(&e->body);
    keel_json_write(&e->w, &e->body);
    keel_json_object(&e->w);
    keel_json_set_text(&e->w, "by", e->by);
    keel_json_key(&e->w, "records");
    keel_json_array(&e->w);
}

static void end_record(erasing *e) {
    if (e->rests == 0) {
        return;
    }
    keel_json_array_end(&e->w);
    keel_json_set_text(&e->w, "why", e->why);
    keel_json_object_end(&e->w);
    turn_add(e->t, RECORD_ERASED, 0, "", e->body.data, e->body.len);
    e->rests = 0;
}

static int add_rest(void *ctx, const journal_row *row) {
    erasing *e = ctx;
    keel_buf rest = KEEL_BUF_INIT;
    if (row->run == 0 && row->kind != RECORD_COMMAND && row->kind != RECORD_POLLED) {
        diag_set(e->d, DIAG_USAGE, "record %lld (%s) is the host's own, and no words of a run",
                 (long long)row->seq, record_kind_name(row->kind));
        return diag_next(e->d, "name records of runs: `keel logs` and `keel run show` tell them");
    }
    if (row->body.data == NULL) {
        e->report->before++;
        return 0;
    }
    if (e->rests == 0) {
        begin_record(e);
    }
    erase_rest(row, &rest);
    keel_json_object(&e->w);
    keel_json_set_raw(&e->w, "body", keel_json_view(rest.data, rest.len));
    keel_json_set_int(&e->w, "seq", row->seq);
    keel_json_object_end(&e->w);
    keel_buf_free(&rest);
    e->found[e->count++] = (found){row->seq, row->kind};
    if (++e->rests == RESTS) {
        end_record(e);
    }
    return 0;
}

static int refuse_archived(erasing *e, int64_t seq) {
    int64_t archived;
    if (db_int(e->s->db, "SELECT max(last) FROM archive", 0, &archived, e->d) < 0) {
        return DIAG_STORAGE;
    }
    if (seq > archived) {
        return 0;
    }
    diag_set(e->d, DIAG_CONFLICT,
             "record %lld stands in the archive (%s/archive), whose files do not change any more",
             (long long)seq, ".keel");
    return diag_next(e->d, "what may have to be erased is erased before it is archived; nothing "
                           "was erased now");
}

/* 1: it was erased before. */
static int was_erased(sqlite3_stmt *st, int64_t seq) {
    sqlite3_bind_int64(st, 1, seq);
    int rc = sqlite3_step(st);
    sqlite3_reset(st);
    return rc == SQLITE_ROW;
}

static int gather(erasing *e, const int64_t *seqs, size_t count) {
    sqlite3_stmt *st;
    if (db_prepare(e->s->db, &st, "SELECT 1 FROM erased WHERE seq = ?", e->d) < 0) {
        return DIAG_STORAGE;
    }
    int rc = count > 0 ? refuse_archived(e, seqs[0]) : 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (i > 0 && seqs[i] == seqs[i - 1]) {
            continue;
        }
        if (was_erased(st, seqs[i])) {
            e->report->before++;
        } else {
            rc = reader_record(&e->s->reader, seqs[i], add_rest, e, e->d);
        }
    }
    sqlite3_finalize(st);
    end_record(e);
    return rc;
}

/* ---- the rows ---- */

#define CLOSED                                                                                     \
    "UPDATE item SET closed_why = 'erased' WHERE closed_why IS NOT NULL"                           \
    " AND (run, path, closed_us) = (SELECT run, path, at FROM journal WHERE seq = ?)"

/* What the tables hold of its words. */
static const struct {
    record_kind kind; /* 0: of every kind */
    const char *sql;
} edits[] = {
    {RECORD_RUN_END, "UPDATE run SET reason = 'erased' WHERE end_seq = ? AND reason IS NOT NULL"},
    {RECORD_STUCK, "UPDATE item SET reason = 'erased' WHERE args_seq = ? AND kind = 'stuck'"},
    {RECORD_EFFECT_DENIED, CLOSED},
    {RECORD_EFFECT_RETRY, CLOSED},
    {RECORD_EFFECT_REJECTED, CLOSED},
    {RECORD_EFFECT_STALE, CLOSED},
    {RECORD_STUCK_CLOSED, CLOSED},
    {0, "UPDATE journal SET salt = NULL, body = NULL WHERE seq = ?"},
};
enum { EDITS = sizeof edits / sizeof *edits };

static int run_edits(sqlite3 *db, sqlite3_stmt *const st[EDITS], const found *f, diag *d) {
    for (int i = 0; i < EDITS; i++) {
        if (edits[i].kind != 0 && edits[i].kind != f->kind) {
            continue;
        }
        sqlite3_bind_int64(st[i], 1, f->seq);
        int rc = sqlite3_step(st[i]);
        sqlite3_reset(st[i]);
        if (rc != SQLITE_DONE) {
            return db_fault(db, d);
        }
    }
    return 0;
}

static int count_shared(erasing *e) {
    sqlite3_stmt *st;
    if (db_prepare(e->s->db, &st,
                   "SELECT count(*) FROM erased x JOIN journal j ON j.seq = x.seq"
                   " JOIN payload p ON p.digest = j.digest WHERE x.seq = ?",
                   e->d) < 0) {
        return DIAG_STORAGE;
    }
    int rc = SQLITE_ROW;
    for (size_t i = 0; i < e->count && rc == SQLITE_ROW; i++) {
        sqlite3_bind_int64(st, 1, e->found[i].seq);
        rc = sqlite3_step(st);
        e->report->shared += rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
        sqlite3_reset(st);
    }
    sqlite3_finalize(st);
    return rc == SQLITE_ROW ? 0 : db_fault(e->s->db, e->d);
}

static int drop_bodies(store *s, void *ctx, diag *d) {
    erasing *e = ctx;
    sqlite3_stmt *st[EDITS] = {NULL};
    int rc = 0;
    for (int i = 0; i < EDITS && rc == 0; i++) {
        rc = db_prepare(s->db, &st[i], edits[i].sql, d);
    }
    for (size_t i = 0; i < e->count && rc == 0; i++) {
        rc = run_edits(s->db, st, &e->found[i], d);
    }
    for (int i = 0; i < EDITS; i++) {
        sqlite3_finalize(st[i]);
    }
    rc = rc ? rc : payload_sweep(s->db, d);
    return rc ? rc : count_shared(e);
}

static int by_seq(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

int store_erase(store *s, turn *t, int64_t *seqs, size_t count, const char *by, const char *why,
                erase_report *out, diag *d) {
    erase_report report = {0};
    erasing e = {.s = s, .t = t, .by = by, .why = why, .report = &report, .d = d};
    store_work drop = {drop_bodies, &e};
    e.found = keel_alloc((count + 1) * sizeof *e.found);
    if (count > 0) {
        qsort(seqs, count, sizeof *seqs, by_seq);
    }
    int rc = gather(&e, seqs, count);
    if (rc == 0 && e.count > 0) {
        rc = db_exec(s->db, "PRAGMA secure_delete = ON", d);
        rc = rc ? rc : commit_with(s, t, &drop, d);
        report.records = (int64_t)e.count;
    }
    free(e.found);
    keel_buf_free(&e.body);
    if (rc == 0) {
        *out = report;
    }
    return rc;
}

/* ---- no trace in the file ---- */

/* Pages that were divided or freed hold copies of what stood in them; only a file written anew has
 * none. SQLite attaches what it writes. */
int store_compact(store *s, diag *d) {
    sqlite3_stmt *st;
    sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 1);
    int rc = db_exec(s->db, "VACUUM", d);
    sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
    if (rc < 0 || db_prepare(s->db, &st, "PRAGMA wal_checkpoint(TRUNCATE)", d) < 0) {
        return DIAG_STORAGE;
    }
    rc = sqlite3_step(st);
    bool whole = rc == SQLITE_ROW && sqlite3_column_int(st, 0) == 0;
    sqlite3_finalize(st);
    if (rc != SQLITE_ROW) {
        return db_fault(s->db, d);
    }
    if (!whole) {
        diag_set(d, DIAG_STORAGE,
                 "the log of %s is being read by another program, and was not "
                 "emptied: what was deleted may still stand in it",
                 sqlite3_db_filename(s->db, "main"));
        return diag_next(d, "end what reads it (`fuser -v` names it), and say the same once more");
    }
    return 0;
}
