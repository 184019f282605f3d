/* Rollbacks: what a run did is taken back, newest first and one at a time. A step begins when the one
 * before is proved undone, or has nothing to undo; one whose outcome is open holds up all that are
 * older. Every step is an effect of its own (undo.c); the effect that it undoes follows it by
 * records in the same turn, so after any crash the tables say where it stood. */
#include "rollback.h"

#include <stdlib.h>
#include <string.h>

#include "planted.h"
#include "short.h"

/* ---- finding ---- */

static undo_step *find(rollback *rb, uint64_t run_id, const char *path, size_t len) {
    if (!undo_plan_covers(&rb->plan, run_id)) {
        return NULL;
    }
    for (size_t i = 0; i < rb->plan.count; i++) {
        undo_step *s = &rb->plan.steps[i];
        if (s->run == run_id && !strncmp(s->path, path, len) && !s->path[len]) {
            return s;
        }
    }
    return NULL;
}

undo_step *rollback_find(kernel *k, uint64_t run_id, const char *path, rollback **of) {
    size_t undone = undo_path_of(path);
    for (rollback *rb = k->rollbacks; rb; rb = rb->next) {
        undo_step *s = find(rb, run_id, path, undone ? undone : strlen(path));
        if (s) {
            *of = rb;
            return s;
        }
    }
    return NULL;
}

static rollback *of_run(kernel *k, uint64_t run_id) {
    rollback *rb = k->rollbacks;
    while (rb && rb->plan.run != run_id) {
        rb = rb->next;
    }
    return rb;
}

/* ---- open and end ---- */

/* A tree that has ended is forgotten, and what it has spent with it. */
static void hold_tree(kernel *k, uint64_t root) {
    char scope[32];
    const char *params[] = {scope};
    tree *t = map_get(&k->trees, root);
    if (!t) {
        t = tree_get(k, root);
        snprintf(scope, sizeof scope, "run:%llu", (unsigned long long)root);
        reader_query(k->env.reads, BUDGET_ROWS " WHERE scope = ?", params, 1, account_restore, k,
                     NULL);
    }
    t->undoing++;
}

static void each_tree(kernel *k, const rollback *rb, void act(kernel *k, uint64_t root)) {
    uint64_t last = 0;
    for (size_t i = 0; i < rb->plan.run_count; i++) {
        if (rb->plan.roots[i] != last) { /* held once for each change is as good as once */
            last = rb->plan.roots[i];
            act(k, last);
        }
    }
}

rollback *rollback_open(kernel *k, undo_plan *plan, int64_t begun_seq) {
    rollback *rb = keel_alloc(sizeof *rb);
    *rb = (rollback){.next = k->rollbacks, .plan = *plan, .begun_seq = begun_seq};
    *plan = (undo_plan){0};
    k->rollbacks = rb;
    each_tree(k, rb, hold_tree);
    return rb;
}

static void release_tree(kernel *k, uint64_t root) {
    tree *t = map_get(&k->trees, root);
    t->undoing--;
    tree_release(k, t);
}

static void count_steps(const rollback *rb, int64_t *compensated, int64_t *left) {
    *compensated = *left = 0;
    for (size_t i = 0; i < rb->plan.count; i++) {
        effect_state s = rb->plan.steps[i].state;
        *compensated += s == EFFECT_COMPENSATED;
        *left += s == EFFECT_DONE || s == EFFECT_COMPENSATION_FAILED;
    }
}

void rollback_end(kernel *k, rollback *rb, const char *state) {
    int64_t compensated, left;
    run r = {.id = rb->plan.run, .root = rb->plan.roots[0]};
    rollback **at = &k->rollbacks;
    keel_json_writer w;
    count_steps(rb, &compensated, &left);
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_int(&w, "compensated", compensated);
    keel_json_set_int(&w, "left", left);
    keel_json_set_text(&w, "state", state);
    keel_json_object_end(&w);
    journal_run(k, RECORD_ROLLBACK_ENDED, &r, "", &k->scratch);
    kernel_log(k, "info", r.id, "rollback %s: %lld taken back, %lld left standing", state,
               (long long)compensated, (long long)left);
    while (*at != rb) {
        at = &(*at)->next;
    }
    *at = rb->next;
    each_tree(k, rb, release_tree);
    undo_plan_free(&rb->plan);
    free(rb);
}

void rollbacks_free(kernel *k) {
    while (k->rollbacks) {
        rollback *rb = k->rollbacks;
        k->rollbacks = rb->next;
        undo_plan_free(&rb->plan);
        free(rb);
    }
}

/* ---- going on ---- */

/* true: it is over, and the next one may begin. */
static bool step_is_over(const undo_step *s) {
    switch (s->state) {
    case EFFECT_COMPENSATING:
    case EFFECT_COMPENSATION_UNKNOWN:
        return KEEL_PLANTED("undo_does_not_wait");
    case EFFECT_DONE:
        return !s->way_back; /* nothing was promised: it is left standing */
    case EFFECT_COMPENSATION_FAILED:
        return s->passed;
    default:
        return effect_is_over(s->state);
    }
}

