/* keel.yaml. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fsio.h"
#include "workspace_int.h"
#include "yamltree.h"

#define STEP_WALL_US 10000000
#define STEP_CPU_US  5000000
#define MOST_US      3600000000LL
#define FILE_LIMIT   (256 * 1024)

typedef struct reading {
    workspace *w;
    const yaml_tree *tree;
    diag *d;
} reading;

static int fault(const reading *r, const yaml_node *n, const char *what, const char *next) {
    yaml_fault(r->tree, n, r->d, "%s", what);
    return diag_next(r->d, "%s", next);
}

#define SMALL  "abcdefghijklmnopqrstuvwxyz"
#define LARGE  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* A scalar of 1 to `most` bytes, the first out of one set and the others out of another. */
static bool is_word(const char *text, const char *first, const char *rest, size_t most) {
    size_t len = strlen(text);
    return len > 0 && len <= most && strchr(first, text[0]) && strspn(text, rest) == len;
}

static bool is_text(const yaml_node *n) {
    return n->kind == YAML_SCALAR && n->len > 0;
}

/* ---- what stands at the top ---- */

static int read_version(const reading *r, const yaml_node *n) {
    int64_t v;
    if (!yaml_int(n, &v)) {
        return fault(r, n, "`version` is the number of this file's format", "Write `version: 1`.");
    }
    if (v != 1) {
        yaml_fault(r->tree, n, r->d,
                   "this file has format %lld, and this Keel (" KEEL_VERSION ") reads format 1",
                   (long long)v);
        return diag_next(r->d, "Use the Keel that wrote it, or write `version: 1`.");
    }
    return 0;
}

static int read_name(const reading *r, const yaml_node *n) {
    if (!is_text(n) || !is_word(n->text, SMALL LARGE DIGITS, SMALL LARGE DIGITS "_. -", 63)) {
        return fault(r, n, "`name` is up to 63 letters, digits, spaces, dots, _ and -",
                     "For example: `name: studio`.");
    }
    r->w->name = keel_strdup(n->text);
    return 0;
}

static int read_currency(const reading *r, const yaml_node *n) {
    if (!is_text(n) || n->len != 3 || !is_word(n->text, LARGE, LARGE, 3)) {
        return fault(r, n, "`currency` is a code of three capital letters",
                     "For example: `currency: EUR`.");
    }
    r->w->currency = keel_strdup(n->text);
    return 0;
}

static bool zone_exists(const char *name) {
    static const char folder[] = "/usr/share/zoneinfo";
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(folder, F_OK) != 0 || access(path, R_OK) == 0;
}

static int read_timezone(const reading *r, const yaml_node *n) {
    static const char next[] = "For example: `timezone: Europe/Berlin`; `timedatectl "
                               "list-timezones` lists them.";
    if (!is_text(n) || !is_word(n->text, LARGE SMALL, LARGE SMALL DIGITS "_+-/", 64)) {
        return fault(r, n, "`timezone` is the name of a time zone", next);
    }
    if (!zone_exists(n->text)) {
        yaml_fault(r->tree, n, r->d, "the time zone \"%s\" is not known on this machine", n->text);
        return diag_next(r->d, "%s", next);
    }
    r->w->timezone = keel_strdup(n->text);
    return 0;
}

static int read_anchor(const reading *r, const yaml_node *n) {
    bool home = is_text(n) && strncmp(n->text, "~/", 2) == 0;
    if (!is_text(n) || (n->text[0] != '/' && !home) || n->text[n->len - 1] == '/' ||
        strstr(n->text, "/../") || strstr(n->text, "/./") || strstr(n->text, "//")) {
        return fault(r, n, "`anchor` is the whole path of a file, without `..`",
                     "For example: `anchor: ~/anchors/studio`.");
    }
    const char *folder = getenv("HOME");
    if (home && (!folder || folder[0] != '/')) {
        return fault(r, n, "`anchor` begins with ~/, and HOME is not set", "Write the whole path.");
    }
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_printf(&b, "%s%s", home ? folder : "", n->text + (home ? 1 : 0));
    size_t len = strlen(r->w->root);
    if (strncmp(b.data, r->w->root, len) == 0 && b.data[len] == '/') {
        keel_buf_free(&b);
        return fault(r, n,
                     "`anchor` lies inside the workspace, where whoever can change the "
                     "database can change it too",
                     "Choose a place outside.");
    }
    r->w->anchor = b.data;
    return 0;
}

