/* One message to be sent: checked, then written as RFC 5322 bytes. Pure, except that the caller
 * gives the date. What is accepted is strict on purpose: policy decides by what stands behind the
 * "@" of each address, so an address is exactly local@domain, without a name, a comment or a second
 * "@". */
#ifndef MAILPARTS_MAIL_FORMAT_H
#define MAILPARTS_MAIL_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keel/buf.h"
#include "keel/json.h"
#include "mail.h"

#define DRAFT_RECIPIENTS 100
#define DRAFT_SUBJECT    900
#define DRAFT_BODY       (1u << 20)
#define DRAFT_REFERENCES 50
#define DRAFT_PROBLEM    240

typedef struct mail_draft {
    mail_list to;
    mail_list cc;
    mail_list bcc;
    mail_list references;
    char *subject;
    char *body; /* LF */
    char *in_reply_to;
} mail_draft;

/* {"to":A|[A],"cc"?,"bcc"?,"subject":S,"body":S,"in_reply_to"?:ID,"references"?:[ID]}. true, or
 * false with what is wrong in problem; d is to be finished in both cases. */
bool draft_parse(mail_draft *d, keel_json body, char problem[DRAFT_PROBLEM]);
void draft_finish(mail_draft *d);
/* Whether text is exactly local@domain in plain ASCII. */
bool draft_is_address(const char *text);

/* Splits "Ada Owner <ada@studio.example>" or a plain address; false if it is neither. Both results
 * are to be freed. */
bool draft_sender(const char *text, char **name, char **address);

/* Appends the message. message_id without <>. The text is UTF-8, 7-bit clean on the wire. */
void draft_format(keel_buf *out, const mail_draft *d, const char *from_name, const char *from,
                  const char *message_id, int64_t date_us);

#endif
