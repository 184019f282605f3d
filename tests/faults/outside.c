#include "outside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t next_random(outside *o) {
    o->seed = o->seed * 6364136223846793005u + 1442695040888963407u;
    return o->seed >> 33;
}

outside_act outside_next(outside *o) {
    if (o->faults_left > 0 && next_random(o) % 2) {
        o->faults_left--;
        return (outside_act)(1 + next_random(o) % (o->network ? 7 : 4));
    }
    return ACT_APPLY;
}

static outside_entry *find(const outside *o, const char *key) {
    for (size_t i = 0; i < o->count; i++) {
        if (!strcmp(o->entries[i].key, key)) {
            return (outside_entry *)&o->entries[i];
        }
    }
    return NULL;
}

void outside_apply(outside *o, const char *target, const char *key, bool keyed) {
    outside_entry *e = find(o, key);
    if (!e) {
        if (o->count == sizeof o->entries / sizeof *o->entries) {
            abort();
        }
        e = &o->entries[o->count++];
        snprintf(e->key, sizeof e->key, "%s", key);
        snprintf(e->target, sizeof e->target, "%s", target);
    }
    if (!keyed || !e->applied) {
        e->applied++;
    }
}

int outside_applied(const outside *o, const char *key) {
    const outside_entry *e = find(o, key);
    return e ? e->applied : 0;
}

void outside_undo(outside *o, const char *target, const char *key, const char *of) {
    outside_entry *e = find(o, of);
    outside_apply(o, target, key, false);
    if (e) {
        e->undone++;
    }
}

int outside_undone(const outside *o, const char *key) {
    const outside_entry *e = find(o, key);
    return e ? e->undone : 0;
}
