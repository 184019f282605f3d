/* The story of one effect as text, as `keel why` prints it for people. */
#ifndef CLI_WHY_H
#define CLI_WHY_H

#include "cli.h"

/* word: a number of the inbox, or RUN:PATH. */
int why_text(cli *c, const char *word, keel_buf *out, diag *d);

#endif
