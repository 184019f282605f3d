/* Views into checked bytes. The bounds are kept even so: a view that lies about its length may give
 * nonsense, never a read behind its end. */
#include "json_internal.h"

keel_json keel_json_view(const char *data, size_t len) {
    return (keel_json){data, len};
}

keel_json_type keel_json_typeof(keel_json v) {
    if (!v.data || v.len == 0) {
        return KEEL_JSON_NONE;
    }
    switch (v.data[0]) {
    case '{':
        return KEEL_JSON_OBJECT;
    case '[':
        return KEEL_JSON_ARRAY;
    case '"':
        return KEEL_JSON_STRING;
    case 't':
    case 'f':
        return KEEL_JSON_BOOL;
    case 'n':
        return KEEL_JSON_NULL;
    default:
        return KEEL_JSON_NUMBER;
    }
}

/* ---- walking ---- */

static const char *quote_or_backslash(const char *p, const char *end) {
    for (; end - p >= 8; p += 8) {
        uint64_t word = json_load(p);
        uint64_t marks = json_marks_equal(word, '"') | json_marks_equal(word, '\\');
        if (marks) {
            return p + json_first_mark(marks);
        }
    }
    while (p < end && *p != '"' && *p != '\\') {
        p++;
    }
    return p;
}

/* The closing quote of the string whose opening quote is at p. */
static const char *closing_quote(const char *p, const char *end) {
    p = quote_or_backslash(p + 1, end);
    while (p < end && *p == '\\') {
        p = end - p > 2 ? quote_or_backslash(p + 2, end) : end;
    }
    return p;
}

static const char *string_end(const char *p, const char *end) {
    p = closing_quote(p, end);
    return p < end ? p + 1 : end;
}

static const char *container_end(const char *p, const char *end) {
    int depth = 0;
    while (p < end) {
        char c = *p;
        if (c == '"') {
            p = string_end(p, end);
            continue;
        }
        p++;
        if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return p;
        }
    }
    return end;
}

static const char *value_end(const char *p, const char *end) {
    if (p >= end) {
        return end;
    }
    if (*p == '"') {
        return string_end(p, end);
    }
    if (*p == '{' || *p == '[') {
        return container_end(p, end);
    }
    while (p < end && *p != ',' && *p != '}' && *p != ']') {
        p++;
    }
    return p;
}

keel_json_iter keel_json_each(keel_json v) {
    keel_json_iter it = {{NULL, 0}, {NULL, 0}, NULL, NULL};
    keel_json_type type = keel_json_typeof(v);
    if ((type == KEEL_JSON_OBJECT || type == KEEL_JSON_ARRAY) && v.len >= 2) {
        it.next_ = v.data + 1;
        it.end_ = v.data + v.len - 1;
    }
    return it;
}

bool keel_json_next(keel_json_iter *it) {
    const char *p = it->next_;
    const char *end = it->end_;
    if (!p || p >= end) {
        return false;
    }
    const char *behind = value_end(p, end);
    it->key = (keel_json){NULL, 0};
    /* Only a key has a colon behind it. */
    if (behind < end && *behind == ':') {
        it->key = (keel_json){p, (size_t)(behind - p)};
        p = behind + 1;
        behind = value_end(p, end);
    }
    it->value = (keel_json){p, (size_t)(behind - p)};
    it->next_ = behind < end ? behind + 1 : end;
    return true;
}

size_t keel_json_count(keel_json v) {
    size_t count = 0;
    for (keel_json_iter it = keel_json_each(v); keel_json_next(&it);) {
        count++;
    }
    return count;
}

/* ---- text ---- */

/* Whether canonical text [p, end), without its quotes, stands for these bytes. */
static bool same_text(const char *p, const char *end, const char *text, size_t len) {
    size_t raw = (size_t)(end - p);
    if (raw == len && memcmp(p, text, len) == 0) {
        return !memchr(p, '\\', raw);
    }
    if (raw <= len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c;
        const char *behind = p < end && *p == '\\' ? json_escape_end(p, end, &c) : NULL;
        if (p >= end || (behind ? (char)c : *p) != text[i]) {
            return false;
        }
        p = behind ? behind : p + 1;
    }
    return p == end;
}

