/* The narrowest conditions that hold for all of some effects: an `allow` for a rule without, or the one
 * that it has with its thresholds and lists widened. Nothing that the rule denies now, since none of its
 * bands holds, is let through by it. */
#include <stdlib.h>
#include <string.h>

#include "rampint.h"

ramp_bound *ramp_bound_new(ramp_group *g, const char *name) {
    g->bounds = keel_realloc(g->bounds, (g->bound_count + 1) * sizeof *g->bounds);
    ramp_bound *b = &g->bounds[g->bound_count++];
    *b = (ramp_bound){.attr = name, .count = 1};
    return b;
}

void ramp_forget_bounds(ramp_group *g) {
    for (size_t i = 0; i < g->bound_count; i++) {
        free(g->bounds[i].items);
    }
    free(g->bounds);
    g->bounds = NULL;
    g->bound_count = 0;
}

ramp_kind ramp_kind_in(const ramp_group *g, const char *name) {
    return ramp_kind_of(ramp_attr(&g->effects[g->used[0]], name));
}

builtin_attr ramp_builtin(const ramp_group *g, const check *c) {
    return check_tally(g->p, c) ? BUILTIN_NONE : g->p->attrs[c->attr].builtin;
}

bool ramp_checks(const ramp_group *g, const band *b, builtin_attr which) {
    for (size_t i = 0; i < b->count; i++) {
        if (ramp_builtin(g, &b->checks[i]) == which) {
            return true;
        }
    }
    return false;
}

/* What a tainted run does is not let through by what others were trusted with, */
void ramp_untainted(ramp_group *g) {
    ramp_bound *b = ramp_bound_new(g, "tainted");
    b->ops[0] = (op){.kind = OP_EQ, .value = {.type = ATTR_BOOL, .number = 0}};
}

/* nor what one does that has read more private things. */
void ramp_no_more_private(ramp_group *g) {
    sensitivity most = SENSITIVITY_PUBLIC;
    for (size_t i = 0; i < g->used_count; i++) {
        sensitivity level = g->effects[g->used[i]].query.level;
        most = level > most ? level : most;
    }
    if (most < SENSITIVITY_RESTRICTED) {
        const char *name = sensitivity_name(most);
        ramp_bound *b = ramp_bound_new(g, "sensitivity");
        b->ops[0] =
            (op){.kind = OP_LTE,
                 .value = {.type = ATTR_TEXT, .text = name, .len = strlen(name), .number = most}};
    }
}

/* ---- amounts ---- */

static int order(const attr_value *a, const attr_value *b) {
    if (a->type == ATTR_MONEY) {
        return (a->micros > b->micros) - (a->micros < b->micros);
    }
    return (a->number > b->number) - (a->number < b->number);
}

/* sign 1: the largest, -1: the smallest. */
const attr_value *ramp_extreme(const ramp_group *g, const char *name, int sign) {
    const attr_value *found = NULL;
    for (size_t i = 0; i < g->used_count; i++) {
        const attr *a = ramp_attr(&g->effects[g->used[i]], name);
        for (size_t k = 0; a && k < a->count; k++) {
            if (!found || order(&a->values[k], found) * sign > 0) {
                found = &a->values[k];
            }
        }
    }
    return found;
}

bool ramp_is_below(op_kind kind) {
    return kind == OP_LT || kind == OP_LTE;
}

bool ramp_is_above(op_kind kind) {
    return kind == OP_GT || kind == OP_GTE;
}

/* What the rule's ask says of an attribute, or NULL. */
static const check *ask_of(const ramp_group *g, const char *name) {
    const band *ask = &g->rule->bands[BAND_ASK];
    for (size_t i = 0; i < ask->count; i++) {
        const check *c = &ask->checks[i];
        if (!check_tally(g->p, c) && strcmp(g->p->attrs[c->attr].name, name) == 0) {
            return c;
        }
    }
    return NULL;
}

bool ramp_asks_by(const ramp_group *g, const char *name, bool (*is)(op_kind)) {
    const check *c = ask_of(g, name);
    for (size_t i = 0; c && i < c->count; i++) {
        if (is(c->ops[i].kind)) {
            return true;
        }
    }
    return false;
}

bool ramp_unwritable(ramp_group *g, const char *name) {
    return ramp_refuse(g, "values", "%s has a value that no condition can name", name);
}

/* At most what was approved. An amount below zero is another matter, unless one was approved too. */
static bool add_amount(ramp_group *g, const ramp_seen *s) {
    const attr_value *most = ramp_extreme(g, s->name, 1), *least = ramp_extreme(g, s->name, -1);
    attr_value zero = *least;
    zero.micros = 0;
    zero.number = 0;
    if (!ramp_writable(most) || !ramp_writable(least)) {
        return ramp_unwritable(g, s->name);
    }
    ramp_bound *b = ramp_bound_new(g, s->name);
    b->ops[0] = (op){.kind = OP_LTE, .value = *most};
    if (ramp_asks_by(g, s->name, ramp_is_above) || (!s->counted && order(least, &zero) < 0)) {
        b->ops[1] = b->ops[0];
        b->ops[0] = (op){.kind = OP_GTE, .value = *least};
        b->count = 2;
    } else if (!s->counted) {
        b->ops[1] = b->ops[0];
        b->ops[0] = (op){.kind = OP_GTE, .value = zero};
        b->count = 2;
    }
    return true;
}

/* ---- texts ---- */

bool ramp_all_writable(const attr_value *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!ramp_writable(&list[i])) {
            return false;
        }
    }
    return true;
}

