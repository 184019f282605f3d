#include <stdlib.h>
#include <string.h>

#include "looks_int.h"
#include "text.h"

#define GOES_ON         "  ┊ "
#define GOES_ON_PLAIN   "    "
#define GOES_ON_COLUMNS 4

static void add_row(line_list *to, const keel_buf *row) {
    if (to->count == to->room) {
        to->room = to->room ? to->room * 2 : 64;
        to->list = keel_realloc(to->list, to->room * sizeof *to->list);
    }
    to->list[to->count++] = (drawn_line){keel_memdup(row->len ? row->data : "", row->len), false};
}

/* Bytes of a tint's sequence at p, or 0. Only the host's own: those of others were escaped. */
static size_t tint_bytes(const char *p, size_t len) {
    const char *end = len && *p == '\033' ? memchr(p, 'm', len) : NULL;
    return end ? (size_t)(end - p) + 1 : 0;
}

typedef struct piece {
    size_t bytes;
    const char *tint; /* the last one that began in it, NULL: as before, "": none */
    size_t tint_len;
} piece;

static void take_tint(piece *p, const char *text, size_t len) {
    bool plain = len == 4 && memcmp(text, "\033[0m", 4) == 0;
    p->tint = text;
    p->tint_len = plain ? 0 : len;
}

/* What of the text fits; broken at a space where one is near, at least one character. */
static piece fit(const char *text, size_t len, size_t columns) {
    piece p = {.tint = NULL}, space = {.bytes = 0};
    size_t used = 0, width = 0;
    for (size_t at = 0; at < len; at += used) {
        used = tint_bytes(text + at, len - at);
        if (used) {
            take_tint(&p, text + at, used);
        } else {
            (void)text_next(text + at, len - at, &used);
            width += text_width(text + at, used);
            if (width > columns && p.bytes > 0) {
                return space.bytes ? space : p;
            }
        }
        p.bytes = at + used;
        if (text[at] == ' ' && width > columns / 2) {
            space = p;
        }
    }
    return p;
}

static void add_line(line_list *to, const char *text, size_t len, const term *on) {
    size_t columns = on->width > GOES_ON_COLUMNS + 1 ? on->width : GOES_ON_COLUMNS + 2;
    const char *last_tint = "";
    size_t last_len = 0;
    for (size_t at = 0, room = columns; at < len || room == columns;) {
        keel_buf row = KEEL_BUF_INIT;
        piece p = fit(text + at, len - at, room);
        keel_buf_puts(&row, room == columns ? "" : to->plain ? GOES_ON_PLAIN : GOES_ON);
        keel_buf_append(&row, last_tint, last_len);
        keel_buf_append(&row, text + at, p.bytes);
        if (p.tint) {
            last_tint = p.tint;
            last_len = p.tint_len;
        }
        keel_buf_puts(&row, last_len ? term_plain(on) : "");
        add_row(to, &row);
        keel_buf_free(&row);
        at += p.bytes;
        room = columns - GOES_ON_COLUMNS;
    }
}

void lines_add(line_list *to, const char *text, size_t len, const term *on) {
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t n = end ? (size_t)(end - (text + at)) : len - at;
        add_line(to, text + at, n, on);
        at += n + 1;
    }
}

void lines_free(line_list *l) {
    for (size_t i = 0; i < l->count; i++) {
        free(l->list[i].text);
    }
    free(l->list);
    *l = (line_list){.list = NULL};
}
