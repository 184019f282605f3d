#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mail.h"

/* Not a browser: an HTML mail's words, in order, good enough to read and to quote. */

static const struct entity {
    const char *name;
    const char *text;
} entities[] = {
    {"amp", "&"},         {"lt", "<"},          {"gt", ">"},         {"quot", "\""},
    {"apos", "'"},        {"nbsp", " "},        {"copy", "\u00a9"},  {"reg", "\u00ae"},
    {"trade", "\u2122"},  {"euro", "\u20ac"},   {"pound", "\u00a3"}, {"yen", "\u00a5"},
    {"cent", "\u00a2"},   {"hellip", "\u2026"}, {"mdash", "\u2014"}, {"ndash", "\u2013"},
    {"lsquo", "\u2018"},  {"rsquo", "\u2019"},  {"ldquo", "\u201c"}, {"rdquo", "\u201d"},
    {"bull", "\u2022"},   {"middot", "\u00b7"}, {"laquo", "\u00ab"}, {"raquo", "\u00bb"},
    {"agrave", "\u00e0"}, {"aacute", "\u00e1"}, {"auml", "\u00e4"},  {"ccedil", "\u00e7"},
    {"egrave", "\u00e8"}, {"eacute", "\u00e9"}, {"ecirc", "\u00ea"}, {"iacute", "\u00ed"},
    {"ntilde", "\u00f1"}, {"oacute", "\u00f3"}, {"ouml", "\u00f6"},  {"uacute", "\u00fa"},
    {"uuml", "\u00fc"},   {"szlig", "\u00df"},  {"Auml", "\u00c4"},  {"Eacute", "\u00c9"},
    {"Ouml", "\u00d6"},   {"Uuml", "\u00dc"},   {"shy", ""},         {"iexcl", "\u00a1"},
    {"iquest", "\u00bf"}, {"times", "\u00d7"},  {"deg", "\u00b0"},   {"sect", "\u00a7"},
};

/* Tags that stand on lines of their own, and tags whose content is no text. */
static const char *const blocks[] = {
    "p",  "br", "div", "tr", "li",  "ul", "ol", "table",  "h1",         "h2",    "h3",
    "h4", "h5", "h6",  "hr", "pre", "dt", "dd", "center", "blockquote", "title", "body"};
static const char *const silent[] = {"script", "style", "title", "select", "noscript"};

static bool is_one_of(const char *const *names, size_t count, const char *tag, size_t len) {
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) == len && strncasecmp(names[i], tag, len) == 0) {
            return true;
        }
    }
    return false;
}

static void put_codepoint(keel_buf *out, unsigned long c) {
    if (c == 0 || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) {
        c = 0xFFFD;
    }
    if (c < 0x80) {
        keel_buf_putc(out, (char)c);
    } else if (c < 0x800) {
        keel_buf_printf(out, "%c%c", (int)(0xC0 | (c >> 6)), (int)(0x80 | (c & 63)));
    } else if (c < 0x10000) {
        keel_buf_printf(out, "%c%c%c", (int)(0xE0 | (c >> 12)), (int)(0x80 | ((c >> 6) & 63)),
                        (int)(0x80 | (c & 63)));
    } else {
        keel_buf_printf(out, "%c%c%c%c", (int)(0xF0 | (c >> 18)), (int)(0x80 | ((c >> 12) & 63)),
                        (int)(0x80 | ((c >> 6) & 63)), (int)(0x80 | (c & 63)));
    }
}

/* Appends the entity at s ("&..."), returns its length; 0 if it is none. */
static size_t put_entity(keel_buf *out, const char *s, size_t n) {
    size_t end = 1;
    while (end < n && end < 12 && s[end] != ';') {
        end++;
    }
    if (end >= n || s[end] != ';' || end < 2) {
        return 0;
    }
    if (s[1] == '#') {
        bool hex = s[2] == 'x' || s[2] == 'X';
        char digits[16] = {0};
        size_t from = hex ? 3 : 2;
        memcpy(digits, s + from, end > from ? end - from : 0);
        char *rest;
        unsigned long c = strtoul(digits, &rest, hex ? 16 : 10);
        if (rest == digits || *rest != 0) {
            return 0;
        }
        put_codepoint(out, c);
        return end + 1;
    }
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
        if (strlen(entities[i].name) == end - 1 && strncmp(entities[i].name, s + 1, end - 1) == 0) {
            keel_buf_puts(out, entities[i].text);
            return end + 1;
        }
    }
    return 0;
}

