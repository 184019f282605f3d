#include "closed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DECIMALS = 6 };
#define VALUES 1e9 /* the most that a number may tell apart */

__attribute__((format(printf, 2, 3))) static int fault_of(closed_fault *f, const char *format,
                                                          ...) {
    va_list ap;
    va_start(ap, format);
    vsnprintf(f->why, sizeof f->why, format, ap);
    va_end(ap);
    return -1;
}

/* ---- reading a schema ---- */

static const struct {
    const char *type, *why;
} open_types[] = {
    {"fact", "ids of facts come with Keel's memory, which this version does not have"},
    {"string", "a text is open: anything could stand in it; list what it may be: enum"},
    {"text", "a text is open: anything could stand in it; list what it may be: enum"},
    {"number", "a number needs bounds: number: [0, 1000]"},
    {"integer", "a number needs bounds: number: [0, 1000]"},
    {"array", "a list is open: name its members as fields of their own"},
    {"list", "a list is open: name its members as fields of their own"},
    {"object", "a map is open: name its members as fields of their own"},
    {"any", "anything is open: choose bool, date, enum or number"},
};

static bool is_simple(keel_json type) {
    return keel_json_is(type, "bool") || keel_json_is(type, "date");
}

static int refuse_type(keel_json type, closed_fault *f) {
    for (size_t i = 0; i < sizeof open_types / sizeof *open_types; i++) {
        if (keel_json_is(type, open_types[i].type)) {
            return fault_of(f, "%s", open_types[i].why);
        }
    }
    return fault_of(f, "it is no closed type: choose bool, date, enum or number");
}

