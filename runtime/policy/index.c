/* The table that finds, for an agent and a target, the rules that can speak. */
#include <stdlib.h>
#include <string.h>

#include "compileint.h"

/* ---- targets ---- */

static void add_target(target_list *l, const char *name) {
    for (size_t i = 0; i < l->count; i++) {
        if (strcmp(l->names[i], name) == 0) {
            return;
        }
    }
    if (l->count == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 64;
        l->names = keel_realloc(l->names, l->cap * sizeof *l->names);
    }
    l->names[l->count++] = name;
}

static void world_targets(compiler *c, target_list *out) {
    keel_buf name = KEEL_BUF_INIT;
    for (size_t i = 0; c->world && i < c->world->connection_count; i++) {
        const policy_connection *con = &c->world->connections[i];
        for (size_t r = 0; r < con->plugin->resource_count; r++) {
            const manifest_resource *res = &con->plugin->resources[r];
            for (manifest_verb_id v = VERB_READ; v < VERB_COUNT; v++) {
                if (res->verbs[v].present) {
                    keel_buf_clear(&name);
                    keel_buf_printf(&name, "%s.%s.%s", con->name, res->name, manifest_verb_name(v));
                    add_target(out, policy_copy(c->p, name.data, name.len));
                }
            }
        }
    }
    keel_buf_free(&name);
}

void compile_targets(compiler *c, target_list *out) {
    add_target(out, "run.spawn");
    world_targets(c, out);
    const policy *p = c->p;
    for (size_t i = 0; i < p->rule_count + p->shadow_count; i++) {
        const policy_rule *r = i < p->rule_count ? p->rules[i] : p->shadows[i - p->rule_count];
        for (size_t k = 0; k < r->on_count; k++) {
            if (!strpbrk(r->on[k], "*?")) {
                add_target(out, r->on[k]);
            }
        }
    }
}

/* ---- rule sets ---- */

static bool covers_target(const policy_rule *r, const char *target) {
    for (size_t i = 0; i < r->on_count; i++) {
        if (target_matches(r->on[i], target)) {
            return true;
        }
    }
    return false;
}

static bool names_agent(const policy_rule *r, const char *agent) {
    for (size_t i = 0; i < r->agent_count; i++) {
        if (strcmp(r->agents[i], agent) == 0) {
            return true;
        }
    }
    return false;
}

/* The rules of `all` without a list of agents, and those that name this one (if not NULL). */
static candidates select_rules(policy *p, const candidates *all, const char *agent) {
    candidates c = {policy_alloc(p, all->count * sizeof(policy_rule *)), 0};
    for (uint32_t i = 0; i < all->count; i++) {
        const policy_rule *r = all->rules[i];
        if (r->agent_count == 0 || (agent && names_agent(r, agent))) {
            c.rules[c.count++] = r;
        }
    }
    return c;
}

static void put_agent(policy *p, rule_set *s, const candidates *all, const char *agent) {
    uint32_t at = (uint32_t)text_hash(agent, strlen(agent), false) & s->mask;
    while (s->agents[at]) {
        if (strcmp(s->agents[at], agent) == 0) {
            return;
        }
        at = (at + 1) & s->mask;
    }
    s->agents[at] = agent;
    s->by_agent[at] = select_rules(p, all, agent);
}

static rule_set *make_set(policy *p, const candidates *all) {
    rule_set *s = policy_alloc(p, sizeof *s);
    s->rest = select_rules(p, all, NULL);
    uint32_t named = 0;
    for (uint32_t i = 0; i < all->count; i++) {
        named += (uint32_t)all->rules[i]->agent_count;
    }
    if (named == 0) {
        return s;
    }
    uint32_t size = 4;
    while (size < named * 2) {
        size *= 2;
    }
    s->mask = size - 1;
    s->agents = policy_alloc(p, size * sizeof *s->agents);
    s->by_agent = policy_alloc(p, size * sizeof *s->by_agent);
    for (uint32_t i = 0; i < all->count; i++) {
        for (size_t k = 0; k < all->rules[i]->agent_count; k++) {
            put_agent(p, s, all, all->rules[i]->agents[k]);
        }
    }
    return s;
}

/* Sets that are already made: many targets are under the same rules. */
typedef struct made {
    candidates all;
    rule_set *set;
} made;

static rule_set *set_of(policy *p, made *sets, size_t *count, const candidates *all) {
    for (size_t i = 0; i < *count; i++) {
        if (sets[i].all.count == all->count &&
            memcmp(sets[i].all.rules, all->rules, all->count * sizeof *all->rules) == 0) {
            return sets[i].set;
        }
    }
    candidates kept = {policy_alloc(p, all->count * sizeof *all->rules), all->count};
    if (all->count) {
        memcpy(kept.rules, all->rules, all->count * sizeof *all->rules);
    }
    sets[*count] = (made){kept, make_set(p, &kept)};
    return sets[(*count)++].set;
}

static void put_target(policy *p, const char *target, const rule_set *set) {
    uint64_t hash = text_hash(target, strlen(target), false);
    uint32_t at = (uint32_t)hash & p->target_mask;
    while (p->targets[at].target) {
        at = (at + 1) & p->target_mask;
    }
    p->targets[at] = (target_slot){target, hash, set};
}

void compile_index(compiler *c, const target_list *targets) {
    policy *p = c->p;
    uint32_t size = 4;
    while (size < targets->count * 2) {
        size *= 2;
    }
    p->targets = policy_alloc(p, size * sizeof *p->targets);
    p->target_mask = size - 1;
    made *sets = keel_alloc((targets->count + 1) * sizeof *sets);
    size_t count = 0;
    candidates all = {keel_alloc((p->rule_count + 1) * sizeof(policy_rule *)), 0};
    for (size_t t = 0; t < targets->count; t++) {
        all.count = 0;
        for (size_t i = 0; i < p->rule_count; i++) {
            if (covers_target(p->rules[i], targets->names[t])) {
                all.rules[all.count++] = p->rules[i];
            }
        }
        put_target(p, targets->names[t], set_of(p, sets, &count, &all));
    }
    free((void *)all.rules);
    free(sets);
}
