/* Tokens: what an attempt is expected to use, what its connector says that it used, and what that costs
 * by policy's prices. */
#ifndef KERNEL_USAGE_H
#define KERNEL_USAGE_H

#include "parts.h"
#include "prices.h"

/* What the call is held to use and to cost, into the request. false: nobody wrote its price, and *why. */
bool usage_expect(kernel *k, const call *c, budget_request *q, budget_refusal *why);

/* For whom, and what it is expected to use and cost, as far as anybody wrote its price. */
void usage_request(kernel *k, const call *c, budget_request *q);

/* What an attempt came to. */
struct paid {
    keel_json usage; /* as its connector said it; none: it did not, or was not believed */
    token_usage used;
    char currency[4]; /* empty: it costs nothing that is known */
    int64_t micros;
    bool exact;           /* that is what it cost; else what was held for it, or estimated */
    const price_row *row; /* by which it does, or NULL */
    bool assumed;         /* the most expensive one, in place of its own */
    bool unpriced;        /* nobody wrote its price */
};
/* said: the connector's whole answer, or none. */
void usage_paid(kernel *k, const call *c, keel_json said, paid *out);
/* Members of effect.done, each where it belongs. */
void usage_put_cost(const paid *p, keel_json_writer *w);
void usage_put_price(const paid *p, keel_json_writer *w);
void usage_put(const paid *p, keel_json_writer *w); /* "unpriced", "usage" */

#endif
