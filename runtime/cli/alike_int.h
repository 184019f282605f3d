/* What alike.c and alike_notes.c share. */
#ifndef CLI_ALIKE_INT_H
#define CLI_ALIKE_INT_H

#include <stdint.h>

#include "alike.h"
#include "script.h"

#define ALIKE_NAME_MAX 320 /* bytes: no domain and no address is longer */

typedef struct alike_name {
    char *name; /* in small letters */
    char *skeleton;
    const char *what;
    bool own;
    size_t next; /* of its bucket, from 1; 0: the last */
} alike_name;

struct alike_known {
    alike_name *list;
    size_t count, room;
    size_t *first; /* by skeleton */
};

/* The known name that this one is; k may be NULL. */
const alike_name *alike_is_known(const alike_known *k, const char *name, size_t len);
/* A known name, or known address, that this one looks like and is not. */
const alike_name *alike_looks_like(const alike_known *k, const char *name, size_t len);
/* The next word of a text that may be a name, without the signs around it. */
bool alike_word(const char *text, size_t len, size_t *at, const char **word, size_t *word_bytes);

/* ---- alike_domain.c ---- */

typedef struct notes {
    keel_buf *out;
    size_t from; /* where the first begins in out */
    size_t indent, count, more;
    const alike_known *known;
} notes;

#define LETTERS_MAX 8

typedef struct letters {
    unsigned scripts; /* bits */
    int32_t odd[LETTERS_MAX];
    size_t count; /* of those beyond ASCII */
    bool mixed;   /* within one word */
} letters;

/* A line of our own words, each once. Frees text. */
void alike_say(notes *n, keel_buf *text);
void alike_say_not(notes *n, const char *name, size_t len, const alike_name *like);
void alike_too_long(notes *n, size_t len);
letters alike_letters(const char *text, size_t len);
/* "Cyrillic and Latin letters in one word: U+0435 Cyrillic" */
void alike_put_letters(keel_buf *out, const letters *l);
bool alike_is_ascii(const char *text, size_t len);
bool alike_is_dot(int32_t cp);
void alike_domain(notes *n, const char *host, size_t len);

#endif
