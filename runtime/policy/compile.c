/* From YAML files to one table. */
#include <stdlib.h>
#include <string.h>

#include "compileint.h"
#include "map.h"

/* ---- memory ---- */

struct arena_block {
    arena_block *next;
    size_t used, size;
    max_align_t bytes[];
};

void *policy_alloc(policy *p, size_t size) {
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (!p->blocks || p->blocks->size - p->blocks->used < size) {
        size_t room = size > 4000 ? size : 4000;
        arena_block *b = keel_alloc(sizeof *b + room);
        *b = (arena_block){p->blocks, 0, room};
        p->blocks = b;
    }
    void *out = (char *)p->blocks->bytes + p->blocks->used;
    p->blocks->used += size;
    memset(out, 0, size);
    return out;
}

const char *policy_copy(policy *p, const char *text, size_t len) {
    char *to = policy_alloc(p, len + 1);
    memcpy(to, text, len);
    return to;
}

void policy_destroy(policy *p) {
    if (!p) {
        return;
    }
    while (p->blocks) {
        arena_block *b = p->blocks;
        p->blocks = b->next;
        free(b);
    }
    for (size_t i = 0; i < p->zone_count; i++) {
        zone_destroy(p->zones[i]);
    }
    free(p->zones);
    free(p->rules);
    free(p->shadows);
    free(p->budgets);
    free(p->egress);
    free(p->retries);
    free(p->breakers);
    free(p->rates);
    free(p->quiet);
    free(p->prices.rows);
    free(p);
}

const digest *policy_digest(const policy *p) {
    return &p->digest;
}

size_t policy_rule_count(const policy *p) {
    return p->rule_count;
}

const char *policy_rule_id(const policy *p, size_t i) {
    return p->rules[i]->id;
}

/* ---- one file ---- */

static int check_top(compiler *c, const yaml_node *root) {
    static const char *const later[] = {"fx", NULL};
    static const char *const known[] = {"version",  "defaults",  "lists",    "rules",     "budgets",
                                        "egress",   "retries",   "breakers", "rates",     "quiet",
                                        "tiers",    "retention", "compact",  "snapshots", "prices",
                                        "unpriced", NULL};
    int rc = compile_map(c, root, "a policy");
    rc = rc ? rc : compile_keys(c, root, later, known);
    int64_t version;
    const yaml_node *n = yaml_get(root, "version");
    if (rc == 0 && (!yaml_int(n, &version) || version != 1)) {
        rc = compile_fault(c, n ? n : root,
                           n ? "this version of the language is not known" : "version is missing",
                           "Write `version: 1`.");
    }
    return rc;
}

static int read_defaults(compiler *c, const yaml_node *n) {
    static const char *const known[] = {"effect", "on_error", "mode", NULL};
    static const char *const only[] = {"deny", "deny", "enforce"}; /* or shadow */
    int rc = compile_map(c, n, "defaults");
    if (rc == 0) {
        rc = yaml_known_keys(c->tree, n, known, c->d);
    }
    for (size_t i = 0; rc == 0 && known[i]; i++) {
        const yaml_node *v = yaml_get(n, known[i]);
        if (!v || (v->kind == YAML_SCALAR && strcmp(v->text, only[i]) == 0)) {
            continue;
        }
        if (i == 2) {
            bool shadow;
            rc = compile_mode(c, v, &shadow);
            continue;
        }
        yaml_fault(c->tree, v, c->d, "%s is always %s", known[i], only[i]);
        diag_next(c->d, "Where no rule speaks Keel denies; write a rule for what shall pass.");
        return DIAG_USAGE;
    }
    return rc;
}

static int add_list(compiler *c, const yaml_node *key, const yaml_node *n) {
    const char *name;
    int rc = compile_word(c, key, "the name of a list", &name);
    if (rc == 0) {
        rc = compile_list(c, n, "a list of values");
    }
    for (size_t i = 0; rc == 0 && i < c->list_count; i++) {
        if (strcmp(c->lists[i].name, name) == 0) {
            yaml_fault(c->tree, key, c->d, "the list \"%s\" is already at %s:%d", name,
                       yaml_tree_file(c->lists[i].tree), c->lists[i].key->line);
            diag_next(c->d, "Keep one, with all its values.");
            return DIAG_USAGE;
        }
    }
    if (rc) {
        return rc;
    }
    if (c->list_count == c->list_cap) {
        c->list_cap = c->list_cap ? c->list_cap * 2 : 8;
        c->lists = keel_realloc(c->lists, c->list_cap * sizeof *c->lists);
    }
    c->lists[c->list_count++] = (named_list){name, c->tree, key, n};
    value_set checked = {0};
    return compile_set(c, n, false, &checked);
}

