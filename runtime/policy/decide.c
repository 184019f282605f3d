/* One decision: no lock, no memory. */
#include <string.h>

#include "policyint.h"

/* ---- one comparator ---- */

static holding holds_if(bool b) {
    return b ? HOLDS : FAILS;
}

static holding ordered(op_kind kind, int order) {
    switch (kind) {
    case OP_LT:
        return holds_if(order < 0);
    case OP_LTE:
        return holds_if(order <= 0);
    case OP_GT:
        return holds_if(order > 0);
    default:
        return holds_if(order >= 0);
    }
}

static holding compare(const op *o, const attr_value *v) {
    if (o->value.type == ATTR_MONEY) {
        if (v->type != ATTR_MONEY || memcmp(v->currency, o->value.currency, 4) != 0) {
            return MISTYPED;
        }
        int64_t a = v->micros;
        int64_t b = o->value.micros;
        return ordered(o->kind, (a > b) - (a < b));
    }
    attr_type want = o->value.type == ATTR_TEXT ? ATTR_TEXT : ATTR_NUMBER; /* a text: by its rank */
    if (v->type != want || v->number != v->number) {
        return MISTYPED;
    }
    return ordered(o->kind, (v->number > o->value.number) - (v->number < o->value.number));
}

/* Money arrives as text and may be compared as such. */
static bool readable_as(attr_type want, const attr_value *v) {
    return v->type == want || (want == ATTR_TEXT && v->type == ATTR_MONEY && v->text);
}

static holding equal(const op *o, const attr_value *v) {
    if (!readable_as(o->value.type, v)) {
        return MISTYPED;
    }
    if (o->value.type == ATTR_TEXT) {
        return holds_if(text_equal(v->text, v->len, o->value.text, o->value.len, o->fold));
    }
    if (o->value.type == ATTR_MONEY) {
        return memcmp(v->currency, o->value.currency, 4) != 0
                   ? MISTYPED
                   : holds_if(v->micros == o->value.micros);
    }
    return holds_if(v->number == o->value.number);
}

static holding member(const op *o, const attr_value *v) {
    if (v->type == ATTR_BAD || (o->set.count && !readable_as(o->set.type, v))) {
        return MISTYPED;
    }
    if (o->set.type == ATTR_MONEY && o->set.count &&
        memcmp(v->currency, o->set.items[0].currency, 4) != 0) {
        return MISTYPED;
    }
    return holds_if((o->set.count && value_set_has(&o->set, v)) == (o->kind == OP_IN));
}

/* "*.org" and its like are one comparison; whether it is so was seen when the rule was read. */
static bool matches(const op *o, const attr_value *v) {
    if (!o->suffix) {
        return text_matches(o->value.text, o->value.len, v->text, v->len, o->fold);
    }
    size_t n = o->value.len - 1;
    return v->len >= n && text_equal(o->value.text + 1, n, v->text + v->len - n, n, o->fold);
}

holding op_holds(const op *o, const attr_value *v) {
    switch (o->kind) {
    case OP_PRESENT:
        return holds_if(o->yes);
    case OP_EQ:
        return equal(o, v);
    case OP_IN:
    case OP_NOT_IN:
        return member(o, v);
    case OP_MATCHES:
        if (!readable_as(ATTR_TEXT, v)) {
            return MISTYPED;
        }
        return holds_if(matches(o, v));
    default:
        return compare(o, v);
    }
}

/* ---- all comparators on one attribute ---- */

/* deny: some member meets them all. What cannot be compared counts as met. */
static bool any_member(const check *c, const attr *a) {
    for (size_t i = 0; i < a->count; i++) {
        bool all = true;
        for (size_t k = 0; all && k < c->count; k++) {
            all = op_holds(&c->ops[k], &a->values[i]) != FAILS;
        }
        if (all) {
            return true;
        }
    }
    return false;
}

/* allow, ask: every member meets them all. In an ask, a comparator with one member that cannot be
 * compared holds. */
static bool every_member(const check *c, const attr *a, band_kind mode) {
    for (size_t k = 0; k < c->count; k++) {
        bool fails = false;
        bool odd = false;
        for (size_t i = 0; i < a->count; i++) {
            holding h = op_holds(&c->ops[k], &a->values[i]);
            fails = fails || h == FAILS;
            odd = odd || h == MISTYPED;
        }
        if (odd ? mode == BAND_ALLOW : fails) {
            return false;
        }
    }
    return true;
}

