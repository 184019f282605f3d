/* Ordinary JSON in, canonical bytes out. Members are written as they come; an object whose keys
 * came out of order is put in order when it ends. */
#include "json_internal.h"

#include <stdlib.h>

typedef struct member {
    const char *key; /* set for sorting only: the buffer moves before */
    size_t key_len;  /* as it stands between the quotes in canonical bytes */
    size_t offset;   /* of the member in the buffer, its length with the value */
    size_t len;
    const char *at; /* in the source */
} member;

typedef struct reader {
    const char *start;
    const char *p;
    const char *end;
    keel_buf *out;
    member *members; /* a stack: those of all open objects */
    size_t count;
    size_t cap;
    keel_json_error *err;
} reader;

static int read_value(reader *r, int depth);

static int refuse(reader *r, const char *at, const char *why) {
    return json_fail(r->err, r->start, at, "%s", why);
}

static int refuse_byte(reader *r, const char *wanted) {
    return json_fail_byte(r->err, r->start, r->p, r->end, wanted);
}

static void skip_space(reader *r) {
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r')) {
        r->p++;
    }
}

/* ---- strings ---- */

static long four_hex(const char *p, const char *end) {
    long value = 0;
    if (end - p < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

static int read_unicode(reader *r) {
    const char *at = r->p;
    long code = four_hex(at + 2, r->end);
    if (code < 0) {
        return refuse(r, at, "\\u needs four hexadecimal digits");
    }
    r->p += 6;
    if (code >= 0xd800 && code <= 0xdfff) {
        bool pair = code < 0xdc00 && r->end - r->p >= 6 && r->p[0] == '\\' && r->p[1] == 'u';
        long low = pair ? four_hex(r->p + 2, r->end) : -1;
        if (low < 0xdc00 || low > 0xdfff) {
            return refuse(r, at, "half a surrogate pair is no character");
        }
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        r->p += 6;
    }
    if (code < 0x80) {
        json_put_ascii(r->out, (unsigned char)code);
    } else {
        char bytes[4];
        keel_buf_append(r->out, bytes, json_utf8_put(bytes, (uint32_t)code));
    }
    return 0;
}

static int read_escape(reader *r) {
    static const char letters[] = "btnfr\"\\/";
    static const char values[] = "\b\t\n\f\r\"\\/";
    if (r->end - r->p < 2) {
        return refuse(r, r->end, "the text ends within a string");
    }
    if (r->p[1] == 'u') {
        return read_unicode(r);
    }
    const char *known = r->p[1] ? strchr(letters, r->p[1]) : NULL;
    if (!known) {
        return refuse(r, r->p, "there is no such escape in JSON");
    }
    json_put_ascii(r->out, (unsigned char)values[known - letters]);
    r->p += 2;
    return 0;
}

static int read_string(reader *r) {
    keel_buf_putc(r->out, '"');
    r->p++;
    for (;;) {
        const char *run = json_plain_end(r->p, r->end);
        keel_buf_append(r->out, r->p, (size_t)(run - r->p));
        r->p = run;
        if (run == r->end) {
            return refuse(r, run, "the text ends within a string");
        }
        unsigned char c = (unsigned char)*run;
        if (c == '"') {
            r->p++;
            keel_buf_putc(r->out, '"');
            return 0;
        }
        if (c == '\\') {
            if (read_escape(r) < 0) {
                return -1;
            }
            continue;
        }
        size_t n = json_utf8_length(run, r->end);
        if (c < 0x20) {
            return refuse(r, run, "a control character in a string must be escaped");
        }
        if (n == 0) {
            return refuse(r, run, "the string is not valid UTF-8");
        }
        keel_buf_append(r->out, run, n);
        r->p += n;
    }
}

/* ---- numbers and words ---- */

/* Whether [p, end) was written as an integer and is printed as another one. */
static bool loses_digits(const char *p, const char *end, double value, const char *text,
                         size_t len) {
    if (value > -(double)JSON_EXACT_INT && value < (double)JSON_EXACT_INT) {
        return false;
    }
    for (const char *q = p; q < end; q++) {
        if (*q == '.' || *q == 'e' || *q == 'E') {
            return false;
        }
    }
    return len != (size_t)(end - p) || memcmp(text, p, len) != 0;
}

static int read_number(reader *r) {
    const char *next;
    double value = 0;
    const char *wrong = json_number_read(r->p, r->end, &next, &value);
    if (wrong) {
        return refuse(r, next, wrong);
    }
    char text[JSON_NUMBER_SIZE];
    size_t len = json_number_print(text, value);
    if (loses_digits(r->p, next, value, text, len)) {
        return refuse(r, r->p, "an integer beyond 2^53 would lose digits; write it as a string");
    }
    keel_buf_append(r->out, text, len);
    r->p = next;
    return 0;
}

static int read_word(reader *r, const char *word) {
    size_t len = strlen(word);
    if ((size_t)(r->end - r->p) < len || memcmp(r->p, word, len) != 0) {
        return refuse(r, r->p, "the only words in JSON are true, false and null");
    }
    keel_buf_append(r->out, word, len);
    r->p += len;
    return 0;
}

/* ---- containers ---- */

static int read_array(reader *r, int depth) {
    keel_buf_putc(r->out, '[');
    r->p++;
    skip_space(r);
    bool empty = r->p < r->end && *r->p == ']';
    while (!empty) {
        if (read_value(r, depth) < 0) {
            return -1;
        }
        if (r->p < r->end && *r->p == ']') {
            break;
        }
        if (r->p == r->end || *r->p != ',') {
            return refuse_byte(r, "',' or ']'");
        }
        r->p++;
        keel_buf_putc(r->out, ',');
    }
    r->p++;
    keel_buf_putc(r->out, ']');
    return 0;
}

static member *push_member(reader *r) {
    if (r->count == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 32;
        r->members = keel_realloc(r->members, r->cap * sizeof *r->members);
    }
    return &r->members[r->count++];
}

/* Key, colon, value, into the buffer; the member is on the stack afterwards. */
static int read_member(reader *r, int depth) {
    if (r->p == r->end || *r->p != '"') {
        return refuse_byte(r, "a key");
    }
    member m = {NULL, 0, r->out->len, 0, r->p};
    if (read_string(r) < 0) {
        return -1;
    }
    m.key_len = r->out->len - m.offset - 2;
    skip_space(r);
    if (r->p == r->end || *r->p != ':') {
        return refuse_byte(r, "':'");
    }
    r->p++;
    keel_buf_putc(r->out, ':');
    if (read_value(r, depth) < 0) {
        return -1;
    }
    m.len = r->out->len - m.offset;
    *push_member(r) = m;
    return 0;
}

static int by_key(const void *a, const void *b) {
    const member *x = a;
    const member *y = b;
    int order = json_compare_quoted(x->key, x->key_len, y->key, y->key_len);
    return order ? order : x->at < y->at ? -1 : x->at > y->at;
}

static bool sorted(const member *m, size_t count) {
    for (size_t i = 1; i < count; i++) {
        if (json_compare_quoted(m[i - 1].key, m[i - 1].key_len, m[i].key, m[i].key_len) >= 0) {
            return false;
        }
    }
    return true;
}

static int find_twice(reader *r, const member *m, size_t count) {
    for (size_t i = 1; i < count; i++) {
        if (json_compare_quoted(m[i - 1].key, m[i - 1].key_len, m[i].key, m[i].key_len) == 0) {
            return refuse(r, m[i].at, "the key stands there twice");
        }
    }
    return 0;
}

/* Puts the members from `base` on, whose bytes begin at `from`, in order. */
static int sort_members(reader *r, size_t base, size_t from) {
    member *m = r->members ? r->members + base : NULL;
    size_t count = r->count - base;
    for (size_t i = 0; i < count; i++) {
        m[i].key = r->out->data + m[i].offset + 1;
    }
    if (sorted(m, count)) {
        return 0;
    }
    char *copy = keel_memdup(r->out->data + from, r->out->len - from);
    for (size_t i = 0; i < count; i++) {
        m[i].key = copy + (m[i].offset - from) + 1;
    }
    qsort(m, count, sizeof *m, by_key);
    int rc = find_twice(r, m, count);
    r->out->len = from;
    for (size_t i = 0; i < count; i++) {
        if (i) {
            keel_buf_putc(r->out, ',');
        }
        keel_buf_append(r->out, m[i].key - 1, m[i].len);
    }
    free(copy);
    return rc;
}

static int read_object(reader *r, int depth) {
    keel_buf_putc(r->out, '{');
    size_t base = r->count;
    size_t from = r->out->len;
    r->p++;
    skip_space(r);
    bool empty = r->p < r->end && *r->p == '}';
    while (!empty) {
        skip_space(r);
        if (read_member(r, depth) < 0) {
            return -1;
        }
        if (r->p < r->end && *r->p == '}') {
            break;
        }
        if (r->p == r->end || *r->p != ',') {
            return refuse_byte(r, "',' or '}'");
        }
        r->p++;
        keel_buf_putc(r->out, ',');
    }
    r->p++;
    if (sort_members(r, base, from) < 0) {
        return -1;
    }
    r->count = base;
    keel_buf_putc(r->out, '}');
    return 0;
}

static int read_plain_value(reader *r, int depth) {
    char c = r->p < r->end ? *r->p : 0;
    switch (c) {
    case '"':
        return read_string(r);
    case '{':
    case '[':
        if (depth == KEEL_JSON_DEPTH) {
            return refuse(r, r->p, "values are nested deeper than 64 levels");
        }
        return c == '{' ? read_object(r, depth + 1) : read_array(r, depth + 1);
    case 't':
        return read_word(r, "true");
    case 'f':
        return read_word(r, "false");
    case 'n':
        return read_word(r, "null");
    default:
        return c == '-' || (c >= '0' && c <= '9') ? read_number(r) : refuse_byte(r, "a value");
    }
}

/* A value with the white space around it. */
static int read_value(reader *r, int depth) {
    skip_space(r);
    int rc = read_plain_value(r, depth);
    skip_space(r);
    return rc;
}

int keel_json_canonical(keel_buf *out, const char *data, size_t len, keel_json_error *err) {
    static const char nothing[1] = "";
    const char *start = data ? data : nothing;
    reader r = {start, start, start + (data ? len : 0), out, NULL, 0, 0, err};
    size_t before = out->len;
    keel_buf_reserve(out, len);
    int rc = read_value(&r, 0);
    if (rc == 0 && r.p != r.end) {
        rc = refuse_byte(&r, "the end");
    }
    if (rc < 0) {
        out->len = before;
        out->data[before] = 0;
    }
    free(r.members);
    return rc;
}
