#include "private.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS "SELECT seq, at, boot, run, path, kind, digest, salt, body FROM journal"

static const char *const statements[READER_STATEMENTS] = {
    [READER_RECORD] = COLUMNS " WHERE seq = ?",
    [READER_SCAN] = COLUMNS " WHERE seq >= ? ORDER BY seq",
    [READER_INDEX] = "SELECT first, seqs FROM run_index WHERE run = ? AND last > ? ORDER BY first",
    [READER_WATERMARK] = "SELECT seq FROM watermark",
    [READER_PAYLOAD] = "SELECT salt, bytes FROM payload WHERE digest = ?",
    [READER_RUN_BY_KEY] = "SELECT id FROM run WHERE agent = ? AND key = ?",
    [READER_REQUEST] = "SELECT seq, digest FROM request WHERE id = ?",
    [READER_ARCHIVED] = "SELECT last FROM archive ORDER BY first DESC LIMIT 1",
};

void reader_init(reader *r, sqlite3 *db) {
    *r = (reader){.db = db};
}

void reader_finish(reader *r) {
    for (int i = 0; i < READER_STATEMENTS; i++) {
        sqlite3_finalize(r->st[i]);
        r->st[i] = NULL;
    }
    reader_archives_close(r);
}

int reader_open(reader **out, const char *db_path, const char *vfs, diag *d) {
    sqlite3 *db;
    int version;
    bool empty;
    if (db_open(&db, db_path, vfs, DB_READ, d) < 0) {
        return DIAG_STORAGE;
    }
    int rc = db_recognize(db, db_path, &version, &empty, d);
    if (rc == 0 && (empty || version < STORE_VERSION)) {
        diag_set(d, DIAG_STORAGE, "%s %s", db_path,
                 empty ? "holds no workspace yet" : "was written by an older Keel");
        rc = DIAG_STORAGE;
        diag_next(d, empty ? "`keel init` makes one" : "`keel up` brings its tables up to date");
    }
    if (rc < 0) {
        sqlite3_close(db);
        return rc;
    }
    reader *r = keel_alloc(sizeof *r);
    reader_init(r, db);
    *out = r;
    return 0;
}

void reader_close(reader *r) {
    if (r == NULL) {
        return;
    }
    reader_finish(r);
    sqlite3_close(r->db);
    free(r);
}

sqlite3_stmt *reader_statement(reader *r, enum reader_statement which, diag *d) {
    if (r->st[which] == NULL && db_prepare(r->db, &r->st[which], statements[which], d) < 0) {
        return NULL;
    }
    return r->st[which];
}

int reader_begin(reader *r, bool *began, diag *d) {
    *began = sqlite3_get_autocommit(r->db) != 0;
    return *began ? db_exec(r->db, "BEGIN", d) : 0;
}

void reader_end(reader *r, bool began) {
    if (began) {
        sqlite3_exec(r->db, "COMMIT", NULL, NULL, NULL);
    }
}

/* ---- records ---- */

static int changed(int64_t seq, const char *what, diag *d) {
    diag_set(d, DIAG_STORAGE, "record %lld: %s", (long long)seq, what);
    diag_next(d,
              "the file was changed or is damaged: `keel audit verify` checks all of it; restore "
              "the last backup");
    return DIAG_STORAGE;
}

/* A column's bytes; never NULL for a blob that is there. */
static const char *bytes_of(sqlite3_stmt *st, int column, size_t *len) {
    const char *p = sqlite3_column_blob(st, column);
    *len = (size_t)sqlite3_column_bytes(st, column);
    return p != NULL ? p : "";
}

static int check_body(int64_t seq, const digest *expected, sqlite3_stmt *st, int salt, int body,
                      keel_json *out, diag *d) {
    size_t salt_len, len;
    keel_json_error e;
    const char *s = bytes_of(st, salt, &salt_len);
    const char *b = bytes_of(st, body, &len);
    digest actual = digest_of2(s, salt_len, b, len);
    if (memcmp(actual.bytes, expected->bytes, DIGEST_SIZE) != 0) {
        return changed(seq, "its body does not have its digest", d);
    }
    if (keel_json_check(b, len, &e) < 0) { /* or a view of it would read beyond its end */
        return changed(seq, "its body is not canonical", d);
    }
    *out = keel_json_view(b, len);
    return 0;
}

/* The body of the row that st stands on; none when it was erased. The payload statement keeps it
 * alive until its reset. */
static int fetch_body(reader *r, sqlite3_stmt *st, int64_t seq, keel_json *out, diag *d) {
    digest expected;
    size_t len;
    const char *bytes = bytes_of(st, 6, &len);
    if (len != DIGEST_SIZE) {
        return changed(seq, "its digest is not one", d);
    }
    memcpy(expected.bytes, bytes, DIGEST_SIZE);
    if (sqlite3_column_type(st, 8) != SQLITE_NULL) {
        return check_body(seq, &expected, st, 7, 8, out, d);
    }
    sqlite3_stmt *payload = reader_statement(r, READER_PAYLOAD, d);
    if (payload == NULL) {
        return DIAG_STORAGE;
    }
    sqlite3_bind_blob(payload, 1, expected.bytes, DIGEST_SIZE, SQLITE_TRANSIENT);
    int rc = sqlite3_step(payload);
    *out = (keel_json){NULL, 0};
    if (rc == SQLITE_ROW) {
        return check_body(seq, &expected, payload, 0, 1, out, d);
    }
    return rc == SQLITE_DONE ? 0 : db_fault(r->db, d);
}

