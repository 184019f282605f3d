/* Attention: how often, and for how long, a person is interrupted in a day. Nothing of it is held: what
 * has interrupted is spent. */
#include <stdio.h>
#include <string.h>

#include "budgetint.h"

bool policy_limits_attention(const policy *p, bool minutes) {
    for (size_t i = 0; i < p->budget_count; i++) {
        if (p->budgets[i].attention >= 0 && p->budgets[i].minutes == minutes) {
            return true;
        }
    }
    return false;
}

static bool counts(const policy *p, const plan_line *l, const budget_request *req) {
    return budget_rule_counts(&p->budgets[l->rule], req->agent, req->target);
}

static void explain(const budget_rule *r, const book *k, int64_t now_us, budget_refusal *why) {
    int64_t from;
    *why = (budget_refusal){.limit = k->limit, .spent = k->spent, .at_hard = HARD_BATCH};
    snprintf(why->budget, sizeof why->budget, "%s", r->id);
    snprintf(why->scope, sizeof why->scope, "%s", k->scope);
    snprintf(why->unit, sizeof why->unit, "%s", k->unit);
    budget_window_name(r, now_us, why->window);
    budget_window_ends(r, now_us, &from, &why->ends_us);
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_printf(&text, "budget %s (%s:%d): ", r->id, r->file, r->line);
    budget_put_amount(k->spent, k->unit, &text);
    keel_buf_puts(&text, " of ");
    budget_put_amount(k->limit, k->unit, &text);
    keel_buf_printf(&text, " are spent in %s; what asks is gathered until it turns", why->window);
    snprintf(why->why, sizeof why->why, "%s", text.data);
    keel_buf_free(&text);
}

bool attention_lets(budgets *b, const policy *p, const budget_request *req, int64_t now_us,
                    budget_refusal *why) {
    budgets_follow(b, p);
    for (size_t i = b->line_count; i < b->all_count; i++) {
        const plan_line *l = &b->lines[i];
        if (!counts(p, l, req)) {
            continue;
        }
        scope_hashes none = {0, 0};
        const book *k = book_find(b, p, i, req, &none, now_us);
        if (k->spent >= k->limit) {
            explain(&p->budgets[l->rule], k, now_us, why);
            return false;
        }
    }
    return true;
}

size_t attention_spend(budgets *b, const policy *p, const budget_request *req, int64_t seconds,
                       int64_t now_us, budget_hold spent[BUDGET_HOLDS]) {
    size_t count = 0;
    budgets_follow(b, p);
    for (size_t i = b->line_count; i < b->all_count; i++) {
        const plan_line *l = &b->lines[i];
        const budget_rule *r = &p->budgets[l->rule];
        if (r->minutes != (seconds > 0) || !counts(p, l, req)) {
            continue;
        }
        scope_hashes none = {0, 0};
        book *k = book_find(b, p, i, req, &none, now_us);
        budget_account *to = book_open(r, k, now_us);
        int64_t amount = seconds > 0 ? seconds : 1;
        to->spent = budget_add(to->spent, amount);
        k->spent = budget_add(k->spent, amount);
        spent[count++] = (budget_hold){to, amount, 0};
        if (l->notify) {
            book_news(b, k);
        }
    }
    return count;
}
