/* Everything that the journal can prove: its chains, its bodies, the files stored by content, and
 * the heads that were signed outside of the file. */
#include <stdlib.h>
#include <string.h>

#include "private.h"

enum { TELL_EVERY = 4096 };

/* A file that was accepted although its anchor was ahead: heads of seq (from, to] are of records
 * that were given up, or of a life that took up an older file. */
typedef struct gap {
    int64_t from;
    int64_t to;
    int64_t end; /* the record that says so */
    bool closed; /* a head since holds: those that follow are of records that are there */
} gap;

typedef struct audit {
    reader *r;
    const char *anchor;
    audit_report *report;
    void (*progress)(void *ctx, int64_t done, int64_t total);
    void *ctx;
    int64_t total;
    chain_state chain;
    sqlite3_stmt *has_payload;
    sqlite3_stmt *hash_at;
    anchor_keys keys; /* that boots named */
    char public_key[65];
    char workspace[33];
    gap *gaps;
    size_t gap_count;
    int64_t last_anchor;
    int64_t new_key; /* record of a boot that named another key: a restore has to follow */
    diag *d;
} audit;

static int fault(audit *a, const char *what, int64_t seq) {
    diag_set(a->d, DIAG_STORAGE, "record %lld %s", (long long)seq, what);
    diag_next(a->d, "the file was changed or is damaged: keep a copy of it and restore the last "
                    "backup");
    return DIAG_STORAGE;
}

static int compare_hash(sqlite3_stmt *st, int64_t seq, const digest *hash, diag *d) {
    sqlite3_bind_int64(st, 1, seq);
    int rc = sqlite3_step(st);
    int same = rc == SQLITE_ROW && sqlite3_column_bytes(st, 0) == DIGEST_SIZE &&
               memcmp(sqlite3_column_blob(st, 0), hash->bytes, DIGEST_SIZE) == 0;
    sqlite3_reset(st);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? same : db_fault(sqlite3_db_handle(st), d);
}

static const char hash_of[] = "SELECT hash FROM journal WHERE seq = ?";

/* 1 when the journal's record `seq` has this hash, 0 when not, DIAG_STORAGE. */
static int has_hash(audit *a, int64_t seq, const digest *hash) {
    for (size_t i = 0; i < a->r->archive_count; i++) {
        const archive_file *f = &a->r->archives[i];
        sqlite3_stmt *st;
        if (seq >= f->first && seq <= f->last && f->reader != NULL) {
            if (db_prepare(f->reader->db, &st, hash_of, a->d) < 0) {
                return DIAG_STORAGE;
            }
            int same = compare_hash(st, seq, hash, a->d);
            sqlite3_finalize(st);
            return same;
        }
    }
    return compare_hash(a->hash_at, seq, hash, a->d);
}

/* ---- what two kinds of record say ---- */

static int check_heads(audit *a, const journal_row *row) {
    bool previous = row->seq == 1;
    for (keel_json_iter it = keel_json_each(keel_json_get(row->body, "chains"));
         keel_json_next(&it);) {
        int64_t seq = 0;
        char hex[DIGEST_HEX] = "";
        digest head;
        keel_json_int(keel_json_get(it.value, "seq"), &seq);
        keel_json_copy(keel_json_get(it.value, "head"), hex, sizeof hex);
        int same = digest_from_hex(&head, hex, strlen(hex)) == 0 ? has_hash(a, seq, &head) : 0;
        if (same < 0) {
            return same;
        }
        if (same == 0) {
            return fault(a, "names another head of an earlier boot than the journal has", row->seq);
        }
        previous = previous || seq == row->seq - 1;
    }
    return previous ? 0 : fault(a, "does not name the head of the boot before it", row->seq);
}

/* The key that signs heads from this boot on. */
static int take_key(audit *a, const journal_row *row) {
    char hex[65] = "";
    size_t n = a->keys.count;
    keel_json_copy(keel_json_get(row->body, "public_key"), hex, sizeof hex);
    if (n > 0 && strcmp(hex, a->public_key) == 0) {
        return 0;
    }
    a->keys.list = keel_realloc(a->keys.list, (n + 1) * sizeof *a->keys.list);
    a->keys.list[n].boot = row->boot;
    a->keys.count++;
    a->new_key = n > 0 ? row->seq : 0;
    strcpy(a->public_key, hex);
    return hex_decode(a->keys.list[n].public_key, sizeof a->keys.list[n].public_key, hex,
                      strlen(hex)) == (int)sizeof a->keys.list[n].public_key
               ? 0
               : fault(a, "does not name the key that signs heads", row->seq);
}

