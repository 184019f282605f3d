/* `tiers`: names for models, cheapest first. */
#include "tiers.h"

#include <stdio.h>
#include <string.h>

#include "compileint.h"

static const char tier_help[] =
    "Write for example { models: [local-small, gpt-mini], max_tokens: 800, where: local }.";

/* The name that a provider gives it: "gpt-4o", "openrouter/some/model:free". */
static bool is_model(const yaml_node *n) {
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/@+";
    return n->kind == YAML_SCALAR && n->len > 0 && n->len <= 128 &&
           strspn(n->text, letters) == n->len && !strchr("-_.:/@+", n->text[0]);
}

static int read_model(compiler *c, const yaml_node *n, const char *const *before, size_t count) {
    if (!is_model(n)) {
        return compile_fault(c, n, "this is no name of a model",
                             "Use up to 128 letters, digits and - _ . : / @ +, as its provider "
                             "writes it.");
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(before[i], n->text) == 0) {
            return compile_fault(c, n, "this model stands in the tier already",
                                 "Keep it once, at its place in the order of fallback.");
        }
    }
    return 0;
}

static int read_models(compiler *c, const yaml_node *entry, policy_tier *t) {
    const yaml_node *n = yaml_get(entry, "models");
    const char **models = NULL;
    size_t count = 0;
    if (!n) {
        return compile_fault(c, entry, "the tier names no model: models is missing", tier_help);
    }
    int rc = compile_words(c, n, "models", &models, &count);
    if (rc == 0 && count > TIER_MODELS) {
        rc = compile_fault(c, compile_words_at(n, TIER_MODELS), "more than 16 models in one tier",
                           "Remove some.");
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = read_model(c, compile_words_at(n, i), models, i);
    }
    t->models = models;
    t->model_count = count;
    return rc;
}

static int read_tokens(compiler *c, const yaml_node *n, policy_tier *t) {
    if (n &&
        (!yaml_int(n, &t->max_tokens) || t->max_tokens < 1 || t->max_tokens > TIER_TOKENS_MOST)) {
        return compile_fault(c, n, "max_tokens is a number from 1 to 10000000", tier_help);
    }
    return 0;
}

static int read_where(compiler *c, const yaml_node *n, policy_tier *t) {
    const char *text = n && n->kind == YAML_SCALAR ? n->text : "";
    if (n && strcmp(text, "local") != 0 && strcmp(text, "remote") != 0) {
        return compile_fault(c, n, "where is local or remote",
                             "local: the model runs on a machine of yours. Without it, remote.");
    }
    t->local = text[0] == 'l';
    return 0;
}

/* What is restricted leaves no machine of yours. */
static int read_most(compiler *c, const yaml_node *n, policy_tier *t) {
    t->most = t->local ? SENSITIVITY_RESTRICTED : SENSITIVITY_CONFIDENTIAL;
    const char *text = n && n->kind == YAML_SCALAR ? n->text : "";
    if (!n) {
        return 0;
    }
    if (!sensitivity_named(text, strlen(text), &t->most)) {
        const char *near = did_you_mean(text, sensitivity_names);
        yaml_fault(c->tree, n, c->d, "\"%.40s\" is no sensitivity", text);
        diag_next(c->d,
                  near ? "Did you mean \"%s\"?"
                       : "Write public, internal, confidential or restricted.",
                  near);
        return DIAG_USAGE;
    }
    if (t->most == SENSITIVITY_RESTRICTED && !t->local) {
        return compile_fault(c, n, "what is restricted goes to no tier that is not local",
                             "Write confidential, or `where: local` if its models run on a machine "
                             "of yours.");
    }
    return 0;
}

static int read_tier(compiler *c, const yaml_node *n, policy_tier *t) {
    static const char *const known[] = {"models", "max_tokens", "max_sensitivity", "where", NULL};
    int rc = compile_map(c, n, "a tier");
    rc = rc ? rc : yaml_known_keys(c->tree, n, known, c->d);
    rc = rc ? rc : read_models(c, n, t);
    rc = rc ? rc : read_tokens(c, yaml_get(n, "max_tokens"), t);
    rc = rc ? rc : read_where(c, yaml_get(n, "where"), t);
    return rc ? rc : read_most(c, yaml_get(n, "max_sensitivity"), t);
}

