#include "survey.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "library.h"
#include "paths.h"
#include "service.h"

typedef struct loader {
    survey *w;
    policy_warning *fault;
    void *ctx;
} loader;

static char *join(const char *folder, const char *name) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_printf(&b, "%s/%s", folder, name);
    return b.data;
}

int survey_entry(const manifest *m, const char *folder, diag *d) {
    char *entry = join(folder, m->entry), *file = join(folder, "manifest.yaml");
    int rc = 0;
    if (access(entry, R_OK) != 0) {
        diag_at(d, DIAG_USAGE, file, 1, 1, "the entry %s cannot be read beside this manifest: %s",
                m->entry, strerror(errno));
        rc = diag_next(d, "Put the file there, or correct `entry:`.");
    } else if (m->service) {
        rc = service_check(m, folder, d);
    }
    free(entry);
    free(file);
    return rc;
}

static void load_one(loader *l, char *folder, const char *from) {
    char *file = join(folder, "manifest.yaml");
    manifest *m = NULL;
    diag d = {0};
    bool there = access(file, F_OK) == 0;
    int rc = there ? manifest_load(&m, file, &d) : DIAG_NOT_FOUND;
    if (rc == 0 && strcmp(from, "workspace") == 0 && survey_entry(m, folder, &d) != 0) {
        manifest_destroy(m);
        rc = DIAG_USAGE;
    }
    if (rc == 0) {
        survey *w = l->w;
        w->plugins = keel_realloc(w->plugins, (w->plugin_count + 1) * sizeof *w->plugins);
        w->plugins[w->plugin_count++] = (survey_plugin){m, keel_strdup(folder), from};
    } else if (there && l->fault) {
        l->fault(l->ctx, &d);
    }
    free(file);
}

/* Calls itself for one more level below `depth` folders. */
static void load_below(loader *l, const char *root, int depth, const char *from) {
    struct dirent **names = NULL;
    int count = scandir(root, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char *folder = names[i]->d_name[0] == '.' ? NULL : join(root, names[i]->d_name);
        struct stat st;
        if (folder && stat(folder, &st) == 0 && S_ISDIR(st.st_mode)) {
            if (depth > 1) {
                load_below(l, folder, depth - 1, from);
            } else {
                load_one(l, folder, from);
            }
        }
        free(folder);
        free(names[i]);
    }
    free(names);
}

static void load_folder(loader *l, char *root, int depth, const char *from) {
    load_below(l, root, depth, from);
    free(root);
}

/* "com.keel.mailbox@1.4": the id, and a version that begins with these parts. */
static bool means(const manifest *m, const char *reference) {
    size_t id = strcspn(reference, "@");
    if (strlen(m->id) != id || memcmp(m->id, reference, id) != 0) {
        return false;
    }
    const char *version = reference[id] ? reference + id + 1 : "";
    size_t len = strlen(version);
    return len == 0 || semver_matches(m->version, version);
}

static const survey_plugin *newer(const survey_plugin *a, const survey_plugin *b) {
    return !a || semver_compare(b->manifest->version, a->manifest->version) > 0 ? b : a;
}

const survey_plugin *survey_find(const survey *w, const char *reference, plugin_kind kind) {
    const survey_plugin *best = NULL;
    for (size_t i = 0; i < w->plugin_count; i++) {
        const manifest *m = w->plugins[i].manifest;
        if (m->kind == kind && means(m, reference)) {
            best = newer(best, &w->plugins[i]);
        }
    }
    return best;
}

const survey_plugin *survey_agent(const survey *w, const char *name) {
    const survey_plugin *best = NULL;
    for (size_t i = 0; i < w->plugin_count; i++) {
        const manifest *m = w->plugins[i].manifest;
        if (m->kind == PLUGIN_AGENT && strcmp(m->name, name) == 0) {
            best = newer(best, &w->plugins[i]);
        }
    }
    return best;
}

const survey_plugin *survey_connector(const survey *w, const char *name, bool *twice) {
    const survey_plugin *best = NULL;
    *twice = false;
    for (size_t i = 0; i < w->plugin_count; i++) {
        const manifest *m = w->plugins[i].manifest;
        if (m->kind == PLUGIN_CONNECTOR && strcmp(m->name, name) == 0) {
            *twice = *twice || (best && strcmp(best->manifest->id, m->id) != 0);
            best = newer(best, &w->plugins[i]);
        }
    }
    return *twice ? NULL : best;
}

static void view_agents(survey *w) {
    const char **names = keel_alloc((w->plugin_count + 1) * sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < w->plugin_count; i++) {
        const manifest *m = w->plugins[i].manifest;
        if (m->kind == PLUGIN_AGENT && survey_agent(w, m->name) == &w->plugins[i]) {
            names[count++] = m->name;
        }
    }
    w->view.agents = names;
    w->view.agent_count = count;
}

