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

int compile_attr(compiler *c, const yaml_node *key, uint16_t *out) {
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

static bool is_yes_or_no(builtin_attr which) {
    return which == BUILTIN_TAINTED || which == BUILTIN_ORIGIN;
}

/* What Keel itself computes has few values: a wrong one can never match. */
static int check_builtin(compiler *c, builtin_attr which, const yaml_node *n, attr_value *v) {
    static const char *const sinks[] = {"external", "internal", NULL};
    static const char *const classes[] = {"read", "local",      "keyed", "checkable",
                                          "once", "repeatable", "none",  NULL};
    static const struct {
        const char *name;
        const char *const *words;
        const char *help;
    } own[] = {
        [BUILTIN_CLASS] = {"class", classes, "It is the class of a verb, such as once."},
        [BUILTIN_SENSITIVITY] = {"sensitivity", sensitivity_names,
                                 "It is public, internal, confidential or restricted."},
        [BUILTIN_SINK] = {"sink", sinks, "It is external or internal."},
    };
    if (is_yes_or_no(which)) {
        bool tainted = which == BUILTIN_TAINTED;
        return v->type == ATTR_BOOL
                   ? 0
                   : compile_fault(c, n,
                                   tainted ? "tainted is either true or false"
                                           : "to_origin is either true or false",
                                   tainted ? "Write `tainted: true`." : "Write `to_origin: true`.");
    }
    const char *const *words = own[which].words;
    for (size_t i = 0; v->type == ATTR_TEXT && words[i]; i++) {
        if (strcmp(words[i], v->text) == 0) {
            v->number = (double)i; /* its rank, where it has one */
            return 0;
        }
    }
    const char *near = v->type == ATTR_TEXT ? did_you_mean(v->text, words) : NULL;
    yaml_fault(c->tree, n, c->d, "%s is never \"%.40s\"", own[which].name,
               v->type == ATTR_TEXT ? v->text : n->text);
    if (near) {
        diag_next(c->d, "Did you mean \"%s\"?", near);
    } else {
        diag_next(c->d, "%s", own[which].help);
    }
    return DIAG_USAGE;
}

/* What has few values has no order, and true is no text; levels are words with an order. */
static int check_builtin_op(compiler *c, const attr_name *a, const yaml_node *key, const op *o) {
    bool order = o->kind <= OP_GTE, level = a->builtin == BUILTIN_SENSITIVITY;
    bool pattern = o->kind == OP_MATCHES;
    if (order ? level : !pattern || (!level && !is_yes_or_no(a->builtin))) {
        return 0;
    }
    yaml_fault(c->tree, key, c->d, "%s has no %s", a->name, key->text);
    diag_next(c->d, "Write for example `%s`.",
              a->builtin == BUILTIN_TAINTED  ? "tainted: true"
              : a->builtin == BUILTIN_ORIGIN ? "to_origin: true"
              : level                        ? "sensitivity: { lte: internal }"
              : a->builtin == BUILTIN_SINK   ? "sink: external"
                                             : "class: { in: [once, keyed] }");
    return DIAG_USAGE;
}

/* ---- comparators ---- */

static int read_order(compiler *c, const attr_name *a, const yaml_node *n, op *o) {
    int rc = compile_value(c, n, &o->value);
    if (rc == 0 && a->builtin != BUILTIN_NONE) {
        return 0; /* check_builtin says what it is compared with, if it has an order */
    }
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

static int read_op(compiler *c, const attr_name *a, const yaml_node *key, const yaml_node *n,
                   op *o) {
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
        return read_order(c, a, n, o);
    }
}

/* key: the comparator's, or the attribute's where a bare value stands. */
static int check_values(compiler *c, const attr_name *a, const yaml_node *key, const yaml_node *n,
                        op *o) {
    if (a->builtin == BUILTIN_NONE) {
        return 0;
    }
    if (o->kind == OP_EQ) {
        return check_builtin(c, a->builtin, n, &o->value);
    }
    int rc = check_builtin_op(c, a, key, o);
    if (rc || o->kind <= OP_GTE) {
        return rc ? rc : check_builtin(c, a->builtin, n, &o->value);
    }
    for (size_t i = 0; (o->kind == OP_IN || o->kind == OP_NOT_IN) && i < o->set.count; i++) {
        const yaml_node *item = n->kind == YAML_LIST ? n->items[i] : n;
        attr_value v = o->set.items[i];
        rc = check_builtin(c, a->builtin, item, &v);
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

const char *compile_currency(const check *ch) {
    const char *found = NULL;
    for (size_t i = 0; !found && i < ch->count; i++) {
        found = currency_of(&ch->ops[i]);
    }
    return found;
}

static int check_currencies(compiler *c, const yaml_node *n, const check *ch) {
    const char *first = compile_currency(ch);
    for (size_t i = 0; first && i < ch->count; i++) {
        const char *other = currency_of(&ch->ops[i]);
        if (other && strcmp(first, other) != 0) {
            return compile_fault(c, n, "mixed currencies: no amount meets both comparators",
                                 "Write a rule for each currency; amounts are never converted.");
        }
    }
    return 0;
}

/* A sum is no comparator of an attribute: it stands beside the attributes. */
static int check_place(compiler *c, const yaml_node *n) {
    for (size_t i = 0; i < n->count; i++) {
        const yaml_node *key = n->keys[i];
        if (strcmp(key->text, "sum") == 0) {
            return compile_fault(c, key, "a sum stands beside the attributes, not below one",
                                 "Write `sum: { of: amount, per: 1d, lte: 500 EUR }`.");
        }
        if (strcmp(key->text, "count") == 0) {
            return compile_fault(c, key, "a count stands beside the attributes, not below one",
                                 "Write `count: { per: 1h, lte: 20 }`.");
        }
    }
    return 0;
}

static int check_keys(compiler *c, const yaml_node *n) {
    const char *known[OPS + 1] = {NULL};
    for (size_t i = 0; i < OPS; i++) {
        known[i] = ops[i].name;
    }
    int rc = check_place(c, n);
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
        rc = read_op(c, a, n->keys[i], n->items[i], &list[i]);
        if (rc == 0) {
            rc = check_values(c, a, n->keys[i], n->items[i], &list[i]);
        }
    }
    out->ops = list;
    out->count = (uint16_t)n->count;
    return rc ? rc : check_currencies(c, n, out);
}

static int read_check(compiler *c, const yaml_node *key, const yaml_node *n, check *out) {
    int rc = compile_attr(c, key, &out->attr);
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
    return rc ? rc : check_values(c, a, key, n, one);
}

/* ---- the band ---- */

static bool is_tally(const yaml_node *key) {
    return strcmp(key->text, "sum") == 0 || strcmp(key->text, "count") == 0;
}

/* One sum or count, or a list of them. */
static int read_tallies(compiler *c, const policy_rule *r, const yaml_node *key, const yaml_node *n,
                        band *out) {
    if (n->kind != YAML_LIST) {
        return compile_tally(c, r, key, n, &out->checks[out->count++]);
    }
    int rc = n->count ? 0
                      : compile_fault(c, n, "an empty list of sums or counts says nothing",
                                      "Write `count: { per: 1h, lte: 20 }`, or remove the line.");
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        rc = compile_tally(c, r, key, n->items[i], &out->checks[out->count++]);
    }
    return rc;
}

static size_t checks_of(const yaml_node *n) {
    size_t count = n->count;
    for (size_t i = 0; i < n->count; i++) {
        if (is_tally(n->keys[i]) && n->items[i]->kind == YAML_LIST) {
            count += n->items[i]->count;
        }
    }
    return count;
}

int compile_band(compiler *c, const policy_rule *r, const yaml_node *n, band *out) {
    static const char *const later[] = {"to_known", NULL};
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
    out->checks = policy_alloc(c->p, checks_of(n) * sizeof *out->checks);
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        rc = is_tally(n->keys[i])
                 ? read_tallies(c, r, n->keys[i], n->items[i], out)
                 : read_check(c, n->keys[i], n->items[i], &out->checks[out->count++]);
    }
    return rc;
}
