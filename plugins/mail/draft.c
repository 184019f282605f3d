/* draft: a mail put into the folder of drafts, for a person to send; and taken out again. */
#include <stdio.h>
#include <string.h>

#include "account.h"

static keel_status reply(account *a, keel_call *call, const letter *l, bool reconcile) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    if (reconcile) {
        keel_json_object(&w);
        keel_json_key(&w, "ref");
        letter_write_ref(&w, l, NULL);
        keel_json_set_text(&w, "state", "applied");
        keel_json_object_end(&w);
    } else {
        letter_write_ref(&w, l, NULL);
    }
    return account_reply(a, call, &out);
}

static keel_status reply_text(account *a, keel_call *call, const char *key, const char *text) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_text(&w, key, text);
    keel_json_object_end(&w);
    return account_reply(a, call, &out);
}

/* Whether it is there already; or why nobody can say. */
static keel_status look(account *a, keel_call *call, const char *id, bool writable,
                        imap_uids *uids) {
    keel_status status = account_begin(a, call);
    if (status != KEEL_OK) {
        return status;
    }
    imap_result r = account_find(a, a->drafts, writable, id, uids);
    return r == IMAP_OK ? KEEL_OK : account_imap_failed(a, call, r, "looking into the drafts");
}

static imap_result append(account *a, const letter *l) {
    imap_result r = imap_append(&a->session, a->drafts, "\\Draft \\Seen", &l->bytes);
    keel_buf name = KEEL_BUF_INIT;
    if (r == IMAP_NO && imap_name(&name, a->drafts) &&
        imap_run(&a->session, NULL, NULL, "CREATE %s", name.data) == IMAP_OK) {
        r = imap_append(&a->session, a->drafts, "\\Draft \\Seen", &l->bytes);
    }
    keel_buf_free(&name);
    return r;
}

static keel_status put(account *a, keel_call *call, const keel_request *r, const letter *l) {
    imap_uids uids = {NULL, 0};
    keel_status status = look(a, call, l->id, false, &uids);
    size_t there = uids.count;
    imap_uids_free(&uids);
    if (status != KEEL_OK) {
        return status;
    }
    if (there == 0 && (r->flags & KEEL_REQUEST_DRY_RUN) == 0) {
        imap_result done = append(a, l);
        if (done == IMAP_LOST) {
            return account_fail(a, call, KEEL_E_UNKNOWN,
                                "the draft was handed over, and no answer came: %s",
                                a->session.said);
        }
        if (done == IMAP_NO) {
            return account_imap_failed(a, call, done, "putting the draft into its folder");
        }
    }
    return reply(a, call, l, false);
}

keel_status draft_write(account *a, keel_call *call, const keel_request *r) {
    letter l;
    keel_status status = letter_make(a, call, r, LETTER_DRAFT, &l);
    if (status == KEEL_OK) {
        status = put(a, call, r, &l);
    }
    letter_finish(&l);
    return status;
}

keel_status draft_reconcile(account *a, keel_call *call, const keel_request *r) {
    letter l;
    imap_uids uids = {NULL, 0};
    keel_status status = letter_make(a, call, r, LETTER_DRAFT, &l);
    if (status == KEEL_OK) {
        status = look(a, call, l.id, false, &uids);
    }
    if (status == KEEL_OK) {
        status = uids.count > 0 ? reply(a, call, &l, true) : reply_text(a, call, "state", "absent");
    }
    imap_uids_free(&uids);
    letter_finish(&l);
    return status;
}

/* The id that the write has answered with. A draft that is gone, because the person sent it or threw
 * it away, is one that nobody has to take out any more. */
keel_status draft_compensate(account *a, keel_call *call, const keel_request *r) {
    char id[ID_LIMIT] = "";
    keel_json outcome = keel_json_view(r->outcome.data, r->outcome.len);
    long len =
        r->outcome.len > 0 ? keel_json_copy(keel_json_get(outcome, "id"), id, sizeof id) : -1;
    if (len <= 0 || (size_t)len >= sizeof id || !letter_is_ours(a, id)) {
        return account_fail(a, call, KEEL_E_INVALID,
                            "the draft's result holds no id of this account, so that nothing was "
                            "taken out");
    }
    imap_uids uids = {NULL, 0};
    keel_status status = look(a, call, id, true, &uids);
    if (status == KEEL_OK && uids.count > 0 && (r->flags & KEEL_REQUEST_DRY_RUN) == 0) {
        imap_result done = imap_delete(&a->session, &uids);
        status = done == IMAP_OK ? KEEL_OK
                 : done == IMAP_NO
                     ? account_imap_failed(a, call, done, "taking the draft out")
                     : account_fail(a, call, KEEL_E_UNKNOWN,
                                    "the draft was to be taken out, and no answer came: %s",
                                    a->session.said);
    }
    if (status == KEEL_OK) {
        status = reply_text(a, call, "draft",
                            uids.count == 0          ? "was not there any more"
                            : a->session.has_uidplus ? "removed"
                                                     : "marked as deleted");
    }
    imap_uids_free(&uids);
    return status;
}
