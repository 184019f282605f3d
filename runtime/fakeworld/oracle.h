/* The scripted outside's own log: what reached it and what it did, a line of canonical JSON each.
 * Append-only; a line that says that something was applied is on the disk before its answer leaves.
 *
 *   {"applied":bool,"at_us":N,"body_digest":HEX,"fault":NAME|null,"key":S|null,"method":S,"path":S,
 *    "query":S,"status":N}
 *
 * The faces of mail say other things of what they do; `key` is the Message-ID, `status` the code of
 * SMTP or the word of IMAP ("": none was given), and `digest` is of the message's bytes:
 *
 *   {"applied":bool,"at_us":N,"copies":N,"digest":HEX|null,"face":"smtp","fault":NAME|null,"from":S|null,
 *    "key":S|null,"method":S,"recipients":[S],"status":S,"user":S|null}
 *   {"applied":bool,"at_us":N,"digest":HEX|null,"face":"imap","fault":NAME|null,"folder":S|null,
 *    "key":S|null,"method":S,"status":S,"to":S|null,"uids":[N],"user":S|null}
 *
 * One line for a request (applied false), when its answer is decided; status 0: none was given. One
 * line more (applied true) for each change that it caused, at the moment of the change. */
#ifndef FAKEWORLD_ORACLE_H
#define FAKEWORLD_ORACLE_H

#include "request.h"
#include "script.h"

/* fd -1: nothing is written. 0 or -errno. */
int oracle_request(int fd, const route *r, const request *q, const char *befallen, int status);
int oracle_applied(int fd, const route *r, const request *q, const char *befallen, int status);

typedef struct mail_line {
    bool applied;
    face_kind face;
    const char *method, *status;
    const char *befallen, *user, *key, *from; /* or NULL */
    const char *folder, *to;                  /* or NULL; to: of a COPY or MOVE */
    const char *bytes;                        /* of the message, or NULL */
    size_t len;
    const char *const *recipients;
    size_t recipient_count;
    int64_t copies; /* letters that were laid in mailboxes */
    const int64_t *uids;
    size_t uid_count;
} mail_line;

int oracle_mail(int fd, const mail_line *l);

#endif
