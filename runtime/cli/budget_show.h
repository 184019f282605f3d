/* Accounts of budgets as a person reads them: bars on a terminal, elsewhere a table. */
#ifndef CLI_BUDGET_SHOW_H
#define CLI_BUDGET_SHOW_H

#include "budget.h"
#include "cli.h"

/* One account of a budget, in the window that is now. */
typedef struct budget_row {
    size_t rule; /* index of its budget */
    char scope[64], unit[16], window[24];
    int64_t spent, held, limit;
    int64_t soft;             /* -1: none */
    int64_t unknown;          /* of held: effects whose outcome nobody knows */
    int64_t overrun;          /* what was settled above the limit */
    int64_t borrowed;         /* above the limit, as a person let it */
    int64_t from_us, ends_us; /* -1: never */
} budget_row;

/* Where it will be at the pace so far. */
typedef struct budget_forecast {
    bool known;         /* else it is too early to say, or its window never ends */
    int64_t percent;    /* of the limit at the end of the window */
    int64_t reached_us; /* when the limit is reached before that; 0: it is not */
} budget_forecast;
/* "12 calls", "7.5 minutes", "0.50 EUR"; without its unit also where others stand beside it. */
void budget_put(keel_buf *out, int64_t n, const char *unit, bool with_unit);
/* The unit in which budget_put shows an amount of this one: of seconds "minutes". */
const char *budget_unit(const char *unit);
/* "at 80% notify, gather and use tier fast" */
void budget_put_soft(const budget_info *b, keel_buf *out);
budget_forecast budget_pace(const budget_row *r, int64_t now_us);

typedef struct budget_rows {
    budget_row *list; /* by budget, the fullest first */
    size_t count;
    size_t *hidden; /* per budget: accounts that are not in the list */
} budget_rows;

/* only: the id of the one to show, or NULL. */
void budget_show_bars(const cli *c, const policy *p, const budget_rows *rows, const char *only);
void budget_show_table(const cli *c, const policy *p, const budget_rows *rows);

#endif
