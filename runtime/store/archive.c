/* The oldest records, moved into a file of their own. The file is durable before the transaction
 * that deletes them here and says so: whatever is cut off, each record is in one of the two, and a
 * file without its record is written again. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "private.h"

enum { REQUEST_DAYS = 30 };

static const char schema[] =
    "PRAGMA application_id = 0x4b656561; PRAGMA user_version = 1;"
    "CREATE TABLE journal(seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, boot INTEGER NOT NULL,"
    " run INTEGER NOT NULL, path TEXT NOT NULL, kind INTEGER NOT NULL, digest BLOB NOT NULL,"
    " hash BLOB NOT NULL, salt BLOB, body BLOB) STRICT;"
    "CREATE TABLE payload(digest BLOB PRIMARY KEY, salt BLOB NOT NULL, bytes BLOB NOT NULL)"
    " STRICT, WITHOUT ROWID";

/* ---- how far ---- */

/* The first record that each needs. ?1: requests younger than this. */
#define OPEN_EFFECTS                                                                               \
    " (e.state = 'waiting' OR e.state = 'intended' OR e.state = 'unknown'"                         \
    " OR e.state = 'reconciling' OR e.state = 'retry' OR e.state = 'stale')"

static const struct {
    const char *sql;
    const char *who;
} needs[] = {
    {"SELECT min(begin_seq) FROM run WHERE state IN ('open', 'paused') AND ?1", "an open run"},
    {"SELECT min(r.begin_seq) FROM effect e JOIN run r ON r.id = e.run WHERE ?1 AND" OPEN_EFFECTS,
     "an effect whose outcome is open"},
    {"SELECT min(r.begin_seq) FROM item i JOIN run r ON r.id = i.run"
     " WHERE i.state = 'open' AND ?1",
     "an open item of `keel inbox`"},
    {"SELECT min(r.begin_seq) FROM rollback b JOIN run r ON r.id = b.run"
     " WHERE b.state = 'open' AND ?1",
     "a rollback that goes on"},
    {"SELECT min(seq) FROM event WHERE ?1", "an event that no run has received yet"},
    {"SELECT min(q.seq) FROM request q JOIN journal j ON j.seq = q.seq WHERE j.at > ?1",
     "a command of the last 30 days, whose answer would be given again"},
};

static int need(store *s, size_t i, int64_t since_us, int64_t *out, diag *d) {
    sqlite3_stmt *st;
    if (db_prepare(s->db, &st, needs[i].sql, d) < 0) {
        return DIAG_STORAGE;
    }
    sqlite3_bind_int64(st, 1, since_us);
    int rc = sqlite3_step(st);
    *out = rc == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL
               ? sqlite3_column_int64(st, 0)
               : INT64_MAX;
    sqlite3_finalize(st);
    return rc == SQLITE_ROW ? 0 : db_fault(s->db, d);
}

int store_archivable(store *s, int64_t last, int64_t now_us, archive_report *out, diag *d) {
    int64_t files;
    archive_report found = {.last = s->last.seq < last ? s->last.seq : last};
    int64_t since = now_us - REQUEST_DAYS * 86400LL * 1000000;
    if (db_int(s->db, "SELECT max(last) + 1 FROM archive", 1, &found.first, d) < 0 ||
        db_int(s->db, "SELECT count(*) FROM archive", 0, &files, d) < 0) {
        return DIAG_STORAGE;
    }
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
        int64_t seq;
        if (need(s, i, since > 1 ? since : 1, &seq, d) < 0) {
            return DIAG_STORAGE;
        }
        if (seq <= found.last) {
            found.last = seq - 1;
            found.keeps = needs[i].who;
        }
    }
    snprintf(found.file, sizeof found.file, "%03lld.keel", (long long)files + 1);
    *out = found;
    return 0;
}

/* ---- the file ---- */

