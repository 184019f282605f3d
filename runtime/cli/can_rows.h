/* How the page of `keel can` is laid out. */
#ifndef CLI_CAN_ROWS_H
#define CLI_CAN_ROWS_H

#include "cli.h"

void can_head(const cli *c, keel_buf *out, const char *text); /* of a section */
/* Text, wrapped at blanks: from column `at` on, and further lines from `indent` on. Ends the line. */
void can_fill(const cli *c, keel_buf *out, const char *text, size_t at, int indent);
/* "  WORD      TEXT", wrapped; the word is tinted. */
void can_row(const cli *c, keel_buf *out, tint as, const char *word, const char *text);

#endif
