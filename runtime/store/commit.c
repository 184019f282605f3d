#include "private.h"

static const char *const statements[STORE_STATEMENTS] = {
    [STORE_BEGIN] = "BEGIN IMMEDIATE",
    [STORE_COMMIT] = "COMMIT",
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

static int write_turn(store *s, const turn *t, const store_work *work, digest *head, bool *indexed,
                      diag *d) {
    if (run_statement(s, STORE_BEGIN, d) < 0 || add_artifacts(s, t, d) < 0 ||
        append_records(s, t, head, d) < 0 || (work != NULL && work->run(s, work->ctx, d) < 0)) {
        return DIAG_STORAGE;
    }
    *indexed = s->index.count >= STORE_INDEX_EVERY;
    if (*indexed && run_index_flush(&s->index, s->db, d) < 0) {
        return DIAG_STORAGE;
    }
    if (append_points(t, RECORD_BEFORE_COMMIT, d) < 0) {
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

int commit_with(store *s, turn *t, const store_work *work, diag *d) {
    const turn_blob *blobs;
    bool indexed = false;
    digest head = s->head;
    if (turn_count(t) == 0 && turn_artifacts(t, &blobs) == 0) {
        return 0;
    }
    if (check_turn(s, t, d) < 0 || write_turn(s, t, work, &head, &indexed, d) < 0) {
        return fail(s);
    }
    turn_stored(t);
    s->head = head;
    s->identity.next_seq += (int64_t)turn_count(t);
    s->at_us = turn_count(t) ? turn_at(t) : s->at_us;
    if (indexed) {
        run_index_flushed(&s->index);
    }
    /* Durable, and nobody knows yet: a fault here is a turn that will be found after the restart.
     */
    return append_points(t, RECORD_AFTER_COMMIT, d) < 0 ? fail(s) : 0;
}

int store_commit(store *s, turn *t, diag *d) {
    return commit_with(s, t, NULL, d);
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
