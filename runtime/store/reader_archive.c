/* The oldest records may stand in files of the archive (archive.c): whoever reads the journal finds
 * them there by themselves. */
#include <stdlib.h>
#include <string.h>

#include "private.h"

#define CHUNK 65536

char *archive_path(sqlite3 *db, const char *file) {
    const char *path = sqlite3_db_filename(db, "main");
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    keel_buf out = KEEL_BUF_INIT;
    keel_buf_append(&out, path, slash != NULL ? (size_t)(slash - path) + 1 : 0);
    keel_buf_printf(&out, "archive/%s", file);
    return out.data;
}

const char *archive_vfs(sqlite3 *db) {
    sqlite3_vfs *vfs = NULL;
    return sqlite3_file_control(db, "main", SQLITE_FCNTL_VFS_POINTER, &vfs) == SQLITE_OK &&
                   vfs != NULL
               ? vfs->zName
               : NULL;
}

void reader_archives_close(reader *r) {
    for (size_t i = 0; i < r->archive_count; i++) {
        reader_close(r->archives[i].reader);
        free(r->archives[i].path);
    }
    free(r->archives);
    r->archives = NULL;
    r->archive_count = 0;
}

static bool take_digest(sqlite3_stmt *st, int column, digest *out) {
    bool whole = sqlite3_column_bytes(st, column) == DIGEST_SIZE;
    if (whole) {
        memcpy(out->bytes, sqlite3_column_blob(st, column), DIGEST_SIZE);
    }
    return whole;
}

static int add_file(reader *r, sqlite3_stmt *st, diag *d) {
    archive_file a = {.first = sqlite3_column_int64(st, 0), .last = sqlite3_column_int64(st, 1)};
    const char *file = (const char *)sqlite3_column_text(st, 2);
    int64_t next = r->archive_count > 0 ? r->archives[r->archive_count - 1].last + 1 : 1;
    if (a.first != next || a.last < a.first || !take_digest(st, 3, &a.file) ||
        !take_digest(st, 4, &a.head) || strchr(file, '/') != NULL) {
        diag_set(d, DIAG_STORAGE, "table archive, row %lld: it does not go on from the row before",
                 (long long)a.first);
        return diag_next(d, "the table was changed behind Keel's back: restore the last backup");
    }
    a.path = archive_path(r->db, file);
    r->archives = keel_realloc(r->archives, (r->archive_count + 1) * sizeof a);
    r->archives[r->archive_count++] = a;
    return 0;
}

int reader_archives(reader *r, diag *d) {
    sqlite3_stmt *st;
    if (db_prepare(r->db, &st,
                   "SELECT first, last, file, digest, head FROM archive WHERE first > ?"
                   " ORDER BY first",
                   d) < 0) {
        return DIAG_STORAGE;
    }
    sqlite3_bind_int64(st, 1, r->archive_count > 0 ? r->archives[r->archive_count - 1].first : 0);
    int rc, failed = 0;
    while (failed == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        failed = add_file(r, st, d);
    }
    if (failed == 0 && rc != SQLITE_DONE) {
        failed = db_fault(r->db, d);
    }
    sqlite3_finalize(st);
    return failed;
}

static int unusable(const archive_file *a, const char *why, diag *d) {
    diag_set(d, DIAG_STORAGE, "the archive file %s, with the records %lld to %lld, %s", a->path,
             (long long)a->first, (long long)a->last, why);
    return diag_next(d, "put it back from a backup: every backup holds the archive as it was then");
}

static int recognize(const archive_file *a, sqlite3 *db, diag *d) {
    int64_t id, version;
    if (db_int(db, "PRAGMA application_id", 0, &id, d) < 0 ||
        db_int(db, "PRAGMA user_version", 0, &version, d) < 0) {
        return DIAG_STORAGE;
    }
    return id == ARCHIVE_APPLICATION_ID && version == ARCHIVE_VERSION
               ? 0
               : unusable(a, "is none that this Keel can read", d);
}

int reader_archive_open(archive_file *a, const char *vfs, diag *d) {
    sqlite3 *db;
    int there = 0;
    sqlite3_vfs *v = sqlite3_vfs_find(vfs);
    if (a->reader != NULL) {
        return 0;
    }
    if (v != NULL && v->xAccess(v, a->path, SQLITE_ACCESS_EXISTS, &there) == SQLITE_OK && !there) {
        return unusable(a, "is missing", d);
    }
    if (db_open(&db, a->path, vfs, DB_READ, d) < 0) {
        return DIAG_STORAGE;
    }
    if (recognize(a, db, d) < 0) {
        sqlite3_close(db);
        return DIAG_STORAGE;
    }
    a->reader = keel_alloc(sizeof *a->reader);
    reader_init(a->reader, db);
    return 0;
}

static int walk_file(archive_file *a, bool one, int64_t seq, reader_walk *w, diag *d) {
    sqlite3_stmt *st = reader_statement(a->reader, one ? READER_RECORD : READER_SCAN, d);
    if (st == NULL) {
        return DIAG_STORAGE;
    }
    sqlite3_bind_int64(st, 1, seq);
    return reader_walk_rows(a->reader, st, w, d);
}

int reader_walk_archives(reader *r, bool one, int64_t seq, reader_walk *w, diag *d) {
    const char *vfs = archive_vfs(r->db);
    if (reader_archives(r, d) < 0) {
        return DIAG_STORAGE;
    }
    for (size_t i = 0; i < r->archive_count && w->stopped == 0; i++) {
        archive_file *a = &r->archives[i];
        if (a->last < seq || (one && a->first > seq)) {
            continue;
        }
        if (reader_archive_open(a, vfs, d) < 0 || walk_file(a, one, seq, w, d) < 0) {
            return DIAG_STORAGE;
        }
    }
    return 0;
}

int archive_digest(sqlite3 *db, digest *out, int64_t *bytes_out, diag *d) {
    sqlite3_file *f = NULL;
    sqlite3_int64 size = 0;
    crypto_generichash_state state;
    uint8_t bytes[CHUNK];
    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &f) != SQLITE_OK || f == NULL ||
        f->pMethods == NULL || f->pMethods->xFileSize(f, &size) != SQLITE_OK) {
        return db_fault(db, d);
    }
    crypto_generichash_init(&state, NULL, 0, DIGEST_SIZE);
    for (sqlite3_int64 at = 0; at < size;) {
        size_t n = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
        if (f->pMethods->xRead(f, bytes, (int)n, at) != SQLITE_OK) {
            return diag_set(d, DIAG_STORAGE, "the disk failed on %s",
                            sqlite3_db_filename(db, "main"));
        }
        crypto_generichash_update(&state, bytes, n);
        at += (sqlite3_int64)n;
    }
    crypto_generichash_final(&state, out->bytes, DIGEST_SIZE);
    *bytes_out = size;
    return 0;
}