static int by_text(const void *a, const void *b) {
    const keel_buf *x = a, *y = b;
    size_t len = x->len < y->len ? x->len : y->len;
    int order = len ? memcmp(x->data, y->data, len) : 0;
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

static int read_words(keel_json list, keel_buf words[CLOSED_WORDS], size_t *count,
                      closed_fault *f) {
    if (keel_json_typeof(list) != KEEL_JSON_ARRAY || keel_json_count(list) == 0 ||
        keel_json_count(list) > CLOSED_WORDS) {
        return fault_of(f, "enum is a list of 1 to %d texts", CLOSED_WORDS);
    }
    for (keel_json_iter it = keel_json_each(list); keel_json_next(&it);) {
        keel_buf *w = &words[*count];
        bool text = keel_json_typeof(it.value) == KEEL_JSON_STRING;
        *count += 1;
        if (!text || !keel_json_string(it.value, w) || w->len == 0 || w->len > CLOSED_WORD_BYTES) {
            return fault_of(f, "enum has texts of 1 to %d bytes", CLOSED_WORD_BYTES);
        }
    }
    qsort(words, *count, sizeof *words, by_text);
    for (size_t i = 1; i < *count; i++) {
        if (by_text(&words[i - 1], &words[i]) == 0) {
            return fault_of(f, "enum has a text twice");
        }
    }
    return 0;
}

static int put_words(keel_json list, keel_json_writer *w, closed_fault *f) {
    keel_buf words[CLOSED_WORDS] = {{0}};
    size_t count = 0;
    int rc = read_words(list, words, &count, f);
    if (rc == 0) {
        keel_json_key(w, "enum");
        keel_json_array(w);
        for (size_t i = 0; i < count; i++) {
            keel_json_textn(w, words[i].data, words[i].len);
        }
        keel_json_array_end(w);
    }
    for (size_t i = 0; i < count; i++) {
        keel_buf_free(&words[i]);
    }
    return rc;
}

typedef struct range {
    double low, high, scale;
    int64_t decimals;
} range;

static int read_range(keel_json type, range *r, closed_fault *f) {
    keel_json bounds = keel_json_get(type, "number"), said = keel_json_get(type, "decimals");
    *r = (range){.scale = 1};
    double *to[] = {&r->low, &r->high};
    size_t at = 0;
    bool good = keel_json_typeof(bounds) == KEEL_JSON_ARRAY && keel_json_count(bounds) == 2;
    for (keel_json_iter it = keel_json_each(bounds); good && keel_json_next(&it); at++) {
        good = keel_json_typeof(it.value) == KEEL_JSON_NUMBER && keel_json_double(it.value, to[at]);
    }
    if (!good || !(r->low <= r->high) || r->low < -1e12 || r->high > 1e12) {
        return fault_of(f, "number has two bounds, the lower one first: number: [0, 1000]");
    }
    if (said.len &&
        (!keel_json_int(said, &r->decimals) || r->decimals < 0 || r->decimals > DECIMALS)) {
        return fault_of(f, "decimals is a whole number from 0 to %d", DECIMALS);
    }
    for (int64_t i = 0; i < r->decimals; i++) {
        r->scale *= 10;
    }
    if ((r->high - r->low) * r->scale > VALUES) {
        return fault_of(f, "the bounds are too far apart: they let through more than 1,000,000,000 "
                           "different numbers");
    }
    return 0;
}

/* The names of the members, all of which are known. */
static int check_members(keel_json type, closed_fault *f) {
    static const char *const known[] = {"decimals", "enum", "number", "optional", "type"};
    int forms = 0;
    for (keel_json_iter it = keel_json_each(type); keel_json_next(&it);) {
        size_t i = 0;
        while (i < sizeof known / sizeof *known && !keel_json_is(it.key, known[i])) {
            i++;
        }
        if (i == sizeof known / sizeof *known) {
            return fault_of(f, "a type has type, enum or number, and decimals and optional");
        }
        forms += i == 1 || i == 2 || i == 4;
    }
    keel_json optional = keel_json_get(type, "optional");
    if (optional.len && keel_json_typeof(optional) != KEEL_JSON_BOOL) {
        return fault_of(f, "optional is true or false");
    }
    if (keel_json_get(type, "decimals").len && !keel_json_get(type, "number").len) {
        return fault_of(f, "decimals belongs to number");
    }
    return forms == 1 ? 0 : fault_of(f, "a type is one of type, enum and number");
}

static int put_number(keel_json type, keel_json_writer *w, closed_fault *f) {
    range r;
    int rc = read_range(type, &r, f);
    if (rc == 0 && r.decimals) {
        keel_json_set_int(w, "decimals", r.decimals);
    }
    if (rc == 0) {
        keel_json_key(w, "number");
        keel_json_array(w);
        keel_json_number(w, r.low);
        keel_json_number(w, r.high);
        keel_json_array_end(w);
    }
    return rc;
}

static int put_type(keel_json type, keel_json_writer *w, closed_fault *f) {
    if (keel_json_typeof(type) != KEEL_JSON_OBJECT) {
        return is_simple(type) ? (keel_json_raw(w, type), 0) : refuse_type(type, f);
    }
    keel_json simple = keel_json_get(type, "type"), list = keel_json_get(type, "enum");
    bool optional = keel_json_true(keel_json_get(type, "optional"));
    int rc = check_members(type, f);
    if (rc == 0 && simple.len && !is_simple(simple)) {
        return refuse_type(simple, f);
    }
    if (rc == 0 && simple.len && !optional) {
        keel_json_raw(w, simple);
        return 0;
    }
    if (rc) {
        return rc;
    }
    keel_json_object(w);
    rc = list.len ? put_words(list, w, f) : simple.len ? 0 : put_number(type, w, f);
    if (rc == 0 && optional) {
        keel_json_set_bool(w, "optional", true);
    }
    if (rc == 0 && simple.len) {
        keel_json_set_raw(w, "type", simple);
    }
    keel_json_object_end(w);
    return rc;
}

static bool take_field(keel_json key, closed_fault *f) {
    long n = keel_json_copy(key, f->field, sizeof f->field);
    if (n > 0 && (size_t)n < sizeof f->field && strlen(f->field) == (size_t)n &&
        strspn(f->field, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
            (size_t)n) {
        return true;
    }
    f->field[0] = 0;
    return false;
}

int closed_read(keel_json schema, keel_buf *out, closed_fault *f) {
    *f = (closed_fault){{0}, {0}};
    if (keel_json_typeof(schema) != KEEL_JSON_OBJECT || keel_json_count(schema) == 0 ||
        keel_json_count(schema) > CLOSED_FIELDS) {
        return fault_of(f, "a schema names 1 to %d fields, each with a closed type", CLOSED_FIELDS);
    }
    char names[CLOSED_FIELDS][sizeof f->field]; /* the writer looks back at the last one */
    size_t at = 0;
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    int rc = 0;
    for (keel_json_iter it = keel_json_each(schema); rc == 0 && keel_json_next(&it); at++) {
        if (!take_field(it.key, f)) {
            return fault_of(f, "a field's name is of up to %d letters, digits, _ and -",
                            CLOSED_WORD_BYTES);
        }
        memcpy(names[at], f->field, sizeof names[at]);
        keel_json_key(&w, names[at]);
        rc = put_type(it.value, &w, f);
    }
    if (rc == 0) {
        keel_json_object_end(&w);
    }
    return rc;
}

/* ---- a result ---- */

static bool is_date(keel_json v) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (keel_json_typeof(v) != KEEL_JSON_STRING || v.len != 12) {
        return false;
    }
    const char *s = v.data + 1;
    for (int i = 0; i < 10; i++) {
        if (i == 4 || i == 7 ? s[i] != '-' : s[i] < '0' || s[i] > '9') {
            return false;
        }
    }
    int year = (s[0] - '0') * 1000 + (s[1] - '0') * 100 + (s[2] - '0') * 10 + (s[3] - '0');
    int month = (s[5] - '0') * 10 + (s[6] - '0'), day = (s[8] - '0') * 10 + (s[9] - '0');
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return year >= 1900 && year <= 2199 && month >= 1 && month <= 12 && day >= 1 &&
           day <= lengths[month - 1] + (month == 2 && leap);
}

/* More digits than the schema lets through are words. */
static bool in_range(keel_json type, keel_json v) {
    range r;
    closed_fault unused;
    double n;
    if (keel_json_typeof(v) != KEEL_JSON_NUMBER || !keel_json_double(v, &n) ||
        read_range(type, &r, &unused)) {
        return false;
    }
    if (n < r.low || n > r.high) {
        return false;
    }
    double whole = (double)(int64_t)(n * r.scale + (n < 0 ? -0.5 : 0.5));
    return whole / r.scale == n;
}

static bool among(keel_json list, keel_json v) {
    for (keel_json_iter it = keel_json_each(list); keel_json_next(&it);) {
        if (it.value.len == v.len && memcmp(it.value.data, v.data, v.len) == 0) {
            return true; /* canonical on both sides */
        }
    }
    return false;
}

static int check_field(keel_json type, keel_json v, closed_fault *f) {
    bool at_length = keel_json_typeof(type) == KEEL_JSON_OBJECT;
    keel_json simple = at_length ? keel_json_get(type, "type") : type;
    keel_json list = at_length ? keel_json_get(type, "enum") : (keel_json){0};
    if (!v.len || keel_json_typeof(v) == KEEL_JSON_NULL) {
        bool optional = at_length && keel_json_true(keel_json_get(type, "optional"));
        return optional ? 0 : fault_of(f, "is missing");
    }
    if (keel_json_is(simple, "bool")) {
        return keel_json_typeof(v) == KEEL_JSON_BOOL ? 0 : fault_of(f, "is neither true nor false");
    }
    if (keel_json_is(simple, "date")) {
        return is_date(v) ? 0 : fault_of(f, "is no date");
    }
    if (list.len) {
        return among(list, v) ? 0 : fault_of(f, "is none of the words of its enum");
    }
    return in_range(type, v) ? 0 : fault_of(f, "is no number within its bounds and decimals");
}

int closed_fits(keel_json schema, keel_json result, closed_fault *f) {
    size_t found = 0;
    *f = (closed_fault){{0}, {0}};
    if (keel_json_typeof(result) != KEEL_JSON_OBJECT) {
        return fault_of(f, "it is no map of the fields of its schema");
    }
    for (keel_json_iter it = keel_json_each(schema); keel_json_next(&it);) {
        take_field(it.key, f);
        keel_json v = keel_json_get(result, f->field);
        found += v.len > 0;
        if (check_field(it.value, v, f)) {
            return -1;
        }
    }
    f->field[0] = 0;
    return found == keel_json_count(result) ? 0
                                            : fault_of(f, "it has fields that its schema has not");
}
