/* Lists: an aligned table for people, or one JSON object a line (NDJSON) with --json, from the same
 * columns. Cells are escaped (text.h); on a terminal wide columns are cut with an ellipsis so that
 * a row stays one line, or, where too little of them would be left, a row takes several lines, and
 * columns without any value are left out; elsewhere nothing is cut. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "keel/buf.h"
#include "term.h"

typedef enum column_kind {
    COLUMN_TEXT,
    COLUMN_STATE, /* text, tinted by its meaning */
    COLUMN_INT,   /* right-aligned; a JSON number */
    COLUMN_TIME,  /* microseconds; shown as local time, a JSON number */
    COLUMN_SPAN,  /* microseconds; "3 h 12 min" */
    COLUMN_MONEY, /* micro-units; a JSON string, as all money is */
    COLUMN_BOOL,  /* "0" | "1" */
    COLUMN_JSON   /* canonical JSON */
} column_kind;

typedef struct column {
    const char *head; /* NULL: in JSON only */
    const char *key;  /* NULL: in the table only */
    column_kind kind;
} column;

typedef struct table table;

table *table_create(const column *columns, size_t count); /* columns outlive it */
void table_destroy(table *t);
/* One value per column, copied; NULL is empty, in JSON left out. */
void table_row(table *t, const char *const *values);
size_t table_count(const table *t);
void table_text(const table *t, const term *on, keel_buf *out);
void table_json(const table *t, keel_buf *out);

#endif
