/* Where the keys lead: pages, items, groups. */
#include "looks_int.h"

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* After the pane has moved: the first item that begins on it, else the one that fills it. */
static void cursor_onto(group *g, size_t rows) {
    size_t filling = g->cursor;
    for (size_t i = g->count; i-- > 0;) {
        const entry *e = &g->list[i];
        if (e->from < g->top + rows && e->to > g->top) {
            filling = i;
        }
    }
    for (size_t i = 0; i < g->count; i++) {
        if (g->list[i].from >= g->top && g->list[i].from < g->top + rows) {
            filling = i;
            break;
        }
    }
    g->cursor = filling;
}

void looks_leave(looks *l, int direction) {
    size_t count = looks_entries(l), before = l->group_count;
    size_t to = l->at;
    if (direction > 0 && to + 1 >= count) {
        looks_say(l, TINT_NONE, "This is the last group.");
        return;
    }
    if (direction < 0 && to == 0) {
        looks_say(l, TINT_NONE, "This is the first group.");
        return;
    }
    group *g = looks_group(l);
    if (g) {
        looks_purge(l, g);
    }
    bool dropped = l->group_count < before; /* then the next one has its place */
    l->at = direction < 0 ? to - 1 : dropped ? to : to + 1;
    l->at = least(l->at, l->group_count);
    l->entries = looks_entries(l);
}

static void page_of_text(size_t *top, size_t rows, int direction) {
    if (direction > 0) {
        *top += rows;
    } else {
        *top = *top > rows ? *top - rows : 0;
    }
}

void looks_page(looks *l, int direction) {
    layout at = looks_layout(l);
    group *g = looks_group(l);
    if (!g) {
        page_of_text(&l->log_top, at.pane_rows, direction);
        return;
    }
    size_t most = group_top_most(g, at.pane_rows);
    if (direction > 0 && g->top >= most) {
        looks_leave(l, 1);
        return;
    }
    if (direction > 0) {
        g->top = least(g->top + at.pane_rows, most);
    } else {
        g->top = g->top > at.pane_rows ? g->top - at.pane_rows : 0;
    }
    cursor_onto(g, at.pane_rows);
}

/* Item by item; one that is longer than the pane is read to its end first. */
static void step_down(group *g, size_t rows) {
    const entry *e = &g->list[g->cursor];
    if (e->to > g->top + rows) {
        g->top += least(rows > 1 ? rows - 1 : 1, e->to - (g->top + rows));
        return;
    }
    if (g->cursor + 1 < g->count) {
        e = &g->list[++g->cursor];
    }
    if (e->to > g->top + rows) {
        g->top = least(entry_first(e), e->to - rows);
    }
}

static void step_up(group *g, size_t rows) {
    const entry *e = &g->list[g->cursor];
    if (entry_first(e) < g->top) {
        g->top -= least(rows > 1 ? rows - 1 : 1, g->top - entry_first(e));
        return;
    }
    if (g->cursor > 0) {
        e = &g->list[--g->cursor];
    }
    if (entry_first(e) < g->top) {
        size_t height = e->to - entry_first(e);
        g->top = height > rows ? e->to - rows : entry_first(e);
    }
}

void looks_step(looks *l, int direction) {
    layout at = looks_layout(l);
    group *g = looks_group(l);
    if (!g) {
        page_of_text(&l->log_top, 1, direction);
    } else if (g->count && g->width && direction > 0) {
        step_down(g, at.pane_rows);
    } else if (g->count && g->width) {
        step_up(g, at.pane_rows);
    }
}

void looks_end(looks *l, int direction) {
    layout at = looks_layout(l);
    group *g = looks_group(l);
    if (!g || !g->count) {
        l->log_top = direction < 0 ? 0 : l->log.len; /* held within bounds when it is drawn */
        return;
    }
    g->top = direction < 0 ? 0 : group_top_most(g, at.pane_rows);
    g->cursor = direction < 0 ? 0 : g->count - 1;
}
