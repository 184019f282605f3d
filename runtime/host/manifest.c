#include "manifest.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "label_read.h"
#include "manifest_read.h"

#define AGENT_ABI_MINOR 2 /* C agents came with ABI 0.2 */

/* ---- what every manifest has ---- */

static int read_kind(manifest_reader *r, const yaml_node *n) {
    bool connector = false;
    int rc = manifest_choice(r, n, "kind", "agent", "connector", &connector);
    if (rc) {
        diag_next(r->d, "Write `kind: agent` or `kind: connector`.");
    }
    r->m->kind = connector ? PLUGIN_CONNECTOR : PLUGIN_AGENT;
    return rc;
}

/* Words of letters, digits, - and _ with single dots between; it becomes a folder's name. */
static bool is_id(const char *s) {
    if (!strchr(s, '.') || strlen(s) >= 128) {
        return false;
    }
    while (isalnum((unsigned char)*s)) {
        s += strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-_");
        if (*s != '.') {
            return *s == 0;
        }
        s++;
    }
    return false;
}

static int read_id(manifest_reader *r, const yaml_node *n) {
    const char *id;
    int rc = manifest_text(r, n, "id", &id);
    if (rc) {
        return rc;
    }
    if (!is_id(id)) {
        yaml_fault(r->tree, n, r->d, "\"%.60s\" is no id", id);
        diag_next(r->d, "Write a domain of yours backwards and a name: com.example.triage.");
        return DIAG_USAGE;
    }
    r->m->id = id;
    r->m->name = strrchr(id, '.') + 1;
    return 0;
}

static const char *number_end(const char *s) {
    size_t n = strspn(s, "0123456789");
    return n == 0 || n > 9 || (s[0] == '0' && n > 1) ? NULL : s + n;
}

static bool is_semver(const char *s) {
    for (int part = 0; part < 3; part++) {
        if (part && *s++ != '.') {
            return false;
        }
        s = number_end(s);
        if (!s) {
            return false;
        }
    }
    if (*s == 0) {
        return true;
    }
    static const char rest[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.";
    if (*s == '-') {
        size_t n = strspn(s + 1, rest);
        s = n ? s + 1 + n : s;
    }
    if (*s == '+') {
        size_t n = strspn(s + 1, rest);
        s = n ? s + 1 + n : s;
    }
    return *s == 0;
}

static int read_version(manifest_reader *r, const yaml_node *n) {
    int rc = manifest_text(r, n, "version", &r->m->version);
    if (rc == 0 && (n->len > 64 || !is_semver(n->text))) {
        yaml_fault(r->tree, n, r->d, "\"%.60s\" is no version", n->text);
        diag_next(r->d, "Write three numbers: 1.0.0, or 1.1.0-beta.2.");
        return DIAG_USAGE;
    }
    return rc;
}

static int check_service(manifest_reader *r, const yaml_node *n) {
    if (r->m->kind == PLUGIN_AGENT) {
        return manifest_fault(r, n, "an agent cannot be a service in YAML",
                              "Write the agent in Lua, or correct `kind`.");
    }
    if (strcmp(n->text, "manifest.yaml") == 0) {
        return manifest_fault(r, n, "the manifest cannot describe the service too",
                              "Write the service into a file of its own: `entry: service.yaml`.");
    }
    return 0;
}

static int read_entry(manifest_reader *r, const yaml_node *n) {
    int rc = manifest_file_name(r, n, "entry", &r->m->entry);
    if (rc) {
        return rc;
    }
    const char *dot = strrchr(n->text, '.');
    r->m->native = dot && strcmp(dot, ".so") == 0;
    r->m->service = dot && strcmp(dot, ".yaml") == 0;
    if (r->m->service) {
        return check_service(r, n);
    }
    if (!r->m->native && (!dot || strcmp(dot, ".lua") != 0)) {
        return manifest_fault(r, n, "entry wants a .lua or a .so file, or the .yaml of a service",
                              "Name the file that holds the code.");
    }
    return 0;
}

static int read_name(manifest_reader *r, const yaml_node *n) {
    const char *name;
    int rc = manifest_word(r, n, "name", &name);
    if (rc == 0 && r->m->kind == PLUGIN_CONNECTOR && strcmp(name, r->m->name) != 0) {
        rc = manifest_fault(r, n, "a connector is named by the last part of its id",
                            "Remove the line; connections give it names of their own.");
    }
    if (rc == 0) {
        r->m->name = name;
    }
    return rc;
}

/* ---- optional keys ---- */

static int read_abi(manifest_reader *r, const yaml_node *n) {
    const char *minor = n->kind == YAML_SCALAR ? number_end(n->text) : NULL;
    const char *end = minor && *minor == '.' ? number_end(minor + 1) : NULL;
    if (!end || *end) {
        return manifest_fault(r, n, "abi wants two numbers", "Write `abi: 0.1`.");
    }
    r->m->abi_major = atoi(n->text);
    r->m->abi_minor = atoi(minor + 1);
    return 0;
}

static int read_concurrency(manifest_reader *r, const yaml_node *n) {
    int64_t v;
    if (!yaml_int(n, &v) || v < 1 || v > 64) {
        return manifest_fault(r, n, "concurrency is a number from 1 to 64", "Without it: 1.");
    }
    r->m->concurrency = (int)v;
    return 0;
}

static int read_memory(manifest_reader *r, const yaml_node *n) {
    const char *text = n->kind == YAML_SCALAR ? n->text : "";
    const char *end = number_end(text);
    if (end && *end == ' ') {
        end++;
    }
    long v = end && strcmp(end, "MiB") == 0 ? strtol(text, NULL, 10) : 0;
    if (v < 1 || v > 4096) {
        return manifest_fault(r, n, "memory is 1 to 4096 MiB", "Write `memory: 64 MiB`.");
    }
    r->m->memory_bytes = v * 1024 * 1024;
    return 0;
}

static int read_libraries(manifest_reader *r, const yaml_node *n) {
    int rc = manifest_list(r, n, "libraries");
    if (rc) {
        return rc;
    }
    if (!r->m->native) {
        return manifest_fault(r, n, "only a .so has libraries", "Remove the line.");
    }
    r->m->libraries = manifest_alloc(r, n->count * sizeof *r->m->libraries);
    for (size_t i = 0; i < n->count; i++) {
        rc = manifest_file_name(r, n->items[i], "libraries", &r->m->libraries[i]);
        if (rc == 0 && !strstr(n->items[i]->text, ".so")) {
            rc = manifest_fault(r, n->items[i], "this is no shared library's name",
                                "Write it as the linker shows it: libgmime-3.0.so.0.");
        }
        if (rc) {
            return rc;
        }
        r->m->library_count++;
    }
    return 0;
}

static int read_templates(manifest_reader *r, const yaml_node *n) {
    int rc = manifest_list(r, n, "templates");
    if (rc == 0) {
        r->m->templates = manifest_alloc(r, n->count * sizeof *r->m->templates);
    }
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        rc = manifest_file_name(r, n->items[i], "templates", &r->m->templates[i]);
        r->m->template_count += rc == 0;
    }
    return rc;
}

