#include "budget.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyint.h"

#define HELD_BY 256 /* places of the table at first */

typedef struct account account;
struct account {
    account *next;
    uint64_t hash;
    char budget[64], scope[64], window[24], unit[8];
    int64_t spent, held;
};

struct budgets {
    account **table;
    size_t size; /* a power of two */
    size_t count;
};

budgets *budgets_create(void) {
    budgets *b = keel_alloc(sizeof *b);
    *b = (budgets){.size = HELD_BY};
    b->table = keel_alloc(b->size * sizeof(account *));
    memset(b->table, 0, b->size * sizeof(account *));
    return b;
}

void budgets_destroy(budgets *b) {
    if (!b) {
        return;
    }
    for (size_t i = 0; i < b->size; i++) {
        while (b->table[i]) {
            account *a = b->table[i];
            b->table[i] = a->next;
            free(a);
        }
    }
    free(b->table);
    free(b);
}

/* ---- accounts ---- */

static uint64_t hash_of(const char *budget, const char *scope, const char *window,
                        const char *unit) {
    uint64_t h = text_hash(budget, strlen(budget), false);
    h = h * 31 + text_hash(scope, strlen(scope), false);
    h = h * 31 + text_hash(window, strlen(window), false);
    h = h * 31 + text_hash(unit, strlen(unit), false);
    return h ^ h >> 32;
}

static account *find(const budgets *b, const char *budget, const char *scope, const char *window,
                     const char *unit) {
    uint64_t hash = hash_of(budget, scope, window, unit);
    account *a = b->table[hash & (b->size - 1)];
    while (a &&
           (a->hash != hash || strcmp(a->budget, budget) != 0 || strcmp(a->scope, scope) != 0 ||
            strcmp(a->window, window) != 0 || strcmp(a->unit, unit) != 0)) {
        a = a->next;
    }
    return a;
}

static void grow(budgets *b) {
    size_t size = b->size * 2;
    account **table = keel_alloc(size * sizeof(account *));
    memset(table, 0, size * sizeof(account *));
    for (size_t i = 0; i < b->size; i++) {
        while (b->table[i]) {
            account *a = b->table[i];
            b->table[i] = a->next;
            a->next = table[a->hash & (size - 1)];
            table[a->hash & (size - 1)] = a;
        }
    }
    free(b->table);
    b->table = table;
    b->size = size;
}

static account *find_or_open(budgets *b, const char *budget, const char *scope, const char *window,
                             const char *unit) {
    account *a = find(b, budget, scope, window, unit);
    if (a) {
        return a;
    }
    if (b->count == b->size) {
        grow(b);
    }
    a = keel_alloc(sizeof *a);
    memset(a, 0, sizeof *a);
    snprintf(a->budget, sizeof a->budget, "%s", budget);
    snprintf(a->scope, sizeof a->scope, "%s", scope);
    snprintf(a->window, sizeof a->window, "%s", window);
    snprintf(a->unit, sizeof a->unit, "%s", unit);
    a->hash = hash_of(a->budget, a->scope, a->window, a->unit);
    account **place = &b->table[a->hash & (b->size - 1)];
    a->next = *place;
    *place = a;
    b->count++;
    return a;
}

typedef bool judge(const account *a, const void *ctx);

static void drop_where(budgets *b, judge *drop, const void *ctx) {
    for (size_t i = 0; i < b->size; i++) {
        account **at = &b->table[i];
        while (*at) {
            account *a = *at;
            if (a->held == 0 && drop(a, ctx)) {
                *at = a->next;
                free(a);
                b->count--;
            } else {
                at = &a->next;
            }
        }
    }
}

/* ---- closed windows ---- */

/* Windows that ended two days ago or more (a month: two months) are not asked for again. */
static bool closed_long_ago(const account *a, const void *ctx) {
    const account *since = ctx;
    return a->window[0] != '-' && strcmp(a->budget, since->budget) == 0 &&
           strcmp(a->scope, since->scope) == 0 && strlen(a->window) == strlen(since->window) &&
           strcmp(a->window, since->window) < 0;
}

static void forget_windows(budgets *b, const budget_rule *r, const budget_hold *h, int64_t now_us) {
    if (r->window == WINDOW_NONE) {
        return;
    }
    account since = {0};
    int64_t days = r->window == WINDOW_MONTH ? 62 : 2;
    snprintf(since.budget, sizeof since.budget, "%s", h->budget);
    snprintf(since.scope, sizeof since.scope, "%s", h->scope);
    budget_window(r, now_us - days * 86400000000LL, since.window);
    drop_where(b, closed_long_ago, &since);
}

