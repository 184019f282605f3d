/* What effects have in common: the attributes that they have, and of which type and currency. */
#include <stdlib.h>
#include <string.h>

#include "rampint.h"

const attr *ramp_attr(const ramp_effect *e, const char *name) {
    for (size_t i = 0; i < e->query.attr_count; i++) {
        if (strcmp(e->query.attrs[i].name, name) == 0) {
            return &e->query.attrs[i];
        }
    }
    return NULL;
}

ramp_kind ramp_kind_of(const attr *a) {
    static const ramp_kind kinds[] = {[ATTR_TEXT] = RAMP_TEXT,
                                      [ATTR_NUMBER] = RAMP_NUMBER,
                                      [ATTR_MONEY] = RAMP_MONEY,
                                      [ATTR_BOOL] = RAMP_BOOL,
                                      [ATTR_BAD] = RAMP_ODD};
    if (!a || a->count == 0) {
        return RAMP_MISSING;
    }
    for (size_t i = 1; i < a->count; i++) {
        if (a->values[i].type != a->values[0].type ||
            strcmp(a->values[i].currency, a->values[0].currency) != 0) {
            return RAMP_ODD;
        }
    }
    return kinds[a->values[0].type];
}

/* ---- the attributes ---- */

static bool ends_with_domain(const char *name) {
    size_t n = strlen(name);
    return n >= 6 && strcmp(name + n - 6, "domain") == 0;
}

static void see(ramp_group *g, const char *name, const manifest_attr *declared) {
    for (size_t i = 0; i < g->seen_count; i++) {
        if (strcmp(g->seen[i].name, name) == 0) {
            return;
        }
    }
    g->seen = keel_realloc(g->seen, (g->seen_count + 1) * sizeof *g->seen);
    g->seen[g->seen_count++] = (ramp_seen){
        .name = name,
        .declared = declared != NULL,
        .folded = ends_with_domain(name) || (declared && declared->fn == ATTR_DOMAIN),
        .counted = declared && (declared->fn == ATTR_COUNT || declared->fn == ATTR_LENGTH)};
}

/* Some declared attribute says what the field says. */
static bool is_covered(const manifest_resource *r, const char *field) {
    size_t n = strlen(field);
    for (size_t i = 0; r && i < r->attr_count; i++) {
        const manifest_attr *a = &r->attrs[i];
        for (size_t k = 0; k < a->of_count && a->fn <= ATTR_DOMAIN; k++) {
            if (strcmp(a->name, field) != 0 && strcmp(a->of[k], field) == 0 && n > 0) {
                return true;
            }
        }
    }
    return false;
}

void ramp_look(ramp_group *g) {
    for (size_t i = 0; i < g->all_count; i++) {
        const ramp_effect *e = &g->effects[g->all[i]];
        for (size_t k = 0; e->resource && k < e->resource->attr_count; k++) {
            if (e->resource->attrs[k].fn != ATTR_ORIGIN) { /* Keel's own: ramp_bound.c */
                see(g, e->resource->attrs[k].name, &e->resource->attrs[k]);
            }
        }
    }
    for (size_t i = 0; i < g->all_count; i++) {
        const ramp_effect *e = &g->effects[g->all[i]];
        for (size_t k = 0; k < e->query.attr_count; k++) {
            see(g, e->query.attrs[k].name, NULL);
        }
        for (size_t k = 0; k < g->seen_count; k++) {
            ramp_seen *s = &g->seen[k];
            s->covered = s->covered || (!s->declared && is_covered(e->resource, s->name));
        }
    }
}

/* ---- texts ---- */

static bool has(const attr_value *list, size_t count, const attr_value *v, bool folded) {
    for (size_t i = 0; i < count; i++) {
        if (text_equal(list[i].text, list[i].len, v->text, v->len, folded)) {
            return true;
        }
    }
    return false;
}

attr_value *ramp_texts(const ramp_group *g, const ramp_seen *s, size_t *count) {
    attr_value *list = NULL;
    *count = 0;
    for (size_t i = 0; i < g->used_count; i++) {
        const attr *a = ramp_attr(&g->effects[g->used[i]], s->name);
        for (size_t k = 0; a && k < a->count; k++) {
            if (a->values[k].type == ATTR_TEXT && !has(list, *count, &a->values[k], s->folded)) {
                list = keel_realloc(list, (*count + 1) * sizeof *list);
                list[(*count)++] = a->values[k];
            }
        }
    }
    return list;
}

static size_t how_often(const ramp_group *g, const ramp_seen *s, const attr_value *v) {
    size_t n = 0;
    for (size_t i = 0; i < g->used_count; i++) {
        const attr *a = ramp_attr(&g->effects[g->used[i]], s->name);
        n += a && has(a->values, a->count, v, s->folded);
    }
    return n;
}

