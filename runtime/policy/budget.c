/* Reserve, settle, release: one critical section over all budgets that count an effect. */
#include "budget.h"

#include <stdio.h>
#include <string.h>

#include "budgetint.h"

/* ---- reserve ---- */

typedef struct asking {
    budgets *b;
    const policy *p;
    const budget_request *req;
    int64_t now_us;
    scope_hashes scopes;
    book *books[BUDGET_HOLDS];
    int64_t amounts[BUDGET_HOLDS], borrowed[BUDGET_HOLDS];
    size_t count;
    budget_beyond beyond[BUDGET_HOLDS];
    size_t beyond_count;
    budget_refusal *why;
    bool refused;
} asking;

static bool counts(const asking *a, const plan_line *l) {
    const budget_request *req = a->req;
    return (l->scope != SCOPE_CONNECTION || req->connection) &&
           (!l->narrow || budget_rule_counts(&a->p->budgets[l->rule], req->agent, req->target));
}

static void begin_refusal(const asking *a, const budget_rule *r) {
    budget_refusal *why = a->why;
    memset(why, 0, sizeof *why);
    snprintf(why->budget, sizeof why->budget, "%s", r->id);
    budget_scope(r->scope, a->req, why->scope);
    budget_window_name(r, a->now_us, why->window);
    why->at_hard = r->at_hard;
    why->throttle_us = r->throttle_us;
    why->then = r->then;
    why->ends_us = INT64_MAX;
}

/* The strictest speaks, and of as strict ones the first; what is soft is the mildest. */
static bool is_stricter(const asking *a, const budget_rule *r, budget_hard hard, bool soft) {
    if (!a->refused || a->why->soft != soft || hard != a->why->at_hard) {
        return !a->refused || (a->why->soft && !soft) ||
               (a->why->soft == soft && hard < a->why->at_hard);
    }
    return hard == HARD_THROTTLE && r->then == POLICY_DENY && a->why->then == POLICY_ASK;
}

/* ---- beyond the limit ---- */

static bool may_be_let(const budget_rule *r) {
    return r->at_hard == HARD_ASK || r->at_hard == HARD_ESCALATE ||
           (r->at_hard == HARD_THROTTLE && r->then == POLICY_ASK);
}

static bool is_let(const asking *a, const budget_rule *r, const char *unit) {
    const budget_request *req = a->req;
    for (size_t i = 0; may_be_let(r) && i < req->let_count; i++) {
        if (strcmp(req->lets[i].budget, r->id) == 0 && strcmp(req->lets[i].unit, unit) == 0) {
            return true;
        }
    }
    return false;
}

/* What a person has to know who lets it go. */
static void note_beyond(asking *a, const budget_rule *r, const char *unit, int64_t amount) {
    if (may_be_let(r) && a->beyond_count < BUDGET_HOLDS) {
        budget_beyond *to = &a->beyond[a->beyond_count++];
        *to = (budget_beyond){.amount = amount};
        snprintf(to->budget, sizeof to->budget, "%s", r->id);
        snprintf(to->unit, sizeof to->unit, "%.7s", unit);
    }
}

static int64_t not_fitting(const book *k, int64_t amount) {
    int64_t used = budget_add(k->spent, k->held), room = k->limit > used ? k->limit - used : 0;
    return amount > room ? amount - room : 0;
}

static void refuse(asking *a, const budget_rule *r, const book *k, int64_t amount, bool soft) {
    budget_hard hard = soft ? HARD_ASK : r->at_hard;
    if (!is_stricter(a, r, hard, soft)) {
        return;
    }
    begin_refusal(a, r);
    budget_refusal *why = a->why;
    a->refused = true;
    why->at_hard = hard;
    why->soft = soft;
    why->wanted = amount;
    why->limit = k->limit;
    why->spent = k->spent;
    why->held = k->held;
    if (r->window == WINDOW_ROLLING) {
        why->ends_us = k->until_us;
    } else if (r->window != WINDOW_NONE) {
        int64_t from;
        budget_window_ends(r, a->now_us, &from, &why->ends_us);
    }
    snprintf(why->unit, sizeof why->unit, "%s", k->unit);
    budget_explain_limit(r, k, why);
}

/* amount <= most - spent - held, without overflow. */
static bool fits(const book *k, int64_t amount, int64_t most) {
    int64_t sum;
    return !__builtin_add_overflow(k->spent, k->held, &sum) &&
           !__builtin_add_overflow(sum, amount, &sum) && sum <= most;
}

/* It does not fit: borrowed, if a person let it. */
static void go_beyond(asking *a, const budget_rule *r, const book *k, int64_t amount) {
    int64_t more = not_fitting(k, amount);
    note_beyond(a, r, k->unit, more);
    if (is_let(a, r, k->unit) && fits(k, amount, INT64_MAX)) {
        a->borrowed[a->count] = more;
    } else {
        refuse(a, r, k, amount, false);
    }
}

