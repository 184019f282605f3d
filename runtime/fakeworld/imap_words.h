/* IMAP commands as bytes: when one is whole, and its words. */
#ifndef FAKEWORLD_IMAP_WORDS_H
#define FAKEWORLD_IMAP_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keel/buf.h"

#define IMAP_WORDS 512

typedef enum imap_kind { IMAP_END, IMAP_ATOM, IMAP_TEXT, IMAP_OPEN, IMAP_CLOSE } imap_kind;

typedef struct imap_word {
    imap_kind kind;
    const char *text; /* NUL-terminated */
    size_t len;
} imap_word;

/* Words of a command without its tag. `at` is the next one that is read. */
typedef struct imap_words {
    imap_word items[IMAP_WORDS];
    size_t count, at;
    char *text; /* owns the words */
} imap_words;

typedef struct imap_gather {
    size_t at, line; /* behind what was looked at; where its last line begins */
} imap_gather;

/* How many bytes a command takes; 0: it is not whole, and if *go_on, its client waits for a "+". */
size_t imap_gather_next(imap_gather *g, const char *data, size_t len, bool *go_on);
/* Takes a whole command apart. false: it is none. The tag is copied. */
bool imap_words_split(imap_words *w, const char *data, size_t len, char *tag, size_t size);
void imap_words_free(imap_words *w);
/* The next word; the last is one of kind IMAP_END, again and again. */
const imap_word *imap_words_next(imap_words *w);
const imap_word *imap_words_peek(const imap_words *w);
/* The next word, if it is an atom or a text; NULL: it is not. */
const char *imap_words_text(imap_words *w);
bool imap_word_is(const imap_word *w, const char *atom);
/* Whether "1,3:5,9:*" has the number; * is `last`. */
bool imap_set_has(const char *set, int64_t n, int64_t last);
bool imap_set_valid(const char *set);
/* Appends a string of the protocol: quoted, or a literal where it must be one. */
void imap_put(keel_buf *out, const char *text, size_t len);

#endif
