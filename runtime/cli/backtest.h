/* Every effect of a journal, decided once more by another policy than the one of its time.
 *
 * One pass over the records. Each effect counts once, by its first decision: denied, waiting, intended
 * or a spawn. What policy sees is the class, sink and taint that the decision recorded, and the
 * arguments with the manifest that the connection had then, all from the journal; sums and counts are
 * of what it would have let go, and of what was sent after it had asked (backtest_tally.h). Budgets are
 * not counted again. Memory is taken for effects that wait, or that are summed or counted, until they are
 * over; what a visit is given lives until it returns. One thread, and the reader is its own for the time. */
#ifndef CLI_BACKTEST_H
#define CLI_BACKTEST_H

#include "policy.h"
#include "store.h"

typedef enum backtest_change {
    BACKTEST_ALLOWED, /* newly */
    BACKTEST_DENIED,
    BACKTEST_ASKED,
    BACKTEST_CHANGES
} backtest_change;

/* Why an effect cannot be decided again. */
typedef enum backtest_loss {
    LOSS_ERASED,   /* its record was erased */
    LOSS_ARGS,     /* what a rule looks at was not recorded */
    LOSS_MANIFEST, /* the manifest of its connector cannot be had */
    LOSS_RUN,      /* its run is not in the tables */
    LOSS_PAST,     /* a rule looks at a sum or count of what was erased */
    BACKTEST_LOSSES
} backtest_loss;

typedef struct backtest_effect {
    uint64_t run;
    const char *path;
    int64_t number; /* of its item, or 0 */
    policy_verdict was;
    const char *was_rule, *was_file; /* was_file "": built in, or no rule */
    int64_t was_line;
    backtest_change change;
    const policy_query *query; /* agent, target and all attributes */
    policy_decision now;
    const char *why; /* why now, as recorded; NULL: policy knows */
    int64_t micros;  /* what the field that moves money says; 0: nothing */
    char currency[4];
} backtest_effect;

typedef struct backtest_hooks {
    void (*changed)(void *ctx, const backtest_effect *e);
    void (*lost)(void *ctx, uint64_t run, const char *path, const char *target, backtest_loss why);
    void *ctx;
} backtest_hooks;

typedef struct backtest_report {
    int64_t decided;
    int64_t changed[BACKTEST_CHANGES];
    int64_t other_rule; /* decided the same, by a rule of another name */
    int64_t asked_then, asked_now;
    int64_t lost[BACKTEST_LOSSES];
} backtest_report;

/* p NULL: what rules in shadow would have said beside the policies of their time, as it was recorded: decided
 * are then those of which one spoke. since_us: effects that were first decided from then on; 0: all. hooks' functions may be NULL. */
int backtest_run(reader *r, const policy *p, int64_t since_us, const backtest_hooks *hooks,
                 backtest_report *out, diag *d);

#endif
