/* Text that others wrote, made safe to show on a terminal, and measured.
 *
 * Shown as \u{HEX}: control characters (so no ANSI sequence survives), marks that change direction,
 * characters that take no room or stand for nothing (zero width, tags, fillers, variation
 * selectors), and combining marks beyond the fourth in a row. Bytes that are not UTF-8 are shown as
 * \x{HEX}. A backslash that would read like the beginning of such a form is itself shown as \u{5c},
 * so what is shown has exactly one meaning. Without state; safe from any thread. */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keel/buf.h"

/* The code point at the start of text and how many bytes it takes; -1 and one byte when the bytes
 * are no UTF-8. len > 0. */
int32_t text_next(const char *text, size_t len, size_t *used);
bool text_is_hidden(int32_t cp);

/* Appends text on one line: line breaks and tabs are shown as \n and \t, blanks other than the usual
 * space as \u{HEX}. */
void text_line(keel_buf *out, const char *text, size_t len);
/* The same for one line of a longer text: a tab becomes spaces. The caller has split at \n. */
void text_escape(keel_buf *out, const char *text, size_t len);
/* One line of what is signed: no two lines look alike. Tabs, other blanks and a space at the end are
 * shown as \u{HEX} too. */
void text_exact(keel_buf *out, const char *text, size_t len);
/* The same JSON, to be printed: in its texts what is hidden is written as \uXXXX. */
void text_json(keel_buf *out, const char *json, size_t len);

/* Terminal columns of text that went through one of the above. */
size_t text_width(const char *text, size_t len);
/* How many bytes of it fit into `columns`. */
size_t text_fit(const char *text, size_t len, size_t columns);

/* ---- numbers for people ---- */

void text_count(keel_buf *out, int64_t n); /* 1,234,567 */
void text_money(keel_buf *out, int64_t micros,
                const char *currency);     /* 0.002 USD; two decimals at least */
void text_span(keel_buf *out, int64_t us); /* "3 h 12 min", "250 ms" */
void text_time(keel_buf *out, int64_t us); /* local, "2026-11-22 19:12:03" */
/* "1 record", "3 records" */
void text_plural(keel_buf *out, int64_t n, const char *one, const char *many);
/* A decimal number and nothing else. */
bool text_number(const char *text, int64_t *out);

#endif
