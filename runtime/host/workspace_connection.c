/* keel.yaml: connections. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "label_read.h"
#include "workspace_int.h"

/* Reverse-DNS: words of small letters, digits and -, with at least one dot between. */
static bool is_id(const char *text, size_t len) {
    bool dotted = memchr(text, '.', len) != NULL;
    for (size_t i = 0; i < len; i++) {
        bool begins = i == 0 || text[i - 1] == '.';
        bool ends = i + 1 == len;
        if (text[i] == '.' ? begins || ends
                           : !strchr(begins ? SMALL DIGITS : SMALL DIGITS "-_", text[i])) {
            return false;
        }
    }
    return dotted;
}

/* N, N.N, N.N.N, and behind three of them a pre-release or build as semver has it. */
static bool is_version(const char *text) {
    for (int numbers = 1;; numbers++) {
        size_t n = strspn(text, DIGITS);
        text += n;
        if (n == 0 || n > 9 || *text == 0) {
            return n > 0 && n <= 9;
        }
        if (numbers == 3) {
            return strchr("-+", *text) && text[1] &&
                   strspn(text, SMALL LARGE DIGITS ".+-") == strlen(text) && strlen(text) < 64;
        }
        if (*text++ != '.') {
            return false;
        }
    }
}

static int read_use(const workspace_reader *r, const yaml_node *body, const yaml_node *name,
                    workspace_connection *c) {
    static const char next[] = "Write the connector's id and version, such as "
                               "`use: com.keel.mailbox@0.1`; `keel connector list` shows them.";
    const yaml_node *n = yaml_get(body, "use");
    if (!n) {
        yaml_fault(r->tree, name, r->d,
                   "the connection \"%s\" does not say which connector it uses", name->text);
        return diag_next(r->d, "%s", next);
    }
    const char *at = workspace_is_text(n) ? strchr(n->text, '@') : NULL;
    if (!at || !is_id(n->text, (size_t)(at - n->text))) {
        return workspace_fault(r, n, "`use` is ID@VERSION", next);
    }
    if (!is_version(at + 1)) {
        return workspace_fault(
            r, n, "the version behind @ is one to three numbers, such as 1, 1.4 or 1.4.0", next);
    }
    c->use = keel_strdup(n->text);
    return 0;
}

static int read_config(const workspace_reader *r, const yaml_node *body, workspace_connection *c) {
    const yaml_node *n = yaml_get(body, "config");
    if (!n) {
        keel_buf_puts(&c->config, "{}");
        return 0;
    }
    if (n->kind != YAML_MAP) {
        return workspace_fault(r, n, "`config` is a map",
                               "For example: `config: { folder: ~/Maildir }`.");
    }
    return yaml_to_json(r->tree, n, &c->config, r->d);
}

/* ---- the network ---- */

static char *whole_path(const char *root, const char *text) {
    const char *home = getenv("HOME");
    keel_buf b = KEEL_BUF_INIT;
    if (strncmp(text, "~/", 2) == 0 && home) {
        keel_buf_printf(&b, "%s/%s", home, text + 2);
    } else {
        keel_buf_printf(&b, "%s%s%s", text[0] == '/' ? "" : root, text[0] == '/' ? "" : "/", text);
    }
    return b.data;
}

/* Egress reads it when it begins; a mistake shall show here. */
static int read_tls(const workspace_reader *r, const yaml_node *n, workspace_connection *c) {
    static const char *const known[] = {"ca", NULL};
    static const char next[] = "For example: `tls: { ca: certificates/own.pem }`: a file of "
                               "certificates that are trusted besides those of the system.";
    if (n->kind != YAML_MAP) {
        return workspace_fault(r, n, "`tls` is a map with `ca`", next);
    }
    int rc = yaml_known_keys(r->tree, n, known, r->d);
    const yaml_node *ca = yaml_get(n, "ca");
    if (rc == 0 && (!ca || !workspace_is_text(ca))) {
        rc = workspace_fault(r, ca ? ca : n, "`ca` is the path of a file", next);
    }
    if (rc) {
        return rc;
    }
    c->ca = whole_path(r->w->root, ca->text);
    struct stat st;
    const char *why = stat(c->ca, &st) != 0 || access(c->ca, R_OK) != 0 ? strerror(errno)
                      : !S_ISREG(st.st_mode)                            ? "it is no file"
                                                                        : NULL;
    if (why) {
        yaml_fault(r->tree, ca, r->d, "the certificates %s cannot be read: %s", c->ca, why);
        return diag_next(r->d, "%s", next);
    }
    return 0;
}

