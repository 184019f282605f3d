/* keel.yaml: how a person is told, by the names that policies use. */
#include <stdlib.h>
#include <string.h>

#include "workspace_int.h"

#define SECOND          1000000LL
#define WORD_REST       SMALL LARGE DIGITS "._-"
#define ADDRESS_LETTERS SMALL LARGE DIGITS ".!#$%&'*+/=?^_`{|}~-"
#define SENDMAIL        "/usr/sbin/sendmail"

static const char ways_next[] =
    "For example: `phone: { command: [/usr/local/bin/push] }`, `desk: { desktop: true }` or "
    "`me: { mail: { to: me@studio.example } }`.";

/* "~/bin/push" is below the home; the rest stays as it is. */
static char *argument(const char *text) {
    const char *home = getenv("HOME");
    keel_buf b = KEEL_BUF_INIT;
    bool below = strncmp(text, "~/", 2) == 0 && home && home[0] == '/';
    keel_buf_printf(&b, "%s%s", below ? home : "", text + (below ? 1 : 0));
    return b.data;
}

/* A program by its whole path: what a name means would depend on who started Keel, and from where. */
static int read_program(const workspace_reader *r, const yaml_node *n, const char *key,
                        workspace_notifier *t) {
    static const char next[] =
        "For example: `[/usr/local/bin/push, --title, Keel]`; no shell reads "
        "it.";
    if (n->kind != YAML_LIST || n->count < 1 || n->count > NOTIFY_ARGUMENTS) {
        yaml_fault(r->tree, n, r->d,
                   "`%s` is a list: a program by its whole path, and its arguments", key);
        return diag_next(r->d, "%s", next);
    }
    t->argv = keel_alloc((n->count + 1) * sizeof *t->argv);
    memset(t->argv, 0, (n->count + 1) * sizeof *t->argv);
    for (size_t i = 0; i < n->count; i++) {
        const yaml_node *word = n->items[i];
        if (word->kind != YAML_SCALAR || strlen(word->text) != word->len) {
            return workspace_fault(r, word, "an argument is one text", next);
        }
        t->argv[t->argc++] = argument(word->text);
    }
    if (t->argv[0][0] != '/') {
        yaml_fault(r->tree, n->items[0], r->d, "the program of `%s` has no whole path", key);
        return diag_next(r->d, "%s", next);
    }
    return 0;
}

static int read_input(const workspace_reader *r, const yaml_node *n, workspace_notifier *t) {
    bool json = workspace_is_text(n) && strcmp(n->text, "json") == 0;
    if (!json && !(workspace_is_text(n) && strcmp(n->text, "text") == 0)) {
        return workspace_fault(r, n, "`input` is text or json",
                               "text: lines to read, as without it; json: one line of JSON.");
    }
    t->json = json;
    return 0;
}

static int read_timeout(const workspace_reader *r, const yaml_node *n, workspace_notifier *t) {
    if (!yaml_duration_us(n, &t->timeout_us) || t->timeout_us < SECOND ||
        t->timeout_us > 60 * SECOND) {
        return workspace_fault(r, n, "`timeout` is a duration from 1s to 60s",
                               "Without the line it is 30s.");
    }
    return 0;
}

static int read_desktop(const workspace_reader *r, const yaml_node *n, workspace_notifier *t) {
    bool on = false;
    if (!yaml_bool(n, &on) || !on) {
        return workspace_fault(r, n, "`desktop` is true, or is not there", ways_next);
    }
    t->way = NOTIFY_DESKTOP;
    return 0;
}

static bool is_address(const yaml_node *n) {
    const char *at = workspace_is_text(n) ? strrchr(n->text, '@') : NULL;
    size_t local = at ? (size_t)(at - n->text) : 0;
    return at && n->len <= 254 && strlen(n->text) == n->len && local > 0 && local <= 64 &&
           n->text[0] != '-' && strspn(n->text, ADDRESS_LETTERS) == local &&
           workspace_is_word(at + 1, SMALL LARGE DIGITS, SMALL LARGE DIGITS ".-", 253);
}

