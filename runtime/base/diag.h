/* What a person is told when something is wrong: what happened and why, what to do next, and the
 * place in a file if a file is at fault. Filled by the function that fails, printed once by the
 * caller that handles it. A diag argument may be NULL. */
#ifndef DIAG_H
#define DIAG_H

#include <stdio.h>

/* Negative return codes of the host's own functions. They map to the CLI's exit codes. */
enum {
    DIAG_OK = 0,
    DIAG_FAILED = -1,    /* exit 1 */
    DIAG_USAGE = -2,     /* exit 2: the caller's words, or a file of theirs, are wrong */
    DIAG_WAITING = -3,   /* exit 3: waits for a person */
    DIAG_AUTH = -4,      /* exit 4: the passphrase or the peer is not the right one */
    DIAG_DENIED = -5,    /* exit 5: policy said no */
    DIAG_NOT_FOUND = -6, /* exit 6 */
    DIAG_CONFLICT = -7,  /* exit 1: same request id, other body; already decided; locked */
    DIAG_STORAGE = -8    /* exit 1: the disk or the database */
};

typedef struct diag {
    int code;
    int line; /* 1-based; 0: no place */
    int column;
    char file[256];
    char what[768]; /* one or two sentences, no newline at the end */
    char next[384]; /* what to do next; may be empty */
} diag;

/* Each returns `code`, so that `return diag_set(d, DIAG_FAILED, ...)` reads well. */
int diag_set(diag *d, int code, const char *what, ...) __attribute__((format(printf, 3, 4)));
int diag_at(diag *d, int code, const char *file, int line, int column, const char *what, ...)
    __attribute__((format(printf, 6, 7)));
/* Adds what to do next; returns d's code (or DIAG_FAILED when d is NULL). */
int diag_next(diag *d, const char *next, ...) __attribute__((format(printf, 2, 3)));
/* "file:line:column: what\n  next\n", or "keel: what\n  next\n" without a file. */
void diag_print(FILE *to, const diag *d);
int diag_exit_code(int code);

#endif
