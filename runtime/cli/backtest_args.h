/* With what effects were asked for: not every record of an effect says it. */
#ifndef CLI_BACKTEST_ARGS_H
#define CLI_BACKTEST_ARGS_H

#include "map.h"
#include "store.h"

typedef struct backtest_args {
    keel_buf child; /* the run that began last, as the arguments of a spawn */
    uint64_t child_run;
    map kept; /* by effect, of those that wait */
} backtest_args;

void backtest_args_free(backtest_args *a);

/* A record of kind run.begin. */
void backtest_args_child(backtest_args *a, const journal_row *row);
/* Of a spawn that led to that run. *whole false: the run was there already, or what it began with was
 * erased; what was said to it this time stands nowhere but its agent's name. Lives until the next child. */
keel_json backtest_args_spawn(backtest_args *a, keel_json run, keel_json agent, bool existing,
                              bool *whole);

/* The effect waits with these from here on; without data nothing changes. */
void backtest_args_keep(backtest_args *a, uint64_t effect, keel_json args);
keel_json backtest_args_kept(const backtest_args *a, uint64_t effect); /* without data: none */
void backtest_args_drop(backtest_args *a, uint64_t effect);

#endif
