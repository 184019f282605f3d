/* A copy of the whole file, as it was at one moment. The source is read in one transaction, so that
 * what is written meanwhile stays out of it and makes the copy begin anew never; no checkpoint is
 * needed. The copy has no log: it can be read where nothing can be written. */
#include <string.h>

#include "private.h"

enum { STEP = 256 }; /* pages at a time */

typedef struct copying {
    sqlite3 *from, *to;
    void (*progress)(void *ctx, int64_t done, int64_t total);
    void *ctx;
} copying;

static int copy_pages(copying *c, diag *d) {
    sqlite3_backup *b = sqlite3_backup_init(c->to, "main", c->from, "main");
    if (b == NULL) {
        return db_fault(c->to, d);
    }
    int rc;
    while ((rc = sqlite3_backup_step(b, STEP)) == SQLITE_OK) {
        if (c->progress != NULL) {
            int total = sqlite3_backup_pagecount(b);
            c->progress(c->ctx, total - sqlite3_backup_remaining(b), total);
        }
    }
    bool good = sqlite3_backup_finish(b) == SQLITE_OK && rc == SQLITE_DONE;
    return good ? 0 : db_fault(c->to, d);
}

/* A read holds the moment: without it every step would see another one. */
static int copy(copying *c, diag *d) {
    int64_t version;
    if (db_exec(c->from, "BEGIN", d) < 0 ||
        db_int(c->from, "PRAGMA user_version", 0, &version, d) < 0) {
        return DIAG_STORAGE;
    }
    int rc = copy_pages(c, d);
    sqlite3_exec(c->from, "COMMIT", NULL, NULL, NULL);
    return rc ? rc : db_exec(c->to, "PRAGMA journal_mode = DELETE", d);
}

int store_backup(const char *db_path, const char *vfs, const char *to, backup_report *out,
                 void (*progress)(void *ctx, int64_t done, int64_t total), void *ctx, diag *d) {
    copying c = {.progress = progress, .ctx = ctx};
    reader *r;
    if (digest_init() < 0) {
        return diag_set(d, DIAG_FAILED, "libsodium does not start");
    }
    if (reader_open(&r, db_path, vfs, d) < 0) { /* it is a workspace of this version */
        return DIAG_STORAGE;
    }
    c.from = r->db;
    int rc = db_open(&c.to, to, vfs, DB_CREATE, d);
    rc = rc ? rc : copy(&c, d);
    sqlite3_close(c.to);
    reader_close(r);
    return rc ? rc : backup_look(to, vfs, out, d);
}

/* ---- looking at a copy ---- */

static int take_key(void *ctx, const journal_row *row) {
    backup_report *b = ctx;
    keel_json_copy(keel_json_get(row->body, "public_key"), b->public_key, sizeof b->public_key);
    return 0;
}

static int take_head(sqlite3 *db, backup_report *b, diag *d) {
    sqlite3_stmt *st;
    if (db_prepare(db, &st, "SELECT seq, at, hash FROM journal ORDER BY seq DESC LIMIT 1", d) < 0) {
        return DIAG_STORAGE;
    }
    int rc = sqlite3_step(st);
    bool whole = rc == SQLITE_ROW && sqlite3_column_bytes(st, 2) == DIGEST_SIZE;
    if (whole) {
        b->seq = b->records = sqlite3_column_int64(st, 0);
        b->at_us = sqlite3_column_int64(st, 1);
        hex_encode(b->head, sqlite3_column_blob(st, 2), DIGEST_SIZE);
    } else if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
        diag_set(d, DIAG_STORAGE, "%s has no records", sqlite3_db_filename(db, "main"));
        diag_next(d, "nothing has run in that workspace yet, so there is nothing to keep");
    } else {
        db_fault(db, d);
    }
    sqlite3_finalize(st);
    return whole ? 0 : DIAG_STORAGE;
}

int backup_look(const char *path, const char *vfs, backup_report *out, diag *d) {
    backup_report b = {0};
    reader *r;
    int64_t boot;
    if (reader_open(&r, path, vfs, d) < 0) {
        return DIAG_STORAGE;
    }
    int rc = db_quick_check(r->db, path, "use another backup", d) < 0 ||
                     meta_get(r->db, "workspace", b.workspace, sizeof b.workspace, d) < 0 ||
                     meta_get(r->db, "incarnation", b.incarnation, sizeof b.incarnation, d) < 0 ||
                     take_head(r->db, &b, d) < 0 || store_last_boot(r->db, &boot, d) < 0 ||
                     reader_record(r, boot, take_key, &b, d) < 0
                 ? DIAG_STORAGE
                 : 0;
    reader_close(r);
    if (rc == 0) {
        *out = b;
    }
    return rc;
}
