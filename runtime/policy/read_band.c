/* The conditions of a rule: `when`, `deny`, `allow`, `ask`. */
#include <string.h>

#include "compileint.h"

static const struct {
    const char *name;
    op_kind kind;
} ops[] = {
    {"lt", OP_LT}, {"lte", OP_LTE},       {"gt", OP_GT},           {"gte", OP_GTE},
    {"in", OP_IN}, {"not_in", OP_NOT_IN}, {"matches", OP_MATCHES}, {"present", OP_PRESENT},
};
#define OPS (sizeof ops / sizeof *ops)

/* ---- attributes ---- */

static bool declared_domain(const policy_world *w, const char *name) {
    for (size_t i = 0; w && i < w->connection_count; i++) {
        const manifest *m = w->connections[i].plugin;
        for (size_t r = 0; r < m->resource_count; r++) {
            for (size_t a = 0; a < m->resources[r].attr_count; a++) {
                const manifest_attr *found = &m->resources[r].attrs[a];
                if (found->fn == ATTR_DOMAIN && strcmp(found->name, name) == 0) {
                    return true;
                }
            }
        }
    }
    return false;
}

/* A name is a domain's when a manifest says so, or, without manifests at hand, by its ending. */
static bool is_domain(const compiler *c, const char *name) {
    size_t n = strlen(name);
    return (n >= 6 && strcmp(name + n - 6, "domain") == 0) || declared_domain(c->world, name);
}

static int attr_id(compiler *c, const yaml_node *key, uint16_t *out) {
    policy *p = c->p;
    for (size_t i = 0; i < p->attr_count; i++) {
        if (strcmp(p->attrs[i].name, key->text) == 0) {
            *out = (uint16_t)i;
            return 0;
        }
    }
    const char *name;
    int rc = compile_word(c, key, "an attribute", &name);
    if (rc == 0 && p->attr_count == POLICY_ATTRS) {
        rc = compile_fault(c, key, "more than 256 different attributes in all rules",
                           "Use fewer names.");
    }
    if (rc == 0) {
        p->attrs[p->attr_count] = (attr_name){name, BUILTIN_NONE, is_domain(c, name)};
        *out = (uint16_t)p->attr_count++;
    }
    return rc;
}

/* What Keel itself computes has few values: a wrong one can never match. */
static int check_builtin(compiler *c, builtin_attr which, const yaml_node *n, const attr_value *v) {
    static const char *const sinks[] = {"external", "internal", NULL};
    static const char *const classes[] = {"read", "local",      "keyed", "checkable",
                                          "once", "repeatable", "none",  NULL};
    if (which == BUILTIN_TAINTED) {
        return v->type == ATTR_BOOL ? 0
                                    : compile_fault(c, n, "tainted is either true or false",
                                                    "Write `tainted: true`.");
    }
    const char *const *words = which == BUILTIN_SINK ? sinks : classes;
    for (size_t i = 0; v->type == ATTR_TEXT && words[i]; i++) {
        if (strcmp(words[i], v->text) == 0) {
            return 0;
        }
    }
    const char *near = v->type == ATTR_TEXT ? did_you_mean(v->text, words) : NULL;
    yaml_fault(c->tree, n, c->d, "%s is never \"%.40s\"", which == BUILTIN_SINK ? "sink" : "class",
               n->text);
    if (near) {
        diag_next(c->d, "Did you mean \"%s\"?", near);
    } else {
        diag_next(c->d, which == BUILTIN_SINK ? "It is external or internal."
                                              : "It is the class of a verb, such as once.");
    }
    return DIAG_USAGE;
}

/* ---- comparators ---- */

static int read_order(compiler *c, const yaml_node *n, op *o) {
    int rc = compile_value(c, n, &o->value);
    if (rc == 0 && o->value.type != ATTR_NUMBER && o->value.type != ATTR_MONEY) {
        rc = compile_fault(c, n, "lt, lte, gt and gte compare with a number or an amount of money",
                           "Write 5, or 100 EUR with the currency's three letters.");
    }
    return rc;
}

static int read_match(compiler *c, const yaml_node *n, op *o) {
    int rc = compile_value(c, n, &o->value);
    if (rc == 0 && (o->value.type == ATTR_BOOL || o->value.type == ATTR_NUMBER || n->len == 0)) {
        rc = compile_fault(c, n, "matches compares with a pattern of text",
                           "Write a text with * and ?, such as \"*.example.org\".");
    }
    o->value.type = ATTR_TEXT;
    o->suffix = rc == 0 && n->text[0] == '*' && strcspn(n->text + 1, "*?") == n->len - 1;
    return rc;
}

