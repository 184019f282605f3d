/* TZif files as RFC 8536 has them: the transitions, and the rule for the years behind the last. */
#include "zone.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keel/buf.h"

/* When summer time begins or ends: the WEEK-th DAY of MONTH (week 5: the last), at `time` local. */
typedef struct change {
    int month, week, day;
    int32_t time_s;
} change;

struct zone {
    size_t count;
    int64_t *at;     /* transitions, UTC seconds, ascending */
    int32_t *offset; /* from at[i] on */
    int32_t first;   /* before at[0] */
    bool rule;       /* the footer was read */
    bool summer;     /* ... and has summer time */
    int32_t winter_offset, summer_offset;
    change begins, ends;
};

static int64_t big_endian(const unsigned char *p, size_t n) {
    uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < n; i++) {
        v = v << 8 | p[i];
    }
    return (int64_t)v;
}

/* ---- the footer: "CET-1CEST,M3.5.0,M10.5.0/3" ---- */

static bool number(const char **s, int *out) {
    if (!isdigit((unsigned char)**s)) {
        return false;
    }
    int v = 0;
    while (isdigit((unsigned char)**s) && v < 100000) {
        v = v * 10 + *(*s)++ - '0';
    }
    *out = v;
    return true;
}

/* [+-]H[H][:MM[:SS]] */
static bool clock_time(const char **s, int32_t *out) {
    int sign = **s == '-' ? -1 : 1;
    *s += **s == '-' || **s == '+';
    int part = 0;
    if (!number(s, &part)) {
        return false;
    }
    int32_t v = part * 3600;
    for (int unit = 60; unit && **s == ':'; unit /= 60) {
        (*s)++;
        if (!number(s, &part)) {
            return false;
        }
        v += part * unit;
    }
    *out = sign * v;
    return true;
}

static bool abbreviation(const char **s) {
    const char *from = *s;
    if (**s == '<') {
        const char *end = strchr(*s, '>');
        *s = end ? end + 1 : *s;
        return end != NULL;
    }
    while (isalpha((unsigned char)**s)) {
        (*s)++;
    }
    return *s - from >= 3;
}

static bool read_change(const char **s, change *c) {
    if (*(*s)++ != ',' || *(*s)++ != 'M' || !number(s, &c->month) || *(*s)++ != '.' ||
        !number(s, &c->week) || *(*s)++ != '.' || !number(s, &c->day)) {
        return false;
    }
    c->time_s = 7200;
    if (**s == '/') {
        (*s)++;
        if (!clock_time(s, &c->time_s)) {
            return false;
        }
    }
    return c->month >= 1 && c->month <= 12 && c->week >= 1 && c->week <= 5 && c->day <= 6;
}

static bool read_footer(zone *z, const char *s) {
    int32_t west;
    if (!abbreviation(&s) || !clock_time(&s, &west)) {
        return false;
    }
    z->winter_offset = -west;
    if (*s == 0) {
        return true;
    }
    if (!abbreviation(&s)) {
        return false;
    }
    z->summer_offset = z->winter_offset + 3600;
    if (*s != ',') {
        if (!clock_time(&s, &west)) {
            return false;
        }
        z->summer_offset = -west;
    }
    z->summer = true;
    return read_change(&s, &z->begins) && read_change(&s, &z->ends) && *s == 0;
}

