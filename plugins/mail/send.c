/* message.write: one mail, accepted by the SMTP server for all recipients or not sent at all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "account.h"
#include "smtp.h"

/* ---- who gets it ---- */

static bool has(const mail_list *l, const char *address) {
    for (size_t i = 0; i < l->count; i++) {
        if (strcasecmp(l->items[i], address) == 0) {
            return true;
        }
    }
    return false;
}

static void add(mail_list *l, char *address) {
    if (!has(l, address)) {
        l->items = keel_realloc(l->items, (l->count + 1) * sizeof *l->items);
        l->items[l->count++] = address;
    }
}

/* The letter's own strings, in a list of its own. Our address is in it for the copy: one transaction
 * is accepted for all of them, so that a copy that arrived proves that the others were accepted too. */
static mail_list envelope_of(account *a, const letter *l) {
    const mail_list *const lists[] = {&l->draft.to, &l->draft.cc, &l->draft.bcc};
    mail_list all = {NULL, 0};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        for (size_t k = 0; k < lists[i]->count; k++) {
            add(&all, lists[i]->items[k]);
        }
    }
    if (a->copy == COPY_SELF) {
        add(&all, a->from);
    }
    return all;
}

/* ---- what was seen accepted ---- */

static bool is_recent(const account *a, const char *key) {
    for (size_t i = 0; i < RECENT; i++) {
        if (strcmp(a->recent[i], key) == 0) {
            return true;
        }
    }
    return false;
}

static void remember(account *a, const char *key) {
    snprintf(a->recent[a->recent_next++ % RECENT], KEY_LIMIT + 1, "%s", key);
}

/* ---- answers ---- */

static keel_status reply_sent(account *a, keel_call *call, const letter *l, const char *copy) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    letter_write_ref(&w, l, copy);
    return account_reply(a, call, &out);
}

static keel_status reply_dry(account *a, keel_call *call, const letter *l) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_bool(&w, "dry_run", true);
    keel_json_set_text(&w, "id", l->id);
    keel_json_set_int(&w, "recipients", (int64_t)l->recipients);
    keel_json_set_int(&w, "size", (int64_t)l->bytes.len);
    keel_json_object_end(&w);
    return account_reply(a, call, &out);
}

/* Best effort: the mail is on its way, whatever becomes of the copy. */
static void append_copy(account *a, keel_call *call, const letter *l, char copy[IMAP_SAID + 20]) {
    snprintf(copy, IMAP_SAID + 20, "none: the IMAP server cannot be reached");
    if (imap_begin(&a->session, call, a->imap_address) != IMAP_OK) {
        return;
    }
    imap_result r = imap_append(&a->session, a->sent, "\\Seen", &l->bytes);
    if (r == IMAP_OK) {
        snprintf(copy, IMAP_SAID + 20, "appended");
    } else {
        snprintf(copy, IMAP_SAID + 20, "none: %s", a->session.said);
    }
}

static keel_status on_accepted(account *a, keel_call *call, const letter *l) {
    char copy[IMAP_SAID + 20] = "";
    remember(a, l->key);
    if (a->copy == COPY_APPEND) {
        append_copy(a, call, l, copy);
    }
    return reply_sent(a, call, l, a->copy == COPY_APPEND ? copy : NULL);
}

/* Syntax that the server does not take stays wrong; all else is its decision. */
static keel_status meaning(const char *said) {
    static const char *const malformed[] = {"501", "553"};
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        if (strncmp(said, malformed[i], 3) == 0) {
            return KEEL_E_INVALID;
        }
    }
    return KEEL_E_DENIED;
}

static keel_status on_result(account *a, keel_call *call, const letter *l, const smtp *s,
                             smtp_result result) {
    const char *about = s->about != NULL ? s->about : "the message";
    switch (result) {
    case SMTP_ACCEPTED:
        return on_accepted(a, call, l);
    case SMTP_REFUSED:
        return account_fail(a, call, meaning(s->said),
                            "the SMTP server refused %s: %s. Nothing was sent to anybody", about,
                            s->said);
    case SMTP_LATER:
        return account_fail(a, call, KEEL_E_RETRY,
                            "the SMTP server does not take %s just now: %s. Nothing was sent to "
                            "anybody",
                            about, s->said);
    case SMTP_NOT_SENT:
        return account_fail(a, call, KEEL_E_RETRY,
                            "%s before the message was whole; the server has thrown it away",
                            s->said);
    default:
        return account_fail(a, call, KEEL_E_UNKNOWN,
                            "the message was handed over whole, and no answer came: %s", s->said);
    }
}

/* ---- sending ---- */

static keel_status transact(account *a, keel_call *call, const letter *l) {
    smtp s;
    keel_status status = smtp_open(&s, a->host, a->stream, call, a->smtp_address);
    if (status != KEEL_OK) {
        /* Egress has said why; nothing of ours was sent. */
        return status == KEEL_E_DENIED || status == KEEL_E_INVALID ? status : KEEL_E_RETRY;
    }
    keel_buf bytes = KEEL_BUF_INIT;
    mail_list to = envelope_of(a, l);
    smtp_lines(&bytes, l->bytes.data, l->bytes.len);
    smtp_envelope e = {a->from, (const char *const *)to.items, to.count, &bytes};
    smtp_result result = smtp_send(&s, &e);
    smtp_close(&s);
    status = on_result(a, call, l, &s, result);
    free(to.items);
    keel_buf_free(&bytes);
    return status;
}

/* A later attempt comes only after the earlier was proved absent; one that arrived since then is
 * found here. */
static keel_status look_first(account *a, keel_call *call, const letter *l, bool *there) {
    size_t copies = 0;
    keel_status status = account_begin(a, call);
    if (status != KEEL_OK) {
        return status;
    }
    imap_result r = account_find_sent(a, l->id, &copies);
    *there = copies > 0;
    return r == IMAP_OK ? KEEL_OK
                        : account_fail(a, call, KEEL_E_RETRY,
                                       "the sent mail cannot be searched (%s); nothing was sent",
                                       a->session.said);
}

static keel_status send_letter(account *a, keel_call *call, const keel_request *r,
                               const letter *l) {
    bool there = is_recent(a, l->key);
    if ((r->flags & KEEL_REQUEST_DRY_RUN) != 0) {
        return reply_dry(a, call, l);
    }
    if (!there && r->attempt > 1) {
        keel_status status = look_first(a, call, l, &there);
        if (status != KEEL_OK) {
            return status;
        }
    }
    if (there) {
        return reply_sent(a, call, l, a->copy == COPY_APPEND ? "appended" : NULL);
    }
    if (a->host->cancelled(a->host->ctx, call) != 0) {
        return account_fail(a, call, KEEL_E_RETRY, "its time was over before it began");
    }
    return transact(a, call, l);
}

keel_status message_write(account *a, keel_call *call, const keel_request *r) {
    if (a->smtp_address == NULL) {
        return account_fail(a, call, KEEL_E_INVALID,
                            "this connection has no `smtp`: it only reads; set it to an address "
                            "such as smtps://mail.example:465");
    }
    letter l;
    keel_status status = letter_make(a, call, r, LETTER_SENT, &l);
    if (status == KEEL_OK) {
        status = send_letter(a, call, r, &l);
    }
    letter_finish(&l);
    return status;
}
