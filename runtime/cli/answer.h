/* What answers a question, from what a person wrote. */
#ifndef CLI_ANSWER_H
#define CLI_ANSWER_H

#include "card.h"

/* How many answers there are to choose from: choices, or yes and no. 0: it is written. */
size_t answer_choices(keel_json args);
/* Appends the canonical value. choice: from 1, or 0, and text then is what was written. DIAG_USAGE when it
 * answers no such question. */
int answer_value(keel_json args, int64_t number, size_t choice, const char *text, keel_buf *out,
                 diag *d);
/* The arguments of the command `answer`. */
void answer_args(int64_t number, keel_json value, keel_buf *out);

#endif
