#include "ramp.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "rampint.h"

bool ramp_refuse(ramp_group *g, const char *code, const char *why, ...) {
    keel_buf text = KEEL_BUF_INIT;
    va_list ap;
    va_start(ap, why);
    keel_buf_vprintf(&text, why, ap);
    va_end(ap);
    free(g->out->why);
    g->out->code = code;
    g->out->why = text.data;
    return false;
}

/* ---- what may be proposed at all ---- */

/* Conditions cannot name an agent or a target: the rule must be of these alone. */
static bool is_of_one(ramp_group *g) {
    const policy_rule *r = g->rule;
    if (r->guard) {
        return ramp_refuse(g, "guard", "the rule is a guard, which lets nothing by itself");
    }
    if (r->agent_count != 1 || strcspn(r->agents[0], "*?") != strlen(r->agents[0])) {
        return ramp_refuse(g, "agents",
                           "the rule speaks of other agents too; give %s a rule of its own",
                           g->out->agent);
    }
    if (r->on_count != 1 || strcmp(r->on[0], g->out->target) != 0) {
        return ramp_refuse(g, "targets",
                           "the rule speaks of other targets too; give %s a rule of its own",
                           g->out->target);
    }
    return true;
}

static bool is_told(ramp_group *g) {
    for (size_t i = 0; i < g->all_count; i++) {
        if (policy_looks_back(g->p, &g->effects[g->all[i]].query)) {
            return ramp_refuse(g, "sums",
                               "a rule looks at a sum or count, and no bound of one is proposed");
        }
    }
    return true;
}

/* An allow wants of its `when` that it holds, where an ask takes a doubt for it. */
static bool when_holds(const ramp_group *g, const ramp_effect *e) {
    sight s;
    sight_init(&s, g->p, &e->query);
    return band_holds(&g->rule->when, &s, BAND_ALLOW);
}

/* Those that are evidence, and came behind the refusal, if there is one. */
static void gather(ramp_group *g) {
    size_t since = g->out->since;
    g->used_count = 0;
    for (size_t i = 0; i < g->all_count; i++) {
        const ramp_effect *e = &g->effects[g->all[i]];
        if (e->standing == RAMP_CLEAN && !e->lost && !e->query.tainted && when_holds(g, e) &&
            (since == SIZE_MAX || e->at_us > g->effects[since].at_us)) {
            g->used[g->used_count++] = g->all[i];
        }
    }
}

static bool too_few(ramp_group *g) {
    size_t tainted = 0;
    for (size_t i = 0; i < g->all_count; i++) {
        const ramp_effect *e = &g->effects[g->all[i]];
        tainted += e->standing == RAMP_CLEAN && e->query.tainted;
    }
    if (g->out->since != SIZE_MAX) {
        return ramp_refuse(g, "refused", "one like them was refused, with %zu of them after it",
                           g->used_count);
    }
    if (tainted) {
        return ramp_refuse(g, "tainted",
                           "%zu of them were by runs that had read untrusted text, which is no "
                           "evidence",
                           tainted);
    }
    return ramp_refuse(g, "few", "only %zu of them can be read and compared", g->used_count);
}

/* The last refusal that the change would let through. */
static size_t refusal(const ramp_group *g) {
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < g->all_count; i++) {
        const ramp_effect *e = &g->effects[g->all[i]];
        if (e->standing == RAMP_REFUSED && ramp_admits(g, e) &&
            (g->out->since == SIZE_MAX || e->at_us > g->effects[g->out->since].at_us)) {
            found = g->all[i];
        }
    }
    return found;
}

/* Each turn leaves what came behind a later refusal, until none is let through or too few are left. */
static bool weigh(ramp_group *g) {
    if (!is_of_one(g) || !is_told(g)) {
        return false;
    }
    for (;;) {
        gather(g);
        if (g->used_count < g->after) {
            return too_few(g);
        }
        if (!ramp_shape(g) || !(g->rule->bands[BAND_ALLOW].present ? ramp_widen(g) : ramp_add(g))) {
            return false;
        }
        size_t at = refusal(g);
        if (at == SIZE_MAX) {
            return true;
        }
        g->out->since = at;
    }
}

/* ---- groups ---- */

static bool together(const ramp_effect *a, const ramp_effect *b) {
    return strcmp(a->rule, b->rule) == 0 && strcmp(a->query.agent, b->query.agent) == 0 &&
           strcmp(a->query.target, b->query.target) == 0;
}

/* By time; of two at once, as they were given. */
static void put_in_time(size_t *all, size_t count, const ramp_effect *effects, size_t index) {
    size_t at = count;
    while (at > 0 && effects[all[at - 1]].at_us > effects[index].at_us) {
        all[at] = all[at - 1];
        at--;
    }
    all[at] = index;
}

static void find_one(ramp_group *g, ramp_finding *f) {
    g->out = f;
    g->used = keel_alloc((g->all_count + 1) * sizeof *g->used);
    ramp_look(g);
    if (weigh(g)) {
        ramp_conditions(g);
    } else {
        g->used_count = 0;
    }
    f->used = g->used;
    f->used_count = g->used_count;
    ramp_forget_bounds(g);
    free(g->seen);
}

/* The effects that belong to the one at `first`, which is the first of them; how many are clean. */
static size_t take_group(const ramp_effect *effects, size_t count, size_t first, bool *taken,
                         size_t *all, size_t *all_count) {
    size_t clean = 0;
    *all_count = 0;
    for (size_t i = first; i < count; i++) {
        if (!taken[i] && !effects[i].query.ordered && together(&effects[first], &effects[i])) {
            taken[i] = true;
            clean += effects[i].standing == RAMP_CLEAN;
            put_in_time(all, (*all_count)++, effects, i);
        }
    }
    return clean;
}

size_t ramp_find(const policy *p, const ramp_effect *effects, size_t count, size_t after,
                 ramp_finding **out) {
    size_t *all = keel_alloc((count + 1) * sizeof *all), found = 0;
    bool *taken = keel_alloc((count + 1) * sizeof *taken);
    memset(taken, 0, (count + 1) * sizeof *taken);
    *out = NULL;
    for (size_t i = 0; i < count; i++) {
        ramp_group g = {.p = p, .effects = effects, .all = all, .after = after ? after : 1};
        size_t clean = taken[i] || effects[i].query.ordered
                           ? 0
                           : take_group(effects, count, i, taken, all, &g.all_count);
        g.rule = clean >= g.after ? policy_rule_named(p, effects[i].rule) : NULL;
        if (!g.rule || !g.rule->bands[BAND_ASK].present) {
            continue;
        }
        *out = keel_realloc(*out, (found + 1) * sizeof **out);
        ramp_finding *f = &(*out)[found++];
        *f = (ramp_finding){.rule = g.rule->id,
                            .agent = effects[i].query.agent,
                            .target = effects[i].query.target,
                            .clean = clean,
                            .since = SIZE_MAX};
        find_one(&g, f);
    }
    free(taken);
    free(all);
    return found;
}

static void free_condition(ramp_condition *c) {
    for (size_t i = 0; i < c->more_count; i++) {
        free(c->more[i]);
    }
    free(c->more);
    free(c->attr);
    free(c->value);
}

void ramp_free(ramp_finding *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < list[i].condition_count; k++) {
            free_condition(&list[i].conditions[k]);
        }
        free(list[i].conditions);
        free(list[i].why);
        free(list[i].free);
        free(list[i].used);
    }
    free(list);
}
