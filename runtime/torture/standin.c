#include "standin.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fsio.h"
#include "yamltree.h"

const char *const standin_faults[] = {"dies_before", "dies", "silent", "late", NULL};

/* ---- YAML ---- */

static void put_node(const yaml_node *n, int indent, keel_buf *out);

static void put_scalar(const yaml_node *n, keel_buf *out) {
    if (n->quoted) {
        keel_json_quote(out, n->text, n->len);
    } else {
        keel_buf_append(out, n->text, n->len);
    }
}

static void put_indent(int indent, keel_buf *out) {
    keel_buf_printf(out, "\n%*s", indent, "");
}

/* Behind a key or a dash. */
static void put_node(const yaml_node *n, int indent, keel_buf *out) {
    if (n->kind == YAML_SCALAR) {
        keel_buf_putc(out, ' ');
        put_scalar(n, out);
        return;
    }
    if (n->count == 0) {
        keel_buf_puts(out, n->kind == YAML_MAP ? " {}" : " []");
    }
    for (size_t i = 0; i < n->count; i++) {
        put_indent(indent, out);
        if (n->kind == YAML_MAP) {
            put_scalar(n->keys[i], out);
            keel_buf_putc(out, ':');
        } else {
            keel_buf_putc(out, '-');
        }
        put_node(n->items[i], indent + 2, out);
    }
}

static bool is_one_of(const yaml_node *key, const char *const *names) {
    while (*names && strcmp(*names, key->text) != 0) {
        names++;
    }
    return *names != NULL;
}

static void put_without(const yaml_node *map, const char *const *left_out, int indent,
                        keel_buf *out) {
    for (size_t i = 0; i < map->count; i++) {
        if (!is_one_of(map->keys[i], left_out)) {
            put_indent(indent, out);
            put_scalar(map->keys[i], out);
            keel_buf_putc(out, ':');
            put_node(map->items[i], indent + 2, out);
        }
    }
}

/* ---- the connector ---- */

/* It answers at once and knows at once what it did. */
static void put_verb(const yaml_node *verb, keel_buf *out) {
    static const char *const own[] = {"settle", "timeout", NULL};
    if (verb->kind == YAML_MAP) {
        put_without(verb, own, 6, out);
    }
    put_indent(6, out);
    keel_buf_puts(out, "timeout: " STANDIN_TIMEOUT);
    const yaml_node *class = yaml_get(verb, "class");
    if (class && !strcmp(class->text, "checkable")) {
        put_indent(6, out);
        keel_buf_puts(out, "settle: 0s");
    }
}

static void put_resource(const yaml_node *resource, keel_buf *out) {
    static const char *const verbs[] = {"read", "write", "compensate", NULL};
    static const char *const left_out[] = {"read", "write", "compensate", "schema", NULL};
    put_without(resource, left_out, 4, out);
    for (size_t i = 0; verbs[i]; i++) {
        const yaml_node *verb = yaml_get(resource, verbs[i]);
        if (verb) {
            put_indent(4, out);
            keel_buf_printf(out, "%s:", verbs[i]);
            put_verb(verb, out);
        }
    }
}

static void put_manifest(const yaml_node *root, keel_buf *out) {
    static const char *const left_out[] = {"entry",       "needs",     "abi",  "libraries",
                                           "concurrency", "resources", "name", NULL};
    const yaml_node *resources = yaml_get(root, "resources");
    put_without(root, left_out, 0, out);
    keel_buf_puts(out, "\nentry: outside.lua\nneeds: [ \"file:rw:{config.folder}\" ]\nresources:");
    for (size_t i = 0; resources && i < resources->count; i++) {
        put_indent(2, out);
        put_scalar(resources->keys[i], out);
        keel_buf_putc(out, ':');
        put_resource(resources->items[i], out);
    }
    keel_buf_putc(out, '\n');
}

static void put_entry(const manifest *m, keel_buf *out) {
    keel_buf_puts(out,
                  "-- Made by keel torture: the connector's resources, and nothing of its code.\n"
                  "return require \"standin\" {\n");
    for (size_t i = 0; i < m->resource_count; i++) {
        const manifest_resource *r = &m->resources[i];
        keel_buf_puts(out, "  [");
        keel_json_quote(out, r->name, strlen(r->name));
        keel_buf_puts(out, "] = {");
        for (manifest_verb_id v = 0; v < VERB_COUNT; v++) {
            if (r->verbs[v].present) {
                keel_buf_printf(out, " %s = \"%s\",", manifest_verb_name(v),
                                effect_class_name(r->verbs[v].class));
            }
        }
        keel_buf_puts(out, " },\n");
    }
    keel_buf_puts(out, "}\n");
}

static int put_file(const char *folder, const char *name, const keel_buf *text, diag *d) {
    keel_buf path = KEEL_BUF_INIT;
    keel_buf_printf(&path, "%s/%s", folder, name);
    int rc = fsio_write_atomic(path.data, text->data, text->len, 0644, d);
    keel_buf_free(&path);
    return rc;
}

