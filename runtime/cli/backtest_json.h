/* What a backtest found, for programs: an object a line. */
#ifndef CLI_BACKTEST_JSON_H
#define CLI_BACKTEST_JSON_H

#include "backtest.h"
#include "backtest_sums.h"

extern const char *const backtest_verdicts[]; /* "deny", "ask", "allow" */
extern const char *const backtest_changes[];  /* "allowed", "denied", "asked" */

/* Policy's own sentence of what it says now. */
void backtest_why(const policy *p, const backtest_effect *e, keel_buf *out);

void backtest_change_json(const policy *p, const backtest_effect *e, keel_buf *out);
void backtest_loss_json(uint64_t run, const char *path, const char *target, backtest_loss why,
                        keel_buf *out);
void backtest_summary_json(const backtest_report *r, const backtest_sums *s, keel_buf *out);

#endif
