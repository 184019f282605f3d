/* Books and their accounts: where they are found, what of them counts now, what is forgotten. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "budgetint.h"

#define HELD_BY 256 /* places of the table at first */
#define DAY_US  86400000000LL

budgets *budgets_create(void) {
    budgets *b = keel_alloc(sizeof *b);
    *b = (budgets){.size = HELD_BY};
    b->table = keel_alloc(b->size * sizeof(book *));
    memset(b->table, 0, b->size * sizeof(book *));
    return b;
}

static void book_free(book *k) {
    while (k->accounts) {
        budget_account *a = k->accounts;
        k->accounts = a->next;
        free(a);
    }
    free(k);
}

void budgets_destroy(budgets *b) {
    if (!b) {
        return;
    }
    for (size_t i = 0; i < b->size; i++) {
        while (b->table[i]) {
            book *k = b->table[i];
            b->table[i] = k->next;
            book_free(k);
        }
    }
    free(b->table);
    free(b);
}

/* ---- the policy that is followed ---- */

static uint64_t mix(uint64_t h) {
    h *= 0x9fb21c651e98df25u;
    return h ^ h >> 32;
}

static uint64_t text_of(const char *text) {
    return text_hash(text, strlen(text), false);
}

static uint64_t line_hash(const char *budget, const char *unit) {
    return mix(text_of(budget) + 3 * text_of(unit));
}

static const char *unit_of(const policy *p, const plan_line *l) {
    const budget_rule *r = &p->budgets[l->rule];
    const char *units[] = {[LINE_MONEY] = r->currency,
                           [LINE_CALLS] = "calls",
                           [LINE_TOKENS] = "tokens",
                           [LINE_ATTENTION] = r->minutes ? "seconds" : "interruptions"};
    return units[l->kind];
}

static void add_line(budgets *b, const policy *p, size_t rule, line_kind kind, int64_t limit) {
    const budget_rule *r = &p->budgets[rule];
    plan_line *l = &b->lines[b->all_count++];
    *l = (plan_line){.rule = rule,
                     .scope = r->scope,
                     .kind = kind,
                     .narrow = r->agent_count || r->on_count,
                     .notify = r->soft_notify,
                     .limit = limit,
                     .soft = INT64_MAX,
                     .unasked = INT64_MAX};
    memcpy(l->currency, r->currency, sizeof l->currency);
    if (r->soft) { /* it is reached when its share is, and not passed before */
        l->soft = limit / 100 * r->soft + (limit % 100 * r->soft + 99) / 100;
    }
    if (r->soft_ask) {
        l->unasked = limit / 100 * r->soft + limit % 100 * r->soft / 100;
    }
    l->hash = line_hash(r->id, unit_of(p, l));
}

void budgets_plan(budgets *b, const policy *p) {
    b->policy = p->digest;
    b->plan++;
    b->all_count = 0;
    b->news_count = 0;
    for (size_t i = 0; i < p->budget_count; i++) {
        const budget_rule *r = &p->budgets[i];
        if (r->currency[0]) {
            add_line(b, p, i, LINE_MONEY, r->micros);
        }
        if (r->tokens >= 0) {
            add_line(b, p, i, LINE_TOKENS, r->tokens);
        }
        if (r->calls >= 0) {
            add_line(b, p, i, LINE_CALLS, r->calls);
        }
    }
    b->line_count = b->all_count;
    for (size_t i = 0; i < p->budget_count; i++) {
        if (p->budgets[i].attention >= 0) {
            add_line(b, p, i, LINE_ATTENTION, p->budgets[i].attention);
        }
    }
}

void book_bind(budgets *b, const policy *p, book *k) {
    k->plan = b->plan;
    k->line = 0;
    while (k->line < b->all_count &&
           (strcmp(p->budgets[b->lines[k->line].rule].id, k->budget) != 0 ||
            strcmp(unit_of(p, &b->lines[k->line]), k->unit) != 0)) {
        k->line++;
    }
    if (k->line == b->all_count) {
        k->line = PLAN_NONE;
        k->limit = -1;
        return;
    }
    k->limit = b->lines[k->line].limit;
    k->soft = b->lines[k->line].soft;
    k->unasked = b->lines[k->line].unasked;
    k->from_us = k->until_us = 0; /* its window may be another now */
}

/* ---- the table ---- */

static uint64_t scope_text_hash(scope_kind kind, const char *name, size_t len) {
    return mix(text_hash(name, len, false) + (uint64_t)kind);
}

