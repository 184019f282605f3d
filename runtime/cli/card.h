/* One item that needs a person, with all that its card shows, read from the journal. */
#ifndef CLI_CARD_H
#define CLI_CARD_H

#include "cli.h"
#include "render.h"

typedef struct card card;

/* DIAG_NOT_FOUND when there is no such number. */
int card_load(cli *c, int64_t number, card **out, diag *d);
void card_free(card *k);

const render_card *card_shown(const card *k);
const char *card_kind(const card *k); /* "approval" | "unknown" */
bool card_is_open(const card *k);     /* an approval that can be given */
void card_print(const cli *c, const card *k);
void card_json(const card *k); /* one object and a line break */

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
