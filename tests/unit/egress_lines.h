/* A small server of lines on 127.0.0.1, in threads of the test. It greets with "* OK ready", and then
 * to each line:
 *
 *   TAG CAPABILITY           an IMAP server without STARTTLS, that knows AUTH=PLAIN
 *   TAG AUTHENTICATE PLAIN X the tag and OK, if X is me's "s3cret-Value_1"; else NO
 *   flood N                  N bytes of "x"
 *   mute                     nothing
 *   deaf                     nothing, and reads no more until the other side closes
 *   bye                      "bye", and closes
 *   anything else            the same back
 */
#ifndef EGRESS_LINES_H
#define EGRESS_LINES_H

#include <stdatomic.h>

#include "visitors.h"

typedef struct lines {
    visitors visitors;
    unsigned port;
    atomic_int open;    /* visitors that are there now */
    atomic_llong heard; /* bytes */
    int watch;          /* a descriptor, or -1 */
    atomic_int watched; /* whether it could be read when the last line came */
} lines;

void lines_start(lines *l);
void lines_stop(lines *l);

#endif
