/* The tables made again from the journal, in a private database, and compared row by row. */
#include <stdlib.h>
#include <string.h>

#include "effect_table.h"
#include "private.h"

/* Where a row belongs to a run some of whose records were erased, it cannot be told. */
typedef struct rebuild {
    sqlite3 *copy;
    projector *projector;
    sqlite3_stmt *state; /* of an effect */
    sqlite3_stmt *left;  /* of an erased body; NULL: none was erased */
    keel_buf rest;
    audit_report *report;
    uint64_t *erased;
    size_t erased_count;
    diag *d;
} rebuild;

static int note_erased(rebuild *b, uint64_t run) {
    b->report->erased++;
    b->erased = keel_realloc(b->erased, (b->erased_count + 1) * sizeof *b->erased);
    b->erased[b->erased_count++] = run;
    return 0;
}

/* Where the effect of this record stands in the copy. */
static int state_here(rebuild *b, const journal_row *row, effect_state *out) {
    sqlite3_bind_int64(b->state, 1, (sqlite3_int64)row->run);
    sqlite3_bind_text(b->state, 2, row->path, -1, SQLITE_STATIC);
    int rc = sqlite3_step(b->state);
    *out = rc == SQLITE_ROW ? effect_state_named((const char *)sqlite3_column_text(b->state, 0))
                            : EFFECT_NONE;
    sqlite3_reset(b->state);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : db_fault(b->copy, b->d);
}

/* A record that moves an effect may do only what the table lets it, and the projection must say the
 * same. A spawn that policy allowed at once has no row. */
static int apply_effect(rebuild *b, const journal_row *row) {
    effect_state before, after;
    int rc = state_here(b, row, &before);
    effect_state next = effect_next(before, row->kind);
    if (rc == 0 && next == EFFECT_STATES) {
        diag_set(b->d, DIAG_STORAGE, "record %lld, %s at %s of run %llu: the effect was %s",
                 (long long)row->seq, record_kind_name(row->kind), row->path,
                 (unsigned long long)row->run, effect_state_name(before));
        return diag_next(b->d, "no effect goes that way: restore the last backup, and report this");
    }
    rc = rc ? rc : projector_apply(b->projector, row, b->d);
    rc = rc ? rc : state_here(b, row, &after);
    if (rc == 0 && after != next && row->kind != RECORD_SPAWN) {
        return diag_set(b->d, DIAG_STORAGE, "record %lld leaves its effect %s instead of %s",
                        (long long)row->seq, effect_state_name(after), effect_state_name(next));
    }
    return rc;
}

/* What the table `erased` holds of a body; that table is itself compared in the end. */
static int take_rest(rebuild *b, journal_row *row) {
    keel_json_error e;
    sqlite3_bind_int64(b->left, 1, row->seq);
    int rc = sqlite3_step(b->left);
    if (rc == SQLITE_ROW) {
        keel_buf_clear(&b->rest);
        keel_buf_append(&b->rest, sqlite3_column_text(b->left, 0),
                        (size_t)sqlite3_column_bytes(b->left, 0));
        row->body = keel_json_view(b->rest.data, b->rest.len);
        b->report->erased++;
    }
    sqlite3_reset(b->left);
    if (rc == SQLITE_ROW && keel_json_check(b->rest.data, b->rest.len, &e) < 0) {
        diag_set(b->d, DIAG_STORAGE, "table erased, row %lld: its body is not canonical",
                 (long long)row->seq);
        return diag_next(b->d, "the table was changed behind Keel's back: restore the last backup");
    }
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : db_fault(sqlite3_db_handle(b->left), b->d);
}

static int apply(void *ctx, const journal_row *read) {
    rebuild *b = ctx;
    journal_row row = *read;
    b->report->records++;
    b->report->boots += row.kind == RECORD_BOOT;
    if (b->left != NULL && take_rest(b, &row) < 0) {
        return DIAG_STORAGE;
    }
    if (row.body.data == NULL) {
        return note_erased(b, row.run);
    }
    return effect_moves(row.kind) ? apply_effect(b, &row)
                                  : projector_apply(b->projector, &row, b->d);
}

/* ---- comparing ---- */

typedef struct table {
    const char *name;
    const char *rows; /* in the order of the key, whose columns come first */
    int key;          /* how many they are */
    int run;          /* the column that names a run, or -1 */
    int record;       /* the column that names a record, or -1 */
} table;

