/* How each way is called. */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "notifier.h"
#include "notify_check.h"

#define PATH_OF_ALL "/usr/local/bin:/usr/bin:/bin"
#define LINE_BYTES  72

static void add(char ***list, size_t *count, const char *text) {
    *list = keel_realloc(*list, (*count + 2) * sizeof **list);
    (*list)[(*count)++] = keel_strdup(text);
    (*list)[*count] = NULL;
}

static void member(keel_json notice, const char *key, keel_buf *out) {
    keel_buf_puts(out, "");
    keel_json_string(keel_json_get(notice, key), out);
}

/* ---- environment ---- */

static void put_variable(notifier_words *w, size_t *count, const char *name, const char *value) {
    keel_buf b = KEEL_BUF_INIT;
    if (value) {
        keel_buf_printf(&b, "%s=%s", name, value);
        add(&w->env, count, b.data);
    }
    keel_buf_free(&b);
}

/* Where the session's bus is, also for a Keel that was started outside of the session. */
static void put_bus(notifier_words *w, size_t *count) {
    const char *bus = getenv("DBUS_SESSION_BUS_ADDRESS");
    char path[64], address[96];
    struct stat st;
    snprintf(path, sizeof path, "/run/user/%u/bus", (unsigned)getuid());
    snprintf(address, sizeof address, "unix:path=%s", path);
    put_variable(w, count, "DBUS_SESSION_BUS_ADDRESS",
                 bus                    ? bus
                 : stat(path, &st) == 0 ? address
                                        : NULL);
}

/* What Keel was started with may hold secrets, and is nobody's business. */
static void environment(notifier_words *w, const workspace_notifier *by) {
    static const char *const screen[] = {"DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY"};
    const struct passwd *user = getpwuid(getuid());
    size_t count = 0;
    put_variable(w, &count, "HOME", getenv("HOME"));
    put_variable(w, &count, "LANG", "C.UTF-8");
    put_variable(w, &count, "LOGNAME", user ? user->pw_name : NULL);
    put_variable(w, &count, "PATH", PATH_OF_ALL);
    put_variable(w, &count, "USER", user ? user->pw_name : NULL);
    put_variable(w, &count, "XDG_RUNTIME_DIR", getenv("XDG_RUNTIME_DIR"));
    if (by->way == NOTIFY_DESKTOP) {
        put_bus(w, &count);
        for (size_t i = 0; i < sizeof screen / sizeof *screen; i++) {
            put_variable(w, &count, screen[i], getenv(screen[i]));
        }
    }
}

/* ---- a command ---- */

static void command(notifier_words *w, const workspace_notifier *by, keel_json notice) {
    size_t count = 0;
    for (size_t i = 0; i < by->argc; i++) {
        add(&w->argv, &count, by->argv[i]);
    }
    if (by->json) {
        keel_buf_append(&w->input, notice.data, notice.len);
        keel_buf_putc(&w->input, '\n');
        return;
    }
    member(notice, "title", &w->input);
    keel_buf_putc(&w->input, '\n');
    member(notice, "text", &w->input);
}

/* ---- the desktop ---- */

/* The text of a notification is taken for mark-up. */
static void escape_markup(const char *text, keel_buf *out) {
    keel_buf_puts(out, "");
    for (; *text; text++) {
        if (strchr("&<>", *text)) {
            keel_buf_puts(out, *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : "&gt;");
        } else {
            keel_buf_putc(out, *text);
        }
    }
}

static void desktop(notifier_words *w, keel_json notice) {
    keel_buf program = KEEL_BUF_INIT, title = KEEL_BUF_INIT, text = KEEL_BUF_INIT;
    keel_buf body = KEEL_BUF_INIT;
    notify_find("notify-send", &program);
    member(notice, "title", &title);
    member(notice, "text", &text);
    escape_markup(text.data, &body);
    const char *const words[] = {program.data, "--app-name=Keel", "--", title.data, body.data};
    size_t count = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        add(&w->argv, &count, words[i]);
    }
    keel_buf_puts(&w->input, "");
    keel_buf_free(&program);
    keel_buf_free(&title);
    keel_buf_free(&text);
    keel_buf_free(&body);
}

/* ---- mail ---- */

/* Quoted-printable: lines short enough for any server, whatever bytes they have. */
static void put_quoted(const char *text, keel_buf *out) {
    size_t column = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '\n') {
            keel_buf_putc(out, '\n');
            column = 0;
            continue;
        }
        bool plain = *p >= ' ' && *p < 0x7f && *p != '=' && !(*p == ' ' && p[1] == '\n');
        if (column >= LINE_BYTES) {
            keel_buf_puts(out, "=\n");
            column = 0;
        }
        if (plain) {
            keel_buf_putc(out, (char)*p);
        } else {
            keel_buf_printf(out, "=%02X", *p);
        }
        column += plain ? 1 : 3;
    }
}

static void mail(notifier_words *w, const workspace_notifier *by, keel_json notice, int64_t now_s) {
    keel_buf text = KEEL_BUF_INIT;
    size_t count = 0;
    time_t at = (time_t)now_s;
    struct tm tm;
    char date[48];
    gmtime_r(&at, &tm);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &tm);
    for (size_t i = 0; i < by->argc; i++) {
        add(&w->argv, &count, by->argv[i]);
    }
    add(&w->argv, &count, "-i"); /* a line of one dot does not end it */
    if (by->from) {
        add(&w->argv, &count, "-f");
        add(&w->argv, &count, by->from);
        keel_buf_printf(&w->input, "From: <%s>\n", by->from);
    }
    add(&w->argv, &count, "--");
    add(&w->argv, &count, by->to);
    keel_buf_printf(&w->input, "To: <%s>\nSubject: ", by->to);
    member(notice, "title", &w->input);
    keel_buf_printf(&w->input,
                    "\nDate: %s\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n"
                    "Content-Type: text/plain; charset=utf-8\n"
                    "Content-Transfer-Encoding: quoted-printable\n\n",
                    date);
    member(notice, "text", &text);
    put_quoted(text.data, &w->input);
    keel_buf_free(&text);
}

int notifier_words_make(notifier_words *w, const workspace_notifier *by, keel_json notice,
                        int64_t now_s, keel_buf *why) {
    if (notify_wrong(by, why)) {
        return -1;
    }
    environment(w, by);
    switch (by->way) {
    case NOTIFY_DESKTOP:
        desktop(w, notice);
        break;
    case NOTIFY_MAIL:
        mail(w, by, notice, now_s);
        break;
    default:
        command(w, by, notice);
        break;
    }
    return 0;
}

static void free_list(char **list) {
    for (char **at = list; at && *at; at++) {
        free(*at);
    }
    free(list);
}

void notifier_words_free(notifier_words *w) {
    free_list(w->argv);
    free_list(w->env);
    keel_buf_free(&w->input);
}
