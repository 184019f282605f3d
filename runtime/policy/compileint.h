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

typedef struct compiler {
    policy *p;
    const policy_world *world; /* may be NULL */
    policy_warning *warn;
    void *warn_ctx;
    diag *d;
    const yaml_tree *tree; /* of the file that is being read */
    const char *file;      /* the policy's copy of its name */
    named_list *lists;
    size_t list_count, list_cap;
    size_t rule_cap, budget_cap, egress_cap, retry_cap, breaker_cap;
} compiler;

/* ---- read_value.c; each 0 or DIAG_USAGE with its place ---- */

int compile_fault(compiler *c, const yaml_node *n, const char *what, const char *next);
int compile_map(compiler *c, const yaml_node *n, const char *what);
int compile_list(compiler *c, const yaml_node *n, const char *what);
int compile_text(compiler *c, const yaml_node *n, const char *what, const char **out);
int compile_word(compiler *c, const yaml_node *n, const char *what, const char **out);
/* A list of texts, or one text. */
int compile_words(compiler *c, const yaml_node *n, const char *what, const char ***out,
                  size_t *count);
/* true | false, a number, money or text; a list or map is refused. */
int compile_value(compiler *c, const yaml_node *n, attr_value *out);
/* The values of `in`: a list, or $name. */
int compile_set(compiler *c, const yaml_node *n, bool fold, value_set *out);
void compile_warn(compiler *c, const char *file, int line, int column, const char *what,
                  const char *next);

/* ---- read_rule.c, read_band.c, read_budget.c, read_egress.c, read_escalate.c, read_retry.c ---- */

int compile_rule(compiler *c, const yaml_node *n);
int compile_band(compiler *c, const yaml_node *n, band *out);
int compile_budget(compiler *c, const yaml_node *n);
int compile_egress(compiler *c, const yaml_node *n);
int compile_escalate(compiler *c, const yaml_node *n, policy_approval *a);
int compile_retry(compiler *c, const yaml_node *n);
int compile_breaker(compiler *c, const yaml_node *n);
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
/* Names that do not exist: refused. */
int check_names(compiler *c);
/* Who speaks in a message, and where. */
typedef struct speaker {
    const char *what; /* "rule r" */
    const char *file;
    int line, column;
} speaker;
int check_target(compiler *c, const speaker *s, const char *on);
int check_connection(compiler *c, const speaker *s, const char *name);
bool reaches_any(const char *on, const target_list *targets);
/* Rules and bands that can never matter: warned about. */
void check_reach(compiler *c, const target_list *targets);
/* Entries of `egress` that match no connection: warned about. */
void check_egress_names(compiler *c);
/* The same of `retries` and `breakers`; a name that does not exist is refused. */
int check_retry_names(compiler *c);
void check_retry_reach(compiler *c, const target_list *targets);

#endif
