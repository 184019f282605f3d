/* `sum` and `count` of a rule's conditions: { of: amount, per: 1d, each: agent, lte: 500 EUR }. */
#include <stdio.h>
#include <string.h>

#include "compileint.h"

#define MINUTE 60000000LL
#define DAY    (24 * 60 * MINUTE)

static const char sum_help[] = "Write `sum: { of: amount, per: 1d, lte: 500 EUR }`.";
static const char count_help[] = "Write `count: { per: 1h, lte: 20 }`.";

static const char *help(const tally_rule *t) {
    return t->sum ? sum_help : count_help;
}

/* ---- the window ---- */

static const char *const windows[] = {"none", "hour", "day", "calendar_month", NULL};

static int read_per(compiler *c, const yaml_node *map, tally_rule *t) {
    const yaml_node *n = yaml_get(map, "per");
    if (!n) {
        return compile_fault(c, map, "over what time is not said: per is missing", help(t));
    }
    const char *text = n->kind == YAML_SCALAR ? n->text : "";
    for (size_t i = WINDOW_HOUR; windows[i]; i++) {
        if (strcmp(windows[i], text) == 0) {
            t->window = (window_kind)i;
            return 0;
        }
    }
    if (yaml_duration_us(n, &t->per_us) && t->per_us >= MINUTE && t->per_us <= 366 * DAY) {
        return 0;
    }
    const char *near = text[0] >= 'a' ? did_you_mean(text, windows + 1) : NULL;
    yaml_fault(c->tree, n, c->d, "per is a time from 1m to 366d, or hour, day or calendar_month");
    if (near) {
        diag_next(c->d, "Did you mean \"%s\"?", near);
    } else {
        diag_next(c->d, "Write `per: 1d` for the last 24 hours, `per: day` for the day.");
    }
    return DIAG_USAGE;
}

static int read_tz(compiler *c, const yaml_node *map, tally_rule *t) {
    const yaml_node *n = yaml_get(map, "tz");
    t->tz = "";
    if (!n) {
        return 0;
    }
    if (t->window == WINDOW_NONE) {
        return compile_fault(c, n, "a rolling window has no time zone",
                             "Write `per: day` or `per: calendar_month`, or remove tz.");
    }
    int rc = compile_zone(c, n, &t->zone);
    t->tz = rc ? "" : policy_copy(c->p, n->text, n->len);
    return rc;
}

/* ---- of, each ---- */

int compile_member(compiler *c, const yaml_node *n, const char *what, uint16_t *out) {
    if (n->kind != YAML_SCALAR) {
        yaml_fault(c->tree, n, c->d, "%s wants the name of one attribute", what);
        diag_next(c->d, "Write for example `%s: %s`.", what,
                  strcmp(what, "of") == 0 ? "amount" : "to_domain");
        return DIAG_USAGE;
    }
    int rc = compile_attr(c, n, out);
    if (rc == 0 && c->p->attrs[*out].builtin != BUILTIN_NONE) {
        yaml_fault(c->tree, n, c->d, "%s cannot be %s", what, n->text);
        diag_next(c->d, "Name an attribute of the manifest, or a field of the arguments.");
        rc = DIAG_USAGE;
    }
    return rc;
}

static int read_of(compiler *c, const yaml_node *map, tally_rule *t) {
    const yaml_node *n = yaml_get(map, "of");
    if (!t->sum) {
        return n ? compile_fault(c, n, "a count is of effects, and of no attribute",
                                 "Write `sum: { of: ... }`, or remove `of`.")
                 : 0;
    }
    return n ? compile_member(c, n, "of", &t->of)
             : compile_fault(c, map, "what is summed up is not said: of is missing", sum_help);
}

static int read_each(compiler *c, const yaml_node *map, tally_rule *t) {
    const yaml_node *n = yaml_get(map, "each");
    if (!n) {
        return 0;
    }
    if (n->kind == YAML_SCALAR && strcmp(n->text, "agent") == 0) {
        t->each = EACH_AGENT;
        return 0;
    }
    t->each = EACH_ATTR;
    return compile_member(c, n, "each", &t->each_attr);
}

/* ---- thresholds ---- */

static const struct {
    const char *name;
    op_kind kind;
} orders[] = {{"lt", OP_LT}, {"lte", OP_LTE}, {"gt", OP_GT}, {"gte", OP_GTE}};
#define ORDERS (sizeof orders / sizeof *orders)

static bool is_whole(double n) {
    return n >= 0 && n <= 1e15 && n == (double)(int64_t)n;
}

static int read_threshold(compiler *c, const yaml_node *n, const tally_rule *t, op *o) {
    int rc = compile_value(c, n, &o->value);
    if (rc) {
        return rc;
    }
    bool number = o->value.type == ATTR_NUMBER;
    if (!t->sum && !(number && is_whole(o->value.number))) {
        return compile_fault(c, n, "a count compares with a whole number", count_help);
    }
    if (!number && o->value.type != ATTR_MONEY) {
        return compile_fault(c, n, "a sum compares with a number or an amount of money", sum_help);
    }
    if (number ? o->value.number < 0 : o->value.micros < 0) {
        return compile_fault(c, n, "a sum is never negative", sum_help);
    }
    return 0;
}

