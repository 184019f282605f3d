/* `egress`: which addresses connections may reach. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compileint.h"
#include "origin.h"

static const char on_help[] =
    "Write the name of a connection in keel.yaml, such as billing; * stands "
    "for any text, ? for one character.";
static const char to_help[] = "Write for example `to: [\"https://api.example/v1\"]`, or "
                              "https://*.example.org for all names below one.";

static int check_on(compiler *c, const yaml_node *n, const char *on) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_*?";
    if (strspn(on, letters) != strlen(on)) {
        yaml_fault(c->tree, n, c->d, "\"%.60s\" is no connection's name", on);
        diag_next(c->d, "%s", on_help);
        return DIAG_USAGE;
    }
    return 0;
}

static int read_on(compiler *c, const yaml_node *entry, egress_rule *e) {
    const yaml_node *n = yaml_get(entry, "on");
    if (!n) {
        return compile_fault(c, entry, "the entry does not say for which connection: on is missing",
                             on_help);
    }
    int rc = compile_words(c, n, "on", &e->on, &e->on_count);
    for (size_t i = 0; rc == 0 && i < e->on_count; i++) {
        rc = check_on(c, n->kind == YAML_LIST ? n->items[i] : n, e->on[i]);
    }
    return rc;
}

static int check_to(compiler *c, const yaml_node *n, const char *pattern) {
    diag why = {0};
    if (origin_pattern_check(pattern, &why) != 0) {
        yaml_fault(c->tree, n, c->d, "%s", why.what);
        diag_next(c->d, "%s", why.next[0] ? why.next : to_help);
        return DIAG_USAGE;
    }
    return 0;
}

/* [] is meant: the connection is cut off. */
static int read_to(compiler *c, const yaml_node *entry, egress_rule *e) {
    const yaml_node *n = yaml_get(entry, "to");
    if (!n) {
        return compile_fault(c, entry, "the entry does not say which addresses: to is missing",
                             to_help);
    }
    if (n->kind == YAML_LIST && n->count == 0) {
        return 0;
    }
    int rc = compile_words(c, n, "to", &e->to, &e->to_count);
    for (size_t i = 0; rc == 0 && i < e->to_count; i++) {
        rc = check_to(c, n->kind == YAML_LIST ? n->items[i] : n, e->to[i]);
    }
    return rc;
}

int compile_egress(compiler *c, const yaml_node *n) {
    static const char *const known[] = {"on", "to", NULL};
    int rc = compile_map(c, n, "an entry of egress");
    if (rc == 0) {
        rc = yaml_known_keys(c->tree, n, known, c->d);
    }
    egress_rule e = {.file = c->file, .line = n->line, .column = n->column};
    if (rc == 0) {
        rc = read_on(c, n, &e);
    }
    if (rc == 0) {
        rc = read_to(c, n, &e);
    }
    policy *p = c->p;
    if (rc == 0) {
        if (p->egress_count == c->egress_cap) {
            c->egress_cap = c->egress_cap ? c->egress_cap * 2 : 8;
            p->egress = keel_realloc(p->egress, c->egress_cap * sizeof *p->egress);
        }
        p->egress[p->egress_count++] = e;
    }
    return rc;
}

/* ---- what it says ---- */

static bool speaks(const egress_rule *e, const char *connection) {
    for (size_t i = 0; i < e->on_count; i++) {
        if (text_matches(e->on[i], strlen(e->on[i]), connection, strlen(connection), false)) {
            return true;
        }
    }
    return false;
}

bool policy_egress(const policy *p, const char *connection, policy_egress_to *each, void *ctx) {
    bool spoken = false;
    for (size_t i = 0; i < p->egress_count; i++) {
        const egress_rule *e = &p->egress[i];
        if (!speaks(e, connection)) {
            continue;
        }
        spoken = true;
        for (size_t k = 0; each && k < e->to_count; k++) {
            each(ctx, e->to[k], e->file, e->line);
        }
    }
    return spoken;
}

/* ---- what never matters ---- */

static void warn_unmatched(compiler *c, const egress_rule *e, const char *on) {
    const policy_world *w = c->world;
    const char **known = keel_alloc((w->connection_count + 1) * sizeof *known);
    char text[256], next[160] = "`keel connection list` shows what there is.";
    bool matched = false;
    for (size_t i = 0; i < w->connection_count; i++) {
        known[i] = w->connections[i].name;
        matched |= text_matches(on, strlen(on), known[i], strlen(known[i]), false);
    }
    known[w->connection_count] = NULL;
    if (!matched) {
        const char *near = did_you_mean(on, known);
        if (near) {
            snprintf(next, sizeof next, "Did you mean \"%.60s\"?", near);
        }
        snprintf(text, sizeof text, "egress: no connection of this workspace matches \"%.60s\"",
                 on);
        compile_warn(c, e->file, e->line, e->column, text, next);
    }
    free(known);
}

void check_egress_names(compiler *c) {
    for (size_t i = 0; c->warn && c->world && i < c->p->egress_count; i++) {
        for (size_t k = 0; k < c->p->egress[i].on_count; k++) {
            warn_unmatched(c, &c->p->egress[i], c->p->egress[i].on[k]);
        }
    }
}