typedef struct copying {
    store *s;
    sqlite3 *to;
    sqlite3_stmt *from;    /* CHAIN_COLUMNS */
    sqlite3_stmt *payload; /* by digest */
    sqlite3_stmt *add;
    sqlite3_stmt *add_payload;
    chain_state chain;
    archive_report *report;
    diag *d;
} copying;

static int copy_row(copying *c, sqlite3_stmt *from, sqlite3_stmt *to, int columns) {
    for (int i = 0; i < columns; i++) {
        sqlite3_bind_value(to, i + 1, sqlite3_column_value(from, i));
    }
    int rc = sqlite3_step(to);
    sqlite3_reset(to);
    return rc == SQLITE_DONE ? 0 : db_fault(c->to, c->d);
}

/* Bytes that several records have are there once. */
static int copy_payload(copying *c) {
    if (sqlite3_column_type(c->from, 9) != SQLITE_NULL) {
        return 0;
    }
    sqlite3_bind_value(c->payload, 1, sqlite3_column_value(c->from, 6));
    int rc = sqlite3_step(c->payload);
    int failed = rc == SQLITE_ROW    ? copy_row(c, c->payload, c->add_payload, 3)
                 : rc == SQLITE_DONE ? 0 /* erased */
                                     : db_fault(c->s->db, c->d);
    sqlite3_reset(c->payload);
    return failed;
}

/* Only what the chain proves is moved. */
static int copy_records(copying *c) {
    int rc = SQLITE_DONE, failed = 0;
    sqlite3_bind_int64(c->from, 1, c->report->last);
    while (failed == 0 && (rc = sqlite3_step(c->from)) == SQLITE_ROW) {
        failed = chain_check(&c->chain, c->from, c->d) < 0 ||
                         copy_row(c, c->from, c->add, 10) < 0 || copy_payload(c) < 0
                     ? DIAG_STORAGE
                     : 0;
    }
    if (failed == 0 && rc != SQLITE_DONE) {
        failed = db_fault(c->s->db, c->d);
    }
    return failed;
}

/* The chain as the file before this one leaves it. */
static int begin_chain(copying *c) {
    sqlite3_stmt *st;
    if (db_prepare(c->s->db, &st, "SELECT last, head FROM archive ORDER BY first DESC LIMIT 1",
                   c->d) < 0) {
        return DIAG_STORAGE;
    }
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW && sqlite3_column_bytes(st, 1) == DIGEST_SIZE) {
        c->chain.seq = sqlite3_column_int64(st, 0);
        memcpy(c->chain.hash.bytes, sqlite3_column_blob(st, 1), DIGEST_SIZE);
    }
    sqlite3_finalize(st);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : db_fault(c->s->db, c->d);
}

/* The boot that the first record goes on with, or 0 when it begins one. */
static int begin_boot(copying *c) {
    sqlite3_stmt *st;
    if (db_prepare(c->s->db, &st, "SELECT boot, kind FROM journal ORDER BY seq LIMIT 1", c->d) <
        0) {
        return DIAG_STORAGE;
    }
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW && sqlite3_column_int(st, 1) != RECORD_BOOT) {
        c->chain.boot = sqlite3_column_int64(st, 0);
    }
    sqlite3_finalize(st);
    return rc == SQLITE_ROW ? 0 : db_fault(c->s->db, c->d);
}

