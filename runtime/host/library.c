#include "library.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_receipt.h"
#include "fsio.h"
#include "library_int.h"

typedef struct faults {
    void (*fault)(void *ctx, const diag *d);
    void *ctx;
} faults;

static void report(const faults *f, const diag *d) {
    if (f->fault) {
        f->fault(f->ctx, d);
    }
}

void plugin_destroy(plugin *p) {
    if (!p) {
        return;
    }
    for (size_t i = 0; i < p->file_count; i++) {
        free(p->files[i].name);
        keel_buf_free(&p->files[i].data);
    }
    manifest_destroy(p->manifest);
    free(p->files);
    free(p->folder);
    free(p);
}

effect_class plugin_verb_class(const plugin *p, const manifest_resource *r, manifest_verb_id v) {
    bool believed = p->checked || v == VERB_READ || r->verbs[v].class == CLASS_NONE;
    return believed ? r->verbs[v].class : CLASS_ONCE;
}

static char *join(const char *folder, const char *name) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_printf(&b, "%s/%s", folder, name);
    return b.data;
}

/* ---- the list ---- */

static int by_id_and_version(const void *a, const void *b) {
    const manifest *x = ((const library_entry *)a)->plugin->manifest;
    const manifest *y = ((const library_entry *)b)->plugin->manifest;
    int order = strcmp(x->id, y->id);
    return order ? order : semver_compare(x->version, y->version);
}

/* What comes with Keel has passed its own tests; else the workspace has a receipt, or not. */
static void judge(const library *l, plugin *p, source s) {
    if (p->manifest->kind == PLUGIN_CONNECTOR && !p->checked) {
        char *keel = join(l->workspace, ".keel");
        p->checked = s == SOURCE_SHIPPED || check_receipt_valid(keel, &p->digest);
        free(keel);
    }
}

static void add(library *l, plugin *p, source s) {
    judge(l, p, s);
    l->entries = keel_realloc(l->entries, (l->count + 1) * sizeof *l->entries);
    l->entries[l->count++] = (library_entry){p, s};
    qsort(l->entries, l->count, sizeof *l->entries, by_id_and_version);
}

/* Its source is there, and the same. */
static void take_again(const library *l, library_entry *there, source s) {
    judge(l, there->plugin, s);
    there->source = there->source > s ? there->source : s;
}

static library_entry *entry_of(library *l, const manifest *m) {
    for (size_t i = 0; i < l->count; i++) {
        const manifest *x = l->entries[i].plugin->manifest;
        if (strcmp(x->id, m->id) == 0 && strcmp(x->version, m->version) == 0) {
            return &l->entries[i];
        }
    }
    return NULL;
}

/* ---- sources ---- */

static int check_same(const plugin *installed, const plugin *now, const char *folder, diag *d) {
    const char *name = library_difference(now, installed, true);
    name = name ? name : library_difference(installed, now, true);
    if (!name) {
        return 0;
    }
    const manifest *m = now->manifest;
    diag_set(d, DIAG_CONFLICT,
             "%s %s is installed with another %s: the same version with other content is refused, "
             "and what is installed stays in force",
             m->id, m->version, name);
    return diag_next(d, "Raise `version` in %s/manifest.yaml.", folder);
}

/* The workspace's own source goes before what `keel dev` made of it: 1 when that is the same, 0 when
 * there is none, DIAG_CONFLICT when it has changed since. */
static int check_developed(library *l, const plugin *now, source s, const char *folder,
                           const plugin **out, diag *d) {
    bool differs = false;
    library_entry *dev = s == SOURCE_WORKSPACE ? library_developed(l, now, &differs) : NULL;
    if (dev && differs) {
        diag_set(d, DIAG_CONFLICT,
                 "%s has changed since `keel dev` installed it as %s, and that stays in force",
                 folder, dev->plugin->manifest->version);
        return diag_next(d, "Run `keel dev %s`, or raise `version` in %s/manifest.yaml.",
                         now->manifest->name, folder);
    }
    if (dev) {
        dev->source = SOURCE_WORKSPACE;
        *out = dev->plugin;
    }
    return dev != NULL;
}

