#include "moneyledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "budget.h"

#define HOUR 3600000000LL

const char money_policy[] =
    "version: 1\nrules:\n"
    "  - { id: free, on: [out.keyed.write, out.once.write, out.repeatable.write, out.ask.write],\n"
    "      allow: {} }\n"
    "  - { id: asked, on: out.checkable.write, ask: {} }\n"
    "  - { id: children, on: run.spawn, allow: {} }\n"
    "budgets:\n"
    "  - { id: all, scope: workspace, limit: 6.00 EUR, window: day }\n"
    "  - { id: hour, scope: workspace, limit: 2.50 EUR, window: 1h, at_hard: throttle,\n"
    "      throttle: 20m }\n"
    "  - { id: role, each: agent, limit: 3.00 EUR, window: 6h, soft: 60%, at_soft: [notify, ask],\n"
    "      at_hard: ask }\n"
    "  - { id: tree, each: run_tree, limit: 0.50 EUR, max_calls: 7, max_depth: 2 }\n"
    "  - { id: out, each: connection, on: \"out.*.write\", limit: 90 calls, window: 3h,\n"
    "      at_hard: stop }\n"
    "  - { id: boss, scope: workspace, agents: [boss], limit: 70 calls, window: hour,\n"
    "      at_hard: escalate }\n"
    "  - { id: words, scope: workspace, limit: 30000 tokens, window: day }\n"
    "  - { id: said, each: agent, limit: 9000 tokens, window: 3h, soft: 50%, at_soft: [ask],\n"
    "      at_hard: ask }\n"
    "  - { id: leaf, each: run_tree, limit: 900 tokens, at_hard: throttle, throttle: 20m }\n"
    "  - { id: door, each: connection, limit: 12000 tokens, window: hour, at_hard: stop }\n"
    "  - { id: calm, each: day, limit: 25 interruptions, soft: 80% }\n"
    "  - { id: time, each: day, limit: 45 minutes }\n"
    "prices:\n"
    "  - { model: big, from: 2023-01-01, input: 90.00 EUR, output: 200.00 EUR,\n"
    "      cache_read: 10.00 EUR, cache_write: 100.00 EUR }\n"
    "  - { model: small, from: 2023-01-01, input: 9.00 EUR, output: 20.00 EUR,\n"
    "      cache_read: 1.00 EUR, cache_write: 10.00 EUR }\n"
    "  - { model: small, from: 2023-11-15, input: 8.00 EUR, output: 19.00 EUR,\n"
    "      cache_read: 1.00 EUR, cache_write: 10.00 EUR }\n";

const char money_manifest[] =
    "id: org.example.out\nkind: connector\nversion: 1.0.0\nentry: out.lua\n"
    "needs: [ \"file:rw:{config.folder}\" ]\nresources:\n"
    "  keyed: { read: { cost: { estimate: 0.01 EUR } },\n"
    "    write: { class: keyed, window: 24h, undo: compensate, cost: { estimate: 0.11 EUR } },\n"
    "    compensate: { class: checkable, settle: 5s, cost: { estimate: 0.03 EUR } } }\n"
    "  checkable: { write: { class: checkable, settle: 5s, cost: { estimate: 0.07 EUR } } }\n"
    "  once: { write: { class: once, undo: compensate, cost: { estimate: 0.19 EUR } },\n"
    "    compensate: { class: once, cost: { estimate: 0.02 EUR } } }\n"
    "  repeatable: { write: { class: repeatable, cost: { estimate: 0.05 EUR } } }\n"
    "  ask: { write: { class: repeatable, tokens: { input: 300, output: 900, max: max,\n"
    "    model: model } } }\n";