static int64_t days_from_civil(int64_t y, int m, int d) {
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int64_t year_of(int64_t days) {
    int64_t y = days / 366 + 1969;
    while (days_from_civil(y + 1, 1, 1) <= days) {
        y++;
    }
    return y;
}

/* The local second, counted from 1970, at which the change falls in that year. */
static int64_t change_at(const change *c, int64_t year) {
    int64_t first = days_from_civil(year, c->month, 1);
    int64_t next =
        c->month == 12 ? days_from_civil(year + 1, 1, 1) : days_from_civil(year, c->month + 1, 1);
    int64_t weekday = ((first + 4) % 7 + 7) % 7;
    int64_t day = first + (c->day - weekday + 7) % 7 + (c->week - 1) * 7;
    while (day >= next) {
        day -= 7;
    }
    return day * 86400 + c->time_s;
}

static int32_t by_rule(const zone *z, int64_t utc_s) {
    if (!z->summer) {
        return z->winter_offset;
    }
    int64_t local = utc_s + z->winter_offset;
    int64_t year = year_of(local >= 0 ? local / 86400 : (local - 86399) / 86400);
    int64_t from = change_at(&z->begins, year) - z->winter_offset;
    int64_t to = change_at(&z->ends, year) - z->summer_offset;
    bool summer = from < to ? utc_s >= from && utc_s < to : utc_s >= from || utc_s < to;
    return summer ? z->summer_offset : z->winter_offset;
}

/* ---- the file ---- */

#define HEADER 44

typedef struct counts {
    size_t isut, isstd, leap, time, type, chars;
} counts;

static bool read_header(const unsigned char *p, size_t len, counts *c) {
    if (len < HEADER || memcmp(p, "TZif", 4) != 0) {
        return false;
    }
    size_t *fields[] = {&c->isut, &c->isstd, &c->leap, &c->time, &c->type, &c->chars};
    for (size_t i = 0; i < 6; i++) {
        int64_t v = big_endian(p + 20 + 4 * i, 4);
        if (v < 0 || v > 100000) {
            return false;
        }
        *fields[i] = (size_t)v;
    }
    return c->type > 0;
}

static size_t body_size(const counts *c, size_t time_size) {
    return c->time * (time_size + 1) + c->type * 6 + c->chars + c->leap * (time_size + 4) +
           c->isstd + c->isut;
}

/* The 64-bit block, behind the 32-bit one that version 1 readers take. */
static bool read_block(zone *z, const unsigned char *p, size_t len) {
    counts c;
    if (!read_header(p, len, &c) || p[4] < '2') {
        return false;
    }
    size_t skip = HEADER + body_size(&c, 4);
    if (skip > len || !read_header(p + skip, len - skip, &c)) {
        return false;
    }
    p += skip + HEADER;
    len -= skip + HEADER;
    size_t size = body_size(&c, 8);
    if (size > len) {
        return false;
    }
    const unsigned char *kinds = p + c.time * 8;
    const unsigned char *types = kinds + c.time;
    z->at = keel_alloc(c.time * sizeof *z->at);
    z->offset = keel_alloc(c.time * sizeof *z->offset);
    z->first = (int32_t)big_endian(types, 4);
    for (size_t i = 0; i < c.time; i++) {
        if (kinds[i] >= c.type) {
            return false;
        }
        z->at[i] = big_endian(p + i * 8, 8);
        z->offset[i] = (int32_t)big_endian(types + 6 * (size_t)kinds[i], 4);
        z->count++;
    }
    const char *footer = (const char *)p + size;
    const char *end = len - size > 1 ? memchr(footer + 1, '\n', len - size - 1) : NULL;
    if (end) {
        char *text = keel_memdup(footer + 1, (size_t)(end - footer - 1));
        z->rule = read_footer(z, text);
        free(text);
    }
    return true;
}

static bool good_name(const char *name) {
    size_t len = strlen(name);
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
    return len > 0 && len < 64 && isalpha((unsigned char)name[0]) && strspn(name, allowed) == len;
}

int zone_load(zone **out, const char *name) {
    if (!good_name(name)) {
        return -1;
    }
    char path[128] = "/usr/share/zoneinfo/";
    strncat(path, name, 64);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    size_t size = 128 * 1024;
    unsigned char *data = keel_alloc(size);
    ssize_t n = read(fd, data, size);
    close(fd);
    zone *z = keel_alloc(sizeof *z);
    memset(z, 0, sizeof *z);
    bool ok = n > 0 && read_block(z, data, (size_t)n);
    free(data);
    if (!ok) {
        zone_destroy(z);
        return -1;
    }
    *out = z;
    return 0;
}

void zone_destroy(zone *z) {
    if (z) {
        free(z->at);
        free(z->offset);
        free(z);
    }
}

int32_t zone_offset(const zone *z, int64_t utc_s) {
    if (z->rule && (z->count == 0 || utc_s >= z->at[z->count - 1])) {
        return by_rule(z, utc_s);
    }
    size_t low = 0;
    size_t high = z->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (z->at[middle] <= utc_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low ? z->offset[low - 1] : z->first;
}
