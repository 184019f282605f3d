/* The chain, record by record. */
#include <string.h>

#include "private.h"

static int fault(int64_t seq, const char *what, diag *d) {
    diag_set(d, DIAG_STORAGE, "record %lld %s", (long long)seq, what);
    diag_next(d,
              "the file was changed or is damaged: keep a copy of it and restore the last backup");
    return DIAG_STORAGE;
}

static bool take_digest(sqlite3_stmt *st, int column, digest *out) {
    if (sqlite3_column_bytes(st, column) != DIGEST_SIZE) {
        return false;
    }
    memcpy(out->bytes, sqlite3_column_blob(st, column), DIGEST_SIZE);
    return true;
}

static int check_order(const chain_state *c, int64_t seq, int64_t boot, diag *d) {
    if (seq != c->seq + 1) {
        return fault(c->seq + 1, "is missing", d);
    }
    return boot < c->boot ? fault(seq, "stands behind a later boot", d) : 0;
}

static int check_inline(sqlite3_stmt *st, int64_t seq, const digest *expected, diag *d) {
    if (sqlite3_column_type(st, 9) == SQLITE_NULL) {
        return 0;
    }
    const void *body = sqlite3_column_blob(st, 9);
    digest actual = digest_of2(sqlite3_column_blob(st, 8), (size_t)sqlite3_column_bytes(st, 8),
                               body, (size_t)sqlite3_column_bytes(st, 9));
    return digest_equal(&actual, expected) ? 0
                                           : fault(seq, "has a body that is not its digest's", d);
}

int chain_check(chain_state *c, sqlite3_stmt *st, diag *d) {
    digest body, hash;
    chain_header h = {
        .seq = sqlite3_column_int64(st, 0),
        .at = sqlite3_column_int64(st, 1),
        .boot = sqlite3_column_int64(st, 2),
        .run = (uint64_t)sqlite3_column_int64(st, 3),
        .path = (const char *)sqlite3_column_text(st, 4),
        .path_len = (size_t)sqlite3_column_bytes(st, 4),
        .kind = sqlite3_column_int(st, 5),
    };
    if (check_order(c, h.seq, h.boot, d) < 0) {
        return DIAG_STORAGE;
    }
    if (h.path == NULL || h.path_len > STORE_PATH_LIMIT ||
        record_kind_name((record_kind)h.kind) == NULL || !take_digest(st, 6, &body) ||
        !take_digest(st, 7, &hash)) {
        return fault(h.seq, "is no record of this version", d);
    }
    bool first = h.boot != c->boot;
    if (first != (h.kind == RECORD_BOOT)) {
        return fault(
            h.seq,
            first ? "begins a boot without a boot record" : "is a boot record inside of a boot", d);
    }
    digest expected = chain_next(first ? &chain_zero : &c->hash, &h, &body);
    if (!digest_equal(&expected, &hash)) {
        return fault(h.seq,
                     "does not follow from the record before it: it was edited, moved or put "
                     "in, or one before it was removed",
                     d);
    }
    *c = (chain_state){.seq = h.seq, .at = h.at, .boot = h.boot, .hash = hash, .first = first};
    return check_inline(st, h.seq, &body, d);
}

void chain_prime(chain_state *c, sqlite3_stmt *st) {
    *c = (chain_state){.seq = sqlite3_column_int64(st, 0),
                       .at = sqlite3_column_int64(st, 1),
                       .boot = sqlite3_column_int64(st, 2)};
    take_digest(st, 7, &c->hash);
}

int chain_tail(sqlite3 *db, chain_state *c, diag *d) {
    sqlite3_stmt *st;
    int64_t last, archived;
    *c = (chain_state){.seq = 0};
    if (db_int(db, "SELECT max(seq) FROM journal", 0, &last, d) < 0 ||
        db_int(db, "SELECT max(last) FROM archive", 0, &archived, d) < 0 ||
        db_prepare(db, &st, CHAIN_COLUMNS " WHERE seq >= ? ORDER BY seq", d) < 0) {
        return DIAG_STORAGE;
    }
    int64_t from = last - STORE_TAIL > archived ? last - STORE_TAIL : archived + 1;
    from = from > 1 ? from : 1;
    sqlite3_bind_int64(st, 1, from);
    int rc, failed = 0;
    while (failed == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        if (from > 1 && c->seq == 0) {
            chain_prime(c, st);
        } else {
            failed = chain_check(c, st, d);
        }
    }
    if (failed == 0 && rc != SQLITE_DONE) {
        failed = db_fault(db, d);
    }
    sqlite3_finalize(st);
    return failed;
}