/* What all rules may refer to, before any rule is read. */
static int read_shared(compiler *c, const yaml_node *root) {
    int rc = compile_go_on(c, check_top(c, root));
    if (rc == 0 && yaml_get(root, "defaults")) {
        rc = compile_go_on(c, read_defaults(c, yaml_get(root, "defaults")));
    }
    rc = rc ? rc : compile_tiers(c, root);
    const yaml_node *lists = yaml_get(root, "lists");
    if (rc == 0 && lists) {
        rc = compile_map(c, lists, "lists");
    }
    for (size_t i = 0; rc == 0 && lists && i < lists->count; i++) {
        rc = compile_go_on(c, add_list(c, lists->keys[i], lists->items[i]));
    }
    return compile_go_on(c, rc);
}

static int read_entries(compiler *c, const yaml_node *root, const char *key,
                        int (*read)(compiler *c, const yaml_node *n)) {
    const yaml_node *list = yaml_get(root, key);
    if (!list) {
        return 0;
    }
    int rc = compile_list(c, list, key);
    for (size_t i = 0; rc == 0 && i < list->count; i++) {
        rc = compile_go_on(c, read(c, list->items[i]));
    }
    return compile_go_on(c, rc);
}

static int read_rules(compiler *c, const yaml_node *root) {
    const yaml_node *defaults = yaml_get(root, "defaults");
    const yaml_node *mode = defaults ? yaml_get(defaults, "mode") : NULL;
    c->shadow = mode && mode->kind == YAML_SCALAR && strcmp(mode->text, "shadow") == 0;
    int rc = read_entries(c, root, "rules", compile_rule);
    rc = rc ? rc : read_entries(c, root, "budgets", compile_budget);
    rc = rc ? rc : read_entries(c, root, "egress", compile_egress);
    rc = rc ? rc : read_entries(c, root, "retries", compile_retry);
    rc = rc ? rc : read_entries(c, root, "breakers", compile_breaker);
    rc = rc ? rc : read_entries(c, root, "rates", compile_rate);
    rc = rc ? rc : read_entries(c, root, "quiet", compile_quiet);
    rc = rc ? rc : compile_keeping(c, root);
    rc = rc ? rc : read_entries(c, root, "prices", compile_price);
    const yaml_node *unpriced = yaml_get(root, "unpriced");
    return rc || !unpriced ? rc : compile_go_on(c, compile_unpriced(c, unpriced));
}

/* ---- all files ---- */

static int each_file(compiler *c, yaml_tree *const *trees, size_t count,
                     int (*read)(compiler *c, const yaml_node *root)) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (!trees[i]) {
            continue; /* its fault was told */
        }
        c->tree = trees[i];
        c->file = policy_copy(c->p, yaml_tree_file(trees[i]), strlen(yaml_tree_file(trees[i])));
        rc = read(c, yaml_tree_root(trees[i]));
    }
    return rc;
}

static int by_name(const void *a, const void *b) {
    return strcmp((*(const policy_source *const *)a)->file,
                  (*(const policy_source *const *)b)->file);
}

static void digest_files(policy *p, const policy_source *files, size_t count) {
    const policy_source **sorted = keel_alloc(count * sizeof *sorted);
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &files[i];
    }
    if (count) {
        qsort(sorted, count, sizeof *sorted, by_name);
    }
    keel_buf text = KEEL_BUF_INIT;
    for (size_t i = 0; i < count; i++) {
        keel_buf_printf(&text, "%s\n%zu\n", sorted[i]->file, sorted[i]->len);
        keel_buf_append(&text, sorted[i]->text, sorted[i]->len);
    }
    p->digest = digest_of(text.data, text.len);
    keel_buf_free(&text);
    free(sorted);
}

/* Of two rules that say the same, the one that leaves less room decides, then the name. */
static int by_strictness(const void *a, const void *b) {
    const policy_rule *x = *(policy_rule *const *)a;
    const policy_rule *y = *(policy_rule *const *)b;
    if (x->approval.expires_us != y->approval.expires_us) {
        return x->approval.expires_us < y->approval.expires_us ? -1 : 1;
    }
    if (x->approval.edit_count != y->approval.edit_count) {
        return x->approval.edit_count < y->approval.edit_count ? -1 : 1;
    }
    if (x->approval.batch_max != y->approval.batch_max) {
        return x->approval.batch_max - y->approval.batch_max;
    }
    return strcmp(x->id, y->id);
}

static int by_attr_name(const void *a, const void *b) {
    const attr_name *x = a;
    const attr_name *y = b;
    return strcmp(x->name, y->name);
}

static void rename_band(band *b, const uint16_t *to) {
    for (size_t i = 0; i < b->count; i++) {
        if (b->checks[i].attr < POLICY_ATTRS) {
            b->checks[i].attr = to[b->checks[i].attr];
        }
    }
}

