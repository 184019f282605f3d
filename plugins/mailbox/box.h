/* One connection: its config and what the host lends. The verbs of plugin.c live in read.c (with
 * read_mbox.c and read_maildir.c) and outbox.c. */
#ifndef MAILBOX_BOX_H
#define MAILBOX_BOX_H

#include "keel/fs.h"
#include "keel/json.h"
#include "keel/plugin.h"
#include "mail.h"

typedef struct box {
    const keel_host *host;
    const keel_fs *fs;
    char *source; /* folder that is read: a Maildir, or a folder with an mbox; NULL: none */
    char *file;   /* the mbox's name in it; NULL: its only file */
    char *outbox; /* Maildir that is written; NULL: none */
    char *from_name;
    char *from;
    mail_owner owner; /* `from` and `addresses` */
    bool drained;     /* something else takes mail out of the outbox */
    size_t text_limit;
} box;

/* 0, or -1 with what is wrong with the connection's config in problem. b is to be finished in both
 * cases. */
#define BOX_PROBLEM 300
int box_configure(box *b, keel_json config, char problem[BOX_PROBLEM]);
void box_finish(box *b);

/* fail() with a formatted sentence. */
keel_status box_fail(const box *b, keel_call *call, keel_status status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

keel_status box_read(box *b, keel_call *call, const keel_request *r);
keel_status box_write(box *b, keel_call *call, const keel_request *r);
keel_status box_reconcile(box *b, keel_call *call, const keel_request *r);

#endif
