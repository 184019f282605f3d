/* The files of a new workspace, as text. */
#ifndef CLI_INITFILE_H
#define CLI_INITFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "diag.h"
#include "keel/buf.h"

typedef struct init_answers {
    char *name;
    char *mail; /* absolute path of a Maildir or an mbox file; "" for none */
    bool mbox;
    char
        *user; /* "ada@studio.example", whose account is read over the network; NULL: a folder is */
    char *imap, *smtp; /* its servers */
    char *ca;          /* absolute path of certificates that they may have, or NULL */
    const char *sent;  /* its folder of sent mail, or NULL: the connector's default */
    bool copies;       /* the provider files what is sent by itself */
    const char *note;  /* what to know before one logs in, or NULL */
    char *outbox;      /* absolute path of a Maildir */
    char *sender;      /* "Ada Owner <ada@studio.example>" */
    char *domains;     /* own domains, parted by commas or spaces */
    char *currency;
    char *timezone;
} init_answers;

void initfile_keel(const init_answers *a, keel_buf *out);
/* The shipped policy with own domains, currency and time zone put where they belong. */
void initfile_policy(const init_answers *a, const char *text, size_t len, keel_buf *out);
/* "ada@studio.example" of "Ada <ada@studio.example>"; "" when there is none. */
void initfile_address(const char *sender, keel_buf *out);

#endif
