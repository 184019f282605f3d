#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "keel/json.h"
#include "text.h"

struct table {
    const column *columns;
    size_t width;
    char **cells; /* row by row, as given */
    size_t count; /* rows */
    size_t room;
};

table *table_create(const column *columns, size_t count) {
    table *t = keel_alloc(sizeof *t);
    *t = (table){.columns = columns, .width = count};
    return t;
}

void table_destroy(table *t) {
    if (!t) {
        return;
    }
    for (size_t i = 0; i < t->count * t->width; i++) {
        free(t->cells[i]);
    }
    free(t->cells);
    free(t);
}

void table_row(table *t, const char *const *values) {
    if (t->count == t->room) {
        t->room = t->room ? t->room * 2 : 16;
        t->cells = keel_realloc(t->cells, t->room * t->width * sizeof *t->cells);
    }
    for (size_t i = 0; i < t->width; i++) {
        t->cells[t->count * t->width + i] = values[i] ? keel_strdup(values[i]) : NULL;
    }
    t->count++;
}

size_t table_count(const table *t) {
    return t->count;
}

static int64_t whole(const char *value) {
    return strtoll(value, NULL, 10);
}

static void show(column_kind kind, const char *value, keel_buf *out) {
    switch (kind) {
    case COLUMN_TIME:
        text_time(out, whole(value));
        break;
    case COLUMN_SPAN:
        text_span(out, whole(value));
        break;
    case COLUMN_MONEY:
        text_money(out, whole(value), NULL);
        break;
    case COLUMN_INT:
        text_count(out, whole(value));
        break;
    case COLUMN_BOOL:
        keel_buf_puts(out, whole(value) ? "yes" : "no");
        break;
    case COLUMN_TEXT:
    case COLUMN_STATE:
    case COLUMN_JSON:
        text_line(out, value, strlen(value));
        break;
    }
}

static void cell(const table *t, size_t row, size_t col, keel_buf *out) {
    const char *value = t->cells[row * t->width + col];
    keel_buf_clear(out);
    keel_buf_puts(out, "");
    if (value) {
        show(t->columns[col].kind, value, out);
    }
}

static bool right_aligned(column_kind kind) {
    return kind == COLUMN_INT || kind == COLUMN_MONEY;
}

static bool may_shrink(const column *c) {
    return c->kind == COLUMN_TEXT || c->kind == COLUMN_JSON;
}

/* Takes columns from the widest texts until the row fits; a text keeps at least its head's room. */
static void fit(const table *t, size_t *widths, size_t limit) {
    for (;;) {
        size_t total = 0, widest = t->width;
        for (size_t i = 0; i < t->width; i++) {
            if (!t->columns[i].head) {
                continue;
            }
            total += widths[i] + 2;
            bool candidate = may_shrink(&t->columns[i]) && widths[i] > 8;
            if (candidate && (widest == t->width || widths[i] > widths[widest])) {
                widest = i;
            }
        }
        if (total <= limit + 2 || widest == t->width) {
            return;
        }
        widths[widest]--;
    }
}

static void measure(const table *t, size_t *widths, size_t limit) {
    keel_buf text = KEEL_BUF_INIT;
    for (size_t i = 0; i < t->width; i++) {
        widths[i] = t->columns[i].head ? strlen(t->columns[i].head) : 0;
        for (size_t row = 0; t->columns[i].head && row < t->count; row++) {
            cell(t, row, i, &text);
            size_t w = text_width(text.data, text.len);
            widths[i] = w > widths[i] ? w : widths[i];
        }
    }
    keel_buf_free(&text);
    if (limit) {
        fit(t, widths, limit);
    }
}

static void spaces(keel_buf *out, size_t n) {
    while (n--) {
        keel_buf_putc(out, ' ');
    }
}

static void cut(keel_buf *text, size_t width) {
    if (text_width(text->data, text->len) <= width) {
        return;
    }
    text->len = text_fit(text->data, text->len, width - 1);
    keel_buf_puts(text, "…");
}

/* Pads before writing a column, never after the last: no line ends in spaces. */
static void place(keel_buf *out, const keel_buf *text, size_t width, bool right, tint c,
                  const term *on, size_t *owed) {
    size_t pad = width - text_width(text->data, text->len);
    spaces(out, *owed + (right ? pad : 0));
    term_put(on, out, c, text->data);
    *owed = 2 + (right ? 0 : pad);
}

static void head(const table *t, const size_t *widths, const term *on, keel_buf *out) {
    size_t owed = 0;
    for (size_t i = 0; i < t->width; i++) {
        if (t->columns[i].head) {
            keel_buf text = KEEL_BUF_INIT;
            keel_buf_puts(&text, t->columns[i].head);
            place(out, &text, widths[i], right_aligned(t->columns[i].kind), TINT_DIM, on, &owed);
            keel_buf_free(&text);
        }
    }
    keel_buf_putc(out, '\n');
}

static void line(const table *t, size_t row, const size_t *widths, const term *on, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    size_t owed = 0;
    for (size_t i = 0; i < t->width; i++) {
        if (!t->columns[i].head) {
            continue;
        }
        cell(t, row, i, &text);
        cut(&text, widths[i]);
        const char *value = t->cells[row * t->width + i];
        tint c = t->columns[i].kind == COLUMN_STATE && value ? term_outcome(value) : TINT_NONE;
        if (text.len) {
            place(out, &text, widths[i], right_aligned(t->columns[i].kind), c, on, &owed);
        } else {
            owed += widths[i] + 2;
        }
    }
    keel_buf_free(&text);
    keel_buf_putc(out, '\n');
}

void table_text(const table *t, const term *on, keel_buf *out) {
    if (t->count == 0) {
        return;
    }
    size_t *widths = keel_alloc(t->width * sizeof *widths);
    measure(t, widths, on->width);
    head(t, widths, on, out);
    for (size_t row = 0; row < t->count; row++) {
        line(t, row, widths, on, out);
    }
    free(widths);
}

static void json_value(keel_json_writer *w, column_kind kind, const char *value) {
    switch (kind) {
    case COLUMN_INT:
    case COLUMN_TIME:
    case COLUMN_SPAN:
        keel_json_integer(w, whole(value));
        break;
    case COLUMN_BOOL:
        keel_json_bool(w, whole(value) != 0);
        break;
    case COLUMN_JSON:
        keel_json_raw(w, keel_json_view(value, strlen(value)));
        break;
    case COLUMN_TEXT:
    case COLUMN_STATE:
    case COLUMN_MONEY:
        keel_json_text(w, value);
        break;
    }
}

/* The next key after `last` in canonical order; the widths are small, so no sorting is needed. */
static size_t next_key(const table *t, const char *last) {
    size_t best = t->width;
    for (size_t i = 0; i < t->width; i++) {
        const char *key = t->columns[i].key;
        if (!key || (last && strcmp(key, last) <= 0)) {
            continue;
        }
        if (best == t->width || strcmp(key, t->columns[best].key) < 0) {
            best = i;
        }
    }
    return best;
}

void table_json(const table *t, keel_buf *out) {
    for (size_t row = 0; row < t->count; row++) {
        keel_json_writer w;
        keel_json_write(&w, out);
        keel_json_object(&w);
        for (size_t i = next_key(t, NULL); i < t->width; i = next_key(t, t->columns[i].key)) {
            const char *value = t->cells[row * t->width + i];
            if (value) {
                keel_json_key(&w, t->columns[i].key);
                json_value(&w, t->columns[i].kind, value);
            }
        }
        keel_json_object_end(&w);
        keel_buf_putc(out, '\n');
    }
}
