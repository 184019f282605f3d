#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "text.h"

void text_count(keel_buf *out, int64_t n) {
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRId64, n);
    int start = digits[0] == '-' ? 1 : 0;
    for (int i = 0; i < len; i++) {
        if (i > start && (len - i) % 3 == 0) {
            keel_buf_putc(out, ',');
        }
        keel_buf_putc(out, digits[i]);
    }
}

void text_money(keel_buf *out, int64_t micros, const char *currency) {
    uint64_t size = micros < 0 ? 0 - (uint64_t)micros : (uint64_t)micros;
    char fraction[8];
    snprintf(fraction, sizeof fraction, "%06u", (unsigned)(size % 1000000));
    size_t keep = 6;
    while (keep > 2 && fraction[keep - 1] == '0') {
        keep--;
    }
    if (micros < 0) {
        keel_buf_putc(out, '-');
    }
    text_count(out, (int64_t)(size / 1000000));
    keel_buf_printf(out, ".%.*s", (int)keep, fraction);
    if (currency && *currency) {
        keel_buf_printf(out, " %s", currency);
    }
}

static const struct {
    int64_t us;
    const char *name;
} units[] = {
    {86400000000, "d"}, {3600000000, "h"}, {60000000, "min"}, {1000000, "s"}, {1000, "ms"},
};
#define UNITS (sizeof units / sizeof *units)

/* Two units at most, and no second unit below seconds: 3 h 12 min, 12 s, 250 ms. */
void text_span(keel_buf *out, int64_t us) {
    if (us < 0) {
        us = 0;
    }
    size_t i = 0;
    while (i + 1 < UNITS && us < units[i].us) {
        i++;
    }
    keel_buf_printf(out, "%" PRId64 " %s", us / units[i].us, units[i].name);
    if (i < 3) {
        int64_t rest = us % units[i].us / units[i + 1].us;
        if (rest) {
            keel_buf_printf(out, " %" PRId64 " %s", rest, units[i + 1].name);
        }
    }
}

void text_time(keel_buf *out, int64_t us) {
    time_t t = (time_t)(us / 1000000);
    struct tm tm;
    char text[32];
    if (!localtime_r(&t, &tm) || !strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm)) {
        snprintf(text, sizeof text, "%" PRId64 " us", us);
    }
    keel_buf_puts(out, text);
}

void text_plural(keel_buf *out, int64_t n, const char *one, const char *many) {
    text_count(out, n);
    keel_buf_printf(out, " %s", n == 1 ? one : many);
}

bool text_number(const char *text, int64_t *out) {
    size_t len = strlen(text);
    if (len == 0 || strspn(text, "0123456789") != len) {
        return false;
    }
    errno = 0;
    long long n = strtoll(text, NULL, 10);
    if (errno) {
        return false;
    }
    *out = n;
    return true;
}