static int read_limit(const reading *r, const yaml_node *map, const char *key, int64_t *out) {
    const yaml_node *n = yaml_get(map, key);
    int64_t us;
    if (!n) {
        return 0;
    }
    if (!yaml_duration_us(n, &us) || us < 1000 || us > MOST_US) {
        yaml_fault(r->tree, n, r->d, "`%s` is a duration between 1ms and 1h", key);
        return diag_next(r->d, "For example: `limits: { wall: 10s, cpu: 5s }`.");
    }
    *out = us;
    return 0;
}

static int read_limits(const reading *r, const yaml_node *n) {
    static const char *const known[] = {"wall", "cpu", NULL};
    if (n->kind != YAML_MAP) {
        return fault(r, n, "`limits` is a map", "For example: `limits: { wall: 10s, cpu: 5s }`.");
    }
    int rc = yaml_known_keys(r->tree, n, known, r->d);
    rc = rc ? rc : read_limit(r, n, "wall", &r->w->step_wall_us);
    return rc ? rc : read_limit(r, n, "cpu", &r->w->step_cpu_us);
}

/* ---- connections ---- */

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

static int read_use(const reading *r, const yaml_node *body, const yaml_node *name,
                    workspace_connection *c) {
    static const char next[] = "Write the connector's id and version, such as "
                               "`use: com.keel.mailbox@0.1`; `keel connector list` shows them.";
    const yaml_node *n = yaml_get(body, "use");
    if (!n) {
        yaml_fault(r->tree, name, r->d,
                   "the connection \"%s\" does not say which connector it uses", name->text);
        return diag_next(r->d, "%s", next);
    }
    const char *at = is_text(n) ? strchr(n->text, '@') : NULL;
    if (!at || !is_id(n->text, (size_t)(at - n->text))) {
        return fault(r, n, "`use` is ID@VERSION", next);
    }
    if (!is_version(at + 1)) {
        return fault(r, n, "the version behind @ is one to three numbers, such as 1, 1.4 or 1.4.0",
                     next);
    }
    c->use = keel_strdup(n->text);
    return 0;
}

static int read_config(const reading *r, const yaml_node *body, workspace_connection *c) {
    const yaml_node *n = yaml_get(body, "config");
    if (!n) {
        keel_buf_puts(&c->config, "{}");
        return 0;
    }
    if (n->kind != YAML_MAP) {
        return fault(r, n, "`config` is a map", "For example: `config: { folder: ~/Maildir }`.");
    }
    return yaml_to_json(r->tree, n, &c->config, r->d);
}

static int refuse_auth(const reading *r, const yaml_node *body) {
    for (size_t i = 0; i < body->count; i++) {
        if (strcmp(body->keys[i]->text, "auth") == 0) {
            return fault(r, body->keys[i],
                         "`auth` is not yet available in this version of Keel (" KEEL_VERSION
                         "): connections have no credentials",
                         "Remove it, and use connectors that need no login.");
        }
    }
    return 0;
}

