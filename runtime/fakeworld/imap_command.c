/* Commands of IMAP before and about folders, and the table of all. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "imap.h"
#include "script_mail.h"

/* ---- before a folder ---- */

static const char *capability(imap *m, const fault *by, keel_buf *out) {
    const yaml_node *without = m->w->script->mail.without;
    (void)by;
    keel_buf_printf(out, "* CAPABILITY IMAP4rev1 SASL-IR LITERAL+ AUTH=PLAIN%s%s\r\n",
                    script_list_has(without, "UIDPLUS") ? "" : " UIDPLUS",
                    script_list_has(without, "MOVE") ? "" : " MOVE");
    return "OK";
}

static const char *noop(imap *m, const fault *by, keel_buf *out) {
    (void)m;
    (void)by;
    (void)out;
    return "OK";
}

static const char *logout(imap *m, const fault *by, keel_buf *out) {
    (void)m;
    (void)by;
    keel_buf_puts(out, "* BYE until then\r\n");
    return "OK";
}

static const char *enter(imap *m, const char *user, const char *password) {
    const mail_script *s = &m->w->script->mail;
    if (!script_login(s, user, password)) {
        return "NO that is no login";
    }
    script_mailbox(user, m->user, sizeof m->user);
    post_make(m->w->post, m->user, "INBOX");
    for (size_t i = 0; s->folders && i < s->folders->count; i++) {
        post_make(m->w->post, m->user, s->folders->items[i]->text);
    }
    if (!s->folders) {
        post_make(m->w->post, m->user, "Drafts");
        post_make(m->w->post, m->user, "Sent");
    }
    m->logged_in = true;
    return "OK welcome";
}

static const char *login(imap *m, const fault *by, keel_buf *out) {
    const char *user = imap_words_text(&m->words), *password = imap_words_text(&m->words);
    (void)by;
    (void)out;
    return user && password ? enter(m, user, password) : "BAD LOGIN user password";
}

static const char *authenticate(imap *m, const fault *by, keel_buf *out) {
    char all[512];
    size_t len = 0;
    const char *kind = imap_words_text(&m->words), *given = imap_words_text(&m->words);
    (void)by;
    if (!kind || strcasecmp(kind, "PLAIN") != 0) {
        return "NO only PLAIN";
    }
    if (!given) {
        m->waits_plain = true;
        keel_buf_puts(out, "+ \r\n");
        return "";
    }
    if (sodium_base642bin((unsigned char *)all, sizeof all - 1, given, strlen(given), NULL, &len,
                          NULL, sodium_base64_VARIANT_ORIGINAL) != 0) {
        return "BAD that is no login";
    }
    all[len] = 0;
    const char *user = memchr(all, 0, len);
    const char *password = user ? memchr(user + 1, 0, len - (size_t)(user + 1 - all)) : NULL;
    return password ? enter(m, user + 1, password + 1) : "BAD that is no login";
}

/* ---- folders ---- */

static bool like(const char *pattern, const char *name) {
    if (!*pattern) {
        return !*name;
    }
    if (*pattern == '*' || *pattern == '%') {
        return like(pattern + 1, name) ||
               (*name && (*pattern == '*' || *name != '/') && like(pattern, name + 1));
    }
    return *pattern == *name && like(pattern + 1, name + 1);
}

static const char *list(imap *m, const fault *by, keel_buf *out) {
    const char *base = imap_words_text(&m->words), *pattern = imap_words_text(&m->words);
    const folder *f;
    (void)by;
    if (!base || !pattern) {
        return "BAD LIST reference pattern";
    }
    bool inbox = !strcasecmp(pattern, "INBOX");
    for (size_t i = 0; (f = post_each(m->w->post, i)) != NULL; i++) {
        if (!strcmp(f->user, m->user) && like(inbox ? "INBOX" : pattern, f->name)) {
            keel_buf_puts(out, "* LIST () \"/\" ");
            imap_put(out, f->name, strlen(f->name));
            keel_buf_puts(out, "\r\n");
        }
    }
    return "OK";
}

static const char *create(imap *m, const fault *by, keel_buf *out) {
    const char *name = imap_words_text(&m->words);
    (void)out;
    if (!name || !*name || strlen(name) >= IMAP_NAME) {
        return "BAD CREATE folder";
    }
    if (post_find(m->w->post, m->user, name)) {
        return "NO [ALREADYEXISTS] it is there";
    }
    mail_applied(m->w, &(mail_line){.face = FACE_IMAP,
                                    .method = m->method,
                                    .status = "OK",
                                    .befallen = by ? fault_name(by->kind) : m->fault,
                                    .user = m->user,
                                    .folder = name});
    post_make(m->w->post, m->user, name);
    return "OK";
}

static const char *open_folder(imap *m, bool writable, keel_buf *out) {
    const char *name = imap_words_text(&m->words);
    const folder *f = name ? post_find(m->w->post, m->user, name) : NULL;
    *m->open = 0;
    m->known_count = 0;
    if (!f) {
        return name ? "NO [NONEXISTENT] there is no such folder" : "BAD SELECT folder";
    }
    snprintf(m->open, sizeof m->open, "%s", f->name);
    m->writable = writable;
    keel_buf_puts(out, "* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft)\r\n");
    keel_buf_printf(out, "* %zu EXISTS\r\n* 0 RECENT\r\n", f->count);
    keel_buf_printf(out, "* OK [UIDVALIDITY %" PRId64 "] as long\r\n", f->validity);
    keel_buf_printf(out, "* OK [UIDNEXT %" PRId64 "] next\r\n", f->next);
    return writable ? "OK [READ-WRITE] open" : "OK [READ-ONLY] open";
}

static const char *select_(imap *m, const fault *by, keel_buf *out) {
    (void)by;
    return open_folder(m, true, out);
}

static const char *examine(imap *m, const fault *by, keel_buf *out) {
    (void)by;
    return open_folder(m, false, out);
}

imap_command *imap_command_find(const char *name, bool uid) {
    static const struct {
        const char *name;
        bool uid;
        imap_command *act;
    } commands[] = {
        {"CAPABILITY", false, capability},
        {"NOOP", false, noop},
        {"CHECK", false, noop},
        {"LOGOUT", false, logout},
        {"LOGIN", false, login},
        {"AUTHENTICATE", false, authenticate},
        {"LIST", false, list},
        {"CREATE", false, create},
        {"SELECT", false, select_},
        {"EXAMINE", false, examine},
        {"CLOSE", false, imap_close_folder},
        {"APPEND", false, imap_append},
        {"EXPUNGE", false, imap_expunge},
        {"EXPUNGE", true, imap_uid_expunge},
        {"STORE", true, imap_store},
        {"COPY", true, imap_copy},
        {"MOVE", true, imap_move},
        {"FETCH", true, imap_fetch},
        {"SEARCH", true, imap_search},
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (commands[i].uid == uid && !strcasecmp(name, commands[i].name)) {
            return commands[i].act;
        }
    }
    return NULL;
}
