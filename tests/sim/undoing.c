/* What is taken back: once, only what is known to be applied, with what was recorded of it, and newest
 * first; against the journal's records and against the outside's own log. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* What the effect at "3~1" takes back; NULL: it takes back nothing. */
static model_effect *taken_back_by(const model *m, uint64_t run, const char *path) {
    char of[24];
    snprintf(of, sizeof of, "%.*s", (int)strcspn(path, "~"), path);
    return strchr(path, '~') ? model_effect_at(m, run, of) : NULL;
}

static const wild_entry *outside_of(const model *m, const model_effect *e) {
    return e->key[0] ? wild_find(&m->s->wild, e->key) : NULL;
}

static int times(const model *m, const model_effect *e) {
    const wild_entry *w = outside_of(m, e);
    return w ? w->taken_back : 0;
}

/* What this journal says that takes it back was applied; another life may have done it, too. */
static bool is_back(const model *m, const model_effect *e) {
    bool any = false;
    for (size_t i = 0; i < m->effect_count; i++) {
        const model_effect *by = &m->effects[i];
        any |= by->run == e->run && strchr(by->path, '~') &&
               taken_back_by(m, by->run, by->path) == e && wild_applied(&m->s->wild, by->key);
    }
    return any;
}

/* It went through a connection that has changed since: then it is left standing. */
static bool moved(const model *m, const model_effect *e) {
    for (size_t i = 0; i < m->s->plan.count; i++) {
        const char *name = m->s->plan.connections[i].name;
        size_t len = strlen(name);
        if (!strncmp(e->target, name, len) && e->target[len] == '.') {
            return m->connected[i] > e->sent_seq;
        }
    }
    return false;
}

static void say(const model *m, const char *invariant, const model_effect *e, const char *what) {
    violate(m->s, invariant, "%s at %s of run %llu %s", e->target, e->path,
            (unsigned long long)e->run, what);
}

/* ---- a rollback ---- */

static model_effect *step_at(model *m, keel_json step) {
    int64_t run = 0;
    char path[24] = "";
    keel_json_int(keel_json_get(step, "run"), &run);
    keel_json_copy(keel_json_get(step, "path"), path, sizeof path);
    return model_effect_at(m, (uint64_t)run, path);
}

static void begun(model *m, const journal_row *row) {
    int64_t newer = INT64_MAX;
    size_t rank = 0;
    for (keel_json_iter it = keel_json_each(keel_json_get(row->body, "steps"));
         keel_json_next(&it);) {
        model_effect *e = step_at(m, it.value);
        if (!e) {
            violate(m->s, "I4", "the rollback of run %llu takes back what is not there",
                    (unsigned long long)row->run);
            return;
        }
        if (e->done_seq >= newer) {
            say(m, "order", e, "is to be taken back after what is older");
        }
        newer = e->done_seq;
        e->rollback = row->seq;
        e->rank = rank++;
        e->passed = false;
    }
}

/* A person sees to what failed to be taken back: the rollback goes on without it. */
static void closed(model *m, const journal_row *row) {
    int64_t number = 0;
    keel_json_int(keel_json_get(row->body, "number"), &number);
    for (size_t i = 0; i < m->effect_count && number; i++) {
        model_effect *e = &m->effects[i];
        e->passed |= e->stuck == (uint64_t)number &&
                     keel_json_is(keel_json_get(row->body, "how"), "resolve");
    }
}

/* The rollback stops at what it has just failed at. */
static void stuck(model *m, const journal_row *row) {
    int64_t number = 0;
    keel_json_int(keel_json_get(row->body, "number"), &number);
    for (size_t i = 0; i < m->effect_count; i++) {
        if (m->effects[i].state == EFFECT_COMPENSATION_FAILED &&
            m->effects[i].seq == row->seq - 1) {
            m->effects[i].stuck = (uint64_t)number;
        }
    }
}

static void connected(model *m, const journal_row *row) {
    for (size_t i = 0; i < m->s->plan.count; i++) {
        if (keel_json_is(keel_json_get(row->body, "name"), m->s->plan.connections[i].name)) {
            m->connected[i] = row->seq;
        }
    }
}

void undoing_record(model *m, const journal_row *row) {
    switch (row->kind) {
    case RECORD_CONNECTION:
        connected(m, row);
        break;
    case RECORD_ROLLBACK_BEGUN:
        begun(m, row);
        break;
    case RECORD_STUCK:
        stuck(m, row);
        break;
    case RECORD_STUCK_CLOSED:
        closed(m, row);
        break;
    default:
        break;
    }
}

/* ---- a step ---- */

static bool lets_older_go(const model *m, const model_effect *e) {
    switch (e->state) {
    case EFFECT_DONE:
        return !e->way_back || moved(m, e);
    case EFFECT_COMPENSATION_FAILED:
        return e->passed || moved(m, e);
    default:
        return effect_is_over(e->state);
    }
}