static uint64_t scope_root_hash(uint64_t root) {
    return mix(root + 0x51);
}

/* The same hash from the text of a scope. */
static uint64_t scope_hash(const char *scope, uint64_t *root) {
    const char *name = strchr(scope, ':');
    *root = 0;
    if (strncmp(scope, "run:", 4) == 0) {
        *root = strtoull(scope + 4, NULL, 10);
        return scope_root_hash(*root);
    }
    if (!name) {
        return 0;
    }
    name++;
    return scope_text_hash(scope[0] == 'a' ? SCOPE_AGENT : SCOPE_CONNECTION, name, strlen(name));
}

static uint64_t request_hash(scope_kind kind, const budget_request *req, scope_hashes *known) {
    switch (kind) {
    case SCOPE_RUN_TREE:
        return scope_root_hash(req->root_run);
    case SCOPE_AGENT:
        known->agent = known->agent ? known->agent
                                    : scope_text_hash(kind, req->agent, strnlen(req->agent, 57));
        return known->agent;
    case SCOPE_CONNECTION:
        known->connection = known->connection ? known->connection
                                              : scope_text_hash(kind, req->connection,
                                                                strnlen(req->connection, 52));
        return known->connection;
    default:
        return 0;
    }
}

static void grow(budgets *b) {
    size_t size = b->size * 2;
    book **table = keel_alloc(size * sizeof(book *));
    memset(table, 0, size * sizeof(book *));
    for (size_t i = 0; i < b->size; i++) {
        while (b->table[i]) {
            book *k = b->table[i];
            b->table[i] = k->next;
            k->next = table[k->hash & (size - 1)];
            table[k->hash & (size - 1)] = k;
        }
    }
    free(b->table);
    b->table = table;
    b->size = size;
}

book *book_named(budgets *b, const char *budget, const char *scope, const char *unit) {
    uint64_t root;
    uint64_t hash = line_hash(budget, unit) ^ scope_hash(scope, &root);
    for (book *k = b->table[hash & (b->size - 1)]; k; k = k->next) {
        if (k->hash == hash && strcmp(k->budget, budget) == 0 && strcmp(k->scope, scope) == 0 &&
            strcmp(k->unit, unit) == 0) {
            return k;
        }
    }
    if (++b->count * 2 > b->size) {
        grow(b);
    }
    book *k = keel_alloc(sizeof *k);
    *k = (book){.hash = hash, .root = root, .limit = -1, .soft = INT64_MAX, .unasked = INT64_MAX};
    snprintf(k->budget, sizeof k->budget, "%s", budget);
    snprintf(k->scope, sizeof k->scope, "%s", scope);
    snprintf(k->unit, sizeof k->unit, "%s", unit);
    book **place = &b->table[hash & (b->size - 1)];
    k->next = *place;
    *place = k;
    return k;
}

static bool same_scope(const book *k, scope_kind kind, const budget_request *req) {
    switch (kind) {
    case SCOPE_RUN_TREE:
        return k->root == req->root_run;
    case SCOPE_AGENT:
        return strncmp(k->scope + 6, req->agent, 57) == 0;
    case SCOPE_CONNECTION:
        return strncmp(k->scope + 11, req->connection, 52) == 0;
    default:
        return true;
    }
}

book *book_find(budgets *b, const policy *p, size_t line, const budget_request *req,
                scope_hashes *scopes, int64_t now_us) {
    const plan_line *l = &b->lines[line];
    uint64_t hash = l->hash ^ request_hash(l->scope, req, scopes);
    book *k = b->table[hash & (b->size - 1)];
    while (k && (k->hash != hash || k->plan != b->plan || k->line != line ||
                 !same_scope(k, l->scope, req))) {
        k = k->next;
    }
    if (!k) {
        char scope[64];
        budget_scope(l->scope, req, scope);
        k = book_named(b, p->budgets[l->rule].id, scope, unit_of(p, l));
        book_bind(b, p, k);
    }
    if (now_us < k->from_us || now_us >= k->until_us) {
        book_move(&p->budgets[l->rule], k, now_us, true);
    }
    return k;
}

/* ---- accounts ---- */

static budget_account *account_find(const book *k, const char *window) {
    budget_account *a = k->accounts;
    while (a && strcmp(a->window, window) != 0) {
        a = a->next;
    }
    return a;
}

static budget_account *account_add(book *k, const char *window) {
    budget_account *a = keel_alloc(sizeof *a);
    *a = (budget_account){.next = k->accounts, .book = k};
    snprintf(a->window, sizeof a->window, "%s", window);
    budget_slice_span(window, &a->from_us, &a->to_us);
    k->accounts = a;
    return a;
}

