/* What a backtest found, for people (in groups, the dangerous first) and for programs (a line for
 * each). */
#ifndef CLI_BACKTEST_TELL_H
#define CLI_BACKTEST_TELL_H

#include "backtest.h"
#include "cli.h"

typedef struct telling telling;

/* all: each effect is listed, not only the first of a group. p and c outlive it. p NULL: it was no
 * backtest, but what rules in shadow said. */
telling *telling_create(cli *c, const policy *p, bool all);
void telling_destroy(telling *t);
backtest_hooks telling_hooks(telling *t);
/* What the tables know besides: how long was waited for a person, and what was paid. */
int telling_look_up(telling *t, diag *d);
/* Everything, with one line at the end that sums it up. */
void telling_end(telling *t, const backtest_report *r);

#endif
