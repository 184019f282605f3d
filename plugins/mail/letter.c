#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "account.h"
#include "smtp.h"

#define PREFIX "keel."

static const char key_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";

static const char *domain_of(const account *a) {
    return strchr(a->from, '@') + 1;
}

static bool set_key(const account *a, letter *l, keel_span key) {
    if (key.len == 0 || key.len > KEY_LIMIT) {
        return false;
    }
    memcpy(l->key, key.data, key.len);
    snprintf(l->id, sizeof l->id, PREFIX "%s@%s", l->key, domain_of(a));
    return strspn(l->key, key_bytes) == key.len;
}

bool letter_is_ours(const account *a, const char *message_id) {
    size_t prefix = sizeof PREFIX - 1;
    if (a->from == NULL || strncmp(message_id, PREFIX, prefix) != 0) {
        return false;
    }
    size_t key = strspn(message_id + prefix, key_bytes);
    return key > 0 && message_id[prefix + key] == '@' &&
           strcasecmp(message_id + prefix + key + 1, domain_of(a)) == 0;
}

static int64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* What is sent does not name those of bcc; a draft does, for the person who will send it. The bytes
 * need not be the same on a second try: that comes only where the first is proved absent. */
static void format(const account *a, letter *l, letter_kind kind) {
    keel_buf lf = KEEL_BUF_INIT;
    mail_draft shown = l->draft;
    if (kind == LETTER_SENT) {
        shown.bcc = (mail_list){NULL, 0};
    }
    draft_format(&lf, &shown, a->from_name, a->from, l->id, now_us());
    for (size_t i = 0; i < lf.len; i++) {
        if (lf.data[i] == '\n' && (i == 0 || lf.data[i - 1] != '\r')) {
            keel_buf_putc(&l->bytes, '\r');
        }
        keel_buf_putc(&l->bytes, lf.data[i]);
    }
    keel_buf_free(&lf);
}

keel_status letter_make(const account *a, keel_call *call, const keel_request *r, letter_kind kind,
                        letter *l) {
    char problem[DRAFT_PROBLEM] = "";
    *l = (letter){.recipients = 0};
    if (a->from == NULL) {
        return account_fail(a, call, KEEL_E_INVALID,
                            "this connection has no `from`: set it to the address that mail is "
                            "written as, such as \"Ada Owner <ada@studio.example>\"");
    }
    if (!set_key(a, l, r->key)) {
        return account_fail(a, call, KEEL_E_INVALID,
                            "a message is written under a key of letters, digits, \"-\" and \".\"");
    }
    if (!draft_parse(&l->draft, keel_json_view(r->body.data, r->body.len), problem)) {
        return account_fail(a, call, KEEL_E_INVALID, "%s", problem);
    }
    l->recipients = l->draft.to.count + l->draft.cc.count + l->draft.bcc.count;
    format(a, l, kind);
    return KEEL_OK;
}

void letter_finish(letter *l) {
    draft_finish(&l->draft);
    keel_buf_free(&l->bytes);
}

void letter_write_ref(keel_json_writer *w, const letter *l, const char *copy) {
    keel_json_object(w);
    if (copy != NULL) {
        keel_json_set_text(w, "copy", copy);
    }
    keel_json_set_text(w, "id", l->id);
    keel_json_set_int(w, "recipients", (int64_t)l->recipients);
    keel_json_object_end(w);
}