static void ask_line(asking *a, size_t line, int64_t amount) {
    book *k = book_find(a->b, a->p, line, a->req, &a->scopes, a->now_us);
    a->borrowed[a->count] = 0;
    if (!fits(k, amount, k->limit)) {
        go_beyond(a, &a->p->budgets[a->b->lines[line].rule], k, amount);
    } else if (!a->req->asked && !fits(k, amount, k->unasked)) {
        refuse(a, &a->p->budgets[a->b->lines[line].rule], k, amount, true);
    }
    a->books[a->count] = k;
    a->amounts[a->count++] = amount;
}

/* What no release and no window changes is not waited for. */
static budget_hard at_once(const budget_rule *r) {
    return r->at_hard == HARD_THROTTLE ? HARD_DENY : r->at_hard;
}

static void check_depth(asking *a, const budget_rule *r) {
    const budget_request *req = a->req;
    if (r->max_depth < 0 || req->depth <= r->max_depth) {
        return;
    }
    note_beyond(a, r, "depth", req->depth - r->max_depth);
    if (is_let(a, r, "depth") || !is_stricter(a, r, at_once(r), false)) {
        return;
    }
    begin_refusal(a, r);
    a->refused = true;
    a->why->at_hard = at_once(r);
    snprintf(a->why->unit, sizeof a->why->unit, "depth");
    a->why->limit = r->max_depth;
    a->why->wanted = req->depth;
    snprintf(a->why->why, sizeof a->why->why,
             "budget %s (%s:%d): runs in this tree may be %d deep, and this one is at depth %d",
             r->id, r->file, r->line, r->max_depth, req->depth);
}

/* Money in a currency that no budget counts, while others count theirs, is nobody's to spend. */
static void refuse_currency(asking *a, const budget_rule *other) {
    const char *currency = a->req->currency;
    begin_refusal(a, other);
    a->refused = true;
    a->why->at_hard = HARD_DENY;
    snprintf(a->why->unit, sizeof a->why->unit, "%.3s", currency);
    a->why->wanted = a->req->micros;
    snprintf(a->why->why, sizeof a->why->why,
             "the effect costs %.3s, and budget %s (%s:%d) counts %s: no budget covers %.3s",
             currency, other->id, other->file, other->line, other->currency, currency);
}

static void ask_all(asking *a) {
    const budget_request *req = a->req;
    const budget_rule *other = NULL;
    bool covered = req->micros == 0;
    for (size_t i = 0; i < a->b->line_count; i++) {
        const plan_line *l = &a->b->lines[i];
        if (!counts(a, l)) {
            continue;
        }
        if (l->kind != LINE_MONEY) {
            int64_t amount = l->kind == LINE_CALLS ? req->calls : req->tokens;
            if (amount > 0) {
                ask_line(a, i, amount);
            }
        } else if (req->micros > 0 && memcmp(l->currency, req->currency, 4) == 0) {
            ask_line(a, i, req->micros);
            covered = true;
        } else if (!other) {
            other = &a->p->budgets[l->rule];
        }
    }
    for (size_t i = 0; a->p->limits_depth && i < a->p->budget_count; i++) {
        const budget_rule *r = &a->p->budgets[i];
        if (r->max_depth >= 0 && budget_rule_counts(r, req->agent, req->target)) {
            check_depth(a, r);
        }
    }
    if (!covered && other && is_stricter(a, other, HARD_DENY, false)) {
        refuse_currency(a, other);
    }
}

int budget_reserve(budgets *b, const policy *p, const budget_request *req, int64_t now_us,
                   budget_hold holds[BUDGET_HOLDS], size_t *count, budget_refusal *why) {
    asking a; /* field by field: this runs for each effect, and its arrays need no zeroes */
    a.b = b;
    a.p = p;
    a.req = req;
    a.now_us = now_us;
    a.scopes = (scope_hashes){0, 0};
    a.count = a.beyond_count = 0;
    a.why = why;
    a.refused = false;
    budgets_follow(b, p);
    ask_all(&a);
    if (a.refused) {
        why->beyond_count = a.beyond_count;
        memcpy(why->beyond, a.beyond, a.beyond_count * sizeof *a.beyond);
        return -1;
    }
    for (size_t i = 0; i < a.count; i++) {
        book *k = a.books[i];
        const plan_line *l = &b->lines[k->line];
        budget_account *to = k->now ? k->now : book_open(&p->budgets[l->rule], k, now_us);
        to->held += a.amounts[i];
        to->holds++;
        to->borrowed += a.borrowed[i];
        k->held += a.amounts[i];
        holds[i] = (budget_hold){to, a.amounts[i], a.borrowed[i]};
        if (l->notify) {
            book_news(b, k);
        }
    }
    *count = a.count;
    return 0;
}

/* ---- settle ---- */