/* ---- reserve ---- */

static int64_t limit_of(const policy *p, const char *id, const char *unit) {
    for (size_t i = 0; p && i < p->budget_count; i++) {
        const budget_rule *r = &p->budgets[i];
        if (strcmp(r->id, id) == 0) {
            return strcmp(unit, "calls") == 0       ? r->calls
                   : strcmp(unit, r->currency) == 0 ? r->micros
                                                    : -1;
        }
    }
    return -1;
}

static void print_amount(int64_t amount, const char *unit, keel_buf *out) {
    if (strcmp(unit, "calls") == 0) {
        keel_buf_printf(out, "%lld calls", (long long)amount);
    } else {
        money_print(amount, unit, out);
    }
}

/* "budget agent (policies/a.yaml:9): 0.02 USD wanted, 1.99 USD of 2 USD spent or held in 2026-11"
 */
static void explain_limit(const budget_rule *r, budget_refusal *why) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_printf(&text, "budget %s (%s:%d) of %s: ", r->id, r->file, r->line, why->scope);
    print_amount(why->wanted, why->unit, &text);
    keel_buf_puts(&text, " wanted, ");
    print_amount(why->spent, why->unit, &text);
    keel_buf_puts(&text, " spent and ");
    print_amount(why->held, why->unit, &text);
    keel_buf_puts(&text, " held of ");
    print_amount(why->limit, why->unit, &text);
    if (why->window[0] != '-') {
        keel_buf_printf(&text, " in %s", why->window);
    }
    snprintf(why->why, sizeof why->why, "%s", text.data);
    keel_buf_free(&text);
}

static void begin_refusal(const budget_rule *r, const budget_request *req, int64_t now_us,
                          budget_refusal *why) {
    memset(why, 0, sizeof *why);
    snprintf(why->budget, sizeof why->budget, "%s", r->id);
    budget_scope(r, req->agent, req->root_run, why->scope);
    budget_window(r, now_us, why->window);
    why->at_hard = r->at_hard;
}

static bool fits(const budgets *b, const budget_hold *h, int64_t limit, int64_t *spent,
                 int64_t *held) {
    const account *a = find(b, h->budget, h->scope, h->window, h->unit);
    *spent = a ? a->spent : 0;
    *held = a ? a->held : 0;
    int64_t sum;
    return !__builtin_add_overflow(*spent, *held, &sum) &&
           !__builtin_add_overflow(sum, h->amount, &sum) && sum <= limit;
}

/* One limit of one budget: the hold it asks for, or the refusal. */
static int ask_limit(const budgets *b, const budget_rule *r, const budget_request *req,
                     int64_t now_us, const char *unit, int64_t amount, int64_t limit,
                     budget_hold *out, budget_refusal *why) {
    memset(out, 0, sizeof *out);
    snprintf(out->budget, sizeof out->budget, "%s", r->id);
    budget_scope(r, req->agent, req->root_run, out->scope);
    budget_window(r, now_us, out->window);
    snprintf(out->unit, sizeof out->unit, "%s", unit);
    out->amount = amount;
    int64_t spent;
    int64_t held;
    if (fits(b, out, limit, &spent, &held)) {
        return 0;
    }
    begin_refusal(r, req, now_us, why);
    snprintf(why->unit, sizeof why->unit, "%s", unit);
    why->limit = limit;
    why->spent = spent;
    why->held = held;
    why->wanted = amount;
    explain_limit(r, why);
    return -1;
}

static int check_depth(const budget_rule *r, const budget_request *req, int64_t now_us,
                       budget_refusal *why) {
    if (r->max_depth < 0 || req->depth <= r->max_depth) {
        return 0;
    }
    begin_refusal(r, req, now_us, why);
    snprintf(why->unit, sizeof why->unit, "depth");
    why->limit = r->max_depth;
    why->wanted = req->depth;
    snprintf(why->why, sizeof why->why,
             "budget %s (%s:%d): runs in this tree may be %d deep, and this one is at depth %d",
             r->id, r->file, r->line, r->max_depth, req->depth);
    return -1;
}

