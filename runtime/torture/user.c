#include "user.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent_test.h"
#include "fsio.h"
#include "library.h"
#include "pool.h"
#include "siteint.h"
#include "standin.h"
#include "userint.h"
#include "workspace.h"

typedef struct opening {
    user *u;
    const user_settings *s;
    void (*say)(void *ctx, const char *text);
    void *ctx;
    workspace *from;
    library *library;
} opening;

static void say(const opening *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(const opening *o, const char *format, ...) {
    char text[800];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    o->say(o->ctx, text);
}

static void tell_fault(void *ctx, const diag *d) {
    say(ctx, "%s%s%s", d->file, d->file[0] ? ": " : "", d->what);
}

static bool is_there(const char *folder, const char *name) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

static void copy_part(const opening *o, const char *from, const char *name) {
    char source[600], to[200];
    snprintf(source, sizeof source, "%s/%s", from, name);
    snprintf(to, sizeof to, "%s/ws/%s", o->u->folder, name);
    if (access(source, F_OK) == 0) {
        site_copy(source, to);
    }
}

/* ---- what the workspace has, read from a copy of its own ---- */

static int read_plugins(opening *o, diag *d) {
    char root[200], keel[220], checks[240];
    snprintf(root, sizeof root, "%s/ws", o->u->folder);
    snprintf(keel, sizeof keel, "%s/.keel", root);
    snprintf(checks, sizeof checks, "%s/checks", o->from->keel);
    int rc = fsio_mkdirs(keel, 0700, d);
    if (rc) {
        return rc;
    }
    copy_part(o, o->from->root, "policies");
    copy_part(o, o->from->root, "agents");
    copy_part(o, o->from->root, "connectors");
    if (access(checks, F_OK) == 0) {
        site_copy(checks, keel); /* which connectors are believed */
    }
    return library_open(&o->library, root, o->s->shipped, o->s->sdk_lua, tell_fault, o, d);
}

/* ---- connectors ---- */

static const plugin_file *manifest_of(const plugin *p) {
    for (size_t i = 0; i < p->file_count; i++) {
        if (!strcmp(p->files[i].name, "manifest.yaml")) {
            return &p->files[i];
        }
    }
    return NULL;
}

/* What ships counts as checked, so that is where the stand-in of a checked connector lies. */
static int stand_in(const opening *o, const plugin *p, diag *d) {
    char folder[400];
    const plugin_file *f = manifest_of(p);
    snprintf(folder, sizeof folder, "%s/%s/%s-%s", o->u->folder,
             p->checked || o->s->trusted ? "share/plugins" : "ws/connectors", p->manifest->id,
             p->manifest->version);
    return f && access(folder, F_OK) != 0
               ? standin_write(folder, p->manifest, f->data.data, f->data.len, o->s->standin, d)
               : 0;
}

static int add_connections(opening *o, diag *d) {
    const workspace *w = o->from;
    int rc = 0;
    o->u->connections = keel_alloc((w->connection_count + 1) * sizeof(char *));
    for (size_t i = 0; i < w->connection_count && !rc; i++) {
        const workspace_connection *c = &w->connections[i];
        const plugin *p = library_plugin(o->library, c->use, PLUGIN_CONNECTOR);
        char folder[400];
        if (!p) {
            diag_at(d, DIAG_USAGE, "keel.yaml", c->line, c->column,
                    "connection %s uses %s, and no connector is that", c->name, c->use);
            return diag_next(d, "See what is installed: keel plugin list");
        }
        snprintf(folder, sizeof folder, "%s/ws/outside-%s", o->u->folder, c->name);
        rc = fsio_mkdirs(folder, 0700, d);
        rc = rc ? rc : stand_in(o, p, d);
        o->u->connections[o->u->connection_count++] = keel_strdup(c->name);
    }
    return rc;
}

/* ---- agents ---- */

static bool make(site *s, const script *sc, const char *folder) {
    const user_agent *a = sc->of;
    site_begin(s, folder);
    return site_take(s, a->user->folder);
}

/* The first start of all, with nothing to do. */
static void add_start(opening *o) {
    user *u = o->u;
    u->agents = keel_realloc(u->agents, (u->agent_count + 1) * sizeof *u->agents);
    user_agent *a = &u->agents[u->agent_count++];
    *a = (user_agent){.name = keel_strdup("")};
    a->script = (script){.name = "start",
                         .place = "workspace",
                         .make = make,
                         .live = user_live,
                         .check = user_check,
                         .fresh = true,
                         .outside = true};
}

static void add_scene(user_agent *a, scene *s) {
    a->scenes = keel_realloc(a->scenes, (a->count + 1) * sizeof *a->scenes);
    a->scenes[a->count++] = s;
}

/* scene_name: its file without the folder; "": the script has the agent's name. */
static void add_script(opening *o, const char *agent, const char *scene_name, scene *s) {
    user *u = o->u;
    char name[200];
    u->agents = keel_realloc(u->agents, (u->agent_count + 1) * sizeof *u->agents);
    user_agent *a = &u->agents[u->agent_count++];
    *a = (user_agent){.name = keel_strdup(agent)};
    add_scene(a, s);
    snprintf(name, sizeof name, "%s%s%s%s%.*s", o->s->prefix, *o->s->prefix ? "-" : "", agent,
             *scene_name ? "." : "", (int)strcspn(scene_name, "."), scene_name);
    a->script = (script){.name = keel_strdup(name),
                         .place = keel_strdup(*o->s->prefix ? o->s->prefix : "workspace"),
                         .make = make,
                         .live = user_live,
                         .check = user_check,
                         .outside = true};
}

/* All scenes of an agent are one script, so that one of them may find what another left in an executor.
 * Agents that ship are known to keep nothing, and each of their scenes is a script: a visit does not go
 * through the others again. */
static void add_agent(opening *o, const manifest *m, const char *folder) {
    agent_scenes files;
    size_t before = o->u->agent_count;
    agent_scenes_find(&files, folder);
    for (size_t i = 0; i < files.count; i++) {
        scene *s = NULL;
        diag d = {0};
        const char *slash = strrchr(files.files[i], '/');
        bool alone = *o->s->prefix != 0 || o->u->agent_count == before;
        if (scene_load(&s, files.files[i], &d) != 0) {
            say(o, "%s:%d: left out: %s", d.file, d.line, d.what);
        } else if (alone) {
            add_script(o, m->name, *o->s->prefix && files.count > 1 && slash ? slash + 1 : "", s);
        } else {
            add_scene(&o->u->agents[o->u->agent_count - 1], s);
        }
    }
    agent_scenes_free(&files);
    if (o->u->agent_count == before) {
        scene *none = scene_create("");
        keel_buf_puts(&none->input, "{}");
        add_script(o, m->name, "", none);
        say(o,
            "Agent %s has no scene, so it is begun with an empty input and gets plain answers: "
            "write "
            "one into %s/scenes (`keel agent test --record RUN` makes one of a run).",
            m->name, folder);
    }
}

static bool is_named(const opening *o, const char *name) {
    workspace_policy *files = NULL;
    size_t count = 0;
    bool named = false;
    if (workspace_policies(o->from, &files, &count, NULL) == 0) {
        for (size_t i = 0; i < count && !named; i++) {
            named = files[i].text.data && strstr(files[i].text.data, name);
        }
        workspace_policies_free(files, count);
    }
    return named;
}

/* Each folder below `from` that holds an agent; those that ship, only if a policy speaks of them. */
static void add_agents_of(opening *o, const char *from, bool shipped) {
    struct dirent **found = NULL;
    int n = scandir(from, &found, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char folder[600], path[640];
        manifest *m = NULL;
        snprintf(folder, sizeof folder, "%s/%s", from, found[i]->d_name);
        snprintf(path, sizeof path, "%s/manifest.yaml", folder);
        bool agent = found[i]->d_name[0] != '.' && manifest_load(&m, path, NULL) == 0 &&
                     m->kind == PLUGIN_AGENT;
        if (agent && shipped && is_named(o, m->name)) {
            char to[600];
            snprintf(to, sizeof to, "%s/share/plugins/%s", o->u->folder, found[i]->d_name);
            site_copy(folder, to);
            add_agent(o, m, folder);
        } else if (agent && !shipped) {
            add_agent(o, m, folder);
        }
        manifest_destroy(m);
        free(found[i]);
    }
    free(found);
}

/* ---- all of it ---- */

static int write_workspace(const opening *o, diag *d) {
    char from[600], to[200];
    keel_buf text = KEEL_BUF_INIT;
    snprintf(from, sizeof from, "%s/keel.yaml", o->from->root);
    snprintf(to, sizeof to, "%s/ws/keel.yaml", o->u->folder);
    int rc = standin_workspace(from, &text, d);
    rc = rc ? rc : fsio_write_atomic(to, text.data, text.len, 0600, d);
    keel_buf_free(&text);
    return rc;
}

static void remove_part(const opening *o, const char *name) {
    char path[200];
    snprintf(path, sizeof path, "%s/ws/%s", o->u->folder, name);
    fsio_remove_tree(AT_FDCWD, path, NULL);
}

static int make_copy(opening *o, diag *d) {
    char agents[600], plugins[200];
    snprintf(plugins, sizeof plugins, "%s/share/plugins", o->u->folder);
    int rc = fsio_mkdirs(plugins, 0700, d);
    rc = rc ? rc : read_plugins(o, d);
    if (rc) {
        return rc;
    }
    remove_part(o, "connectors"); /* their code is not run */
    rc = add_connections(o, d);
    rc = rc ? rc : write_workspace(o, d);
    remove_part(o, ".keel");
    if (!rc) {
        snprintf(agents, sizeof agents, "%s/agents", o->from->root);
        if (!*o->s->prefix) {
            add_start(o);
        }
        add_agents_of(o, agents, false);
        add_agents_of(o, o->s->shipped, true);
    }
    if (!rc && o->u->agent_count == (*o->s->prefix ? 0 : 1)) {
        diag_set(d, DIAG_NOT_FOUND, "%s has no agent to be tortured", o->from->root);
        rc = diag_next(d, "`keel plugin new agent NAME` makes one.");
    }
    return rc;
}

int user_open(user **out, const user_settings *s, void (*told)(void *ctx, const char *text),
              void *ctx, diag *d) {
    static int number;
    opening o = {.s = s, .say = told, .ctx = ctx};
    int rc = workspace_load(&o.from, s->folder, d);
    if (rc) {
        return rc;
    }
    if (!is_there(o.from->root, "policies")) {
        told(ctx, "It has no policy, so everything but reading is denied.");
    }
    o.u = keel_alloc(sizeof *o.u);
    *o.u = (user){.agent_count = 0};
    snprintf(o.u->folder, sizeof o.u->folder, "%s/user-%d", pool_folder(), number++);
    rc = make_copy(&o, d);
    if (o.library) {
        library_close(o.library);
    }
    for (size_t i = 0; i < o.u->agent_count; i++) { /* the array does not move any more */
        o.u->agents[i].user = o.u;
        if (o.u->connection_count) {
            char granted[300];
            snprintf(granted, sizeof granted, "outside-%s", o.u->connections[0]);
            o.u->agents[i].script.granted = keel_strdup(granted);
        }
        o.u->agents[i].script.of = &o.u->agents[i];
    }
    workspace_destroy(o.from);
    *out = o.u;
    return rc;
}

size_t user_scripts(const user *u) {
    return u->agent_count;
}

const script *user_script(const user *u, size_t i) {
    return &u->agents[i].script;
}
