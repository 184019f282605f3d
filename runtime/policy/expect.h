/* What an attempt is held to use and to cost before anything is sent: by its manifest, its arguments and
 * policy's prices. Nothing else decides it, so that a case of `keel policy test` expects what the kernel
 * does. */
#ifndef EXPECT_H
#define EXPECT_H

#include "budget.h"
#include "prices.h"

typedef struct expected_of {
    const policy *policy;
    const manifest_verb *verb; /* NULL: it uses and costs nothing */
    keel_json args;
    const char *target; /* for the refusal's words */
    int64_t at_us;
} expected_of;

/* The model that the arguments ask for; empty: they do not say. */
void expect_model(const manifest_verb *v, keel_json args, char model[TOKENS_MODEL]);
/* Into the request: tokens, micros and currency. false: nobody wrote its price, and *why. */
bool expect_cost(const expected_of *x, budget_request *q, budget_refusal *why);

#endif