static const table tables[] = {
    {"boot", "SELECT * FROM boot ORDER BY boot", 1, -1, 3},
    {"request", "SELECT * FROM request ORDER BY id", 1, -1, 3},
    {"policy_version", "SELECT * FROM policy_version ORDER BY seq", 1, -1, 0},
    {"policy_file", "SELECT * FROM policy_file ORDER BY seq, name", 2, -1, 0},
    {"plugin", "SELECT * FROM plugin ORDER BY digest", 1, -1, 5},
    {"plugin_file", "SELECT * FROM plugin_file ORDER BY plugin, name", 2, -1, -1},
    {"connection", "SELECT * FROM connection ORDER BY name", 1, -1, 3},
    {"approver", "SELECT * FROM approver ORDER BY name", 1, -1, -1},
    {"control", "SELECT * FROM control ORDER BY id", 1, -1, -1},
    {"run", "SELECT * FROM run ORDER BY id", 1, 0, 13},
    {"role", "SELECT * FROM role ORDER BY agent", 1, 1, 2},
    {"effect", "SELECT * FROM effect ORDER BY run, path", 2, 0, 12},
    {"pending", "SELECT * FROM pending ORDER BY run, path", 2, 0, 3},
    {"event", "SELECT * FROM event ORDER BY seq", 1, 1, 0},
    {"item", "SELECT * FROM item ORDER BY number", 1, 2, 6},
    {"kv", "SELECT * FROM kv ORDER BY connection, key", 2, -1, -1},
    {"breaker", "SELECT * FROM breaker ORDER BY connection", 1, -1, -1},
    {"rollback", "SELECT * FROM rollback ORDER BY run", 1, 0, 2},
    {"erased", "SELECT * FROM erased ORDER BY seq", 1, -1, -1},
    {"poll", "SELECT * FROM poll ORDER BY connection, resource", 2, -1, 4},
    {"polled_id", "SELECT * FROM polled_id ORDER BY connection, resource, id", 3, -1, 3},
    {"arrival", "SELECT * FROM arrival ORDER BY name, seq, item", 3, -1, 1},
    {"received", "SELECT * FROM received ORDER BY run, name", 2, 0, 2},
    {"restored", "SELECT * FROM restored ORDER BY seq", 1, -1, 0},
    {"archive", "SELECT * FROM archive ORDER BY first", 1, -1, -1},
    {"grant", "SELECT * FROM grant ORDER BY number", 1, 8, -1},
    {"batch", "SELECT * FROM batch ORDER BY batch", 1, -1, -1},
    {"budget", "SELECT * FROM budget ORDER BY budget, scope, window, unit", 4, -1, -1},
};

/* Integers before text before blobs, as SQLite orders them. */
static int compare(sqlite3_stmt *a, sqlite3_stmt *b, int column) {
    int x = sqlite3_column_type(a, column), y = sqlite3_column_type(b, column);
    if (x != y) {
        return x == SQLITE_NULL ? -1 : y == SQLITE_NULL ? 1 : x < y ? -1 : 1;
    }
    if (x == SQLITE_INTEGER) {
        int64_t m = sqlite3_column_int64(a, column), n = sqlite3_column_int64(b, column);
        return m < n ? -1 : m > n;
    }
    const void *p = sqlite3_column_blob(a, column), *q = sqlite3_column_blob(b, column);
    int m = sqlite3_column_bytes(a, column), n = sqlite3_column_bytes(b, column);
    int least = m < n ? m : n;
    int order = least > 0 ? memcmp(p, q, (size_t)least) : 0;
    return order != 0 ? order : m < n ? -1 : m > n;
}

static void put_value(keel_buf *out, sqlite3_stmt *st, int column) {
    char hex[17];
    switch (sqlite3_column_type(st, column)) {
    case SQLITE_NULL:
        keel_buf_puts(out, "nothing");
        break;
    case SQLITE_BLOB:
        hex_encode(hex, sqlite3_column_blob(st, column),
                   sqlite3_column_bytes(st, column) < 8 ? (size_t)sqlite3_column_bytes(st, column)
                                                        : 8);
        keel_buf_puts(out, hex);
        break;
    default:
        keel_buf_printf(out, "%.60s", (const char *)sqlite3_column_text(st, column));
    }
}

/* "table run, row 7 (record 12): " */
static void put_place(keel_buf *out, const table *t, sqlite3_stmt *st) {
    keel_buf_printf(out, "table %s, row ", t->name);
    for (int i = 0; i < t->key; i++) {
        keel_buf_puts(out, i > 0 ? " " : "");
        put_value(out, st, i);
    }
    if (t->record >= 0) {
        keel_buf_printf(out, " (record %lld)", (long long)sqlite3_column_int64(st, t->record));
    }
    keel_buf_puts(out, ": ");
}

static int differs(rebuild *b, keel_buf *words) {
    diag_set(b->d, DIAG_STORAGE, "%s", words->data);
    diag_next(b->d, "the table was changed behind Keel's back: restore the last backup");
    keel_buf_free(words);
    return DIAG_STORAGE;
}

static int lone_row(rebuild *b, const table *t, sqlite3_stmt *st, const char *what) {
    keel_buf words = KEEL_BUF_INIT;
    put_place(&words, t, st);
    keel_buf_puts(&words, what);
    return differs(b, &words);
}

