/* Budgets: reserve, dispatch, settle. All state is in memory, one owner; every change is returned
 * to the caller as holds or sums, which it journals in the same turn. Always: spent + held <=
 * limit. */
#ifndef BUDGET_H
#define BUDGET_H

#include "policy.h"

typedef struct budgets budgets;

budgets *budgets_create(void);
void budgets_destroy(budgets *b);

typedef struct budget_request {
    const char *agent;
    uint64_t root_run; /* the run tree */
    int depth;         /* of the run in its tree: root 0; max_depth */
    int64_t calls;     /* usually 1; 0 where the effect is no call */
    int64_t micros;    /* estimate; 0: costs nothing */
    char currency[4];  /* empty when micros is 0 */
} budget_request;

/* One amount held in one scope and window of one budget. */
typedef struct budget_hold {
    char budget[64]; /* id */
    char scope[64];  /* "workspace", "agent:NAME", "run:ID" */
    char window[24]; /* "2026-11", "2026-11-22", "-" */
    char unit[8];    /* "calls" or a currency */
    int64_t amount;
} budget_hold;

#define BUDGET_HOLDS 16

typedef struct budget_refusal {
    char budget[64];
    char scope[64];
    char window[24];
    char unit[8];
    int64_t limit, spent, held, wanted;
    char why[256];          /* one sentence */
    policy_verdict at_hard; /* DENY (default) or ASK */
} budget_refusal;

/* Reserves in all matching budgets or in none. 0 with holds[0..count), or -1 with *why.
 * now_us: wall clock, decides the window. A money request that no budget of its currency covers
 * while another money budget matches is refused by name. */
int budget_reserve(budgets *b, const policy *p, const budget_request *req, int64_t now_us,
                   budget_hold holds[BUDGET_HOLDS], size_t *count, budget_refusal *why);
/* Turns a hold into spending: `actual` in the hold's unit. What exceeds the limit is booked and
 * returned as overrun (0 normally). actual < 0: the full hold. */
int64_t budget_settle(budgets *b, const policy *p, const budget_hold *hold, int64_t actual);
void budget_release(budgets *b, const budget_hold *hold);

/* Recovery: sums as the tables have them. */
void budget_restore(budgets *b, const char *id, const char *scope, const char *window,
                    const char *unit, int64_t spent, int64_t held);
typedef void budget_visit(void *ctx, const char *id, const char *scope, const char *window,
                          const char *unit, int64_t spent, int64_t held, int64_t limit);
/* All scopes with news or held sums; limit -1 when the policy no longer has that budget. */
void budget_each(const budgets *b, const policy *p, budget_visit *visit, void *ctx);
/* Forgets closed windows and ended run trees without holds. */
void budget_forget_run(budgets *b, uint64_t root_run);

/* Holds as canonical JSON array of {"amount","budget","scope","unit","window"} and back. */
void budget_holds_json(const budget_hold *holds, size_t count, keel_json_writer *w);
int budget_holds_parse(keel_json v, budget_hold holds[BUDGET_HOLDS], size_t *count);

#endif
