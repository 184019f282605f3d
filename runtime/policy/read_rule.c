/* One entry of `rules`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compileint.h"
#include "map.h"

/* ---- on ---- */

static const char on_help[] = "Write connection.resource.verb, such as inbox.message.write; "
                              "* stands for any part, a last * for all that follow.";

static bool is_glob(const char *s) {
    return strpbrk(s, "*?") != NULL;
}

static int check_verb(compiler *c, const yaml_node *n, const char *verb) {
    static const char *const verbs[] = {"read", "write", "compensate", NULL};
    for (size_t i = 0; verbs[i]; i++) {
        if (strcmp(verbs[i], verb) == 0) {
            return 0;
        }
    }
    yaml_fault(c->tree, n, c->d, "\"%.60s\" is no verb", verb);
    const char *near = did_you_mean(verb, verbs);
    if (near) {
        diag_next(c->d, "Did you mean \"%s\"?", near);
    } else {
        diag_next(c->d, "The verbs are read, write and compensate.");
    }
    return DIAG_USAGE;
}

static int check_later_target(compiler *c, const yaml_node *n, const char *on) {
    static const char *const later[] = {"model.", "facts.", "memory.", NULL};
    for (size_t i = 0; later[i]; i++) {
        if (strncmp(on, later[i], strlen(later[i])) == 0) {
            yaml_fault(c->tree, n, c->d, "`%.60s` is known, not yet enforced in this version", on);
            diag_next(c->d, "Remove the rule: this version has connections and run.spawn.");
            return DIAG_USAGE;
        }
    }
    return 0;
}

static int check_on(compiler *c, const yaml_node *n, const char *on) {
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.*?";
    size_t dots = 0;
    for (const char *p = on; *p; p++) {
        dots += *p == '.';
    }
    bool empty = on[0] == '.' || on[strlen(on) - 1] == '.' || strstr(on, "..");
    if (empty || dots > 2 || strspn(on, letters) != strlen(on)) {
        yaml_fault(c->tree, n, c->d, "\"%.60s\" is no target", on);
        diag_next(c->d, "%s", on_help);
        return DIAG_USAGE;
    }
    int rc = check_later_target(c, n, on);
    if (rc || strcmp(on, "run.spawn") == 0) {
        return rc;
    }
    const char *last = strrchr(on, '.');
    last = last ? last + 1 : on;
    bool open_end = strcmp(last, "*") == 0;
    if (dots < 2 && !open_end && !(dots == 1 && strncmp(on, "run.", 4) == 0 && is_glob(last))) {
        yaml_fault(c->tree, n, c->d, "\"%.60s\" names no verb", on);
        diag_next(c->d, "%s", on_help);
        return DIAG_USAGE;
    }
    return dots == 2 && !is_glob(last) ? check_verb(c, n, last) : 0;
}

int compile_on(compiler *c, const yaml_node *entry, const char *missing, const char ***on,
               size_t *count) {
    const yaml_node *n = yaml_get(entry, "on");
    if (!n) {
        return compile_fault(c, entry, missing, on_help);
    }
    int rc = compile_words(c, n, "on", on, count);
    for (size_t i = 0; rc == 0 && i < *count; i++) {
        rc = check_on(c, n->kind == YAML_LIST ? n->items[i] : n, (*on)[i]);
    }
    return rc;
}

static int read_on(compiler *c, const yaml_node *rule, policy_rule *r) {
    return compile_on(c, rule, "the rule does not say what it is about: on is missing", &r->on,
                      &r->on_count);
}

/* ---- the rule ---- */

static int same_id(compiler *c, const yaml_node *n, const policy_rule *r, policy_rule *const *rules,
                   size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rules[i]->id, r->id) == 0) {
            yaml_fault(c->tree, n, c->d, "the id \"%s\" is already used at %s:%d", r->id,
                       rules[i]->file, rules[i]->line);
            diag_next(c->d, "Give one of the two rules another id.");
            return DIAG_USAGE;
        }
    }
    return 0;
}

static int read_id(compiler *c, const yaml_node *rule, policy_rule *r) {
    const yaml_node *n = yaml_get(rule, "id");
    const policy *p = c->p;
    if (!n) {
        return compile_fault(c, rule, "the rule has no id",
                             "Add `id: some-name`; messages use it.");
    }
    int rc = compile_name(c, n, "the id of a rule", &r->id);
    uint64_t hash = rc ? 0 : text_hash(r->id, strlen(r->id), false) | 1;
    bool seen = !rc && map_get(c->ids, hash);
    rc = rc || !seen ? rc : same_id(c, n, r, p->rules, p->rule_count);
    rc = rc || !seen ? rc : same_id(c, n, r, p->shadows, p->shadow_count);
    if (rc == 0 && strcmp(r->id, "none") == 0) {
        rc = compile_fault(c, n, "the id \"none\" stands for: no rule speaks", "Choose another.");
    }
    return rc;
}

static int read_bands(compiler *c, const yaml_node *rule, policy_rule *r) {
    static const char *const names[BAND_COUNT] = {"deny", "allow", "ask"};
    int rc = yaml_get(rule, "when") ? compile_band(c, r, yaml_get(rule, "when"), &r->when) : 0;
    bool any = false;
    for (band_kind k = BAND_DENY; rc == 0 && k < BAND_COUNT; k++) {
        const yaml_node *n = yaml_get(rule, names[k]);
        if (n) {
            r->first = any ? r->first : k;
            r->last = k;
            any = true;
            rc = compile_band(c, r, n, &r->bands[k]);
        }
    }
    if (rc == 0 && !any) {
        rc = compile_fault(c, rule, "the rule says neither deny, allow nor ask",
                           "Add for example `ask: {}`: ask a person each time.");
    }
    return rc;
}

