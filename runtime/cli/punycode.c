#include "punycode.h"

#include <stdint.h>
#include <string.h>

#include "text.h"

enum { BASE = 36, T_MIN = 1, T_MAX = 26, SKEW = 38, DAMP = 700, BIAS = 72, FIRST = 0x80 };
#define LABEL_MAX 63

static uint32_t adapt(uint32_t delta, uint32_t points, bool first) {
    uint32_t k = 0;
    delta = first ? delta / DAMP : delta / 2;
    delta += delta / points;
    while (delta > (BASE - T_MIN) * T_MAX / 2) {
        delta /= BASE - T_MIN;
        k += BASE;
    }
    return k + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

static uint32_t threshold(uint32_t k, uint32_t bias) {
    return k <= bias ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;
}

/* The code points of a label, ASCII in small letters; SIZE_MAX: no UTF-8, or too many. */
static size_t points_of(const char *label, size_t len, uint32_t points[LABEL_MAX]) {
    size_t n = 0;
    for (size_t at = 0, used = 0; at < len; at += used) {
        int32_t cp = text_next(label + at, len - at, &used);
        if (cp < 0 || n == LABEL_MAX) {
            return SIZE_MAX;
        }
        points[n++] = cp >= 'A' && cp <= 'Z' ? (uint32_t)cp + 32 : (uint32_t)cp;
    }
    return n;
}

static char digit(uint32_t value) {
    return (char)(value < 26 ? 'a' + value : '0' + value - 26);
}

static void put_delta(keel_buf *out, uint32_t delta, uint32_t bias) {
    for (uint32_t k = BASE;; k += BASE) {
        uint32_t t = threshold(k, bias);
        if (delta < t) {
            keel_buf_putc(out, digit(delta));
            return;
        }
        keel_buf_putc(out, digit(t + (delta - t) % (BASE - t)));
        delta = (delta - t) / (BASE - t);
    }
}

static void encode(keel_buf *out, const uint32_t *points, size_t count, uint32_t basic) {
    uint32_t next = FIRST, delta = 0, bias = BIAS, done = basic;
    while (done < count) {
        uint32_t least = UINT32_MAX;
        for (size_t i = 0; i < count; i++) {
            least = points[i] >= next && points[i] < least ? points[i] : least;
        }
        delta += (least - next) * (done + 1); /* 63 points below 2^21: no overflow */
        next = least;
        for (size_t i = 0; i < count; i++) {
            delta += points[i] < next;
            if (points[i] == next) {
                put_delta(out, delta, bias);
                bias = adapt(delta, done + 1, done == basic);
                delta = 0;
                done++;
            }
        }
        delta++;
        next++;
    }
}

bool punycode_encode(keel_buf *out, const char *label, size_t len) {
    uint32_t points[LABEL_MAX], basic = 0;
    size_t count = points_of(label, len, points), before = out->len;
    if (count == SIZE_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        basic += points[i] < FIRST;
    }
    keel_buf_puts(out, basic < count ? "xn--" : "");
    for (size_t i = 0; i < count; i++) {
        if (points[i] < FIRST) {
            keel_buf_putc(out, (char)points[i]);
        }
    }
    if (basic && basic < count) {
        keel_buf_putc(out, '-');
    }
    encode(out, points, count, basic);
    if (out->len - before > LABEL_MAX) {
        out->len = before;
        out->data[before] = 0;
        return false;
    }
    return true;
}

/* ---- back ---- */

static void put_utf8(keel_buf *out, uint32_t cp) {
    if (cp < 0x80) {
        keel_buf_putc(out, (char)cp);
    } else if (cp < 0x800) {
        keel_buf_putc(out, (char)(0xc0 | cp >> 6));
        keel_buf_putc(out, (char)(0x80 | (cp & 0x3f)));
    } else if (cp < 0x10000) {
        keel_buf_putc(out, (char)(0xe0 | cp >> 12));
        keel_buf_putc(out, (char)(0x80 | (cp >> 6 & 0x3f)));
        keel_buf_putc(out, (char)(0x80 | (cp & 0x3f)));
    } else {
        keel_buf_putc(out, (char)(0xf0 | cp >> 18));
        keel_buf_putc(out, (char)(0x80 | (cp >> 12 & 0x3f)));
        keel_buf_putc(out, (char)(0x80 | (cp >> 6 & 0x3f)));
        keel_buf_putc(out, (char)(0x80 | (cp & 0x3f)));
    }
}

static uint32_t value_of(char c) {
    if (c >= 'a' && c <= 'z') {
        return (uint32_t)(c - 'a');
    }
    if (c >= 'A' && c <= 'Z') {
        return (uint32_t)(c - 'A');
    }
    return c >= '0' && c <= '9' ? (uint32_t)(c - '0') + 26 : BASE;
}

/* One number of variable length: false where it breaks off or grows too large. */
static bool get_delta(const char **at, const char *end, uint32_t bias, uint32_t *out) {
    uint64_t sum = 0, weight = 1;
    for (uint32_t k = BASE;; k += BASE) {
        uint32_t v = *at < end ? value_of(*(*at)++) : BASE, t = threshold(k, bias);
        sum += v * weight;
        if (v == BASE || sum > 0x7fffffff) {
            return false;
        }
        if (v < t) {
            *out = (uint32_t)sum;
            return true;
        }
        weight *= BASE - t;
        if (weight > 0x7fffffff) {
            return false;
        }
    }
}

bool punycode_decode(keel_buf *out, const char *ascii, size_t len) {
    uint32_t points[LABEL_MAX], cp = FIRST, place = 0, bias = BIAS;
    const char *last = NULL, *at = ascii, *end = ascii + len;
    for (const char *p = ascii; p < end; p++) {
        last = *p == '-' ? p : last;
    }
    size_t count = last ? points_of(ascii, (size_t)(last - ascii), points) : 0, basic = count;
    at = last ? last + 1 : ascii;
    if (len > LABEL_MAX || count == SIZE_MAX || at == end) {
        return false;
    }
    while (at < end) {
        uint32_t delta;
        if (count == LABEL_MAX || !get_delta(&at, end, bias, &delta)) {
            return false;
        }
        uint32_t to = place + delta, points_now = (uint32_t)count + 1;
        bias = adapt(delta, points_now, count == basic);
        cp += to / points_now;
        place = to % points_now;
        if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff)) {
            return false;
        }
        memmove(&points[place + 1], &points[place], (count - place) * sizeof *points);
        points[place++] = cp;
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        put_utf8(out, points[i]);
    }
    return true;
}
