#include "wire.h"

#include <string.h>
#include <strings.h>

/* The length in "{12}" or "{12+}" at the end of a line; false if there is none. Too long a number is
 * one that is over the limit. */
static bool literal_at_end(const char *line, size_t len, uint64_t *out) {
    if (len < 3 || line[len - 1] != '}') {
        return false;
    }
    size_t i = len - 1;
    if (line[i - 1] == '+') {
        i--;
    }
    size_t end = i;
    while (i > 0 && line[i - 1] >= '0' && line[i - 1] <= '9') {
        i--;
    }
    if (i == end || i == 0 || line[i - 1] != '{') {
        return false;
    }
    uint64_t n = 0;
    for (; i < end; i++) {
        n = n > WIRE_RESPONSE ? n : n * 10 + (uint64_t)(line[i] - '0');
    }
    *out = n;
    return true;
}

int wire_frame_next(wire_frame *f, const char *data, size_t len, size_t *end) {
    for (;;) {
        size_t limit = f->literals + WIRE_LINE;
        const char *lf = f->at < len ? memchr(data + f->at, '\n', len - f->at) : NULL;
        size_t line_end = lf != NULL ? (size_t)(lf - data) : len;
        if (line_end > limit) {
            return -1;
        }
        if (lf == NULL) {
            f->at = len > f->at ? len : f->at;
            return 0;
        }
        size_t text = line_end > f->line && data[line_end - 1] == '\r' ? line_end - 1 : line_end;
        uint64_t literal = 0;
        f->at = line_end + 1;
        if (!literal_at_end(data + f->line, text - f->line, &literal)) {
            *end = f->at;
            *f = (wire_frame){0};
            return 1;
        }
        if (literal > WIRE_LITERAL || f->literals + literal > WIRE_RESPONSE) {
            return -1;
        }
        f->literals += literal;
        f->at += literal; /* may lie behind what has come */
        f->line = f->at;
    }
}

void wire_begin(wire_scan *s, const char *data, size_t len) {
    len -= len > 0 && data[len - 1] == '\n' ? 1 : 0;
    len -= len > 0 && data[len - 1] == '\r' ? 1 : 0;
    *s = (wire_scan){data, data + len, 0};
}

static wire_kind bad(wire_scan *s, wire_word *w) {
    s->at = s->end;
    *w = (wire_word){.kind = WIRE_BAD, .data = s->end};
    return WIRE_BAD;
}

static wire_kind quoted(wire_scan *s, wire_word *w) {
    const char *p = s->at + 1;
    *w = (wire_word){.kind = WIRE_TEXT, .data = p};
    for (; p < s->end && *p != '"'; p++) {
        if (*p == '\\') {
            w->escaped = true;
            p++;
        }
    }
    if (p >= s->end) {
        return bad(s, w);
    }
    w->len = (size_t)(p - w->data);
    s->at = p + 1;
    return WIRE_TEXT;
}

static wire_kind literal(wire_scan *s, wire_word *w) {
    const char *lf = memchr(s->at, '\n', (size_t)(s->end - s->at));
    uint64_t n = 0;
    if (lf == NULL) {
        return bad(s, w);
    }
    size_t line = (size_t)(lf - s->at);
    line -= line > 0 && s->at[line - 1] == '\r' ? 1 : 0;
    if (!literal_at_end(s->at, line, &n) || n > (uint64_t)(s->end - lf - 1)) {
        return bad(s, w);
    }
    *w = (wire_word){.kind = WIRE_TEXT, .data = lf + 1, .len = (size_t)n};
    s->at = lf + 1 + n;
    return WIRE_TEXT;
}

/* Up to the next blank or bracket; what stands in [] belongs to it, blanks and brackets too. */
static wire_kind atom(wire_scan *s, wire_word *w) {
    const char *p = s->at;
    bool square = false;
    for (; p < s->end; p++) {
        if (*p == '[') {
            square = true;
        } else if (*p == ']') {
            square = false;
        } else if (!square && (*p == ' ' || *p == '(' || *p == ')' || *p == '"')) {
            break;
        } else if ((unsigned char)*p < 0x20 || *p == 0x7F) {
            return bad(s, w);
        }
    }
    if (square || p == s->at) {
        return bad(s, w);
    }
    *w = (wire_word){.kind = WIRE_ATOM, .data = s->at, .len = (size_t)(p - s->at)};
    s->at = p;
    return WIRE_ATOM;
}

wire_kind wire_next(wire_scan *s, wire_word *w) {
    while (s->at < s->end && *s->at == ' ') {
        s->at++;
    }
    *w = (wire_word){.kind = WIRE_END, .data = s->at};
    if (s->at == s->end) {
        return WIRE_END;
    }
    switch (*s->at) {
    case '(':
        if (++s->depth > WIRE_DEPTH) {
            return bad(s, w);
        }
        s->at++;
        return w->kind = WIRE_OPEN;
    case ')':
        if (--s->depth < 0) {
            return bad(s, w);
        }
        s->at++;
        return w->kind = WIRE_CLOSE;
    case '"':
        return quoted(s, w);
    case '{':
        return literal(s, w);
    default:
        return atom(s, w);
    }
}

bool wire_skip(wire_scan *s, const wire_word *w) {
    if (w->kind != WIRE_OPEN) {
        return w->kind == WIRE_ATOM || w->kind == WIRE_TEXT;
    }
    int outside = s->depth - 1;
    wire_word inner;
    while (s->depth > outside) {
        wire_kind kind = wire_next(s, &inner);
        if (kind == WIRE_END || kind == WIRE_BAD) {
            return false;
        }
    }
    return true;
}

void wire_rest(const wire_scan *s, char *to, size_t size) {
    const char *p = s->at;
    size_t n = 0;
    while (p < s->end && *p == ' ') {
        p++;
    }
    for (; p < s->end && n + 1 < size; p++) {
        to[n++] = *p >= ' ' && *p <= '~' ? *p : '?';
    }
    to[n] = 0;
}

bool wire_is(const wire_word *w, const char *name) {
    return w->kind == WIRE_ATOM && strlen(name) == w->len &&
           strncasecmp(w->data, name, w->len) == 0;
}

bool wire_begins(const wire_word *w, const char *prefix) {
    size_t len = strlen(prefix);
    return w->kind == WIRE_ATOM && w->len >= len && strncasecmp(w->data, prefix, len) == 0;
}

static bool digits(const char *p, size_t len, uint64_t *out) {
    uint64_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (p[i] < '0' || p[i] > '9' || i > 17) {
            return false;
        }
        n = n * 10 + (uint64_t)(p[i] - '0');
    }
    *out = n;
    return len > 0;
}

bool wire_number(const wire_word *w, uint64_t *out) {
    return w->kind == WIRE_ATOM && digits(w->data, w->len, out);
}

void wire_text(const wire_word *w, keel_buf *out) {
    if (!w->escaped) {
        keel_buf_append(out, w->data, w->len);
        return;
    }
    for (size_t i = 0; i < w->len; i++) {
        if (w->data[i] == '\\' && i + 1 < w->len) {
            i++;
        }
        keel_buf_putc(out, w->data[i]);
    }
}

bool wire_code(const wire_word *w, const char *name, uint64_t *out) {
    size_t len = strlen(name);
    return w->kind == WIRE_ATOM && w->len > len + 3 && w->data[0] == '[' &&
           strncasecmp(w->data + 1, name, len) == 0 && w->data[len + 1] == ' ' &&
           w->data[w->len - 1] == ']' && digits(w->data + len + 2, w->len - len - 3, out);
}
