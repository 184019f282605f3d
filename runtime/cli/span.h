/* --since SPAN, as a time. */
#ifndef CLI_SPAN_H
#define CLI_SPAN_H

#include <stdint.h>

#include "diag.h"

/* So long ago, in microseconds of the wall clock; 0 where text is NULL. DIAG_USAGE. */
int span_since(const char *text, int64_t *since_us, diag *d);

#endif
