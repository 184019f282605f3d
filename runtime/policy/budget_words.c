/* What budgets say: refusals, news, lines of a report. */
#include <stdio.h>
#include <string.h>

#include "budgetint.h"

void budget_put_amount(int64_t amount, const char *unit, keel_buf *out) {
    if (strcmp(unit, "seconds") == 0) { /* minutes, rounded up to a tenth */
        int64_t tenths = (amount + 5) / 6;
        keel_buf_printf(out,
                        tenths == 10  ? "%lld minute"
                        : tenths % 10 ? "%lld.%lld minutes"
                                      : "%lld minutes",
                        (long long)(tenths / 10), (long long)(tenths % 10));
    } else if (strcmp(unit, "calls") == 0 || strcmp(unit, "tokens") == 0 ||
               strcmp(unit, "interruptions") == 0) {
        keel_buf_printf(out, "%lld %.*s", (long long)amount, (int)strlen(unit) - (amount == 1),
                        unit);
    } else {
        money_print(amount, unit, out);
    }
}

/* "budget agent (policies/a.yaml:9) of agent:a: 0.02 USD wanted, 1.99 USD spent and 0 USD held of 2
 * USD in 2026-11" */
void budget_explain_limit(const budget_rule *r, const book *k, budget_refusal *why) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_printf(&text, "budget %s (%s:%d) of %s: ", r->id, r->file, r->line, why->scope);
    budget_put_amount(why->wanted, why->unit, &text);
    keel_buf_puts(&text, " wanted, ");
    budget_put_amount(why->spent, why->unit, &text);
    keel_buf_puts(&text, " spent and ");
    budget_put_amount(why->held, why->unit, &text);
    keel_buf_puts(&text, " held of ");
    budget_put_amount(k->limit, why->unit, &text);
    if (why->window[0] != '-') {
        keel_buf_printf(&text, r->window == WINDOW_ROLLING ? " within %s" : " in %s", why->window);
    }
    if (why->soft) {
        keel_buf_printf(&text, "; beyond %d%% each is asked for", r->soft);
    }
    snprintf(why->why, sizeof why->why, "%s", text.data);
    keel_buf_free(&text);
}

void budget_explain_notice(const budget_rule *r, const book *k, budget_notice *out) {
    keel_buf text = KEEL_BUF_INIT;
    *out = (budget_notice){.budget = k->budget,
                           .scope = k->scope,
                           .unit = k->unit,
                           .limit = k->limit,
                           .spent = k->spent,
                           .held = k->held,
                           .percent = r->soft};
    keel_buf_printf(&text, "budget %s of %s has reached %d%%: ", r->id, k->scope, r->soft);
    budget_put_amount(k->spent, k->unit, &text);
    keel_buf_puts(&text, " spent and ");
    budget_put_amount(k->held, k->unit, &text);
    keel_buf_puts(&text, " held of ");
    budget_put_amount(k->limit, k->unit, &text);
    if (r->window == WINDOW_ROLLING) {
        keel_buf_printf(&text, " within %s", r->window_text);
    } else if (r->window != WINDOW_NONE && k->now) {
        keel_buf_printf(&text, " in %s", k->now->window);
    }
    snprintf(out->why, sizeof out->why, "%s", text.data);
    keel_buf_free(&text);
}

/* ---- reports ---- */

typedef struct report {
    const policy *p;
    const budget_rule *rule; /* NULL: the policy has none */
    budget_visit *visit;
    void *ctx;
    int64_t now_us;
} report;

static budget_line line_of(const report *r, const book *k) {
    return (budget_line){.id = k->budget,
                         .scope = k->scope,
                         .unit = k->unit,
                         .limit = r->rule ? k->limit : -1,
                         .soft = r->rule && k->soft != INT64_MAX ? k->soft : -1,
                         .from_us = -1,
                         .ends_us = -1,
                         .rule = r->rule ? (size_t)(r->rule - r->p->budgets) : SIZE_MAX};
}

/* What was given back since by others is borrowed no more. */
static int64_t above(const budget_line *l, int64_t borrowed) {
    int64_t sum = budget_add(l->spent, l->held), more = sum > l->limit ? sum - l->limit : 0;
    return l->limit < 0 || more > borrowed ? borrowed : more;
}

static int64_t first_slice(const book *k, int64_t now_us) {
    int64_t first = now_us;
    for (const budget_account *a = k->accounts; a; a = a->next) {
        first = a->to_us && a->spent_counts && a->from_us < first ? a->from_us : first;
    }
    return first;
}