int standin_write(const char *folder, const manifest *m, const char *text, size_t len,
                  const char *library, diag *d) {
    yaml_tree *tree;
    keel_buf manifest_text = KEEL_BUF_INIT, entry = KEEL_BUF_INIT, lua = KEEL_BUF_INIT;
    int rc = yaml_tree_parse(&tree, m->file, text, len, d);
    if (rc) {
        return rc;
    }
    put_manifest(yaml_tree_root(tree), &manifest_text);
    put_entry(m, &entry);
    rc = fsio_mkdirs(folder, 0755, d);
    rc = rc ? rc : fsio_read(library, 1 << 20, &lua, d);
    rc = rc ? rc : put_file(folder, "manifest.yaml", &manifest_text, d);
    rc = rc ? rc : put_file(folder, "outside.lua", &entry, d);
    rc = rc ? rc : put_file(folder, "standin.lua", &lua, d);
    yaml_tree_destroy(tree);
    keel_buf_free(&manifest_text);
    keel_buf_free(&entry);
    keel_buf_free(&lua);
    return rc;
}

/* ---- keel.yaml ---- */

/* Once at each start, and the stand-in has nothing new: what a scene receives is sent. */
static void put_polls(const yaml_node *poll, keel_buf *out) {
    for (size_t i = 0; poll && i < poll->count; i++) {
        keel_buf_printf(out, "%s%s: 1d", i ? ", " : ", poll: { ", poll->keys[i]->text);
    }
    keel_buf_puts(out, poll && poll->count ? " }" : "");
}

int standin_workspace(const char *from, keel_buf *out, diag *d) {
    static const char *const left_out[] = {"anchor", "secrets", "connections", NULL};
    yaml_tree *tree;
    int rc = yaml_tree_load(&tree, from, d);
    if (rc) {
        return rc;
    }
    const yaml_node *connections = yaml_get(yaml_tree_root(tree), "connections");
    put_without(yaml_tree_root(tree), left_out, 0, out);
    keel_buf_puts(out, connections && connections->count ? "\nconnections:" : "");
    for (size_t i = 0; connections && i < connections->count; i++) {
        const char *name = connections->keys[i]->text;
        const yaml_node *use = yaml_get(connections->items[i], "use");
        keel_buf_printf(out, "\n  %s: { use: \"%s\", config: { folder: \"outside-%s\" }", name,
                        use ? use->text : "", name);
        put_polls(yaml_get(connections->items[i], "poll"), out);
        keel_buf_puts(out, " }");
    }
    keel_buf_putc(out, '\n');
    yaml_tree_destroy(tree);
    return 0;
}

/* ---- the folder ---- */

void standin_answers(const site *s, const char *connection, const keel_buf *answers) {
    char name[300];
    snprintf(name, sizeof name, "outside-%s/answers.json", connection);
    site_put(s, name, answers->data);
}

/* A silent outside would hold each visit up for as long as its verb may take. */
static void hasten(const char *folder) {
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        char path[700];
        keel_buf text = KEEL_BUF_INIT, changed = KEEL_BUF_INIT;
        snprintf(path, sizeof path, "%s/%s/manifest.yaml", folder, e->d_name);
        if (e->d_name[0] != '.' && !fsio_read(path, 1 << 20, &text, NULL)) {
            const char *at = text.data, *next;
            while ((next = strstr(at, "timeout: " STANDIN_TIMEOUT)) != NULL) {
                keel_buf_append(&changed, at, (size_t)(next - at));
                keel_buf_puts(&changed, "timeout: " STANDIN_HASTE);
                at = next + strlen("timeout: " STANDIN_TIMEOUT);
            }
            keel_buf_puts(&changed, at);
            fsio_write_atomic(path, changed.data, changed.len, 0644, NULL);
        }
        keel_buf_free(&text);
        keel_buf_free(&changed);
    }
    if (dir) {
        closedir(dir);
    }
}

/* Calls are counted from the start of the site, so this comes before. */
void standin_fault(const site *s, const char *fault) {
    char connection[100], name[200], folder[300];
    const char *rest = strchr(fault, ' ');
    snprintf(connection, sizeof connection, "%.*s", (int)(rest - fault), fault);
    snprintf(name, sizeof name, "outside-%s/fault", connection);
    site_put(s, name, rest + 1);
    snprintf(folder, sizeof folder, "%s/share/plugins", s->folder);
    hasten(folder);
    snprintf(folder, sizeof folder, "%s/connectors", s->root);
    hasten(folder);
}

typedef void on_outside(void *ctx, const char *connection, const char *folder);

static void each_outside(const site *s, on_outside *each, void *ctx) {
    DIR *dir = opendir(s->root);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        char folder[500];
        if (!strncmp(e->d_name, "outside-", 8)) {
            snprintf(folder, sizeof folder, "%s/%s", s->root, e->d_name);
            each(ctx, e->d_name + 8, folder);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

static void look_for_struck(void *ctx, const char *connection, const char *folder) {
    char path[600];
    (void)connection;
    snprintf(path, sizeof path, "%s/struck", folder);
    *(bool *)ctx |= access(path, F_OK) == 0;
}

bool standin_struck(const site *s) {
    bool struck = false;
    each_outside(s, look_for_struck, &struck);
    return struck;
}

static void take_calls(void *ctx, const char *connection, const char *folder) {
    char path[600], *save = NULL;
    keel_buf text = KEEL_BUF_INIT;
    snprintf(path, sizeof path, "%s/calls", folder);
    if (!fsio_read(path, 1 << 20, &text, NULL) && text.data) {
        for (char *l = strtok_r(text.data, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
            fprintf(ctx, "%s.%s\n", connection, l);
        }
    }
    keel_buf_free(&text);
}

void standin_calls(const site *s, const char *file) {
    FILE *f = fopen(file, "a");
    if (f) {
        each_outside(s, take_calls, f);
        fclose(f);
    }
}
