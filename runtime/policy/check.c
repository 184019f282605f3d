/* What `keel policy check` finds beyond form: names that do not exist, rules that never matter. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compileint.h"

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

static bool always_asks(const policy_rule *r) {
    return always(r, BAND_ASK) && !r->guard && !r->bands[BAND_DENY].present &&
           !r->bands[BAND_ALLOW].present;
}

static bool hides_some(const policy_rule *r) {
    return !r->when.present && (always(r, BAND_DENY) || always_asks(r));
}

/* An always-denying rule hides all others below it, an always-asking one those that only allow. A
 * guard hides none: it needs them. */
static bool hides(const policy_rule *wide, const policy_rule *r) {
    if (wide == r) {
        return false;
    }
    bool denies = always(wide, BAND_DENY);
    bool asks = always_asks(wide);
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

static const char *find_near(const policy_world *w, const char *name) {
    const char *words[POLICY_ATTRS + 1] = {"tainted", "sink", "class", "sensitivity",
                                           MANIFEST_ORIGIN};
    size_t count = 5;
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

const char *near_attribute(compiler *c, uint16_t id) {
    near_name *n = &c->near[id];
    if (!n->known) {
        *n = (near_name){true, find_near(c->world, c->p->attrs[id].name)};
    }
    return n->near;
}

static void check_attributes(compiler *c, const policy_rule *r, const band *b) {
    for (size_t i = 0; c->world && i < b->count; i++) {
        if (check_tally(c->p, &b->checks[i])) {
            continue;
        }
        const char *name = c->p->attrs[b->checks[i].attr].name;
        const char *near = near_attribute(c, b->checks[i].attr);
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

/* A question that expires between two digests would never have been shown. */
static void check_digest(compiler *c, const policy_rule *r) {
    int64_t gap = policy_digest_gap_us(&r->approval);
    if (gap && r->approval.expires_us <= gap) {
        char text[256];
        snprintf(text, sizeof text,
                 "rule %s: what it asks may expire before a digest has shown it: up to %lld h %lld "
                 "min pass between two",
                 r->id, (long long)(gap / 3600000000LL), (long long)(gap / 60000000 % 60));
        compile_warn(c, r->file, r->line, r->column, text,
                     "Let it stand longer, such as `expires: 48h`, or add a time to digest.");
    }
}

static void check_rule(compiler *c, const policy_rule *r, const target_list *targets,
                       const candidates *wide) {
    char text[256];
    if (c->world && !reaches(r, targets)) {
        snprintf(text, sizeof text, "rule %s matches nothing in this workspace", r->id);
        compile_warn(c, r->file, r->line, r->column, text,
                     "`keel connection list` shows what there is.");
    }
    for (size_t k = 0; k < wide->count; k++) {
        if (hides(wide->rules[k], r)) {
            snprintf(text, sizeof text, "rule %s is shadowed: %s always decides first", r->id,
                     wide->rules[k]->id);
            compile_warn(c, r->file, r->line, r->column, text,
                         "Remove it, or narrow the other rule.");
            return;
        }
    }
}

/* Some verb that it counts says in its manifest that it asks a model. */
static bool counts_tokens(const compiler *c, const budget_rule *b) {
    for (size_t i = 0; i < c->world->connection_count; i++) {
        const policy_connection *cn = &c->world->connections[i];
        for (size_t n = 0; n < cn->plugin->resource_count; n++) {
            const manifest_resource *r = &cn->plugin->resources[n];
            for (manifest_verb_id v = VERB_READ; v < VERB_COUNT; v++) {
                char target[256];
                snprintf(target, sizeof target, "%s.%s.%s", cn->name, r->name,
                         manifest_verb_name(v));
                bool counted = b->on_count == 0;
                for (size_t k = 0; !counted && k < b->on_count; k++) {
                    counted = target_matches(b->on[k], target);
                }
                if (r->verbs[v].tokens.present && counted) {
                    return true;
                }
            }
        }
    }
    return false;
}

static void check_budget(compiler *c, const budget_rule *b, const target_list *targets) {
    bool any = b->on_count == 0;
    for (size_t i = 0; !any && i < b->on_count; i++) {
        any = reaches_any(b->on[i], targets);
    }
    if (c->world && !any) {
        char text[256];
        snprintf(text, sizeof text, "budget %s counts nothing in this workspace", b->id);
        compile_warn(c, b->file, b->line, b->column, text,
                     "`keel connection list` shows what there is.");
    } else if (c->world && b->tokens >= 0 && !counts_tokens(c, b)) {
        char text[256];
        snprintf(text, sizeof text,
                 "budget %s counts no tokens: nothing that it is about asks a model", b->id);
        compile_warn(c, b->file, b->line, b->column, text,
                     "Tokens are what a verb with `tokens` in its connector's manifest uses; limit "
                     "others in money or calls.");
    }
}

/* Names of people's ways, and keel.yaml has none: nobody's phone rings. */
static void check_told(compiler *c, const policy_rule *r) {
    const policy_approval *a = &r->approval;
    for (size_t i = 0; c->world && !c->world->notifiers && i < a->escalate_count; i++) {
        const char *to = a->escalate[i].to;
        if (to && strcmp(to, POLICY_OPERATOR) != 0) {
            char text[256];
            snprintf(text, sizeof text,
                     "rule %s: keel.yaml has no `notify`: the log and `keel inbox` alone tell %s",
                     r->id, to);
            compile_warn(c, r->file, r->line, r->column, text,
                         "Write for example `notify: { NAME: { desktop: true } }` there.");
            return;
        }
    }
}

/* A rule in shadow too: it would not matter either. */
void check_reach(compiler *c, const target_list *targets) {
    const policy *p = c->p;
    candidates wide = {keel_alloc((p->rule_count + 1) * sizeof(policy_rule *)), 0};
    for (size_t i = 0; i < p->rule_count; i++) {
        if (hides_some(p->rules[i])) {
            wide.rules[wide.count++] = p->rules[i];
        }
    }
    for (size_t i = 0; c->warn && i < c->p->budget_count; i++) {
        check_budget(c, &c->p->budgets[i], targets);
    }
    for (size_t i = 0; c->warn && i < p->rule_count + p->shadow_count; i++) {
        const policy_rule *r = i < p->rule_count ? p->rules[i] : p->shadows[i - p->rule_count];
        check_bands(c, r);
        check_conditions(c, r);
        check_digest(c, r);
        check_told(c, r);
        check_attributes(c, r, &r->when);
        check_tallies(c, r, &r->when);
        for (band_kind k = BAND_DENY; k < BAND_COUNT; k++) {
            check_attributes(c, r, &r->bands[k]);
            check_tallies(c, r, &r->bands[k]);
        }
        check_rule(c, r, targets, &wide);
    }
    free(wide.rules);
}
