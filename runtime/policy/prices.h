/* Prices of models, as a policy's `prices` say them: what a million tokens cost, by model and day.
 * Nobody's guess: where no row says it there is no price, and `unpriced` says what that means. */
#ifndef PRICES_H
#define PRICES_H

#include "policy.h"
#include "tokens.h"

/* One row. All of it lives as long as the policy. */
typedef struct price_row {
    const char *model;
    const char *from; /* "2026-10-01": the first day, in UTC, */
    int64_t day;      /* and as days since 1970 */
    char currency[4];
    int64_t micros[TOKEN_CLASSES]; /* of the currency, for a million tokens */
    const char *file;
    int line;
} price_row;

/* All that a policy says of prices. */
typedef struct price_list {
    price_row *rows; /* by model, then day */
    size_t count;
    bool assume;      /* unpriced: { assume: most_expensive }, */
    const char *file; /* and where it says so */
    int line;
} price_list;

#define PRICE_MOST 999999999999LL /* micros of a million tokens */

/* The newest row of the model that begins not later than that time's day, or NULL. */
const price_row *policy_price(const policy *p, const char *model, size_t len, int64_t at_us);
/* Of all models' rows that hold then, the one by which this costs most, or NULL: there is none, or
 * (*mixed) they are in several currencies. */
const price_row *policy_price_most(const policy *p, const token_usage *u, int64_t at_us,
                                   bool *mixed);
/* `unpriced: { assume: most_expensive }`; without it, deny. */
bool policy_assumes_price(const policy *p);
size_t policy_price_count(const policy *p);
/* In micro-units of the row's currency, rounded up; at most 4e15. */
int64_t price_of(const price_row *r, const token_usage *u);

#endif