static void tell_rolling(const report *r, const book *k) {
    budget_line line = line_of(r, k);
    line.window = r->rule->window_text;
    int64_t borrowed = 0;
    for (const budget_account *a = k->accounts; a; a = a->next) {
        borrowed += a->spent_counts || a->held_counts ? a->borrowed : 0;
    }
    line.spent = k->spent;
    line.held = k->held;
    line.borrowed = above(&line, borrowed);
    line.now = true;
    line.from_us = first_slice(k, r->now_us);
    line.ends_us = line.from_us + r->rule->window_us;
    if (line.spent || line.held) {
        r->visit(r->ctx, &line);
    }
}

static void tell_account(const report *r, const book *k, const budget_account *a) {
    budget_line line = line_of(r, k);
    line.window = a->window;
    line.spent = a->spent;
    line.held = a->held;
    line.borrowed = above(&line, a->borrowed);
    line.now = r->rule && a->spent_counts;
    if (line.now && r->rule->window != WINDOW_NONE) {
        budget_window_ends(r->rule, r->now_us, &line.from_us, &line.ends_us);
    }
    if (line.spent || line.held) {
        r->visit(r->ctx, &line);
    }
}

static void tell_book(budgets *b, report *r, book *k) {
    if (k->plan != b->plan) {
        book_bind(b, r->p, k);
    }
    r->rule = k->line == PLAN_NONE ? NULL : &r->p->budgets[b->lines[k->line].rule];
    if (r->rule) {
        book_move(r->rule, k, r->now_us, false);
    }
    bool rolls = r->rule && r->rule->window == WINDOW_ROLLING;
    if (rolls) {
        tell_rolling(r, k);
    }
    for (const budget_account *a = k->accounts; a; a = a->next) {
        if (!rolls || !a->to_us) {
            tell_account(r, k, a);
        }
    }
}

void budget_each(budgets *b, const policy *p, int64_t now_us, budget_visit *visit, void *ctx) {
    report r = {.p = p, .visit = visit, .ctx = ctx, .now_us = now_us};
    budgets_follow(b, p);
    for (size_t i = 0; i < b->size; i++) {
        for (book *k = b->table[i]; k; k = k->next) {
            tell_book(b, &r, k);
        }
    }
}

size_t budget_count(const policy *p) {
    return p->budget_count;
}

budget_info budget_describe(const policy *p, size_t i) {
    static const char *const scopes[] = {"workspace", "agent", "connection", "run_tree"};
    static const char *const windows[] = {"life", "hour", "day", "calendar_month"};
    static const char *const ways[] = {"deny", "stop", "throttle", "escalate", "ask", "batch"};
    const budget_rule *r = &p->budgets[i];
    budget_info info = {.id = r->id,
                        .file = r->file,
                        .line = r->line,
                        .of = r->attention >= 0 ? "day" : scopes[r->scope],
                        .window = r->window == WINDOW_ROLLING ? r->window_text : windows[r->window],
                        .micros = r->micros,
                        .calls = r->calls,
                        .tokens = r->tokens,
                        .max_depth = r->max_depth,
                        .attention = r->attention,
                        .minutes = r->minutes,
                        .soft = r->soft,
                        .soft_notify = r->soft_notify,
                        .soft_ask = r->soft_ask,
                        .soft_batch = r->soft_batch,
                        .soft_tier = r->soft_tier,
                        .at_hard = ways[r->at_hard],
                        .agents = r->agents,
                        .agent_count = r->agent_count,
                        .on = r->on,
                        .on_count = r->on_count};
    memcpy(info.currency, r->currency, sizeof info.currency);
    return info;
}

size_t budget_limits(const budget_info *b, budget_limit out[BUDGET_LIMITS]) {
    const budget_limit all[BUDGET_LIMITS] = {
        {b->minutes ? "seconds" : "interruptions", b->attention},
        {b->currency, b->currency[0] ? b->micros : -1},
        {"tokens", b->tokens},
        {"calls", b->calls},
        {"depth", b->max_depth},
    };
    size_t count = 0;
    for (size_t i = 0; i < BUDGET_LIMITS; i++) {
        if (all[i].amount >= 0) {
            out[count++] = all[i];
        }
    }
    return count;
}

bool budget_counts(const policy *p, size_t i, const char *agent, const char *target) {
    return budget_rule_counts(&p->budgets[i], agent, target);
}
