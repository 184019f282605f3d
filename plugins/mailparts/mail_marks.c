#include <ctype.h>
#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mail.h"

/* What the headers say of where a message comes from. Each mark is the header itself, so that
 * whoever decides by it can show its evidence. */

#define MARK_LIMIT 160

static const char *header(GMimeMessage *message, const char *name) {
    return g_mime_object_get_header(GMIME_OBJECT(message), name);
}

/* Sets *field to "Name: value", unless an earlier mark is there. */
static void mark(char **field, const char *name, const char *value) {
    if (**field != 0) {
        return;
    }
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_printf(&b, "%s: ", name);
    words_clean(&b, value, strlen(value), MARK_LIMIT, true);
    free(*field);
    *field = keel_memdup(b.data, b.len);
    keel_buf_free(&b);
}

static bool has(const char *value, const char *const *words) {
    for (; value != NULL && *words != NULL; words++) {
        if (strncasecmp(value, *words, strlen(*words)) == 0) {
            return true;
        }
    }
    return false;
}

static bool contains(const char *value, const char *const *words) {
    for (; value != NULL && *words != NULL; words++) {
        if (strcasestr(value, *words) != NULL) {
            return true;
        }
    }
    return false;
}

static void set_list(mail *m, char *value) {
    if (*m->list == 0) {
        free(m->list);
        m->list = value;
    } else {
        free(value);
    }
}

/* List-Id and List-Post are the standard; the others are what lists wrote before it. */
static void find_list(mail *m, GMimeMessage *message) {
    static const char *const names[] = {
        "List-Id",   "X-BeenThere", "X-Mailing-List", "Mailing-List", "X-Mailman-Version",
        "List-Post", NULL};
    for (const char *const *n = names; *n != NULL; n++) {
        const char *value = header(message, *n);
        if (value != NULL && *value != 0) {
            set_list(m, words_unbracket(value, MARK_LIMIT));
        }
    }
    static const char *const delivered[] = {"mailing list", NULL};
    const char *to = header(message, "Delivered-To");
    if (has(to, delivered)) {
        set_list(m, words_line(to, MARK_LIMIT));
    }
    static const char *const owners[] = {"owner-",    "-owner@",   "-admin@", "-bounces@",
                                         "-request@", "-bounces+", NULL};
    const char *sender = header(message, "Sender");
    if (contains(sender, owners)) {
        set_list(m, words_unbracket(sender, MARK_LIMIT));
    }
}

static void find_bulk(mail *m, GMimeMessage *message) {
    static const char *const bulk[] = {"bulk", "list", "junk", NULL};
    const char *precedence = header(message, "Precedence");
    if (has(precedence, bulk)) {
        mark(&m->bulk, "Precedence", precedence);
    }
    static const char *const names[] = {
        "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID",      "X-Campaign",
        "X-Campaign-Id",    "X-Mailer-RecptId",      "X-CSA-Complaints", NULL};
    for (const char *const *n = names; *n != NULL; n++) {
        const char *value = header(message, *n);
        if (value != NULL) {
            mark(&m->bulk, *n, value);
        }
    }
}

static void find_automatic(mail *m, GMimeMessage *message) {
    const char *submitted = header(message, "Auto-Submitted");
    if (submitted != NULL && strncasecmp(submitted, "no", 2) != 0) {
        mark(&m->automatic, "Auto-Submitted", submitted);
    }
    static const char *const names[] = {"X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress",
                                        NULL};
    for (const char *const *n = names; *n != NULL; n++) {
        const char *value = header(message, *n);
        if (value != NULL) {
            mark(&m->automatic, *n, value);
        }
    }
    static const char *const replies[] = {"auto_reply", "auto-reply", NULL};
    if (has(header(message, "Precedence"), replies)) {
        mark(&m->automatic, "Precedence", header(message, "Precedence"));
    }
    static const char *const reports[] = {"multipart/report", NULL};
    if (has(header(message, "Content-Type"), reports)) {
        mark(&m->automatic, "Content-Type", header(message, "Content-Type"));
    }
    const char *path = header(message, "Return-Path");
    if (path != NULL && strncmp(path, "<>", 2) == 0) {
        mark(&m->automatic, "Return-Path", path);
    }
    static const char *const robots[] = {"mailer-daemon@", "postmaster@", "no-reply", "noreply",
                                         "do-not-reply",   "donotreply",  "nobody@",  "bounce",
                                         "daemon@",        "cron@",       "root@",    "notify@",
                                         "notification",   "rssfeeds@",   NULL};
    if (has(m->from, robots)) {
        mark(&m->automatic, "From", m->from);
    }
}

void mail_marks(mail *m, void *message) {
    find_list(m, message);
    find_bulk(m, message);
    find_automatic(m, message);
}
