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
                   "INSERT INTO payload(digest, salt, bytes, address) VALUES(?, ?, ?, ?)", d) < 0) {
        return DIAG_STORAGE;
    }
    return 0;
}

void payload_finish(payload_store *p) {
    sqlite3_finalize(p->find);
    sqlite3_finalize(p->add);
    sodium_memzero(p, sizeof *p);
}

static int find(payload_store *p, sqlite3 *db, const digest *address, digest *out, bool *found,
                diag *d) {
    sqlite3_bind_blob(p->find, 1, address->bytes, DIGEST_SIZE, SQLITE_STATIC);
    int rc = sqlite3_step(p->find);
    *found = rc == SQLITE_ROW && sqlite3_column_bytes(p->find, 0) == DIGEST_SIZE;
    if (*found) {
        memcpy(out->bytes, sqlite3_column_blob(p->find, 0), DIGEST_SIZE);
    }
    sqlite3_reset(p->find);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : db_fault(db, d);
}

int payload_put(payload_store *p, sqlite3 *db, const uint8_t salt[STORE_SALT], const void *bytes,
                size_t len, digest *out, diag *d) {
    digest address = digest_keyed(p->key, bytes, len);
    bool found;
    if (find(p, db, &address, out, &found, d) < 0 || found) {
        return found ? 0 : DIAG_STORAGE;
    }
    *out = digest_of2(salt, STORE_SALT, bytes, len);
    sqlite3_bind_blob(p->add, 1, out->bytes, DIGEST_SIZE, SQLITE_STATIC);
    sqlite3_bind_blob(p->add, 2, salt, STORE_SALT, SQLITE_STATIC);
    sqlite3_bind_blob64(p->add, 3, bytes, len, SQLITE_STATIC);
    sqlite3_bind_blob(p->add, 4, address.bytes, DIGEST_SIZE, SQLITE_STATIC);
    int rc = sqlite3_step(p->add);
    sqlite3_reset(p->add);
    sqlite3_clear_bindings(p->add);
    return rc == SQLITE_DONE ? 0 : db_fault(db, d);
}
