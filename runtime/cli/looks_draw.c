/* The screen, row by row. */
#include <string.h>

#include "looks_int.h"
#include "text.h"

static void header(const looks *l, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT, fitted = KEEL_BUF_INIT;
    size_t left = looks_left(l);
    keel_buf_puts(&text, "keel inbox   ");
    if (left == 0) {
        keel_buf_puts(&text, "nothing needs you");
    } else {
        keel_buf_printf(&text, "%zu %s you", left, left == 1 ? "needs" : "need");
    }
    if (l->group_count > 1) {
        keel_buf_printf(&text, ", in %zu groups", l->group_count);
    }
    looks_fit(&fitted, text.data, l->columns);
    term_put(&l->on, out, TINT_BOLD, fitted.data);
    keel_buf_free(&text);
    keel_buf_free(&fitted);
}

static void rule(const looks *l, size_t columns, keel_buf *out) {
    keel_buf dashes = KEEL_BUF_INIT;
    for (size_t i = 0; i < columns; i++) {
        keel_buf_putc(&dashes, '-');
    }
    term_put(&l->on, out, TINT_DIM, dashes.len ? dashes.data : "");
    keel_buf_free(&dashes);
}

/* ---- the pane ---- */

/* The cursor and what has become of an item, before its first line. */
static const char *mark(const group *g, size_t line) {
    for (size_t i = 0; i < g->count; i++) {
        const entry *e = &g->list[i];
        if (e->from != line || e->to == e->from) {
            continue;
        }
        if (i == g->cursor) {
            return e->gone ? ">- " : e->left_out ? ">x " : ">  ";
        }
        return e->gone ? " - " : e->left_out ? " x " : "   ";
    }
    return "   ";
}

static void pane_of_group(looks *l, group *g, const layout *at, int64_t now_ms) {
    group_lines(l, g, at->pane_columns);
    group_draw(l, g, at->pane_rows, now_ms);
    for (size_t row = 0; row < at->pane_rows && g->top + row < g->lines.count; row++) {
        keel_buf *out = &l->screen[at->pane_row + row];
        term_put(&l->on, out, TINT_BOLD, mark(g, g->top + row));
        keel_buf_puts(out, g->lines.list[g->top + row].text);
    }
}

static void pane_of_text(looks *l, const char *text, size_t len, size_t *top, bool plain,
                         const layout *at) {
    line_list all = {.plain = plain};
    term on = l->on;
    on.width = at->pane_columns > 2 ? at->pane_columns - 1 : 1;
    lines_add(&all, text, len, &on);
    size_t most = all.count > at->pane_rows ? all.count - at->pane_rows : 0;
    *top = *top < most ? *top : most;
    for (size_t row = 0; row < at->pane_rows && *top + row < all.count; row++) {
        keel_buf *out = &l->screen[at->pane_row + row];
        keel_buf_putc(out, ' ');
        keel_buf_puts(out, all.list[*top + row].text);
    }
    lines_free(&all);
}

static void pane(looks *l, const layout *at, int64_t now_ms) {
    static const char empty[] = "Nothing needs you.\n";
    group *g = looks_group(l);
    if (l->over) {
        pane_of_text(l, l->overlay.data, l->overlay.len, &l->over_top, l->over_plain, at);
    } else if (g) {
        pane_of_group(l, g, at, now_ms);
    } else if (l->log.len) {
        pane_of_text(l, l->log.data, l->log.len, &l->log_top, false, at);
    } else {
        pane_of_text(l, empty, sizeof empty - 1, &l->log_top, false, at);
    }
}

static void groups(looks *l, const layout *at, int64_t now_us) {
    looks_list_place(l, at->left ? at->pane_rows : at->strip, at->left > 0);
    for (size_t row = 0; row < at->strip; row++) {
        looks_list_row(l, row, false, l->columns, now_us, &l->screen[at->header + row]);
    }
    for (size_t row = 0; at->left && row < at->pane_rows; row++) {
        keel_buf *out = &l->screen[at->pane_row + row];
        looks_list_row(l, row, true, at->left - 3, now_us, out);
        term_put(&l->on, out, TINT_DIM, " | ");
    }
}

/* ---- the bottom ---- */

static void fit_tinted(const looks *l, const char *text, tint t, keel_buf *out) {
    keel_buf fitted = KEEL_BUF_INIT;
    looks_fit(&fitted, text, l->columns);
    term_put(&l->on, out, t, fitted.data);
    keel_buf_free(&fitted);
}

/* The end of what is typed, as far as there is room; nothing of what is hidden. */
static void typed_line(const looks *l, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    size_t room = l->columns > l->ask_label.len + 1 ? l->columns - l->ask_label.len - 1 : 0;
    keel_buf_append(out, l->ask_label.data, l->ask_label.len);
    out->len = text_fit(out->data, out->len, l->columns - 1);
    out->data[out->len] = 0;
    keel_buf_puts(&text, "");
    if (l->asks == ASKS_REASON || l->asks == ASKS_ANSWER) {
        text_line(&text, l->typed, l->typed_len);
    }
    size_t at = 0, used = 0;
    while (at < text.len && text_width(text.data + at, text.len - at) > room) {
        (void)text_next(text.data + at, text.len - at, &used);
        at += used;
    }
    keel_buf_puts(out, text.data + at);
    keel_buf_free(&text);
}

static void bottom(looks *l, const layout *at) {
    keel_buf *status = &l->screen[l->rows - 2], *last = &l->screen[l->rows - 1];
    keel_buf text = KEEL_BUF_INIT;
    if (l->message.len) {
        fit_tinted(l, l->message.data, l->message_tint, status);
    } else if (l->warning.len) {
        fit_tinted(l, l->warning.data, TINT_BAD, status);
    } else {
        looks_progress(l, at, &text);
        fit_tinted(l, text.data, TINT_NONE, status);
    }
    if (l->asks != ASKS_NOTHING) {
        typed_line(l, last);
    } else {
        looks_keys_line(l, l->columns, last);
    }
    keel_buf_free(&text);
}

const keel_buf *looks_draw(looks *l, int64_t now_ms, int64_t now_us, size_t *rows) {
    layout at = looks_layout(l);
    for (size_t i = 0; i < l->screen_rows; i++) {
        keel_buf_clear(&l->screen[i]);
        keel_buf_puts(&l->screen[i], "");
    }
    *rows = l->screen_rows;
    if (at.pane_rows == 0) {
        if (l->screen_rows) {
            looks_fit(&l->screen[0], "Too small: enlarge it", l->columns);
        }
        return l->screen;
    }
    if (at.header) {
        header(l, &l->screen[0]);
    }
    groups(l, &at, now_us);
    if (at.pane_row > at.header + at.strip) {
        rule(l, l->columns, &l->screen[at.pane_row - 1]);
    }
    pane(l, &at, now_ms);
    bottom(l, &at);
    return l->screen;
}

bool looks_cursor(const looks *l, size_t *row, size_t *column) {
    if (l->asks == ASKS_NOTHING || looks_layout(l).pane_rows == 0) {
        return false;
    }
    *row = l->rows - 1;
    const keel_buf *last = &l->screen[l->rows - 1];
    *column = text_width(last->data ? last->data : "", last->len);
    return true;
}