/* In force by its name, whatever is wrong with it: who names it is told nothing more. */
static int add_tier(compiler *c, const yaml_node *key, const yaml_node *n) {
    policy *p = c->p;
    policy_tier t = {.file = c->file, .line = key->line, .column = key->column};
    int rc = compile_word(c, key, "the name of a tier", &t.name);
    if (rc) {
        return rc;
    }
    if (p->keeping.tier_count && p->keeping.tiers[0].file != c->file) {
        yaml_fault(c->tree, key, c->d, "tiers stand in one file, and some are at %s:%d",
                   p->keeping.tiers[0].file, p->keeping.tiers[0].line);
        diag_next(c->d, "Their order says which one is cheaper: write all of them there.");
        return DIAG_USAGE;
    }
    if (p->keeping.tier_count == POLICY_TIERS) {
        return compile_fault(c, key, "more than 16 tiers", "Remove some.");
    }
    size_t at = p->keeping.tier_count++;
    rc = read_tier(c, n, &t);
    p->keeping.tiers[at] = t;
    return rc;
}

int compile_tiers(compiler *c, const yaml_node *root) {
    const yaml_node *n = yaml_get(root, "tiers");
    int rc = n ? compile_go_on(c, compile_map(c, n, "tiers")) : 0;
    for (size_t i = 0; rc == 0 && n && n->kind == YAML_MAP && i < n->count; i++) {
        rc = compile_go_on(c, add_tier(c, n->keys[i], n->items[i]));
    }
    return rc;
}

int compile_tier_named(compiler *c, const yaml_node *n, const char **out) {
    const policy *p = c->p;
    const char *known[POLICY_TIERS + 1] = {NULL};
    const char *text = n->kind == YAML_SCALAR ? n->text : "";
    for (size_t i = 0; i < p->keeping.tier_count; i++) {
        known[i] = p->keeping.tiers[i].name;
        if (strcmp(known[i], text) == 0) {
            *out = known[i];
            return 0;
        }
    }
    if (c->unread && text[0]) {
        *out = policy_copy(c->p, text, n->len); /* it may stand in what could not be read */
        return 0;
    }
    const char *near = did_you_mean(text, known);
    yaml_fault(c->tree, n, c->d, "there is no tier \"%.60s\"", text);
    diag_next(c->d,
              near ? "Did you mean \"%s\"?"
                   : "Write it below `tiers`, such as { fast: { models: [local-small] } }.",
              near);
    return DIAG_USAGE;
}

/* ---- what nothing uses ---- */

static bool any_verb_names_tiers(const policy_world *w) {
    for (size_t i = 0; i < w->connection_count; i++) {
        const manifest *m = w->connections[i].plugin;
        for (size_t k = 0; k < m->resource_count; k++) {
            for (size_t n = 0; n < m->resources[k].attr_count; n++) {
                if (strcmp(m->resources[k].attrs[n].name, "tier") == 0) {
                    return true;
                }
            }
        }
    }
    return false;
}

static const char no_verb[] =
    "When a connector's manifest declares it (`attributes: { tier: { of: tier "
    "} }`), what it does is held to it.";

void check_tiers_used(compiler *c) {
    const policy *p = c->p;
    const policy_tier *first = policy_tier_at(p, 0);
    if (!c->warn || !c->world || !first || any_verb_names_tiers(c->world)) {
        return;
    }
    compile_warn(c, first->file, first->line, first->column,
                 "tiers: no verb of this workspace has the attribute tier: nothing uses them",
                 no_verb);
    for (size_t i = 0; i < p->budget_count; i++) {
        const budget_rule *b = &p->budgets[i];
        if (b->soft_tier) {
            char text[200];
            snprintf(text, sizeof text,
                     "budget %s: no verb of this workspace has the attribute tier: at_soft changes "
                     "none to %s",
                     b->id, b->soft_tier);
            compile_warn(c, b->file, b->line, b->column, text, no_verb);
        }
    }
}

/* ---- what they say ---- */
