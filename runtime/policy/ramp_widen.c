/* The allow of a rule, widened in its thresholds and lists; and what a change would let through. */
#include <stdlib.h>
#include <string.h>

#include "rampint.h"

static bool holds_for_all(const ramp_group *g, const check *c) {
    for (size_t i = 0; i < g->used_count; i++) {
        sight s;
        sight_init(&s, g->p, &g->effects[g->used[i]].query);
        if (!check_holds(c, sight_attr(&s, c->attr), BAND_ALLOW)) {
            return false;
        }
    }
    return true;
}

static bool op_holds_for_all(const ramp_group *g, const char *name, const op *o) {
    for (size_t i = 0; i < g->used_count; i++) {
        const attr *a = ramp_attr(&g->effects[g->used[i]], name);
        for (size_t k = 0; a && k < a->count; k++) {
            if (op_holds(o, &a->values[k]) != HOLDS) {
                return false;
            }
        }
    }
    return true;
}

static bool by_hand(ramp_group *g, const char *name) {
    return ramp_refuse(g, "allow", "what its allow says of %s can only be widened by hand", name);
}

/* The ask bounds the attribute from the other side too: between the two it is denied. */
static bool widen_amount(ramp_group *g, const check *c, size_t k, const char *name) {
    const op *was = &c->ops[k];
    bool up = ramp_is_below(was->kind);
    const attr_value *to = ramp_extreme(g, name, up ? 1 : -1);
    if (to->type != was->value.type || strcmp(to->currency, was->value.currency) != 0 ||
        ramp_asks_by(g, name, up ? ramp_is_above : ramp_is_below)) {
        return by_hand(g, name);
    }
    if (!ramp_writable(to)) {
        return ramp_unwritable(g, name);
    }
    ramp_bound *b = ramp_bound_new(g, name);
    b->check = c;
    b->which = k;
    b->ops[0] = (op){.kind = up ? OP_LTE : OP_GTE, .value = *to};
    return true;
}

static bool widen_texts(ramp_group *g, const check *c, size_t k, const char *name) {
    const op *was = &c->ops[k];
    ramp_seen s = {.name = name, .folded = was->fold};
    bool one = was->kind == OP_EQ;
    size_t old = one ? 1 : was->set.count, count, all = old;
    if (ramp_kind_in(g, name) != RAMP_TEXT ||
        (one ? was->value.type : was->set.type) != ATTR_TEXT) {
        return by_hand(g, name);
    }
    attr_value *list = ramp_texts(g, &s, &count);
    attr_value *items = keel_alloc((old + count) * sizeof *items);
    if (old) {
        memcpy(items, one ? &was->value : was->set.items, old * sizeof *items);
    }
    for (size_t i = 0; i < count; i++) {
        if (op_holds(was, &list[i]) != HOLDS) {
            items[all++] = list[i];
        }
    }
    free(list);
    ramp_bound *b = ramp_bound_new(g, name);
    b->check = c;
    b->which = k;
    b->items = items;
    b->ops[0] = (op){
        .kind = OP_IN, .fold = was->fold, .set = {ATTR_TEXT, was->fold, items, all, NULL, 0, NULL}};
    if (!ramp_all_writable(items, all)) {
        return ramp_unwritable(g, name);
    }
    return all - old <= RAMP_VALUES ||
           ramp_refuse(g, "values", "%s has %zu more values, and a condition gains %d", name,
                       all - old, RAMP_VALUES);
}

static bool widen_check(ramp_group *g, const check *c) {
    const char *name = g->p->attrs[c->attr].name;
    ramp_kind kind = ramp_kind_in(g, name);
    if (ramp_builtin(g, c) != BUILTIN_NONE || kind == RAMP_MISSING || kind == RAMP_ODD) {
        return by_hand(g, name);
    }
    for (size_t k = 0; k < c->count; k++) {
        op_kind is = c->ops[k].kind;
        if (op_holds_for_all(g, name, &c->ops[k])) {
            continue;
        }
        bool done = ramp_is_below(is) || ramp_is_above(is) ? widen_amount(g, c, k, name)
                    : is == OP_IN || is == OP_EQ           ? widen_texts(g, c, k, name)
                                                           : by_hand(g, name);
        if (!done) {
            return false;
        }
    }
    return true;
}