/* Two agents of one name in one workspace: which is meant could not be told. */
static int check_name(const library *l, const manifest *m, source s, const char *folder, diag *d) {
    for (size_t i = 0; i < l->count && m->kind == PLUGIN_AGENT; i++) {
        const manifest *x = l->entries[i].plugin->manifest;
        if (x->kind == PLUGIN_AGENT && l->entries[i].source == s && strcmp(x->name, m->name) == 0 &&
            strcmp(x->id, m->id) != 0) {
            diag_set(d, DIAG_CONFLICT, "%s is refused: the agent %s is called \"%s\" already",
                     folder, x->id, m->name);
            return diag_next(d, "Give it another `name` in %s/manifest.yaml.", folder);
        }
    }
    return 0;
}

/* The shipped plugin whose folder has the same name: a build leaves the .so there. */
static char *so_folder_of(const library *l, const char *folder) {
    const char *slash = strrchr(folder, '/');
    return l->shipped ? join(l->shipped, slash ? slash + 1 : folder) : NULL;
}

static char *so_path_of(const plugin *p, const char *folder, const char *so_folder) {
    if (!p->manifest->native) {
        return NULL;
    }
    char *path = join(folder, p->manifest->entry);
    if (access(path, F_OK) != 0 && so_folder) {
        free(path);
        path = join(so_folder, p->manifest->entry);
    }
    return path;
}

static int install(library *l, plugin *now, const char *folder, const char *so_folder, source s,
                   const plugin **out, diag *d) {
    int rc = check_name(l, now->manifest, s, folder, d);
    int developed = rc ? 0 : check_developed(l, now, s, folder, out, d);
    if (developed) {
        plugin_destroy(now);
        return developed > 0 ? 0 : developed;
    }
    library_entry *there = entry_of(l, now->manifest);
    if (rc != 0 || there) {
        rc = rc ? rc : check_same(there->plugin, now, folder, d);
        if (rc == 0) {
            take_again(l, there, s);
            library_stamp(there->plugin, s);
            *out = there->plugin;
        }
        plugin_destroy(now);
        return rc;
    }
    char *so_path = so_path_of(now, folder, so_folder);
    rc = library_store(l->plugins, now, so_path, d);
    if (rc == DIAG_CONFLICT) {
        diag_next(d,
                  "Its files could not be read, or somebody else has installed it just now: look "
                  "at that folder, and remove it if it is broken.");
    }
    free(so_path);
    if (rc != 0) {
        plugin_destroy(now);
        return rc;
    }
    add(l, now, s);
    *out = now;
    return 0;
}

int library_add(library *l, plugin *p, const char *folder, const plugin **out, diag *d) {
    char *so_path = so_path_of(p, folder, NULL);
    int rc = library_store(l->plugins, p, so_path, d);
    free(so_path);
    if (rc == 0) {
        add(l, p, SOURCE_WORKSPACE);
        *out = p;
    } else {
        plugin_destroy(p);
    }
    return rc;
}

static int install_from(library *l, const char *folder, source s, const plugin_kind *kind,
                        const plugin **out, diag *d) {
    plugin *now = NULL;
    char *so_folder = so_folder_of(l, folder);
    int rc = library_read_source(&now, folder, l->sdk_lua, so_folder, d);
    if (rc == 0 && kind && now->manifest->kind != *kind) {
        bool agent = now->manifest->kind == PLUGIN_AGENT;
        diag_set(d, DIAG_USAGE, "%s holds %s", folder, agent ? "an agent" : "a connector");
        rc = diag_next(d, "Move the folder to %s/.", agent ? "agents" : "connectors");
        plugin_destroy(now);
    } else if (rc == 0) {
        rc = install(l, now, folder, so_folder, s, out, d);
    }
    free(so_folder);
    return rc;
}

static bool has_manifest(const char *folder) {
    char *path = join(folder, "manifest.yaml");
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

static bool is_folder(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0 && (S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode));
}

/* kind NULL: the shipped ones, among which a build leaves folders of its own. */
static void install_all(library *l, const char *from, source s, const plugin_kind *kind,
                        const faults *f) {
    size_t count;
    char **names = library_names(from, &count);
    for (size_t i = 0; i < count; i++) {
        char *folder = join(from, names[i]);
        diag d = {0};
        const plugin *p;
        library_entry *untouched = kind ? NULL : library_untouched(l, folder);
        if (untouched) {
            take_again(l, untouched, s);
        } else if ((kind ? is_folder(folder) : has_manifest(folder)) &&
                   install_from(l, folder, s, kind, &p, &d) != 0) {
            report(f, &d);
        }
        free(folder);
    }
    library_names_free(names, count);
}

/* ---- what is installed ---- */

