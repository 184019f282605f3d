/* The items that a command names. */
#ifndef CLI_ITEMNUMBERS_H
#define CLI_ITEMNUMBERS_H

#include "cli.h"

/* Numbers from words such as 3, 4 and B2, each once, in order of the words. */
#define NUMBERS_MAX 500
typedef struct numbers {
    int64_t list[NUMBERS_MAX];
    size_t count;
    bool from_batch; /* at least one came from a batch */
} numbers;
int numbers_read(cli *c, const options *o, numbers *out, diag *d);
/* {..."items":[N]...}: just the array. */
void numbers_json(const numbers *n, keel_buf *out);

#endif
