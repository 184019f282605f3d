/* What is polled, and how that goes. */
#ifndef CLI_POLLS_H
#define CLI_POLLS_H

#include "cli.h"

/* "message 1 min, note 1 h", as keel.yaml says. */
void polls_words(const workspace_connection *k, keel_buf *out);
/* A line for each: when it was polled last and will be next, as the kernel's `status` tells it, and
 * what failed. Only what fails where failed is set. */
void polls_lines(cli *c, const workspace_connection *k, const keel_buf *status, bool failed,
                 keel_buf *out);

#endif
