/* Commands of IMAP that change letters: each is told in the log before it is done. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "imap.h"
#include "script_mail.h"

/* Letters of the open folder by a set of UIDs. */
static imap_uids pick(const folder *f, const char *set) {
    imap_uids p = {keel_alloc((f->count + 1) * sizeof(int64_t)), 0};
    for (size_t i = 0; i < f->count; i++) {
        if (imap_set_has(set, f->letters[i].uid, imap_last_uid(f))) {
            p.uids[p.count++] = f->letters[i].uid;
        }
    }
    return p;
}

static letter *by_uid(const folder *f, int64_t uid) {
    for (size_t i = 0; i < f->count; i++) {
        if (f->letters[i].uid == uid) {
            return &f->letters[i];
        }
    }
    return NULL;
}

void imap_told(const imap *m, const fault *by, const folder *f, const char *to,
               const imap_uids *p) {
    char id[512] = "";
    const letter *first = p->count ? by_uid(f, p->uids[0]) : NULL;
    if (first) {
        letter_id(first->bytes, first->len, id, sizeof id);
    }
    mail_applied(m->w, &(mail_line){.face = FACE_IMAP,
                                    .method = m->method,
                                    .status = "OK",
                                    .befallen = by ? fault_name(by->kind) : m->fault,
                                    .user = m->user,
                                    .key = *id ? id : NULL,
                                    .folder = f->name,
                                    .to = to,
                                    .bytes = first ? first->bytes : NULL,
                                    .len = first ? first->len : 0,
                                    .uids = p->uids,
                                    .uid_count = p->count});
}

/* "(\Seen \Draft)" or one alone. */
static bool read_flags(imap_words *w, unsigned *out) {
    bool many = imap_words_peek(w)->kind == IMAP_OPEN;
    w->at += many;
    *out = 0;
    while (imap_words_peek(w)->kind == IMAP_ATOM) {
        const imap_word *word = imap_words_next(w);
        for (unsigned i = 0; i < FLAGS; i++) {
            *out |= imap_word_is(word, flag_names[i]) ? 1u << i : 0;
        }
        if (!many) {
            return true;
        }
    }
    return many && imap_words_next(w)->kind == IMAP_CLOSE;
}

const char *imap_append(imap *m, const fault *by, keel_buf *out) {
    const char *name = imap_words_text(&m->words);
    folder *f = name ? post_find(m->w->post, m->user, name) : NULL;
    unsigned flags = 0;
    char id[512] = "";
    (void)out;
    if (imap_words_peek(&m->words)->kind == IMAP_OPEN && !read_flags(&m->words, &flags)) {
        return "BAD APPEND folder (flags) {literal}";
    }
    const imap_word *bytes = imap_words_next(&m->words);
    if (imap_words_peek(&m->words)->kind == IMAP_TEXT) { /* bytes was the date */
        bytes = imap_words_next(&m->words);
    }
    if (bytes->kind != IMAP_TEXT) {
        return "BAD APPEND folder (flags) {literal}";
    }
    if (!f) {
        return "NO [TRYCREATE] there is no such folder";
    }
    letter_id(bytes->text, bytes->len, id, sizeof id);
    mail_applied(m->w, &(mail_line){.face = FACE_IMAP,
                                    .method = m->method,
                                    .status = "OK",
                                    .befallen = by ? fault_name(by->kind) : m->fault,
                                    .user = m->user,
                                    .key = *id ? id : NULL,
                                    .folder = f->name,
                                    .bytes = bytes->text,
                                    .len = bytes->len,
                                    .uids = &f->next,
                                    .uid_count = 1});
    folder_put(f, bytes->text, bytes->len, flags, (int64_t)time(NULL));
    return "OK appended";
}