static int read_mail(const workspace_reader *r, const yaml_node *n, workspace_notifier *t) {
    static const char *const known[] = {"to", "from", "program", NULL};
    static const char next[] = "For example: `mail: { to: me@studio.example }`.";
    if (n->kind != YAML_MAP) {
        return workspace_fault(r, n, "`mail` is a map with `to`", next);
    }
    int rc = yaml_known_keys(r->tree, n, known, r->d);
    const yaml_node *to = yaml_get(n, "to"), *from = yaml_get(n, "from");
    const yaml_node *program = yaml_get(n, "program");
    if (rc == 0 && (!to || !is_address(to))) {
        rc = workspace_fault(r, to ? to : n, "`to` is one address", next);
    }
    if (rc == 0 && from && !is_address(from)) {
        rc = workspace_fault(r, from, "`from` is one address", next);
    }
    if (rc) {
        return rc;
    }
    t->way = NOTIFY_MAIL;
    t->to = keel_strdup(to->text);
    t->from = from ? keel_strdup(from->text) : NULL;
    if (program) {
        return read_program(r, program, "program", t);
    }
    t->argv = keel_alloc(2 * sizeof *t->argv);
    t->argv[0] = keel_strdup(SENDMAIL);
    t->argv[1] = NULL;
    t->argc = 1;
    return 0;
}

static int read_notifier(const workspace_reader *r, const yaml_node *name, const yaml_node *body,
                         workspace_notifier *t) {
    static const char *const known[] = {"command", "desktop", "mail", "input", "timeout", NULL};
    if (!workspace_is_word(name->text, SMALL LARGE DIGITS, WORD_REST, NOTIFY_NAME - 1)) {
        yaml_fault(r->tree, name, r->d, "\"%.60s\" cannot be the name of a notifier", name->text);
        return diag_next(r->d, "Use up to 63 letters, digits, -, _ and dots, such as `phone`.");
    }
    if (body->kind != YAML_MAP) {
        return workspace_fault(r, body, "a notifier is a map with one way to tell", ways_next);
    }
    t->name = keel_strdup(name->text);
    t->timeout_us = 30 * SECOND;
    t->line = name->line;
    t->column = name->column;
    int rc = yaml_known_keys(r->tree, body, known, r->d);
    const yaml_node *command = yaml_get(body, "command"), *input = yaml_get(body, "input");
    const yaml_node *desktop = yaml_get(body, "desktop"), *mail = yaml_get(body, "mail");
    if (rc == 0 && !!command + !!desktop + !!mail != 1) {
        yaml_fault(r->tree, name, r->d, "`%.60s` has no one way to tell: command, desktop or mail",
                   name->text);
        return diag_next(r->d, "%s", ways_next);
    }
    if (rc == 0 && input && !command) {
        rc = workspace_fault(r, input, "`input` is for a command", "Remove the line.");
    }
    rc = rc || !command ? rc : read_program(r, command, "command", t);
    rc = rc || !input ? rc : read_input(r, input, t);
    const yaml_node *timeout = yaml_get(body, "timeout");
    rc = rc || !timeout ? rc : read_timeout(r, timeout, t);
    rc = rc || !desktop ? rc : read_desktop(r, desktop, t);
    return rc || !mail ? rc : read_mail(r, mail, t);
}

int workspace_read_notify(const workspace_reader *r, const yaml_node *n) {
    workspace *w = r->w;
    if (n->kind != YAML_MAP || n->count == 0 || n->count > NOTIFY_MOST) {
        return workspace_fault(
            r, n, "`notify` is a map from 1 to 16 names to ways to tell a person", ways_next);
    }
    w->notifiers = keel_alloc(n->count * sizeof *w->notifiers);
    memset(w->notifiers, 0, n->count * sizeof *w->notifiers);
    for (size_t i = 0; i < n->count; i++) {
        w->notifier_count = i + 1;
        int rc = read_notifier(r, n->keys[i], n->items[i], &w->notifiers[i]);
        if (rc) {
            return rc;
        }
    }
    return 0;
}

void workspace_notify_free(workspace *w) {
    for (size_t i = 0; i < w->notifier_count; i++) {
        workspace_notifier *t = &w->notifiers[i];
        for (size_t k = 0; k < t->argc; k++) {
            free(t->argv[k]);
        }
        free((void *)t->argv);
        free(t->name);
        free(t->to);
        free(t->from);
    }
    free(w->notifiers);
}

const workspace_notifier *workspace_notifier_named(const workspace *w, const char *name) {
    for (size_t i = 0; i < w->notifier_count; i++) {
        if (strcmp(w->notifiers[i].name, name) == 0) {
            return &w->notifiers[i];
        }
    }
    return NULL;
}
