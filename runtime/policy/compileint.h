/* What the readers of the YAML share while a policy is compiled. */
#ifndef COMPILEINT_H
#define COMPILEINT_H

#include "policyint.h"
#include "yamltree.h"

typedef struct named_list {
    const char *name;
    const yaml_tree *tree;
    const yaml_node *key, *node;
} named_list;

/* Where a fault was told: a list that is faulty is so for each rule that names it. */
typedef struct told {
    uint64_t what; /* a hash of the file's name and of what was said */
    int line, column;
} told;

/* What an attribute's name may be a slip of. */
typedef struct near_name {
    bool known;
    const char *near; /* NULL: it is declared, or none is near */
} near_name;

typedef struct compiler {
    policy *p;
    const policy_world *world; /* may be NULL */
    policy_warning *fault;     /* NULL: the first fault ends the reading */
    policy_warning *warn;
    void *warn_ctx; /* of both */
    diag *d;
    diag first; /* of the faults that were told */
    told told[POLICY_FAULTS];
    size_t fault_count;
    bool shadow;           /* the file's rules are in shadow, unless they say otherwise */
    bool unread;           /* some file is no YAML: what it would have named is not missed */
    const yaml_tree *tree; /* of the file that is being read */
    const char *file;      /* the policy's copy of its name */
    named_list *lists;
    size_t list_count, list_cap;
    struct map *ids;              /* of rules, by hash */
    near_name near[POLICY_ATTRS]; /* of attributes, once asked for */
    size_t rule_cap, shadow_cap, budget_cap, egress_cap, retry_cap, breaker_cap, rate_cap,
        quiet_cap, price_cap;
    const yaml_node *unpriced; /* where it was said, or NULL */
    const yaml_tree *unpriced_tree;
} compiler;

/* ---- faults.c ---- */

int compile_fault(compiler *c, const yaml_node *n, const char *what, const char *next);
void compile_warn(compiler *c, const char *file, int line, int column, const char *what,
                  const char *next);
/* Behind each part that stands for itself: 0 when its fault was told and the next one is read. */
int compile_go_on(compiler *c, int rc);
/* yaml_later_keys and yaml_known_keys, where each faulty key is told. */
int compile_keys(compiler *c, const yaml_node *n, const char *const *later,
                 const char *const *known);

/* ---- read_value.c; each 0 or DIAG_USAGE with its place ---- */

int compile_map(compiler *c, const yaml_node *n, const char *what);
int compile_list(compiler *c, const yaml_node *n, const char *what);
int compile_text(compiler *c, const yaml_node *n, const char *what, const char **out);
int compile_word(compiler *c, const yaml_node *n, const char *what, const char **out);
/* The same of a value, where YAML's numbers and truth values are refused: quoted they are words. */
int compile_name(compiler *c, const yaml_node *n, const char *what, const char **out);
/* A list of texts, or one text. */
int compile_words(compiler *c, const yaml_node *n, const char *what, const char ***out,
                  size_t *count);
/* Where the i-th of them stands. */
const yaml_node *compile_words_at(const yaml_node *n, size_t i);
/* true | false, a number, money or text; a list or map is refused. */
int compile_value(compiler *c, const yaml_node *n, attr_value *out);
/* The values of `in`: a list, or $name. */
int compile_set(compiler *c, const yaml_node *n, bool fold, value_set *out);

/* ---- read_rule.c, read_band.c, read_budget.c, read_egress.c, read_escalate.c, read_retry.c,
 * read_tally.c, read_pace.c ---- */

int compile_rule(compiler *c, const yaml_node *n);
/* read_mode.c */
int compile_mode(compiler *c, const yaml_node *n, bool *shadow); /* NULL: the file's */
int compile_guard(compiler *c, const yaml_node *n, policy_rule *r);
void compile_replaces(policy *p, const policy_rule *r); /* a built-in one, if that is its id */
int compile_places(compiler *c, const yaml_node *rule); /* keys that stand beside the rules */
int compile_band(compiler *c, const policy_rule *r, const yaml_node *n, band *out);
int compile_attr(compiler *c, const yaml_node *key, uint16_t *out); /* into policy.attrs */
/* One `sum` or `count`, named by key; what it counts has the rule's targets. */
int compile_tally(compiler *c, const policy_rule *r, const yaml_node *key, const yaml_node *n,
                  check *out);
