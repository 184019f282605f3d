/* The outside's own log, and what happens in it of itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

wild_entry *wild_find(const wild *o, const char *key) {
    for (size_t i = 0; i < o->count; i++) {
        if (!strcmp(o->entries[i].key, key)) {
            return &o->entries[i];
        }
    }
    return NULL;
}

size_t wild_entry_of(wild *o, const char *key, const char *target) {
    wild_entry *e = wild_find(o, key);
    if (!e) {
        o->entries = keel_realloc(o->entries, (o->count + 1) * sizeof *o->entries);
        e = &o->entries[o->count++];
        *e = (wild_entry){.applied = 0};
        snprintf(e->key, sizeof e->key, "%s", key);
        snprintf(e->target, sizeof e->target, "%s", target);
    }
    return (size_t)(e - o->entries);
}

int wild_applied(const wild *o, const char *key) {
    const wild_entry *e = wild_find(o, key);
    return e ? e->applied : 0;
}

int64_t wild_refused(const wild *o, const char *key) {
    const wild_entry *e = wild_find(o, key);
    return e ? e->refused_us : 0;
}

bool wild_coming(const wild *o, const char *key) {
    const wild_entry *e = wild_find(o, key);
    return e && e->coming > 0;
}

/* What a key takes back is gone, once for each application: it does not ask whether it still is there. */
static void take_back(simulation *s, const wild_entry *e) {
    wild_entry *of = &s->wild.entries[e->takes_back - 1];
    of->taken_back++;
    of->taken_back_at = ++s->wild.applications;
    tell(s, "outside: %s %.8s is taken back (%d)", of->target, of->key, of->taken_back);
    if (of->taken_back > 1 && plan_target(&s->plan, e->target)->class != CLASS_REPEATABLE) {
        violate(s, "I2", "%s under key %.8s was taken back %d times, now under key %.8s",
                of->target, of->key, of->taken_back, e->key);
    }
}

/* A key that it still remembers is not applied again; one that it forgot is. */
void wild_apply(simulation *s, size_t i, int64_t now) {
    wild_entry *e = &s->wild.entries[i];
    const plan_verb *v = plan_target(&s->plan, e->target);
    bool known = v->class == CLASS_KEYED && e->applied && now - e->first_us < v->window_us;
    if (known) {
        tell(s, "outside: %s %.8s is a repeat", e->target, e->key);
        return;
    }
    e->first_us = now;
    e->applied++;
    tell(s, "outside: %s %.8s is applied (%d)", e->target, e->key, e->applied);
    if (e->takes_back) {
        take_back(s, e);
    }
}

void wild_result(const wild_entry *e, char out[100]) {
    snprintf(out, 100, "{\"result\":{\"id\":\"%s\"}}", e->key);
}

/* ---- what happens of itself ---- */

void wild_pend(simulation *s, wild_pending p) {
    if (s->wild.pending_count < WILD_PENDING) {
        s->wild.pending[s->wild.pending_count++] = p;
        if (p.applies) {
            s->wild.entries[p.entry].coming++;
        }
    } else if (p.applies) {
        wild_apply(s, p.entry, s->w.clock);
    }
}

static void forget(wild *o, size_t i) {
    if (o->pending[i].applies) {
        o->entries[o->pending[i].entry].coming--;
    }
    o->pending[i] = o->pending[--o->pending_count];
}

int64_t wild_next(sim_world *w) {
    const simulation *s = w->owner;
    const wild *o = &s->wild;
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < o->pending_count; i++) {
        next = o->pending[i].due_us < next ? o->pending[i].due_us : next;
    }
    return next;
}

void wild_due(sim_world *w) {
    simulation *s = w->owner;
    for (size_t i = 0; i < s->wild.pending_count;) {
        wild_pending p = s->wild.pending[i];
        if (p.due_us > w->clock) {
            i++;
            continue;
        }
        forget(&s->wild, i);
        if (p.applies) {
            wild_apply(s, p.entry, p.due_us); /* it was not suspended with us */
        }
        if (p.executor) {
            char result[100] = "{\"result\":{\"id\":1}}";
            if (p.write) {
                wild_result(&s->wild.entries[p.entry], result);
            }
            sim_reply(w, p.executor, p.ref, true, result);
        }
    }
}

void wild_forget_executors(simulation *s) {
    for (size_t i = s->wild.pending_count; i-- > 0;) {
        if (s->wild.pending[i].executor) {
            forget(&s->wild, i);
        }
    }
}

void wild_free(wild *o) {
    free(o->entries);
}
