/* Mail providers: where their servers are, and what is odd about their logins. */
#ifndef CLI_MAILHOSTS_H
#define CLI_MAILHOSTS_H

#include <stdbool.h>

typedef struct mailhost {
    char *imap, *smtp; /* addresses; the caller frees them */
    const char *name;  /* of a known provider, for people; NULL: its own domain, servers guessed */
    const char *note;  /* what to know before one logs in, or NULL */
    const char *sent;  /* its folder of sent mail where that is not "Sent", or NULL */
    bool copies;       /* it files what it sends by itself */
} mailhost;

/* For the domain of a mail address: a known provider's, else imap.DOMAIN and smtp.DOMAIN. */
mailhost mailhosts_of(const char *domain);
/* What to know before one logs in at this server ("imap.gmail.com"), or NULL. */
const char *mailhosts_note(const char *host);

#endif
