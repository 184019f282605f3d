/* What a change of policy would have meant in interruptions, waiting, money and tokens, where that can be
 * told. Zeroed before the first use. */
#ifndef CLI_BACKTEST_SUMS_H
#define CLI_BACKTEST_SUMS_H

#include "backtest.h"
#include "cli.h"
#include "map.h"

#define SUMS_CURRENCIES 8 /* what comes in more of them is left out of the sums, and said */

typedef struct money_sum {
    char currency[4];
    int64_t micros;
} money_sum;

typedef struct money_sums {
    money_sum list[SUMS_CURRENCIES];
    size_t count;
    bool more;
} money_sums;

typedef struct backtest_sums {
    money_sums moved[BACKTEST_CHANGES]; /* by the field that moves money */
    money_sums costs;                   /* paid for what is newly denied */
    int64_t tokens;                     /* used by that */
    int64_t waited_us;                  /* for a person, by what would not be asked any more */
    map effects;                        /* hash of run and path -> what is to be looked up */
} backtest_sums;

void backtest_sums_add(backtest_sums *s, const backtest_effect *e);
int backtest_sums_look_up(backtest_sums *s, cli *c, diag *d);
/* Lines, each with its end. */
void backtest_sums_text(const backtest_sums *s, const backtest_report *r, keel_buf *out);
/* {"allowed":["340.00 EUR"],"asked":[],"denied":[]}, and ["0.02 USD"] */
void backtest_sums_amounts(const backtest_sums *s, keel_json_writer *w);
void backtest_sums_costs(const backtest_sums *s, keel_json_writer *w);
void backtest_sums_free(backtest_sums *s);

#endif
