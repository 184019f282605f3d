/* to_origin: does a write answer something, and go to nobody but who has written that? Pure: what was read
 * is looked up by the kernel (kernel/reply.c). Everything here was written by strangers or by an agent, and
 * what is not plainly the same is another.
 *
 * An address, or whatever the connector calls whom it sends to, is compared as it stands, but for the case of
 * an ASCII domain. One that is not plain is nobody's: one with a name beside it, with more than one @, with
 * spaces, commas, brackets, quotes or anything beyond ASCII. So two writings of one IDN are two, and a
 * look-alike is another. An item that names no such sender, or several, was written by nobody. */
#ifndef REPLY_H
#define REPLY_H

#include "policy.h"

#define REPLY_ID_BYTES 998 /* the longest name of an item that is compared */

/* The one address that all recipients of a write have, and what it answers. false: it goes to nobody or to
 * several, or answers nothing or several things; then it is no reply, whatever was read. */
bool reply_asked(const manifest_attr *a, keel_json args, keel_buf *to, keel_buf *id);
/* An item that was read: its name, and who has written it; empty: nobody that could be told. false: nothing
 * can be an answer to it. */
bool reply_item(const manifest_resource *r, keel_json item, keel_buf *id, keel_buf *sender);

#endif