budget_account *account_named(budgets *b, const budget_place *at) {
    book *k = book_named(b, at->budget, at->scope, at->unit);
    budget_account *a = account_find(k, at->window);
    k->from_us = k->until_us = 0; /* its sums are made anew */
    return a ? a : account_add(k, at->window);
}

budget_account *book_open(const budget_rule *r, book *k, int64_t now_us) {
    if (!k->now) {
        char window[24];
        budget_window(r, now_us, window);
        k->now = account_add(k, window);
        k->now->spent_counts = k->now->held_counts = true;
    }
    return k->now;
}

/* Windows that ended two days ago or more (a month: two months) are not asked for again. */
bool budget_account_is_over(const budget_rule *r, const budget_account *a, int64_t now_us) {
    char since[24];
    if (a->held || a->holds || a->spent_counts || r->window == WINDOW_NONE) {
        return false;
    }
    if (r->window == WINDOW_ROLLING) {
        return a->to_us != 0;
    }
    budget_window(r, now_us - (r->window == WINDOW_MONTH ? 62 : 2) * DAY_US, since);
    return strlen(a->window) == strlen(since) && strcmp(a->window, since) < 0;
}

/* What is held in a slice may still be sent now, so it counts however old the slice is. */
static void weigh(const budget_rule *r, book *k, budget_account *a, const char *window,
                  int64_t now_us) {
    bool here = strcmp(a->window, window) == 0;
    bool slice = r->window == WINDOW_ROLLING && a->to_us != 0;
    a->spent_counts = here || (slice && a->to_us > now_us - r->window_us);
    a->held_counts = here || slice;
    k->now = here ? a : k->now;
    k->spent = a->spent_counts ? budget_add(k->spent, a->spent) : k->spent;
    k->held = a->held_counts ? budget_add(k->held, a->held) : k->held;
    if (slice && a->spent_counts && a->to_us + r->window_us < k->until_us) {
        k->until_us = a->to_us + r->window_us; /* it leaves */
    }
}

static bool reached(const book *k) {
    return k->spent >= k->soft - (k->held < k->soft ? k->held : k->soft);
}

/* What came from the tables was told in the life that reached it. */
static void move_told(const budget_rule *r, book *k, bool turned) {
    if (!k->moved) {
        k->told = reached(k);
    } else if (turned) {
        k->told = false;
    } else if (r->window == WINDOW_ROLLING) {
        k->told = k->told && reached(k);
    }
    k->moved = true;
}

void book_move(const budget_rule *r, book *k, int64_t now_us, bool forget) {
    char window[24];
    bool turned = k->now && r->window != WINDOW_ROLLING;
    budget_window(r, now_us, window);
    turned = turned && strcmp(k->now->window, window) != 0;
    budget_window_span(r, now_us, &k->from_us, &k->until_us);
    k->now = NULL;
    k->spent = k->held = 0;
    for (budget_account **at = &k->accounts; *at;) {
        budget_account *a = *at;
        weigh(r, k, a, window, now_us);
        if (forget && budget_account_is_over(r, a, now_us)) {
            *at = a->next;
            free(a);
        } else {
            at = &a->next;
        }
    }
    k->from_us = r->window == WINDOW_ROLLING ? now_us : k->from_us;
    move_told(r, k, turned);
}

/* ---- forgetting ---- */

static bool is_idle(const book *k) {
    for (const budget_account *a = k->accounts; a; a = a->next) {
        if (a->held || a->holds) {
            return false;
        }
    }
    return true;
}

static void forget_news(budgets *b, const book *k) {
    size_t n = 0;
    for (size_t i = 0; i < b->news_count; i++) {
        if (b->news[i] != k) {
            b->news[n++] = b->news[i];
        }
    }
    b->news_count = n;
}

void books_drop_scope(budgets *b, const char *scope) {
    for (size_t i = 0; i < b->size; i++) {
        for (book **at = &b->table[i]; *at;) {
            book *k = *at;
            if (strcmp(k->scope, scope) == 0 && is_idle(k)) {
                *at = k->next;
                forget_news(b, k);
                book_free(k);
                b->count--;
            } else {
                at = &k->next;
            }
        }
    }
}

void book_news(budgets *b, book *k) {
    if (!k->told && reached(k)) {
        k->told = true;
        forget_news(b, k);
        if (b->news_count < BUDGET_HOLDS) {
            b->news[b->news_count++] = k;
        }
    }
}
