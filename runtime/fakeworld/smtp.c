/* SMTP submission, a face of the scripted outside (RFC 5321, 6409; AUTH PLAIN and LOGIN): what it
 * accepts lies in the mailboxes of those recipients that live here. */
#include <ctype.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "envelope.h"
#include "script_mail.h"

#define LINE 4096

typedef enum smtp_wait {
    WAIT_COMMAND,
    WAIT_MESSAGE,
    WAIT_PLAIN,
    WAIT_USER,
    WAIT_PASSWORD
} smtp_wait;

typedef struct smtp {
    world *w;
    conn *c;
    smtp_wait wait;
    bool greeted, logged_in;
    char user[128];
    char line[LINE]; /* the command, NUL-terminated */
    envelope mail;
} smtp;

/* ---- commands ---- */

static void say(keel_buf *out, const char *text) {
    keel_buf_puts(out, text);
    keel_buf_puts(out, "\r\n");
}

static void ehlo(smtp *s, keel_buf *out) {
    envelope_free(&s->mail);
    s->greeted = true;
    if (!strncasecmp(s->line, "HELO", 4)) {
        say(out, "250 fakeworld");
        return;
    }
    keel_buf_printf(out, "250-fakeworld\r\n250-SIZE %" PRId64 "\r\n",
                    s->w->script->mail.size_bytes);
    say(out, "250-8BITMIME\r\n250-PIPELINING\r\n250 AUTH PLAIN LOGIN");
}

static bool decode(const char *text, char *out, size_t size, size_t *len) {
    return sodium_base642bin((unsigned char *)out, size - 1, text, strlen(text), NULL, len, NULL,
                             sodium_base64_VARIANT_ORIGINAL) == 0;
}

static void log_in(smtp *s, const char *user, const char *password, keel_buf *out) {
    s->wait = WAIT_COMMAND;
    s->logged_in = script_login(&s->w->script->mail, user, password);
    script_mailbox(user, s->user, sizeof s->user);
    say(out, s->logged_in ? "235 welcome" : "535 that is no login");
}

/* "authorize NUL user NUL password" */
static void log_in_plain(smtp *s, const char *text, keel_buf *out) {
    char all[512];
    size_t len = 0;
    bool whole = decode(text, all, sizeof all, &len);
    all[whole ? len : 0] = 0;
    const char *user = whole ? memchr(all, 0, len) : NULL;
    const char *password = user ? memchr(user + 1, 0, len - (size_t)(user + 1 - all)) : NULL;
    if (!password) {
        s->wait = WAIT_COMMAND;
        say(out, "501 that is no login");
        return;
    }
    log_in(s, user + 1, password + 1, out);
}

static void log_in_step(smtp *s, keel_buf *out) {
    char word[256];
    size_t len = 0;
    if (!strcmp(s->line, "*") || (s->wait != WAIT_PLAIN && !decode(s->line, word, 256, &len))) {
        s->wait = WAIT_COMMAND;
        say(out, "501 given up");
        return;
    }
    if (s->wait == WAIT_PLAIN) {
        log_in_plain(s, s->line, out);
        return;
    }
    word[len] = 0;
    if (s->wait == WAIT_USER) {
        s->wait = WAIT_PASSWORD;
        snprintf(s->user, sizeof s->user, "%.127s", word);
        say(out, "334 UGFzc3dvcmQ6");
    } else {
        char user[128];
        snprintf(user, sizeof user, "%s", s->user);
        log_in(s, user, word, out);
    }
}

static void auth(smtp *s, const char *what, keel_buf *out) {
    if (!s->greeted || s->logged_in) {
        say(out, "503 not now");
    } else if (!strncasecmp(what, "PLAIN ", 6)) {
        log_in_plain(s, what + 6, out);
    } else if (!strcasecmp(what, "PLAIN")) {
        s->wait = WAIT_PLAIN;
        say(out, "334 ");
    } else if (!strcasecmp(what, "LOGIN")) {
        s->wait = WAIT_USER;
        say(out, "334 VXNlcm5hbWU6");
    } else if (!strncasecmp(what, "LOGIN ", 6)) {
        s->wait = WAIT_USER;
        memmove(s->line, what + 6, strlen(what + 6) + 1); /* the name came with it */
        log_in_step(s, out);
    } else {
        say(out, "504 PLAIN or LOGIN");
    }
}

