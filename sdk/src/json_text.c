#include "json_internal.h"

#include <stdarg.h>
#include <stdio.h>

static bool is_tail(unsigned char c) {
    return (c & 0xc0) == 0x80;
}

size_t json_utf8_length(const char *at, const char *end) {
    const unsigned char *p = (const unsigned char *)at;
    size_t left = (size_t)(end - at);
    if (left == 0) {
        return 0;
    }
    if (p[0] < 0x80) {
        return 1;
    }
    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        return left >= 2 && is_tail(p[1]) ? 2 : 0;
    }
    if (p[0] >= 0xe0 && p[0] <= 0xef) {
        unsigned char low = p[0] == 0xe0 ? 0xa0 : 0x80;
        unsigned char high = p[0] == 0xed ? 0x9f : 0xbf;
        return left >= 3 && p[1] >= low && p[1] <= high && is_tail(p[2]) ? 3 : 0;
    }
    if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        unsigned char low = p[0] == 0xf0 ? 0x90 : 0x80;
        unsigned char high = p[0] == 0xf4 ? 0x8f : 0xbf;
        return left >= 4 && p[1] >= low && p[1] <= high && is_tail(p[2]) && is_tail(p[3]) ? 4 : 0;
    }
    return 0;
}

size_t json_utf8_put(char *to, uint32_t code) {
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (char)(0xc0 | code >> 6);
        to[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        to[0] = (char)(0xe0 | code >> 12);
        to[1] = (char)(0x80 | (code >> 6 & 0x3f));
        to[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | code >> 18);
    to[1] = (char)(0x80 | (code >> 12 & 0x3f));
    to[2] = (char)(0x80 | (code >> 6 & 0x3f));
    to[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

static const char lower_hex[] = "0123456789abcdef";
static const char escape_letters[] = "btnfr\"\\";
static const char escape_values[] = "\b\t\n\f\r\"\\";

void json_put_ascii(keel_buf *out, unsigned char c) {
    const char *known = c ? strchr(escape_values, c) : NULL;
    if (known) {
        char pair[2] = {'\\', escape_letters[known - escape_values]};
        keel_buf_append(out, pair, 2);
    } else if (c < 0x20) {
        char six[6] = {'\\', 'u', '0', '0', lower_hex[c >> 4], lower_hex[c & 15]};
        keel_buf_append(out, six, 6);
    } else {
        keel_buf_putc(out, (char)c);
    }
}

static const char *hex_escape_end(const char *p, const char *end, unsigned char *c) {
    if (end - p < 6 || p[2] != '0' || p[3] != '0' || (p[4] != '0' && p[4] != '1')) {
        return NULL;
    }
    const char *low = p[5] ? strchr(lower_hex, p[5]) : NULL;
    if (!low) {
        return NULL;
    }
    int value = (p[4] - '0') * 16 + (int)(low - lower_hex);
    if (value && strchr(escape_values, value)) {
        return NULL;
    }
    *c = (unsigned char)value;
    return p + 6;
}

const char *json_escape_end(const char *p, const char *end, unsigned char *c) {
    if (end - p < 2 || !p[1]) {
        return NULL;
    }
    if (p[1] == 'u') {
        return hex_escape_end(p, end, c);
    }
    const char *known = strchr(escape_letters, p[1]);
    if (!known) {
        return NULL;
    }
    *c = (unsigned char)escape_values[known - escape_letters];
    return p + 2;
}

/* A lead byte of 0xf0 and up is a surrogate pair in UTF-16, which sorts before U+E000 and behind.
 */
static int compare_bytes(unsigned char a, unsigned char b) {
    if (a >= 0xee && b >= 0xee && (a >= 0xf0) != (b >= 0xf0)) {
        return a >= 0xf0 ? -1 : 1;
    }
    return a < b ? -1 : 1;
}

int keel_json_compare_keys(const char *a, size_t alen, const char *b, size_t blen) {
    size_t common = alen < blen ? alen : blen;
    for (size_t i = 0; i < common; i++) {
        if (a[i] != b[i]) {
            return compare_bytes((unsigned char)a[i], (unsigned char)b[i]);
        }
    }
    return alen == blen ? 0 : alen < blen ? -1 : 1;
}

static unsigned char next_byte(const char **p, const char *end) {
    unsigned char c = (unsigned char)**p;
    const char *behind = c == '\\' ? json_escape_end(*p, end, &c) : NULL;
    *p = behind ? behind : *p + 1;
    return c;
}

static int compare_escaped(const char *a, const char *aend, const char *b, const char *bend) {
    while (a < aend && b < bend) {
        unsigned char x = next_byte(&a, aend);
        unsigned char y = next_byte(&b, bend);
        if (x != y) {
            return compare_bytes(x, y);
        }
    }
    return a == aend && b == bend ? 0 : a == aend ? -1 : 1;
}

int json_compare_quoted(const char *a, size_t alen, const char *b, size_t blen) {
    size_t common = alen < blen ? alen : blen;
    for (size_t i = 0; i < common; i++) {
        if (a[i] == '\\' || b[i] == '\\') {
            return compare_escaped(a + i, a + alen, b + i, b + blen);
        }
        if (a[i] != b[i]) {
            return compare_bytes((unsigned char)a[i], (unsigned char)b[i]);
        }
    }
    return alen == blen ? 0 : alen < blen ? -1 : 1;
}

static void put_plain(keel_buf *out, const char *text, size_t len) {
    keel_buf_reserve(out, len + 2);
    char *p = out->data + out->len;
    p[0] = '"';
    memcpy(p + 1, text, len);
    p[len + 1] = '"';
    p[len + 2] = 0;
    out->len += len + 2;
}

int keel_json_quote(keel_buf *out, const char *text, size_t len) {
    size_t before = out->len;
    if (!text) {
        text = "";
    }
    const char *end = text + len;
    if (json_plain_end(text, end) == end) {
        put_plain(out, text, len);
        return 0;
    }
    keel_buf_reserve(out, len + 2);
    keel_buf_putc(out, '"');
    for (const char *p = text;;) {
        const char *run = json_plain_end(p, end);
        keel_buf_append(out, p, (size_t)(run - p));
        if (run == end) {
            break;
        }
        size_t n = json_utf8_length(run, end);
        if (n == 0) {
            out->len = before;
            out->data[before] = 0;
            return -1;
        }
        if (n == 1) {
            json_put_ascii(out, (unsigned char)*run);
        } else {
            keel_buf_append(out, run, n);
        }
        p = run + n;
    }
    keel_buf_putc(out, '"');
    return 0;
}

static void count_lines(keel_json_error *err, const char *start, const char *at) {
    const char *line = start;
    err->line = 1;
    for (const char *p = start; p < at; p++) {
        if (*p == '\n') {
            err->line++;
            line = p + 1;
        }
    }
    err->column = (int)(at - line) + 1;
    err->offset = (size_t)(at - start);
}

int json_fail(keel_json_error *err, const char *start, const char *at, const char *message, ...) {
    if (err) {
        va_list ap;
        va_start(ap, message);
        vsnprintf(err->message, sizeof err->message, message, ap);
        va_end(ap);
        count_lines(err, start, at);
    }
    return -1;
}

int json_fail_byte(keel_json_error *err, const char *start, const char *at, const char *end,
                   const char *wanted) {
    if (at >= end) {
        return json_fail(err, start, at, "the text ends where %s should stand", wanted);
    }
    unsigned char c = (unsigned char)*at;
    if (c >= 0x20 && c < 0x7f) {
        return json_fail(err, start, at, "'%c' stands where %s should", c, wanted);
    }
    return json_fail(err, start, at, "the byte 0x%02x stands where %s should", c, wanted);
}
