#include "pointer.h"

#include <string.h>

#include "text.h"

#define USUAL_WIDTH 120 /* where no terminal says */
#define LEAST_ROOM  20

/* The bytes of a line without its break; false when the text ends before. */
static bool find_line(const char *text, size_t len, int line, size_t *start, size_t *bytes) {
    size_t at = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    for (int n = 1;; n++) {
        size_t end = at;
        while (end < len && text[end] != '\n' && text[end] != '\r') {
            end++;
        }
        if (n == line) {
            *start = at;
            *bytes = end - at;
            return true;
        }
        if (end == len) {
            return false;
        }
        at = end + (text[end] == '\r' && end + 1 < len && text[end + 1] == '\n' ? 2 : 1);
    }
}

static size_t characters(const char *text, size_t len, int count) {
    size_t at = 0;
    for (size_t used = 0; at < len && count > 0; at += used) {
        text_next(text + at, len - at, &used);
        count--;
    }
    return at;
}

static void spaces(keel_buf *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        keel_buf_putc(out, ' ');
    }
}

/* What is seen of a line: `shown` from `from`, `bytes` of it. */
typedef struct view {
    size_t from, bytes;
    bool cut_before, cut_after;
} view;

static view view_of(const keel_buf *shown, size_t mark, size_t room) {
    view v = {0, shown->len, false, false};
    if (text_width(shown->data, shown->len) <= room) {
        return v;
    }
    if (mark + 1 > room * 3 / 4) {
        v.cut_before = true;
        v.from = text_fit(shown->data, shown->len, mark - room / 2);
        room--;
    }
    size_t left = shown->len - v.from;
    v.bytes = left;
    if (text_width(shown->data + v.from, left) > room) {
        v.cut_after = true;
        v.bytes = text_fit(shown->data + v.from, left, room - 1);
    }
    return v;
}

void pointer_lines(keel_buf *out, const char *text, size_t len, int line, int column,
                   const term *t) {
    size_t start, bytes;
    if (line < 1 || column < 1 || !find_line(text, len, line, &start, &bytes)) {
        return;
    }
    keel_buf shown = KEEL_BUF_INIT, before = KEEL_BUF_INIT, number = KEEL_BUF_INIT;
    text_escape(&shown, text + start, bytes);
    text_escape(&before, text + start, characters(text + start, bytes, column - 1));
    keel_buf_printf(&number, "%5d", line);
    size_t mark = text_width(before.data, before.len);
    size_t width = t->width ? t->width : USUAL_WIDTH;
    size_t taken = number.len + strlen(" | ");
    view v = view_of(&shown, mark, width > taken + LEAST_ROOM ? width - taken : LEAST_ROOM);
    keel_buf_printf(out, "%s │ %s", number.data, v.cut_before ? "…" : "");
    keel_buf_append(out, shown.data + v.from, v.bytes);
    keel_buf_puts(out, v.cut_after ? "…\n" : "\n");
    spaces(out, number.len);
    keel_buf_puts(out, " │ ");
    spaces(out, mark - text_width(shown.data, v.from) + (v.cut_before ? 1 : 0));
    term_put(t, out, TINT_BAD, "^");
    keel_buf_putc(out, '\n');
    keel_buf_free(&shown);
    keel_buf_free(&before);
    keel_buf_free(&number);
}
