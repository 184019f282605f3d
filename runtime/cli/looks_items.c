/* Items in their groups: what is open, what came, what has gone. */
#include <stdlib.h>
#include <string.h>

#include "looks_int.h"

static bool same(const char *a, const char *b) {
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static char *copy(const char *text) {
    return keel_strdup(text ? text : "");
}

static void entry_free(entry *e) {
    free((char *)e->is.version);
    free((char *)e->is.kind);
    free((char *)e->is.agent);
    free((char *)e->is.target);
    free((char *)e->is.rule);
    free((char *)e->is.batch);
}

static void group_free(group *g) {
    for (size_t i = 0; i < g->count; i++) {
        entry_free(&g->list[i]);
    }
    lines_free(&g->lines);
    free(g->list);
    free(g);
}

void looks_items_free(looks *l) {
    for (size_t i = 0; i < l->group_count; i++) {
        group_free(l->groups[i]);
    }
    free(l->groups);
}

/* ---- what there is ---- */

bool entry_is(const entry *e, const char *kind) {
    return strcmp(e->is.kind, kind) == 0;
}

bool group_is_approval(const group *g) {
    return g->count > 0 && entry_is(&g->list[0], "approval");
}

bool entry_approvable(const entry *e) {
    return e->seen && !e->gone && !e->unreadable && strcmp(e->is.kind, "approval") == 0;
}

size_t group_open(const group *g) {
    size_t n = 0;
    for (size_t i = 0; i < g->count; i++) {
        n += !g->list[i].gone;
    }
    return n;
}

size_t group_ready(const group *g) {
    size_t n = 0;
    for (size_t i = 0; i < g->count; i++) {
        n += entry_approvable(&g->list[i]) && !g->list[i].left_out;
    }
    return n;
}

group *looks_group(const looks *l) {
    return l->at < l->group_count ? l->groups[l->at] : NULL;
}

entry *looks_entry(const looks *l) {
    group *g = looks_group(l);
    return g && g->cursor < g->count ? &g->list[g->cursor] : NULL;
}

entry *looks_find(const looks *l, int64_t number) {
    entry *found = NULL;
    for (size_t i = 0; i < l->group_count; i++) {
        for (size_t k = 0; k < l->groups[i]->count; k++) {
            entry *e = &l->groups[i]->list[k];
            if (e->is.number == number && (!found || found->gone)) {
                found = e; /* one that has gone may have come again, changed */
            }
        }
    }
    return found;
}

size_t looks_entries(const looks *l) {
    return l->group_count + (l->log.len > 0);
}

bool looks_has(const looks *l, int64_t number, const char *version) {
    const entry *e = looks_find(l, number);
    return e && !e->gone && same(e->is.version, version);
}

size_t looks_left(const looks *l) {
    size_t n = 0;
    for (size_t i = 0; i < l->group_count; i++) {
        n += group_open(l->groups[i]);
    }
    return n;
}

/* ---- what came ---- */

static bool alike(const looks_item *a, const looks_item *b) {
    bool usual = !a->batch || !a->batch[0];
    return same(a->kind, b->kind) && same(a->batch, b->batch) &&
           (!usual ||
            (same(a->agent, b->agent) && same(a->target, b->target) && same(a->rule, b->rule)));
}

/* Only a group that nobody has looked at yet takes more in. */
static group *place_for(looks *l, const looks_item *item) {
    for (size_t i = 0; i < l->group_count; i++) {
        group *g = l->groups[i];
        bool room = !group_is_approval(g) || g->count < (item->most ? item->most : 1);
        if (!g->looked && g->count && room && alike(&g->list[0].is, item)) {
            return g;
        }
    }
    group *g = keel_alloc(sizeof *g);
    *g = (group){.list = NULL};
    l->groups = keel_realloc(l->groups, (l->group_count + 1) * sizeof(group *));
    l->groups[l->group_count++] = g;
    return g;
}

static void add(looks *l, const looks_item *item) {
    group *g = place_for(l, item);
    g->list = keel_realloc(g->list, (g->count + 1) * sizeof *g->list);
    entry *e = &g->list[g->count++];
    *e = (entry){.is = *item};
    e->is.version = copy(item->version);
    e->is.kind = copy(item->kind);
    e->is.agent = copy(item->agent);
    e->is.target = copy(item->target);
    e->is.rule = copy(item->rule);
    e->is.batch = copy(item->batch);
    group_forget_lines(g);
}

static const looks_item *listed(const looks_item *list, size_t count, const entry *e) {
    for (size_t i = 0; i < count; i++) {
        if (list[i].number == e->is.number && same(list[i].version, e->is.version)) {
            return &list[i];
        }
    }
    return NULL;
}

static size_t mark_gone(looks *l, const looks_item *list, size_t count) {
    size_t went = 0;
    for (size_t i = 0; i < l->group_count; i++) {
        for (size_t k = 0; k < l->groups[i]->count; k++) {
            entry *e = &l->groups[i]->list[k];
            if (!e->gone && !listed(list, count, e)) {
                e->gone = true;
                went++;
            }
        }
    }
    return went;
}

static void announce(looks *l, size_t came, size_t went) {
    if (came && went) {
        looks_say(l, TINT_WAIT, "%zu came in (at the end), %zu went elsewhere", came, went);
    } else if (came) {
        looks_say(l, TINT_WAIT, "%zu came in meanwhile, at the end", came);
    } else if (went) {
        looks_say(l, TINT_WAIT, "%zu went meanwhile: decided elsewhere, expired or changed", went);
    }
}

void looks_update(looks *l, const looks_item *list, size_t count) {
    bool first = l->group_count == 0 && l->log.len == 0;
    size_t came = 0, went = mark_gone(l, list, count);
    bool idle = l->at == l->group_count;
    size_t before = l->group_count;
    for (size_t i = 0; i < count; i++) {
        entry *e = looks_find(l, list[i].number);
        if (!e || e->gone) {
            add(l, &list[i]);
            came++;
        }
    }
    if (idle) {
        l->at = before ? l->group_count : 0; /* what was done stands behind the last group */
    }
    if (first || idle) {
        l->entries = looks_entries(l);
    }
    if (!first) {
        announce(l, came, went);
    }
}

/* ---- what has gone ---- */

void group_forget_lines(group *g) {
    lines_free(&g->lines);
    g->width = 0;
}

static size_t index_of(const looks *l, const group *g) {
    size_t i = 0;
    while (i < l->group_count && l->groups[i] != g) {
        i++;
    }
    return i;
}

static void drop_group(looks *l, size_t i) {
    group_free(l->groups[i]);
    l->group_count--;
    memmove(&l->groups[i], &l->groups[i + 1], (l->group_count - i) * sizeof(group *));
    if (l->at > i) {
        l->at--;
    }
}

void looks_purge(looks *l, group *g) {
    size_t kept = 0, at = index_of(l, g);
    for (size_t i = 0; i < g->count; i++) {
        if (g->list[i].gone) {
            entry_free(&g->list[i]);
            g->cursor -= g->cursor > kept;
        } else {
            g->list[kept++] = g->list[i];
        }
    }
    if (kept == g->count) {
        return;
    }
    g->count = kept;
    if (kept == 0 && at < l->group_count) {
        drop_group(l, at);
        return;
    }
    g->cursor = g->cursor < kept ? g->cursor : kept - 1;
    group_forget_lines(g);
}

void looks_changed(looks *l, int64_t number, const char *version) {
    entry *e = looks_find(l, number);
    if (!e) {
        return;
    }
    free((char *)e->is.version);
    e->is.version = copy(version);
    e->seen = false;
    e->gone = false;
    for (size_t i = 0; i < l->group_count; i++) {
        group *g = l->groups[i];
        if (e >= g->list && e < g->list + g->count) {
            group_forget_lines(g);
        }
    }
}
