/* What is stuck, as a card: the whole context of one item. */
#ifndef CLI_STUCK_H
#define CLI_STUCK_H

#include "cli.h"

bool stuck_is(cli *c, int64_t number); /* an item of this kind, open or closed */
/* Prints the card, or one JSON object. DIAG_NOT_FOUND when it is nothing that was stuck. */
int stuck_text(cli *c, int64_t number, const term *on, keel_buf *out, diag *d); /* the card */
int stuck_show(cli *c, int64_t number, diag *d);

#endif
