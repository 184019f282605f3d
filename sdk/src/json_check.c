/* One pass over bytes that claim to be canonical. Nothing is copied but a number that needs proof.
 */
#include "json_internal.h"

typedef struct checker {
    const char *start;
    const char *end;
    keel_json_error *err;
} checker;

/* Each check_ function returns the place behind what it checked, or NULL with the error filled. */
static const char *check_value(checker *c, const char *p, int depth);

static const char *refuse(checker *c, const char *at, const char *why) {
    json_fail(c->err, c->start, at, "%s", why);
    return NULL;
}

static const char *refuse_byte(checker *c, const char *at, const char *wanted) {
    if (at < c->end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) {
        return refuse(c, at, "white space between values is not canonical");
    }
    json_fail_byte(c->err, c->start, at, c->end, wanted);
    return NULL;
}

static const char *check_escape(checker *c, const char *p) {
    unsigned char value;
    const char *behind = json_escape_end(p, c->end, &value);
    return behind ? behind : refuse(c, p, "the escape is not the canonical form of a character");
}

/* p is behind the opening quote; the answer is at the closing one. */
static const char *check_text(checker *c, const char *p) {
    for (;;) {
        p = json_plain_end(p, c->end);
        if (p == c->end) {
            return refuse(c, p, "the text ends within a string");
        }
        unsigned char byte = (unsigned char)*p;
        if (byte == '"') {
            return p;
        }
        if (byte == '\\') {
            p = check_escape(c, p);
            if (!p) {
                return NULL;
            }
            continue;
        }
        size_t n = json_utf8_length(p, c->end);
        if (byte < 0x20) {
            return refuse(c, p, "a control character in a string must be escaped");
        }
        if (n == 0) {
            return refuse(c, p, "the string is not valid UTF-8");
        }
        p += n;
    }
}

static const char *check_number_slow(checker *c, const char *p) {
    const char *next;
    double value = 0;
    const char *wrong = json_number_read(p, c->end, &next, &value);
    if (wrong) {
        return refuse(c, next, wrong);
    }
    char text[JSON_NUMBER_SIZE];
    size_t len = json_number_print(text, value);
    if (len != (size_t)(next - p) || memcmp(text, p, len) != 0) {
        json_fail(c->err, c->start, p, "the number is not in canonical form, which is %.*s",
                  (int)len, text);
        return NULL;
    }
    return next;
}

static const char *digits_end(const checker *c, const char *p) {
    while (p < c->end && *p >= '0' && *p <= '9') {
        p++;
    }
    return p;
}

static bool ends_number(const checker *c, const char *p) {
    return p == c->end || *p == ',' || *p == '}' || *p == ']';
}

static bool is_short_integer(const char *first, size_t digits) {
    if (*first == '0') {
        return digits == 1;
    }
    return digits < 16 || (digits == 16 && memcmp(first, "9007199254740992", 16) <= 0);
}

/* Integers within 2^53, and decimals of up to 15 digits that are not tiny, are canonical by their
 * shape alone: no two of them read as the same double. */
static const char *check_number(checker *c, const char *p) {
    const char *first = p + (*p == '-');
    const char *q = digits_end(c, first);
    size_t whole = (size_t)(q - first);
    if (whole == 0 || !is_short_integer(first, whole)) {
        return check_number_slow(c, p);
    }
    if (ends_number(c, q)) {
        return *first == '0' && first > p ? check_number_slow(c, p) : q;
    }
    if (*q != '.') {
        return check_number_slow(c, p);
    }
    const char *fraction = q + 1;
    q = digits_end(c, fraction);
    size_t places = (size_t)(q - fraction);
    bool tiny = places > 6 && memcmp(fraction, "000000", 6) == 0;
    if (places == 0 || whole + places > 15 || q[-1] == '0' || tiny || !ends_number(c, q)) {
        return check_number_slow(c, p);
    }
    return q;
}

static const char *check_word(checker *c, const char *p, const char *word) {
    size_t len = strlen(word);
    if ((size_t)(c->end - p) >= len && memcmp(p, word, len) == 0) {
        return p + len;
    }
    return refuse(c, p, "the only words in JSON are true, false and null");
}

static const char *check_array(checker *c, const char *p, int depth) {
    p++;
    if (p < c->end && *p == ']') {
        return p + 1;
    }
    for (;;) {
        p = check_value(c, p, depth);
        if (!p) {
            return NULL;
        }
        if (p < c->end && *p == ']') {
            return p + 1;
        }
        if (p == c->end || *p != ',') {
            return refuse_byte(c, p, "',' or ']'");
        }
        p++;
    }
}

static bool in_order(checker *c, const char *last, size_t last_len, const char *key, size_t len) {
    int order = last ? json_compare_quoted(last, last_len, key, len) : -1;
    if (order < 0) {
        return true;
    }
    refuse(c, key - 1, order ? "the key is out of canonical order" : "the key stands there twice");
    return false;
}

static const char *check_object(checker *c, const char *p, int depth) {
    const char *last = NULL;
    size_t last_len = 0;
    p++;
    if (p < c->end && *p == '}') {
        return p + 1;
    }
    for (;;) {
        if (p == c->end || *p != '"') {
            return refuse_byte(c, p, "a key");
        }
        const char *key = p + 1;
        p = check_text(c, key);
        if (!p || !in_order(c, last, last_len, key, (size_t)(p - key))) {
            return NULL;
        }
        last = key;
        last_len = (size_t)(p - key);
        p++;
        if (p == c->end || *p != ':') {
            return refuse_byte(c, p, "':'");
        }
        p = check_value(c, p + 1, depth);
        if (!p) {
            return NULL;
        }
        if (p < c->end && *p == '}') {
            return p + 1;
        }
        if (p == c->end || *p != ',') {
            return refuse_byte(c, p, "',' or '}'");
        }
        p++;
    }
}

static const char *check_value(checker *c, const char *p, int depth) {
    if (p == c->end) {
        return refuse_byte(c, p, "a value");
    }
    switch (*p) {
    case '"':
        p = check_text(c, p + 1);
        return p ? p + 1 : NULL;
    case '{':
    case '[':
        if (depth == KEEL_JSON_DEPTH) {
            return refuse(c, p, "values are nested deeper than 64 levels");
        }
        return *p == '{' ? check_object(c, p, depth + 1) : check_array(c, p, depth + 1);
    case 't':
        return check_word(c, p, "true");
    case 'f':
        return check_word(c, p, "false");
    case 'n':
        return check_word(c, p, "null");
    default:
        if (*p == '-' || (*p >= '0' && *p <= '9')) {
            return check_number(c, p);
        }
        return refuse_byte(c, p, "a value");
    }
}

int keel_json_check(const char *data, size_t len, keel_json_error *err) {
    static const char nothing[1] = "";
    checker c = {data ? data : nothing, NULL, err};
    c.end = c.start + (data ? len : 0);
    const char *p = check_value(&c, c.start, 0);
    if (p && p != c.end) {
        refuse_byte(&c, p, "the end");
        return -1;
    }
    return p ? 0 : -1;
}
