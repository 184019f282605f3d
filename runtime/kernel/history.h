/* What a run has recorded, as its executor is told it at a replay. Fed with the records of one run in
 * their order; the kernel sends it to go on from it (replay.c), `keel replay` to see whether the same
 * comes out. Pure but for history_args, which reads. */
#ifndef KERNEL_HISTORY_H
#define KERNEL_HISTORY_H

#include "protocol.h"
#include "store.h"

typedef struct history {
    keel_buf input;
    int64_t previous; /* seq of a run.end, 0: none */
    keel_buf records; /* i64 seq + u32 length + X_RECORD's body, each */
    uint32_t count;
    bool erased; /* a body that a replay needs is gone: nothing behind it was taken */
    char erased_path[PATH_LIMIT];
    keel_buf outcome; /* scratch */
    char kind[16], name[256], hash[17];
} history;

void history_add(history *h, const journal_row *row);
/* The next X_RECORD's body; *at begins with 0. */
bool history_next(const history *h, size_t *at, keel_json *body);
/* The path of such a body. */
void history_path(keel_json body, char path[PATH_LIMIT]);
void history_free(history *h); /* what it holds */

/* Appends the arguments of a call as X_CALL has them, taken from what stands in the journal of it,
 * where they can be told for certain: they have the digest that was recorded. Else nothing.
 * DIAG_STORAGE when the journal cannot be read. */
int history_args(reader *r, uint64_t run, const char *path, keel_buf *out, diag *d);
/* Whether a call with these arguments has that digest. */
bool history_certain(const char *kind, const char *name, const keel_buf *args, const char *call);
/* The arguments of a sleep or a receive from its record; {} when they cannot be told. */
void history_span(const char *kind, const journal_row *row, keel_buf *args);

#endif