/* What its budgets say, once more in the words of a test. window_us 0: an account by itself. */
static const struct {
    const char *id, *unit;
    int64_t limit, window_us;
    const char *borrowed; /* the unit of what people let it borrow; "": nobody may */
} limits[] = {
    {"all", "EUR", 6000000, 0, ""},
    {"hour", "EUR", 2500000, HOUR, ""},
    {"role", "EUR", 3000000, 6 * HOUR, "EUR+"},
    {"tree", "EUR", 500000, 0, ""},
    {"tree", "calls", 7, 0, ""},
    {"out", "calls", 90, 3 * HOUR, ""},
    {"boss", "calls", 70, 0, "calls+"},
    {"words", "tokens", 30000, 0, ""},
    {"said", "tokens", 9000, 3 * HOUR, "tokens+"},
    {"leaf", "tokens", 900, 0, ""},
    {"door", "tokens", 12000, 0, ""},
};
#define LIMITS (sizeof limits / sizeof *limits)

static money_account *account_of(money_ledger *f, keel_json hold) {
    money_account key = {.spent = 0};
    int64_t from;
    keel_json_copy(keel_json_get(hold, "budget"), key.budget, sizeof key.budget);
    keel_json_copy(keel_json_get(hold, "scope"), key.scope, sizeof key.scope);
    keel_json_copy(keel_json_get(hold, "window"), key.window, sizeof key.window);
    keel_json_copy(keel_json_get(hold, "unit"), key.unit, sizeof key.unit);
    for (size_t i = 0; i < f->count; i++) {
        money_account *a = &f->accounts[i];
        if (!strcmp(a->budget, key.budget) && !strcmp(a->scope, key.scope) &&
            !strcmp(a->window, key.window) && !strcmp(a->unit, key.unit)) {
            return a;
        }
    }
    if (!budget_slice_span(key.window, &from, &key.to_us)) {
        key.to_us = 0;
    }
    if (f->count == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 256;
        f->accounts = keel_realloc(f->accounts, f->cap * sizeof *f->accounts);
    }
    f->accounts[f->count] = key;
    return &f->accounts[f->count++];
}

/* What this account and those that count with it come to at that time. */
static int64_t sum_with(const money_ledger *f, const money_account *a, const char *unit,
                        int64_t window_us, int64_t at) {
    int64_t sum = 0;
    for (size_t i = 0; i < f->count; i++) {
        const money_account *b = &f->accounts[i];
        if (strcmp(a->budget, b->budget) != 0 || strcmp(a->scope, b->scope) != 0 ||
            strcmp(unit, b->unit) != 0) {
            continue;
        }
        if (a->to_us && b->to_us) {
            sum += b->held + (b->to_us > at - window_us ? b->spent : 0);
        } else if (!strcmp(a->window, b->window)) {
            sum += b->spent + b->held;
        }
    }
    return sum;
}

static void check_account(const money_ledger *f, const money_account *a, int64_t at,
                          char problem[256]) {
    for (size_t i = 0; i < LIMITS; i++) {
        if (!strcmp(limits[i].id, a->budget) && !strcmp(limits[i].unit, a->unit) && !problem[0]) {
            int64_t sum = sum_with(f, a, limits[i].unit, limits[i].window_us, at);
            int64_t borrowed = sum_with(f, a, limits[i].borrowed, limits[i].window_us, at);
            if (sum > limits[i].limit + borrowed || a->held < 0 ||
                (borrowed && !limits[i].borrowed[0])) {
                snprintf(problem, 256,
                         "record %lld: budget %s of %s in %s has %lld spent and held, the limit is "
                         "%lld",
                         (long long)f->seq, a->budget, a->scope, a->window, (long long)sum,
                         (long long)limits[i].limit);
            }
        }
    }
}

static int64_t amount_of(keel_json hold, const char *key) {
    int64_t n = 0;
    keel_json_int(keel_json_get(hold, key), &n);
    return n;
}

static void check_all(money_ledger *f, keel_json list, int64_t at, char problem[256]) {
    for (keel_json_iter it = keel_json_each(list); keel_json_next(&it);) {
        check_account(f, account_of(f, it.value), at, problem);
    }
}

