/* The groups, a row or two for each. */
#include <string.h>

#include "looks_int.h"
#include "text.h"

#define RIGHT_FROM 60 /* columns from which on a row also tells how long it has waited */

void looks_fit(keel_buf *out, const char *text, size_t columns) {
    keel_buf safe = KEEL_BUF_INIT;
    text_line(&safe, text, strlen(text));
    size_t fits = text_fit(safe.data, safe.len, columns);
    if (fits < safe.len && columns > 2) {
        fits = text_fit(safe.data, safe.len, columns - 2);
    }
    keel_buf_append(out, safe.data, fits);
    size_t used = text_width(safe.data, fits);
    if (fits < safe.len && columns > 2) {
        keel_buf_puts(out, "..");
        used += 2;
    }
    for (; used < columns; used++) {
        keel_buf_putc(out, ' ');
    }
    keel_buf_free(&safe);
}

/* The largest unit is enough here. */
static void short_span(keel_buf *out, int64_t us) {
    int64_t s = us > 0 ? us / 1000000 : 0;
    if (s < 60) {
        keel_buf_printf(out, "%lld s", (long long)s);
    } else if (s < 3600) {
        keel_buf_printf(out, "%lld min", (long long)(s / 60));
    } else if (s < 48 * 3600) {
        keel_buf_printf(out, "%lld h", (long long)(s / 3600));
    } else {
        keel_buf_printf(out, "%lld days", (long long)(s / 86400));
    }
}

typedef struct facts {
    size_t open, seen;
    int64_t opened_us, expires_us; /* the oldest, the soonest; 0: none */
} facts;

static facts facts_of(const group *g) {
    facts f = {.open = 0};
    for (size_t i = 0; i < g->count; i++) {
        const entry *e = &g->list[i];
        if (e->gone) {
            continue;
        }
        f.open++;
        f.seen += e->seen;
        if (!f.opened_us || e->is.opened_us < f.opened_us) {
            f.opened_us = e->is.opened_us;
        }
        if (e->is.expires_us && (!f.expires_us || e->is.expires_us < f.expires_us)) {
            f.expires_us = e->is.expires_us;
        }
    }
    return f;
}

static void time_left(const facts *f, int64_t now_us, keel_buf *out) {
    keel_buf_puts(out, ""); /* a text, if an empty one */
    if (f->expires_us) {
        short_span(out, f->expires_us - now_us);
        keel_buf_puts(out, " left");
    }
}

static void how_far(const facts *f, keel_buf *out) {
    keel_buf_puts(out, "");
    if (f->seen && f->seen == f->open) {
        keel_buf_puts(out, "all read");
    } else if (f->seen) {
        keel_buf_printf(out, "%zu read", f->seen);
    }
}

static void right_side(const facts *f, size_t columns, int64_t now_us, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_puts(out, "");
    if (columns >= RIGHT_FROM) {
        how_far(f, &text);
        looks_fit(out, text.data, 10);
        keel_buf_clear(&text);
        keel_buf_puts(&text, "since ");
        short_span(&text, now_us - f->opened_us);
        looks_fit(out, text.data, 14);
        keel_buf_clear(&text);
    }
    time_left(f, now_us, &text);
    looks_fit(out, text.data, columns >= RIGHT_FROM ? 12 : columns >= 36 ? 11 : 0);
    keel_buf_free(&text);
}

static const char *kind_word(const group *g) {
    const char *kind = g->count ? g->list[0].is.kind : "";
    return strcmp(kind, "unknown") == 0    ? "unknown: "
           : strcmp(kind, "stuck") == 0    ? "stuck: "
           : strcmp(kind, "question") == 0 ? "question: "
                                           : "";
}

/* Nobody has decided one of them for so long that reminders were sent. */
static bool is_late(const group *g) {
    for (size_t i = 0; i < g->count; i++) {
        if (!g->list[i].gone && g->list[i].is.reminders > 0) {
            return true;
        }
    }
    return false;
}

/* What all of a group have in common; a batch may be of several agents or targets. */
static const char *in_common(const group *g, bool agent) {
    const looks_item *first = &g->list[0].is;
    for (size_t i = 1; i < g->count; i++) {
        const looks_item *is = &g->list[i].is;
        if (strcmp(agent ? is->agent : is->target, agent ? first->agent : first->target) != 0) {
            return agent ? "several agents" : "several targets";
        }
    }
    return agent ? first->agent : first->target;
}

static void name_of(const group *g, bool agent, bool target, keel_buf *out) {
    keel_buf_puts(out, agent && is_late(g) ? "reminded: " : "");
    keel_buf_puts(out, agent ? kind_word(g) : "");
    keel_buf_puts(out, agent ? in_common(g, true) : "");
    keel_buf_puts(out, agent && target ? "  " : "");
    keel_buf_puts(out, target ? in_common(g, false) : "");
}

static void group_row(const group *g, bool deep, bool second, size_t columns, int64_t now_us,
                      keel_buf *out) {
    keel_buf name = KEEL_BUF_INIT, right = KEEL_BUF_INIT, count = KEEL_BUF_INIT;
    facts f = facts_of(g);
    if (deep && second) {
        time_left(&f, now_us, &right);
    } else if (deep) {
        how_far(&f, &right);
    } else {
        right_side(&f, columns, now_us, &right);
    }
    if (!second) {
        keel_buf_printf(&count, "%zu", f.open);
    }
    keel_buf_printf(out, "%3s  ", count.len ? count.data : "");
    size_t used = 5 + (right.len ? text_width(right.data, right.len) + 1 : 0);
    name_of(g, !second, second || !deep, &name);
    looks_fit(out, name.data, columns > used ? columns - used : 0);
    if (right.len && columns > used) {
        keel_buf_printf(out, " %s", right.data);
    }
    keel_buf_free(&name);
    keel_buf_free(&right);
    keel_buf_free(&count);
}

void looks_list_place(looks *l, size_t rows, bool deep) {
    size_t shown = deep ? rows / 2 : rows, entries = looks_entries(l);
    if (l->at < l->first) {
        l->first = l->at;
    } else if (shown && l->at >= l->first + shown) {
        l->first = l->at - shown + 1;
    }
    if (l->first + shown > entries) {
        l->first = entries > shown ? entries - shown : 0;
    }
}

void looks_list_row(const looks *l, size_t row, bool deep, size_t columns, int64_t now_us,
                    keel_buf *out) {
    size_t i = l->first + (deep ? row / 2 : row);
    bool second = deep && row % 2 == 1, here = i == l->at;
    keel_buf text = KEEL_BUF_INIT, fitted = KEEL_BUF_INIT;
    if (i < l->group_count) {
        keel_buf_puts(&text, here && !second ? "> " : "  ");
        group_row(l->groups[i], deep, second, columns > 2 ? columns - 2 : 0, now_us, &text);
    } else if (i < looks_entries(l) && !second) {
        keel_buf_printf(&text, "%s%3zu  what was done", here ? "> " : "  ", l->log_count);
    }
    looks_fit(&fitted, text.len ? text.data : "", columns);
    term_put(&l->on, out, here && !second ? TINT_BOLD : TINT_DIM, fitted.data);
    keel_buf_free(&text);
    keel_buf_free(&fitted);
}