static bool add_texts(ramp_group *g, const ramp_seen *s) {
    size_t count;
    attr_value *list = ramp_texts(g, s, &count);
    if (!ramp_all_writable(list, count)) {
        free(list);
        return ramp_unwritable(g, s->name);
    }
    ramp_bound *b = ramp_bound_new(g, s->name);
    b->items = list;
    b->ops[0] = (op){.kind = OP_IN,
                     .fold = s->folded,
                     .set = {ATTR_TEXT, s->folded, list, count, NULL, 0, NULL}};
    return true;
}

/* ---- a new band ---- */

static void add_bool(ramp_group *g, ramp_seen *s) {
    const attr_value *most = ramp_extreme(g, s->name, 1), *least = ramp_extreme(g, s->name, -1);
    s->free = order(most, least) != 0;
    if (!s->free) {
        ramp_bound_new(g, s->name)->ops[0] = (op){.kind = OP_EQ, .value = *most};
    }
}

static bool add_one(ramp_group *g, ramp_seen *s) {
    switch (ramp_kind_in(g, s->name)) {
    case RAMP_MISSING:
        ramp_bound_new(g, s->name)->ops[0] = (op){.kind = OP_PRESENT, .yes = false};
        return true;
    case RAMP_TEXT:
        return add_texts(g, s);
    case RAMP_NUMBER:
    case RAMP_MONEY:
        return add_amount(g, s);
    case RAMP_BOOL:
        add_bool(g, s);
        return true;
    default:
        return ramp_refuse(g, "values", "%s cannot be read in them", s->name);
    }
}

/* That they are answers, or are none, where the ask looks at it and all of them are the same. */
static void add_origin(ramp_group *g) {
    policy_reply is = g->effects[g->used[0]].query.reply;
    bool same = is == REPLY_YES || is == REPLY_NO;
    for (size_t i = 0; i < g->used_count; i++) {
        same = same && g->effects[g->used[i]].query.reply == is;
    }
    if (same && ramp_checks(g, &g->rule->bands[BAND_ASK], BUILTIN_ORIGIN)) {
        ramp_bound *b = ramp_bound_new(g, MANIFEST_ORIGIN);
        b->ops[0] = (op){.kind = OP_EQ, .value = {.type = ATTR_BOOL, .number = is == REPLY_YES}};
    }
}

/* Sink and class, where the ask looks at them. */
static void add_builtins(ramp_group *g) {
    const policy_query *q = &g->effects[g->used[0]].query;
    const char *values[] = {[BUILTIN_CLASS] = effect_class_name(q->class),
                            [BUILTIN_SINK] = q->sink_external ? "external" : "internal"};
    static const char *const attrs[] = {[BUILTIN_CLASS] = "class", [BUILTIN_SINK] = "sink"};
    for (builtin_attr k = BUILTIN_CLASS; k <= BUILTIN_SINK; k++) {
        if (values[k] && ramp_checks(g, &g->rule->bands[BAND_ASK], k)) {
            ramp_bound *b = ramp_bound_new(g, attrs[k]);
            b->ops[0] =
                (op){.kind = OP_EQ,
                     .value = {.type = ATTR_TEXT, .text = values[k], .len = strlen(values[k])}};
        }
    }
}

/* What the ask looks at and no condition bounds would be let through where it is denied now. */
static bool bounds_ask(ramp_group *g) {
    const band *ask = &g->rule->bands[BAND_ASK];
    for (size_t i = 0; i < ask->count; i++) {
        const char *name = g->p->attrs[ask->checks[i].attr].name;
        builtin_attr own = ramp_builtin(g, &ask->checks[i]);
        bool found = own != BUILTIN_NONE && own != BUILTIN_ORIGIN;
        for (size_t k = 0; k < g->bound_count; k++) {
            found = found || strcmp(g->bounds[k].attr, name) == 0;
        }
        if (!found) {
            return ramp_refuse(g, "ask",
                               "its ask looks at %s, and no condition can name what they "
                               "say there",
                               name);
        }
    }
    return true;
}

bool ramp_own(const char *name) {
    return strcmp(name, "tainted") == 0 || strcmp(name, "sensitivity") == 0 ||
           strcmp(name, "sink") == 0 || strcmp(name, "class") == 0 ||
           strcmp(name, MANIFEST_ORIGIN) == 0;
}

/* Some condition says more than that something is missing, or what the run has not read. */
static bool says_something(const ramp_group *g) {
    for (size_t i = 0; i < g->bound_count; i++) {
        if (g->bounds[i].ops[0].kind != OP_PRESENT && !ramp_own(g->bounds[i].attr)) {
            return true;
        }
    }
    return false;
}

/* A declared text with too many values leaves fewer effects: begun anew with those. */
static bool few_texts(ramp_group *g) {
    bool again = true;
    while (again) {
        again = false;
        for (size_t i = 0; !again && i < g->seen_count; i++) {
            size_t count = 0;
            const ramp_seen *s = &g->seen[i];
            if (!s->free && ramp_kind_in(g, s->name) == RAMP_TEXT) {
                free(ramp_texts(g, s, &count));
            }
            if (count > RAMP_VALUES) {
                if (!ramp_often(g, s)) {
                    return false;
                }
                again = true;
            }
        }
    }
    return true;
}

bool ramp_add(ramp_group *g) {
    ramp_forget_bounds(g);
    g->out->band = true;
    if (!few_texts(g)) {
        return false;
    }
    for (size_t i = 0; i < g->seen_count; i++) {
        ramp_seen *s = &g->seen[i];
        if (s->free && s->declared) {
            return ramp_refuse(g, "values", "no condition can have the name %s", s->name);
        }
        if (!s->free && !add_one(g, s)) {
            return false;
        }
    }
    if (!says_something(g)) {
        return ramp_refuse(g, "values", "they have nothing in common that a condition can name");
    }
    add_builtins(g);
    add_origin(g);
    ramp_untainted(g);
    ramp_no_more_private(g);
    return bounds_ask(g);
}