static int read_boot(void *ctx, const journal_row *row) {
    audit *a = ctx;
    a->report->boots++;
    if (row->body.data == NULL) {
        return fault(a, "begins a boot and has no body", row->seq);
    }
    if (row->seq == 1) {
        keel_json_copy(keel_json_get(row->body, "workspace"), a->workspace, sizeof a->workspace);
    }
    return take_key(a, row) < 0 ? DIAG_STORAGE : check_heads(a, row);
}

/* The last record that no other life wrote anew. */
static int64_t shared_seq(const journal_row *row) {
    int64_t seq = INT64_MAX, shared = row->seq;
    keel_json_int(keel_json_get(row->body, "seq"), &shared);
    keel_json_int(keel_json_get(row->body, "shared"), &shared);
    for (keel_json_iter it = keel_json_each(keel_json_get(row->body, "lives"));
         keel_json_next(&it);) {
        keel_json_int(keel_json_get(it.value, "seq"), &seq);
        shared = seq < shared ? seq : shared;
    }
    return shared;
}

/* Accepted, or restored. */
static int read_rollback(void *ctx, const journal_row *row) {
    audit *a = ctx;
    gap g = {.from = shared_seq(row), .end = row->seq};
    if (row->kind == RECORD_RESTORED && a->new_key == row->seq - 1) {
        a->new_key = 0;
    }
    keel_json_int(keel_json_get(row->body, "anchor_seq"), &g.to);
    a->gaps = keel_realloc(a->gaps, (a->gap_count + 1) * sizeof *a->gaps);
    a->gaps[a->gap_count++] = g;
    return 0;
}

/* ---- records ---- */

static int check_payload(audit *a, sqlite3_stmt *st) {
    if (sqlite3_column_type(st, 9) != SQLITE_NULL) {
        return 0;
    }
    sqlite3_bind_blob(a->has_payload, 1, sqlite3_column_blob(st, 6), DIGEST_SIZE, SQLITE_STATIC);
    int rc = sqlite3_step(a->has_payload);
    sqlite3_reset(a->has_payload);
    a->report->erased += rc == SQLITE_DONE;
    return rc == SQLITE_ROW || rc == SQLITE_DONE
               ? 0
               : db_fault(sqlite3_db_handle(a->has_payload), a->d);
}

static int check_record(audit *a, sqlite3_stmt *st) {
    if (chain_check(&a->chain, st, a->d) < 0 || check_payload(a, st) < 0) {
        return DIAG_STORAGE;
    }
    a->report->records++;
    if (a->progress != NULL && a->report->records % TELL_EVERY == 0) {
        a->progress(a->ctx, a->report->records, a->total);
    }
    int kind = sqlite3_column_int(st, 5);
    journal_visit *visit = kind == RECORD_BOOT                                  ? read_boot
                           : kind == RECORD_ROLLBACK || kind == RECORD_RESTORED ? read_rollback
                                                                                : NULL;
    int rc = visit != NULL ? reader_record(a->r, a->chain.seq, visit, a, a->d) : 0;
    return rc == 0 && a->new_key != 0 && a->new_key < a->chain.seq
               ? fault(a, "names another key for signed heads, and no restore follows", a->new_key)
               : rc;
}

static int check_file(audit *a, sqlite3 *db) {
    sqlite3_stmt *st;
    if (db_prepare(db, &a->has_payload, "SELECT 1 FROM payload WHERE digest = ?", a->d) < 0 ||
        db_prepare(db, &st, CHAIN_COLUMNS " ORDER BY seq", a->d) < 0) {
        return DIAG_STORAGE;
    }
    int rc, failed = 0;
    while (failed == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        failed = check_record(a, st);
    }
    if (failed == 0 && rc != SQLITE_DONE) {
        failed = db_fault(db, a->d);
    }
    sqlite3_finalize(st);
    sqlite3_finalize(a->has_payload);
    a->has_payload = NULL;
    return failed;
}

