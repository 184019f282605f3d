/* Numbers: read with correct rounding, printed as ECMAScript prints them (the fewest digits that
 * read back as the same double; of those the nearest). libc is only given digits and an exponent,
 * never a decimal point, so that the locale plays no part. */
#include "json_internal.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
#define POWERS ((int)(sizeof powers / sizeof *powers))

/* ---- reading ---- */

/* 767 digits decide every rounding; what lies behind only has to be known as not zero. */
#define DIGITS 800

typedef struct literal {
    char digits[DIGITS + 2];
    int count;     /* significant digits kept */
    bool more;     /* a digit that is not zero was dropped */
    int64_t point; /* decimal places: value = digits * 10^-point */
    int64_t exponent;
} literal;

static bool is_digit(const char *p, const char *end) {
    return p < end && *p >= '0' && *p <= '9';
}

static void take_digit(literal *n, char c) {
    if (n->count == 0 && c == '0') {
        return;
    }
    if (n->count < DIGITS) {
        n->digits[n->count++] = c;
    } else {
        n->more |= c != '0';
        n->point--;
    }
}

static const char *take_exponent(literal *n, const char *p, const char *end) {
    p++;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) {
        p++;
    }
    const char *first = p;
    for (; is_digit(p, end); p++) {
        if (n->exponent < INT64_MAX / 100) {
            n->exponent = n->exponent * 10 + (*p - '0');
        }
    }
    if (negative) {
        n->exponent = -n->exponent;
    }
    return p == first ? NULL : p;
}

static const char *take_literal(literal *n, const char *p, const char *end, const char **next) {
    *next = p;
    if (!is_digit(p, end)) {
        return "a number needs a digit here";
    }
    if (*p == '0' && is_digit(p + 1, end)) {
        return "a number does not begin with a 0 and more digits";
    }
    for (; is_digit(p, end); p++) {
        take_digit(n, *p);
    }
    if (p < end && *p == '.') {
        *next = ++p;
        if (!is_digit(p, end)) {
            return "a decimal point needs a digit behind it";
        }
        for (; is_digit(p, end); p++) {
            n->point++;
            take_digit(n, *p);
        }
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        *next = end;
        const char *behind = take_exponent(n, p, end);
        if (!behind) {
            *next = p + 1 + (p + 1 < end && (p[1] == '+' || p[1] == '-'));
            return "an exponent needs a digit";
        }
        p = behind;
    }
    *next = p;
    return NULL;
}

static double slow_value(literal *n, int64_t exponent) {
    char text[DIGITS + 32];
    if (n->more) {
        n->digits[n->count++] = '1';
        exponent--;
    }
    exponent = exponent > 99999 ? 99999 : exponent < -99999 ? -99999 : exponent;
    snprintf(text, sizeof text, "%.*se%d", n->count, n->digits, (int)exponent);
    return strtod(text, NULL);
}

static double literal_value(literal *n) {
    int64_t exponent = n->exponent - n->point;
    if (n->count == 0) {
        return 0;
    }
    if (n->count <= 15 && exponent > -POWERS && exponent < POWERS) {
        double whole = 0;
        for (int i = 0; i < n->count; i++) {
            whole = whole * 10 + (n->digits[i] - '0');
        }
        return exponent < 0 ? whole / powers[-exponent] : whole * powers[exponent];
    }
    return slow_value(n, exponent);
}

const char *json_number_read(const char *p, const char *end, const char **next, double *value) {
    literal n;
    n.count = 0;
    n.more = false;
    n.point = 0;
    n.exponent = 0;
    bool negative = p < end && *p == '-';
    const char *wrong = take_literal(&n, p + negative, end, next);
    if (wrong) {
        return wrong;
    }
    double v = literal_value(&n);
    if (isinf(v)) {
        *next = p;
        return "the number is larger than any double; write it as a string";
    }
    *value = negative && v != 0 ? -v : v;
    return NULL;
}

/* ---- printing ---- */

/* value = 0.DIGITS * 10^point */
typedef struct decimal {
    char digits[24];
    int count;
    int point;
} decimal;

static void trim(decimal *d) {
    while (d->count > 1 && d->digits[d->count - 1] == '0') {
        d->count--;
    }
}

static void from_integer(decimal *d, uint64_t whole, int places) {
    char back[24];
    int n = 0;
    do {
        back[n++] = (char)('0' + whole % 10);
        whole /= 10;
    } while (whole);
    for (int i = 0; i < n; i++) {
        d->digits[i] = back[n - 1 - i];
    }
    d->count = n;
    d->point = n - places;
    trim(d);
}

