/* How connections are, as the running kernel tells it. */
#ifndef CLI_TROUBLES_H
#define CLI_TROUBLES_H

#include "cli.h"

/* The kernel's `status` into *out; left empty when none runs. */
void troubles_ask(cli *c, keel_buf *out);
/* The state of a connection's executor, or NULL. */
const char *troubles_state(const keel_buf *status, const char *connection, char *out, size_t size);
/* What the kernel says of a way to tell people; none: it knows of none. */
keel_json troubles_notifier(const keel_buf *status, const char *name);
/* The first connection that is in trouble, or NULL. */
const char *troubles_first(const keel_buf *status, char *out, size_t size);
/* "warning: inbox: imap.studio.example:993 refuses the login. ... (2 min ago)", a line each; and those
 * that rest. */
/* A line of what waits for a person's attention, if anything does. */
void troubles_gathered(const keel_buf *status, keel_buf *out);
void troubles_print(cli *c, const keel_buf *status);

#endif