int compile_zone(compiler *c, const yaml_node *n, const zone **out); /* goes with the policy */
const char *compile_currency(const check *ch); /* NULL: it compares with no money */
int compile_budget(compiler *c, const yaml_node *n);
/* read_limit.c: its window; what happens at its soft limit, and at the hard one. */
int compile_window(compiler *c, const yaml_node *n, budget_rule *b);
int compile_soft(compiler *c, const yaml_node *n, budget_rule *b);
int compile_hard(compiler *c, const yaml_node *n, budget_rule *b);
int compile_egress(compiler *c, const yaml_node *n);
int compile_approval(compiler *c, const yaml_node *rule, policy_rule *r); /* read_approval.c */
int compile_escalate(compiler *c, const yaml_node *n, policy_approval *a);
int compile_retry(compiler *c, const yaml_node *n);
int compile_endorse(compiler *c, const yaml_node *n, policy_rule *r); /* endorse.c */
int compile_breaker(compiler *c, const yaml_node *n);
int compile_rate(compiler *c, const yaml_node *n);
int compile_quiet(compiler *c, const yaml_node *n);
/* read_tiers.c, read_keeping.c: all of one file's. Tiers are read before what names them. */
int compile_tiers(compiler *c, const yaml_node *root);
int compile_tier_named(compiler *c, const yaml_node *n, const char **out);
int compile_keeping(compiler *c, const yaml_node *root);
/* What nothing uses, yet or in this workspace: warned about. */
void check_tiers_used(compiler *c);
void check_keeping_used(compiler *c);
/* read_price.c; compile_prices: after all files, what no one row shows. */
int compile_price(compiler *c, const yaml_node *n);
int compile_unpriced(compiler *c, const yaml_node *n);
int compile_prices(compiler *c);
/* The attribute whose values are counted apart: none of Keel's own. */
int compile_member(compiler *c, const yaml_node *n, const char *what, uint16_t *out);
/* run.spawn is not sent: refused in an entry that is about what is. */
int compile_sent(compiler *c, const yaml_node *entry, const char *const *on, size_t count,
                 const char *what);
/* The targets of an entry's `on`; missing: what is said when there is none. */
int compile_on(compiler *c, const yaml_node *entry, const char *missing, const char ***on,
               size_t *count);

/* ---- index.c, check.c: after all rules are read ---- */

/* Every target of the world, run.spawn, and those that rules name without a glob. */
typedef struct target_list {
    const char **names;
    size_t count, cap;
} target_list;

void compile_targets(compiler *c, target_list *out); /* names belong to the policy */
void compile_index(compiler *c, const target_list *targets);
/* Who speaks in a message, and where. */
typedef struct speaker {
    const char *what; /* "rule r" */
    const char *file;
    int line, column;
} speaker;
/* Names that do not exist in the world, if there is one: refused, each at its node. */
typedef struct named_things {
    const char *const *on;
    size_t on_count;
    const char *const *agents;
    size_t agent_count;
} named_things;
int check_names(compiler *c, const char *what, const yaml_node *entry, const named_things *n);
int check_targets(compiler *c, const char *what, const yaml_node *on, const char *const *targets,
                  size_t count);
int check_agent_named(compiler *c, const char *what, const yaml_node *at, const char *name);
int check_connection(compiler *c, const char *what, const yaml_node *at, const char *name);
/* Whom a step tells: refused when keel.yaml names ways and not this one. "operator" is always there. */
int check_notifier(compiler *c, const yaml_node *at, const char *name);
bool reaches_any(const char *on, const target_list *targets);
void check_conditions(compiler *c, const policy_rule *r); /* check_band.c */
/* Rules and bands that can never matter: warned about. */
void check_reach(compiler *c, const target_list *targets);
const char *near_attribute(compiler *c, uint16_t id); /* NULL: declared, or none near */
/* The same of the sums and counts of one band. */
void check_tallies(compiler *c, const policy_rule *r, const band *b);
/* Entries of `egress` that match no connection: warned about. */
void check_egress_names(compiler *c);
/* The same of `retries` and `breakers`; and of `rates` and `quiet`. */
void check_retry_reach(compiler *c, const target_list *targets);
void check_pace_reach(compiler *c, const target_list *targets);
void check_unmatched(compiler *c, const speaker *s, const char *on);

#endif
