#include "read.h"

#include <stdlib.h>
#include <string.h>

static const char *find_id(const page *p, const char *id) {
    for (size_t i = 0; i < p->items; i++) {
        if (strcmp(p->ids[i], id) == 0) {
            return p->ids[i];
        }
    }
    return NULL;
}

/* The Message-ID, unless the page has it already: whoever sends a second message with the id of
 * another shall not hide either. */
static const char *choose_id(const page *p, const mail *m) {
    bool taken = *m->message_id == 0 || find_id(p, m->message_id) != NULL;
    if (!taken) {
        return m->message_id;
    }
    return find_id(p, m->digest) == NULL ? m->digest : NULL; /* the same bytes again */
}

void page_add(page *p, const char *bytes, size_t len, mail_place *at) {
    mail m;
    mail_parse(&m, bytes, len, p->box->text_limit);
    p->looked += len;
    at->id = choose_id(p, &m);
    bool wanted = p->id == NULL || strcmp(m.message_id, p->id) == 0 || strcmp(m.digest, p->id) == 0;
    if (at->id != NULL && wanted) {
        mail_write(&p->w, &m, at, &p->box->owner);
        p->ids = keel_realloc(p->ids, (p->items + 1) * sizeof *p->ids);
        p->ids[p->items++] = keel_strdup(at->id);
    }
    mail_finish(&m);
}

bool page_full(const page *p) {
    return p->items >= p->limit || p->out.len >= PAGE_BYTES || p->looked >= PAGE_LOOK ||
           p->box->host->cancelled(p->box->host->ctx, p->call) != 0;
}

static keel_status get_query(page *p, keel_json q) {
    for (keel_json_iter it = keel_json_each(q); keel_json_next(&it);) {
        keel_buf text = KEEL_BUF_INIT;
        int64_t n = 0;
        char **to = keel_json_is(it.key, "cursor") ? &p->cursor
                    : keel_json_is(it.key, "id")   ? &p->id
                                                   : NULL;
        if (to != NULL && keel_json_string(it.value, &text)) {
            *to = keel_memdup(text.data, text.len);
        } else if (keel_json_is(it.key, "limit") && keel_json_int(it.value, &n) && n > 0 &&
                   n <= 500) {
            p->limit = (size_t)n;
        } else if (keel_json_typeof(it.value) != KEEL_JSON_NULL) {
            return box_fail(
                p->box, p->call, KEEL_E_INVALID,
                "message.read takes {cursor: the `next` of the page before, limit: 1 to "
                "500, id: one message's id}, all of them optional");
        }
        keel_buf_free(&text);
    }
    p->limit = p->id != NULL ? 1 : p->limit;
    return KEEL_OK;
}

static bool is_folder(page *p, const char *path) {
    keel_fs_stat st = {.size_of = sizeof st};
    const keel_fs *fs = p->box->fs;
    return fs->stat(fs->ctx, p->call, p->box->source, path, &st) == KEEL_OK && st.kind == 2;
}

/* The mbox in the source folder: the configured file, or the only one. */
static keel_status find_mbox(page *p, const char **file) {
    const box *b = p->box;
    if (b->file != NULL) {
        *file = b->file;
        return KEEL_OK;
    }
    const keel_fs_entry *entries = NULL;
    size_t count = 0;
    keel_status status = b->fs->list(b->fs->ctx, p->call, b->source, "", &entries, &count);
    if (status != KEEL_OK) {
        return box_fail(b, p->call, status, "the mail folder %s cannot be listed; check `source`",
                        b->source);
    }
    size_t files = 0;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].kind == 1 && entries[i].name[0] != '.') {
            *file = entries[i].name;
            files++;
        }
    }
    if (files != 1) {
        return box_fail(b, p->call, files == 0 ? KEEL_E_NOT_FOUND : KEEL_E_INVALID,
                        files == 0 ? "%s is no Maildir (it has no cur and new) and holds no mbox; "
                                     "check `source` in the connection's config"
                                   : "%s holds several files; name the mbox with `file:` in the "
                                     "connection's config",
                        b->source);
    }
    return KEEL_OK;
}

static keel_status fill(page *p) {
    if (p->box->file == NULL && is_folder(p, "cur") && is_folder(p, "new")) {
        return read_maildir(p);
    }
    const char *file = NULL;
    keel_status status = find_mbox(p, &file);
    return status == KEEL_OK ? read_mbox(p, file) : status;
}

static keel_status answer(page *p) {
    if (p->id != NULL && p->items == 0 && !p->more) {
        return box_fail(p->box, p->call, KEEL_E_NOT_FOUND, "there is no message %.200s in %s",
                        p->id, p->box->source);
    }
    keel_json_array_end(&p->w);
    keel_json_set_bool(&p->w, "more", p->more);
    keel_json_key(&p->w, "next");
    keel_json_textn(&p->w, p->next.data, p->next.len);
    keel_json_object_end(&p->w);
    const keel_host *h = p->box->host;
    return h->reply(h->ctx, p->call, (keel_span){p->out.data, p->out.len});
}

static void finish(page *p) {
    for (size_t i = 0; i < p->items; i++) {
        free(p->ids[i]);
    }
    free(p->ids);
    free(p->cursor);
    free(p->id);
    keel_buf_free(&p->out);
    keel_buf_free(&p->next);
}

keel_status box_read(box *b, keel_call *call, const keel_request *r) {
    if (b->source == NULL) {
        return box_fail(b, call, KEEL_E_INVALID,
                        "this connection has no `source`: it only sends; set it to a mail folder");
    }
    page p = {.box = b, .call = call, .limit = 100};
    keel_json_write(&p.w, &p.out);
    keel_json_object(&p.w);
    keel_json_key(&p.w, "items");
    keel_json_array(&p.w);
    keel_status status = get_query(&p, keel_json_view(r->body.data, r->body.len));
    if (status == KEEL_OK) {
        status = fill(&p);
    }
    if (status == KEEL_OK) {
        status = answer(&p);
    }
    finish(&p);
    return status;
}
