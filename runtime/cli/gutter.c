#include <string.h>

#include "render.h"
#include "text.h"

#define LINE_BEGINS  "│ "
#define LINE_GOES_ON "┊ "
#define SPACES_DRAWN 24 /* more in a row are counted */
#define BLANKS_DRAWN 2

typedef struct gutter {
    keel_buf *out;
    size_t indent;
    size_t room; /* columns for data */
} gutter;

static void margin(const gutter *g) {
    for (size_t i = 0; i < g->indent; i++) {
        keel_buf_putc(g->out, ' ');
    }
}

static void note(const gutter *g, size_t n, const char *what) {
    margin(g);
    keel_buf_putc(g->out, '(');
    text_count(g->out, (int64_t)n);
    keel_buf_printf(g->out, " %s)\n", what);
}

/* Breaks at a space where one is near, else where the room ends. */
static size_t break_at(const char *text, size_t len, size_t room) {
    size_t fits = text_fit(text, len, room);
    if (fits >= len) {
        return len;
    }
    for (size_t i = fits; i > fits / 2; i--) {
        if (text[i - 1] == ' ') {
            return i;
        }
    }
    return fits ? fits : 1;
}

/* One stretch of a line, escaped, over as many rows as it takes. */
static void stretch(const gutter *g, const char *text, size_t len, const char *mark) {
    keel_buf shown = KEEL_BUF_INIT;
    text_exact(&shown, text, len);
    size_t at = 0;
    do {
        size_t n = shown.len ? break_at(shown.data + at, shown.len - at, g->room) : 0;
        margin(g);
        keel_buf_puts(g->out, mark);
        keel_buf_append(g->out, shown.data + at, n);
        keel_buf_putc(g->out, '\n');
        at += n;
        mark = LINE_GOES_ON;
    } while (at < shown.len);
    keel_buf_free(&shown);
}

static size_t run_of(const char *text, size_t len, char c) {
    size_t n = 0;
    while (n < len && text[n] == c) {
        n++;
    }
    return n;
}

static void whole_line(const gutter *g, const char *text, size_t len) {
    const char *mark = LINE_BEGINS;
    size_t from = 0;
    for (size_t at = 0; at < len;) {
        size_t n = run_of(text + at, len - at, ' ');
        if (n > SPACES_DRAWN) {
            if (at > from) {
                stretch(g, text + from, at - from, mark);
                mark = LINE_GOES_ON;
            }
            note(g, n, "spaces");
            from = at + n;
        }
        at += n ? n : 1;
    }
    if (from < len || len == 0) {
        stretch(g, text + from, len - from, mark);
    }
}

static bool blank(const char *text, size_t len) {
    return strspn(text, " \t\r") >= len || len == 0;
}

void gutter_text(keel_buf *out, const char *text, size_t len, size_t indent, size_t width) {
    gutter g = {out, indent, width > indent + 22 ? width - indent - 2 : 20};
    size_t blanks = 0;
    for (size_t at = 0; at <= len;) {
        const char *end = at < len ? memchr(text + at, '\n', len - at) : NULL;
        size_t n = end ? (size_t)(end - (text + at)) : len - at;
        size_t bare = n && text[at + n - 1] == '\r' && end ? n - 1 : n;
        bool last = !end && n == 0 && at > 0; /* the text ended with a line break */
        bool is_blank = !last && blank(text + at, bare) && len > 0;
        if (blanks > BLANKS_DRAWN && !is_blank) {
            note(&g, blanks - BLANKS_DRAWN, "more blank lines");
        }
        blanks = is_blank ? blanks + 1 : 0;
        if (!last && blanks <= BLANKS_DRAWN) {
            whole_line(&g, text + at, bare);
        }
        at += n + 1;
    }
    if (blanks > BLANKS_DRAWN) {
        note(&g, blanks - BLANKS_DRAWN, "more blank lines");
    }
}

bool gutter_short(const char *text, size_t len, size_t width) {
    if (len > width * 4 || memchr(text, '\n', len)) {
        return false;
    }
    for (size_t at = 0; at < len; at++) {
        if (run_of(text + at, len - at, ' ') > SPACES_DRAWN) {
            return false;
        }
    }
    keel_buf shown = KEEL_BUF_INIT;
    text_exact(&shown, text, len);
    bool fits = text_width(shown.data, shown.len) <= width;
    keel_buf_free(&shown);
    return fits;
}
