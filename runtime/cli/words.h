/* A digest as six words that a person can compare at a glance: the first six bytes, one word each.
 */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keel/buf.h"

#define WORDS_SHOWN 6

extern const char *const words_list[256]; /* all different, 3 to 8 letters */

/* bytes: at least WORDS_SHOWN. Words are parted by one space. */
void words_append(keel_buf *out, const uint8_t *bytes);
/* The same from a digest in hex; false (and nothing appended) when it is too short or no hex. */
bool words_from_hex(keel_buf *out, const char *hex);

#endif