static void put_break(keel_buf *out) {
    while (out->len > 0 && out->data[out->len - 1] == ' ') {
        out->len--;
    }
    bool two = out->len > 1 && out->data[out->len - 1] == '\n' && out->data[out->len - 2] == '\n';
    if (out->len > 0 && !two) {
        keel_buf_putc(out, '\n');
    }
}

static void put_space(keel_buf *out) {
    if (out->len > 0 && out->data[out->len - 1] != ' ' && out->data[out->len - 1] != '\n') {
        keel_buf_putc(out, ' ');
    }
}

#define TAG_LIMIT 4096 /* an attribute that is longer is taken for a forgotten quote */

/* The end of the tag that opens at s, past its '>' and past quoted attributes. */
static size_t tag_end(const char *s, size_t n) {
    char quote = 0;
    for (size_t i = 1; i < n && i < TAG_LIMIT; i++) {
        if (quote != 0) {
            quote = s[i] == quote ? 0 : quote;
        } else if (s[i] == '"' || s[i] == '\'') {
            quote = s[i - 1] == '=' ? s[i] : 0;
        } else if (s[i] == '>') {
            return i + 1;
        }
    }
    const char *end = memchr(s, '>', n);
    return end != NULL ? (size_t)(end - s) + 1 : n;
}

/* Where the content of a silent tag ends: at its "</name", or at the end. */
static size_t silent_end(const char *s, size_t n, const char *tag, size_t tag_len) {
    for (size_t i = 0; i + 2 + tag_len <= n; i++) {
        if (s[i] == '<' && s[i + 1] == '/' && strncasecmp(s + i + 2, tag, tag_len) == 0) {
            return i;
        }
    }
    return n;
}

static size_t skip_tag(keel_buf *out, const char *s, size_t n) {
    if (n >= 4 && memcmp(s, "<!--", 4) == 0) {
        const char *end = memmem(s + 4, n - 4, "-->", 3);
        return end != NULL ? (size_t)(end - s) + 3 : n;
    }
    bool closing = n > 1 && s[1] == '/';
    const char *name = s + (closing ? 2 : 1);
    size_t len = 0;
    size_t room = n - (size_t)(name - s);
    while (len < room && (((name[len] | 32) >= 'a' && (name[len] | 32) <= 'z') ||
                          (len > 0 && name[len] >= '0' && name[len] <= '9'))) {
        len++;
    }
    size_t end = tag_end(s, n);
    if (is_one_of(blocks, sizeof blocks / sizeof *blocks, name, len)) {
        put_break(out);
    }
    if (!closing && is_one_of(silent, sizeof silent / sizeof *silent, name, len)) {
        end += silent_end(s + end, n - end, name, len);
    }
    return end;
}

static bool opens_tag(const char *s, size_t n) {
    return n > 1 && s[0] == '<' &&
           (s[1] == '/' || s[1] == '!' || s[1] == '?' ||
            ((s[1] | 32) >= 'a' && (s[1] | 32) <= 'z'));
}

void html_text(keel_buf *out, const char *html, size_t len) {
    for (size_t i = 0; i < len;) {
        size_t used = 1;
        if (opens_tag(html + i, len - i)) {
            used = skip_tag(out, html + i, len - i);
        } else if (html[i] == ' ' || html[i] == '\n' || html[i] == '\t' || html[i] == '\r') {
            put_space(out);
        } else if (html[i] != '&' || (used = put_entity(out, html + i, len - i)) == 0) {
            used = 1;
            keel_buf_putc(out, html[i]);
        }
        i += used;
    }
}
