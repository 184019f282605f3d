#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "maildir.h"
#include "read.h"

typedef struct listing {
    maildir_message *all; /* names are the host's, valid for the call */
    size_t count;
} listing;

static keel_status list_one(page *p, const char *folder, const keel_fs_entry **entries,
                            size_t *count) {
    const box *b = p->box;
    keel_status status = b->fs->list(b->fs->ctx, p->call, b->source, folder, entries, count);
    if (status == KEEL_OK) {
        return KEEL_OK;
    }
    return box_fail(b, p->call, status,
                    "the Maildir folder %s/%s cannot be listed; check its mode "
                    "(over 100,000 messages: move old ones away)",
                    b->source, folder);
}

/* new before cur: a message that moves in between is then seen in both, not in neither. */
static keel_status list_all(page *p, listing *l) {
    const keel_fs_entry *fresh = NULL;
    const keel_fs_entry *cur = NULL;
    size_t fresh_count = 0;
    size_t cur_count = 0;
    keel_status status = list_one(p, "new", &fresh, &fresh_count);
    if (status == KEEL_OK) {
        status = list_one(p, "cur", &cur, &cur_count);
    }
    if (status == KEEL_OK) {
        l->count = maildir_merge(fresh, fresh_count, cur, cur_count, &l->all);
    }
    return status;
}

/* Reads and adds one message. KEEL_E_NOT_FOUND when its file has another name by now. */
static keel_status add_message(page *p, const maildir_message *m) {
    const box *b = p->box;
    char path[300];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", m->folder, m->name) >= sizeof path) {
        return KEEL_E_NOT_FOUND;
    }
    keel_fs_stat st = {.size_of = sizeof st};
    keel_span bytes = {NULL, 0};
    keel_status status = b->fs->stat(b->fs->ctx, p->call, b->source, path, &st);
    if (status == KEEL_OK) {
        status = b->fs->read(b->fs->ctx, p->call, b->source, path, 0, MAIL_LOOK_LIMIT, &bytes);
    }
    if (status == KEEL_OK) {
        mail_place at = {
            .size = st.size, .cut = st.size > bytes.len, .seen = m->seen, .answered = m->answered};
        page_add(p, bytes.data != NULL ? bytes.data : "", bytes.len, &at);
    }
    return status;
}

/* A message that a mail reader has just moved or flagged has a new file name: looked up once more.
 */
static keel_status add_moved(page *p, const maildir_message *m) {
    listing again = {NULL, 0};
    keel_status status = list_all(p, &again);
    for (size_t i = 0; status == KEEL_OK && i < again.count; i++) {
        const maildir_message *a = &again.all[i];
        if (a->unique == m->unique && memcmp(a->name, m->name, m->unique) == 0) {
            status = add_message(p, a);
            status = status == KEEL_E_NOT_FOUND ? KEEL_OK : status;
            break;
        }
    }
    free(again.all);
    return status;
}

static keel_status add_one(page *p, const maildir_message *m) {
    keel_status status = add_message(p, m);
    if (status == KEEL_E_NOT_FOUND) {
        status = add_moved(p, m);
    }
    if (status != KEEL_OK) {
        return box_fail(p->box, p->call, status,
                        "the message %s/%s/%.120s cannot be read; check its "
                        "mode, or move it away",
                        p->box->source, m->folder, m->name);
    }
    return KEEL_OK;
}

static keel_status fill(page *p, const maildir_cursor *c, const listing *l, bool *read) {
    for (size_t i = 0; i < l->count; i++) {
        if (maildir_was_read(c, &l->all[i])) {
            continue;
        }
        if (page_full(p)) {
            p->more = true;
            break;
        }
        keel_status status = add_one(p, &l->all[i]);
        if (status != KEEL_OK) {
            return status;
        }
        read[i] = true;
    }
    return KEEL_OK;
}

keel_status read_maildir(page *p) {
    maildir_cursor c = {.recent = NULL};
    if (p->cursor != NULL && !maildir_cursor_parse(&c, p->cursor)) {
        return box_fail(
            p->box, p->call, KEEL_E_CONFLICT,
            "the cursor is not one of a Maildir, and %s is one; if it took the place of "
            "an mbox, read again without a cursor: ids stay as they are",
            p->box->source);
    }
    listing l = {NULL, 0};
    keel_status status = list_all(p, &l);
    bool *read = keel_alloc(l.count + 1);
    memset(read, 0, l.count + 1);
    if (status == KEEL_OK) {
        status = fill(p, &c, &l, read);
    }
    if (status == KEEL_OK) {
        maildir_cursor_next(&c, l.all, read, l.count, &p->next);
    }
    free(read);
    free(l.all);
    maildir_cursor_finish(&c);
    return status;
}
