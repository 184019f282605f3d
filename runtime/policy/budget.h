/* Budgets: reserve, dispatch, settle. All state is in memory, one owner; every change is returned
 * to the caller as holds or sums, which it journals in the same turn. Always: spent + held <=
 * limit.
 *
 * An account is what one budget has spent and holds in one unit, for one scope, in one window: a
 * calendar's ("2026-11-23"), the whole life ("-"), or one slice of a window that rolls
 * ("2026-11-23T12:00/1h"). A slice counts until all of it has left the window, so within no real
 * window is more than the limit. A hold belongs to the account in which it was made. */
#ifndef BUDGET_H
#define BUDGET_H

#include "tiers.h"

typedef struct budgets budgets;
typedef struct budget_account budget_account;

budgets *budgets_create(void);
void budgets_destroy(budgets *b);

/* A limit beyond which an effect goes. */
typedef struct budget_beyond {
    char budget[64];
    char unit[8];   /* "calls", "tokens", a currency, "depth" */
    int64_t amount; /* of what it wants, what does not fit */
} budget_beyond;

typedef struct budget_request {
    const char *agent;
    uint64_t root_run;         /* the run tree */
    int depth;                 /* of the run in its tree: root 0; max_depth */
    int64_t calls;             /* usually 1; 0 where the effect is no call */
    int64_t tokens;            /* estimate of all classes; 0: it uses none */
    int64_t micros;            /* estimate; 0: costs nothing */
    char currency[4];          /* empty when micros is 0 */
    const char *target;        /* "inbox.message.write", "run.spawn" */
    const char *connection;    /* NULL: it goes through none */
    bool asked;                /* a person lets exactly this go: soft limits do not ask again, */
    const budget_beyond *lets; /* and these hard ones not, where they ask */
    size_t let_count;
} budget_request;

/* One amount held in one account. It keeps the account until it is settled or released. */
typedef struct budget_hold {
    budget_account *account;
    int64_t amount;
    int64_t borrowed; /* of it: beyond the limit, as a person let it */
} budget_hold;

#define BUDGET_HOLDS 16

/* Where a hold is held; the texts live as long as it does. */
typedef struct budget_place {
    const char *budget; /* id */
    const char *scope;  /* "workspace", "agent:NAME", "connection:NAME", "run:ID" */
    const char *window; /* "2026-11", "2026-11-22", "2026-11-22T12:00/1h", "-" */
    const char *
        unit; /* "calls", "tokens", a currency, "interruptions" or "seconds"; with a + at its end, see
                 budget_holds_json */
} budget_place;
budget_place budget_hold_place(const budget_hold *h);

/* What becomes of an effect that does not fit. Of several budgets the first kind here decides. */
typedef enum budget_hard {
    HARD_DENY,
    HARD_STOP,     /* its run is paused */
    HARD_THROTTLE, /* it waits for a release or the next window */
    HARD_ESCALATE, /* asked for, and told at once */
    HARD_ASK,
    HARD_BATCH /* of attention: what asks is gathered */
} budget_hard;

