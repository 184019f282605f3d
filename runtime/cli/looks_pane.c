/* Where things stand on the screen, and the lines of a group in its pane. */
#include <string.h>

#include "looks_int.h"

#define LEFT_COLUMNS   40
#define LEFT_FROM      112 /* columns from which on the groups stand beside the pane */
#define LEFT_ROWS_FROM 16
#define LEAST_ROWS     5
#define LEAST_COLUMNS  20
#define MARK_COLUMNS   4 /* before each line of a body: the cursor, a sign, a space; one behind it */

static size_t strip_rows(const looks *l, size_t entries) {
    size_t most = l->rows < 12 ? 1 : l->rows < 20 ? 2 : l->rows < 30 ? 3 : l->rows / 6;
    return entries < 2 ? 0 : entries < most ? entries : most;
}

layout looks_layout(const looks *l) {
    layout at = {.header = l->rows >= 8};
    size_t entries = l->entries;
    if (l->rows < LEAST_ROWS || l->columns < LEAST_COLUMNS) {
        return at;
    }
    if (l->columns >= LEFT_FROM && l->rows >= LEFT_ROWS_FROM && entries > 1) {
        at.left = LEFT_COLUMNS;
    } else {
        at.strip = l->rows >= 8 ? strip_rows(l, entries) : 0;
    }
    at.pane_row = at.header + at.strip + (l->rows >= 10);
    at.pane_rows = l->rows - at.pane_row - 2;
    at.pane_columns = l->columns - at.left;
    return at;
}

/* ---- the lines ---- */

static void add_shared(group *g, keel_buf *last, const keel_buf *shared, const term *on,
                       entry *before, entry *e) {
    bool again = last->len == shared->len && before &&
                 (shared->len == 0 || memcmp(last->data, shared->data, shared->len) == 0);
    if (again) {
        e->shared_from = before->shared_from;
        e->shared_to = before->shared_to;
        return;
    }
    e->shared_from = g->lines.count;
    lines_add(&g->lines, shared->len ? shared->data : "", shared->len, on);
    lines_add(&g->lines, "\n", 1, on);
    e->shared_to = g->lines.count;
    keel_buf_clear(last);
    keel_buf_append(last, shared->data, shared->len);
}

static void make(looks *l, group *g, const term *on) {
    keel_buf last = KEEL_BUF_INIT, shared = KEEL_BUF_INIT, own = KEEL_BUF_INIT;
    entry *before = NULL;
    for (size_t i = 0; i < g->count; i++) {
        entry *e = &g->list[i];
        keel_buf_clear(&shared);
        keel_buf_clear(&own);
        e->unreadable = !l->body(l->ctx, &e->is, on, &shared, &own);
        add_shared(g, &last, &shared, on, before, e);
        e->from = g->lines.count;
        lines_add(&g->lines, own.len ? own.data : "", own.len, on);
        e->to = g->lines.count;
        lines_add(&g->lines, "\n", 1, on);
        before = e;
    }
    keel_buf_free(&last);
    keel_buf_free(&shared);
    keel_buf_free(&own);
}

size_t entry_first(const entry *e) {
    return e->shared_to == e->from ? e->shared_from : e->from;
}

void group_lines(looks *l, group *g, size_t columns) {
    term on = l->on;
    if (g->width == columns) {
        return;
    }
    size_t line = 0; /* below the beginning of the item that is on top */
    size_t item = g->count;
    for (size_t i = 0; g->width && i < g->count; i++) {
        if (entry_first(&g->list[i]) <= g->top) {
            item = i;
            line = g->top - entry_first(&g->list[i]);
        }
    }
    group_forget_lines(g);
    on.width = columns - MARK_COLUMNS;
    make(l, g, &on);
    g->width = columns;
    if (item < g->count) {
        size_t height = g->list[item].to - entry_first(&g->list[item]);
        g->top = entry_first(&g->list[item]) + (line < height ? line : 0);
    } else {
        g->top = g->cursor < g->count ? entry_first(&g->list[g->cursor]) : 0;
    }
}

size_t group_top_most(const group *g, size_t rows) {
    size_t lines = g->lines.count ? g->lines.count - 1 : 0; /* not the blank one at the end */
    return lines > rows ? lines - rows : 0;
}

/* ---- what was seen ---- */

static bool all_drawn(const group *g, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
        if (!g->lines.list[i].drawn) {
            return false;
        }
    }
    return true;
}

void group_draw(looks *l, group *g, size_t rows, int64_t now_ms) {
    size_t most = group_top_most(g, rows);
    g->top = g->top < most ? g->top : most;
    for (size_t i = g->top; i < g->top + rows && i < g->lines.count; i++) {
        if (!g->lines.list[i].drawn) {
            g->lines.list[i].drawn = true;
            l->fresh_ms = now_ms;
        }
    }
    g->looked = true;
    for (size_t i = 0; i < g->count; i++) {
        entry *e = &g->list[i];
        e->seen =
            e->seen || (all_drawn(g, e->shared_from, e->shared_to) && all_drawn(g, e->from, e->to));
    }
}