/* "FROM:<a@b> SIZE=1" gives a@b. false: it is not so. */
static bool address(const char *text, const char *word, char *out, size_t size) {
    size_t len = strlen(word);
    if (strncasecmp(text, word, len) != 0) {
        return false;
    }
    text += len;
    text += strspn(text, " ");
    const char *end = *text == '<' ? strchr(text, '>') : NULL;
    if (!end || (size_t)(end - text) > size) {
        return false;
    }
    snprintf(out, size, "%.*s", (int)(end - text - 1), text + 1);
    return true;
}

static void mail_from(smtp *s, const char *what, keel_buf *out) {
    char from[256];
    const char *size = strcasestr(what, " SIZE=");
    if (!s->logged_in) {
        say(out, "530 log in first");
    } else if (s->mail.from) {
        say(out, "503 there is a message already");
    } else if (!address(what, "FROM:", from, sizeof from)) {
        say(out, "501 MAIL FROM:<address>");
    } else if (size && strtoll(size + 6, NULL, 10) > s->w->script->mail.size_bytes) {
        say(out, "552 that is too large");
    } else {
        s->mail.from = keel_strdup(from);
        memcpy(s->mail.user, s->user, sizeof s->mail.user);
        say(out, "250 ok");
    }
}

static void rcpt_to(smtp *s, const char *what, keel_buf *out) {
    char to[256];
    if (!s->mail.from) {
        say(out, "503 MAIL first");
    } else if (!address(what, "TO:", to, sizeof to) || !strchr(to, '@')) {
        say(out, "501 RCPT TO:<address>");
    } else if (s->mail.count == ENVELOPE_RECIPIENTS) {
        say(out, "452 so many recipients");
    } else {
        s->mail.to[s->mail.count++] = keel_strdup(to);
        say(out, "250 ok");
    }
}

static void data(smtp *s, keel_buf *out) {
    if (s->mail.count == 0) {
        say(out, s->mail.from ? "554 no recipient" : "503 MAIL first");
    } else {
        s->wait = WAIT_MESSAGE;
        say(out, "354 end with a dot alone");
    }
}

static bool is(const char *line, const char *word) {
    size_t len = strlen(word);
    return !strncasecmp(line, word, len) && (line[len] == 0 || line[len] == ' ');
}

static void command(smtp *s, keel_buf *out) {
    const char *rest = s->line + strcspn(s->line, " ");
    rest += strspn(rest, " ");
    if (is(s->line, "EHLO") || is(s->line, "HELO")) {
        ehlo(s, out);
    } else if (is(s->line, "AUTH")) {
        auth(s, rest, out);
    } else if (is(s->line, "MAIL")) {
        mail_from(s, rest, out);
    } else if (is(s->line, "RCPT")) {
        rcpt_to(s, rest, out);
    } else if (is(s->line, "DATA")) {
        data(s, out);
    } else if (is(s->line, "RSET")) {
        envelope_free(&s->mail);
        say(out, "250 ok");
    } else if (is(s->line, "NOOP")) {
        say(out, "250 ok");
    } else if (is(s->line, "QUIT")) {
        say(out, "221 bye");
    } else {
        say(out, is(s->line, "VRFY") ? "252 send and see" : "502 no such command");
    }
}

static void message(smtp *s, const fault *by, keel_buf *out) {
    if ((int64_t)s->mail.bytes.len > s->w->script->mail.size_bytes) {
        say(out, "552 that is too large");
        return;
    }
    envelope_accept(s->w, &s->mail, by, NULL);
    say(out, "250 taken");
}

/* ---- as deeds ---- */

static void smtp_act(void *ctx, const fault *by, keel_buf *out) {
    smtp *s = ctx;
    if (s->wait == WAIT_MESSAGE) {
        message(s, by, out);
    } else if (s->wait == WAIT_COMMAND) {
        command(s, out);
    } else {
        log_in_step(s, out);
    }
}

static void smtp_refuse(void *ctx, const fault *f, keel_buf *out) {
    smtp *s = ctx;
    s->wait = s->wait == WAIT_MESSAGE ? s->wait : WAIT_COMMAND;
    keel_buf_printf(out, "%" PRId64 " scripted\r\n", f->status);
}

static void *smtp_keep(void *ctx, const fault *f) {
    smtp *s = ctx;
    envelope *kept = envelope_copy(&s->mail);
    kept->fault = fault_name(f->kind);
    return kept;
}