size_t budget_open(budgets *b, const policy *p, const budget_request *req, int64_t now_us,
                   budget_hold *holds, size_t room) {
    asking a = {.b = b, .p = p, .req = req, .now_us = now_us};
    size_t count = 0;
    budgets_follow(b, p);
    for (size_t i = 0; i < b->line_count && count < room; i++) {
        const plan_line *l = &b->lines[i];
        if (l->kind != LINE_MONEY || !counts(&a, l) || memcmp(l->currency, req->currency, 4) != 0) {
            continue;
        }
        book *k = book_find(b, p, i, req, &a.scopes, now_us);
        budget_account *to = book_open(&p->budgets[l->rule], k, now_us);
        to->holds++;
        holds[count++] = (budget_hold){to, 0, 0};
    }
    return count;
}

/* Takes the hold back, as much of it as is known to be held. */
static void unhold(budget_account *a, int64_t amount) {
    int64_t less = a->held < amount ? a->held : amount;
    a->held -= less;
    if (a->held_counts) {
        a->book->held -= a->book->held < less ? a->book->held : less;
    }
    a->holds -= a->holds > 0;
}

int64_t budget_borrowed(const budget_hold *hold, int64_t actual) {
    int64_t back = actual < 0 || actual > hold->amount ? 0 : hold->amount - actual;
    return hold->borrowed > back ? hold->borrowed - back : 0;
}

static void give_back(budget_account *a, int64_t borrowed) {
    a->borrowed -= a->borrowed < borrowed ? a->borrowed : borrowed;
}

int64_t budget_settle(budgets *b, const policy *p, const budget_hold *hold, int64_t actual) {
    budget_account *a = hold->account;
    book *k = a->book;
    budgets_follow(b, p);
    if (k->plan != b->plan) {
        book_bind(b, p, k);
    }
    bool all = a->spent_counts && a->held_counts; /* else its window is over, and it stands alone */
    int64_t before = all ? budget_add(k->spent, k->held) : budget_add(a->spent, a->held);
    int64_t more = actual < 0 ? hold->amount : actual;
    unhold(a, hold->amount);
    give_back(a, hold->borrowed - budget_borrowed(hold, actual));
    a->spent = budget_add(a->spent, more);
    k->spent = a->spent_counts ? budget_add(k->spent, more) : k->spent;
    if (k->line == PLAN_NONE) {
        return 0;
    }
    if (all && b->lines[k->line].notify) {
        book_news(b, k);
    }
    int64_t line = before > k->limit ? before : k->limit;
    int64_t after = all ? budget_add(k->spent, k->held) : budget_add(a->spent, a->held);
    return after > line ? after - line : 0;
}

void budget_release(budgets *b, const budget_hold *hold) {
    (void)b;
    unhold(hold->account, hold->amount);
    give_back(hold->account, hold->borrowed);
}

budget_place budget_hold_place(const budget_hold *h) {
    const book *k = h->account->book;
    return (budget_place){k->budget, k->scope, h->account->window, k->unit};
}

void budget_holds_drop(budget_hold *holds, size_t count) {
    for (size_t i = 0; i < count; i++) {
        holds[i].account->holds -= holds[i].account->holds > 0;
    }
}

/* ---- recovery and news ---- */

static const budget_rule *rule_named(const policy *p, const char *id) {
    for (size_t i = 0; p && i < p->budget_count; i++) {
        if (strcmp(p->budgets[i].id, id) == 0) {
            return &p->budgets[i];
        }
    }
    return NULL;
}

static bool was_long_ago(const policy *p, int64_t now_us, const budget_place *at, int64_t held) {
    const budget_rule *r = rule_named(p, at->budget);
    budget_account a = {.held = held};
    snprintf(a.window, sizeof a.window, "%s", at->window);
    if (r && r->window == WINDOW_ROLLING && budget_slice_span(a.window, &a.from_us, &a.to_us)) {
        a.spent_counts = a.to_us > now_us - r->window_us;
    }
    return r && budget_account_is_over(r, &a, now_us);
}

void budget_restore(budgets *b, const policy *p, int64_t now_us, const budget_place *at,
                    int64_t spent, int64_t held) {
    char unit[8];
    budget_place base = *at;
    if (was_long_ago(p, now_us, at, held)) {
        return;
    }
    if (budget_unit_borrowed(at->unit, unit)) {
        base.unit = unit;
        account_named(b, &base)->borrowed = budget_add(spent, held);
    } else {
        budget_account *a = account_named(b, at);
        a->spent = spent;
        a->held = held;
    }
}

bool budget_told(budgets *b, const policy *p, budget_notice *out) {
    if (!b->news_count) {
        return false;
    }
    budgets_follow(b, p);
    if (!b->news_count) {
        return false;
    }
    const book *k = b->news[--b->news_count];
    budget_explain_notice(&p->budgets[b->lines[k->line].rule], k, out);
    return true;
}

void budget_forget_run(budgets *b, uint64_t root_run) {
    char scope[64];
    snprintf(scope, sizeof scope, "run:%llu", (unsigned long long)root_run);
    books_drop_scope(b, scope);
}
