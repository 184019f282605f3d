#include "yamlint.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The bytes of the character at s, its code in *code; 0 when the bytes are not UTF-8. */
static size_t decode(const unsigned char *s, size_t left, uint32_t *code) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80             ? 1
               : (s[0] & 0xe0) == 0xc0 ? 2
               : (s[0] & 0xf0) == 0xe0 ? 3
               : (s[0] & 0xf8) == 0xf0 ? 4
                                       : 0;
    if (n == 0 || n > left) {
        return 0;
    }
    uint32_t c = n == 1 ? s[0] : s[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
        c = c << 6 | (s[i] & 0x3fu);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
        return 0;
    }
    *code = c;
    return n;
}

static bool is_control(uint32_t c) {
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || (c >= 0x7f && c < 0xa0);
}

/* Line breaks that editors do not show as such, marks that reorder what is shown, and what takes no
 * room at all: a name with one of them looks like another. Joiners are part of some scripts and
 * signs, and of no Latin word. */
static bool is_hidden(uint32_t c, uint32_t before) {
    static const uint32_t ranges[][2] = {
        {0xad, 0xad},     {0x61c, 0x61c},   {0x180e, 0x180e}, {0x200b, 0x200b}, {0x200e, 0x200f},
        {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfffe, 0xffff}, {0xe0000, 0xe007f},
    };
    bool joiner = c == 0x200c || c == 0x200d;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges && !joiner; i++) {
        if (c >= ranges[i][0] && c <= ranges[i][1]) {
            return true;
        }
    }
    return joiner && before < 0x80;
}

static int bad_bytes(const char *file, const unsigned char *s, int line, int column, diag *d) {
    diag_at(d, DIAG_USAGE, file, line, column, "the byte 0x%02x is not UTF-8 text", s[0]);
    diag_next(d, "Save the file as UTF-8.");
    return DIAG_USAGE;
}

static int bad_character(const char *file, uint32_t c, int line, int column, diag *d) {
    if (c == 0) {
        diag_at(d, DIAG_USAGE, file, line, column, "a NUL byte stands in the text");
    } else if (is_control(c)) {
        diag_at(d, DIAG_USAGE, file, line, column, "the control character U+%04X stands here",
                (unsigned)c);
    } else {
        diag_at(d, DIAG_USAGE, file, line, column,
                "the hidden character U+%04X stands here: it makes text read otherwise than it is",
                (unsigned)c);
    }
    diag_next(d, "Delete it, or write it as an escape within double quotes.");
    return DIAG_USAGE;
}

size_t yaml_text_mark(const char *text, size_t len) {
    return len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

int yaml_text_check(const char *file, const char *text, size_t len, diag *d) {
    if (len > YAML_MAX_BYTES) {
        diag_at(d, DIAG_USAGE, file, 0, 0, "the file has %zu bytes; the limit is %d", len,
                YAML_MAX_BYTES);
        diag_next(d, "Split it into several files.");
        return DIAG_USAGE;
    }
    const unsigned char *s = (const unsigned char *)text;
    size_t at = yaml_text_mark(text, len);
    int line = 1;
    int column = 1;
    uint32_t c = 0;
    while (at < len) {
        uint32_t before = c;
        size_t n = decode(s + at, len - at, &c);
        if (n == 0) {
            return bad_bytes(file, s + at, line, column, d);
        }
        if (is_control(c) || is_hidden(c, before)) {
            return bad_character(file, c, line, column, d);
        }
        at += n;
        column++;
        if (c == '\n' || (c == '\r' && (at == len || s[at] != '\n'))) {
            line++;
            column = 1;
        }
    }
    return 0;
}