static void load_version(library *l, const char *id, const char *version, const char *folder,
                         const faults *f) {
    plugin *p;
    diag d = {0};
    if (library_read_installed(&p, folder, &d) != 0) {
        report(f, &d);
        return;
    }
    if (strcmp(p->manifest->id, id) != 0 || strcmp(p->manifest->version, version) != 0) {
        diag_set(&d, DIAG_USAGE, "%s is refused: it holds %s %s", folder, p->manifest->id,
                 p->manifest->version);
        diag_next(&d, "Remove the folder; plugins are installed with `keel plugin install`.");
        report(f, &d);
        plugin_destroy(p);
        return;
    }
    add(l, p, SOURCE_GONE);
}

static void load_installed(library *l, const faults *f) {
    size_t ids;
    char **names = library_names(l->plugins, &ids);
    for (size_t i = 0; i < ids; i++) {
        size_t versions;
        char *id = join(l->plugins, names[i]);
        char **list = library_names(id, &versions);
        for (size_t k = 0; k < versions; k++) {
            char *folder = join(id, list[k]);
            load_version(l, names[i], list[k], folder, f);
            free(folder);
        }
        library_names_free(list, versions);
        free(id);
    }
    library_names_free(names, ids);
}

/* ---- open and close ---- */

static void install_sources(library *l, const faults *f) {
    static const plugin_kind agent = PLUGIN_AGENT;
    static const plugin_kind connector = PLUGIN_CONNECTOR;
    char *agents = join(l->workspace, "agents");
    char *connectors = join(l->workspace, "connectors");
    install_all(l, agents, SOURCE_WORKSPACE, &agent, f);
    install_all(l, connectors, SOURCE_WORKSPACE, &connector, f);
    if (l->shipped) {
        install_all(l, l->shipped, SOURCE_SHIPPED, NULL, f);
    }
    free(agents);
    free(connectors);
}

int library_open_installed(library **out, const char *workspace, const char *shipped,
                           const char *sdk_lua, void (*fault)(void *ctx, const diag *d), void *ctx,
                           diag *d) {
    library *l = keel_alloc(sizeof *l);
    *l = (library){.workspace = keel_strdup(workspace),
                   .plugins = join(workspace, ".keel/plugins"),
                   .shipped = shipped ? keel_strdup(shipped) : NULL,
                   .sdk_lua = keel_strdup(sdk_lua)};
    int rc = fsio_mkdirs(l->plugins, 0700, d);
    if (rc != 0) {
        library_close(l);
        return rc;
    }
    faults f = {fault, ctx};
    library_sweep(l->plugins);
    load_installed(l, &f);
    *out = l;
    return 0;
}

int library_open(library **out, const char *workspace, const char *shipped, const char *sdk_lua,
                 void (*fault)(void *ctx, const diag *d), void *ctx, diag *d) {
    int rc = library_open_installed(out, workspace, shipped, sdk_lua, fault, ctx, d);
    if (rc == 0) {
        faults f = {fault, ctx};
        install_sources(*out, &f);
    }
    return rc;
}

bool library_same(const library *a, const library *b) {
    bool same = a->count == b->count && strcmp(a->workspace, b->workspace) == 0;
    for (size_t i = 0; same && i < a->count; i++) {
        const library_entry *x = &a->entries[i], *y = &b->entries[i];
        same = x->source == y->source && x->plugin->checked == y->plugin->checked &&
               digest_equal(&x->plugin->digest, &y->plugin->digest) &&
               strcmp(x->plugin->folder, y->plugin->folder) == 0;
    }
    return same;
}

void library_close(library *l) {
    if (!l) {
        return;
    }
    for (size_t i = 0; i < l->count; i++) {
        plugin_destroy(l->entries[i].plugin);
    }
    free(l->entries);
    free(l->workspace);
    free(l->plugins);
    free(l->shipped);
    free(l->sdk_lua);
    free(l);
}

int library_install(library *l, const char *folder, const plugin **out, diag *d) {
    diag unheard = {0};
    d = d ? d : &unheard; /* the code stands in it */
    keel_buf path = KEEL_BUF_INIT;
    keel_buf_puts(&path, folder);
    while (path.len > 1 && path.data[path.len - 1] == '/') {
        path.data[--path.len] = 0;
    }
    int rc = install_from(l, path.data, SOURCE_WORKSPACE, NULL, out, d);
    keel_buf_free(&path);
    return rc;
}
