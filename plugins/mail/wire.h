/* What an IMAP server says, taken apart. Pure: bytes in, words out; no stream, no host. The bytes are
 * another machine's, so that every length is checked before it is believed.
 *
 * A response is one line, or a line that continues behind literals: "* 1 FETCH (BODY[] {3}\r\nabc)\r\n".
 * wire_frame finds where it ends, wire_next takes the words out of it. */
#ifndef MAIL_WIRE_H
#define MAIL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keel/buf.h"

#define WIRE_LINE                                                                                  \
    (4u << 20) /* bytes of a response without its literals: a SEARCH lists all its finds in one */
#define WIRE_LITERAL  (15u << 20) /* bytes of one literal */
#define WIRE_RESPONSE (16u << 20) /* bytes of a response with all of them */
#define WIRE_DEPTH    32          /* nested lists */

/* How far a response that is still coming has been looked at. Zeroed: at its first byte. */
typedef struct wire_frame {
    size_t at;       /* looked at up to here */
    size_t line;     /* where this part of its line began */
    size_t literals; /* bytes of literals so far */
} wire_frame;

/* Looks at data, which begins with the response and grows between calls. 1: whole, *end is its length
 * with CRLF, and f is as new. 0: more is needed. -1: longer than a limit, or no line of IMAP. */
int wire_frame_next(wire_frame *f, const char *data, size_t len, size_t *end);

typedef enum wire_kind {
    WIRE_END,   /* nothing more */
    WIRE_BAD,   /* no IMAP; nothing more follows */
    WIRE_ATOM,  /* also numbers, NIL, \Flags, BODY[...]<0> and [CODE with words] */
    WIRE_TEXT,  /* a quoted string or a literal */
    WIRE_OPEN,  /* ( */
    WIRE_CLOSE, /* ) */
} wire_kind;

typedef struct wire_word {
    wire_kind kind;
    const char *data; /* of a text without its quotes, backslashes still in */
    size_t len;
    bool escaped; /* a quoted text with backslashes */
} wire_word;

typedef struct wire_scan {
    const char *at;
    const char *end;
    int depth;
} wire_scan;

void wire_begin(wire_scan *s, const char *data, size_t len);
wire_kind wire_next(wire_scan *s, wire_word *w);
/* Leaves out one value: a word, or a list with all that is in it; *w is its first word. false at the
 * end, at a ")" and at what is no IMAP. */
bool wire_skip(wire_scan *s, const wire_word *w);
/* The rest of the line as text for a person: at most `size` - 1 bytes, printable. */
void wire_rest(const wire_scan *s, char *to, size_t size);

bool wire_is(const wire_word *w, const char *atom); /* without case */
bool wire_begins(const wire_word *w, const char *prefix);
bool wire_number(const wire_word *w, uint64_t *out);
/* Appends the word's text, backslashes resolved. */
void wire_text(const wire_word *w, keel_buf *out);
/* The number in a code such as [UIDVALIDITY 12]. */
bool wire_code(const wire_word *w, const char *name, uint64_t *out);

#endif
