#include "diff.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define AROUND    2
#define CELLS_MAX 4000000 /* above that the whole of both is shown */

typedef struct line {
    const char *text;
    size_t len;
} line;

typedef struct lines {
    line *list;
    size_t count;
} lines;

static lines split(const char *text, size_t len) {
    lines l = {keel_alloc((len + 1) * sizeof(line)), 0};
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t n = end ? (size_t)(end - (text + at)) : len - at;
        l.list[l.count++] = (line){text + at, n};
        at += n + 1;
    }
    return l;
}

static bool equal(const line *a, const line *b) {
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

/* longest[i * width + j]: the longest common part of what follows old line i and new line j. */
static uint32_t *common(const lines *a, const lines *b) {
    size_t width = b->count + 1;
    uint32_t *longest = keel_alloc((a->count + 1) * width * sizeof *longest);
    for (size_t i = a->count + 1; i-- > 0;) {
        for (size_t j = width; j-- > 0;) {
            uint32_t v = 0;
            if (i < a->count && j < b->count) {
                uint32_t down = longest[(i + 1) * width + j], right = longest[i * width + j + 1];
                v = equal(&a->list[i], &b->list[j]) ? longest[(i + 1) * width + j + 1] + 1
                    : down > right                  ? down
                                                    : right;
            }
            longest[i * width + j] = v;
        }
    }
    return longest;
}

typedef struct printer {
    keel_buf *out;
    const term *on;
    line before[AROUND]; /* unchanged lines not yet shown */
    size_t held;
    size_t after; /* unchanged lines still to be shown */
    size_t changed;
} printer;

static void show(printer *p, char mark, const line *l, tint c) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_printf(&text, "  %c ", mark);
    text_exact(&text, l->text, l->len);
    term_put(p->on, p->out, c, text.data);
    keel_buf_putc(p->out, '\n');
    keel_buf_free(&text);
}

static void changed(printer *p, char mark, const line *l) {
    for (size_t i = 0; i < p->held; i++) {
        show(p, ' ', &p->before[i], TINT_NONE);
    }
    p->held = 0;
    p->after = AROUND;
    p->changed++;
    show(p, mark, l, mark == '-' ? TINT_BAD : TINT_GOOD);
}

static void unchanged(printer *p, const line *l) {
    if (p->after) {
        p->after--;
        show(p, ' ', l, TINT_NONE);
        return;
    }
    if (p->held == AROUND) {
        memmove(p->before, p->before + 1, (AROUND - 1) * sizeof *p->before);
        p->held--;
    }
    p->before[p->held++] = *l;
}

static void walk(printer *p, const lines *a, const lines *b, const uint32_t *longest) {
    size_t i = 0, j = 0, width = b->count + 1;
    while (i < a->count || j < b->count) {
        if (longest && i < a->count && j < b->count && equal(&a->list[i], &b->list[j])) {
            unchanged(p, &a->list[i++]);
            j++;
        } else if (i < a->count && (!longest || j == b->count ||
                                    longest[(i + 1) * width + j] >= longest[i * width + j + 1])) {
            changed(p, '-', &a->list[i++]);
        } else {
            changed(p, '+', &b->list[j++]);
        }
    }
}

size_t diff_lines(keel_buf *out, const char *old, size_t old_len, const char *new_, size_t new_len,
                  const term *on) {
    lines a = split(old, old_len), b = split(new_, new_len);
    printer p = {.out = out, .on = on};
    bool small = (a.count + 1) * (b.count + 1) <= CELLS_MAX;
    uint32_t *longest = small ? common(&a, &b) : NULL;
    walk(&p, &a, &b, longest);
    free(longest);
    free(a.list);
    free(b.list);
    return p.changed;
}
