/* keel.yaml. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fsio.h"
#include "workspace_int.h"

#define STEP_WALL_US 10000000
#define STEP_CPU_US  5000000
#define MOST_US      3600000000LL
#define FILE_LIMIT   (256 * 1024)

int workspace_fault(const workspace_reader *r, const yaml_node *n, const char *what,
                    const char *next) {
    yaml_fault(r->tree, n, r->d, "%s", what);
    return diag_next(r->d, "%s", next);
}

bool workspace_is_word(const char *text, const char *first, const char *rest, size_t most) {
    size_t len = strlen(text);
    return len > 0 && len <= most && strchr(first, text[0]) && strspn(text, rest) == len;
}

bool workspace_is_text(const yaml_node *n) {
    return n->kind == YAML_SCALAR && n->len > 0;
}

/* ---- what stands at the top ---- */

static int read_version(const workspace_reader *r, const yaml_node *n) {
    int64_t v;
    if (!yaml_int(n, &v)) {
        return workspace_fault(r, n, "`version` is the number of this file's format",
                               "Write `version: 1`.");
    }
    if (v != 1) {
        yaml_fault(r->tree, n, r->d,
                   "this file has format %lld, and this Keel (" KEEL_VERSION ") reads format 1",
                   (long long)v);
        return diag_next(r->d, "Use the Keel that wrote it, or write `version: 1`.");
    }
    return 0;
}

static int read_name(const workspace_reader *r, const yaml_node *n) {
    if (!workspace_is_text(n) ||
        !workspace_is_word(n->text, SMALL LARGE DIGITS, SMALL LARGE DIGITS "_. -", 63)) {
        return workspace_fault(r, n, "`name` is up to 63 letters, digits, spaces, dots, _ and -",
                               "For example: `name: studio`.");
    }
    r->w->name = keel_strdup(n->text);
    return 0;
}

static int read_currency(const workspace_reader *r, const yaml_node *n) {
    if (!workspace_is_text(n) || n->len != 3 || !workspace_is_word(n->text, LARGE, LARGE, 3)) {
        return workspace_fault(r, n, "`currency` is a code of three capital letters",
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

static int read_timezone(const workspace_reader *r, const yaml_node *n) {
    static const char next[] = "For example: `timezone: Europe/Berlin`; `timedatectl "
                               "list-timezones` lists them.";
    if (!workspace_is_text(n) ||
        !workspace_is_word(n->text, LARGE SMALL, LARGE SMALL DIGITS "_+-/", 64)) {
        return workspace_fault(r, n, "`timezone` is the name of a time zone", next);
    }
    if (!zone_exists(n->text)) {
        yaml_fault(r->tree, n, r->d, "the time zone \"%s\" is not known on this machine", n->text);
        return diag_next(r->d, "%s", next);
    }
    r->w->timezone = keel_strdup(n->text);
    return 0;
}

static int read_anchor(const workspace_reader *r, const yaml_node *n) {
    bool home = workspace_is_text(n) && strncmp(n->text, "~/", 2) == 0;
    if (!workspace_is_text(n) || (n->text[0] != '/' && !home) || n->text[n->len - 1] == '/' ||
        strstr(n->text, "/../") || strstr(n->text, "/./") || strstr(n->text, "//")) {
        return workspace_fault(r, n, "`anchor` is the whole path of a file, without `..`",
                               "For example: `anchor: ~/anchors/studio`.");
    }
    const char *folder = getenv("HOME");
    if (home && (!folder || folder[0] != '/')) {
        return workspace_fault(r, n, "`anchor` begins with ~/, and HOME is not set",
                               "Write the whole path.");
    }
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_printf(&b, "%s%s", home ? folder : "", n->text + (home ? 1 : 0));
    size_t len = strlen(r->w->root);
    if (strncmp(b.data, r->w->root, len) == 0 && b.data[len] == '/') {
        keel_buf_free(&b);
        return workspace_fault(r, n,
                               "`anchor` lies inside the workspace, where whoever can change the "
                               "database can change it too",
                               "Choose a place outside.");
    }
    r->w->anchor = b.data;
    return 0;
}

static int read_limit(const workspace_reader *r, const yaml_node *map, const char *key,
                      int64_t *out) {
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

static int read_limits(const workspace_reader *r, const yaml_node *n) {
    static const char *const known[] = {"wall", "cpu", NULL};
    if (n->kind != YAML_MAP) {
        return workspace_fault(r, n, "`limits` is a map",
                               "For example: `limits: { wall: 10s, cpu: 5s }`.");
    }
    int rc = yaml_known_keys(r->tree, n, known, r->d);
    rc = rc ? rc : read_limit(r, n, "wall", &r->w->step_wall_us);
    return rc ? rc : read_limit(r, n, "cpu", &r->w->step_cpu_us);
}

/* ---- the file ---- */

static const struct {
    const char *key;
    int (*read)(const workspace_reader *r, const yaml_node *n); /* NULL: a later version's */
} top[] = {
    {"version", read_version},
    {"name", read_name},
    {"currency", read_currency},
    {"timezone", read_timezone},
    {"anchor", read_anchor},
    {"limits", read_limits},
    {"connections", workspace_read_connections},
    {"secrets", workspace_read_secrets},
    {"notify", workspace_read_notify},
    {"auth", NULL},
    {"executors", NULL},
    {"store", NULL},
    {"http", NULL},
    {"models", NULL},
};
#define TOP (sizeof top / sizeof *top)

static int refuse_later(const workspace_reader *r, const yaml_node *key) {
    yaml_fault(r->tree, key, r->d,
               "`%s` is not yet available in this version of Keel (" KEEL_VERSION ")", key->text);
    return diag_next(r->d, "Remove it: a setting that is not obeyed would mislead.");
}

static int read_top(const workspace_reader *r, const yaml_node *key, const yaml_node *value) {
    for (size_t i = 0; i < TOP; i++) {
        if (strcmp(top[i].key, key->text) == 0) {
            return top[i].read ? top[i].read(r, value) : refuse_later(r, key);
        }
    }
    abort(); /* yaml_known_keys has seen to it */
}

static int read_root(const workspace_reader *r, const yaml_node *root) {
    const char *known[TOP + 1] = {NULL};
    for (size_t i = 0; i < TOP; i++) {
        known[i] = top[i].key;
    }
    if (root->kind != YAML_MAP) {
        return workspace_fault(r, root, "keel.yaml is a map",
                               "`keel init` writes one to begin with.");
    }
    int rc = yaml_known_keys(r->tree, root, known, r->d);
    if (rc == 0 && !yaml_get(root, "version")) {
        rc = workspace_fault(r, root, "`version` is missing: the number of this file's format",
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
        workspace_reader r = {w, tree, d};
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