static int read_bool(const workspace_reader *r, const yaml_node *n, const char *key, bool *out) {
    if (!yaml_bool(n, out)) {
        yaml_fault(r->tree, n, r->d, "`%s` is true or false", key);
        return diag_next(r->d, "Without the line it is false.");
    }
    return 0;
}

static int read_network(const workspace_reader *r, const yaml_node *body, workspace_connection *c) {
    const yaml_node *auth = yaml_get(body, "auth");
    const yaml_node *tls = yaml_get(body, "tls");
    const yaml_node *private = yaml_get(body, "private");
    const yaml_node *plain = yaml_get(body, "plain");
    for (size_t i = 0; i < body->count; i++) {
        if (body->items[i] == auth) {
            c->auth_line = body->keys[i]->line;
            c->auth_column = body->keys[i]->column;
        }
    }
    int rc = auth ? workspace_read_auth(r, auth, &c->auth) : 0;
    rc = rc || !tls ? rc : read_tls(r, tls, c);
    rc = rc || !private ? rc : read_bool(r, private, "private", &c->private);
    return rc || !plain ? rc : read_bool(r, plain, "plain", &c->plain);
}

/* ---- the whole ---- */

static int read_connection(const workspace_reader *r, const yaml_node *name, const yaml_node *body,
                           workspace_connection *c) {
    static const char *const known[] = {"use",   "config", "auth",        "tls", "private",
                                        "plain", "poll",   "sensitivity", NULL};
    if (!workspace_is_word(name->text, SMALL, SMALL DIGITS "_-", 63)) {
        yaml_fault(r->tree, name, r->d,
                   "\"%.60s\" cannot be a connection's name: it is not of small "
                   "letters, digits, _ and -, beginning with a letter",
                   name->text);
        return diag_next(r->d, "For example: `inbox`, `mail_2`.");
    }
    if (body->kind != YAML_MAP) {
        return workspace_fault(
            r, body, "a connection is a map with `use` and `config`",
            "For example: `inbox: { use: com.keel.mailbox@0.1, config: { folder: mail } }`.");
    }
    c->name = keel_strdup(name->text);
    c->line = c->auth_line = name->line;
    c->column = c->auth_column = name->column;
    int rc = yaml_known_keys(r->tree, body, known, r->d);
    rc = rc ? rc : read_use(r, body, name, c);
    rc = rc ? rc : read_config(r, body, c);
    rc = rc ? rc : read_network(r, body, c);
    const yaml_node *level = yaml_get(body, "sensitivity");
    rc = rc || !level ? rc : sensitivity_read(r->tree, level, &c->level, r->d);
    const yaml_node *poll = yaml_get(body, "poll");
    return rc || !poll ? rc : workspace_read_polls(r, poll, c);
}

int workspace_read_connections(const workspace_reader *r, const yaml_node *n) {
    if (n->kind != YAML_MAP) {
        return workspace_fault(
            r, n, "`connections` is a map from names to connections",
            "For example: `connections: { inbox: { use: com.keel.mailbox@0.1 } }`.");
    }
    workspace *w = r->w;
    w->connections = keel_alloc(n->count * sizeof *w->connections);
    memset(w->connections, 0, n->count * sizeof *w->connections);
    for (size_t i = 0; i < n->count; i++) {
        w->connection_count = i + 1;
        int rc = read_connection(r, n->keys[i], n->items[i], &w->connections[i]);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}
