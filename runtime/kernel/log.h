/* The log of `keel up`: one readable line per event on stderr. */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include "main.h"

/* "12:03:04 warn  run 12  text". Control characters of text are escaped. Never blocks for long: a
 * line that cannot be written is dropped. */
void log_line(const kernel_settings *s, const char *level, uint64_t run_id, const char *text);
void log_warnings(const kernel_settings *s, const keel_buf *warnings); /* a JSON array of texts */

#endif
