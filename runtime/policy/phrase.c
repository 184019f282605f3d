/* Decisions in words. */
#include <string.h>

#include "policyint.h"

static void phrase_set(const value_set *s, keel_buf *out) {
    if (s->list) {
        keel_buf_puts(out, s->list);
        return;
    }
    keel_buf_putc(out, '[');
    for (size_t i = 0; i < s->count && i < 3; i++) {
        keel_buf_puts(out, i ? ", " : "");
        value_print(&s->items[i], out);
    }
    keel_buf_puts(out, s->count > 3 ? ", ...]" : "]");
}

static const struct {
    const char *holds, *fails;
} words[] = {
    [OP_LT] = {"below ", "not below "},
    [OP_LTE] = {"at most ", "above "},
    [OP_GT] = {"above ", "not above "},
    [OP_GTE] = {"at least ", "below "},
    [OP_EQ] = {"", "not "},
    [OP_IN] = {"in ", "not in "},
    [OP_NOT_IN] = {"not in ", "in "},
    [OP_MATCHES] = {"matching ", "not matching "},
};

/* "below 100 EUR" */
static void phrase_op(const op *o, bool holds, keel_buf *out) {
    keel_buf_puts(out, holds ? words[o->kind].holds : words[o->kind].fails);
    if (o->kind == OP_IN || o->kind == OP_NOT_IN) {
        phrase_set(&o->set, out);
    } else {
        value_print(&o->value, out);
    }
}

void phrase_band(const policy *p, const band *b, keel_buf *out) {
    if (b->count == 0) {
        keel_buf_puts(out, "always");
    }
    for (size_t i = 0; i < b->count; i++) {
        const check *c = &b->checks[i];
        const tally_rule *sum = check_tally(p, c);
        keel_buf_printf(out, "%s%s", i ? " and " : "", sum ? sum->words : p->attrs[c->attr].name);
        if (sum && sum->each != EACH_NONE) {
            keel_buf_printf(out, " for each %s",
                            sum->each == EACH_AGENT ? "agent" : p->attrs[sum->each_attr].name);
        }
        for (size_t k = 0; k < c->count; k++) {
            const op *o = &c->ops[k];
            keel_buf_puts(out, k ? " and " : " ");
            if (o->kind == OP_PRESENT) {
                keel_buf_puts(out, o->yes ? "is there" : "is missing");
            } else {
                keel_buf_puts(out, o->kind == OP_EQ ? "is " : "");
                phrase_op(o, true, out);
            }
        }
    }
}

/* ---- one condition and what it met ---- */

static void phrase_mistyped(const op *o, keel_buf *out) {
    attr_type want = o->kind == OP_IN || o->kind == OP_NOT_IN ? o->set.type : o->value.type;
    if (want == ATTR_MONEY) {
        bool set = o->kind == OP_IN || o->kind == OP_NOT_IN;
        keel_buf_printf(out, ", which is no amount in %s",
                        set ? o->set.items[0].currency : o->value.currency);
    } else {
        keel_buf_puts(out, want == ATTR_NUMBER ? ", which is no number"
                           : want == ATTR_BOOL ? ", which is neither true nor false"
                                               : ", which is no text");
    }
}

static void phrase_op_on(const op *o, const attr_value *v, keel_buf *out) {
    holding h = op_holds(o, v);
    if (h == MISTYPED) {
        phrase_mistyped(o, out);
    } else if (o->kind != OP_PRESENT && !(o->kind == OP_EQ && h == HOLDS)) {
        keel_buf_puts(out, ", ");
        phrase_op(o, h == HOLDS, out);
    }
}

/* The value that decided: for a condition that failed the first that fails it, else the first that
 * meets all of it. */
static size_t telling_value(const check *c, const attr *a, bool held) {
    for (size_t i = 0; i < a->count; i++) {
        bool all = true;
        for (size_t k = 0; k < c->count; k++) {
            holding h = op_holds(&c->ops[k], &a->values[i]);
            all = all && h != FAILS;
            if (!held && h != HOLDS) {
                return i;
            }
        }
        if (held && all) {
            return i;
        }
    }
    return 0;
}

/* ---- one sum or count ---- */

