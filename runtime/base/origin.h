/* Addresses that may be spoken to: parsed strictly, compared, written back in one form. What is not
 * written in the usual way is refused instead of guessed, so that no two readers disagree. */
#ifndef ORIGIN_H
#define ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "keel/buf.h"

typedef struct origin {
    char scheme[8];   /* http https imap imaps smtp smtps tls tcp */
    char host[256];   /* small letters; an IPv6 address without its brackets */
    uint16_t port;    /* of the scheme, where the URL names none (smtp: 587); tls and tcp must name
                         one */
    bool literal;     /* host is an IP address, or "localhost" */
    const char *path; /* what follows: "/v1?x=1", or ""; borrowed from the text that was parsed */
    size_t path_len;
} origin;

/* Refuses: other schemes, user information, fragments, control characters, spaces, backslashes,
 * bytes that are not ASCII, percent signs in the host, IP addresses in any but the usual form
 * (127.1, 0x7f.1, 2130706433, 017700000001), an empty host, a trailing dot, port 0, "." and ".." as
 * path segments, plain or percent-encoded, percent signs without two hex digits, and a path where
 * the scheme is none of http's. 0 or DIAG_USAGE, with out untouched; the message shows no user
 * information and no query. */
int origin_parse(origin *out, const char *url, size_t len, diag *d);
/* scheme://host:port/path, always with the port; an empty path of http is "/". */
void origin_write(const origin *o, keel_buf *out);
/* Same scheme, host and port, and the path below: "/v1" covers "/v1", "/v1/x" and "/v1?q", not
 * "/v10"; an empty path or "/" covers all. */
bool origin_covers(const origin *allowed, const origin *o);
/* A policy's pattern: an origin whose host may begin with "*." (any name below it, not itself). */
int origin_pattern_check(const char *pattern, diag *d);
bool origin_pattern_covers(const char *pattern, const origin *o);

#endif
