/* One connection: its config, what the host lends, the IMAP session that is kept. The verbs of plugin.c
 * live in read.c, send.c, prove.c and draft.c. */
#ifndef MAIL_ACCOUNT_H
#define MAIL_ACCOUNT_H

#include "imap.h"
#include "keel/clock.h"
#include "keel/json.h"
#include "keel/plugin.h"
#include "keel/stream.h"
#include "mail.h"
#include "mail_format.h"

#define KEY_LIMIT 120
#define ID_LIMIT  (KEY_LIMIT + 300)
#define RECENT    64

typedef enum copy_kind {
    COPY_SELF,   /* we are a recipient too, and move what arrives to Sent */
    COPY_SERVER, /* the provider puts it into Sent */
    COPY_APPEND  /* we put it into Sent when it was accepted: no proof if that was not seen */
} copy_kind;

typedef struct account {
    const keel_host *host;
    const keel_stream *stream;
    const keel_clock *clock;
    char *imap_address;
    char *smtp_address; /* NULL: only reads, and writes drafts */
    char *from_name;
    char *from;
    char *folder;
    char *sent;
    char *drafts;
    mail_owner owner;
    copy_kind copy;
    size_t text_limit;
    int64_t arrive_s; /* how long after both servers are seen up a message may still arrive */
    imap session;
    char recent[RECENT][KEY_LIMIT + 1]; /* keys that this instance has seen accepted */
    unsigned recent_next;
} account;

#define ACCOUNT_PROBLEM 300
int account_configure(account *a, keel_json config, char problem[ACCOUNT_PROBLEM]);
void account_finish(account *a);

/* fail() with a formatted sentence. */
keel_status account_fail(const account *a, keel_call *call, keel_status status, const char *format,
                         ...) __attribute__((format(printf, 4, 5)));
/* The session is up, or why it is not: retry or denied. */
keel_status account_begin(account *a, keel_call *call);
/* What an IMAP result other than OK means for a verb that has changed nothing. */
keel_status account_imap_failed(account *a, keel_call *call, imap_result r, const char *doing);
keel_status account_reply(const account *a, keel_call *call, keel_buf *out);

/* ---- letter.c: what is written ---- */

typedef struct letter {
    char key[KEY_LIMIT + 1];
    char id[ID_LIMIT]; /* keel.KEY@the domain of from */
    mail_draft draft;
    keel_buf bytes; /* CRLF lines; dots not doubled */
    size_t recipients;
} letter;

typedef enum letter_kind { LETTER_SENT, LETTER_DRAFT } letter_kind;

/* From a request's key and body. Finish it in all cases. */
keel_status letter_make(const account *a, keel_call *call, const keel_request *r, letter_kind kind,
                        letter *l);
void letter_finish(letter *l);
/* Whether this is the Message-ID of something that Keel wrote for this account. */
bool letter_is_ours(const account *a, const char *message_id);
/* The result of a write, the same whoever finds it out. copy: "appended" and the like, or NULL. */
void letter_write_ref(keel_json_writer *w, const letter *l, const char *copy);

/* ---- the verbs ---- */

keel_status message_read(account *a, keel_call *call, const keel_request *r);
keel_status message_write(account *a, keel_call *call, const keel_request *r);
keel_status message_reconcile(account *a, keel_call *call, const keel_request *r);
keel_status draft_write(account *a, keel_call *call, const keel_request *r);
keel_status draft_reconcile(account *a, keel_call *call, const keel_request *r);
keel_status draft_compensate(account *a, keel_call *call, const keel_request *r);

/* Looks in a folder for a Message-ID and leaves it open, for writing if asked; a folder that is not
 * there has none. */
imap_result account_find(account *a, const char *folder, bool writable, const char *id,
                         imap_uids *out);
/* Looks for what was sent, in the folder of sent mail and in the INBOX: how often it is there. What
 * came to us as our own copy is moved to the sent mail. */
imap_result account_find_sent(account *a, const char *id, size_t *copies);

#endif
