#include <string.h>
#include <time.h>

#include "private.h"

static int64_t wall_clock_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void random_hex(char *out, size_t bytes) {
    uint8_t random[32];
    randombytes_buf(random, sizeof random);
    hex_encode(out, random, bytes);
    sodium_memzero(random, sizeof random);
}

int meta_set(sqlite3 *db, const char *key, const char *value, diag *d) {
    sqlite3_stmt *st;
    if (db_prepare(db, &st, "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", d) < 0) {
        return DIAG_STORAGE;
    }
    sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 2, value, -1, SQLITE_STATIC);
    int rc = sqlite3_step(st);
    sqlite3_finalize(st);
    return rc == SQLITE_DONE ? 0 : db_fault(db, d);
}

int meta_get(sqlite3 *db, const char *key, char *out, size_t size, diag *d) {
    sqlite3_stmt *st;
    if (db_prepare(db, &st, "SELECT value FROM meta WHERE key = ?", d) < 0) {
        return DIAG_STORAGE;
    }
    sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
    int rc = sqlite3_step(st);
    bool good = rc == SQLITE_ROW && (size_t)sqlite3_column_bytes(st, 0) == size - 1;
    if (good) {
        memcpy(out, sqlite3_column_text(st, 0), size);
    } else if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
        diag_set(d, DIAG_STORAGE, "%s does not say its %s", sqlite3_db_filename(db, "main"), key);
        diag_next(d, "the file was changed or is damaged: restore the last backup");
    } else {
        db_fault(db, d);
    }
    sqlite3_finalize(st);
    return good ? 0 : DIAG_STORAGE;
}

static int fill_meta(store *s, int64_t now_us, diag *d) {
    char payload_key[65], created[24];
    random_hex(payload_key, 32);
    snprintf(created, sizeof created, "%lld", (long long)now_us);
    const char *const rows[][2] = {
        {"workspace", s->identity.workspace},
        {"incarnation", s->identity.incarnation},
        {"payload_key", payload_key},
        {"created_us", created},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (meta_set(s->db, rows[i][0], rows[i][1], d) < 0) {
            return DIAG_STORAGE;
        }
    }
    return 0;
}

static int keep_highest(void *ctx, const anchor_head *head, int line) {
    int64_t *highest = ctx;
    (void)line;
    *highest = head->seq > *highest ? head->seq : *highest;
    return 0;
}

/* An anchor that has seen records, and no database: it was deleted or emptied, and beginning anew
 * would forget what has been done. */
static int check_lost(store *s, const store_options *o, diag *d) {
    int64_t highest = 0;
    diag none; /* an anchor that is not there yet has seen nothing */
    if (!o->own_anchor || anchor_read(o->anchor, NULL, NULL, keep_highest, &highest, &none) < 0 ||
        highest == 0) {
        return 0;
    }
    if (o->accept_rollback) {
        s->identity.rollback_from = highest;
        return 0;
    }
    diag_set(d, DIAG_STORAGE,
             "%s is not there or empty, but its anchor %s has seen record %lld: the database was "
             "deleted or moved",
             o->path, o->anchor, (long long)highest);
    diag_next(d, "put the newest file (with its -wal) back. If it is lost, `keel up "
                 "--accept-rollback` begins with nothing, and the journal will say so");
    return DIAG_STORAGE;
}

/* The order matters: a database is never there without its key and its line in the anchor file; a
 * line whose database did not come to be belongs to no workspace and harms nobody. */
int store_create(store *s, const store_options *o, diag *d) {
    int64_t now_us = wall_clock_us();
    anchor_head none = {.at = now_us};
    if (check_lost(s, o, d) < 0) {
        return DIAG_STORAGE;
    }
    random_hex(s->identity.workspace, 16);
    random_hex(s->identity.incarnation, 8);
    if (anchor_key_load(&s->key, o->key, true, d) < 0 || db_exec(s->db, "BEGIN IMMEDIATE", d) < 0) {
        return DIAG_STORAGE;
    }
    if (create_tables(s->db, d) < 0 || fill_meta(s, now_us, d) < 0 ||
        anchor_append(o->anchor, &s->key, s->identity.workspace, &none, d) < 0 ||
        db_exec(s->db, "COMMIT", d) < 0) {
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
        return DIAG_STORAGE;
    }
    return 0;
}