/* What a record says that it used and cost is what its accounts have spent for it. */
static void check_bill(money_ledger *f, keel_json body, char problem[256]) {
    static const char *const classes[] = {"input", "output", "cache_read", "cache_write"};
    keel_json usage = keel_json_get(body, "usage"), cost = keel_json_get(body, "cost");
    int64_t used = 0;
    char currency[8] = "";
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        used += amount_of(usage, classes[i]);
    }
    f->used += used;
    keel_json_copy(keel_json_get(cost, "currency"), currency, sizeof currency);
    for (keel_json_iter it = keel_json_each(keel_json_get(body, "settled")); keel_json_next(&it);) {
        const money_account *a = account_of(f, it.value);
        bool tokens = !strcmp(a->unit, "tokens");
        int64_t told = !tokens     ? amount_of(cost, "micros")
                       : usage.len ? used
                                   : amount_of(it.value, "amount");
        if ((tokens || !strcmp(a->unit, currency)) && amount_of(it.value, "actual") != told &&
            !problem[0]) {
            snprintf(problem, 256, "record %lld: %s of %s is said to be %lld, and %lld are spent",
                     (long long)f->seq, a->unit, a->budget, (long long)told,
                     (long long)amount_of(it.value, "actual"));
        }
    }
}

void money_record(money_ledger *f, const record *r, int64_t at, char problem[256]) {
    keel_json body = keel_json_view(r->body, r->len);
    f->seq = r->seq;
    keel_json holds = keel_json_get(body, "holds"), settled = keel_json_get(body, "settled");
    for (keel_json_iter it = keel_json_each(holds); keel_json_next(&it);) {
        money_account *a = account_of(f, it.value);
        *(r->kind == RECORD_SPAWN ? &a->spent : &a->held) += amount_of(it.value, "amount");
        f->borrowed += strchr(a->unit, '+') != NULL;
    }
    for (keel_json_iter it = keel_json_each(settled); keel_json_next(&it);) {
        money_account *a = account_of(f, it.value);
        a->held -= amount_of(it.value, "amount");
        a->spent += amount_of(it.value, "actual");
    }
    keel_json attention = keel_json_get(body, "attention");
    for (keel_json_iter it = keel_json_each(attention); keel_json_next(&it);) {
        account_of(f, it.value)->spent += amount_of(it.value, "amount");
        f->attention++;
    }
    if (r->kind == RECORD_EFFECT_DONE) {
        check_bill(f, body, problem);
    }
    check_all(f, holds, at, problem);
    check_all(f, settled, at, problem);
}

typedef struct comparison {
    const money_ledger *ledger;
    char *problem;
} comparison;

static int on_row(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    comparison *c = ctx;
    const money_ledger *f = c->ledger;
    char *problem = c->problem;
    size_t i = 0;
    while (i < f->count &&
           (strcmp(f->accounts[i].budget, v[0]) || strcmp(f->accounts[i].scope, v[1]) ||
            strcmp(f->accounts[i].window, v[2]) || strcmp(f->accounts[i].unit, v[3]))) {
        i++;
    }
    if (!problem[0] && (i == f->count || f->accounts[i].spent != atoll(v[4]) ||
                        f->accounts[i].held != atoll(v[5]))) {
        snprintf(problem, 256, "the table says that %s of %s in %s has %s spent and %s held", v[0],
                 v[1], v[2], v[4], v[5]);
    }
    return 0;
}

/* Each row has its account, with the same sums; and there are as many. */
void money_compare(const money_ledger *f, sim_world *w, char problem[256]) {
    comparison c = {f, problem};
    diag d = {0};
    if (reader_query(store_reader(w->store),
                     "SELECT budget, scope, window, unit, spent, held FROM budget", NULL, 0, on_row,
                     &c, &d)) {
        snprintf(problem, 256, "%.250s", d.what);
    }
    int64_t used = sim_number(w, "SELECT sum(tokens_in + tokens_out + tokens_cache_read +"
                                 " tokens_cache_write) FROM effect");
    if (!problem[0] && used != f->used) {
        snprintf(problem, 256, "the table has %lld tokens, and the records %lld", (long long)used,
                 (long long)f->used);
    }
    int64_t rows = sim_number(w, "SELECT count(*) FROM budget");
    if (!problem[0] && rows != (int64_t)f->count) {
        snprintf(problem, 256, "%lld rows of budgets, and %zu accounts", (long long)rows, f->count);
    }
}
