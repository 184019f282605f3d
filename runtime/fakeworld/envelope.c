#include "envelope.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "script_mail.h"

void envelope_free(envelope *e) {
    free(e->from);
    for (size_t i = 0; i < e->count; i++) {
        free(e->to[i]);
    }
    keel_buf_free(&e->bytes);
    *e = (envelope){0};
}

static int64_t deliver(world *w, const envelope *e) {
    int64_t copies = 0;
    for (size_t i = 0; i < e->count; i++) {
        char user[128];
        script_mailbox(e->to[i], user, sizeof user);
        if (script_is_local(&w->script->mail, e->to[i])) {
            folder_put(post_make(w->post, user, "INBOX"), e->bytes.data, e->bytes.len, 0,
                       (int64_t)time(NULL));
            copies++;
        }
    }
    return copies;
}

static void deliver_kept(world *w, void *ctx) {
    deliver(w, ctx);
}

void envelope_drop(void *ctx) {
    envelope_free(ctx);
    free(ctx);
}

envelope *envelope_copy(const envelope *e) {
    envelope *kept = keel_alloc(sizeof *kept);
    *kept = (envelope){.from = keel_strdup(e->from ? e->from : ""), .count = e->count};
    memcpy(kept->user, e->user, sizeof kept->user);
    for (size_t i = 0; i < e->count; i++) {
        kept->to[i] = keel_strdup(e->to[i]);
    }
    keel_buf_append(&kept->bytes, e->bytes.data, e->bytes.len);
    return kept;
}

void envelope_accept(world *w, const envelope *e, const fault *by, const char *late_by) {
    char id[512];
    int64_t local = 0;
    int times = by && by->kind == FAULT_DUPLICATE ? 2 : 1;
    letter_id(e->bytes.data, e->bytes.len, id, sizeof id);
    for (size_t i = 0; i < e->count; i++) {
        local += script_is_local(&w->script->mail, e->to[i]);
    }
    mail_applied(w, &(mail_line){.face = FACE_SMTP,
                                 .method = "MESSAGE",
                                 .status = "250",
                                 .befallen = by ? fault_name(by->kind) : late_by,
                                 .key = *id ? id : NULL,
                                 .user = e->user,
                                 .from = e->from,
                                 .bytes = e->bytes.data,
                                 .len = e->bytes.len,
                                 .recipients = (const char *const *)e->to,
                                 .recipient_count = e->count,
                                 .copies = local * times});
    for (int i = 0; i < times; i++) {
        if (w->script->mail.deliver_us) {
            late_do(w, w->script->mail.deliver_us, deliver_kept, envelope_drop, envelope_copy(e));
        } else {
            deliver(w, e);
        }
    }
}

void envelope_accept_kept(world *w, void *ctx) {
    const envelope *e = ctx;
    envelope_accept(w, e, NULL, e->fault);
}
