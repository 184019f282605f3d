#include "expect.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void expect_model(const manifest_verb *v, keel_json args, char model[TOKENS_MODEL]) {
    const char *path = v->tokens.model;
    model[0] = '\0';
    long n = path ? keel_json_copy(keel_json_path(args, path), model, TOKENS_MODEL) : 0;
    if (n <= 0 || n >= TOKENS_MODEL || strlen(model) != (size_t)n) {
        model[0] = '\0';
    }
}

static token_usage expected(const expected_of *x) {
    const manifest_tokens *t = &x->verb->tokens;
    token_usage u = {{t->input, t->output, 0, 0}};
    int64_t most;
    if (t->max && keel_json_int(keel_json_path(x->args, t->max), &most) && most >= 0) {
        u.of[TOKENS_OUTPUT] = most < TOKENS_MOST ? most : TOKENS_MOST;
    }
    return u;
}

/* What goes in is held at the dearest of the classes that it may turn out to be. */
static int64_t price_held(const price_row *row, const token_usage *u) {
    price_row r = *row;
    for (token_class k = TOKENS_CACHE_READ; k < TOKEN_CLASSES; k++) {
        r.micros[TOKENS_INPUT] =
            r.micros[k] > r.micros[TOKENS_INPUT] ? r.micros[k] : r.micros[TOKENS_INPUT];
    }
    return price_of(&r, u);
}

static void refuse(const expected_of *x, const char *model, bool mixed, budget_refusal *why) {
    char day[16] = "";
    time_t at = (time_t)(x->at_us / 1000000);
    struct tm tm;
    if (gmtime_r(&at, &tm)) {
        strftime(day, sizeof day, "%Y-%m-%d", &tm);
    }
    *why = (budget_refusal){.at_hard = HARD_DENY, .ends_us = INT64_MAX};
    snprintf(why->budget, sizeof why->budget, "unpriced");
    if (model[0]) {
        snprintf(why->why, sizeof why->why,
                 "no price of the model \"%.60s\" holds on %s: write a row for it under `prices`, "
                 "or `unpriced: { assume: most_expensive }`",
                 model, day);
    } else if (mixed) {
        snprintf(why->why, sizeof why->why,
                 "which model it asks is not known before, and prices are in several currencies: "
                 "write them in one, or name the model");
    } else {
        snprintf(why->why, sizeof why->why,
                 "%.60s asks a model, and no price holds on %s: write rows under `prices`",
                 x->target, day);
    }
}

/* The row of what it asks for, or the one that stands for what nobody named. */
static const price_row *row_expected(const expected_of *x, const char *model, const token_usage *u,
                                     bool *mixed) {
    const policy *p = x->policy;
    const price_row *row = model[0] ? policy_price(p, model, strlen(model), x->at_us) : NULL;
    *mixed = false;
    if (row || (!policy_assumes_price(p) && (model[0] || x->verb->currency[0]))) {
        return row;
    }
    return policy_price_most(p, u, x->at_us, mixed);
}

bool expect_cost(const expected_of *x, budget_request *q, budget_refusal *why) {
    char model[TOKENS_MODEL];
    bool mixed;
    if (!x->verb) {
        return true;
    }
    q->micros = x->verb->cost_micros;
    memcpy(q->currency, x->verb->currency, sizeof q->currency);
    if (!x->verb->tokens.present) {
        return true;
    }
    token_usage u = expected(x);
    q->tokens = tokens_sum(&u);
    expect_model(x->verb, x->args, model);
    const price_row *row = row_expected(x, model, &u, &mixed);
    if (row) {
        q->micros = price_held(row, &u);
        memcpy(q->currency, row->currency, sizeof q->currency);
    } else if (!x->verb->currency[0]) {
        refuse(x, model, mixed, why);
        return false;
    }
    return true;
}
