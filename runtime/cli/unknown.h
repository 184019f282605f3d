/* One effect whose outcome nobody knows, or knew: its card with the whole story. */
#ifndef CLI_UNKNOWN_H
#define CLI_UNKNOWN_H

#include "cli.h"

/* word: a number of `keel inbox`, or RUN/PATH. Prints the card, or one JSON object. */
int unknown_show(cli *c, const char *word, diag *d);

#endif
