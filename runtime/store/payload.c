#include <string.h>

#include "private.h"

static int read_key(payload_store *p, sqlite3 *db, diag *d) {
    sqlite3_stmt *st;
    if (db_prepare(db, &st, "SELECT value FROM meta WHERE key = 'payload_key'", d) < 0) {
        return DIAG_STORAGE;
    }
    int rc = sqlite3_step(st);
    bool good = rc == SQLITE_ROW &&
                hex_decode(p->key, sizeof p->key, (const char *)sqlite3_column_text(st, 0),
                           (size_t)sqlite3_column_bytes(st, 0)) == sizeof p->key;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        db_fault(db, d);
    } else if (!good) {
        diag_set(d, DIAG_STORAGE, "%s has no payload key", sqlite3_db_filename(db, "main"));
        diag_next(d, "the file was changed by hand or is damaged: restore the last backup");
    }
    sqlite3_finalize(st);
    return good ? 0 : DIAG_STORAGE;
}

int payload_init(payload_store *p, sqlite3 *db, diag *d) {
    if (read_key(p, db, d) < 0 ||
        db_prepare(db, &p->find, "SELECT digest FROM payload WHERE address = ?", d) < 0 ||
        db_prepare(db, &p->add,
                   "INSERT INTO payload(digest, salt, bytes, address) VALUES(?, ?, ?, ?)"
                   " ON CONFLICT(address) DO NOTHING",
                   d) < 0) {
        return DIAG_STORAGE;
    }
    return 0;
}

void payload_finish(payload_store *p) {
    sqlite3_finalize(p->find);
    sqlite3_finalize(p->add);
    sodium_memzero(p, sizeof *p);
}

static int find(payload_store *p, sqlite3 *db, const digest *address, digest *out, diag *d) {
    sqlite3_bind_blob(p->find, 1, address->bytes, DIGEST_SIZE, SQLITE_STATIC);
    int rc = sqlite3_step(p->find);
    bool found = rc == SQLITE_ROW && sqlite3_column_bytes(p->find, 0) == DIGEST_SIZE;
    if (found) {
        memcpy(out->bytes, sqlite3_column_blob(p->find, 0), DIGEST_SIZE);
    }
    sqlite3_reset(p->find);
    if (rc == SQLITE_ROW && !found) {
        return diag_set(d, DIAG_STORAGE, "the table payload holds a digest that is none");
    }
    return found ? 0 : db_fault(db, d);
}

/* Most bytes are new, so the row is put in first and looked up only where it was there. */
int payload_put(payload_store *p, sqlite3 *db, const uint8_t salt[STORE_SALT], const void *bytes,
                size_t len, digest *out, diag *d) {
    digest address = digest_keyed(p->key, bytes, len);
    digest body = digest_of2(salt, STORE_SALT, bytes, len);
    sqlite3_bind_blob(p->add, 1, body.bytes, DIGEST_SIZE, SQLITE_STATIC);
    sqlite3_bind_blob(p->add, 2, salt, STORE_SALT, SQLITE_STATIC);
    sqlite3_bind_blob64(p->add, 3, bytes, len, SQLITE_STATIC);
    sqlite3_bind_blob(p->add, 4, address.bytes, DIGEST_SIZE, SQLITE_STATIC);
    int rc = sqlite3_step(p->add);
    sqlite3_reset(p->add);
    if (rc != SQLITE_DONE) {
        return db_fault(db, d);
    }
    if (sqlite3_changes(db) == 0) {
        return find(p, db, &address, out, d);
    }
    *out = body;
    return 0;
}

int payload_sweep(sqlite3 *db, diag *d) {
    return db_exec(db,
                   "DELETE FROM payload WHERE digest NOT IN"
                   " (SELECT j.digest FROM journal j WHERE j.body IS NULL"
                   " AND NOT EXISTS (SELECT 1 FROM erased e WHERE e.seq = j.seq))",
                   d);
}