/* Nothing to compare with: never enough to allow, always enough to ask or deny. */
static bool missing_holds(const check *c, band_kind mode) {
    bool compares = false;
    for (size_t k = 0; k < c->count; k++) {
        if (c->ops[k].kind != OP_PRESENT) {
            compares = true;
        } else if (c->ops[k].yes) {
            return false;
        }
    }
    return !compares || mode != BAND_ALLOW;
}

bool check_holds(const check *c, const attr *a, band_kind mode) {
    if (!a || a->count == 0) {
        return missing_holds(c, mode);
    }
    if (a->count == 1 && c->count == 1) {
        holding h = op_holds(&c->ops[0], &a->values[0]);
        return h == HOLDS || (h == MISTYPED && mode != BAND_ALLOW);
    }
    return mode == BAND_DENY ? any_member(c, a) : every_member(c, a, mode);
}

/* ---- what the query has ---- */

void sight_init(sight *s, const policy *p, const policy_query *q) {
    s->p = p;
    s->q = q;
    s->looked = 0;
}

static const attr *builtin(sight *s, builtin_attr which) {
    attr_value *v = &s->values[which];
    *v = (attr_value){.type = ATTR_TEXT};
    switch (which) {
    case BUILTIN_TAINTED:
        v->type = ATTR_BOOL;
        v->number = s->q->tainted;
        break;
    case BUILTIN_ORIGIN:
        v->type = s->q->reply == REPLY_UNTOLD ? ATTR_BAD : ATTR_BOOL;
        v->number = s->q->reply == REPLY_YES;
        break;
    case BUILTIN_SENSITIVITY:
        v->text = sensitivity_name(s->q->level);
        v->number = s->q->level;
        break;
    case BUILTIN_SINK:
        v->text = s->q->sink_external ? "external" : "internal";
        break;
    default:
        v->text = effect_class_name(s->q->class);
        break;
    }
    v->len = v->text ? strlen(v->text) : 0;
    s->builtins[which] = (attr){NULL, v, which != BUILTIN_ORIGIN || s->q->reply != REPLY_NONE};
    return &s->builtins[which];
}

const attr *query_attr(const policy *p, const policy_query *q, uint16_t id) {
    const attr_name *n = &p->attrs[id];
    for (size_t i = 0; i < q->attr_count; i++) {
        const char *name = q->attrs[i].name;
        if (name[0] == n->name[0] && strcmp(name, n->name) == 0) {
            return &q->attrs[i];
        }
    }
    return NULL;
}

const tally_rule *check_tally(const policy *p, const check *c) {
    return c->attr < POLICY_ATTRS ? NULL : p->tallies[c->attr - POLICY_ATTRS];
}

static bool same_amount(const attr_value *a, const attr_value *b) {
    return a->type == ATTR_MONEY ? a->micros == b->micros : a->number == b->number;
}

/* Of several members the highest and the lowest tell what all of them do: comparators are orders. */
static const attr *look_up_tally(sight *s, uint16_t index) {
    tally_sight seen;
    tally_see(s->p, index, s->q, &seen);
    if (seen.odd != TALLY_TOLD) {
        return NULL;
    }
    s->sums[0] = seen.most;
    s->sums[1] = seen.least;
    s->sum = (attr){NULL, s->sums, same_amount(&seen.most, &seen.least) ? 1 : 2};
    return &s->sum;
}

static const attr *look_up(sight *s, uint16_t id) {
    if (id >= POLICY_ATTRS) {
        return look_up_tally(s, (uint16_t)(id - POLICY_ATTRS));
    }
    builtin_attr own = s->p->attrs[id].builtin;
    return own ? builtin(s, own) : query_attr(s->p, s->q, id);
}

const attr *sight_attr(sight *s, uint16_t id) {
    if (id >= 64) {
        return look_up(s, id);
    }
    uint64_t bit = UINT64_C(1) << id;
    if (!(s->looked & bit)) {
        s->looked |= bit;
        s->found[id] = look_up(s, id);
    }
    return s->found[id];
}

/* ---- rules ---- */

bool band_holds(const band *b, sight *s, band_kind mode) {
    for (size_t i = 0; i < b->count; i++) {
        if (!check_holds(&b->checks[i], sight_attr(s, b->checks[i].attr), mode)) {
            return false;
        }
    }
    return true;
}

