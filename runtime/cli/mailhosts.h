/* Mail providers: where their servers are, and what is odd about their logins. */
#ifndef CLI_MAILHOSTS_H
#define CLI_MAILHOSTS_H

#include <stdbool.h>

#include "keel/buf.h"

/* The addresses for a mail domain, appended: a known provider's own, else imap.DOMAIN and smtp.DOMAIN.
 * Returns the provider's name for people, or NULL. */
const char *mailhosts_of(const char *domain, keel_buf *imap, keel_buf *smtp);
/* What to know before one logs in at this server ("imap.gmail.com"), or NULL. */
const char *mailhosts_note(const char *host);

#endif