typedef struct budget_refusal {
    char budget[64];
    char scope[64];
    char window[24]; /* "2026-11", "24h", "-" */
    char unit[16];
    int64_t limit, spent, held, wanted;
    char why[256]; /* one sentence */
    budget_hard at_hard;
    bool soft;           /* it fits, but is beyond a soft limit from which on each is asked for */
    int64_t throttle_us; /* HARD_THROTTLE: the longest wait, */
    policy_verdict then; /* and what is said after it: DENY or ASK */
    int64_t ends_us;     /* when more may fit though nothing is released; INT64_MAX: never */
    budget_beyond beyond[BUDGET_HOLDS]; /* all hard limits that ask and are too small */
    size_t beyond_count;
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
/* Holds of nothing, where money of the request's currency counts: to settle there what turned out to cost
 * something else than was held. At most `room`; the number of them. */
size_t budget_open(budgets *b, const policy *p, const budget_request *req, int64_t now_us,
                   budget_hold *holds, size_t room);
/* Of what a hold has borrowed, what stays spent of it: what is left over is given back first. */
int64_t budget_borrowed(const budget_hold *hold, int64_t actual);

/* ---- attention.c: interruptions and minutes of a person, each by the day ---- */
bool policy_limits_attention(const policy *p, bool minutes);
/* One more may interrupt; else *why, with ends_us. Of the request agent and target count. */
bool attention_lets(budgets *b, const policy *p, const budget_request *req, int64_t now_us,
                    budget_refusal *why);
/* Books one interruption, or seconds > 0, where they are limited; spent: how much where, for
 * budget_holds_json, and nothing is held. */
size_t attention_spend(budgets *b, const policy *p, const budget_request *req, int64_t seconds,
                       int64_t now_us, budget_hold spent[BUDGET_HOLDS]);

/* Soft limits that `notify`: what reached its soft limit since it was asked last, once per window;
 * false: nothing. The texts live until the next call about budgets. */
typedef struct budget_notice {
    const char *budget, *scope, *unit;
    int64_t limit, spent, held;
    int percent;   /* of the limit, that was reached */
    char why[256]; /* one sentence */
} budget_notice;
bool budget_told(budgets *b, const policy *p, budget_notice *out);

/* Recovery: sums as the tables have them. Windows that count no more are left out, if nothing is
 * held in them; p NULL: none is. */
void budget_restore(budgets *b, const policy *p, int64_t now_us, const budget_place *at,
                    int64_t spent, int64_t held);

/* ---- soft.c: what soft limits that are reached change of an effect that they count ---- */
/* What asks for it is gathered until the day turns: *why, with ends_us. Of several the last to turn. */
bool budget_gathers(budgets *b, const policy *p, const budget_request *req, int64_t now_us,
                    budget_refusal *why);
typedef struct budget_lowering {
    char budget[64];
    char why[128]; /* "budget agent is at 83 %" */
} budget_lowering;
/* Of the tiers that they name the cheapest that takes what is of that level, if it is cheaper than
 * `from`; else NULL. */
const policy_tier *budget_tier(budgets *b, const policy *p, const budget_request *req,
                               int64_t now_us, const policy_tier *from, sensitivity level,
                               budget_lowering *why);

/* One account as a person sees it: all slices of a window that rolls are one. */
typedef struct budget_line {
    const char *id, *scope, *unit;
    const char *window; /* "2026-11", "24h", "-" */
    int64_t spent, held;
    int64_t borrowed;         /* of them, above the limit: a person let it */
    int64_t limit, soft;      /* -1: the policy has none (any more) */
    bool now;                 /* it is the window of now_us */
    int64_t from_us, ends_us; /* of it; life: both -1. Rolling: since when something counts, and a
                                 whole window later */
    size_t rule;              /* index; SIZE_MAX: the policy has no such limit any more */
} budget_line;
typedef void budget_visit(void *ctx, const budget_line *line);
/* All accounts with sums. */
void budget_each(budgets *b, const policy *p, int64_t now_us, budget_visit *visit, void *ctx);
/* When a slice of a window that rolls begins and ends, from its id; false: it is another's. */
bool budget_slice_span(const char *window, int64_t *from_us, int64_t *to_us);
/* Forgets ended run trees without holds. */
void budget_forget_run(budgets *b, uint64_t root_run);

/* The budgets of a policy, by index, as they are written. */
typedef struct budget_info {
    const char *id, *file;
    int line;
    const char *of;     /* "workspace", "agent", "connection", "run_tree", "day" */
    const char *window; /* "life", "hour", "day", "calendar_month", "24h" */
    char currency[4];   /* empty: no limit in money */
    int64_t micros;
    int64_t calls;     /* -1: no limit */
    int64_t tokens;    /* -1: no limit */
    int max_depth;     /* -1: no limit */
    int64_t attention; /* interruptions, or seconds; -1: no limit */
    bool minutes;
    int soft; /* percent; 0: none */
    bool soft_notify, soft_ask, soft_batch;
    const char *soft_tier; /* NULL: none */
    const char *at_hard;
    const char *const *agents; /* none: all */
    size_t agent_count;
    const char *const *on; /* none: all */
    size_t on_count;
} budget_info;
/* One thing that it limits, by the unit of its accounts; no account adds up "depth". */
typedef struct budget_limit {
    const char *unit; /* points into the info, or static */
    int64_t amount;
} budget_limit;
#define BUDGET_LIMITS 5
size_t budget_limits(const budget_info *b, budget_limit out[BUDGET_LIMITS]);
size_t budget_count(const policy *p);
budget_info budget_describe(const policy *p, size_t i);
/* Whether it counts what that agent does there. */
bool budget_counts(const policy *p, size_t i, const char *agent, const char *target);

/* Holds as canonical JSON array of {"amount","budget","scope","unit","window"} and back. Behind one
 * that borrows stands another, of what is borrowed: its unit ends with a +, and the tables add it up
 * like any other. */
void budget_holds_json(const budget_hold *holds, size_t count, keel_json_writer *w);
/* One that is settled, as elements of such an array: with "actual" and "overrun". */
void budget_settled_json(const budget_hold *hold, int64_t actual, int64_t overrun,
                         keel_json_writer *w);
int budget_holds_parse(budgets *b, keel_json v, budget_hold holds[BUDGET_HOLDS], size_t *count);
/* Gives up holds that were parsed or reserved, and leaves all sums as they are. */
void budget_holds_drop(budget_hold *holds, size_t count);

#endif