static void view_connections(survey *w, const workspace *ws) {
    policy_connection *list = keel_alloc((ws->connection_count + 1) * sizeof *list);
    size_t count = 0;
    for (size_t i = 0; i < ws->connection_count; i++) {
        const survey_plugin *p = survey_find(w, ws->connections[i].use, PLUGIN_CONNECTOR);
        if (p) {
            list[count++] = (policy_connection){ws->connections[i].name, p->manifest};
        }
    }
    w->view.connections = list;
    w->view.connection_count = count;
}

static void view_notifiers(survey *w, const workspace *ws) {
    const char **names = ws->notifier_count ? keel_alloc(ws->notifier_count * sizeof *names) : NULL;
    for (size_t i = 0; i < ws->notifier_count; i++) {
        names[i] = ws->notifiers[i].name;
    }
    w->view.notifiers = names;
    w->view.notifier_count = ws->notifier_count;
}

int survey_load(cli *c, survey **out, policy_warning *fault, void *ctx, diag *d) {
    int rc = cli_workspace(c, d);
    if (rc) {
        return rc;
    }
    survey *w = keel_alloc(sizeof *w);
    *w = (survey){.plugins = NULL};
    loader l = {w, fault, ctx};
    load_folder(&l, join(c->ws->root, "agents"), 1, "workspace");
    load_folder(&l, join(c->ws->root, "connectors"), 1, "workspace");
    load_folder(&l, path_share("plugins"), 1, "shipped");
    load_folder(&l, join(c->ws->keel, "plugins"), 2, "installed");
    view_agents(w);
    view_connections(w, c->ws);
    view_notifiers(w, c->ws);
    *out = w;
    return 0;
}

void survey_free(survey *w) {
    if (!w) {
        return;
    }
    policy_destroy(w->policy);
    for (size_t i = 0; i < w->plugin_count; i++) {
        manifest_destroy(w->plugins[i].manifest);
        free(w->plugins[i].folder);
    }
    workspace_policies_free(w->files, w->file_count);
    free((void *)w->view.agents);
    free((void *)w->view.connections);
    free((void *)w->view.notifiers);
    free(w->plugins);
    free(w);
}

int survey_compile(cli *c, survey *w, policy_warning *warn, void *ctx, diag *d) {
    int rc = workspace_policies(c->ws, &w->files, &w->file_count, d);
    if (rc) {
        return rc;
    }
    policy_source *sources = keel_alloc((w->file_count + 1) * sizeof *sources);
    for (size_t i = 0; i < w->file_count; i++) {
        const keel_buf *text = &w->files[i].text;
        sources[i] = (policy_source){w->files[i].file, text->data ? text->data : "", text->len};
    }
    rc = policy_compile(&w->policy, sources, w->file_count, &w->view, warn, ctx, d);
    free(sources);
    return rc;
}

static effect_class class_of(const char *name) {
    for (effect_class k = CLASS_READ; k <= CLASS_REPEATABLE; k++) {
        if (strcmp(effect_class_name(k), name) == 0) {
            return k;
        }
    }
    return CLASS_NONE;
}

static const manifest *connection_plugin(const survey *w, const char *target, size_t len) {
    for (size_t i = 0; i < w->view.connection_count; i++) {
        const policy_connection *p = &w->view.connections[i];
        if (strlen(p->name) == len && memcmp(p->name, target, len) == 0) {
            return p->plugin;
        }
    }
    return NULL;
}

bool survey_decide(const survey *w, const survey_effect *e, attr_set *set, policy_query *q,
                   policy_decision *out) {
    char parts[128];
    snprintf(parts, sizeof parts, "%s", e->target);
    char *resource = strchr(parts, '.'), *verb = strrchr(parts, '.');
    if (!resource || verb == resource) {
        return false;
    }
    const manifest *m = connection_plugin(w, parts, (size_t)(resource - parts));
    *verb++ = 0;
    const manifest_resource *r = m ? manifest_find(m, resource + 1) : NULL;
    if (!r) {
        return false;
    }
    bool external = false;
    for (int v = 0; v < VERB_COUNT; v++) {
        if (strcmp(manifest_verb_name((manifest_verb_id)v), verb) == 0) {
            external = r->verbs[v].sink_external;
        }
    }
    attr_set_fill(set, r, e->args);
    *q = (policy_query){.agent = e->agent,
                        .target = e->target,
                        .class = class_of(e->class),
                        .tainted = e->tainted,
                        .level = e->level,
                        .sink_external = external,
                        .reply = e->reply};
    q->attrs = attr_set_list(set, &q->attr_count);
    policy_decide(w->policy, q, out);
    return true;
}