static int prepare(copying *c) {
    if (db_prepare(c->s->db, &c->from, CHAIN_COLUMNS " WHERE seq <= ? ORDER BY seq", c->d) < 0 ||
        db_prepare(c->s->db, &c->payload,
                   "SELECT digest, salt, bytes FROM payload WHERE digest = ?", c->d) < 0 ||
        db_exec(c->to, schema, c->d) < 0 || db_exec(c->to, "BEGIN", c->d) < 0 ||
        db_prepare(c->to, &c->add, "INSERT INTO journal VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                   c->d) < 0 ||
        db_prepare(c->to, &c->add_payload, "INSERT OR IGNORE INTO payload VALUES(?, ?, ?)", c->d) <
            0) {
        return DIAG_STORAGE;
    }
    return begin_chain(c) < 0 ? DIAG_STORAGE : begin_boot(c);
}

static void finish(copying *c) {
    sqlite3_finalize(c->from);
    sqlite3_finalize(c->payload);
    sqlite3_finalize(c->add);
    sqlite3_finalize(c->add_payload);
    sqlite3_close(c->to);
}

/* Fills the file and syncs it; its digest. */
static int write_file(copying *c, const char *path, const char *vfs, digest *out) {
    sqlite3_vfs *v = sqlite3_vfs_find(vfs);
    if (v != NULL) {
        v->xDelete(v, path, 1); /* of an archiving that was cut off */
    }
    /* Until its record is durable the file counts for nothing; a journal beside it could come back
     * with the power and undo it. */
    if (db_open(&c->to, path, vfs, DB_CREATE, c->d) < 0 ||
        db_exec(c->to, "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL", c->d) < 0) {
        return DIAG_STORAGE;
    }
    if (prepare(c) < 0 || copy_records(c) < 0 || db_exec(c->to, "COMMIT", c->d) < 0) {
        return DIAG_STORAGE;
    }
    if (c->chain.seq != c->report->last) {
        return diag_set(c->d, DIAG_STORAGE, "record %lld is missing", (long long)c->chain.seq + 1);
    }
    return archive_digest(c->to, out, &c->report->bytes, c->d);
}

/* Other file systems than the real one have no folders. */
static int sync_folder(const char *path, const char *vfs, diag *d) {
    if (vfs == NULL || strncmp(vfs, "unix", 4) != 0) {
        return 0;
    }
    char *copy = keel_strdup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = fd < 0 || fsync(fd) < 0 ? errno : 0;
    if (fd >= 0) {
        close(fd);
    }
    free(copy);
    return error == 0 ? 0
                      : diag_set(d, DIAG_STORAGE, "cannot sync the folder of %s: %s", path,
                                 strerror(error));
}

/* ---- the move ---- */

static int drop_records(store *s, void *ctx, diag *d) {
    const archive_report *a = ctx;
    sqlite3_stmt *st;
    if (db_prepare(s->db, &st, "DELETE FROM journal WHERE seq <= ?", d) < 0) {
        return DIAG_STORAGE;
    }
    sqlite3_bind_int64(st, 1, a->last);
    int rc = sqlite3_step(st);
    sqlite3_finalize(st);
    return rc == SQLITE_DONE ? payload_sweep(s->db, d) : db_fault(s->db, d);
}

static void archived_body(const copying *c, const digest *file, keel_buf *out) {
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_key(&w, "digest");
    keel_json_hex(&w, file->bytes, DIGEST_SIZE);
    keel_json_set_text(&w, "file", c->report->file);
    keel_json_set_int(&w, "first", c->report->first);
    keel_json_key(&w, "head");
    keel_json_hex(&w, c->chain.hash.bytes, DIGEST_SIZE);
    keel_json_set_int(&w, "last", c->report->last);
    keel_json_object_end(&w);
}

static int move(copying *c, turn *t, const digest *file) {
    keel_buf body = KEEL_BUF_INIT;
    store_work drop = {drop_records, c->report};
    archived_body(c, file, &body);
    turn_add(t, RECORD_ARCHIVED, 0, "", body.data, body.len);
    keel_buf_free(&body);
    return commit_with(c->s, t, &drop, c->d);
}

int store_archive(store *s, turn *t, archive_report *out, diag *d) {
    copying c = {.s = s, .report = out, .d = d};
    const char *vfs = archive_vfs(s->db);
    char *path = archive_path(s->db, out->file);
    digest file;
    int rc = store_index(s, d); /* runs find their records there by the index alone */
    rc = rc ? rc : write_file(&c, path, vfs, &file);
    rc = rc ? rc : sync_folder(path, vfs, d);
    rc = rc ? rc : move(&c, t, &file);
    finish(&c);
    free(path);
    return rc;
}
