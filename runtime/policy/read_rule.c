/* One entry of `rules`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compileint.h"

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

/* ---- approval ---- */

static int read_expires(compiler *c, const yaml_node *n, policy_approval *a) {
    int64_t us;
    if (!yaml_duration_us(n, &us) || us < 60 * 1000000LL || us > 366 * 86400000000LL) {
        return compile_fault(c, n, "expires is a time from 1m to 366d", "Write `expires: 24h`.");
    }
    a->expires_us = us;
    return 0;
}

static int read_batch(compiler *c, const yaml_node *n, policy_approval *a) {
    static const char *const later[] = {"by", NULL};
    static const char *const known[] = {"max", NULL};
    int rc = compile_map(c, n, "batch");
    if (rc == 0) {
        rc = yaml_later_keys(c->tree, n, later, c->d);
    }
    if (rc == 0) {
        rc = yaml_known_keys(c->tree, n, known, c->d);
    }
    const yaml_node *max = yaml_get(n, "max");
    int64_t v;
    if (rc == 0 && (!yaml_int(max, &v) || v < 1 || v > 100)) {
        return compile_fault(c, max ? max : n, "max is a number from 1 to 100",
                             "Write `batch: { max: 25 }`.");
    }
    if (rc == 0) {
        a->batch_max = (int)v;
    }
    return rc;
}

static int read_by(compiler *c, const yaml_node *n) {
    const char **by;
    size_t count;
    int rc = compile_words(c, n, "by", &by, &count);
    if (rc == 0 && (count != 1 || strcmp(by[0], "operator") != 0)) {
        rc = compile_fault(c, n,
                           "approvers other than operator are known, not yet enforced in this "
                           "version",
                           "Write `by: [operator]`.");
    }
    return rc;
}

static int read_expiry(compiler *c, const yaml_node *n) {
    if (n->kind == YAML_SCALAR && strcmp(n->text, "deny") == 0) {
        return 0;
    }
    return compile_fault(c, n, "on_expiry is deny: an approval that nobody gave is none",
                         "Write `on_expiry: deny`, or leave the line out.");
}

static int read_approval(compiler *c, const yaml_node *rule, policy_rule *r) {
    static const char *const later[] = {"remember", "digest", NULL};
    static const char *const known[] = {"by",    "expires",  "on_expiry", "edit",
                                        "batch", "escalate", NULL};
    const yaml_node *n = yaml_get(rule, "approval");
    r->approval = policy_rule_approval(NULL);
    if (!n) {
        return 0;
    }
    int rc = compile_map(c, n, "approval");
    if (rc == 0) {
        rc = yaml_later_keys(c->tree, n, later, c->d);
    }
    if (rc == 0) {
        rc = yaml_known_keys(c->tree, n, known, c->d);
    }
    if (rc == 0 && !r->bands[BAND_ASK].present) {
        rc = compile_fault(c, n, "approval belongs to a rule with ask",
                           "Add `ask: {}`, or remove it.");
    }
    if (rc == 0 && yaml_get(n, "by")) {
        rc = read_by(c, yaml_get(n, "by"));
    }
    if (rc == 0 && yaml_get(n, "expires")) {
        rc = read_expires(c, yaml_get(n, "expires"), &r->approval);
    }
    if (rc == 0 && yaml_get(n, "on_expiry")) {
        rc = read_expiry(c, yaml_get(n, "on_expiry"));
    }
    if (rc == 0 && yaml_get(n, "edit")) {
        const char **edit;
        rc = compile_words(c, yaml_get(n, "edit"), "edit", &edit, &r->approval.edit_count);
        r->approval.edit = rc ? NULL : edit;
    }
    if (rc == 0 && yaml_get(n, "escalate")) {
        rc = compile_escalate(c, yaml_get(n, "escalate"), &r->approval);
    }
    return rc || !yaml_get(n, "batch") ? rc : read_batch(c, yaml_get(n, "batch"), &r->approval);
}

/* ---- the rule ---- */

