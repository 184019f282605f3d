/* What the bottom of the screen says when nothing else is said, and the help. */
#include <stdio.h>
#include <string.h>

#include "looks_int.h"
#include "text.h"

const char looks_help[] =
    "How this works\n"
    "\n"
    "What needs you stands in groups: one agent and target, or what its rule batches by. Below is "
    "the whole body of "
    "each "
    "item, exactly as it would be sent. Read it page by page with the space bar. What you have "
    "read "
    "you approve with one key; what was not on the screen is never approved.\n"
    "\n"
    "Reading\n"
    "  space, PageDown  next page; at the end of a group, the next group\n"
    "  b, PageUp        page before\n"
    "  j k, arrows      item by item; > marks it\n"
    "  n p, Tab         next group, group before\n"
    "  Home, End        first and last page of the group\n"
    "\n"
    "Deciding\n"
    "  a  approve what was on the screen as a whole\n"
    "  A  approve the group; only when all of it was\n"
    "  R  approve the one at > and remember it, for what its body says\n"
    "  d  deny the item at >, with a reason\n"
    "  e  edit it, where its rule allows that\n"
    "  w  why it was asked: rule, budget, record\n"
    "  x  leave it out of a and A (marked x)\n"
    "  u  take back in what was left out\n"
    "  1 to 9  answer the question at > by the choice of that number\n"
    "  Enter   answer it in your own words\n"
    "\n"
    "The passphrase is asked at the first approval, once. A - marks what has gone meanwhile: "
    "decided "
    "elsewhere, expired or changed. What comes in while you read stands at the end, and is never "
    "part "
    "of what you approve. q leaves; what is left waits.\n";

typedef struct hint {
    const char *key, *does;
} hint;

#define HINTS_MAX 16

typedef struct hints {
    hint list[HINTS_MAX];
    size_t count;
} hints;

static void add(hints *h, const char *name, const char *does) {
    if (h->count < HINTS_MAX) {
        h->list[h->count++] = (hint){name, does};
    }
}

static void of_group(const looks *l, const group *g, hints *h, char approve[48], char all[32]) {
    size_t ready = group_ready(g), open = group_open(g);
    layout at = looks_layout(l);
    bool more = g->top < group_top_most(g, at.pane_rows);
    bool last = l->at + 1 >= looks_entries(l);
    bool approval = group_is_approval(g);
    if (approval && ready && ready == open) {
        snprintf(all, 32, open == 1 ? "approve it" : "approve all %zu", open);
        add(h, "A", all);
    } else if (approval && ready) {
        snprintf(approve, 48, "approve %zu of %zu", ready, open);
        add(h, "a", approve);
    }
    if (more || !last) {
        add(h, "space", more ? "next page" : "next group");
    }
    if (approval) {
        add(h, "d", "deny");
        add(h, "e", "edit");
    }
    if (g->count && g->cursor < g->count && entry_is(&g->list[g->cursor], "question")) {
        size_t choices = g->list[g->cursor].is.choices;
        snprintf(approve, 48, "1-%zu", choices < 9 ? choices : 9);
        if (choices) {
            add(h, approve, "answer");
        }
        add(h, "Enter", "write the answer");
    } else {
        add(h, "w", "why");
    }
    if (approval && open > 1) {
        add(h, "x", "leave out");
    }
    if (looks_entries(l) > 1) {
        add(h, "n p", "groups");
    }
}

/* The last ones always, the others as far as there is room. */
static void put(const looks *l, const hints *h, size_t always, size_t columns, keel_buf *out) {
    size_t kept = 0, used = 0, first = h->count - always;
    for (size_t i = first; i < h->count; i++) {
        used += strlen(h->list[i].key) + strlen(h->list[i].does) + 3;
    }
    while (kept < first) {
        used += strlen(h->list[kept].key) + strlen(h->list[kept].does) + 3;
        if (used > columns + 2) {
            break;
        }
        kept++;
    }
    for (size_t i = 0; i < h->count; i++) {
        if (i >= kept && i < first) {
            continue;
        }
        keel_buf_puts(out, out->len ? "  " : "");
        term_put(&l->on, out, TINT_BOLD, h->list[i].key);
        keel_buf_puts(out, " ");
        term_put(&l->on, out, TINT_DIM, h->list[i].does);
    }
}

void looks_keys_line(const looks *l, size_t columns, keel_buf *out) {
    hints h = {.count = 0};
    char approve[48], all[32];
    const group *g = looks_group(l);
    size_t always = 2;
    if (l->over) {
        add(&h, "space", "next page");
        add(&h, "b", "page before");
        add(&h, "q", "close");
        always = 1;
    } else if (l->asks != ASKS_NOTHING) {
        add(&h, "Enter",
            l->asks == ASKS_PASSPHRASE ? "approve"
            : l->asks == ASKS_ANSWER   ? "answer"
                                       : "deny");
        add(&h, "Esc", "give up");
        always = 1;
    } else {
        if (g) {
            of_group(l, g, &h, approve, all);
        } else if (l->group_count) {
            add(&h, "p", "groups");
        }
        add(&h, "?", "help");
        add(&h, "q", "quit");
    }
    put(l, &h, always, columns, out);
}

void looks_progress(const looks *l, const layout *at, keel_buf *out) {
    const group *g = looks_group(l);
    if (!g) {
        keel_buf_puts(out, l->group_count ? "What was done." : "Nothing needs you any more.");
        return;
    }
    size_t open = group_open(g), seen = 0, last = g->top + at->pane_rows;
    for (size_t i = 0; i < g->count; i++) {
        seen += g->list[i].seen && !g->list[i].gone;
    }
    size_t lines = g->lines.count ? g->lines.count - 1 : 0;
    if (open == 0) {
        keel_buf_puts(out, "all gone meanwhile");
    } else if (seen == open) {
        keel_buf_puts(out, "all read");
    } else {
        keel_buf_printf(out, "%zu of %zu read", seen, open);
    }
    keel_buf_printf(out, "; lines %zu-%zu of %zu", g->top + 1, last < lines ? last : lines, lines);
    if (l->group_count > 1) {
        keel_buf_printf(out, "; group %zu of %zu", l->at + 1, l->group_count);
    }
}