/* ---- bytes by content ---- */

static int blame_record(audit *a, sqlite3 *db, const void *digest_bytes) {
    sqlite3_stmt *st;
    if (db_prepare(db, &st, "SELECT min(seq) FROM journal WHERE digest = ?", a->d) < 0) {
        return DIAG_STORAGE;
    }
    sqlite3_bind_blob(st, 1, digest_bytes, DIGEST_SIZE, SQLITE_STATIC);
    int64_t seq = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
    sqlite3_finalize(st);
    if (seq > 0) {
        return fault(a, "has a body, kept in payload, that is not its digest's", seq);
    }
    diag_set(a->d, DIAG_STORAGE, "the table payload holds bytes that no record names");
    diag_next(a->d, "the file was changed: keep a copy of it and restore the last backup");
    return DIAG_STORAGE;
}

static int blame_artifact(audit *a, sqlite3 *db, const void *digest_bytes) {
    (void)db;
    char hex[DIGEST_HEX];
    hex_encode(hex, digest_bytes, DIGEST_SIZE);
    diag_set(a->d, DIAG_STORAGE, "the stored file %.16s does not have its digest", hex);
    diag_next(a->d, "the file was changed or is damaged: restore the last backup");
    return DIAG_STORAGE;
}

/* Rows of digest, salt, bytes. */
static int check_contents(audit *a, sqlite3 *db, const char *sql,
                          int (*blame)(audit *a, sqlite3 *db, const void *digest)) {
    sqlite3_stmt *st;
    if (db_prepare(db, &st, sql, a->d) < 0) {
        return DIAG_STORAGE;
    }
    int rc, failed = 0;
    while (failed == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        static const uint8_t none[DIGEST_SIZE];
        const void *expected =
            sqlite3_column_bytes(st, 0) == DIGEST_SIZE ? sqlite3_column_blob(st, 0) : none;
        digest actual = digest_of2(sqlite3_column_blob(st, 1), (size_t)sqlite3_column_bytes(st, 1),
                                   sqlite3_column_blob(st, 2), (size_t)sqlite3_column_bytes(st, 2));
        failed = memcmp(actual.bytes, expected, DIGEST_SIZE) == 0 ? 0 : blame(a, db, expected);
    }
    if (failed == 0 && rc != SQLITE_DONE) {
        failed = db_fault(db, a->d);
    }
    sqlite3_finalize(st);
    return failed;
}

static const char payloads[] = "SELECT digest, salt, bytes FROM payload";

/* ---- the archive ---- */

static int not_as_moved(audit *a, const archive_file *f, const char *how) {
    diag_set(a->d, DIAG_STORAGE, "the archive file %s, with the records %lld to %lld, %s", f->path,
             (long long)f->first, (long long)f->last, how);
    return diag_next(a->d, "put it back as it was, from a backup");
}

static int check_archive(audit *a, archive_file *f) {
    digest now;
    int64_t bytes;
    if (reader_archive_open(f, archive_vfs(a->r->db), a->d) < 0 ||
        archive_digest(f->reader->db, &now, &bytes, a->d) < 0) {
        return DIAG_STORAGE;
    }
    if (!digest_equal(&now, &f->file)) {
        return not_as_moved(a, f, "was changed: it does not have the digest of its record");
    }
    if (check_file(a, f->reader->db) < 0 ||
        check_contents(a, f->reader->db, payloads, blame_record) < 0) {
        return DIAG_STORAGE;
    }
    return a->chain.seq == f->last && digest_equal(&a->chain.hash, &f->head)
               ? 0
               : not_as_moved(a, f, "does not end with the record that its record names");
}

