/* The difference of two texts by lines, escaped, behind - and +. */
#ifndef CLI_DIFF_H
#define CLI_DIFF_H

#include <stddef.h>

#include "keel/buf.h"
#include "term.h"

/* Appends the lines that differ, with up to two unchanged lines around them. Returns how many lines
 * were taken away or added. */
size_t diff_lines(keel_buf *out, const char *old, size_t old_len, const char *new_, size_t new_len,
                  const term *on);

#endif
