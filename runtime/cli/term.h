/* What one output stream can show: colour and width only where a person looks at a terminal. */
#ifndef CLI_TERM_H
#define CLI_TERM_H

#include <stdbool.h>
#include <stddef.h>

#include "keel/buf.h"

typedef enum tint { TINT_NONE, TINT_DIM, TINT_BOLD, TINT_GOOD, TINT_WAIT, TINT_BAD, TINT_ODD } tint;

typedef struct term {
    bool terminal;
    bool colour;  /* a terminal, NO_COLOR unset or empty, TERM not "dumb" */
    size_t width; /* columns; 0: no limit */
} term;

term term_of(int fd);
const char *term_tint(const term *t, tint c); /* the sequence, or "" */
const char *term_plain(const term *t);        /* back to normal, or "" */
void term_put(const term *t, keel_buf *out, tint c, const char *text);
/* The tint of an outcome's word: done, waiting, denied, unknown ... */
tint term_outcome(const char *state);

#endif