const char *imap_store(imap *m, const fault *by, keel_buf *out) {
    folder *f = imap_folder(m);
    const char *set = imap_words_text(&m->words), *what = imap_words_text(&m->words);
    unsigned flags = 0;
    if (!f || !m->writable) {
        return "NO no folder is open to be changed";
    }
    if (!set || !imap_set_valid(set) || !what || !read_flags(&m->words, &flags)) {
        return "BAD UID STORE set FLAGS (flags)";
    }
    char sign = *what == '+' || *what == '-' ? *what++ : '=';
    bool silent = !strcasecmp(what, "FLAGS.SILENT");
    if (!silent && strcasecmp(what, "FLAGS") != 0) {
        return "BAD only FLAGS are stored";
    }
    imap_uids p = pick(f, set);
    if (p.count) {
        imap_told(m, by, f, NULL, &p);
    }
    for (size_t i = 0; i < p.count; i++) {
        letter *l = by_uid(f, p.uids[i]);
        l->flags = sign == '+' ? l->flags | flags : sign == '-' ? l->flags & ~flags : flags;
        if (!silent) {
            keel_buf_printf(out, "* %td FETCH (UID %" PRId64 " ", l - f->letters + 1, l->uid);
            imap_put_flags(l, out);
            keel_buf_puts(out, ")\r\n");
        }
    }
    free(p.uids);
    return "OK";
}

static void drop(folder *f, const imap_uids *p) {
    for (size_t i = 0; i < p->count; i++) {
        const letter *l = by_uid(f, p->uids[i]);
        folder_drop(f, (size_t)(l - f->letters));
    }
}

static const char *transfer(imap *m, const fault *by, bool moves) {
    folder *f = imap_folder(m);
    const char *set = imap_words_text(&m->words), *name = imap_words_text(&m->words);
    folder *to = name ? post_find(m->w->post, m->user, name) : NULL;
    if (!f || (moves && !m->writable)) {
        return "NO no folder is open to be changed";
    }
    if (!set || !imap_set_valid(set) || !name) {
        return "BAD UID COPY set folder";
    }
    if (!to) {
        return "NO [TRYCREATE] there is no such folder";
    }
    imap_uids p = pick(f, set);
    if (p.count) {
        imap_told(m, by, f, to->name, &p);
    }
    for (size_t i = 0; i < p.count; i++) {
        const letter *l = by_uid(f, p.uids[i]);
        folder_put(to, l->bytes, l->len, l->flags, l->at_s);
    }
    if (moves && to != f) {
        drop(f, &p);
    }
    free(p.uids);
    return "OK";
}

const char *imap_copy(imap *m, const fault *by, keel_buf *out) {
    (void)out;
    return transfer(m, by, false);
}

const char *imap_move(imap *m, const fault *by, keel_buf *out) {
    (void)out;
    return script_list_has(m->w->script->mail.without, "MOVE") ? "BAD there is no MOVE here"
                                                               : transfer(m, by, true);
}

static const char *expunge_set(imap *m, const fault *by, const char *set) {
    folder *f = imap_folder(m);
    if (!f || !m->writable) {
        return "NO no folder is open to be changed";
    }
    imap_uids p = pick(f, set);
    size_t marked = 0;
    for (size_t i = 0; i < p.count; i++) {
        if (by_uid(f, p.uids[i])->flags & FLAG_DELETED) {
            p.uids[marked++] = p.uids[i];
        }
    }
    p.count = marked;
    if (marked) {
        imap_told(m, by, f, NULL, &p);
    }
    drop(f, &p);
    free(p.uids);
    return "OK";
}

const char *imap_expunge(imap *m, const fault *by, keel_buf *out) {
    (void)out;
    return expunge_set(m, by, "1:*");
}

const char *imap_uid_expunge(imap *m, const fault *by, keel_buf *out) {
    const char *set = imap_words_text(&m->words);
    (void)out;
    if (script_list_has(m->w->script->mail.without, "UIDPLUS")) {
        return "BAD there is no UIDPLUS here";
    }
    return set && imap_set_valid(set) ? expunge_set(m, by, set) : "BAD UID EXPUNGE set";
}

const char *imap_close_folder(imap *m, const fault *by, keel_buf *out) {
    (void)out;
    if (m->writable && imap_folder(m)) {
        expunge_set(m, by, "1:*");
    }
    *m->open = 0;
    return "OK";
}