static int read_outcome(manifest_reader *r, const yaml_node *n) {
    return manifest_text(r, n, "outcome", &r->m->outcome);
}

static int read_max_taint(manifest_reader *r, const yaml_node *n) {
    r->m->bounded = true;
    return label_bound_read(r->tree, n, &r->m->max_taint, r->d);
}

/* ---- the whole ---- */

enum { FOR_AGENTS = 1, FOR_CONNECTORS = 2, FOR_BOTH = 3 };

/* In the order of reading: later ones rely on kind and entry. */
static const struct {
    const char *key;
    int (*read)(manifest_reader *r, const yaml_node *n);
    int who;
    int required;
    const char *example;
} keys[] = {
    {"kind", read_kind, FOR_BOTH, FOR_BOTH, "kind: agent"},
    {"id", read_id, FOR_BOTH, FOR_BOTH, "id: com.example.triage"},
    {"version", read_version, FOR_BOTH, FOR_BOTH, "version: 1.0.0"},
    {"entry", read_entry, FOR_BOTH, FOR_BOTH, "entry: NAME.lua"},
    {"name", read_name, FOR_BOTH, FOR_AGENTS, "name: triage"},
    {"abi", read_abi, FOR_BOTH, 0, ""},
    {"libraries", read_libraries, FOR_BOTH, 0, ""},
    {"needs", manifest_needs, FOR_CONNECTORS, 0, ""},
    {"concurrency", read_concurrency, FOR_BOTH, 0, ""},
    {"memory", read_memory, FOR_BOTH, 0, ""},
    {"templates", read_templates, FOR_AGENTS, 0, ""},
    {"outcome", read_outcome, FOR_AGENTS, 0, ""},
    {"max_taint", read_max_taint, FOR_AGENTS, 0, ""},
    {"resources", manifest_resources, FOR_CONNECTORS, FOR_CONNECTORS,
     "resources: { note: { write: { class: once } } }"},
};
#define KEYS (sizeof keys / sizeof *keys)

