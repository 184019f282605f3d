/* A line of a file with a caret under one of its characters: where a fault is. Without state. */
#ifndef CLI_POINTER_H
#define CLI_POINTER_H

#include "term.h"

/* Two lines, escaped as in text.h: of `text`, the `line` (from 1) and the mark below its `column` (in
 * characters, from 1). A line that is longer than the terminal is cut around the mark. Nothing when
 * there is no such line. */
void pointer_lines(keel_buf *out, const char *text, size_t len, int line, int column,
                   const term *t);

#endif