static int read_id(compiler *c, const yaml_node *rule, policy_rule *r) {
    const yaml_node *n = yaml_get(rule, "id");
    if (!n) {
        return compile_fault(c, rule, "the rule has no id",
                             "Add `id: some-name`; messages use it.");
    }
    int rc = compile_word(c, n, "the id of a rule", &r->id);
    for (size_t i = 0; rc == 0 && i < c->p->rule_count; i++) {
        const policy_rule *other = c->p->rules[i];
        if (strcmp(other->id, r->id) == 0) {
            yaml_fault(c->tree, n, c->d, "the id \"%s\" is already used at %s:%d", r->id,
                       other->file, other->line);
            diag_next(c->d, "Give one of the two rules another id.");
            return DIAG_USAGE;
        }
    }
    if (rc == 0 && strcmp(r->id, "none") == 0) {
        rc = compile_fault(c, n, "the id \"none\" stands for: no rule speaks", "Choose another.");
    }
    if (rc == 0 && strcmp(r->id, "base.reads") == 0) {
        c->p->base_reads = false;
    }
    if (rc == 0 && strcmp(r->id, "base.undo") == 0) {
        c->p->base_undo = false;
    }
    return rc;
}

static int read_mode(compiler *c, const yaml_node *n) {
    if (!n || (n->kind == YAML_SCALAR && strcmp(n->text, "enforce") == 0)) {
        return 0;
    }
    if (n->kind == YAML_SCALAR && strcmp(n->text, "shadow") == 0) {
        return compile_fault(c, n, "`mode: shadow` is known, not yet enforced in this version",
                             "Remove it, or comment the rule out.");
    }
    return compile_fault(c, n, "mode is enforce", "Leave the line out.");
}

static int read_bands(compiler *c, const yaml_node *rule, policy_rule *r) {
    static const char *const names[BAND_COUNT] = {"deny", "allow", "ask"};
    int rc = yaml_get(rule, "when") ? compile_band(c, yaml_get(rule, "when"), &r->when) : 0;
    bool any = false;
    for (band_kind k = BAND_DENY; rc == 0 && k < BAND_COUNT; k++) {
        const yaml_node *n = yaml_get(rule, names[k]);
        if (n) {
            r->first = any ? r->first : k;
            r->last = k;
            any = true;
            rc = compile_band(c, n, &r->bands[k]);
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
            const char *currency = ch->ops[0].kind <= OP_EQ && ch->ops[0].value.type == ATTR_MONEY
                                       ? ch->ops[0].value.currency
                                       : NULL;
            if (currency && seen[ch->attr] && strcmp(seen[ch->attr], currency) != 0) {
                diag_at(c->d, DIAG_USAGE, c->file, ch->line, ch->column,
                        "mixed currencies: this rule compares %s in %s and in %s",
                        c->p->attrs[ch->attr].name, seen[ch->attr], currency);
                diag_next(c->d, "Write a rule for each currency; amounts are never converted.");
                return DIAG_USAGE;
            }
            seen[ch->attr] = currency ? currency : seen[ch->attr];
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
    if (p->rule_count == c->rule_cap) {
        c->rule_cap = c->rule_cap ? c->rule_cap * 2 : 32;
        p->rules = keel_realloc(p->rules, c->rule_cap * sizeof *p->rules);
    }
    p->rules[p->rule_count++] = r;
}

int compile_rule(compiler *c, const yaml_node *n) {
    static const char *const later[] = {"rate", "quiet", "breaker", "retries", "endorse", NULL};
    static const char *const known[] = {"id",    "on",  "agents",   "when", "deny",
                                        "allow", "ask", "approval", "mode", NULL};
    int rc = compile_map(c, n, "a rule");
    if (rc == 0) {
        rc = yaml_later_keys(c->tree, n, later, c->d);
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
        rc = read_on(c, n, r);
    }
    if (rc == 0 && yaml_get(n, "agents")) {
        rc = compile_words(c, yaml_get(n, "agents"), "agents", &r->agents, &r->agent_count);
    }
    if (rc == 0) {
        rc = read_mode(c, yaml_get(n, "mode"));
    }
    if (rc == 0) {
        rc = read_bands(c, n, r);
    }
    if (rc == 0) {
        rc = read_approval(c, n, r);
    }
    if (rc == 0) {
        rc = check_currencies(c, r);
    }
    if (rc == 0) {
        rc = digest_rule(c, n, r);
    }
    if (rc == 0) {
        add_rule(c, r);
    }
    return rc;
}

policy_approval policy_rule_approval(const policy_rule *r) {
    if (r) {
        return r->approval;
    }
    return (policy_approval){.expires_us = 86400000000LL, .batch_max = 25};
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
