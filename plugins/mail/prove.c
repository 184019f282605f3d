/* message.reconcile: what became of a mail whose answer was lost. The copy in our own mailbox is the
 * proof that it was accepted; that none comes, while both servers are up, that it was not. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "account.h"
#include "smtp.h"

#define LOOK_EVERY_NS 2000000000u
#define ENOUGH_NS     5000000000u /* what is left of the deadline for a last look and the answer */

imap_result account_find(account *a, const char *folder, bool writable, const char *id,
                         imap_uids *out) {
    imap_result r = imap_select(&a->session, folder, writable);
    if (r == IMAP_NO) {
        bool exists = true;
        char said[IMAP_SAID];
        memcpy(said, a->session.said, sizeof said);
        r = imap_exists(&a->session, folder, &exists);
        memcpy(a->session.said, said, sizeof said);
        return r == IMAP_OK && exists ? IMAP_NO : r;
    }
    return r == IMAP_OK ? imap_find(&a->session, id, out) : r;
}

/* Our copy is for the sent mail; if it cannot be moved now, the next read will. */
static void tidy(account *a, const imap_uids *uids) {
    if (a->copy == COPY_SELF && strcasecmp(a->sent, "INBOX") != 0) {
        imap_move(&a->session, uids, a->sent);
    }
}

imap_result account_find_sent(account *a, const char *id, size_t *copies) {
    imap_uids sent = {NULL, 0};
    imap_uids inbox = {NULL, 0};
    imap_result r = account_find(a, a->sent, false, id, &sent);
    if (r == IMAP_OK && (sent.count == 0 || a->copy == COPY_SELF)) {
        r = account_find(a, "INBOX", a->copy == COPY_SELF, id, &inbox);
    }
    *copies = sent.count + inbox.count;
    if (r == IMAP_OK && inbox.count > 0) {
        tidy(a, &inbox);
    }
    imap_uids_free(&sent);
    imap_uids_free(&inbox);
    return r;
}

/* ---- answers ---- */

static keel_status reply_state(account *a, keel_call *call, const char *state) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_text(&w, "state", state);
    keel_json_object_end(&w);
    return account_reply(a, call, &out);
}

static keel_status reply_applied(account *a, keel_call *call, const letter *l, size_t copies) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_int(&w, "copies", (int64_t)copies);
    keel_json_key(&w, "ref");
    letter_write_ref(&w, l, a->copy == COPY_APPEND ? "appended" : NULL);
    keel_json_set_text(&w, "state", "applied");
    keel_json_object_end(&w);
    if (copies > 1) {
        char text[ID_LIMIT + 100];
        snprintf(text, sizeof text, "%s is there %zu times: somebody copied it, or sent it back",
                 l->id, copies);
        a->host->log(a->host->ctx, KEEL_LOG_WARN, text);
    }
    return account_reply(a, call, &out);
}

/* ---- looking ---- */

/* A server that is down may hold the message, and will hand it on when it comes back. */
static keel_status smtp_is_up(account *a, keel_call *call) {
    smtp s;
    keel_status status = smtp_open(&s, a->host, a->stream, call, a->smtp_address);
    if (status != KEEL_OK) {
        return account_fail(a, call, KEEL_E_RETRY,
                            "the SMTP server cannot be reached, and may still hold the message");
    }
    smtp_close(&s);
    return KEEL_OK;
}

/* Looks until the copy is there, or until it would be there. */
static keel_status watch(account *a, keel_call *call, const keel_request *r, const letter *l) {
    const keel_clock *c = a->clock;
    keel_status status = smtp_is_up(a, call);
    uint64_t until = c->monotonic_ns(c->ctx) + (uint64_t)a->arrive_s * 1000000000u;
    while (status == KEEL_OK) {
        size_t copies = 0;
        imap_result found = account_find_sent(a, l->id, &copies);
        uint64_t now = c->monotonic_ns(c->ctx);
        if (found != IMAP_OK) {
            return account_fail(a, call, KEEL_E_RETRY, "the sent mail cannot be searched: %s",
                                a->session.said);
        }
        if (copies > 0) {
            return reply_applied(a, call, l, copies);
        }
        if (now >= until) {
            status = smtp_is_up(a, call);
            return status == KEEL_OK ? reply_state(a, call, "absent") : status;
        }
        if ((r->deadline_ns != 0 && now + ENOUGH_NS > r->deadline_ns) ||
            a->host->cancelled(a->host->ctx, call) != 0) {
            return reply_state(a, call, "pending");
        }
        uint64_t left = until - now;
        status = c->sleep(c->ctx, call, left < LOOK_EVERY_NS ? left : LOOK_EVERY_NS);
    }
    return status == KEEL_E_DEADLINE || status == KEEL_E_CANCELLED ? reply_state(a, call, "pending")
                                                                   : status;
}

/* We put the copy there ourselves, behind the acceptance: that there is none proves nothing. */
static keel_status look_once(account *a, keel_call *call, const letter *l) {
    size_t copies = 0;
    if (account_find_sent(a, l->id, &copies) != IMAP_OK) {
        return account_fail(a, call, KEEL_E_RETRY, "the sent mail cannot be searched: %s",
                            a->session.said);
    }
    return copies > 0 ? reply_applied(a, call, l, copies) : reply_state(a, call, "cannot_tell");
}

keel_status message_reconcile(account *a, keel_call *call, const keel_request *r) {
    letter l;
    keel_status status = letter_make(a, call, r, LETTER_SENT, &l);
    if (status == KEEL_OK) {
        status = account_begin(a, call);
    }
    if (status == KEEL_OK) {
        status = a->copy == COPY_APPEND ? look_once(a, call, &l) : watch(a, call, r, &l);
    }
    letter_finish(&l);
    return status;
}