static void phrase_untold(const policy *p, const tally_rule *t, const tally_sight *seen,
                          keel_buf *out) {
    const char *name = p->attrs[seen->odd_attr].name;
    keel_buf_puts(out, " cannot be told: ");
    switch (seen->odd) {
    case TALLY_MISSING:
        keel_buf_printf(out, "%s is missing", name);
        break;
    case TALLY_OTHER:
        keel_buf_printf(out, t->currency[0] ? "%s is no amount in %s" : "%s is no plain number",
                        name, t->currency);
        break;
    case TALLY_BAD:
        keel_buf_printf(out, "%s cannot be read", name);
        break;
    default:
        keel_buf_printf(out, "the %s of one of them cannot be read any more", name);
        break;
    }
}

/* "limit 500 EUR", whether it was kept or not. */
static void phrase_limit(const op *o, bool holds, keel_buf *out) {
    keel_buf_puts(out, ", ");
    if (o->kind == OP_LTE || o->kind == OP_GT) {
        keel_buf_puts(out, "limit ");
        value_print(&o->value, out);
    } else {
        phrase_op(o, holds, out);
    }
}

static const op *first_failing(const check *c, const attr_value *v) {
    for (size_t i = 0; i < c->count; i++) {
        if (op_holds(&c->ops[i], v) != HOLDS) {
            return &c->ops[i];
        }
    }
    return NULL;
}

static void phrase_amounts(const check *c, const tally_sight *seen, bool held, keel_buf *out) {
    const op *failing = held ? NULL : first_failing(c, &seen->most);
    bool lowest = !held && !failing; /* what fails is too little for one of the members */
    const attr_value *v = lowest ? &seen->least : &seen->most;
    if (!lowest) {
        keel_buf_puts(out, " is ");
        value_print(&seen->before, out);
        keel_buf_puts(out, ",");
    }
    keel_buf_puts(out, " with this one ");
    value_print(v, out);
    failing = lowest ? first_failing(c, v) : failing;
    for (size_t i = 0; !failing && i < c->count; i++) {
        phrase_limit(&c->ops[i], op_holds(&c->ops[i], v) == HOLDS, out);
    }
    if (failing) {
        phrase_limit(failing, false, out);
    }
}

/* sum of amount in 1d is 480 EUR, with this one 530 EUR, limit 500 EUR */
static void phrase_tally(const policy *p, const policy_query *q, const check *c, bool held,
                         keel_buf *out) {
    const tally_rule *t = check_tally(p, c);
    tally_sight seen;
    tally_see(p, (uint16_t)(c->attr - POLICY_ATTRS), q, &seen);
    keel_buf_puts(out, t->words);
    if (t->each == EACH_AGENT) {
        keel_buf_printf(out, " for %s", q->agent);
    } else if (seen.whose) {
        keel_buf_printf(out, " for %s ", p->attrs[t->each_attr].name);
        value_print(seen.whose, out);
    }
    if (seen.odd == TALLY_TOLD) {
        phrase_amounts(c, &seen, held, out);
    } else {
        phrase_untold(p, t, &seen, out);
    }
}

/* ---- one condition ---- */

/* to_domain is "example.org", not in own_domains */
static void phrase_attr(const policy *p, const check *c, const attr *a, bool held, keel_buf *out) {
    const char *name = p->attrs[c->attr].name;
    if (!a || a->count == 0) {
        keel_buf_printf(out, "%s is missing", name);
        return;
    }
    size_t i = telling_value(c, a, held);
    if (a->values[i].type == ATTR_BAD) {
        keel_buf_printf(out, "%s cannot be read", name);
        return;
    }
    keel_buf_printf(out, "%s %s ", name, a->count > 1 ? "has" : "is");
    value_print(&a->values[i], out);
    for (size_t k = 0; k < c->count; k++) {
        if (held || op_holds(&c->ops[k], &a->values[i]) != HOLDS) {
            phrase_op_on(&c->ops[k], &a->values[i], out);
            if (!held) {
                return;
            }
        }
    }
}

/* ---- reasons ---- */

#define REASONS 4

typedef struct reasons {
    sight *s;
    keel_buf *out;
    int count;
    const char *before_first;
} reasons;

