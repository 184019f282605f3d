/* What the tests of budgets share: a policy from text, requests, sums. */
#ifndef BUDGET_WORLD_H
#define BUDGET_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "budget.h"

#define B      "version: 1\nbudgets:\n"
#define NOON   1795435200000000LL /* 2026-11-23 12:00 UTC */
#define HOUR   3600000000LL
#define DAY    (24 * HOUR)
#define USD(x) ((int64_t)((x)*1000000))

static inline policy *make(const char *text) {
    policy_source source = {"b.yaml", text, strlen(text)};
    policy *p = NULL;
    diag d = {0};
    if (policy_compile(&p, &source, 1, NULL, NULL, NULL, &d)) {
        fail_msg("%d:%d: %s", d.line, d.column, d.what);
    }
    return p;
}

/* An effect of the root run of a tree; what else it is, is set by who cares. */
static inline budget_request request(const char *agent, uint64_t root, int depth, int64_t calls,
                                     int64_t micros, const char *currency) {
    budget_request q = {.agent = agent,
                        .root_run = root,
                        .depth = depth,
                        .calls = calls,
                        .micros = micros,
                        .target = "inbox.message.write",
                        .connection = "inbox"};
    memcpy(q.currency, currency, strlen(currency) + 1);
    return q;
}

static inline budget_request costs(const char *agent, uint64_t root, double usd) {
    return request(agent, root, 0, 1, USD(usd), "USD");
}

static inline void is_held(const budget_hold *h, const char *budget, const char *scope,
                           const char *window, const char *unit, int64_t amount) {
    budget_place at = budget_hold_place(h);
    assert_string_equal(at.budget, budget);
    assert_string_equal(at.scope, scope);
    assert_string_equal(at.window, window);
    assert_string_equal(at.unit, unit);
    assert_int_equal(h->amount, amount);
}

static inline void restore(budgets *b, const policy *p, const char *budget, const char *window,
                           int64_t spent, int64_t held) {
    budget_place at = {budget, "workspace", window, "calls"};
    budget_restore(b, p, NOON, &at, spent, held);
}

typedef struct total {
    int64_t spent, held;
    int count;
} total;

static inline void add_up(void *ctx, const budget_line *l) {
    total *t = ctx;
    t->spent += l->spent;
    t->held += l->held;
    t->count++;
}

static inline total sum_at(budgets *b, const policy *p, int64_t now) {
    total t = {0, 0, 0};
    budget_each(b, p, now, add_up, &t);
    return t;
}

static inline total sum(budgets *b, const policy *p) {
    return sum_at(b, p, NOON);
}

#endif
