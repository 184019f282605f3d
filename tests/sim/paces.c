/* What the rate of some policies lets go: never more writes than it says in any such time, as the journal
 * tells when each was sent last. One that a person has approved may be intended and given back. */
#include <string.h>

#include "model.h"
#include "sim.h"

static bool is_paced(const model_effect *e) {
    const char *verb = strrchr(e->target, '.');
    return verb && !strcmp(verb, ".write");
}

static bool counts(const model_effect *e) {
    switch (e->state) {
    case EFFECT_NONE:
    case EFFECT_DENIED:
    case EFFECT_NOT_DONE:
        return false; /* some of them were never sent */
    default:
        return e->went_at && !e->given_back && is_paced(e);
    }
}

void paces_record(model *m, const journal_row *row, model_effect *e) {
    const plan_policy *p = m->policy ? &m->s->plan.policies[m->policy - 1] : NULL;
    keel_json decision = keel_json_get(row->body, "decision");
    if (row->kind == RECORD_EFFECT_RETRY) {
        bool maybe = keel_json_true(keel_json_get(row->body, "maybe"));
        e->given_back = !maybe && keel_json_true(keel_json_get(row->body, "unsent"));
    }
    if (row->kind != RECORD_EFFECT_INTENDED) {
        return;
    }
    e->given_back = false;
    if (!p || !p->rate.limit || e->consented || keel_json_get(row->body, "approval").data ||
        !keel_json_is(keel_json_get(decision, "verdict"), "allow")) {
        return;
    }
    size_t wide = 0, narrow = 0;
    for (size_t i = 0; i < m->effect_count; i++) {
        const model_effect *o = &m->effects[i];
        if (o != e && counts(o)) {
            wide += o->went_at > row->at - p->rate.per_us;
            narrow += o->went_at > row->at - p->rate.burst_us;
        }
    }
    if (is_paced(e) && (wide >= p->rate.limit || narrow >= p->rate.burst)) {
        violate(m->s, "rate",
                "record %lld: %s goes, and %zu of %zu went before it, %zu of %zu at once",
                (long long)row->seq, e->target, wide, p->rate.limit, narrow, p->rate.burst);
    }
}
