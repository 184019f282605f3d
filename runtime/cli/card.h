/* One item that needs a person, with all that its card shows, read from the journal. */
#ifndef CLI_CARD_H
#define CLI_CARD_H

#include "cli.h"
#include "render.h"

typedef struct card card;

/* DIAG_NOT_FOUND when there is no such number. */
int card_load(cli *c, int64_t number, card **out, diag *d);
void card_free(card *k);
int card_none(const char *number, diag *d); /* DIAG_NOT_FOUND, and what to do */

const render_card *card_shown(const card *k);
const char *card_kind(const card *k); /* "approval" | "unknown" */
bool card_is_open(const card *k);     /* an approval that can be given */
/* A person reads it now: told to the kernel, for budgets of attention. */
void card_seen(cli *c, const card *k);
void card_print(const cli *c, const card *k);
void card_json(const card *k); /* one object and a line break */

#endif