static int read_connection(const reading *r, const yaml_node *name, const yaml_node *body,
                           workspace_connection *c) {
    static const char *const known[] = {"use", "config", "auth", NULL};
    if (!is_word(name->text, SMALL, SMALL DIGITS "_-", 63)) {
        yaml_fault(r->tree, name, r->d,
                   "\"%.60s\" cannot be a connection's name: it is not of small "
                   "letters, digits, _ and -, beginning with a letter",
                   name->text);
        return diag_next(r->d, "For example: `inbox`, `mail_2`.");
    }
    if (body->kind != YAML_MAP) {
        return fault(
            r, body, "a connection is a map with `use` and `config`",
            "For example: `inbox: { use: com.keel.mailbox@0.1, config: { folder: mail } }`.");
    }
    c->name = keel_strdup(name->text);
    c->line = name->line;
    int rc = yaml_known_keys(r->tree, body, known, r->d);
    rc = rc ? rc : refuse_auth(r, body);
    rc = rc ? rc : read_use(r, body, name, c);
    return rc ? rc : read_config(r, body, c);
}

static int read_connections(const reading *r, const yaml_node *n) {
    if (n->kind != YAML_MAP) {
        return fault(r, n, "`connections` is a map from names to connections",
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

/* ---- the file ---- */

static const struct {
    const char *key;
    int (*read)(const reading *r, const yaml_node *n); /* NULL: a later version's */
} top[] = {
    {"version", read_version},
    {"name", read_name},
    {"currency", read_currency},
    {"timezone", read_timezone},
    {"anchor", read_anchor},
    {"limits", read_limits},
    {"connections", read_connections},
    {"auth", NULL},
    {"executors", NULL},
    {"store", NULL},
    {"http", NULL},
    {"models", NULL},
};
#define TOP (sizeof top / sizeof *top)

static int refuse_later(const reading *r, const yaml_node *key) {
    yaml_fault(r->tree, key, r->d,
               "`%s` is not yet available in this version of Keel (" KEEL_VERSION ")", key->text);
    return diag_next(r->d, "Remove it: a setting that is not obeyed would mislead.");
}

static int read_top(const reading *r, const yaml_node *key, const yaml_node *value) {
    for (size_t i = 0; i < TOP; i++) {
        if (strcmp(top[i].key, key->text) == 0) {
            return top[i].read ? top[i].read(r, value) : refuse_later(r, key);
        }
    }
    abort(); /* yaml_known_keys has seen to it */
}

static int read_root(const reading *r, const yaml_node *root) {
    const char *known[TOP + 1] = {NULL};
    for (size_t i = 0; i < TOP; i++) {
        known[i] = top[i].key;
    }
    if (root->kind != YAML_MAP) {
        return fault(r, root, "keel.yaml is a map", "`keel init` writes one to begin with.");
    }
    int rc = yaml_known_keys(r->tree, root, known, r->d);
    if (rc == 0 && !yaml_get(root, "version")) {
        rc = fault(r, root, "`version` is missing: the number of this file's format",
                   "Write `version: 1` into the first line.");
    }
    for (size_t i = 0; i < root->count && rc == 0; i++) {
        rc = read_top(r, root->keys[i], root->items[i]);
    }
    return rc;
}

static void set_defaults(workspace *w) {
    const char *last = strrchr(w->root, '/') + 1;
    if (!w->name) {
        w->name = keel_strdup(*last ? last : "workspace");
    }
}

int workspace_read(workspace *w, diag *d) {
    keel_buf file = KEEL_BUF_INIT;
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_printf(&file, "%s/keel.yaml", w->root);
    w->step_wall_us = STEP_WALL_US;
    w->step_cpu_us = STEP_CPU_US;
    yaml_tree *tree = NULL;
    int rc = fsio_read(file.data, FILE_LIMIT, &text, d);
    if (rc == DIAG_NOT_FOUND) {
        diag_set(d, rc, "%s is not a workspace: it has no keel.yaml", w->root);
        diag_next(d, "Go to a workspace, or make one there with `keel init`.");
    }
    rc = rc ? rc : yaml_tree_parse(&tree, file.data, text.data ? text.data : "", text.len, d);
    if (rc == 0) {
        reading r = {w, tree, d};
        rc = read_root(&r, yaml_tree_root(tree));
    }
    if (rc == 0) {
        set_defaults(w);
    }
    yaml_tree_destroy(tree);
    keel_buf_free(&file);
    keel_buf_free(&text);
    return rc;
}