bool ramp_often(ramp_group *g, const ramp_seen *s) {
    size_t count, kept = 0, left = 0;
    attr_value *list = ramp_texts(g, s, &count);
    for (size_t i = 0; i < count; i++) {
        if (how_often(g, s, &list[i]) >= g->after) {
            list[kept++] = list[i];
        }
    }
    for (size_t i = 0; i < g->used_count; i++) {
        const attr *a = ramp_attr(&g->effects[g->used[i]], s->name);
        bool all = a && a->count;
        for (size_t k = 0; all && k < a->count; k++) {
            all = has(list, kept, &a->values[k], s->folded);
        }
        if (all) {
            g->used[left++] = g->used[i];
        }
    }
    free(list);
    if (left < g->after || kept > RAMP_VALUES) {
        return ramp_refuse(g, "values", "%s has %zu different values, and a condition names %d",
                           s->name, count, RAMP_VALUES);
    }
    g->used_count = left;
    return true;
}

/* ---- the shape ---- */

static bool looks_at(const ramp_group *g, const band *b, const char *name) {
    for (size_t i = 0; i < b->count; i++) {
        if (!check_tally(g->p, &b->checks[i]) &&
            strcmp(g->p->attrs[b->checks[i].attr].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* A field that is prose, or something else each time. What a manifest declares is there to be looked
 * at, and so is what can be ordered. */
static bool says_anything(const ramp_group *g, const ramp_seen *s) {
    if (s->declared) {
        return false;
    }
    for (size_t i = 0; i < g->used_count; i++) {
        const attr *a = ramp_attr(&g->effects[g->used[i]], s->name);
        ramp_kind kind = ramp_kind_of(a);
        for (size_t k = 0; kind == RAMP_TEXT && k < a->count; k++) {
            kind = ramp_writable(&a->values[k]) ? kind : RAMP_ODD;
        }
        if (kind == RAMP_ODD) {
            return true;
        }
    }
    size_t count;
    free(ramp_texts(g, s, &count));
    return count > RAMP_VALUES;
}

/* "to_domain" is a text and "amount" is missing: "T-". */
static void put_shape(const ramp_group *g, const ramp_effect *e, keel_buf *out) {
    keel_buf_clear(out);
    for (size_t i = 0; i < g->seen_count; i++) {
        const attr *a = g->seen[i].free ? NULL : ramp_attr(e, g->seen[i].name);
        ramp_kind kind = ramp_kind_of(a);
        keel_buf_putc(out, "-TNBM?"[kind]);
        keel_buf_puts(out, kind == RAMP_MONEY ? a->values[0].currency : "");
    }
    keel_buf_puts(out, "");
}

static size_t *count_alike(const ramp_group *g, keel_buf *shapes) {
    size_t *alike = keel_alloc((g->used_count + 1) * sizeof *alike);
    for (size_t i = 0; i < g->used_count; i++) {
        put_shape(g, &g->effects[g->used[i]], &shapes[i]);
        alike[i] = 0;
        for (size_t k = 0; k <= i; k++) {
            alike[i] += strcmp(shapes[k].data ? shapes[k].data : "",
                               shapes[i].data ? shapes[i].data : "") == 0;
        }
    }
    return alike;
}

bool ramp_shape(ramp_group *g) {
    const band *allow = &g->rule->bands[BAND_ALLOW];
    for (size_t i = 0; i < g->seen_count; i++) {
        ramp_seen *s = &g->seen[i];
        /* What an allow that is there does not look at, it does not look at when it is widened. */
        s->free = allow->present ? !looks_at(g, allow, s->name)
                                 : s->covered || !condition_names(s->name) || says_anything(g, s);
    }
    keel_buf *shapes = keel_alloc((g->used_count + 1) * sizeof *shapes);
    memset(shapes, 0, (g->used_count + 1) * sizeof *shapes);
    size_t *alike = count_alike(g, shapes), best = 0, left = 0;
    for (size_t i = 0; i < g->used_count; i++) {
        best = alike[i] >= alike[best] ? i : best; /* of two as common ones, the later */
    }
    for (size_t i = 0; i < g->used_count; i++) {
        if (strcmp(shapes[i].data, shapes[best].data) == 0) {
            g->used[left++] = g->used[i];
        }
    }
    for (size_t i = 0; i < g->used_count; i++) {
        keel_buf_free(&shapes[i]);
    }
    free(shapes);
    free(alike);
    if (left < g->after) {
        return ramp_refuse(g, "shapes",
                           "they are of several shapes, by the attributes that they have and their "
                           "currencies: at most %zu are alike",
                           left);
    }
    g->used_count = left;
    return true;
}
