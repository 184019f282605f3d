/* One message handed to an SMTP server over keel.stream/1: all recipients or none. The stream is past
 * the login when it is opened, so that the first word is MAIL FROM. */
#ifndef MAIL_SMTP_H
#define MAIL_SMTP_H

#include <stdbool.h>
#include <stddef.h>

#include "keel/buf.h"
#include "keel/plugin.h"
#include "keel/stream.h"

#define SMTP_LINE  2000 /* bytes of one line of an answer */
#define SMTP_LINES 100  /* lines of one answer */
#define SMTP_SAID  240

typedef struct smtp {
    const keel_host *host;
    const keel_stream *stream;
    keel_call *call;
    uint64_t id;
    keel_buf in;
    char said[SMTP_SAID]; /* the server's words: "550 no such user", or what broke */
    const char *about;    /* the address that was refused; NULL: the whole message */
    keel_status broke;
} smtp;

typedef enum smtp_result {
    SMTP_ACCEPTED, /* for all recipients */
    SMTP_REFUSED,  /* 5xx: not applied */
    SMTP_LATER,    /* 4xx: not applied */
    SMTP_NOT_SENT, /* the connection broke before the end of the message: not applied */
    SMTP_UNKNOWN   /* it broke behind the end of the message */
} smtp_result;

typedef struct smtp_envelope {
    const char *from;
    const char *const *to;
    size_t count;
    const keel_buf *bytes; /* CRLF lines, each beginning with "." doubled, without the final "." */
} smtp_envelope;

/* The status of open. */
keel_status smtp_open(smtp *s, const keel_host *host, const keel_stream *stream, keel_call *call,
                      const char *address);
smtp_result smtp_send(smtp *s, const smtp_envelope *e);
void smtp_close(smtp *s);

/* Appends LF lines as they go over the wire: CRLF, dots doubled, a line end at the end. */
void smtp_lines(keel_buf *out, const char *text, size_t len);

/* Takes one whole answer off data: its length, or 0 when more is needed, or -1 when it is no SMTP.
 * *code is its code; the text of its last line goes to said. */
long smtp_answer(const char *data, size_t len, int *code, char *said, size_t size);

#endif
