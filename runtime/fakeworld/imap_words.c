#include "imap_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The length in "{12}" or "{12+}" at the end of a line; false: there is none. */
static bool literal_at_end(const char *line, size_t len, size_t *n, bool *waits) {
    if (len < 3 || line[len - 1] != '}') {
        return false;
    }
    size_t end = len - 1, from;
    *waits = line[end - 1] != '+';
    end -= *waits ? 0 : 1;
    for (from = end; from > 0 && line[from - 1] >= '0' && line[from - 1] <= '9'; from--) {
    }
    if (from == end || end - from > 9 || from == 0 || line[from - 1] != '{') {
        return false;
    }
    *n = strtoul(line + from, NULL, 10);
    return true;
}

size_t imap_gather_next(imap_gather *g, const char *data, size_t len, bool *go_on) {
    *go_on = false;
    for (;;) {
        const char *lf = g->at < len ? memchr(data + g->at, '\n', len - g->at) : NULL;
        if (!lf) {
            return 0;
        }
        size_t end = (size_t)(lf - data), n = 0;
        bool waits = false;
        size_t text = end > g->line && data[end - 1] == '\r' ? end - 1 : end;
        if (!literal_at_end(data + g->line, text - g->line, &n, &waits)) {
            *g = (imap_gather){0};
            return end + 1;
        }
        *go_on = *go_on || (waits && end + 1 == len);
        g->line = g->at = end + 1 + n;
    }
}

/* ---- words ---- */

static bool add(imap_words *w, imap_kind kind, const char *text, size_t len) {
    if (w->count + 1 >= IMAP_WORDS) {
        return false;
    }
    w->items[w->count++] = (imap_word){kind, text, len};
    return true;
}

/* Reads a quoted string in place of its own bytes. NULL: it has no end. */
static char *quoted(imap_words *w, char *p, const char *end) {
    char *to = ++p, *text = to;
    while (p < end && *p != '"') {
        p += *p == '\\' && p + 1 < end;
        *to++ = *p++;
    }
    if (p == end) {
        return NULL;
    }
    *to = 0;
    return add(w, IMAP_TEXT, text, (size_t)(to - text)) ? p + 1 : NULL;
}

/* Its bytes move one to the front, so that a NUL may stand behind them. */
static char *literal(imap_words *w, char *p, const char *end) {
    char *lf = memchr(p, '\n', (size_t)(end - p));
    size_t n = lf ? strtoul(p + 1, NULL, 10) : 0;
    if (!lf || n > (size_t)(end - lf - 1)) {
        return NULL;
    }
    memmove(lf, lf + 1, n);
    lf[n] = 0;
    return add(w, IMAP_TEXT, lf, n) ? lf + 1 + n : NULL;
}

/* An atom ends at a blank or bracket; [] holds blanks and brackets too. The byte behind it becomes a
 * NUL once it was looked at. */
static char *atom(imap_words *w, char *p, const char *end) {
    char *from = p;
    bool square = false;
    for (; p < end && (square || !strchr(" ()\"\r\n", *p)); p++) {
        square = *p == '[' || (square && *p != ']');
    }
    return p > from && add(w, IMAP_ATOM, from, (size_t)(p - from)) ? p : NULL;
}

static char *word(imap_words *w, char *p, const char *end) {
    switch (*p) {
    case '(':
        return add(w, IMAP_OPEN, "(", 1) ? p + 1 : NULL;
    case ')':
        return add(w, IMAP_CLOSE, ")", 1) ? p + 1 : NULL;
    case '"':
        return quoted(w, p, end);
    case '{':
        return literal(w, p, end);
    default:
        return atom(w, p, end);
    }
}

bool imap_words_split(imap_words *w, const char *data, size_t len, char *tag, size_t size) {
    w->text = keel_memdup(data, len);
    w->count = w->at = 0;
    len -= len > 0 && w->text[len - 1] == '\n';
    len -= len > 0 && w->text[len - 1] == '\r';
    char *p = w->text, *end = w->text + len;
    while (p && p < end) {
        p = *p == ' ' ? p + 1 : word(w, p, end);
    }
    for (size_t i = 0; i < w->count; i++) {
        if (w->items[i].kind == IMAP_ATOM) {
            ((char *)w->text)[w->items[i].text - w->text + (long)w->items[i].len] = 0;
        }
    }
    w->items[w->count] = (imap_word){IMAP_END, "", 0};
    const imap_word *first = imap_words_next(w);
    snprintf(tag, size, "%s", first->kind == IMAP_ATOM ? first->text : "*");
    return p && first->kind == IMAP_ATOM && first->len < size;
}

void imap_words_free(imap_words *w) {
    free(w->text);
    w->text = NULL;
}

const imap_word *imap_words_peek(const imap_words *w) {
    return &w->items[w->at < w->count ? w->at : w->count];
}

const imap_word *imap_words_next(imap_words *w) {
    const imap_word *next = imap_words_peek(w);
    w->at += w->at < w->count;
    return next;
}

const char *imap_words_text(imap_words *w) {
    const imap_word *next = imap_words_peek(w);
    if (next->kind != IMAP_ATOM && next->kind != IMAP_TEXT) {
        return NULL;
    }
    w->at++;
    return next->text;
}

bool imap_word_is(const imap_word *w, const char *atom_) {
    return w->kind == IMAP_ATOM && !strcasecmp(w->text, atom_);
}

/* ---- sets ---- */

bool imap_set_valid(const char *set) {
    return *set && strspn(set, "0123456789,:*") == strlen(set);
}

bool imap_set_has(const char *set, int64_t n, int64_t last) {
    while (*set) {
        char *end = (char *)set + 1;
        int64_t from = *set == '*' ? last : strtoll(set, &end, 10), to = from;
        if (*end == ':') {
            const char *second = end + 1;
            end = (char *)second + 1;
            to = *second == '*' ? last : strtoll(second, &end, 10);
        }
        if ((n >= from && n <= to) || (n >= to && n <= from)) {
            return true;
        }
        set = *end == ',' ? end + 1 : end + strlen(end);
    }
    return false;
}

void imap_put(keel_buf *out, const char *text, size_t len) {
    bool plain = len < 200;
    for (size_t i = 0; plain && i < len; i++) {
        plain = text[i] >= ' ' && text[i] <= '~' && text[i] != '"' && text[i] != '\\';
    }
    if (plain) {
        keel_buf_printf(out, "\"%.*s\"", (int)len, text);
    } else {
        keel_buf_printf(out, "{%zu}\r\n", len);
        keel_buf_append(out, text, len);
    }
}
