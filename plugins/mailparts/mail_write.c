#include <string.h>

#include "mail.h"

static void write_list(keel_json_writer *w, const char *key, const mail_list *l) {
    keel_json_key(w, key);
    keel_json_array(w);
    for (size_t i = 0; i < l->count; i++) {
        keel_json_text(w, l->items[i]);
    }
    keel_json_array_end(w);
}

static void write_files(keel_json_writer *w, const mail *m) {
    keel_json_key(w, "attachments");
    keel_json_array(w);
    for (size_t i = 0; i < m->file_count; i++) {
        keel_json_object(w);
        keel_json_set_text(w, "name", m->files[i].name);
        keel_json_set_int(w, "size", m->files[i].size);
        keel_json_set_text(w, "type", m->files[i].type);
        keel_json_object_end(w);
    }
    keel_json_array_end(w);
}

static bool has_owner(const mail_list *l, const mail_owner *o) {
    for (size_t i = 0; i < l->count; i++) {
        if (mail_owner_is(o, l->items[i])) {
            return true;
        }
    }
    return false;
}

void mail_write(keel_json_writer *w, const mail *m, const mail_place *at, const mail_owner *o) {
    keel_json_object(w);
    keel_json_set_bool(w, "answered", at->answered);
    write_files(w, m);
    keel_json_set_text(w, "automatic", m->automatic);
    keel_json_set_text(w, "bulk", m->bulk);
    write_list(w, "cc", &m->cc);
    if (m->date_us >= 0) {
        keel_json_set_int(w, "date_us", m->date_us);
    }
    keel_json_set_text(w, "from", m->from);
    keel_json_set_text(w, "from_name", m->from_name);
    keel_json_set_text(w, "id", at->id);
    keel_json_set_text(w, "in_reply_to", m->in_reply_to);
    keel_json_set_text(w, "list", m->list);
    keel_json_set_text(w, "message_id", m->message_id);
    keel_json_set_bool(w, "own", mail_owner_is(o, m->from));
    write_list(w, "references", &m->references);
    keel_json_set_text(w, "reply_to", m->reply_to);
    keel_json_set_bool(w, "seen", at->seen);
    keel_json_set_text(w, "sender", m->sender);
    keel_json_set_int(w, "size", (int64_t)at->size);
    keel_json_set_text(w, "subject", m->subject);
    keel_json_key(w, "text");
    keel_json_textn(w, m->text.data, m->text.len);
    write_list(w, "to", &m->to);
    keel_json_set_text(w, "to_me", has_owner(&m->to, o) ? "to" : has_owner(&m->cc, o) ? "cc" : "");
    keel_json_set_bool(w, "truncated", m->truncated || at->cut);
    keel_json_object_end(w);
}