/* From record 1 through the archive to the last. */
static int check_records(audit *a) {
    if (db_int(a->r->db, "SELECT max(seq) FROM journal", 0, &a->total, a->d) < 0 ||
        reader_archives(a->r, a->d) < 0) {
        return DIAG_STORAGE;
    }
    for (size_t i = 0; i < a->r->archive_count; i++) {
        if (check_archive(a, &a->r->archives[i]) < 0) {
            return DIAG_STORAGE;
        }
    }
    return check_file(a, a->r->db) < 0 ? DIAG_STORAGE
           : a->new_key != 0
               ? fault(a, "names another key for signed heads, and no restore follows", a->new_key)
               : 0;
}

/* ---- signed heads ---- */

static bool given_up(const audit *a, int64_t seq) {
    for (size_t i = 0; i < a->gap_count; i++) {
        if (!a->gaps[i].closed && seq > a->gaps[i].from && seq <= a->gaps[i].to) {
            return true;
        }
    }
    return false;
}

/* Heads are in the order of their signing: behind one that was signed since, none is given up. */
static void close_gaps(audit *a, int64_t seq) {
    for (size_t i = 0; i < a->gap_count; i++) {
        a->gaps[i].closed = a->gaps[i].closed || seq >= a->gaps[i].end;
    }
}

static int check_anchor(void *ctx, const anchor_head *head, int line) {
    audit *a = ctx;
    int same = head->seq == 0 ? 1 : has_hash(a, head->seq, &head->hash);
    if (same < 0) {
        return same;
    }
    if (same > 0) {
        a->report->anchors++;
        close_gaps(a, head->seq);
        a->last_anchor = head->seq > a->last_anchor ? head->seq : a->last_anchor;
        return 0;
    }
    if (given_up(a, head->seq)) {
        return 0;
    }
    if (head->seq > a->chain.seq) {
        diag_at(a->d, DIAG_STORAGE, a->anchor, line, 1,
                "record %lld was signed here and is not in the journal, which ends at record %lld: "
                "its end was cut off, or the file is an older copy",
                (long long)head->seq, (long long)a->chain.seq);
    } else {
        diag_at(a->d, DIAG_STORAGE, a->anchor, line, 1,
                "record %lld was signed here and the journal has another in its place: it was "
                "written anew",
                (long long)head->seq);
    }
    diag_next(a->d, "keep a copy of the database and restore the last backup");
    return DIAG_STORAGE;
}

static int check_anchors(audit *a) {
    int rc = 0;
    if (a->anchor != NULL) {
        rc = anchor_read(a->anchor, a->keys.count > 0 ? &a->keys : NULL, a->workspace, check_anchor,
                         a, a->d);
    }
    a->report->unanchored = a->chain.seq - a->last_anchor;
    return rc < 0 ? DIAG_STORAGE : 0;
}

static int check_all(audit *a) {
    if (check_records(a) < 0 || check_contents(a, a->r->db, payloads, blame_record) < 0 ||
        check_contents(a, a->r->db, "SELECT digest, NULL, bytes FROM artifact", blame_artifact) <
            0) {
        return DIAG_STORAGE;
    }
    return check_anchors(a);
}

static int begin(audit *a) {
    bool began;
    if (reader_begin(a->r, &began, a->d) < 0 ||
        meta_get(a->r->db, "workspace", a->workspace, sizeof a->workspace, a->d) < 0 ||
        db_prepare(a->r->db, &a->hash_at, hash_of, a->d) < 0) {
        return DIAG_STORAGE;
    }
    return 0;
}

int audit_verify(const char *db_path, const char *anchor, const char *vfs, audit_report *out,
                 void (*progress)(void *ctx, int64_t done, int64_t total), void *ctx, diag *d) {
    audit_report report = {0};
    audit a = {.anchor = anchor, .report = &report, .progress = progress, .ctx = ctx, .d = d};
    if (digest_init() < 0) {
        return diag_set(d, DIAG_FAILED, "libsodium does not start");
    }
    if (reader_open(&a.r, db_path, vfs, d) < 0) {
        return DIAG_STORAGE;
    }
    int rc = begin(&a) < 0 || check_all(&a) < 0 ? DIAG_STORAGE
                                                : db_quick_check(a.r->db, db_path, NULL, d);
    sqlite3_finalize(a.hash_at);
    free(a.keys.list);
    reader_close(a.r);
    free(a.gaps);
    if (rc == 0) {
        *out = report;
    }
    return rc;
}
