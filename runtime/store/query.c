/* Look-ups of single things, and fixed queries over the tables. */
#include <stdlib.h>
#include <string.h>

#include "private.h"

enum { COLUMNS_MAX = 48 };

/* One row of a statement with one text parameter or two; to be reset when there is one. */
static int look_up(reader *r, enum reader_statement which, const char *a, const char *b,
                   sqlite3_stmt **out, diag *d) {
    *out = reader_statement(r, which, d);
    if (*out == NULL) {
        return DIAG_STORAGE;
    }
    sqlite3_bind_text(*out, 1, a, -1, SQLITE_STATIC);
    if (b != NULL) {
        sqlite3_bind_text(*out, 2, b, -1, SQLITE_STATIC);
    }
    int rc = sqlite3_step(*out);
    if (rc == SQLITE_ROW) {
        return 0;
    }
    int code = rc == SQLITE_DONE ? DIAG_NOT_FOUND : db_fault(r->db, d);
    sqlite3_reset(*out);
    return code;
}

int reader_run_by_key(reader *r, const char *agent, const char *key, uint64_t *run, diag *d) {
    sqlite3_stmt *st;
    int rc = look_up(r, READER_RUN_BY_KEY, agent, key, &st, d);
    if (rc == 0) {
        *run = (uint64_t)sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
    } else if (rc == DIAG_NOT_FOUND) {
        diag_set(d, rc, "agent %s has no run with the key \"%.100s\"", agent, key);
    }
    return rc;
}

static int take_body(void *ctx, const journal_row *row) {
    if (row->body.data != NULL) {
        keel_buf_append(ctx, row->body.data, row->body.len);
    }
    return 0;
}

int reader_request(reader *r, const char *id, digest *d_out, keel_buf *body, diag *d) {
    sqlite3_stmt *st;
    int rc = look_up(r, READER_REQUEST, id, NULL, &st, d);
    if (rc < 0) {
        return rc == DIAG_NOT_FOUND ? diag_set(d, rc, "no command has the request id %.100s", id)
                                    : rc;
    }
    int64_t seq = sqlite3_column_int64(st, 0);
    bool whole = sqlite3_column_bytes(st, 1) == DIGEST_SIZE;
    digest found = chain_zero;
    if (whole) {
        memcpy(found.bytes, sqlite3_column_blob(st, 1), DIGEST_SIZE);
    }
    sqlite3_reset(st);
    if (!whole) {
        return diag_set(d, DIAG_STORAGE, "the digest of request %.100s is damaged", id);
    }
    rc = reader_record(r, seq, take_body, body, d);
    if (rc == 0) {
        *d_out = found;
    }
    return rc;
}

int reader_artifact(reader *r, const digest *a, keel_buf *out, diag *d) {
    sqlite3_stmt *st;
    char hex[DIGEST_HEX];
    digest_hex(a, hex);
    if (db_prepare(r->db, &st, "SELECT bytes FROM artifact WHERE digest = ?", d) < 0) {
        return DIAG_STORAGE;
    }
    sqlite3_bind_blob(st, 1, a->bytes, DIGEST_SIZE, SQLITE_STATIC);
    int rc = sqlite3_step(st);
    int code = 0;
    if (rc == SQLITE_ROW) {
        size_t len = (size_t)sqlite3_column_bytes(st, 0);
        const void *bytes = sqlite3_column_blob(st, 0);
        digest actual = digest_of(bytes, len);
        if (digest_equal(&actual, a)) {
            keel_buf_append(out, bytes, len);
        } else {
            diag_set(d, DIAG_STORAGE, "the stored file %.16s does not have its digest", hex);
            code = diag_next(d, "the database was changed or is damaged: restore the last backup");
        }
    } else {
        code = rc == SQLITE_DONE
                   ? diag_set(d, DIAG_NOT_FOUND, "no stored file has the digest %.16s", hex)
                   : db_fault(r->db, d);
    }
    sqlite3_finalize(st);
    return code;
}

/* ---- fixed queries ---- */

/* Where a column's text stands in the buffer, or that it is NULL. */
typedef struct cell {
    size_t at;
    bool null;
} cell;

static void put_cell(sqlite3_stmt *st, int i, keel_buf *text, cell *c) {
    int type = sqlite3_column_type(st, i);
    *c = (cell){.at = text->len, .null = type == SQLITE_NULL};
    if (type == SQLITE_BLOB) {
        size_t len = (size_t)sqlite3_column_bytes(st, i);
        keel_buf_reserve(text, 2 * len + 1);
        hex_encode(text->data + text->len, sqlite3_column_blob(st, i), len);
        text->len += 2 * len;
    } else if (type != SQLITE_NULL) {
        const void *value = sqlite3_column_text(st, i);
        keel_buf_append(text, value, (size_t)sqlite3_column_bytes(st, i));
    }
    keel_buf_putc(text, 0);
}

static int visit_cells(sqlite3_stmt *st, int columns, keel_buf *text, const char *const *names,
                       reader_row *row, void *ctx) {
    cell cells[COLUMNS_MAX];
    const char *values[COLUMNS_MAX];
    keel_buf_clear(text);
    for (int i = 0; i < columns; i++) {
        put_cell(st, i, text, &cells[i]);
    }
    for (int i = 0; i < columns; i++) {
        values[i] = cells[i].null ? NULL : text->data + cells[i].at;
    }
    return row(ctx, columns, values, names);
}

int reader_query(reader *r, const char *sql, const char *const *params, size_t count,
                 reader_row *row, void *ctx, diag *d) {
    sqlite3_stmt *st;
    const char *names[COLUMNS_MAX];
    keel_buf text = KEEL_BUF_INIT;
    if (db_prepare(r->db, &st, sql, d) < 0) {
        return DIAG_STORAGE;
    }
    int columns = sqlite3_column_count(st);
    if (columns > COLUMNS_MAX || !sqlite3_stmt_readonly(st)) {
        abort(); /* queries are literals */
    }
    for (size_t i = 0; i < count; i++) {
        sqlite3_bind_text(st, (int)i + 1, params[i], -1, SQLITE_STATIC);
    }
    for (int i = 0; i < columns; i++) {
        names[i] = sqlite3_column_name(st, i);
    }
    int rc = SQLITE_DONE, stopped = 0;
    while (stopped == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        stopped = visit_cells(st, columns, &text, names, row, ctx);
    }
    int code = rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : db_fault(r->db, d);
    sqlite3_finalize(st);
    keel_buf_free(&text);
    return code < 0 ? code : stopped < 0 ? stopped : 0;
}