/* One attribute in two currencies within a rule: some amount would fall through all bands. */
static int check_currencies(compiler *c, const policy_rule *r) {
    const char *seen[POLICY_ATTRS] = {NULL};
    for (size_t b = 0; b <= BAND_COUNT; b++) {
        const band *bd = b < BAND_COUNT ? &r->bands[b] : &r->when;
        for (size_t i = 0; i < bd->count; i++) {
            const check *ch = &bd->checks[i];
            const tally_rule *sum = check_tally(c->p, ch); /* it is of an attribute */
            uint16_t id = !sum ? ch->attr : sum->sum ? sum->of : 0;
            const char *currency = compile_currency(ch);
            if (currency && seen[id] && strcmp(seen[id], currency) != 0) {
                diag_at(c->d, DIAG_USAGE, c->file, ch->line, ch->column,
                        "mixed currencies: this rule compares %s in %s and in %s",
                        c->p->attrs[id].name, seen[id], currency);
                diag_next(c->d, "Write a rule for each currency; amounts are never converted.");
                return DIAG_USAGE;
            }
            seen[id] = currency ? currency : seen[id];
        }
    }
    return 0;
}

/* The rule's own words and those of the lists that it names: what an approval was bound to. */
static int digest_rule(compiler *c, const yaml_node *n, policy_rule *r) {
    keel_buf text = KEEL_BUF_INIT;
    int rc = yaml_to_json(c->tree, n, &text, c->d);
    for (size_t i = 0; rc == 0 && i < c->list_count; i++) {
        const named_list *l = &c->lists[i];
        char word[80];
        snprintf(word, sizeof word, "\"$%s\"", l->name);
        if (strstr(text.data, word)) {
            keel_buf_printf(&text, "\n%s=", l->name);
            rc = yaml_to_json(l->tree, l->node, &text, c->d);
        }
    }
    if (rc == 0) {
        r->digest = digest_of(text.data, text.len);
    }
    keel_buf_free(&text);
    return rc;
}

static void add_rule(compiler *c, policy_rule *r) {
    policy *p = c->p;
    policy_rule ***list = r->shadow ? &p->shadows : &p->rules;
    size_t *count = r->shadow ? &p->shadow_count : &p->rule_count;
    size_t *cap = r->shadow ? &c->shadow_cap : &c->rule_cap;
    if (*count == *cap) {
        *cap = *cap ? *cap * 2 : 32;
        *list = keel_realloc(*list, *cap * sizeof **list);
    }
    (*list)[(*count)++] = r;
    map_put(c->ids, text_hash(r->id, strlen(r->id), false) | 1, r);
    compile_replaces(p, r);
}

static int check_world(compiler *c, const yaml_node *n, const policy_rule *r) {
    char what[80];
    snprintf(what, sizeof what, "rule %s", r->id);
    named_things named = {r->on, r->on_count, r->agents, r->agent_count};
    return check_names(c, what, n, &named);
}

int compile_rule(compiler *c, const yaml_node *n) {
    static const char *const known[] = {"id",  "on",       "agents",  "when",  "deny", "allow",
                                        "ask", "approval", "endorse", "guard", "mode", NULL};
    int rc = compile_map(c, n, "a rule");
    if (rc == 0) {
        rc = compile_places(c, n);
    }
    if (rc == 0) {
        rc = yaml_known_keys(c->tree, n, known, c->d);
    }
    if (rc) {
        return rc;
    }
    policy_rule *r = policy_alloc(c->p, sizeof *r);
    r->file = c->file;
    r->line = n->line;
    r->column = n->column;
    rc = read_id(c, n, r);
    if (rc == 0) {
        rc = compile_mode(c, yaml_get(n, "mode"), &r->shadow);
    }
    if (rc == 0) {
        rc = read_on(c, n, r);
    }
    if (rc == 0 && yaml_get(n, "agents")) {
        rc = compile_words(c, yaml_get(n, "agents"), "agents", &r->agents, &r->agent_count);
    }
    if (rc == 0) {
        rc = read_bands(c, n, r);
    }
    if (rc == 0) {
        rc = compile_guard(c, yaml_get(n, "guard"), r);
    }
    if (rc == 0) {
        rc = compile_approval(c, n, r);
    }
    if (rc == 0 && yaml_get(n, "endorse")) {
        rc = compile_endorse(c, yaml_get(n, "endorse"), r);
    }
    if (rc == 0) {
        rc = check_currencies(c, r);
    }
    if (rc == 0) {
        rc = check_world(c, n, r);
    }
    if (rc == 0) {
        rc = digest_rule(c, n, r);
    }
    if (rc == 0) {
        add_rule(c, r);
    }
    return rc;
}

const policy_rule *policy_rule_named(const policy *p, const char *id) {
    for (size_t i = 0; i < p->rule_count; i++) {
        if (strcmp(p->rules[i]->id, id) == 0) {
            return p->rules[i];
        }
    }
    return NULL;
}

digest policy_rule_digest(const policy_rule *r) {
    return r ? r->digest : (digest){{0}};
}