static bool text_of(keel_json v, const char **p, const char **end) {
    if (keel_json_typeof(v) != KEEL_JSON_STRING || v.len < 2) {
        return false;
    }
    *p = v.data + 1;
    *end = v.data + v.len - 1;
    return true;
}

bool keel_json_is(keel_json v, const char *text) {
    const char *p;
    const char *end;
    return text_of(v, &p, &end) && same_text(p, end, text, strlen(text));
}

bool keel_json_string(keel_json v, keel_buf *out) {
    const char *p;
    const char *end;
    if (!text_of(v, &p, &end)) {
        return false;
    }
    keel_buf_reserve(out, (size_t)(end - p));
    while (p < end) {
        const char *run = memchr(p, '\\', (size_t)(end - p));
        run = run ? run : end;
        keel_buf_append(out, p, (size_t)(run - p));
        p = run;
        unsigned char c;
        const char *behind = p < end ? json_escape_end(p, end, &c) : NULL;
        if (!behind) {
            break;
        }
        keel_buf_putc(out, (char)c);
        p = behind;
    }
    return true;
}

/* The largest length up to `len` at which `text` can be cut between two characters. */
static size_t cut(const char *text, size_t len) {
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80) {
        len--;
    }
    return len;
}

long keel_json_copy(keel_json v, char *to, size_t size) {
    const char *p;
    const char *end;
    if (!text_of(v, &p, &end)) {
        return -1;
    }
    keel_buf decoded = KEEL_BUF_INIT;
    size_t len = (size_t)(end - p);
    if (memchr(p, '\\', len)) {
        keel_json_string(v, &decoded);
        p = decoded.data;
        len = decoded.len;
    }
    if (size) {
        size_t fits = len < size ? len : cut(p, size - 1);
        memcpy(to, p, fits);
        to[fits] = 0;
    }
    keel_buf_free(&decoded);
    return (long)len;
}

/* ---- members ---- */

static keel_json get(keel_json object, const char *key, size_t len) {
    if (keel_json_typeof(object) != KEEL_JSON_OBJECT) {
        return (keel_json){NULL, 0};
    }
    for (keel_json_iter it = keel_json_each(object); keel_json_next(&it);) {
        if (it.key.len >= 2 && same_text(it.key.data + 1, it.key.data + it.key.len - 1, key, len)) {
            return it.value;
        }
    }
    return (keel_json){NULL, 0};
}

keel_json keel_json_get(keel_json object, const char *key) {
    return get(object, key, strlen(key));
}

keel_json keel_json_path(keel_json object, const char *path) {
    for (;;) {
        const char *dot = strchr(path, '.');
        object = get(object, path, dot ? (size_t)(dot - path) : strlen(path));
        if (!dot) {
            return object;
        }
        path = dot + 1;
    }
}

/* ---- numbers and truth ---- */

static bool parse_int(const char *p, size_t len, int64_t limit, int64_t *out) {
    bool negative = len > 0 && *p == '-';
    const char *end = p + len;
    p += negative;
    if (p == end || (*p == '0' && (negative || end - p > 1))) {
        return false;
    }
    uint64_t value = 0;
    uint64_t most = (uint64_t)limit + (negative && limit == INT64_MAX);
    for (; p < end; p++) {
        if (*p < '0' || *p > '9' || value > (most - (uint64_t)(*p - '0')) / 10) {
            return false;
        }
        value = value * 10 + (uint64_t)(*p - '0');
    }
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

bool keel_json_int(keel_json v, int64_t *out) {
    switch (keel_json_typeof(v)) {
    case KEEL_JSON_NUMBER:
        return parse_int(v.data, v.len, JSON_EXACT_INT, out);
    case KEEL_JSON_STRING:
        return v.len >= 2 && parse_int(v.data + 1, v.len - 2, INT64_MAX, out);
    default:
        return false;
    }
}

bool keel_json_double(keel_json v, double *out) {
    const char *next;
    double value = 0;
    if (keel_json_typeof(v) != KEEL_JSON_NUMBER ||
        json_number_read(v.data, v.data + v.len, &next, &value) || next != v.data + v.len) {
        return false;
    }
    *out = value;
    return true;
}

bool keel_json_true(keel_json v) {
    return v.len == 4 && memcmp(v.data, "true", 4) == 0;
}
