/* Rules in shadow: what they would have said beside a decision, which they never change. */
#include "policyint.h"

static const char *const bands[] = {"deny", "allow", "ask"};
static const policy_verdict verdicts[] = {POLICY_DENY, POLICY_ALLOW, POLICY_ASK};

/* What no rule said, a rule of this policy would have taken away: a built-in one is replaced. */
static bool loses_built_in(const policy *p, const policy_query *q, const policy_decision *live) {
    if (live->rule || live->verdict != POLICY_ALLOW) {
        return false;
    }
    bool reads = live->rule_id[5] == 'r'; /* base.reads, base.undo */
    return reads ? p->shadow_reads : p->shadow_undo || shadow_names_undo(p, q->agent, q->target);
}

static policy_decision said(const policy_rule *r, band_kind k) {
    return (policy_decision){verdicts[k], r, r->id, r->file, r->line, bands[k]};
}

/* What would be let would be asked by a guard, in shadow or in force. */
static void guarded(const policy *p, sight *s, const policy_rule *shadow, policy_shadows *out) {
    const policy_rule *live = out->would.verdict == POLICY_ALLOW ? guard_speaks(p, s) : NULL;
    if (live) {
        out->would = said(live, BAND_ASK);
    }
    if (shadow && out->would.verdict == POLICY_ALLOW) {
        out->would = said(shadow, BAND_ASK);
        if (out->count < POLICY_SHADOWS) {
            out->says[out->count++] = out->would;
        }
    }
}

void policy_shadow(const policy *p, const policy_query *q, const policy_decision *live,
                   policy_shadows *out) {
    sight s;
    const policy_rule *guard = NULL;
    bool spoken = live->rule != NULL; /* by a rule that is written */
    sight_init(&s, p, q);
    out->count = 0;
    out->would = *live;
    for (size_t i = 0; i < p->shadow_count; i++) {
        const policy_rule *r = p->shadows[i];
        band_kind k = rule_covers(r, q->agent, q->target) ? rule_speaks(r, &s) : BAND_COUNT;
        if (k == BAND_COUNT) {
            continue;
        }
        if (k == BAND_ASK && r->guard) {
            guard = guard ? guard : r;
            continue;
        }
        policy_decision d = said(r, k);
        if (out->count < POLICY_SHADOWS) {
            out->says[out->count++] = d;
        }
        if (!spoken || d.verdict < out->would.verdict) { /* deny, ask, allow */
            out->would = d;
            spoken = true;
        }
    }
    if (!spoken && loses_built_in(p, q, live)) {
        out->would = (policy_decision){POLICY_DENY, NULL, "none", "", 0, "default"};
    }
    guarded(p, &s, guard, out);
    out->told = out->count || out->would.verdict != live->verdict;
}
