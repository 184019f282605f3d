/* What a rule is in force for: it decides, or only says what it would; and what it is not for. */
#include <string.h>

#include "compileint.h"

int compile_mode(compiler *c, const yaml_node *n, bool *shadow) {
    const char *text = n && n->kind == YAML_SCALAR ? n->text : "";
    *shadow = n ? strcmp(text, "shadow") == 0 : c->shadow;
    if (!n || *shadow || strcmp(text, "enforce") == 0) {
        return 0;
    }
    return compile_fault(c, n, "mode is enforce or shadow",
                         "Write `mode: shadow` for what decides nothing yet, or leave it out.");
}

/* A guard makes stricter what other rules let. It lets nothing, so that it can be written for all agents
 * and connections without opening any. */
int compile_guard(compiler *c, const yaml_node *n, policy_rule *r) {
    if (!n) {
        return 0;
    }
    if (!yaml_bool(n, &r->guard)) {
        return compile_fault(c, n, "guard is either true or false",
                             "Write `guard: true`, or leave it out.");
    }
    if (r->guard && (!r->bands[BAND_ASK].present || r->bands[BAND_ALLOW].present)) {
        return compile_fault(c, n, "a guard asks, and lets nothing",
                             "Write `ask` beside it and no `allow`; `when` says what it is about.");
    }
    return 0;
}

/* A built-in rule is replaced by one of its id; one in shadow only would. */
void compile_replaces(policy *p, const policy_rule *r) {
    bool *live[] = {&p->base_reads, &p->base_undo};
    bool *shadow[] = {&p->shadow_reads, &p->shadow_undo};
    static const char *const ids[] = {"base.reads", "base.undo"};
    for (size_t i = 0; i < 2; i++) {
        if (strcmp(r->id, ids[i]) == 0) {
            *(r->shadow ? shadow[i] : live[i]) = r->shadow;
        }
    }
}

/* What is about more than a rule stands beside the rules. */
int compile_places(compiler *c, const yaml_node *n) {
    static const char *const top[] = {"rate",     "rates",   "quiet",   "breaker",
                                      "breakers", "retries", "budgets", NULL};
    for (size_t i = 0; i < n->count; i++) {
        const yaml_node *key = n->keys[i];
        for (size_t k = 0; top[k]; k++) {
            if (strcmp(key->text, top[k]) == 0) {
                bool plural =
                    key->text[strlen(key->text) - 1] == 's' || strcmp(top[k], "quiet") == 0;
                yaml_fault(c->tree, key, c->d, "`%s` is no part of a rule", key->text);
                diag_next(c->d, "Write `%s%s:` beside `rules:`; its `on` says what it is about.",
                          key->text, plural ? "" : "s");
                return DIAG_USAGE;
            }
        }
    }
    return 0;
}
