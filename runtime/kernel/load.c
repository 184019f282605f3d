/* Loads a world from disk: plugins, keel.yaml, policies. */
#include <stdlib.h>
#include <string.h>

#include "launch.h"
#include "logins.h"
#include "main.h"
#include "notify_check.h"
#include "polls.h"

typedef struct loading {
    keel_json_writer warnings;
} loading;

static void warn(void *ctx, const diag *d) {
    loading *l = ctx;
    char text[1400];
    if (d->file[0]) {
        snprintf(text, sizeof text, "%s:%d:%d: %s", d->file, d->line, d->column, d->what);
    } else {
        snprintf(text, sizeof text, "%s", d->what);
    }
    keel_json_text(&l->warnings, text);
}

static int check_connections(const kernel_world *w, diag *d) {
    for (size_t i = 0; i < w->workspace->connection_count; i++) {
        const workspace_connection *c = &w->workspace->connections[i];
        if (!library_plugin(w->library, c->use, PLUGIN_CONNECTOR)) {
            char file[300];
            snprintf(file, sizeof file, "%s/keel.yaml", w->workspace->root);
            diag_at(d, DIAG_USAGE, file, c->line, 1,
                    "connection %s uses %s, and no installed connector is that", c->name, c->use);
            return diag_next(d, "see what is installed: keel plugin list");
        }
    }
    return 0;
}

static int compile(kernel_world *w, loading *l, diag *d) {
    int rc = workspace_policies(w->workspace, &w->policy_files, &w->policy_file_count, d);
    if (rc) {
        return rc;
    }
    size_t plugins = library_count(w->library), agents = 0;
    policy_source *files = keel_alloc((w->policy_file_count + 1) * sizeof *files);
    const char **names = keel_alloc((plugins + 1) * sizeof *names);
    policy_connection *connections =
        keel_alloc((w->workspace->connection_count + 1) * sizeof *connections);
    for (size_t i = 0; i < w->policy_file_count; i++) {
        const workspace_policy *p = &w->policy_files[i];
        files[i] = (policy_source){p->file, p->text.data ? p->text.data : "", p->text.len};
    }
    for (size_t i = 0; i < plugins; i++) {
        const manifest *m = library_get(w->library, i)->manifest;
        if (m->kind == PLUGIN_AGENT) {
            names[agents++] = m->name;
        }
    }
    for (size_t i = 0; i < w->workspace->connection_count; i++) {
        const workspace_connection *c = &w->workspace->connections[i];
        connections[i] = (policy_connection){
            c->name, library_plugin(w->library, c->use, PLUGIN_CONNECTOR)->manifest};
    }
    const char *told[NOTIFY_MOST];
    for (size_t i = 0; i < w->workspace->notifier_count; i++) {
        told[i] = w->workspace->notifiers[i].name;
    }
    size_t notifiers = w->workspace->notifier_count;
    policy_world world = {
        names,    agents, connections, w->workspace->connection_count, notifiers ? told : NULL,
        notifiers};
    rc = policy_compile(&w->policy, files, w->policy_file_count, &world, warn, l, d);
    free(connections);
    free(names);
    free(files);
    return rc;
}

static bool promises_more_than_once(const manifest *m) {
    for (size_t i = 0; i < m->resource_count; i++) {
        const manifest_verb *write = &m->resources[i].verbs[VERB_WRITE];
        if (write->present && write->class != CLASS_ONCE) {
            return true;
        }
    }
    return false;
}

static void warn_unchecked(const kernel_world *w, loading *l) {
    for (size_t i = 0; i < w->workspace->connection_count; i++) {
        const workspace_connection *c = &w->workspace->connections[i];
        const plugin *p = library_plugin(w->library, c->use, PLUGIN_CONNECTOR);
        if (!p->checked && promises_more_than_once(p->manifest)) {
            diag d = {0};
            diag_set(&d, DIAG_FAILED,
                     "connection %s: every write runs as `once`, since %s %s has not passed the "
                     "conformance kit: keel connector check DIR, then keel policy reload",
                     c->name, p->manifest->id, p->manifest->version);
            warn(l, &d);
        }
    }
}

/* Their addresses, in the form that they take, and their logins. */
static int check_reach(const kernel_world *w, diag *d) {
    int rc = 0;
    for (size_t i = 0; i < w->workspace->connection_count && !rc; i++) {
        const workspace_connection *c = &w->workspace->connections[i];
        const manifest *m = library_plugin(w->library, c->use, PLUGIN_CONNECTOR)->manifest;
        keel_buf body = KEEL_BUF_INIT;
        rc = world_reach(w->policy, m, c, &body, d);
        rc = rc ? rc : login_check(m, c, d);
        rc = rc ? rc : poll_check(m, c, d);
        keel_buf_free(&body);
    }
    return rc;
}

/* What Keel runs outside of every sandbox must not be what an agent may write. */
static int check_notifier_file(const kernel_world *w, const workspace_notifier *t, const char *file,
                               diag *d) {
    for (size_t i = 0; i < w->workspace->connection_count; i++) {
        const workspace_connection *c = &w->workspace->connections[i];
        const manifest *m = library_plugin(w->library, c->use, PLUGIN_CONNECTOR)->manifest;
        keel_json config = keel_json_view(c->config.data, c->config.len);
        if (launch_writes(w->workspace->root, m, config, file)) {
            char place[300];
            snprintf(place, sizeof place, "%s/keel.yaml", w->workspace->root);
            diag_at(d, DIAG_USAGE, place, t->line, t->column,
                    "notify %s: %s lies where connection %s may write, so an agent could change "
                    "what Keel runs",
                    t->name, file, c->name);
            return diag_next(d, "Keep it in a folder that no connection is given.");
        }
    }
    return 0;
}

static int check_notifiers(const kernel_world *w, loading *l, diag *d) {
    for (size_t i = 0; i < w->workspace->notifier_count; i++) {
        const workspace_notifier *t = &w->workspace->notifiers[i];
        keel_buf why = KEEL_BUF_INIT;
        for (size_t k = 0; k < t->argc; k++) {
            int rc = t->argv[k][0] == '/' ? check_notifier_file(w, t, t->argv[k], d) : 0;
            if (rc) {
                return rc;
            }
        }
        if (notify_wrong(t, &why)) {
            diag one = {0};
            diag_set(&one, DIAG_FAILED, "keel.yaml:%d:%d: notify %s: %s", t->line, t->column,
                     t->name, why.data);
            warn(l, &one);
        }
        keel_buf_free(&why);
    }
    return 0;
}

int kernel_world_load(const kernel_settings *s, kernel_world *out, keel_buf *warnings, diag *d) {
    kernel_world w = {0};
    loading l;
    keel_json_write(&l.warnings, warnings);
    keel_json_array(&l.warnings);
    int rc = workspace_load(&w.workspace, s->root, d);
    if (!rc) {
        rc = library_open(&w.library, w.workspace->root, s->shipped, s->sdk_lua, warn, &l, d);
    }
    if (!rc) {
        rc = check_connections(&w, d);
    }
    if (!rc) {
        rc = compile(&w, &l, d);
    }
    if (!rc) {
        rc = check_reach(&w, d);
    }
    rc = rc ? rc : check_notifiers(&w, &l, d);
    if (!rc) {
        warn_unchecked(&w, &l);
        logins_missing(w.workspace, warn, &l);
    }
    keel_json_array_end(&l.warnings);
    if (rc) {
        kernel_world_free(&w);
        return rc;
    }
    *out = w;
    return 0;
}