static bool unknowable(const rebuild *b, const table *t, sqlite3_stmt *st) {
    if (strcmp(t->name, "budget") == 0) {
        return b->erased_count > 0;
    }
    for (size_t i = 0; t->run >= 0 && i < b->erased_count; i++) {
        if ((uint64_t)sqlite3_column_int64(st, t->run) == b->erased[i]) {
            return true;
        }
    }
    return false;
}

static int compare_row(rebuild *b, const table *t, sqlite3_stmt *file, sqlite3_stmt *copy) {
    for (int i = t->key; i < sqlite3_column_count(file); i++) {
        if (compare(file, copy, i) == 0 || unknowable(b, t, file)) {
            continue;
        }
        keel_buf words = KEEL_BUF_INIT;
        put_place(&words, t, copy);
        keel_buf_printf(&words, "%s is ", sqlite3_column_name(file, i));
        put_value(&words, file, i);
        keel_buf_puts(&words, ", but from the journal follows ");
        put_value(&words, copy, i);
        return differs(b, &words);
    }
    return 0;
}

/* One of the two tables that are walked side by side. */
typedef struct side {
    sqlite3 *db;
    sqlite3_stmt *st;
    bool row; /* it stands on one */
} side;

static int advance(rebuild *b, side *s) {
    int rc = sqlite3_step(s->st);
    s->row = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : db_fault(s->db, b->d);
}

static int begin_side(rebuild *b, side *s, const char *sql) {
    return db_prepare(s->db, &s->st, sql, b->d) < 0 ? DIAG_STORAGE : advance(b, s);
}

/* Below 0: the file's row comes first. */
static int order_of(const table *t, const side *file, const side *copy) {
    if (!file->row || !copy->row) {
        return file->row ? -1 : 1;
    }
    int order = 0;
    for (int i = 0; i < t->key && order == 0; i++) {
        order = compare(file->st, copy->st, i);
    }
    return order;
}

static int compare_next(rebuild *b, const table *t, side *file, side *copy) {
    int order = order_of(t, file, copy);
    int rc = 0;
    if (order == 0) {
        rc = compare_row(b, t, file->st, copy->st);
    } else if (order < 0 && !unknowable(b, t, file->st)) {
        rc = lone_row(b, t, file->st, "does not follow from the journal");
    } else if (order > 0 && !unknowable(b, t, copy->st)) {
        rc = lone_row(b, t, copy->st, "follows from the journal and is missing");
    }
    if (rc == 0 && order <= 0) {
        rc = advance(b, file);
    }
    if (rc == 0 && order >= 0) {
        rc = advance(b, copy);
    }
    return rc;
}

static int compare_table(rebuild *b, sqlite3 *db, const table *t) {
    side file = {.db = db}, copy = {.db = b->copy};
    int rc = begin_side(b, &file, t->rows);
    if (rc == 0) {
        rc = begin_side(b, &copy, t->rows);
    }
    while (rc == 0 && (file.row || copy.row)) {
        rc = compare_next(b, t, &file, &copy);
    }
    sqlite3_finalize(file.st);
    sqlite3_finalize(copy.st);
    return rc;
}

/* ---- the whole ---- */

static int prepare_rest(rebuild *b, reader *r) {
    int64_t erased;
    if (db_int(r->db, "SELECT count(*) FROM erased", 0, &erased, b->d) < 0) {
        return DIAG_STORAGE;
    }
    return erased > 0 ? db_prepare(r->db, &b->left, "SELECT body FROM erased WHERE seq = ?", b->d)
                      : 0;
}

static int check(rebuild *b, reader *r) {
    bool began;
    if (create_tables(b->copy, b->d) < 0 ||
        db_prepare(b->copy, &b->state, "SELECT state FROM effect WHERE run = ? AND path = ?",
                   b->d) < 0 ||
        db_exec(b->copy, "BEGIN", b->d) < 0 || reader_begin(r, &began, b->d) < 0 ||
        prepare_rest(b, r) < 0) {
        return DIAG_STORAGE;
    }
    int rc = reader_scan(r, 1, apply, b, b->d);
    for (size_t i = 0; rc == 0 && i < sizeof tables / sizeof tables[0]; i++) {
        rc = compare_table(b, r->db, &tables[i]);
    }
    return rc;
}

int audit_rebuild_check(const char *db_path, const char *vfs, audit_report *out, diag *d) {
    audit_report report = {0};
    rebuild b = {.report = &report, .d = d};
    reader *r;
    if (reader_open(&r, db_path, vfs, d) < 0) {
        return DIAG_STORAGE;
    }
    /* A nameless file: kept in memory, and on disk where it does not fit. */
    int rc = db_open(&b.copy, "", NULL, DB_CREATE, d);
    if (rc == 0) {
        b.projector = projector_create(b.copy);
        rc = check(&b, r);
        projector_destroy(b.projector);
        sqlite3_finalize(b.state);
        sqlite3_finalize(b.left);
        keel_buf_free(&b.rest);
        sqlite3_close(b.copy);
    }
    reader_close(r);
    free(b.erased);
    if (rc == 0) {
        *out = report;
    }
    return rc;
}