static int read_op(compiler *c, const yaml_node *key, const yaml_node *n, op *o) {
    for (size_t i = 0; i < OPS; i++) {
        if (strcmp(ops[i].name, key->text) == 0) {
            o->kind = ops[i].kind;
        }
    }
    switch (o->kind) {
    case OP_IN:
    case OP_NOT_IN:
        return compile_set(c, n, o->fold, &o->set);
    case OP_MATCHES:
        return read_match(c, n, o);
    case OP_PRESENT:
        return yaml_bool(n, &o->yes) ? 0
                                     : compile_fault(c, n, "present is either true or false",
                                                     "Write `present: true`.");
    default:
        return read_order(c, n, o);
    }
}

static int check_values(compiler *c, const attr_name *a, const yaml_node *n, const op *o) {
    if (a->builtin == BUILTIN_NONE) {
        return 0;
    }
    if (o->kind == OP_EQ) {
        return check_builtin(c, a->builtin, n, &o->value);
    }
    for (size_t i = 0; (o->kind == OP_IN || o->kind == OP_NOT_IN) && i < o->set.count; i++) {
        const yaml_node *item = n->kind == YAML_LIST ? n->items[i] : n;
        int rc = check_builtin(c, a->builtin, item, &o->set.items[i]);
        if (rc) {
            return rc;
        }
    }
    return 0;
}

static const char *currency_of(const op *o) {
    bool set = o->kind == OP_IN || o->kind == OP_NOT_IN;
    const attr_value *v = set ? o->set.items : &o->value;
    return (!set || o->set.count) && o->kind != OP_PRESENT && v->type == ATTR_MONEY ? v->currency
                                                                                    : NULL;
}

static int check_currencies(compiler *c, const yaml_node *n, const op *list, size_t count) {
    for (size_t i = 1; i < count; i++) {
        const char *a = currency_of(&list[0]);
        const char *b = currency_of(&list[i]);
        if (a && b && strcmp(a, b) != 0) {
            return compile_fault(c, n, "mixed currencies: no amount meets both comparators",
                                 "Write a rule for each currency; amounts are never converted.");
        }
    }
    return 0;
}

static int check_keys(compiler *c, const yaml_node *n) {
    static const char *const later[] = {"sum", "count", NULL};
    const char *known[OPS + 1] = {NULL};
    for (size_t i = 0; i < OPS; i++) {
        known[i] = ops[i].name;
    }
    int rc = yaml_later_keys(c->tree, n, later, c->d);
    return rc ? rc : yaml_known_keys(c->tree, n, known, c->d);
}

static int read_map(compiler *c, const yaml_node *n, const attr_name *a, check *out) {
    int rc = check_keys(c, n);
    if (rc == 0 && n->count == 0) {
        rc = compile_fault(c, n, "an attribute without a comparator",
                           "Write for example `{ lt: 100 EUR }`.");
    }
    op *list = policy_alloc(c->p, n->count * sizeof *list);
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        list[i].fold = a->fold;
        rc = read_op(c, n->keys[i], n->items[i], &list[i]);
        if (rc == 0) {
            rc = check_values(c, a, n->items[i], &list[i]);
        }
    }
    out->ops = list;
    out->count = (uint16_t)n->count;
    return rc ? rc : check_currencies(c, n, list, n->count);
}

static int read_check(compiler *c, const yaml_node *key, const yaml_node *n, check *out) {
    int rc = attr_id(c, key, &out->attr);
    if (rc) {
        return rc;
    }
    out->line = key->line;
    out->column = key->column;
    const attr_name *a = &c->p->attrs[out->attr];
    if (n->kind == YAML_MAP) {
        return read_map(c, n, a, out);
    }
    if (n->kind == YAML_LIST) {
        return compile_fault(c, n, "a list stands where a comparator is wanted",
                             "Write `{ in: [one, two] }`.");
    }
    op *one = policy_alloc(c->p, sizeof *one);
    one->kind = OP_EQ;
    one->fold = a->fold;
    rc = compile_value(c, n, &one->value);
    out->ops = one;
    out->count = 1;
    return rc ? rc : check_values(c, a, n, one);
}

int compile_band(compiler *c, const yaml_node *n, band *out) {
    static const char *const later[] = {"sum",      "count",     "sensitivity",
                                        "to_known", "to_origin", NULL};
    int rc = n->kind == YAML_MAP
                 ? 0
                 : compile_fault(c, n, "conditions want a map",
                                 "Write { attribute: { comparator: value } }; {} is: always.");
    if (rc == 0) {
        rc = yaml_later_keys(c->tree, n, later, c->d);
    }
    if (rc) {
        return rc;
    }
    out->present = true;
    out->line = n->line;
    out->column = n->column;
    out->count = (uint16_t)n->count;
    out->checks = policy_alloc(c->p, n->count * sizeof *out->checks);
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        rc = read_check(c, n->keys[i], n->items[i], &out->checks[i]);
    }
    return rc;
}