/* Money in a currency that no budget counts, while others count theirs, is nobody's to spend. */
static int check_currency(const policy *p, const budget_request *req, int64_t now_us,
                          budget_refusal *why) {
    const budget_rule *other = NULL;
    for (size_t i = 0; req->micros > 0 && i < p->budget_count; i++) {
        const budget_rule *r = &p->budgets[i];
        if (r->currency[0] && strcmp(r->currency, req->currency) == 0) {
            return 0;
        }
        other = r->currency[0] && !other ? r : other;
    }
    if (!other) {
        return 0;
    }
    begin_refusal(other, req, now_us, why);
    snprintf(why->unit, sizeof why->unit, "%.3s", req->currency);
    why->wanted = req->micros;
    snprintf(why->why, sizeof why->why,
             "the effect costs %.3s, and budget %s (%s:%d) counts %s: no budget covers %.3s",
             req->currency, other->id, other->file, other->line, other->currency, req->currency);
    return -1;
}

static int collect(const budgets *b, const policy *p, const budget_request *req, int64_t now_us,
                   budget_hold holds[BUDGET_HOLDS], size_t *count, budget_refusal *why) {
    size_t n = 0;
    for (size_t i = 0; i < p->budget_count; i++) {
        const budget_rule *r = &p->budgets[i];
        if (check_depth(r, req, now_us, why)) {
            return -1;
        }
        if (req->micros > 0 && r->currency[0] && strcmp(r->currency, req->currency) == 0) {
            if (ask_limit(b, r, req, now_us, r->currency, req->micros, r->micros, &holds[n], why)) {
                return -1;
            }
            n++;
        }
        if (req->calls > 0 && r->calls >= 0) {
            if (ask_limit(b, r, req, now_us, "calls", req->calls, r->calls, &holds[n], why)) {
                return -1;
            }
            n++;
        }
    }
    *count = n;
    return 0;
}

static const budget_rule *rule_of(const policy *p, const char *id) {
    size_t i = 0;
    while (strcmp(p->budgets[i].id, id) != 0) {
        i++;
    }
    return &p->budgets[i];
}

int budget_reserve(budgets *b, const policy *p, const budget_request *req, int64_t now_us,
                   budget_hold holds[BUDGET_HOLDS], size_t *count, budget_refusal *why) {
    size_t n = 0;
    if (check_currency(p, req, now_us, why) || collect(b, p, req, now_us, holds, &n, why)) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        const budget_hold *h = &holds[i];
        if (!find(b, h->budget, h->scope, h->window, h->unit)) {
            forget_windows(b, rule_of(p, h->budget), h, now_us);
        }
        find_or_open(b, h->budget, h->scope, h->window, h->unit)->held += h->amount;
    }
    *count = n;
    return 0;
}

/* ---- settle ---- */

static int64_t add_capped(int64_t a, int64_t b) {
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

int64_t budget_settle(budgets *b, const policy *p, const budget_hold *hold, int64_t actual) {
    account *a = find_or_open(b, hold->budget, hold->scope, hold->window, hold->unit);
    int64_t before = add_capped(a->spent, a->held);
    a->held = a->held > hold->amount ? a->held - hold->amount : 0;
    a->spent = add_capped(a->spent, actual < 0 ? hold->amount : actual);
    int64_t limit = limit_of(p, hold->budget, hold->unit);
    if (limit < 0) {
        return 0;
    }
    int64_t line = before > limit ? before : limit;
    int64_t after = add_capped(a->spent, a->held);
    return after > line ? after - line : 0;
}

void budget_release(budgets *b, const budget_hold *hold) {
    account *a = find(b, hold->budget, hold->scope, hold->window, hold->unit);
    if (a) {
        a->held = a->held > hold->amount ? a->held - hold->amount : 0;
    }
}

/* ---- recovery and reports ---- */

void budget_restore(budgets *b, const char *id, const char *scope, const char *window,
                    const char *unit, int64_t spent, int64_t held) {
    account *a = find_or_open(b, id, scope, window, unit);
    a->spent = spent;
    a->held = held;
}

void budget_each(const budgets *b, const policy *p, budget_visit *visit, void *ctx) {
    for (size_t i = 0; i < b->size; i++) {
        for (const account *a = b->table[i]; a; a = a->next) {
            if (a->spent || a->held) {
                visit(ctx, a->budget, a->scope, a->window, a->unit, a->spent, a->held,
                      limit_of(p, a->budget, a->unit));
            }
        }
    }
}

static bool of_scope(const account *a, const void *ctx) {
    return strcmp(a->scope, ctx) == 0;
}

void budget_forget_run(budgets *b, uint64_t root_run) {
    char scope[64];
    snprintf(scope, sizeof scope, "run:%llu", (unsigned long long)root_run);
    drop_where(b, of_scope, scope);
}
