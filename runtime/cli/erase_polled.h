/* What was polled stands in the record of the poll, and once more with each run that received it. An
 * erasure of one of them leaves the others. */
#ifndef CLI_ERASE_POLLED_H
#define CLI_ERASE_POLLED_H

#include "cli.h"

typedef struct polled_copy {
    int64_t event, item; /* -1: each of its items */
} polled_copy;

typedef struct polled_copies {
    polled_copy *all;
    size_t count;
} polled_copies;

/* A record that is going to be erased. */
void polled_copies_note(polled_copies *p, const journal_row *row);
/* A line that names those other records which seqs do not cover, if there are any. */
int polled_copies_write(cli *c, const polled_copies *p, const int64_t *seqs, size_t count,
                        keel_buf *out, diag *d);
void polled_copies_free(polled_copies *p);

#endif
