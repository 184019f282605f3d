/* The records of a turn: salted, chained, and inserted some at a time, which costs a third less
 * than one by one. */
#include <errno.h>
#include <string.h>

#include "failpoint.h"
#include "planted.h"
#include "private.h"

#define INSERT                                                                                     \
    "INSERT INTO journal(seq, at, boot, run, path, kind, digest, hash, salt, body) VALUES"
#define ROW     "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
#define ROWS_4  ROW ", " ROW ", " ROW ", " ROW
#define ROWS_16 ROWS_4 ", " ROWS_4 ", " ROWS_4 ", " ROWS_4

enum { COLUMNS = 10, BATCH = 16 };

/* Largest first. */
static const struct {
    enum store_statement which;
    size_t rows;
    const char *sql;
} inserts[] = {
    {STORE_INSERT_16, BATCH, INSERT ROWS_16},
    {STORE_INSERT_4, 4, INSERT ROWS_4},
    {STORE_INSERT, 1, INSERT ROW},
};

/* What is bound of a record; it must stay in place until the insert is done. */
typedef struct row {
    const record *record;
    const turn_seal *seal;
    digest body;
    digest hash;
} row;

/* ---- failpoints: one for every kind at every journal write ---- */

#ifdef KEEL_FAILPOINTS
#define POINTS(id, name, text)                                                                     \
    {"journal." text ".append", 0}, {"journal." text ".before_commit", 0},                         \
        {"journal." text ".after_commit", 0},
static const failpoint_place places[] FAILPOINT_PLACE = {RECORD_KINDS(POINTS)};
#undef POINTS

static int at_point(record_kind kind, enum record_point point, diag *d) {
    int error = failpoint_errno(KEEL_FP_NAMED(record_failpoint(kind, point)));
    return error == 0 ? 0
                      : diag_set(d, DIAG_STORAGE, "%s: %s", record_failpoint(kind, point),
                                 strerror(error));
}

/* Once for each kind in the turn. */
int append_points(const turn *t, enum record_point point, diag *d) {
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

int append_points(const turn *t, enum record_point point, diag *d) {
    (void)t, (void)point, (void)d;
    return 0;
}
#endif

/* ---- rows ---- */

static int make_row(store *s, const turn *t, size_t i, digest *head, row *out, diag *d) {
    const record *r = turn_get(t, i);
    const turn_seal *seal = turn_sealed(t, i);
    *out = (row){.record = r, .seal = seal, .body = seal->body};
    if (at_point(r->kind, RECORD_APPEND, d) < 0) {
        return DIAG_STORAGE;
    }
    if (!seal->stands &&
        payload_put(&s->payload, s->db, seal->salt, r->body, r->len, &out->body, d) < 0) {
        return DIAG_STORAGE;
    }
    chain_header h = {
        .seq = r->seq,
        .at = turn_at(t),
        .boot = s->identity.boot,
        .run = r->run,
        .kind = (int)r->kind,
        .path = r->path,
        .path_len = seal->path_len,
    };
    if (!KEEL_PLANTED("chain_skips_record") || r->kind != RECORD_EFFECT_DONE) {
        *head = chain_next(head, &h, &out->body);
    }
    out->hash = *head;
    return 0;
}

static void bind_row(sqlite3_stmt *st, int first, const row *from, int64_t at_us, int64_t boot) {
    const record *r = from->record;
    sqlite3_bind_int64(st, first, r->seq);
    sqlite3_bind_int64(st, first + 1, at_us);
    sqlite3_bind_int64(st, first + 2, boot);
    sqlite3_bind_int64(st, first + 3, (sqlite3_int64)r->run);
    sqlite3_bind_text(st, first + 4, r->path, (int)from->seal->path_len, SQLITE_STATIC);
    sqlite3_bind_int(st, first + 5, (int)r->kind);
    sqlite3_bind_blob(st, first + 6, from->body.bytes, DIGEST_SIZE, SQLITE_STATIC);
    sqlite3_bind_blob(st, first + 7, from->hash.bytes, DIGEST_SIZE, SQLITE_STATIC);
    if (from->seal->stands) {
        sqlite3_bind_blob(st, first + 8, from->seal->salt, STORE_SALT, SQLITE_STATIC);
        sqlite3_bind_blob(st, first + 9, r->body, (int)r->len, SQLITE_STATIC);
    } else {
        sqlite3_bind_null(st, first + 8);
        sqlite3_bind_null(st, first + 9);
    }
}

static int insert_rows(store *s, size_t how, const row *rows, int64_t at_us, diag *d) {
    sqlite3_stmt **st = &s->st[inserts[how].which];
    if (*st == NULL && db_prepare(s->db, st, inserts[how].sql, d) < 0) {
        return DIAG_STORAGE;
    }
    for (size_t i = 0; i < inserts[how].rows; i++) {
        bind_row(*st, (int)i * COLUMNS + 1, &rows[i], at_us, s->identity.boot);
    }
    int rc = sqlite3_step(*st);
    sqlite3_reset(*st);
    return rc == SQLITE_DONE ? 0 : db_fault(s->db, d);
}

static int project(store *s, const record *r, int64_t at_us, diag *d) {
    journal_row record_row = {.seq = r->seq,
                              .at = at_us,
                              .boot = s->identity.boot,
                              .run = r->run,
                              .path = r->path,
                              .kind = r->kind,
                              .body = keel_json_view(r->body, r->len)};
    run_index_add(&s->index, r->run);
    if (KEEL_PLANTED("table_not_written") && r->kind == RECORD_EFFECT_NOT_DONE) {
        return 0;
    }
    return projector_apply(s->projector, &record_row, d);
}

static int append_batch(store *s, const turn *t, size_t first, size_t how, digest *head, diag *d) {
    row rows[BATCH];
    int64_t at_us = turn_at(t);
    size_t count = inserts[how].rows;
    for (size_t i = 0; i < count; i++) {
        if (make_row(s, t, first + i, head, &rows[i], d) < 0) {
            return DIAG_STORAGE;
        }
    }
    int rc = insert_rows(s, how, rows, at_us, d);
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = project(s, rows[i].record, at_us, d);
    }
    return rc;
}

int append_records(store *s, const turn *t, digest *head, diag *d) {
    size_t how = 0;
    for (size_t i = 0; i < turn_count(t); i += inserts[how].rows) {
        while (inserts[how].rows > turn_count(t) - i) {
            how++;
        }
        if (append_batch(s, t, i, how, head, d) < 0) {
            return DIAG_STORAGE;
        }
    }
    return 0;
}
