/* Sums and counts that can never hold, or always do, or are of what no manifest knows. */
#include <stdio.h>
#include <string.h>

#include "compileint.h"

/* ---- bounds ---- */

/* What comparators leave: from..to, in micro-units for money. */
typedef struct span {
    double from, to;
    bool above, below; /* from itself, to itself are left out */
} span;

static double amount_of(const attr_value *v) {
    return v->type == ATTR_MONEY ? (double)v->micros : v->number;
}

static void narrow(span *s, const op *o) {
    double n = amount_of(&o->value);
    switch (o->kind) {
    case OP_LT:
    case OP_LTE:
        if (n < s->to || (n == s->to && o->kind == OP_LT)) {
            s->to = n;
            s->below = o->kind == OP_LT;
        }
        break;
    case OP_GT:
    case OP_GTE:
        if (n > s->from || (n == s->from && o->kind == OP_GT)) {
            s->from = n;
            s->above = o->kind == OP_GT;
        }
        break;
    default:
        break;
    }
}

static bool is_empty(const span *s) {
    return s->from > s->to || (s->from == s->to && (s->above || s->below));
}

static bool in_one_unit(const op *a, const op *b) {
    return b->kind <= OP_GTE && a->value.type == b->value.type &&
           strcmp(a->value.currency, b->value.currency) == 0;
}

/* A sum is at least as large as the effect's own amount, of which the band may want some. */
static void from_amount(const policy *p, const tally_rule *t, const band *b, const op *like,
                        span *s) {
    for (size_t i = 0; t->sum && i < b->count; i++) {
        const check *c = &b->checks[i];
        for (size_t k = 0; !check_tally(p, c) && c->attr == t->of && k < c->count; k++) {
            const op *o = &c->ops[k];
            if ((o->kind == OP_GT || o->kind == OP_GTE) && in_one_unit(like, o)) {
                narrow(s, o);
            }
        }
    }
}

static void check_bounds(compiler *c, const policy_rule *r, const band *b, const check *ch) {
    const tally_rule *t = check_tally(c->p, ch);
    span least = {.from = t->sum ? 0 : 1, .to = 1e300}; /* this effect counts too */
    from_amount(c->p, t, b, &ch->ops[0], &least);
    span s = least;
    for (size_t i = 0; i < ch->count; i++) {
        narrow(&s, &ch->ops[i]);
    }
    char text[256];
    if (is_empty(&s)) {
        snprintf(text, sizeof text, "rule %s: its %s can never hold: with this effect it is %s",
                 r->id, t->label, t->sum ? "more already" : "1 already");
        compile_warn(c, r->file, ch->line, ch->column, text,
                     "Raise the limit: the effect itself counts too.");
    } else if (s.from == least.from && s.above == least.above && s.to == least.to) {
        snprintf(text, sizeof text, "rule %s: its %s always holds", r->id, t->label);
        compile_warn(c, r->file, ch->line, ch->column, text,
                     "Raise what it is compared with: the effect itself counts too.");
    }
}

/* ---- names ---- */

static bool connection_covered(const tally_rule *t, const char *name) {
    for (size_t i = 0; i < t->on_count; i++) {
        const char *on = t->on[i];
        if (text_matches(on, strcspn(on, "."), name, strlen(name), false)) {
            return true;
        }
    }
    return false;
}

/* A manifest of what is counted declares it. */
static bool is_declared(const policy_world *w, const tally_rule *t, const char *name) {
    for (size_t i = 0; i < w->connection_count; i++) {
        const manifest *m = w->connections[i].plugin;
        for (size_t k = 0; connection_covered(t, w->connections[i].name) && k < m->resource_count;
             k++) {
            for (size_t a = 0; a < m->resources[k].attr_count; a++) {
                if (strcmp(m->resources[k].attrs[a].name, name) == 0) {
                    return true;
                }
            }
        }
    }
    return false;
}

static bool is_spawn(const tally_rule *t) {
    for (size_t i = 0; i < t->on_count; i++) {
        if (target_matches(t->on[i], "run.spawn")) {
            return true;
        }
    }
    return false;
}

static void check_name(compiler *c, const policy_rule *r, const check *ch, const char *key,
                       uint16_t id) {
    const tally_rule *t = check_tally(c->p, ch);
    const char *name = c->p->attrs[id].name;
    if (is_declared(c->world, t, name) || is_spawn(t)) {
        return;
    }
    const char *near = near_attribute(c, id);
    if (!near && strcmp(key, "each") == 0) {
        static const char *const words[] = {"agent", NULL};
        near = did_you_mean(name, words);
    }
    char text[256];
    char next[128] = "Let the manifest declare it, or make sure that the field is always there: "
                     "without it nothing is allowed.";
    snprintf(text, sizeof text,
             "rule %s: `%s: %s` is declared by no manifest of what it counts; the field of that "
             "name is read",
             r->id, key, name);
    if (near) {
        snprintf(next, sizeof next, "Did you mean \"%.60s\"?", near);
    }
    compile_warn(c, r->file, ch->line, ch->column, text, next);
}

void check_tallies(compiler *c, const policy_rule *r, const band *b) {
    for (size_t i = 0; i < b->count; i++) {
        const check *ch = &b->checks[i];
        const tally_rule *t = check_tally(c->p, ch);
        if (!t) {
            continue;
        }
        check_bounds(c, r, b, ch);
        if (c->world && t->sum) {
            check_name(c, r, ch, "of", t->of);
        }
        if (c->world && t->each == EACH_ATTR) {
            check_name(c, r, ch, "each", t->each_attr);
        }
    }
}
