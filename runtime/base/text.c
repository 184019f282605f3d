#include "text.h"

#include <string.h>

typedef struct range {
    int32_t first, last;
} range;

/* Control, format and filler characters: nothing that a reader could see, or that moves what he
 * sees. */
static const range hidden[] = {
    {0x00, 0x1f},       {0x7f, 0x9f},        {0xad, 0xad},     {0x34f, 0x34f},   {0x61c, 0x61c},
    {0x115f, 0x1160},   {0x17b4, 0x17b5},    {0x180b, 0x180f}, {0x200b, 0x200f}, {0x2028, 0x202e},
    {0x2060, 0x206f},   {0x2800, 0x2800},    {0x3164, 0x3164}, {0xe000, 0xf8ff}, {0xfe00, 0xfe0f},
    {0xfeff, 0xfeff},   {0xffa0, 0xffa0},    {0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0x1d173, 0x1d17a},
    {0xe0000, 0xe0fff}, {0xf0000, 0x10ffff},
};

/* Blanks that are no space. */
static const range blanks[] = {
    {0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200a},
    {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000},
};

static const range combining[] = {
    {0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},   {0x64b, 0x65f},
    {0x6d6, 0x6dc},   {0x6df, 0x6e4},   {0x900, 0x902},   {0x93c, 0x93c},   {0x941, 0x948},
    {0x94d, 0x94d},   {0xe31, 0xe31},   {0xe34, 0xe3a},   {0xe47, 0xe4e},   {0x1ab0, 0x1aff},
    {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0x3099, 0x309a}, {0xfe0f, 0xfe0f}, {0xfe20, 0xfe2f},
};

static const range wide[] = {
    {0x1100, 0x115e},   {0x231a, 0x231b},   {0x23e9, 0x23ec},   {0x2e80, 0x303e},
    {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xa000, 0xa4cf},
    {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},
    {0xffe0, 0xffe6},   {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff},
    {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
};

static bool within(int32_t cp, const range *ranges, size_t count) {
    for (size_t i = 0; i < count && cp >= ranges[i].first; i++) {
        if (cp <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

#define WITHIN(cp, ranges) within(cp, ranges, sizeof(ranges) / sizeof *(ranges))

bool text_is_hidden(int32_t cp) {
    return WITHIN(cp, hidden);
}

static int32_t continuation(const unsigned char *p, size_t len, size_t bytes, int32_t cp,
                            int32_t least) {
    if (len < bytes) {
        return -1;
    }
    for (size_t i = 1; i < bytes; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return -1;
        }
        cp = cp << 6 | (p[i] & 0x3f);
    }
    bool surrogate = cp >= 0xd800 && cp <= 0xdfff;
    return cp < least || cp > 0x10ffff || surrogate ? -1 : cp;
}

int32_t text_next(const char *text, size_t len, size_t *used) {
    const unsigned char *p = (const unsigned char *)text;
    size_t bytes = 1;
    int32_t cp = p[0];
    if (p[0] >= 0xf0 && p[0] < 0xf8) {
        bytes = 4;
        cp = continuation(p, len, bytes, p[0] & 0x07, 0x10000);
    } else if (p[0] >= 0xe0 && p[0] < 0xf0) {
        bytes = 3;
        cp = continuation(p, len, bytes, p[0] & 0x0f, 0x800);
    } else if (p[0] >= 0xc0 && p[0] < 0xe0) {
        bytes = 2;
        cp = continuation(p, len, bytes, p[0] & 0x1f, 0x80);
    } else if (p[0] >= 0x80) {
        cp = -1;
    }
    *used = cp < 0 ? 1 : bytes;
    return cp;
}

#define MARKS_MAX 4

/* What has been shown so far of one line: enough to judge the next character. */
typedef struct shown {
    int32_t before;
    int marks;
} shown;

static bool must_hide(shown *s, int32_t cp) {
    bool mark = WITHIN(cp, combining);
    s->marks = mark ? s->marks + 1 : 0;
    if (cp == 0xfe0f) { /* asks for the coloured form of the symbol before it */
        return s->before < 0xa9 || s->before == 0xfe0f || s->marks > 1;
    }
    return text_is_hidden(cp) || (mark && s->marks > MARKS_MAX);
}

enum { LINE, LONGER, EXACT };

static bool reads_like_escape(const char *text, size_t len, int how) {
    if (len < 2 || text[0] != '\\') {
        return false;
    }
    bool hex = len > 2 && (text[1] == 'u' || text[1] == 'x') && text[2] == '{';
    return hex || (how == LINE && (text[1] == 'n' || text[1] == 't'));
}

static void put(keel_buf *out, const char *text, size_t len, int how) {
    shown s = {0, 0};
    for (size_t at = 0, used = 0; at < len; at += used) {
        int32_t cp = text_next(text + at, len - at, &used);
        if (cp < 0) {
            keel_buf_printf(out, "\\x{%02x}", (unsigned char)text[at]);
        } else if (cp == '\n' && how == LINE) {
            keel_buf_puts(out, "\\n");
        } else if (cp == '\t' && how != EXACT) {
            keel_buf_puts(out, how == LINE ? "\\t" : "    ");
        } else if (reads_like_escape(text + at, len - at, how)) {
            keel_buf_puts(out, "\\u{5c}");
        } else if (must_hide(&s, cp) || (how != LONGER && WITHIN(cp, blanks)) ||
                   (how == EXACT && cp == ' ' && at + 1 == len)) {
            keel_buf_printf(out, "\\u{%x}", (unsigned)cp);
        } else {
            keel_buf_append(out, text + at, used);
        }
        s.before = cp;
    }
    keel_buf_append(out, "", 0);
}

void text_line(keel_buf *out, const char *text, size_t len) {
    put(out, text, len, LINE);
}

void text_escape(keel_buf *out, const char *text, size_t len) {
    put(out, text, len, LONGER);
}

void text_exact(keel_buf *out, const char *text, size_t len) {
    put(out, text, len, EXACT);
}

void text_json(keel_buf *out, const char *json, size_t len) {
    for (size_t at = 0, used = 0; at < len; at += used) {
        int32_t cp = text_next(json + at, len - at, &used);
        if (cp < 0x7f || !text_is_hidden(cp)) {
            keel_buf_append(out, json + at, used);
        } else if (cp < 0x10000) {
            keel_buf_printf(out, "\\u%04x", (unsigned)cp);
        } else {
            unsigned low = (unsigned)cp - 0x10000;
            keel_buf_printf(out, "\\u%04x\\u%04x", 0xd800 + (low >> 10), 0xdc00 + (low & 0x3ff));
        }
    }
}

static size_t columns_of(int32_t cp) {
    if (WITHIN(cp, combining)) {
        return 0;
    }
    return WITHIN(cp, wide) ? 2 : 1;
}

size_t text_width(const char *text, size_t len) {
    size_t width = 0;
    for (size_t at = 0, used = 0; at < len; at += used) {
        width += columns_of(text_next(text + at, len - at, &used));
    }
    return width;
}

size_t text_fit(const char *text, size_t len, size_t columns) {
    size_t at = 0;
    for (size_t used = 0, width = 0; at < len; at += used) {
        width += columns_of(text_next(text + at, len - at, &used));
        if (width > columns) {
            break;
        }
    }
    return at;
}
