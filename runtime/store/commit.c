#include <errno.h>
#include <string.h>

#include "failpoint.h"
#include "private.h"

static const char *const statements[STORE_STATEMENTS] = {
    [STORE_BEGIN] = "BEGIN IMMEDIATE",
    [STORE_COMMIT] = "COMMIT",
    [STORE_INSERT] = ("INSERT INTO journal(seq, at, boot, run, path, kind, digest, hash, salt, body)"
                      " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    [STORE_ARTIFACT] = "INSERT OR IGNORE INTO artifact(digest, bytes) VALUES(?, ?)",
};

static sqlite3_stmt *statement(store *s, enum store_statement which, diag *d) {
    if (s->st[which] == NULL && db_prepare(s->db, &s->st[which], statements[which], d) < 0) {
        return NULL;
    }
    return s->st[which];
}

static int run_statement(store *s, enum store_statement which, diag *d) {
    sqlite3_stmt *st = statement(s, which, d);
    if (st == NULL) {
        return DIAG_STORAGE;
    }
    int rc = sqlite3_step(st);
    sqlite3_reset(st);
    return rc == SQLITE_DONE ? 0 : db_fault(s->db, d);
}

/* ---- failpoints: one for every kind at every journal write ---- */

#ifdef KEEL_FAILPOINTS
static int at_point(record_kind kind, enum record_point point, diag *d) {
    int error = failpoint_errno(KEEL_FP(record_failpoint(kind, point)));
    return error == 0 ? 0
                      : diag_set(d, DIAG_STORAGE, "%s: %s", record_failpoint(kind, point),
                                 strerror(error));
}

/* Once for each kind in the turn. */
static int at_points(const turn *t, enum record_point point, diag *d) {
    bool seen[RECORD_KIND_MAX] = {false};
    for (size_t i = 0; i < turn_count(t); i++) {
        record_kind kind = turn_get(t, i)->kind;
        if (!seen[kind] && at_point(kind, point, d) < 0) {
            return DIAG_STORAGE;
        }
        seen[kind] = true;
    }
    return 0;
}
#else
static int at_point(record_kind kind, enum record_point point, diag *d) {
    (void)kind, (void)point, (void)d;
    return 0;
}

static int at_points(const turn *t, enum record_point point, diag *d) {
    (void)t, (void)point, (void)d;
    return 0;
}
#endif

/* ---- one record ---- */

/* Random bytes come in pools: a call of the kernel for each record would cost more than its hash.
 */
static const uint8_t *take_salt(store *s) {
    if (s->salts_used + STORE_SALT > sizeof s->salts) {
        randombytes_buf(s->salts, sizeof s->salts);
        s->salts_used = 0;
    }
    const uint8_t *salt = s->salts + s->salts_used;
    s->salts_used += STORE_SALT;
    return salt;
}

static int insert(store *s, const chain_header *h, const digest *body, const digest *hash,
                  const uint8_t *salt, const record *r, diag *d) {
    sqlite3_stmt *st = s->st[STORE_INSERT];
    sqlite3_bind_int64(st, 1, h->seq);
    sqlite3_bind_int64(st, 2, h->at);
    sqlite3_bind_int64(st, 3, h->boot);
    sqlite3_bind_int64(st, 4, (sqlite3_int64)h->run);
    sqlite3_bind_text(st, 5, h->path, (int)h->path_len, SQLITE_STATIC);
    sqlite3_bind_int(st, 6, h->kind);
    sqlite3_bind_blob(st, 7, body->bytes, DIGEST_SIZE, SQLITE_STATIC);
    sqlite3_bind_blob(st, 8, hash->bytes, DIGEST_SIZE, SQLITE_STATIC);
    if (salt != NULL) {
        sqlite3_bind_blob(st, 9, salt, STORE_SALT, SQLITE_STATIC);
        sqlite3_bind_blob64(st, 10, r->body, r->len, SQLITE_STATIC);
    } else {
        sqlite3_bind_null(st, 9);
        sqlite3_bind_null(st, 10);
    }
    int rc = sqlite3_step(st);
    sqlite3_reset(st);
    return rc == SQLITE_DONE ? 0 : db_fault(s->db, d);
}

static int append(store *s, const record *r, int64_t at_us, digest *head, diag *d) {
    const uint8_t *salt = take_salt(s);
    digest body;
    chain_header h = {
        .seq = r->seq,
        .at = at_us,
        .boot = s->identity.boot,
        .run = r->run,
        .kind = (int)r->kind,
        .path = r->path,
        .path_len = strlen(r->path),
    };
    if (at_point(r->kind, RECORD_APPEND, d) < 0) {
        return DIAG_STORAGE;
    }
    bool stands_inline = r->len <= STORE_INLINE;
    if (stands_inline) {
        body = digest_of2(salt, STORE_SALT, r->body, r->len);
    } else if (payload_put(&s->payload, s->db, salt, r->body, r->len, &body, d) < 0) {
        return DIAG_STORAGE;
    }
    *head = chain_next(head, &h, &body);
    if (insert(s, &h, &body, head, stands_inline ? salt : NULL, r, d) < 0) {
        return DIAG_STORAGE;
    }
    run_index_add(&s->index, r->run);
    journal_row row = {r->seq, at_us, h.boot, r->run, r->path, r->kind, {r->body, r->len}};
    return projector_apply(s->projector, &row, d);
}

/* ---- one turn ---- */

static int add_artifacts(store *s, const turn *t, diag *d) {
    const turn_blob *blobs;
    size_t count = turn_artifacts(t, &blobs);
    sqlite3_stmt *st = count > 0 ? statement(s, STORE_ARTIFACT, d) : NULL;
    if (count > 0 && st == NULL) {
        return DIAG_STORAGE;
    }
    for (size_t i = 0; i < count; i++) {
        sqlite3_bind_blob(st, 1, blobs[i].digest.bytes, DIGEST_SIZE, SQLITE_STATIC);
        sqlite3_bind_blob64(st, 2, blobs[i].bytes, blobs[i].len, SQLITE_STATIC);
        int rc = sqlite3_step(st);
        sqlite3_reset(st);
        if (rc != SQLITE_DONE) {
            return db_fault(s->db, d);
        }
    }
    return 0;
}

static int write_turn(store *s, const turn *t, digest *head, bool *indexed, diag *d) {
    if (run_statement(s, STORE_BEGIN, d) < 0 || statement(s, STORE_INSERT, d) == NULL ||
        add_artifacts(s, t, d) < 0) {
        return DIAG_STORAGE;
    }
    for (size_t i = 0; i < turn_count(t); i++) {
        if (append(s, turn_get(t, i), turn_at(t), head, d) < 0) {
            return DIAG_STORAGE;
        }
    }
    *indexed = s->index.count >= STORE_INDEX_EVERY;
    if (*indexed && run_index_flush(&s->index, s->db, d) < 0) {
        return DIAG_STORAGE;
    }
    if (at_points(t, RECORD_BEFORE_COMMIT, d) < 0) {
        return DIAG_STORAGE;
    }
    return run_statement(s, STORE_COMMIT, d);
}

static int fail(store *s) {
    s->failed = true;
    if (sqlite3_get_autocommit(s->db) == 0) {
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return DIAG_STORAGE;
}

static int check_turn(const store *s, const turn *t, diag *d) {
    if (s->failed) {
        diag_set(d, DIAG_STORAGE, "the store stopped writing when a commit failed");
        diag_next(d, "start keel again: it checks what is durable and goes on from there");
        return DIAG_STORAGE;
    }
    const record *first = turn_get(t, 0);
    if (first == NULL) {
        return 0;
    }
    if ((first->kind == RECORD_BOOT) != (s->identity.next_seq == s->last.seq + 1)) {
        return diag_set(d, DIAG_STORAGE, "a boot begins with its boot record, and has no other");
    }
    if (first->seq != s->identity.next_seq) {
        return diag_set(d, DIAG_STORAGE,
                        "the turn begins at record %lld, the journal goes on at %lld",
                        (long long)first->seq, (long long)s->identity.next_seq);
    }
    return 0;
}

int store_commit(store *s, turn *t, diag *d) {
    const turn_blob *blobs;
    bool indexed = false;
    digest head = s->head;
    if (turn_count(t) == 0 && turn_artifacts(t, &blobs) == 0) {
        return 0;
    }
    if (check_turn(s, t, d) < 0 || write_turn(s, t, &head, &indexed, d) < 0) {
        return fail(s);
    }
    s->head = head;
    s->identity.next_seq += (int64_t)turn_count(t);
    if (indexed) {
        run_index_flushed(&s->index);
    }
    /* Durable, and nobody knows yet: a fault here is a turn that will be found after the restart.
     */
    return at_points(t, RECORD_AFTER_COMMIT, d) < 0 ? fail(s) : 0;
}

int store_index(store *s, diag *d) {
    if (s->failed) {
        return DIAG_STORAGE;
    }
    if (run_statement(s, STORE_BEGIN, d) < 0 || run_index_flush(&s->index, s->db, d) < 0 ||
        run_statement(s, STORE_COMMIT, d) < 0) {
        return fail(s);
    }
    run_index_flushed(&s->index);
    return 0;
}

int store_anchor(store *s, int64_t at_us, diag *d) {
    anchor_head head = {
        .boot = s->identity.boot,
        .seq = s->identity.next_seq - 1,
        .at = at_us,
        .hash = s->head,
    };
    if (head.seq == s->last.seq) {
        return 0; /* this boot has written nothing yet */
    }
    return anchor_append(s->anchor, &s->key, s->identity.workspace, &head, d);
}
