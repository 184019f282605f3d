/* What the rule `counted` of each third policy has seen when an effect was decided: as many others as the
 * journal says were sent until then. */
#include <string.h>

#include "model.h"
#include "sim.h"

#define WINDOW (366 * 86400 * SECOND)
#define SLICE  (WINDOW / 64 + 1)

static bool was_sent(const model_effect *e) {
    switch (e->state) {
    case EFFECT_INTENDED:
    case EFFECT_UNKNOWN:
    case EFFECT_RECONCILING:
    case EFFECT_COMPENSATING:
    case EFFECT_COMPENSATED:
    case EFFECT_COMPENSATION_UNKNOWN:
    case EFFECT_COMPENSATION_FAILED:
        return true;
    case EFFECT_DONE:
        return !e->existing;
    default:
        return e->state == EFFECT_RETRY && e->maybe;
    }
}

const char *model_agent(const model *m, uint64_t run) {
    for (size_t i = 0; i < m->run_count; i++) {
        if (m->runs[i].id == run) {
            return m->runs[i].agent;
        }
    }
    return "";
}

static void compare(model *m, const journal_row *row, const model_effect *e, const char *label,
                    bool by_agent) {
    keel_json inputs = keel_json_get(keel_json_get(row->body, "decision"), "inputs");
    int64_t seen, least = 1, most = 1; /* itself */
    if (!keel_json_int(keel_json_get(inputs, label), &seen)) {
        return;
    }
    for (size_t i = 0; i < m->effect_count; i++) {
        const model_effect *o = &m->effects[i];
        if (o != e && was_sent(o) &&
            (!by_agent || !strcmp(model_agent(m, o->run), model_agent(m, e->run)))) {
            least += o->went_at > row->at - WINDOW;
            most += o->went_at >= row->at - WINDOW - SLICE;
        }
    }
    if (seen < least || seen > most) {
        violate(m->s, "sum", "record %lld, %s at %s of run %llu: %s is %lld, and %lld to %lld went",
                (long long)row->seq, e->target, e->path, (unsigned long long)e->run, label,
                (long long)seen, (long long)least, (long long)most);
    }
}

void counts_record(model *m, const journal_row *row, model_effect *e) {
    compare(m, row, e, "count(366d)", false);
    compare(m, row, e, "count(366d,agent)", true);
    if (row->kind == RECORD_EFFECT_INTENDED || row->kind == RECORD_SPAWN) {
        e->went_at = row->at;
        e->existing = keel_json_true(keel_json_get(row->body, "existing"));
    }
}
