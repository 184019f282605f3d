/* IMAP4rev1 (RFC 3501) with UIDPLUS and MOVE, a face of the scripted outside: sessions, logins and
 * folders. Letters are named by UID only. */
#include "imap.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

folder *imap_folder(const imap *m) {
    return *m->open ? post_find(m->w->post, m->user, m->open) : NULL;
}

int64_t imap_last_uid(const folder *f) {
    return f->count ? f->letters[f->count - 1].uid : 0;
}

/* ---- what has changed ---- */

static bool is_there(const folder *f, int64_t uid) {
    for (size_t i = 0; i < f->count; i++) {
        if (f->letters[i].uid == uid) {
            return true;
        }
    }
    return false;
}

static void know(imap *m, const folder *f) {
    m->known = keel_realloc(m->known, (f->count + 1) * sizeof *m->known);
    m->known_count = f->count;
    for (size_t i = 0; i < f->count; i++) {
        m->known[i] = f->letters[i].uid;
    }
}

/* Tells of letters that came and went, so that numbers mean the same on both sides. */
static void sync_numbers(imap *m, keel_buf *out) {
    const folder *f = imap_folder(m);
    size_t left = 0, gone = 0;
    if (!f || !m->c) {
        return;
    }
    for (size_t i = 0; i < m->known_count; i++) {
        if (is_there(f, m->known[i])) {
            left++;
        } else {
            keel_buf_printf(out, "* %zu EXPUNGE\r\n", i + 1 - gone++);
        }
    }
    if (f->count != left) {
        keel_buf_printf(out, "* %zu EXISTS\r\n", f->count);
    }
    know(m, f);
}

/* ---- one command ---- */

static bool by_uid(imap *m) {
    bool uid = imap_word_is(imap_words_peek(&m->words), "UID");
    m->words.at += uid;
    return uid;
}

static void imap_act(void *ctx, const fault *by, keel_buf *out) {
    imap *m = ctx;
    m->words.at = 1; /* behind the tag */
    bool uid = by_uid(m);
    const imap_word *name = imap_words_next(&m->words);
    imap_command *act = name->kind == IMAP_ATOM ? imap_command_find(name->text, uid) : NULL;
    bool before = !strcmp(m->method, "LOGIN") || !strcmp(m->method, "AUTHENTICATE") ||
                  !strcmp(m->method, "CAPABILITY") || !strcmp(m->method, "LOGOUT") ||
                  !strcmp(m->method, "NOOP");
    const char *words = "BAD there is no such command";
    sync_numbers(m, out);
    if (act && (m->logged_in || before)) {
        words = act(m, by, out);
    } else if (act) {
        words = "NO log in first";
    }
    if (strcmp(m->method, "SELECT") != 0 && strcmp(m->method, "EXAMINE") != 0) {
        sync_numbers(m, out);
    } else if (imap_folder(m)) {
        know(m, imap_folder(m));
    }
    if (*words) {
        keel_buf_printf(out, "%s %s%s\r\n", m->tag, words, strchr(words, ' ') ? "" : " done");
    }
}

static void imap_refuse(void *ctx, const fault *f, keel_buf *out) {
    imap *m = ctx;
    keel_buf_printf(out, "%s %s scripted\r\n", m->tag, f->status >= 500 ? "BAD" : "NO");
}

/* ---- late ---- */

static void imap_free(void *ctx) {
    imap *m = ctx;
    imap_words_free(&m->words);
    keel_buf_free(&m->raw);
    free(m->known);
    free(m);
}

static void *imap_keep(void *ctx, const fault *f) {
    const imap *m = ctx;
    imap *kept = keel_alloc(sizeof *kept);
    *kept = *m;
    kept->c = NULL;
    kept->known = NULL;
    kept->words = (imap_words){.count = 0};
    kept->raw = (keel_buf)KEEL_BUF_INIT;
    kept->fault = fault_name(f->kind);
    keel_buf_append(&kept->raw, m->raw.data, m->raw.len);
    imap_words_split(&kept->words, kept->raw.data, kept->raw.len, kept->tag, sizeof kept->tag);
    return kept;
}

static void imap_late(world *w, void *ctx) {
    keel_buf unsaid = KEEL_BUF_INIT;
    (void)w;
    imap_act(ctx, NULL, &unsaid);
    keel_buf_free(&unsaid);
}

/* ---- as deeds ---- */