static bool is_rechecked(const run *r, const char *path) {
    for (const call *c = r ? r->calls : NULL; c; c = c->next) {
        if (c->recheck && !strcmp(c->path, path)) {
            return true;
        }
    }
    return false;
}

/* After a restore it is looked for once more: that look ends before it is taken back. */
static bool is_looked_for(kernel *k, const undo_step *s) {
    return is_rechecked(run_find_over(k, s->run), s->path) ||
           is_rechecked(map_get(&k->runs, s->run), s->path);
}

static void go_on(kernel *k, rollback *rb) {
    while (rb->at < rb->plan.count && step_is_over(&rb->plan.steps[rb->at])) {
        rb->at++;
    }
    if (rb->at == rb->plan.count) {
        rollback_end(k, rb, "ended");
        return;
    }
    undo_step *s = &rb->plan.steps[rb->at];
    bool to_do = s->state == EFFECT_DONE || (s->state == EFFECT_COMPENSATION_FAILED && !s->failed);
    to_do |= KEEL_PLANTED("undo_unknown") && s->state == EFFECT_UNKNOWN && !s->tries;
    if (to_do && s->last_seq <= k->durable_seq && !is_looked_for(k, s)) {
        undo_begin(k, rb, s);
    }
}

void rollbacks_go_on(kernel *k) {
    rollback *next;
    for (rollback *rb = k->halted || k->stopping ? NULL : k->rollbacks; rb; rb = next) {
        next = rb->next;
        if (!rb->stuck && rb->begun_seq <= k->durable_seq) {
            go_on(k, rb);
        }
    }
}

/* ---- what effects tell it ---- */

void rollback_failed(kernel *k, rollback *rb, undo_step *s, run *r, const char *undo,
                     const char *why) {
    char reason[400], next[96];
    run at = {.id = rb->plan.run, .root = rb->plan.roots[0]};
    unsigned long long id = rb->plan.run;
    undo_body(s, undo, why, &k->scratch);
    s->last_seq = journal_past(k, RECORD_COMPENSATION_FAILED, r, s->path, &s->state, &k->scratch);
    s->failed = true;
    rb->at = (size_t)(s - rb->plan.steps); /* after a restart under a halt it has not come to it */
    snprintf(reason, sizeof reason, "%s at %llu:%s was not taken back: %.250s", s->target,
             (unsigned long long)s->run, s->path, why);
    snprintf(next, sizeof next, "see to it, then go on with: keel rollback %llu", id);
    rb->stuck =
        stuck_open(k, &at, s->run == id ? s->path : "", "rollback", "operator", reason, next);
}

static void settle(kernel *k, rollback *rb, undo_step *s, call *c, keel_json body) {
    char why[300] = "";
    bool refused = c->state == EFFECT_NOT_DONE && KEEL_PLANTED("undo_refused_counts");
    bool lost = c->state == EFFECT_UNKNOWN && KEEL_PLANTED("undo_lost_is_failed");
    if (c->state == EFFECT_DONE || refused) {
        undo_body(s, c->path, NULL, &k->scratch);
        s->last_seq =
            journal_past(k, RECORD_EFFECT_COMPENSATED, c->run, s->path, &s->state, &k->scratch);
    } else if (effect_is_over(c->state) || (lost && s->state == EFFECT_COMPENSATING)) {
        keel_json_copy(keel_json_path(body, "error.why"), why, sizeof why);
        rollback_failed(k, rb, s, c->run, c->path, why[0] ? why : effect_state_name(c->state));
    } else if (c->state == EFFECT_UNKNOWN && c->number && s->state == EFFECT_COMPENSATING) {
        keel_json_copy(keel_json_get(body, "why"), why, sizeof why);
        undo_body(s, c->path, why, &k->scratch);
        s->last_seq =
            journal_past(k, RECORD_COMPENSATION_UNKNOWN, c->run, s->path, &s->state, &k->scratch);
    }
}

void rollback_heard(kernel *k, call *c, keel_json body, int64_t seq) {
    rollback *rb;
    undo_step *s = c->recheck ? NULL : rollback_find(k, c->run->id, c->path, &rb);
    if (s && c->undoes && s->state == EFFECT_UNKNOWN && KEEL_PLANTED("undo_unknown")) {
        return;
    }
    if (s && c->undoes) {
        settle(k, rb, s, c, body);
    } else if (s) {
        s->state = c->state;
        s->last_seq = s->done_seq = seq;
        s->sent_seq = c->state == EFFECT_INTENDED ? seq : s->sent_seq;
    }
}

bool rollback_adopt(kernel *k, call *c) {
    rollback *rb;
    const undo_step *s = rollback_find(k, c->run->id, c->path, &rb);
    c->undoes = s ? s->done_seq : -1;
    return s != NULL;
}

void rollback_closed(kernel *k, uint64_t run_id, const char *how) {
    rollback *rb = of_run(k, run_id);
    if (rb && rb->stuck && !strcmp(how, "drop")) {
        rollback_end(k, rb, "dropped");
    } else if (rb && rb->stuck && !strcmp(how, "resolve")) {
        rb->plan.steps[rb->at].passed = true;
        rb->stuck = 0;
    }
}