static int check_keys(manifest_reader *r, const yaml_node *root) {
    static const char *const later[] = {"runs_on",  "on_failure", "schedule", "maps",
                                        "triggers", "budget",     NULL};
    const char *known[KEYS + 1] = {NULL};
    for (size_t i = 0; i < KEYS; i++) {
        known[i] = keys[i].key;
    }
    int rc = yaml_later_keys(r->tree, root, later, r->d);
    return rc ? rc : yaml_known_keys(r->tree, root, known, r->d);
}

static int read_key(manifest_reader *r, const yaml_node *root, size_t i) {
    const yaml_node *n = yaml_get(root, keys[i].key);
    bool agent = r->m->kind == PLUGIN_AGENT;
    int who = agent ? FOR_AGENTS : FOR_CONNECTORS;
    if (!n && keys[i].required & who) {
        yaml_fault(r->tree, root, r->d, "%s is missing", keys[i].key);
        diag_next(r->d, "Add `%s`.", keys[i].example);
        return DIAG_USAGE;
    }
    if (n && !(keys[i].who & who)) {
        yaml_fault(r->tree, n, r->d, "%s belongs to %s only", keys[i].key,
                   agent ? "connectors" : "agents");
        diag_next(r->d, "Remove it, or correct `kind`.");
        return DIAG_USAGE;
    }
    return n ? keys[i].read(r, n) : 0;
}

static int check_native(manifest_reader *r, const yaml_node *root) {
    if (r->m->native && !yaml_get(root, "abi")) {
        return manifest_fault(r, root, "abi is missing: the ABI that the .so was built for",
                              r->m->kind == PLUGIN_AGENT ? "Add `abi: 0.2`." : "Add `abi: 0.1`.");
    }
    if (r->m->native && r->m->kind == PLUGIN_AGENT && r->m->abi_major == 0 &&
        r->m->abi_minor < AGENT_ABI_MINOR) {
        yaml_fault(r->tree, yaml_get(root, "abi"), r->d, "abi is 0.%d, and agents came with 0.%d",
                   r->m->abi_minor, AGENT_ABI_MINOR);
        diag_next(r->d, "Write `abi: 0.%d`.", AGENT_ABI_MINOR);
        return DIAG_USAGE;
    }
    if (r->m->kind == PLUGIN_CONNECTOR && r->m->resource_count == 0) {
        return manifest_fault(r, yaml_get(root, "resources"), "a connector needs a resource",
                              "Add `resources: { note: { write: { class: once } } }`.");
    }
    return 0;
}

static int read_root(manifest_reader *r, const yaml_node *root) {
    int rc = manifest_map(r, root, "a manifest");
    if (rc == 0) {
        rc = check_keys(r, root);
    }
    for (size_t i = 0; rc == 0 && i < KEYS; i++) {
        rc = read_key(r, root, i);
    }
    return rc ? rc : check_native(r, root);
}

static int from_tree(manifest **out, yaml_tree *tree, diag *d) {
    manifest_memory *memory = keel_alloc(sizeof *memory);
    *memory = (manifest_memory){.tree = tree};
    manifest *m = keel_alloc(sizeof *m);
    *m = (manifest){.file = keel_strdup(yaml_tree_file(tree)),
                    .concurrency = 1,
                    .memory_bytes = 64 * 1024 * 1024,
                    .tree_ = memory};
    manifest_reader r = {.m = m, .memory = memory, .tree = tree, .d = d};
    int rc = read_root(&r, yaml_tree_root(tree));
    if (rc) {
        manifest_destroy(m);
        return rc;
    }
    *out = m;
    return 0;
}

int manifest_parse(manifest **out, const char *file, const char *text, size_t len, diag *d) {
    yaml_tree *tree;
    int rc = yaml_tree_parse(&tree, file, text, len, d);
    return rc ? rc : from_tree(out, tree, d);
}

int manifest_load(manifest **out, const char *path, diag *d) {
    yaml_tree *tree;
    int rc = yaml_tree_load(&tree, path, d);
    return rc ? rc : from_tree(out, tree, d);
}

void manifest_destroy(manifest *m) {
    if (!m) {
        return;
    }
    manifest_memory *memory = m->tree_;
    for (size_t i = 0; i < memory->count; i++) {
        free(memory->blocks[i]);
    }
    free(memory->blocks);
    yaml_tree_destroy(memory->tree);
    free(memory);
    free(m->file);
    free(m);
}

const char *manifest_program(const manifest *m) {
    return m->service ? MANIFEST_SERVICE_ENGINE : m->entry;
}

const manifest_resource *manifest_find(const manifest *m, const char *resource) {
    for (size_t i = 0; i < m->resource_count; i++) {
        if (strcmp(m->resources[i].name, resource) == 0) {
            return &m->resources[i];
        }
    }
    return NULL;
}
