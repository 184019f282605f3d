/* Soft limits that are reached: what they change of an effect that their budgets count. */
#include <stdio.h>
#include <string.h>

#include "budgetint.h"

typedef struct looking {
    budgets *b;
    const policy *p;
    const budget_request *req;
    int64_t now_us;
    scope_hashes scopes;
} looking;

/* What it costs is counted there. */
static bool counts(const looking *l, const plan_line *line) {
    const budget_request *req = l->req;
    if (line->scope == SCOPE_CONNECTION && !req->connection) {
        return false;
    }
    if (line->narrow && !budget_rule_counts(&l->p->budgets[line->rule], req->agent, req->target)) {
        return false;
    }
    if (line->kind == LINE_MONEY) {
        return req->micros > 0 && memcmp(line->currency, req->currency, 4) == 0;
    }
    return (line->kind == LINE_CALLS ? req->calls : req->tokens) > 0;
}

/* Its book, if it is at its soft limit; else NULL. */
static const book *reached(looking *l, size_t line) {
    if (!counts(l, &l->b->lines[line])) {
        return NULL;
    }
    const book *k = book_find(l->b, l->p, line, l->req, &l->scopes, l->now_us);
    return budget_add(k->spent, k->held) >= k->soft ? k : NULL;
}

static looking begin(budgets *b, const policy *p, const budget_request *req, int64_t now_us) {
    budgets_follow(b, p);
    return (looking){.b = b, .p = p, .req = req, .now_us = now_us};
}

/* Up to 999. */
static int percent_of(const book *k) {
    int64_t sum = budget_add(k->spent, k->held);
    if (k->limit <= 0) {
        return 100;
    }
    int64_t percent =
        sum / k->limit * 100 + (int64_t)((double)(sum % k->limit) / (double)k->limit * 100);
    return percent > 999 ? 999 : (int)percent;
}

/* ---- questions that are gathered ---- */

static void explain(const looking *l, const budget_rule *r, const book *k, budget_refusal *why) {
    budget_rule day = {.window = WINDOW_DAY, .zone = r->zone};
    int64_t from;
    *why = (budget_refusal){
        .limit = k->limit, .spent = k->spent, .held = k->held, .at_hard = HARD_BATCH, .soft = true};
    snprintf(why->budget, sizeof why->budget, "%s", r->id);
    snprintf(why->scope, sizeof why->scope, "%s", k->scope);
    snprintf(why->unit, sizeof why->unit, "%s", k->unit);
    budget_window_name(r, l->now_us, why->window);
    budget_window_ends(&day, l->now_us, &from, &why->ends_us);
    snprintf(
        why->why, sizeof why->why,
        "budget %s (%s:%d) of %s is at %d %%; from %d%% on what asks is gathered until the day "
        "turns",
        r->id, r->file, r->line, k->scope, percent_of(k), r->soft);
}

bool budget_gathers(budgets *b, const policy *p, const budget_request *req, int64_t now_us,
                    budget_refusal *why) {
    looking l = begin(b, p, req, now_us);
    bool found = false;
    for (size_t i = 0; i < b->line_count; i++) {
        const budget_rule *r = &p->budgets[b->lines[i].rule];
        const book *k = r->soft_batch ? reached(&l, i) : NULL;
        budget_refusal one;
        if (k) {
            explain(&l, r, k, &one);
            *why = !found || one.ends_us > why->ends_us ? one : *why;
            found = true;
        }
    }
    return found;
}

/* ---- the cheaper tier ---- */

const policy_tier *budget_tier(budgets *b, const policy *p, const budget_request *req,
                               int64_t now_us, const policy_tier *from, sensitivity level,
                               budget_lowering *why) {
    looking l = begin(b, p, req, now_us);
    const policy_tier *to = NULL;
    for (size_t i = 0; i < b->line_count; i++) {
        const budget_rule *r = &p->budgets[b->lines[i].rule];
        const policy_tier *t =
            r->soft_tier ? policy_tier_get(p, r->soft_tier, strlen(r->soft_tier)) : NULL;
        if (!t || t >= (to ? to : from) || t->most < level) {
            continue; /* they stand in the order of what they cost */
        }
        const book *k = reached(&l, i);
        if (k) {
            to = t;
            snprintf(why->budget, sizeof why->budget, "%s", r->id);
            snprintf(why->why, sizeof why->why, "budget %s is at %d %%", r->id, percent_of(k));
        }
    }
    return to;
}
