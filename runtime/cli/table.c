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

/* Where each column stands: its width, 0 when it is not shown, and whether a line begins with it. */
typedef struct layout {
    size_t *widths;
    bool *breaks;
    size_t indent; /* of the lines after a row's first */
} layout;

#define INDENT   4
#define READABLE 24 /* columns of a cut text that still says something */

/* Takes columns from the widest texts until the row fits; false when a text would say too little.
 */
static bool fit(const table *t, const layout *l, size_t limit) {
    size_t *needs = keel_alloc(t->width * sizeof *needs);
    memcpy(needs, l->widths, t->width * sizeof *needs);
    bool readable = true;
    for (;;) {
        size_t total = 0, widest = t->width;
        for (size_t i = 0; i < t->width; i++) {
            total += l->widths[i] ? l->widths[i] + 2 : 0;
            bool candidate = may_shrink(&t->columns[i]) && l->widths[i] > 8;
            if (candidate && (widest == t->width || l->widths[i] > l->widths[widest])) {
                widest = i;
            }
        }
        if (total <= limit + 2) {
            break;
        }
        if (widest == t->width) {
            readable = false;
            break;
        }
        l->widths[widest]--;
    }
    for (size_t i = 0; i < t->width; i++) {
        size_t enough = needs[i] < READABLE ? needs[i] : READABLE;
        readable = readable && l->widths[i] >= (enough < needs[i] / 3 ? needs[i] / 3 : enough);
    }
    free(needs);
    return readable;
}

/* A row on several lines, none of them wider than the terminal. */
static void fold(const table *t, layout *l, size_t limit) {
    size_t most = limit > INDENT + 8 ? limit - INDENT : 8, used = 0;
    l->indent = INDENT;
    for (size_t i = 0; i < t->width; i++) {
        if (!l->widths[i]) {
            continue;
        }
        if (may_shrink(&t->columns[i]) && l->widths[i] > most) {
            l->widths[i] = most;
        }
        l->breaks[i] = used && used + l->widths[i] > limit;
        used = (l->breaks[i] ? INDENT : used) + l->widths[i] + 2;
    }
}

/* On a terminal a column that is empty in every row is left out. */
static void measure(const table *t, layout *l, size_t limit) {
    keel_buf text = KEEL_BUF_INIT;
    for (size_t i = 0; i < t->width; i++) {
        bool filled = !limit;
        l->widths[i] = t->columns[i].head ? strlen(t->columns[i].head) : 0;
        for (size_t row = 0; t->columns[i].head && row < t->count; row++) {
            cell(t, row, i, &text);
            size_t w = text_width(text.data, text.len);
            l->widths[i] = w > l->widths[i] ? w : l->widths[i];
            filled = filled || w;
        }
        l->widths[i] = filled ? l->widths[i] : 0;
    }
    keel_buf_free(&text);
}

static void lay_out(const table *t, layout *l, size_t limit) {
    *l = (layout){.widths = keel_alloc(t->width * sizeof *l->widths),
                  .breaks = keel_alloc(t->width * sizeof *l->breaks)};
    memset(l->breaks, 0, t->width * sizeof *l->breaks);
    measure(t, l, limit);
    if (limit && !fit(t, l, limit)) {
        measure(t, l, limit);
        fold(t, l, limit);
    }
}

static void lay_off(layout *l) {
    free(l->widths);
    free(l->breaks);
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

static void head(const table *t, const layout *l, const term *on, keel_buf *out) {
    size_t owed = 0;
    for (size_t i = 0; i < t->width; i++) {
        if (l->widths[i]) {
            keel_buf text = KEEL_BUF_INIT;
            if (l->breaks[i]) {
                keel_buf_putc(out, '\n');
                owed = l->indent;
            }
            keel_buf_puts(&text, t->columns[i].head);
            cut(&text, l->widths[i]);
            place(out, &text, l->widths[i], right_aligned(t->columns[i].kind), TINT_DIM, on, &owed);
            keel_buf_free(&text);
        }
    }
    keel_buf_putc(out, '\n');
}

static void line(const table *t, size_t row, const layout *l, const term *on, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    size_t owed = 0;
    bool broken = false;
    for (size_t i = 0; i < t->width; i++) {
        if (!l->widths[i]) {
            continue;
        }
        if (l->breaks[i]) {
            owed = l->indent;
            broken = true;
        }
        cell(t, row, i, &text);
        cut(&text, l->widths[i]);
        const char *value = t->cells[row * t->width + i];
        tint c = t->columns[i].kind == COLUMN_STATE && value ? term_outcome(value) : TINT_NONE;
        if (text.len && broken) { /* a line without a word is left out */
            keel_buf_putc(out, '\n');
            broken = false;
        }
        if (text.len) {
            place(out, &text, l->widths[i], right_aligned(t->columns[i].kind), c, on, &owed);
        } else {
            owed += l->widths[i] + 2;
        }
    }
    keel_buf_free(&text);
    keel_buf_putc(out, '\n');
}

void table_text(const table *t, const term *on, keel_buf *out) {
    if (t->count == 0) {
        return;
    }
    layout l;
    lay_out(t, &l, on->width);
    head(t, &l, on, out);
    for (size_t row = 0; row < t->count; row++) {
        line(t, row, &l, on, out);
    }
    lay_off(&l);
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
