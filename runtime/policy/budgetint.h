/* What the files of budgets share. */
#ifndef BUDGETINT_H
#define BUDGETINT_H

#include <string.h>

#include "budget.h"
#include "policyint.h"

typedef struct book book;

/* What is spent and held in one window of a book, or in one slice of a window that rolls. */
struct budget_account {
    budget_account *next; /* of its book */
    book *book;
    int64_t spent, held;
    int64_t borrowed;               /* of both */
    int64_t from_us, to_us;         /* a slice; both 0: it is none */
    bool spent_counts, held_counts; /* in the sums of its book */
    uint32_t holds;                 /* open ones: they point here */
    char window[24];
};

/* The accounts of one budget, scope and unit, and the sums of what counts now. What a reservation
 * looks at stands in front. */
struct book {
    uint64_t hash;
    uint64_t plan;             /* the plan that the limits are of; 0: none yet */
    uint64_t root;             /* of a run tree */
    size_t line;               /* of that plan; PLAN_NONE: the policy has no such limit */
    book *next;                /* of its place in the table */
    int64_t from_us, until_us; /* while now is in there, the sums and `now` hold */
    int64_t spent, held;
    int64_t limit;
    int64_t unasked;     /* the most that is not asked for */
    budget_account *now; /* where a hold goes; NULL: it is yet to be opened */
    int64_t soft;        /* where it is reached; INT64_MAX: there is none */
    bool told;           /* that it is */
    bool moved;          /* its sums were made once */
    budget_account *accounts;
    char scope[64], budget[64], unit[16];
};

#define PLAN_NONE SIZE_MAX

/* One limit of the policy. */
typedef enum line_kind { LINE_MONEY, LINE_CALLS, LINE_TOKENS, LINE_ATTENTION } line_kind;
typedef struct plan_line {
    uint64_t hash; /* of the budget's id and the unit */
    size_t rule;   /* index into the policy's budgets */
    scope_kind scope;
    line_kind kind;
    bool narrow; /* by agents or targets */
    bool notify;
    char currency[4];
    int64_t limit, soft, unasked;
} plan_line;

struct budgets {
    book **table;
    size_t size; /* a power of two */
    size_t count;
    uint64_t plan; /* counts policies that were followed */
    digest policy;
    plan_line lines[BUDGET_HOLDS];
    size_t line_count; /* of effects; behind them those of attention, up to */
    size_t all_count;
    book *news[BUDGET_HOLDS]; /* reached a soft limit that tells, and were not asked for yet */
    size_t news_count;
};

/* ---- book.c ---- */

void budgets_plan(budgets *b, const policy *p);
/* Makes b follow p, if it follows another policy. */
static inline void budgets_follow(budgets *b, const policy *p) {
    if (!b->plan || memcmp(&b->policy, &p->digest, sizeof p->digest) != 0) {
        budgets_plan(b, p);
    }
}
/* The book of that line for the request, with its sums as of now. scopes: scratch of one request. */
typedef struct scope_hashes {
    uint64_t agent, connection; /* 0: not asked for yet */
} scope_hashes;
book *book_find(budgets *b, const policy *p, size_t line, const budget_request *req,
                scope_hashes *scopes, int64_t now_us);
/* By its texts; opened where there is none. */
book *book_named(budgets *b, const char *budget, const char *scope, const char *unit);
/* The same of an account; its book's sums are as they were. */
budget_account *account_named(budgets *b, const budget_place *at);
/* Limits as b's policy has them. */
void book_bind(budgets *b, const policy *p, book *k);
/* What counts at that time; forget: accounts that never will again go. */
void book_move(const budget_rule *r, book *k, int64_t now_us, bool forget);
/* Nobody will ask for it again. */
bool budget_account_is_over(const budget_rule *r, const budget_account *a, int64_t now_us);
static inline int64_t budget_add(int64_t a, int64_t b) {
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}
/* Where a hold goes that is made now. */
budget_account *book_open(const budget_rule *r, book *k, int64_t now_us);
/* "EUR+": what is borrowed of EUR; base is the unit without it. */
bool budget_unit_borrowed(const char *unit, char base[8]);
void books_drop_scope(budgets *b, const char *scope);
/* It may have reached its soft limit, which tells. */
void book_news(budgets *b, book *k);

/* ---- budget_words.c ---- */

void budget_put_amount(int64_t amount, const char *unit, keel_buf *out);
void budget_explain_limit(const budget_rule *r, const book *k, budget_refusal *why);
void budget_explain_notice(const budget_rule *r, const book *k, budget_notice *out);

#endif