static void smtp_status(const keel_buf *said, char out[16]) {
    snprintf(out, 16, "%.3s", said->len >= 3 ? said->data : "");
}

/* AUTH's later lines are AUTH too; their words are nobody's business. */
static void method_of(const smtp *s, char out[16]) {
    size_t len = strcspn(s->line, " ");
    snprintf(out, 16, "%.*s", (int)(len < 15 ? len : 15), s->line);
    for (char *p = out; *p; p++) {
        *p = (char)toupper((unsigned char)*p);
    }
    if (s->wait != WAIT_COMMAND) {
        snprintf(out, 16, "%s", s->wait == WAIT_MESSAGE ? "MESSAGE" : "AUTH");
    }
}

static void perform(smtp *s) {
    char method[16], id[512] = "", to[256] = "";
    const char *const one[] = {to};
    method_of(s, method);
    bool whole = s->wait == WAIT_MESSAGE;
    bool names = !whole && !strcmp(method, "RCPT") &&
                 address(s->line + strcspn(s->line, "tT"), "TO:", to, sizeof to);
    if (whole) {
        letter_id(s->mail.bytes.data, s->mail.bytes.len, id, sizeof id);
    }
    const deed d = {.w = s->w,
                    .c = s->c,
                    .ctx = s,
                    .now = {.face = FACE_SMTP,
                            .method = method,
                            .about = names ? one : (const char *const *)s->mail.to,
                            .about_count = names ? 1 : s->mail.count},
                    .line = {.face = FACE_SMTP,
                             .method = method,
                             .key = *id ? id : NULL,
                             .from = whole ? s->mail.from : NULL,
                             .user = s->logged_in ? s->user : NULL,
                             .bytes = whole ? s->mail.bytes.data : NULL,
                             .len = s->mail.bytes.len,
                             .recipients = names ? one : (const char *const *)s->mail.to,
                             .recipient_count = whole ? s->mail.count : names},
                    .act = smtp_act,
                    .refuse = smtp_refuse,
                    .keep = whole ? smtp_keep : NULL,
                    .late = envelope_accept_kept,
                    .drop = envelope_drop,
                    .status = smtp_status,
                    .nonsense = "banana\r\n",
                    .ends = !strcmp(method, "QUIT")};
    mail_do(&d);
    if (whole) {
        envelope_free(&s->mail);
        s->wait = WAIT_COMMAND;
    }
}

/* ---- the session ---- */

static void *smtp_open(world *w, conn *c) {
    smtp *s = keel_alloc(sizeof *s);
    keel_buf out = KEEL_BUF_INIT;
    *s = (smtp){.w = w, .c = c};
    say(&out, "220 fakeworld ESMTP");
    conn_send(c, &out, false);
    keel_buf_free(&out);
    return s;
}

static void smtp_close(void *session) {
    smtp *s = session;
    envelope_free(&s->mail);
    free(s);
}

/* A line of a message: the dot that guards a line's own is taken away. true: it was the last. */
static bool message_line(smtp *s, const char *line, size_t len) {
    if (len == 1 && line[0] == '.') {
        return true;
    }
    size_t skip = len > 0 && line[0] == '.';
    if (s->mail.bytes.len <= REQUEST_BODY_LIMIT) {
        keel_buf_append(&s->mail.bytes, line + skip, len - skip);
        keel_buf_puts(&s->mail.bytes, "\r\n");
    }
    return false;
}

static void smtp_input(void *session, keel_buf *in) {
    smtp *s = session;
    while (conn_ready(s->c)) {
        const char *lf = in->len ? memchr(in->data, '\n', in->len) : NULL;
        if (!lf) {
            return;
        }
        size_t used = (size_t)(lf - in->data) + 1, len = used - 1;
        len -= len > 0 && in->data[len - 1] == '\r';
        bool whole = true;
        if (s->wait == WAIT_MESSAGE) {
            whole = message_line(s, in->data, len);
        } else {
            snprintf(s->line, sizeof s->line, "%.*s", (int)(len < LINE ? len : LINE - 1), in->data);
        }
        keel_buf_consume(in, used);
        if (whole) {
            perform(s);
        }
    }
}

const face face_smtp = {"smtp", smtp_open, smtp_input, smtp_close};