static int visit_row(reader *r, sqlite3_stmt *st, reader_walk *w, diag *d) {
    journal_row row = {
        .seq = sqlite3_column_int64(st, 0),
        .at = sqlite3_column_int64(st, 1),
        .boot = sqlite3_column_int64(st, 2),
        .run = (uint64_t)sqlite3_column_int64(st, 3),
        .path = (const char *)sqlite3_column_text(st, 4),
        .kind = (record_kind)sqlite3_column_int(st, 5),
    };
    if (record_kind_name(row.kind) == NULL || row.path == NULL) {
        return changed(row.seq, "its kind is unknown", d);
    }
    int rc = fetch_body(r, st, row.seq, &row.body, d);
    if (rc == 0) {
        w->stopped = w->visit(w->ctx, &row);
    }
    if (r->st[READER_PAYLOAD] != NULL) {
        sqlite3_reset(r->st[READER_PAYLOAD]);
    }
    return rc;
}

static bool wanted(const reader_walk *w, uint64_t run) {
    size_t low = 0, high = w->filter_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (w->filter[middle] == run) {
            return true;
        }
        if (w->filter[middle] < run) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return w->filter == NULL;
}

static bool of_kind(const reader_walk *w, int kind) {
    return w->kinds == 0 || kind < 0 || kind >= RECORD_KIND_MAX || (w->kinds & RECORD_BIT(kind));
}

int reader_walk_rows(reader *r, sqlite3_stmt *st, reader_walk *w, diag *d) {
    int rc = SQLITE_DONE, failed = 0;
    while (failed == 0 && w->stopped == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        w->rows++;
        if (wanted(w, (uint64_t)sqlite3_column_int64(st, 3)) &&
            of_kind(w, sqlite3_column_int(st, 5))) {
            failed = visit_row(r, st, w, d);
        }
    }
    if (failed == 0 && rc != SQLITE_ROW && rc != SQLITE_DONE) {
        failed = db_fault(r->db, d);
    }
    sqlite3_reset(st);
    return failed;
}

/* Where a scan has to begin in the archive, it does. */
static int scan_archives(reader *r, int64_t seq, reader_walk *w, diag *d) {
    sqlite3_stmt *st = reader_statement(r, READER_ARCHIVED, d);
    if (st == NULL) {
        return DIAG_STORAGE;
    }
    int rc = sqlite3_step(st);
    bool archived = rc == SQLITE_ROW && seq <= sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        return db_fault(r->db, d);
    }
    return archived ? reader_walk_archives(r, false, seq, w, d) : 0;
}

int reader_walk_from(reader *r, enum reader_statement which, int64_t seq, reader_walk *w, diag *d) {
    sqlite3_stmt *st = reader_statement(r, which, d);
    int64_t before = w->rows;
    if (st == NULL || (which == READER_SCAN && scan_archives(r, seq, w, d) < 0)) {
        return DIAG_STORAGE;
    }
    if (w->stopped != 0) {
        return 0;
    }
    sqlite3_bind_int64(st, 1, seq);
    int rc = reader_walk_rows(r, st, w, d);
    return rc == 0 && which == READER_RECORD && w->rows == before
               ? reader_walk_archives(r, true, seq, w, d)
               : rc;
}

/* What a call that walked returns: a fault, or what its visitor said when that is a code. */
int reader_walked(int rc, const reader_walk *w) {
    return rc < 0 ? rc : w->stopped < 0 ? w->stopped : 0;
}

int reader_record(reader *r, int64_t seq, journal_visit *visit, void *ctx, diag *d) {
    reader_walk w = {.visit = visit, .ctx = ctx};
    int rc = reader_walk_from(r, READER_RECORD, seq, &w, d);
    if (rc == 0 && w.rows == 0) {
        return diag_set(d, DIAG_NOT_FOUND, "there is no record %lld", (long long)seq);
    }
    return reader_walked(rc, &w);
}

typedef struct member_want {
    const char *member;
    keel_buf *out;
} member_want;

static int take_member(void *ctx, const journal_row *row) {
    const member_want *of = ctx;
    keel_json value = keel_json_get(row->body, of->member);
    keel_buf_append(of->out, value.data, value.len);
    return 0;
}

int reader_member(reader *r, int64_t seq, const char *member, keel_buf *out, diag *d) {
    member_want of = {member, out};
    return reader_record(r, seq, take_member, &of, d);
}

int reader_scan(reader *r, int64_t from_seq, journal_visit *visit, void *ctx, diag *d) {
    reader_walk w = {.visit = visit, .ctx = ctx};
    return reader_walked(reader_walk_from(r, READER_SCAN, from_seq, &w, d), &w);
}

/* Bodies stand all over the file: a pass over all of them reads its pages where they are mapped, and
 * keeps the inner ones. Where they cannot be mapped it is only slower. */
static void widen(reader *r, bool wide) {
    sqlite3_exec(r->db, wide ? "PRAGMA cache_size = -16384" : "PRAGMA cache_size = 64", NULL, NULL,
                 NULL);
    sqlite3_exec(r->db, wide ? "PRAGMA mmap_size = 2147418112" : "PRAGMA mmap_size = 0", NULL, NULL,
                 NULL);
}

int reader_scan_kinds(reader *r, int64_t from_seq, uint64_t kinds, journal_visit *visit, void *ctx,
                      diag *d) {
    reader_walk w = {.visit = visit, .ctx = ctx, .kinds = kinds};
    widen(r, true);
    int rc = reader_walk_from(r, READER_SCAN, from_seq, &w, d);
    widen(r, false);
    return reader_walked(rc, &w);
}
