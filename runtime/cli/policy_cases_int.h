/* Shared by the readers of cases. */
#ifndef CLI_POLICY_CASES_INT_H
#define CLI_POLICY_CASES_INT_H

#include "policy_cases.h"

typedef struct case_reading {
    const yaml_tree *tree;
    const policy *policy;
    const policy_world *world;
    policy_case *now;
    diag *d;
} case_reading;

/* Each 0 or DIAG_USAGE with a place. */
int case_fault(case_reading *r, const yaml_node *n, const char *what, const char *next);
int case_text(case_reading *r, const yaml_node *map, const char *key, char **out);
/* Which of the words it is. */
int case_choose(case_reading *r, const yaml_node *n, const char *key, const char *const *words,
                int *out);
/* These set r->now. */
int case_agent(case_reading *r, const yaml_node *map);
int case_target(case_reading *r, const yaml_node *map);
int case_args(case_reading *r, const yaml_node *map);
int case_read_past(case_reading *r, const yaml_node *map); /* at, past and budget */
void case_past_free(policy_case *c);

#endif
