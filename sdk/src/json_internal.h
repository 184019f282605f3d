/* What the JSON files share: text scanning, key order, numbers, errors. Nothing here is exported.
 */
#ifndef JSON_INTERNAL_H
#define JSON_INTERNAL_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "keel/json.h"

#define JSON_EXACT_INT   ((int64_t)1 << 53)
#define JSON_NUMBER_SIZE 32 /* enough for any printed double */

/* Eight bytes, the first in the lowest bits. */
static inline uint64_t json_load(const char *p) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return le64toh(word);
}

/* 0x80 in each byte of `word` below n (n <= 128); bytes of 0x80 and up are left out. The lowest
 * mark is exact, those above it may be false. */
static inline uint64_t json_marks_below(uint64_t word, uint8_t n) {
    return (word - 0x0101010101010101u * n) & ~word & 0x8080808080808080u;
}

static inline uint64_t json_marks_equal(uint64_t word, uint8_t c) {
    return json_marks_below(word ^ (0x0101010101010101u * c), 1);
}

/* Which of the eight bytes has the lowest mark. */
static inline int json_first_mark(uint64_t marks) {
    return __builtin_ctzll(marks) / 8;
}

/* Whether c stands for itself in a string: printable ASCII but the quote and the backslash. */
static inline bool json_is_plain(unsigned char c) {
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The first byte in [p, end) that is not plain, or end. */
static inline const char *json_plain_end(const char *p, const char *end) {
    for (; end - p >= 8; p += 8) {
        uint64_t word = json_load(p);
        uint64_t marks = json_marks_below(word, 0x20) | json_marks_equal(word, '"') |
                         json_marks_equal(word, '\\') | (word & 0x8080808080808080u);
        if (marks) {
            return p + json_first_mark(marks);
        }
    }
    while (p < end && json_is_plain((unsigned char)*p)) {
        p++;
    }
    return p;
}

/* The length of the UTF-8 character at p, 1 to 4; 0 if it is none (overlong, surrogate, cut). */
size_t json_utf8_length(const char *p, const char *end);
/* Appends a code point as UTF-8 without escaping; returns its length. `to` has four bytes. */
size_t json_utf8_put(char *to, uint32_t code);
/* The place after one canonical escape at p (which holds a backslash), with the character that it
 * stands for; NULL when it is no canonical escape. */
const char *json_escape_end(const char *p, const char *end, unsigned char *c);
/* Appends one character below 0x80 as it stands in a canonical string. */
void json_put_ascii(keel_buf *out, unsigned char c);
/* Order of two keys as they stand between their quotes in canonical bytes. */
int json_compare_quoted(const char *a, size_t alen, const char *b, size_t blen);

/* Reads a number by JSON's grammar. NULL, *next behind it and *value; or what is wrong, with *next
 * at the byte at fault. */
const char *json_number_read(const char *p, const char *end, const char **next, double *value);
/* Prints a finite double as ECMAScript does; returns the length. */
size_t json_number_print(char to[JSON_NUMBER_SIZE], double value);
size_t json_integer_print(char to[JSON_NUMBER_SIZE], int64_t value);

/* Fills *err (which may be NULL) and returns -1. */
int json_fail(keel_json_error *err, const char *start, const char *at, const char *message, ...)
    __attribute__((format(printf, 4, 5)));
/* The same for a byte that cannot stand at `at`, or an end that comes too early. */
int json_fail_byte(keel_json_error *err, const char *start, const char *at, const char *end,
                   const char *wanted);

#endif
