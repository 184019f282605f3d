#include "json_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A wrong order of calls cannot come from input, only from our own code: better to stop here than
 * to sign bytes that nobody else can reproduce. */
static void must(bool holds, const char *what) {
    if (!holds) {
        fprintf(stderr, "keel: a fault in the program: %s\n", what);
        abort();
    }
}

static uint64_t bit(const keel_json_writer *w) {
    return (uint64_t)1 << (w->depth - 1);
}

static bool wants_value(const keel_json_writer *w) {
    return (w->object & bit(w)) && w->out->data[w->out->len - 1] == ':';
}

/* A value begins: an array needs a comma, an object has had its key. */
static void begin_value(keel_json_writer *w) {
    if (w->depth == 0) {
        return;
    }
    if (w->object & bit(w)) {
        must(wants_value(w), "a JSON member without a key");
    } else if (w->filled & bit(w)) {
        keel_buf_putc(w->out, ',');
    } else {
        w->filled |= bit(w);
    }
}

static void begin_container(keel_json_writer *w, char bracket) {
    begin_value(w);
    must(w->depth < KEEL_JSON_DEPTH, "JSON nested deeper than 64 levels");
    keel_buf_putc(w->out, bracket);
    w->depth++;
    w->filled &= ~bit(w);
    w->object &= ~bit(w);
    w->last_key_[w->depth] = NULL;
}

static void end_container(keel_json_writer *w, bool object) {
    must(w->depth > 0 && !(w->object & bit(w)) == !object, "a JSON container that was not open");
    must(!wants_value(w), "a JSON key without a value");
    keel_buf_putc(w->out, object ? '}' : ']');
    w->depth--;
}

void keel_json_write(keel_json_writer *w, keel_buf *out) {
    w->out = out;
    w->depth = 0;
    w->filled = 0;
    w->object = 0;
}

void keel_json_object(keel_json_writer *w) {
    begin_container(w, '{');
    w->object |= bit(w);
}

void keel_json_object_end(keel_json_writer *w) {
    end_container(w, true);
}

void keel_json_array(keel_json_writer *w) {
    begin_container(w, '[');
}

void keel_json_array_end(keel_json_writer *w) {
    end_container(w, false);
}

static void key_in_order(keel_json_writer *w, const char *key, size_t len) {
    must(w->depth > 0 && (w->object & bit(w)), "a JSON key outside of an object");
    must(!wants_value(w), "a JSON key without a value");
    const char *last = w->last_key_[w->depth];
    must(!last || keel_json_compare_keys(last, strlen(last), key, len) < 0,
         "JSON keys that are not in canonical order");
    w->last_key_[w->depth] = key;
}

void keel_json_key(keel_json_writer *w, const char *key) {
    size_t len = strlen(key);
    key_in_order(w, key, len);
    if (w->filled & bit(w)) {
        keel_buf_putc(w->out, ',');
    }
    w->filled |= bit(w);
    must(keel_json_quote(w->out, key, len) == 0, "a JSON key that is not UTF-8");
    keel_buf_putc(w->out, ':');
}

void keel_json_null(keel_json_writer *w) {
    begin_value(w);
    keel_buf_append(w->out, "null", 4);
}

void keel_json_bool(keel_json_writer *w, bool v) {
    begin_value(w);
    keel_buf_puts(w->out, v ? "true" : "false");
}

void keel_json_integer(keel_json_writer *w, int64_t v) {
    char text[JSON_NUMBER_SIZE];
    size_t len = json_integer_print(text, v);
    if (v > JSON_EXACT_INT || v < -JSON_EXACT_INT) {
        keel_json_textn(w, text, len);
        return;
    }
    begin_value(w);
    keel_buf_append(w->out, text, len);
}

void keel_json_number(keel_json_writer *w, double v) {
    must(isfinite(v), "a JSON number that is not finite");
    char text[JSON_NUMBER_SIZE];
    begin_value(w);
    keel_buf_append(w->out, text, json_number_print(text, v));
}

static void put_base64(keel_buf *out, const unsigned char *p, size_t len) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    keel_buf_reserve(out, (len + 2) / 3 * 4);
    for (; len > 0; p += 3) {
        size_t n = len < 3 ? len : 3;
        uint32_t bits = (uint32_t)p[0] << 16;
        bits |= n > 1 ? (uint32_t)p[1] << 8 : 0;
        bits |= n > 2 ? p[2] : 0;
        char four[4] = {digits[bits >> 18], digits[bits >> 12 & 63],
                        n > 1 ? digits[bits >> 6 & 63] : '=', n > 2 ? digits[bits & 63] : '='};
        keel_buf_append(out, four, 4);
        len -= n;
    }
}

void keel_json_textn(keel_json_writer *w, const char *text, size_t len) {
    begin_value(w);
    if (keel_json_quote(w->out, text, len) == 0) {
        return;
    }
    keel_buf_puts(w->out, "{\"$b64\":\"");
    put_base64(w->out, (const unsigned char *)text, len);
    keel_buf_puts(w->out, "\"}");
}

void keel_json_text(keel_json_writer *w, const char *text) {
    keel_json_textn(w, text, strlen(text));
}

void keel_json_hex(keel_json_writer *w, const void *bytes, size_t len) {
    static const char digits[] = "0123456789abcdef";
    const unsigned char *p = bytes;
    begin_value(w);
    keel_buf_reserve(w->out, 2 * len + 2);
    keel_buf_putc(w->out, '"');
    for (size_t i = 0; i < len; i++) {
        char two[2] = {digits[p[i] >> 4], digits[p[i] & 15]};
        keel_buf_append(w->out, two, 2);
    }
    keel_buf_putc(w->out, '"');
}

void keel_json_raw(keel_json_writer *w, keel_json value) {
    if (!value.data || value.len == 0) {
        keel_json_null(w);
        return;
    }
    begin_value(w);
    keel_buf_append(w->out, value.data, value.len);
}

void keel_json_set_text(keel_json_writer *w, const char *key, const char *text) {
    keel_json_key(w, key);
    keel_json_text(w, text);
}

void keel_json_set_int(keel_json_writer *w, const char *key, int64_t v) {
    keel_json_key(w, key);
    keel_json_integer(w, v);
}

void keel_json_set_bool(keel_json_writer *w, const char *key, bool v) {
    keel_json_key(w, key);
    keel_json_bool(w, v);
}

void keel_json_set_raw(keel_json_writer *w, const char *key, keel_json value) {
    keel_json_key(w, key);
    keel_json_raw(w, value);
}
