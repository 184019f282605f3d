/* What a policy names must be there: agents, connections, resources and verbs, ways of telling. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compileint.h"

static int fault_at(compiler *c, const speaker *s, const char *kind, const char *name,
                    const char *const *words, const char *help) {
    diag_at(c->d, DIAG_USAGE, s->file, s->line, s->column, "%s: there is no %s \"%.60s\"", s->what,
            kind, name);
    const char *near = did_you_mean(name, words);
    if (near) {
        diag_next(c->d, "Did you mean \"%s\"?", near);
    } else {
        diag_next(c->d, "%s", help);
    }
    return DIAG_USAGE;
}

static int check_agent(compiler *c, const speaker *s, const char *name) {
    const policy_world *w = c->world;
    const char **known = keel_alloc((w->agent_count + 1) * sizeof *known);
    bool found = false;
    for (size_t i = 0; i < w->agent_count; i++) {
        known[i] = w->agents[i];
        found |= strcmp(known[i], name) == 0;
    }
    known[w->agent_count] = NULL;
    int rc = found
                 ? 0
                 : fault_at(c, s, "agent", name, known,
                            "`keel agent list` shows all; remove the name, or install the agent.");
    free(known);
    return rc;
}

int check_notifier(compiler *c, const yaml_node *at, const char *name) {
    const policy_world *w = c->world;
    if (!w || !w->notifiers || strcmp(name, POLICY_OPERATOR) == 0) {
        return 0;
    }
    const char **known = keel_alloc((w->notifier_count + 2) * sizeof *known);
    bool found = false;
    for (size_t i = 0; i < w->notifier_count; i++) {
        known[i] = w->notifiers[i];
        found |= strcmp(known[i], name) == 0;
    }
    known[w->notifier_count] = POLICY_OPERATOR;
    known[w->notifier_count + 1] = NULL;
    speaker s = {"escalate", c->file, at->line, at->column};
    int rc = found ? 0
                   : fault_at(c, &s, "notifier", name, known,
                              "`keel notify list` shows all; add it to keel.yaml, or remove the "
                              "name.");
    free(known);
    return rc;
}

static const policy_connection *find_connection(const policy_world *w, const char *name) {
    for (size_t i = 0; i < w->connection_count; i++) {
        if (strcmp(w->connections[i].name, name) == 0) {
            return &w->connections[i];
        }
    }
    return NULL;
}

static int no_connection(compiler *c, const speaker *s, const char *name) {
    const policy_world *w = c->world;
    const char **known = keel_alloc((w->connection_count + 1) * sizeof *known);
    for (size_t i = 0; i < w->connection_count; i++) {
        known[i] = w->connections[i].name;
    }
    known[w->connection_count] = NULL;
    int rc = fault_at(c, s, "connection", name, known,
                      "`keel connection list` shows all; add it to keel.yaml, or remove the line.");
    free(known);
    return rc;
}

int check_agent_named(compiler *c, const char *what, const yaml_node *at, const char *name) {
    speaker s = {what, c->file, at->line, at->column};
    return c->world ? check_agent(c, &s, name) : 0;
}

int check_connection(compiler *c, const char *what, const yaml_node *at, const char *name) {
    speaker s = {what, c->file, at->line, at->column};
    return !c->world || find_connection(c->world, name) ? 0 : no_connection(c, &s, name);
}

static int no_resource(compiler *c, const speaker *s, const policy_connection *con,
                       const char *name) {
    const char **known = keel_alloc((con->plugin->resource_count + 1) * sizeof *known);
    for (size_t i = 0; i < con->plugin->resource_count; i++) {
        known[i] = con->plugin->resources[i].name;
    }
    known[con->plugin->resource_count] = NULL;
    char kind[96];
    snprintf(kind, sizeof kind, "resource of the connection %.60s", con->name);
    int rc = fault_at(c, s, kind, name, known, "`keel connection show NAME` lists its resources.");
    free(known);
    return rc;
}

/* Part by part, as far as no glob stands in the way. */
static int check_target(compiler *c, const speaker *s, const char *on) {
    char part[3][208] = {"", "", ""};
    const char *p = on;
    for (size_t i = 0; i < 3 && *p; i++) {
        size_t n = strcspn(p, ".");
        memcpy(part[i], p, n);
        p += n + (p[n] == '.');
    }
    if (strcmp(part[0], "run") == 0 || strpbrk(part[0], "*?")) {
        return 0;
    }
    const policy_connection *con = find_connection(c->world, part[0]);
    if (!con) {
        return no_connection(c, s, part[0]);
    }
    if (!part[1][0] || strpbrk(part[1], "*?")) {
        return 0;
    }
    const manifest_resource *res = manifest_find(con->plugin, part[1]);
    if (!res) {
        return no_resource(c, s, con, part[1]);
    }
    for (manifest_verb_id v = VERB_READ; v < VERB_COUNT; v++) {
        if (strcmp(part[2], manifest_verb_name(v)) == 0 && !res->verbs[v].present) {
            static const char *const none[] = {NULL};
            return fault_at(c, s, "such verb in the manifest for", on, none,
                            "`keel connection show NAME` lists what the connector can do.");
        }
    }
    return 0;
}

int check_targets(compiler *c, const char *what, const yaml_node *on, const char *const *targets,
                  size_t count) {
    int rc = 0;
    for (size_t i = 0; c->world && rc == 0 && i < count; i++) {
        const yaml_node *at = compile_words_at(on, i);
        speaker s = {what, c->file, at->line, at->column};
        rc = check_target(c, &s, targets[i]);
    }
    return rc;
}

int check_names(compiler *c, const char *what, const yaml_node *entry, const named_things *n) {
    int rc = check_targets(c, what, yaml_get(entry, "on"), n->on, n->on_count);
    for (size_t i = 0; c->world && rc == 0 && i < n->agent_count; i++) {
        const yaml_node *at = compile_words_at(yaml_get(entry, "agents"), i);
        speaker s = {what, c->file, at->line, at->column};
        rc = check_agent(c, &s, n->agents[i]);
    }
    return rc;
}