/* Of two conditions each would be widened for what the other lets through now, of which the ask may
 * have said nothing. */
static bool within_ask(ramp_group *g) {
    const band *ask = &g->rule->bands[BAND_ASK];
    for (size_t i = 0; i < ask->count; i++) {
        const char *name = g->p->attrs[ask->checks[i].attr].name;
        bool same = g->bound_count == 1 && strcmp(g->bounds[0].attr, name) == 0;
        builtin_attr own = ramp_builtin(g, &ask->checks[i]);
        if (!same && (own == BUILTIN_NONE || own == BUILTIN_ORIGIN)) {
            return ramp_refuse(
                g, "ask",
                "its allow is not bounded as its ask is, by %s: widened it would let "
                "through what is denied now",
                name);
        }
    }
    return true;
}

bool ramp_widen(ramp_group *g) {
    const band *allow = &g->rule->bands[BAND_ALLOW];
    ramp_forget_bounds(g);
    for (size_t i = 0; i < allow->count; i++) {
        if (!holds_for_all(g, &allow->checks[i]) && !widen_check(g, &allow->checks[i])) {
            return false;
        }
    }
    if (g->bound_count == 0) {
        return ramp_refuse(g, "when", "its allow holds for them, but its when does not");
    }
    if (!within_ask(g)) {
        return false;
    }
    if (!ramp_checks(g, allow, BUILTIN_TAINTED) &&
        !ramp_checks(g, &g->rule->when, BUILTIN_TAINTED)) {
        ramp_untainted(g);
    }
    if (!ramp_checks(g, allow, BUILTIN_SENSITIVITY)) {
        ramp_no_more_private(g);
    }
    return true;
}

/* ---- what it would let through ---- */

static const ramp_bound *bound_of(const ramp_group *g, const check *c, size_t which) {
    for (size_t i = 0; i < g->bound_count; i++) {
        if (g->bounds[i].check == c && g->bounds[i].which == which) {
            return &g->bounds[i];
        }
    }
    return NULL;
}

static bool check_admits(const ramp_group *g, const check *c, sight *s) {
    op *ops = keel_alloc((c->count + 1u) * sizeof *ops);
    for (size_t k = 0; k < c->count; k++) {
        const ramp_bound *b = bound_of(g, c, k);
        ops[k] = b ? b->ops[0] : c->ops[k];
    }
    check as = {.attr = c->attr, .count = c->count, .ops = ops};
    bool holds = check_holds(&as, sight_attr(s, c->attr), BAND_ALLOW);
    free(ops);
    return holds;
}

/* Whatever it had read: a refusal of a tainted one counts too. */
bool ramp_admits(const ramp_group *g, const ramp_effect *e) {
    const band *allow = &g->rule->bands[BAND_ALLOW];
    policy_query q = e->query;
    sight s;
    q.tainted = false;
    q.level = SENSITIVITY_PUBLIC;
    sight_init(&s, g->p, &q);
    if (e->lost) {
        return true;
    }
    for (size_t i = 0; allow->present && i < allow->count; i++) {
        if (!check_admits(g, &allow->checks[i], &s)) {
            return false;
        }
    }
    for (size_t i = 0; i < g->bound_count; i++) {
        const ramp_bound *b = &g->bounds[i];
        bool own = ramp_own(b->attr);
        check as = {.count = b->count, .ops = b->ops};
        if (!b->check && !own && !check_holds(&as, ramp_attr(e, b->attr), BAND_ALLOW)) {
            return false;
        }
    }
    return true;
}