band_kind rule_speaks(const policy_rule *r, sight *s) {
    for (band_kind k = r->first; k <= r->last; k++) {
        if (r->bands[k].present && band_holds(&r->when, s, k) && band_holds(&r->bands[k], s, k)) {
            return k;
        }
    }
    return BAND_COUNT;
}

static const rule_set *find_target(const policy *p, const char *target) {
    uint64_t hash = text_hash(target, strlen(target), false);
    for (uint32_t at = (uint32_t)hash & p->target_mask; p->targets[at].target;
         at = (at + 1) & p->target_mask) {
        if (p->targets[at].hash == hash && strcmp(p->targets[at].target, target) == 0) {
            return p->targets[at].set;
        }
    }
    return NULL;
}

static const candidates *find_agent(const rule_set *set, const char *agent) {
    if (!set->agents) {
        return &set->rest;
    }
    uint32_t at = (uint32_t)text_hash(agent, strlen(agent), false) & set->mask;
    for (; set->agents[at]; at = (at + 1) & set->mask) {
        if (strcmp(set->agents[at], agent) == 0) {
            return &set->by_agent[at];
        }
    }
    return &set->rest;
}

size_t policy_candidates(const policy *p, const char *agent, const char *target,
                         const policy_rule *const **out) {
    const rule_set *set = find_target(p, target);
    if (!set) {
        *out = (const policy_rule *const *)p->rules;
        return p->rule_count;
    }
    const candidates *c = find_agent(set, agent);
    *out = c->rules;
    return c->count;
}

const policy_rule *guard_speaks(const policy *p, sight *s) {
    const policy_rule *const *rules;
    size_t count = policy_candidates(p, s->q->agent, s->q->target, &rules);
    for (size_t i = 0; i < count; i++) {
        if (rules[i]->guard && rule_covers(rules[i], s->q->agent, s->q->target) &&
            rule_speaks(rules[i], s) == BAND_ASK) {
            return rules[i];
        }
    }
    return NULL;
}

static const char *const band_names[] = {"deny", "allow", "ask"};

static void speak(policy_decision *out, policy_verdict verdict, const policy_rule *r, band_kind k) {
    *out = (policy_decision){verdict, r, r->id, r->file, r->line, band_names[k]};
}

/* Weighs one more rule; true when nothing can change the decision any more. The strictest come first:
 * a guard that has spoken before another rule asks says how. */
static bool weigh(const policy_rule *r, sight *s, policy_decision *out, const policy_rule **guard) {
    if (out->rule && r->first == BAND_ALLOW && r->last == BAND_ALLOW) {
        return false;
    }
    band_kind k = rule_speaks(r, s);
    if (k == BAND_DENY) {
        speak(out, POLICY_DENY, r, k);
    } else if (k == BAND_ASK && r->guard) {
        *guard = *guard ? *guard : r;
    } else if (k == BAND_ASK && (!out->rule || out->verdict == POLICY_ALLOW)) {
        speak(out, POLICY_ASK, *guard ? *guard : r, k);
    } else if (k == BAND_ALLOW && !out->rule) {
        speak(out, POLICY_ALLOW, r, k);
    }
    return k == BAND_DENY;
}

/* Inlined as a whole: half of the time would go into calls. */
__attribute__((flatten)) void policy_decide(const policy *p, const policy_query *q,
                                            policy_decision *out) {
    const policy_rule *const *rules;
    size_t count = policy_candidates(p, q->agent, q->target, &rules);
    bool unknown_target = rules == (const policy_rule *const *)p->rules;
    const policy_rule *guard = NULL;
    sight s;
    sight_init(&s, p, q);
    *out = (policy_decision){POLICY_DENY, NULL, "none", "", 0, "default"};
    for (size_t i = 0; i < count; i++) {
        if (unknown_target && !rule_covers(rules[i], q->agent, q->target)) {
            continue;
        }
        if (weigh(rules[i], &s, out, &guard)) {
            return;
        }
    }
    if (!out->rule && p->base_reads && (q->class == CLASS_READ || q->own_scope)) {
        *out = (policy_decision){POLICY_ALLOW, NULL, "base.reads", "", 0, "allow"};
    } else if (!out->rule && q->ordered && p->base_undo &&
               !policy_names_undo(p, q->agent, q->target)) {
        *out = (policy_decision){POLICY_ALLOW, NULL, "base.undo", "", 0, "allow"};
    }
    if (guard && out->verdict == POLICY_ALLOW) {
        speak(out, POLICY_ASK, guard, BAND_ASK);
    }
}