static int same_unit(compiler *c, const yaml_node *n, const op *first, const op *o) {
    if (first->value.type == o->value.type &&
        strcmp(first->value.currency, o->value.currency) == 0) {
        return 0;
    }
    return compile_fault(c, n, "mixed currencies: no amount meets both comparators",
                         "Write a rule for each currency; amounts are never converted.");
}

static int read_thresholds(compiler *c, const yaml_node *map, tally_rule *t, check *out) {
    op *list = policy_alloc(c->p, ORDERS * sizeof *list);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < ORDERS; i++) {
        const yaml_node *n = yaml_get(map, orders[i].name);
        if (n) {
            op *o = &list[out->count++];
            o->kind = orders[i].kind;
            rc = read_threshold(c, n, t, o);
            rc = rc ? rc : same_unit(c, n, &list[0], o);
        }
    }
    if (rc == 0 && out->count == 0) {
        rc = compile_fault(c, map, "there is nothing to compare with: no lt, lte, gt or gte",
                           help(t));
    }
    memcpy(t->currency, list[0].value.currency, sizeof t->currency);
    out->ops = list;
    return rc;
}

/* ---- names ---- */

static void print_per(const tally_rule *t, keel_buf *out) {
    if (t->window != WINDOW_NONE) {
        keel_buf_puts(out, windows[t->window]);
    } else {
        span_print(t->per_us, out);
    }
}

static const char *copied(compiler *c, keel_buf *text) {
    const char *out = policy_copy(c->p, text->data, text->len);
    keel_buf_free(text);
    return out;
}

static void name_words(compiler *c, tally_rule *t, const char *per) {
    keel_buf text = KEEL_BUF_INIT;
    if (t->sum) {
        keel_buf_printf(&text, "sum of %s", c->p->attrs[t->of].name);
    } else {
        keel_buf_puts(&text, "count");
    }
    const char *calendar = t->window == WINDOW_MONTH ? "the month" : t->window ? "the " : "";
    keel_buf_printf(&text, " in %s%s", calendar, t->window == WINDOW_MONTH ? "" : per);
    t->words = copied(c, &text);
}

/* Two of one name that count other targets, or by another zone, are told apart by their rules. */
static void name_it(compiler *c, const policy_rule *r, tally_rule *t) {
    keel_buf per = KEEL_BUF_INIT;
    keel_buf label = KEEL_BUF_INIT;
    const policy *p = c->p;
    print_per(t, &per);
    keel_buf_puts(&label, t->sum ? "sum(" : "count(");
    if (t->sum) {
        keel_buf_printf(&label, "%s,", p->attrs[t->of].name);
    }
    keel_buf_puts(&label, per.data);
    if (t->each != EACH_NONE) {
        keel_buf_printf(&label, ",%s",
                        t->each == EACH_AGENT ? "agent" : p->attrs[t->each_attr].name);
    }
    keel_buf_putc(&label, ')');
    name_words(c, t, per.data);
    keel_buf_free(&per);
    for (size_t i = 0; i < p->tally_count; i++) {
        if (strcmp(p->tallies[i]->label, label.data) == 0) {
            keel_buf_printf(&label, " of %s", r->id);
            break;
        }
    }
    t->label = copied(c, &label);
}

/* ---- one of them ---- */

static bool same_targets(const tally_rule *a, const policy_rule *r) {
    for (size_t i = 0; a->on_count == r->on_count && i < r->on_count; i++) {
        if (strcmp(a->on[i], r->on[i]) != 0) {
            return false;
        }
    }
    return a->on_count == r->on_count;
}

static bool same(const tally_rule *a, const tally_rule *b) {
    return a->sum == b->sum && a->of == b->of && a->each == b->each &&
           a->each_attr == b->each_attr && strcmp(a->currency, b->currency) == 0 &&
           a->window == b->window && a->per_us == b->per_us && strcmp(a->tz, b->tz) == 0;
}

static int add(compiler *c, const policy_rule *r, const yaml_node *n, tally_rule *t, check *out) {
    policy *p = c->p;
    size_t i = 0;
    while (i < p->tally_count && !(same(p->tallies[i], t) && same_targets(p->tallies[i], r))) {
        i++;
    }
    if (i == POLICY_TALLIES) {
        return compile_fault(c, n, "more than 256 different sums and counts in all rules",
                             "Use fewer.");
    }
    if (i == p->tally_count) {
        t->on = r->on;
        t->on_count = r->on_count;
        name_it(c, r, t);
        p->tallies[p->tally_count] = policy_alloc(p, sizeof *t);
        *p->tallies[p->tally_count++] = *t;
    }
    out->attr = (uint16_t)(POLICY_ATTRS + i);
    return 0;
}

int compile_tally(compiler *c, const policy_rule *r, const yaml_node *key, const yaml_node *n,
                  check *out) {
    static const char *const known[] = {"of", "per", "each", "tz", "lt", "lte", "gt", "gte", NULL};
    tally_rule t = {.sum = strcmp(key->text, "sum") == 0};
    int rc = compile_map(c, n, t.sum ? "sum" : "count");
    out->line = n->line;
    out->column = n->column;
    rc = rc ? rc : yaml_known_keys(c->tree, n, known, c->d);
    rc = rc ? rc : read_of(c, n, &t);
    rc = rc ? rc : read_per(c, n, &t);
    rc = rc ? rc : read_tz(c, n, &t);
    rc = rc ? rc : read_each(c, n, &t);
    rc = rc ? rc : read_thresholds(c, n, &t, out);
    return rc ? rc : add(c, r, n, &t, out);
}