/* Newest first, and what is open holds up all that is older. */
static void begins(const model *m, const model_effect *e) {
    for (size_t i = 0; i < m->effect_count; i++) {
        const model_effect *newer = &m->effects[i];
        if (newer->rollback == e->rollback && newer->rank < e->rank && !lets_older_go(m, newer)) {
            char what[160];
            snprintf(what, sizeof what, "is taken back while the newer %s of run %llu is %s",
                     newer->path, (unsigned long long)newer->run, effect_state_name(newer->state));
            say(m, "order", e, what);
        }
    }
    if (!e->way_back) {
        say(m, "I4", e, "is taken back, and that was never promised");
    }
    if (!e->rollback) {
        say(m, "I4", e, "is taken back, and nobody ordered it");
    }
}

/* The effect that takes back is about to be sent. */
static void goes(const model *m, const model_effect *e) {
    const model_effect *of = taken_back_by(m, e->run, e->path);
    if (!of) {
        say(m, "I4", e, "takes back what is not there");
    } else if (of->state != EFFECT_COMPENSATING && of->state != EFFECT_COMPENSATION_UNKNOWN) {
        char what[100];
        snprintf(what, sizeof what, "is sent to take back what is %s",
                 effect_state_name(of->state));
        say(m, "I4", e, what);
    }
}

void undoing_moved(model *m, const journal_row *row, model_effect *e, effect_state from) {
    bool past = from == EFFECT_DONE || e->state == EFFECT_COMPENSATED ||
                e->state == EFFECT_COMPENSATION_FAILED || e->state == EFFECT_COMPENSATING ||
                e->state == EFFECT_COMPENSATION_UNKNOWN;
    e->done_seq = past ? e->done_seq : row->seq;
    if (row->kind == RECORD_EFFECT_INTENDED) {
        e->sent_seq = row->seq;
        e->way_back |= keel_json_is(keel_json_get(row->body, "undo"), "compensate");
        if (strchr(e->path, '~')) {
            goes(m, e);
        }
    } else if (row->kind == RECORD_EFFECT_COMPENSATING) {
        begins(m, e);
    } else if (row->kind == RECORD_EFFECT_COMPENSATED && times(m, e) < 1) {
        say(m, "I1", e, "is said to be taken back, and was not");
    } else if (row->kind == RECORD_COMPENSATION_FAILED && !m->known && is_back(m, e)) {
        say(m, "I3", e, "is said not to be taken back, and was");
    }
}

const char *undoing_sent(model *m, const char *key, keel_json outcome) {
    const model_effect *by = model_effect_out(m, key);
    const model_effect *e = by ? taken_back_by(m, by->run, by->path) : NULL;
    digest told = digest_of(outcome.data ? outcome.data : "", outcome.len);
    if (e && !digest_equal(&told, &e->outcome)) {
        say(m, "I4", e, "is taken back with another outcome than was recorded of it");
    }
    return e ? e->key : NULL;
}

/* ---- at rest ---- */

static bool may_repeat(const model *m, const model_effect *e) {
    char target[64];
    snprintf(target, sizeof target, "%.*scompensate",
             (int)(strrchr(e->target, '.') + 1 - e->target), e->target);
    const plan_verb *v = plan_target(&m->s->plan, target);
    return v && v->class == CLASS_REPEATABLE;
}

/* In the outside's own order: what was written later went first, where nothing was tried again. What a
 * lost life took back came before all else. */
static void in_order(const model *m, const model_effect *older) {
    for (size_t i = 0; i < m->effect_count; i++) {
        const model_effect *e = &m->effects[i];
        if (e->run == older->run && e->rollback == older->rollback && times(m, e) &&
            !strchr(e->path, '~') && atoi(e->path) > atoi(older->path) && !may_repeat(m, older) &&
            !may_repeat(m, e) && outside_of(m, older)->taken_back_at > m->s->wild.lost &&
            outside_of(m, e)->taken_back_at > outside_of(m, older)->taken_back_at) {
            say(m, "order", older, "was taken back before what came after it");
        }
    }
}

void undoing_at_rest(const model *m) {
    for (size_t i = 0; i < m->effect_count; i++) {
        const model_effect *e = &m->effects[i];
        int n = strchr(e->path, '~') ? 0 : times(m, e);
        if (n > 1 && !may_repeat(m, e)) {
            say(m, "I2", e, "was taken back more than once");
        } else if (n > 0 && e->state != EFFECT_COMPENSATED && is_back(m, e)) {
            say(m, "I3", e, "was taken back, and the journal says nothing of it");
        } else if (e->state == EFFECT_COMPENSATED && n < 1) {
            say(m, "I1", e, "is said to be taken back, and was not");
        }
        if (n > 0) {
            in_order(m, e);
        }
    }
}
