/* What a person may do about an effect that policy or a budget stopped. */
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

#include "budget.h"
#include "effect.h"
#include "keel/json.h"

/* The rule that would have asked, ready to paste, on stderr. Silent where the workspace does not
 * know the target. */
void suggest_rule(cli *c, const effect *e, keel_json args);
/* Budgets that concern the effect's agent and run, with what is left. */
void suggest_budgets(cli *c, const effect *e, keel_buf *out);

/* All sums with their limits from the workspace's policy; nothing when that cannot be read. */
void suggest_each_budget(cli *c, budget_visit *visit, void *ctx);
/* The same of a policy that is there. */
int suggest_sums(cli *c, const policy *p, budget_visit *visit, void *ctx, diag *d);

#endif
