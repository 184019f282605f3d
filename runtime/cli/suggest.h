/* What a person may do about an effect that policy or a budget stopped. */
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

#include "effect.h"
#include "keel/json.h"

/* The rule that would have asked, ready to paste, on stderr. Silent where the workspace does not
 * know the target. */
void suggest_rule(cli *c, const effect *e, keel_json args);
/* Budgets that concern the effect's agent and run, with what is left. */
void suggest_budgets(cli *c, const effect *e, keel_buf *out);

/* All sums with their limits from the workspace's policy: "" when the policy cannot be read. */
typedef struct budget_line {
    const char *id, *scope, *window, *unit;
    int64_t spent, held, limit; /* limit -1: none */
} budget_line;
typedef void suggest_visit(void *ctx, const budget_line *b);
void suggest_each_budget(cli *c, suggest_visit *visit, void *ctx);

#endif
