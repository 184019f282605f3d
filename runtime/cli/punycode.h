/* One label of a domain as `xn--...` and back (RFC 3492). Nothing is mapped but ASCII letters to small
 * ones. Pure. */
#ifndef CLI_PUNYCODE_H
#define CLI_PUNYCODE_H

#include <stdbool.h>
#include <stddef.h>

#include "keel/buf.h"

/* A label of UTF-8; one of ASCII is appended as it is. false, and nothing appended: no UTF-8, or more
 * than 63 bytes would come of it. */
bool punycode_encode(keel_buf *out, const char *label, size_t len);
/* What stands behind "xn--", as UTF-8. false, and nothing appended: it is none. */
bool punycode_decode(keel_buf *out, const char *ascii, size_t len);

#endif