/* Decimals of up to 15 digits: whole / 10^k is rounded once, so equality proves the digits, and no
 * other decimal of up to 15 digits reads as the same double. */
static bool from_short(decimal *d, double v) {
    for (int k = 0; k < POWERS; k++) {
        double scaled = v * powers[k];
        if (scaled >= 1e15) {
            return false;
        }
        double whole = (double)(uint64_t)(scaled + 0.5);
        if (whole > 0 && whole / powers[k] == v) {
            from_integer(d, (uint64_t)whole, k);
            return true;
        }
    }
    return false;
}

static double decimal_value(const decimal *d) {
    char text[48];
    snprintf(text, sizeof text, "%.*se%d", d->count, d->digits, d->point - d->count);
    return strtod(text, NULL);
}

/* The nearest decimal of `count` digits. */
static void round_to(decimal *d, double v, int count) {
    char text[48];
    snprintf(text, sizeof text, "%.*e", count - 1, v);
    const char *p = text;
    for (d->count = 0; *p != 'e'; p++) {
        if (*p >= '0' && *p <= '9') {
            d->digits[d->count++] = *p;
        }
    }
    d->point = atoi(p + 1) + 1;
}

static void next_up(decimal *d) {
    int i = d->count - 1;
    while (i >= 0 && d->digits[i] == '9') {
        d->digits[i--] = '0';
    }
    if (i >= 0) {
        d->digits[i]++;
    } else {
        d->digits[0] = '1';
        d->point++;
    }
}

static bool reads_back(decimal *d, double v, int count) {
    round_to(d, v, count);
    if (decimal_value(d) == v) {
        return true;
    }
    /* Above a power of two the doubles lie twice as far apart as below it, so the next decimal may
     * read back where the nearest does not. */
    int exponent;
    if (count == 16 && frexp(v, &exponent) == 0.5) {
        next_up(d);
        return decimal_value(d) == v;
    }
    return false;
}

static void shortest(decimal *d, double v) {
    if (from_short(d, v)) {
        return;
    }
    int count = v < DBL_MIN ? 1 : 15; /* subnormals have fewer digits than 15 */
    while (count < 17 && !reads_back(d, v, count)) {
        count++;
    }
    if (count == 17) {
        round_to(d, v, 17);
    }
    trim(d);
}

static char *put(char *to, const char *from, int n) {
    memcpy(to, from, (size_t)n);
    return to + n;
}

static char *zeros(char *to, int n) {
    memset(to, '0', (size_t)n);
    return to + n;
}

static char *layout(char *to, const decimal *d) {
    int n = d->point;
    if (d->count <= n && n <= 21) {
        return zeros(put(to, d->digits, d->count), n - d->count);
    }
    if (n > 0 && n <= 21) {
        to = put(put(to, d->digits, n), ".", 1);
        return put(to, d->digits + n, d->count - n);
    }
    if (n > -6 && n <= 0) {
        return put(zeros(put(to, "0.", 2), -n), d->digits, d->count);
    }
    to = put(to, d->digits, 1);
    if (d->count > 1) {
        to = put(put(to, ".", 1), d->digits + 1, d->count - 1);
    }
    return to + sprintf(to, "e%+d", n - 1);
}

size_t json_integer_print(char to[JSON_NUMBER_SIZE], int64_t value) {
    char back[24];
    size_t n = 0;
    size_t len = 0;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    if (value < 0) {
        to[len++] = '-';
    }
    do {
        back[n++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    while (n) {
        to[len++] = back[--n];
    }
    return len;
}

size_t json_number_print(char to[JSON_NUMBER_SIZE], double value) {
    if (value == 0) {
        to[0] = '0';
        return 1;
    }
    if (fabs(value) <= (double)JSON_EXACT_INT && value == (double)(int64_t)value) {
        return json_integer_print(to, (int64_t)value);
    }
    decimal d;
    char *p = to;
    if (value < 0) {
        *p++ = '-';
    }
    shortest(&d, fabs(value));
    return (size_t)(layout(p, &d) - to);
}

int keel_json_format_double(keel_buf *out, double v) {
    if (!isfinite(v)) {
        return -1;
    }
    char text[JSON_NUMBER_SIZE];
    keel_buf_append(out, text, json_number_print(text, v));
    return 0;
}