/* The word of the tagged line, which is the last one. */
static void imap_status(const keel_buf *said, char out[16]) {
    size_t at = said->len > 2 ? said->len - 2 : 0;
    while (at > 0 && said->data[at - 1] != '\n') {
        at--;
    }
    const char *line = said->len ? said->data + at : "";
    line += strcspn(line, " ");
    line += *line == ' ';
    snprintf(out, 16, "%.*s", (int)strcspn(line, " \r\n"), line);
}

static void method_of(imap *m) {
    const imap_word *name;
    m->words.at = 1;
    by_uid(m);
    name = imap_words_next(&m->words);
    snprintf(m->method, sizeof m->method, "%.23s", name->text);
    for (char *p = m->method; *p; p++) {
        *p = (char)toupper((unsigned char)*p);
    }
}

static const char *named_folder(imap *m) {
    static const char *const naming[] = {"SELECT", "EXAMINE", "APPEND", "CREATE"};
    for (size_t i = 0; i < sizeof naming / sizeof *naming; i++) {
        if (!strcmp(m->method, naming[i])) {
            return imap_words_text(&m->words);
        }
    }
    return NULL;
}

static void perform(imap *m) {
    method_of(m);
    const char *named = named_folder(m);
    char open[IMAP_NAME];
    snprintf(open, sizeof open, "%s", m->open);
    const char *const about[] = {named ? named : open};
    const deed d = {.w = m->w,
                    .c = m->c,
                    .ctx = m,
                    .now = {.face = FACE_IMAP,
                            .method = m->method,
                            .about = about,
                            .about_count = *about[0] ? 1 : 0},
                    .line = {.face = FACE_IMAP,
                             .method = m->method,
                             .folder = *about[0] ? about[0] : NULL,
                             .user = m->logged_in ? m->user : NULL},
                    .act = imap_act,
                    .refuse = imap_refuse,
                    .keep = imap_keep,
                    .late = imap_late,
                    .drop = imap_free,
                    .status = imap_status,
                    .nonsense = "banana {\r\n",
                    .ends = !strcmp(m->method, "LOGOUT")};
    mail_do(&d);
}

/* ---- the session ---- */

static void *imap_open(world *w, conn *c) {
    imap *m = keel_alloc(sizeof *m);
    keel_buf out = KEEL_BUF_INIT;
    *m = (imap){.w = w, .c = c};
    keel_buf_puts(&out, "* OK fakeworld IMAP4rev1\r\n");
    conn_send(c, &out, false);
    keel_buf_free(&out);
    return m;
}

static void imap_close(void *session) {
    imap_free(session);
}

static void say(const imap *m, const char *line) {
    keel_buf out = KEEL_BUF_INIT;
    keel_buf_puts(&out, line);
    conn_send(m->c, &out, false);
    keel_buf_free(&out);
}

/* Of AUTHENTICATE, which had no first answer with it: the line is its third word. */
static void resume_login(imap *m, const char *data, size_t len) {
    keel_buf all = KEEL_BUF_INIT;
    m->waits_plain = false;
    keel_buf_printf(&all, "%s AUTHENTICATE PLAIN ", m->tag);
    keel_buf_append(&all, data, len);
    keel_buf_clear(&m->raw);
    keel_buf_append(&m->raw, all.data, all.len);
    keel_buf_free(&all);
}

static void take(imap *m, const char *data, size_t len) {
    if (m->waits_plain) {
        resume_login(m, data, len);
    } else {
        keel_buf_clear(&m->raw);
        keel_buf_append(&m->raw, data, len);
    }
    imap_words_free(&m->words);
    if (imap_words_split(&m->words, m->raw.data, m->raw.len, m->tag, sizeof m->tag)) {
        perform(m);
    } else {
        say(m, "* BAD that is no command\r\n");
    }
}

static void imap_input(void *session, keel_buf *in) {
    imap *m = session;
    while (conn_ready(m->c)) {
        bool go_on = false;
        size_t used = imap_gather_next(&m->gather, in->data, in->len, &go_on);
        if (go_on) {
            say(m, "+ go on\r\n");
        }
        if (used == 0) {
            return;
        }
        char *command = keel_memdup(in->data, used);
        keel_buf_consume(in, used);
        take(m, command, used);
        free(command);
    }
}

const face face_imap = {"imap", imap_open, imap_input, imap_close};