/* Attributes in the order in which they are written into a decision. */
static void sort_attrs(policy *p) {
    attr_name before[POLICY_ATTRS];
    uint16_t to[POLICY_ATTRS] = {0};
    memcpy(before, p->attrs, sizeof before);
    qsort(p->attrs, p->attr_count, sizeof *p->attrs, by_attr_name);
    for (size_t i = 0; i < p->attr_count; i++) {
        for (size_t k = 0; k < p->attr_count; k++) {
            if (before[i].name == p->attrs[k].name) {
                to[i] = (uint16_t)k;
            }
        }
    }
    for (size_t i = 0; i < p->tally_count; i++) {
        p->tallies[i]->of = to[p->tallies[i]->of];
        p->tallies[i]->each_attr = to[p->tallies[i]->each_attr];
    }
    for (size_t i = 0; i < p->rate_count; i++) {
        p->rates[i].each_attr = to[p->rates[i].each_attr];
    }
    for (size_t i = 0; i < p->rule_count + p->shadow_count; i++) {
        policy_rule *r = i < p->rule_count ? p->rules[i] : p->shadows[i - p->rule_count];
        rename_band(&r->when, to);
        for (band_kind k = BAND_DENY; k < BAND_COUNT; k++) {
            rename_band(&r->bands[k], to);
        }
    }
}

static int compile_trees(compiler *c, yaml_tree *const *trees, size_t count) {
    int rc = each_file(c, trees, count, read_shared);
    if (rc == 0) {
        rc = each_file(c, trees, count, read_rules);
    }
    rc = rc ? rc : compile_prices(c);
    if (rc || c->fault_count) {
        return rc ? rc : DIAG_USAGE;
    }
    policy *p = c->p;
    if (p->rule_count) {
        qsort(p->rules, p->rule_count, sizeof *p->rules, by_strictness);
    }
    if (p->shadow_count) {
        qsort(p->shadows, p->shadow_count, sizeof *p->shadows, by_strictness);
    }
    sort_attrs(p);
    target_list targets = {0};
    compile_targets(c, &targets);
    compile_index(c, &targets);
    check_reach(c, &targets);
    check_egress_names(c);
    check_retry_reach(c, &targets);
    check_pace_reach(c, &targets);
    check_tiers_used(c);
    check_keeping_used(c);
    free(targets.names);
    return 0;
}

static void keep_lists(compiler *c) {
    c->p->lists = policy_alloc(c->p, (c->list_count + 1) * sizeof *c->p->lists);
    for (size_t i = 0; i < c->list_count; i++) {
        c->p->lists[c->p->list_count++] =
            policy_copy(c->p, c->lists[i].name, strlen(c->lists[i].name));
    }
}

static int parse_all(compiler *c, yaml_tree **trees, const policy_source *files, size_t count) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = yaml_tree_parse(&trees[i], files[i].file, files[i].text, files[i].len, c->d);
        c->unread |= rc != 0;
        rc = compile_go_on(c, rc);
    }
    return rc;
}

int policy_check(policy **out, const policy_source *files, size_t count, const policy_world *world,
                 const policy_listener *to, diag *d) {
    yaml_tree **trees = keel_alloc((count + 1) * sizeof(yaml_tree *));
    memset(trees, 0, (count + 1) * sizeof(yaml_tree *));
    policy *p = keel_alloc(sizeof *p);
    memset(p, 0, sizeof *p);
    p->base_reads = true;
    p->base_undo = true;
    static const attr_name builtins[] = {{"class", BUILTIN_CLASS, false},
                                         {"sensitivity", BUILTIN_SENSITIVITY, false},
                                         {"sink", BUILTIN_SINK, false},
                                         {"tainted", BUILTIN_TAINTED, false},
                                         {MANIFEST_ORIGIN, BUILTIN_ORIGIN, false}};
    memcpy(p->attrs, builtins, sizeof builtins);
    p->attr_count = sizeof builtins / sizeof *builtins;
    diag own = {0};
    map ids = {0};
    compiler c = {.p = p,
                  .ids = &ids,
                  .world = world,
                  .fault = to->fault,
                  .warn = to->warn,
                  .warn_ctx = to->ctx,
                  .d = d ? d : &own};
    int rc = parse_all(&c, trees, files, count);
    if (rc == 0) {
        rc = compile_trees(&c, trees, count);
        keep_lists(&c);
    }
    for (size_t i = 0; i < count; i++) {
        yaml_tree_destroy(trees[i]);
    }
    free(trees);
    free(c.lists);
    map_free(&ids);
    if (rc) {
        policy_destroy(p);
        *c.d = c.fault_count && rc == DIAG_USAGE ? c.first : *c.d;
        return rc;
    }
    digest_files(p, files, count);
    *out = p;
    return 0;
}

int policy_compile(policy **out, const policy_source *files, size_t count,
                   const policy_world *world, policy_warning *warn, void *warn_ctx, diag *d) {
    policy_listener to = {NULL, warn, warn_ctx};
    return policy_check(out, files, count, world, &to, d);
}
