/* Values: sets of them, and how they are shown. */
#include <stdio.h>
#include <string.h>

#include "policyint.h"

static bool same_value(const value_set *s, const attr_value *a, const attr_value *b) {
    switch (s->type) {
    case ATTR_MONEY:
        return a->micros == b->micros && strcmp(a->currency, b->currency) == 0;
    case ATTR_TEXT:
        return a->len == b->len && text_equal(a->text, a->len, b->text, b->len, s->fold);
    default:
        return a->number == b->number;
    }
}

bool value_set_has(const value_set *s, const attr_value *v) {
    if (!s->slots) {
        for (size_t i = 0; i < s->count; i++) {
            if (same_value(s, &s->items[i], v)) {
                return true;
            }
        }
        return false;
    }
    uint32_t at = (uint32_t)text_hash(v->text, v->len, s->fold) & s->mask;
    for (; s->slots[at]; at = (at + 1) & s->mask) {
        if (same_value(s, &s->items[s->slots[at] - 1], v)) {
            return true;
        }
    }
    return false;
}

void money_print(int64_t micros, const char *currency, keel_buf *out) {
    uint64_t v = micros < 0 ? -(uint64_t)micros : (uint64_t)micros;
    keel_buf_printf(out, "%s%llu", micros < 0 ? "-" : "", (unsigned long long)(v / 1000000));
    unsigned part = (unsigned)(v % 1000000);
    if (part) {
        char digits[8];
        snprintf(digits, sizeof digits, "%06u", part);
        size_t n = 6;
        while (n > 2 && digits[n - 1] == '0') {
            n--;
        }
        keel_buf_printf(out, ".%.*s", (int)n, digits);
    }
    keel_buf_printf(out, " %s", currency);
}

/* A character that a terminal obeys or that reorders text. */
static bool obeyed(const unsigned char *s, size_t n) {
    if (n == 1) {
        return s[0] < 0x20 || s[0] == 0x7f;
    }
    if (n == 2) {
        return s[0] == 0xc2 && s[1] < 0xa0;
    }
    if (n == 3 && s[0] == 0xe2) {
        return (s[1] == 0x80 &&
                ((s[2] >= 0x8b && s[2] <= 0x8f) || (s[2] >= 0xa8 && s[2] <= 0xae))) ||
               (s[1] == 0x81 && s[2] >= 0xa0 && s[2] <= 0xaf);
    }
    return n == 3 && s[0] == 0xef && s[1] == 0xbb && s[2] == 0xbf;
}

#define SHOWN 64

void value_text(const char *text, size_t len, keel_buf *out) {
    const unsigned char *s = (const unsigned char *)text;
    size_t at = 0;
    keel_buf_putc(out, '"');
    while (at < len && at < SHOWN) {
        size_t n = 1;
        while (at + n < len && n < 4 && (s[at + n] & 0xc0) == 0x80) {
            n++;
        }
        if (obeyed(s + at, n)) {
            for (size_t i = 0; i < n; i++) {
                keel_buf_printf(out, "\\x%02x", s[at + i]);
            }
        } else {
            keel_buf_append(out, s + at, n);
        }
        at += n;
    }
    keel_buf_puts(out, at < len ? "\"..." : "\"");
}

void value_print(const attr_value *v, keel_buf *out) {
    switch (v->type) {
    case ATTR_TEXT:
        value_text(v->text, v->len, out);
        break;
    case ATTR_MONEY:
        money_print(v->micros, v->currency, out);
        break;
    case ATTR_NUMBER:
        keel_json_format_double(out, v->number);
        break;
    case ATTR_BOOL:
        keel_buf_puts(out, v->number != 0 ? "true" : "false");
        break;
    default:
        keel_buf_puts(out, "no single value");
        break;
    }
}

void span_print(int64_t us, keel_buf *out) {
    static const struct {
        int64_t us;
        const char *unit;
    } units[] = {
        {86400000000, "d"}, {3600000000, "h"}, {60000000, "m"}, {1000000, "s"}, {1000, "ms"}};
    size_t i = 0;
    while (i < 4 && us % units[i].us) {
        i++;
    }
    keel_buf_printf(out, "%lld%s", (long long)(us / units[i].us), units[i].unit);
}

void value_write(const attr_value *v, keel_json_writer *w) {
    keel_buf money = KEEL_BUF_INIT;
    switch (v->type) {
    case ATTR_TEXT:
        keel_json_textn(w, v->text, v->len);
        break;
    case ATTR_MONEY:
        money_print(v->micros, v->currency, &money);
        keel_json_textn(w, money.data, money.len);
        break;
    case ATTR_NUMBER:
        keel_json_number(w, v->number);
        break;
    case ATTR_BOOL:
        keel_json_bool(w, v->number != 0);
        break;
    default:
        keel_json_null(w);
        break;
    }
    keel_buf_free(&money);
}