static void add_reason(reasons *r, const check *c, bool held) {
    if (r->count < REASONS) {
        keel_buf_puts(r->out, r->count ? "; " : r->before_first);
        if (check_tally(r->s->p, c)) {
            phrase_tally(r->s->p, r->s->q, c, held, r->out);
        } else {
            phrase_attr(r->s->p, c, sight_attr(r->s, c->attr), held, r->out);
        }
    } else if (r->count == REASONS) {
        keel_buf_puts(r->out, "; ...");
    }
    r->count++;
}

static void add_holding(reasons *r, const band *b) {
    for (size_t i = 0; i < b->count; i++) {
        add_reason(r, &b->checks[i], true);
    }
}

static bool add_failing(reasons *r, const band *b, band_kind mode) {
    for (size_t i = 0; i < b->count; i++) {
        if (!check_holds(&b->checks[i], sight_attr(r->s, b->checks[i].attr), mode)) {
            add_reason(r, &b->checks[i], false);
            return true;
        }
    }
    return false;
}

static void why_rule(const policy_rule *r, band_kind k, sight *s, keel_buf *out) {
    static const char *const verbs[] = {"denies", "allows", "asks"};
    keel_buf_printf(out, "rule %s (%s:%d) %s", r->id, r->file, r->line, verbs[k]);
    reasons why = {s, out, 0, ": "};
    const band *allow = &r->bands[BAND_ALLOW];
    if (k == BAND_ASK && allow->present && !add_failing(&why, allow, BAND_ALLOW)) {
        add_failing(&why, &r->when, BAND_ALLOW);
    }
    add_holding(&why, &r->when);
    add_holding(&why, &r->bands[k]);
    if (why.count == 0) {
        keel_buf_puts(out, ": always");
    }
}

/* Why a rule that covers the effect said nothing: told of its mildest band. */
static void why_silent(const policy_rule *r, sight *s, keel_buf *out) {
    band_kind mildest = r->last;
    if (r->guard && rule_speaks(r, s) == BAND_ASK) {
        keel_buf_printf(out, "; rule %s (%s:%d) is a guard, and asks of what another lets", r->id,
                        r->file, r->line);
        return;
    }
    keel_buf_printf(out, "; rule %s (%s:%d) is silent", r->id, r->file, r->line);
    reasons why = {s, out, 0, ": "};
    if (!add_failing(&why, &r->when, mildest)) {
        add_failing(&why, &r->bands[mildest], mildest);
    }
}

static bool opens(const policy_rule *r) {
    return !r->guard && (r->bands[BAND_ALLOW].present || r->bands[BAND_ASK].present);
}

static void why_default(const policy *p, const policy_query *q, sight *s, keel_buf *out) {
    keel_buf_printf(out, "no rule speaks for %s on %s", q->agent, q->target);
    const policy_rule *const *rules;
    size_t count = policy_candidates(p, q->agent, q->target, &rules);
    int told = 0;
    for (int pass = 0; pass < 2; pass++) { /* what could have let it through comes first */
        for (size_t i = 0; i < count && told < 3; i++) {
            if (opens(rules[i]) == !pass && rule_covers(rules[i], q->agent, q->target)) {
                why_silent(rules[i], s, out);
                told++;
            }
        }
    }
    if (told == 0) {
        keel_buf_puts(out, ", and without a rule Keel denies");
    }
}

void phrase_why(const policy *p, const policy_query *q, const policy_decision *dec, keel_buf *out) {
    sight s;
    sight_init(&s, p, q);
    if (!dec->rule && strcmp(dec->rule_id, "base.undo") == 0) {
        keel_buf_printf(out, "the built-in rule base.undo allows %s: a person ordered the rollback",
                        q->target);
    } else if (!dec->rule && dec->verdict == POLICY_ALLOW) {
        keel_buf_printf(out, "the built-in rule base.reads allows %s: a read changes nothing",
                        q->target);
    } else if (!dec->rule) {
        why_default(p, q, &s, out);
    } else {
        band_kind k = dec->verdict == POLICY_DENY    ? BAND_DENY
                      : dec->verdict == POLICY_ALLOW ? BAND_ALLOW
                                                     : BAND_ASK;
        why_rule(dec->rule, k, &s, out);
    }
}
