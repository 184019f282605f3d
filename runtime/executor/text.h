/* Text from plugins and disks, made fit for messages. */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>

#include "keel/buf.h"

/* Replaces, in place, control characters by "?", and every byte beyond ASCII too if the text is no
 * valid UTF-8. */
void text_clean(char *text);
/* How much of the text stays within limit bytes, without cutting a character of UTF-8 in two. */
size_t text_cut(const char *text, size_t len, size_t limit);
/* Appends text as a JSON string, cut at limit; if it is no UTF-8, bytes beyond ASCII become "?". */
void text_quote(keel_buf *out, const char *text, size_t len, size_t limit);

#endif
