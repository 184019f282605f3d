/* Canonical JSON (RFC 8785), the only form in which arguments, results and plans are digested,
 * stored and approved.
 *
 * On top of RFC 8785: integers beyond 2^53 and money are strings; text is valid UTF-8, other bytes
 * are {"$b64": "..."}; no duplicate keys; depth <= 64; no -0, NaN or infinity.
 *
 * Reading never builds a tree: a keel_json is a view into checked bytes, valid as long as they are.
 * No function here keeps state or locks; all are safe from any thread. */
#ifndef KEEL_JSON_H
#define KEEL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keel/buf.h"

#define KEEL_JSON_DEPTH 64

/* A view of one value in canonical bytes. {NULL, 0} is "not there". */
typedef struct keel_json {
    const char *data;
    size_t len;
} keel_json;

typedef enum keel_json_type {
    KEEL_JSON_NONE, /* not there */
    KEEL_JSON_NULL,
    KEEL_JSON_BOOL,
    KEEL_JSON_NUMBER,
    KEEL_JSON_STRING,
    KEEL_JSON_ARRAY,
    KEEL_JSON_OBJECT
} keel_json_type;

typedef struct keel_json_error {
    size_t offset; /* of the first byte at fault */
    int line;      /* 1-based, counted in bytes before offset */
    int column;
    char message[160]; /* says what and why, one sentence */
} keel_json_error;

/* Checks that the bytes are one canonical value and nothing else. 0, or -1 with *err filled.
 * Bytes from another process are checked by this before a view of them is made. */
int keel_json_check(const char *data, size_t len, keel_json_error *err);

/* Reads one value of ordinary JSON (any key order, white space, escapes) and appends its canonical
 * form to out. 0, or -1 with *err filled and out unchanged. */
int keel_json_canonical(keel_buf *out, const char *data, size_t len, keel_json_error *err);

/* ---- views: the bytes must have passed keel_json_check or come from keel_json_canonical ---- */

keel_json keel_json_view(const char *data, size_t len);
keel_json_type keel_json_typeof(keel_json v);
/* The member of an object, or none. Linear. */
keel_json keel_json_get(keel_json object, const char *key);
/* Follows a dotted path of object members, such as "error.code". */
keel_json keel_json_path(keel_json object, const char *path);
bool keel_json_is(keel_json v, const char *text); /* a string equal to text */
/* Appends the decoded text of a string. false if v is no string. */
bool keel_json_string(keel_json v, keel_buf *out);
/* Copies the decoded text with a NUL into to[size]. Returns its full length, or -1 if v is no
 * string; what does not fit is cut at a character. */
long keel_json_copy(keel_json v, char *to, size_t size);
bool keel_json_int(keel_json v, int64_t *out); /* a number that is an integer, or its string */
bool keel_json_double(keel_json v, double *out);
bool keel_json_true(keel_json v);
size_t keel_json_count(keel_json v); /* members of an array or object, else 0 */

typedef struct keel_json_iter {
    keel_json key; /* a string view, objects only */
    keel_json value;
    const char *next_;
    const char *end_;
} keel_json_iter;

/* for (keel_json_iter it = keel_json_each(v); keel_json_next(&it);) { it.key, it.value } */
keel_json_iter keel_json_each(keel_json v);
bool keel_json_next(keel_json_iter *it);

/* ---- writing, in order ----
 * Keys must be given in canonical order (UTF-16 code units: for ASCII keys, byte order); a wrong
 * order, or a key outside of an object, is a bug of the caller and aborts. */

typedef struct keel_json_writer {
    keel_buf *out;
    int depth;
    uint64_t filled; /* bit d - 1: the container at depth d has a member */
    uint64_t object; /* bit d - 1: the container at depth d is an object */
    const char *last_key_[KEEL_JSON_DEPTH + 1]; /* the caller's pointers: keys outlive the object */
} keel_json_writer;

void keel_json_write(keel_json_writer *w, keel_buf *out); /* begins */
void keel_json_object(keel_json_writer *w);
void keel_json_object_end(keel_json_writer *w);
void keel_json_array(keel_json_writer *w);
void keel_json_array_end(keel_json_writer *w);
void keel_json_key(keel_json_writer *w, const char *key);
void keel_json_null(keel_json_writer *w);
void keel_json_bool(keel_json_writer *w, bool v);
void keel_json_integer(keel_json_writer *w, int64_t v); /* a string when beyond 2^53 */
void keel_json_number(keel_json_writer *w, double v);   /* finite */
void keel_json_text(keel_json_writer *w, const char *text);
void keel_json_textn(keel_json_writer *w, const char *text, size_t len); /* bad UTF-8: {"$b64"} */
void keel_json_hex(keel_json_writer *w, const void *bytes, size_t len);  /* lower-case hex text */
void keel_json_raw(keel_json_writer *w, keel_json value); /* canonical bytes, copied; none: null */

/* key + value in one call */
void keel_json_set_text(keel_json_writer *w, const char *key, const char *text);
void keel_json_set_int(keel_json_writer *w, const char *key, int64_t v);
void keel_json_set_bool(keel_json_writer *w, const char *key, bool v);
void keel_json_set_raw(keel_json_writer *w, const char *key, keel_json value);

/* ---- the pieces that the Lua encoder shares ---- */

/* Appends text as a quoted canonical string. -1 if it is not valid UTF-8 (out unchanged). */
int keel_json_quote(keel_buf *out, const char *text, size_t len);
/* Appends a finite double as ECMAScript prints it; -0 as 0. -1 if not finite. */
int keel_json_format_double(keel_buf *out, double v);
/* Canonical order of two keys, as RFC 8785 has it (UTF-16 code units). <0, 0, >0. */
int keel_json_compare_keys(const char *a, size_t alen, const char *b, size_t blen);

#endif
