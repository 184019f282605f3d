/* What `keel policy check` finds beyond form: names that do not exist, rules that never matter. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compileint.h"

/* ---- names ---- */

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

static int check_agents(compiler *c, const speaker *s, const policy_rule *r) {
    const policy_world *w = c->world;
    const char **known = keel_alloc((w->agent_count + 1) * sizeof *known);
    for (size_t i = 0; i < w->agent_count; i++) {
        known[i] = w->agents[i];
    }
    known[w->agent_count] = NULL;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < r->agent_count; i++) {
        size_t k = 0;
        while (known[k] && strcmp(known[k], r->agents[i]) != 0) {
            k++;
        }
        if (!known[k]) {
            rc = fault_at(c, s, "agent", r->agents[i], known,
                          "`keel agent list` shows all; remove the name, or install the agent.");
        }
    }
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

int check_connection(compiler *c, const speaker *s, const char *name) {
    const policy_world *w = c->world;
    if (find_connection(w, name)) {
        return 0;
    }
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

static int check_resource(compiler *c, const speaker *s, const policy_connection *con,
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
int check_target(compiler *c, const speaker *s, const char *on) {
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
        return check_connection(c, s, part[0]);
    }
    if (!part[1][0] || strpbrk(part[1], "*?")) {
        return 0;
    }
    const manifest_resource *res = manifest_find(con->plugin, part[1]);
    if (!res) {
        return check_resource(c, s, con, part[1]);
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

int check_names(compiler *c) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < c->p->rule_count; i++) {
        const policy_rule *r = c->p->rules[i];
        char what[80];
        snprintf(what, sizeof what, "rule %s", r->id);
        speaker s = {what, r->file, r->line, r->column};
        rc = check_agents(c, &s, r);
        for (size_t k = 0; rc == 0 && k < r->on_count; k++) {
            rc = check_target(c, &s, r->on[k]);
        }
    }
    return rc;
}

/* ---- reach ---- */

static bool always(const policy_rule *r, band_kind k) {
    return r->bands[k].present && r->bands[k].count == 0;
}

static void check_bands(compiler *c, const policy_rule *r) {
    static const char *const names[] = {"deny", "allow", "ask"};
    for (band_kind k = BAND_DENY; k < BAND_ASK; k++) {
        for (band_kind later = k + 1; always(r, k) && later < BAND_COUNT; later++) {
            if (r->bands[later].present) {
                char text[256];
                snprintf(text, sizeof text, "rule %s: its %s is never reached, %s: {} always holds",
                         r->id, names[later], names[k]);
                compile_warn(c, r->file, r->bands[later].line, r->bands[later].column, text,
                             "Give the first band conditions, or remove the second.");
                return;
            }
        }
    }
}

static bool covers_agents(const policy_rule *wide, const policy_rule *r) {
    for (size_t i = 0; wide->agent_count && i < r->agent_count; i++) {
        size_t k = 0;
        while (k < wide->agent_count && strcmp(wide->agents[k], r->agents[i]) != 0) {
            k++;
        }
        if (k == wide->agent_count) {
            return false;
        }
    }
    return wide->agent_count == 0 || r->agent_count > 0;
}

/* A glob is taken as the text of a target: `*` meets `*`, and `?` is not thought about. */
static bool covers_targets(const policy_rule *wide, const policy_rule *r) {
    for (size_t i = 0; i < r->on_count; i++) {
        size_t k = 0;
        while (k < wide->on_count &&
               (strchr(wide->on[k], '?') || !target_matches(wide->on[k], r->on[i]))) {
            k++;
        }
        if (k == wide->on_count) {
            return false;
        }
    }
    return true;
}

/* An always-denying rule hides all others below it, an always-asking one those that only allow. */
static bool hides(const policy_rule *wide, const policy_rule *r) {
    if (wide == r || wide->when.present) {
        return false;
    }
    bool denies = always(wide, BAND_DENY);
    bool asks = always(wide, BAND_ASK) && !wide->bands[BAND_DENY].present &&
                !wide->bands[BAND_ALLOW].present;
    bool only_allows = !r->bands[BAND_DENY].present && !r->bands[BAND_ASK].present;
    bool weaker = denies ? !always(r, BAND_DENY) : asks && only_allows;
    return weaker && covers_agents(wide, r) && covers_targets(wide, r);
}

bool reaches_any(const char *on, const target_list *targets) {
    for (size_t t = 0; t < targets->count; t++) {
        if (target_matches(on, targets->names[t])) {
            return true;
        }
    }
    return false;
}

static bool reaches(const policy_rule *r, const target_list *targets) {
    for (size_t i = 0; i < r->on_count; i++) {
        if (reaches_any(r->on[i], targets)) {
            return true;
        }
    }
    return false;
}

/* ---- attributes ---- */

static const char *near_attribute(const policy_world *w, const char *name) {
    const char *words[POLICY_ATTRS + 1] = {"tainted", "sink", "class"};
    size_t count = 3;
    for (size_t i = 0; i < w->connection_count; i++) {
        const manifest *m = w->connections[i].plugin;
        for (size_t k = 0; k < m->resource_count; k++) {
            for (size_t a = 0; a < m->resources[k].attr_count && count < POLICY_ATTRS; a++) {
                words[count++] = m->resources[k].attrs[a].name;
                if (strcmp(words[count - 1], name) == 0) {
                    return NULL;
                }
            }
        }
    }
    const char *near = did_you_mean(name, words);
    return near && strcmp(near, name) != 0 ? near : NULL;
}

static void check_attributes(compiler *c, const policy_rule *r, const band *b) {
    for (size_t i = 0; c->world && i < b->count; i++) {
        const char *name = c->p->attrs[b->checks[i].attr].name;
        const char *near = near_attribute(c->world, name);
        if (near) {
            char text[256];
            char next[128];
            snprintf(text, sizeof text,
                     "rule %s: no manifest declares the attribute %s; the field "
                     "of that name is read",
                     r->id, name);
            snprintf(next, sizeof next, "Did you mean \"%.60s\"?", near);
            compile_warn(c, r->file, b->checks[i].line, b->checks[i].column, text, next);
        }
    }
}

static void check_rule(compiler *c, const policy_rule *r, const target_list *targets) {
    char text[256];
    if (c->world && !reaches(r, targets)) {
        snprintf(text, sizeof text, "rule %s matches nothing in this workspace", r->id);
        compile_warn(c, r->file, r->line, r->column, text,
                     "`keel connection list` shows what there is.");
    }
    for (size_t k = 0; k < c->p->rule_count; k++) {
        if (hides(c->p->rules[k], r)) {
            snprintf(text, sizeof text, "rule %s is shadowed: %s always decides first", r->id,
                     c->p->rules[k]->id);
            compile_warn(c, r->file, r->line, r->column, text,
                         "Remove it, or narrow the other rule.");
            return;
        }
    }
}

void check_reach(compiler *c, const target_list *targets) {
    for (size_t i = 0; c->warn && i < c->p->rule_count; i++) {
        const policy_rule *r = c->p->rules[i];
        check_bands(c, r);
        check_attributes(c, r, &r->when);
        for (band_kind k = BAND_DENY; k < BAND_COUNT; k++) {
            check_attributes(c, r, &r->bands[k]);
        }
        check_rule(c, r, targets);
    }
}
