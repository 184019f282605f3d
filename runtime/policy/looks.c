/* What the rules that cover an effect look at. */
#include <string.h>

#include "policyint.h"

static bool query_has(const policy_query *q, const char *name) {
    for (size_t i = 0; i < q->attr_count; i++) {
        if (strcmp(q->attrs[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_beyond(const policy *p, uint16_t index, const policy_query *q) {
    const attr_name *n = &p->attrs[index];
    return n->builtin == BUILTIN_NONE && !query_has(q, n->name);
}

/* How often, of all or of each agent, is no matter of what was said. */
static bool band_looks_beyond(const policy *p, const band *b, const policy_query *q) {
    for (size_t i = 0; i < b->count; i++) {
        const tally_rule *r = check_tally(p, &b->checks[i]);
        bool beyond = r ? (r->sum && is_beyond(p, r->of, q)) ||
                              (r->each == EACH_ATTR && is_beyond(p, r->each_attr, q))
                        : is_beyond(p, b->checks[i].attr, q);
        if (beyond) {
            return true;
        }
    }
    return false;
}

static bool band_looks_back(const policy *p, const band *b, const policy_query *q) {
    (void)q;
    for (size_t i = 0; i < b->count; i++) {
        if (check_tally(p, &b->checks[i])) {
            return true;
        }
    }
    return false;
}

typedef bool band_look(const policy *p, const band *b, const policy_query *q);

static bool some_rule_looks(const policy *p, const policy_query *q, band_look *looks) {
    const policy_rule *const *rules;
    size_t count = policy_candidates(p, q->agent, q->target, &rules);
    for (size_t i = 0; i < count; i++) {
        bool found = looks(p, &rules[i]->when, q);
        for (band_kind k = BAND_DENY; k < BAND_COUNT; k++) {
            found = found || looks(p, &rules[i]->bands[k], q);
        }
        if (found && rule_covers(rules[i], q->agent, q->target)) {
            return true;
        }
    }
    return false;
}

bool policy_looks_beyond(const policy *p, const policy_query *q) {
    return some_rule_looks(p, q, band_looks_beyond);
}

bool policy_looks_back(const policy *p, const policy_query *q) {
    return p->tally_count > 0 && some_rule_looks(p, q, band_looks_back);
}
