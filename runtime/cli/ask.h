/* Questions on the terminal, each with a default that a bare Enter takes. */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include <stdbool.h>

#include "cli.h"

/* Whether there is a person to ask: standard input and stderr are terminals, and not --no-input. */
bool ask_possible(const cli *c);
/* Prints `help` and `question [default]: `; returns the answer or the default, to be freed. With
 * nobody to ask: the default. NULL when the input has ended. fallback may be "". */
char *ask_text(const cli *c, const char *help, const char *question, const char *fallback);

#endif
