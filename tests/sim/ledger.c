/* I6: what each account has spent and holds, from the journal alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

static model_account *account_of(model *m, keel_json hold) {
    model_account key = {.spent = 0};
    keel_json_copy(keel_json_get(hold, "budget"), key.budget, sizeof key.budget);
    keel_json_copy(keel_json_get(hold, "scope"), key.scope, sizeof key.scope);
    keel_json_copy(keel_json_get(hold, "window"), key.window, sizeof key.window);
    keel_json_copy(keel_json_get(hold, "unit"), key.unit, sizeof key.unit);
    for (size_t i = 0; i < m->account_count; i++) {
        model_account *a = &m->accounts[i];
        if (!strcmp(a->budget, key.budget) && !strcmp(a->scope, key.scope) &&
            !strcmp(a->window, key.window) && !strcmp(a->unit, key.unit)) {
            return a;
        }
    }
    m->accounts = keel_realloc(m->accounts, (m->account_count + 1) * sizeof *m->accounts);
    m->accounts[m->account_count] = key;
    return &m->accounts[m->account_count++];
}

static int64_t amount_of(keel_json hold, const char *key) {
    int64_t n = 0;
    keel_json_int(keel_json_get(hold, key), &n);
    return n;
}

/* Whatever is added must fit, at this very record; but what a person let it borrow. */
static void fits(const model *m, const model_account *a, int64_t amount, int64_t borrowed) {
    const plan_policy *p = m->policy ? &m->s->plan.policies[m->policy - 1] : NULL;
    for (size_t i = 0; p && i < p->count; i++) {
        const plan_budget *b = &p->budgets[i];
        if (!strcmp(b->id, a->budget) && !strcmp(b->unit, a->unit) && amount != borrowed &&
            a->spent + a->held - borrowed > b->limit) {
            violate(m->s, "I6",
                    "budget %s in %s: %lld spent and %lld held, %lld of it borrowed now, the limit "
                    "is %lld",
                    a->budget, a->scope, (long long)a->spent, (long long)a->held,
                    (long long)borrowed, (long long)b->limit);
        }
    }
}

/* The element behind it, if that is what it has borrowed. */
static int64_t borrowed_of(keel_json_iter next) {
    char unit[8] = "";
    if (keel_json_next(&next)) {
        keel_json_copy(keel_json_get(next.value, "unit"), unit, sizeof unit);
    }
    return strchr(unit, '+') ? amount_of(next.value, "amount") : 0;
}

static void hold_all(model *m, keel_json holds, bool spend, bool consented) {
    for (keel_json_iter it = keel_json_each(holds); keel_json_next(&it);) {
        model_account *a = account_of(m, it.value);
        int64_t amount = amount_of(it.value, "amount"), borrowed = borrowed_of(it);
        *(spend ? &a->spent : &a->held) += amount;
        fits(m, a, amount, borrowed);
        if (borrowed && !consented) {
            violate(m->s, "I6", "budget %s in %s is borrowed from, and nobody let it", a->budget,
                    a->scope);
        }
    }
}

/* A person's word for it stands in the same record, or in that of an earlier attempt. */
static bool is_consented(const journal_row *row) {
    return keel_json_get(row->body, "approval").len || amount_of(row->body, "attempt") > 1;
}

static void settle_all(model *m, keel_json settled) {
    for (keel_json_iter it = keel_json_each(settled); keel_json_next(&it);) {
        model_account *a = account_of(m, it.value);
        int64_t before = a->spent + a->held;
        a->held -= amount_of(it.value, "amount");
        a->spent += amount_of(it.value, "actual");
        if (a->held < 0) {
            violate(m->s, "I6", "budget %s in %s settles what it did not hold", a->budget,
                    a->scope);
        }
        if (a->spent + a->held < before - amount_of(it.value, "amount")) {
            violate(m->s, "I6", "budget %s in %s gets money back", a->budget, a->scope);
        }
    }
}

void ledger_record(model *m, const journal_row *row) {
    hold_all(m, keel_json_get(row->body, "holds"), row->kind == RECORD_SPAWN, is_consented(row));
    settle_all(m, keel_json_get(row->body, "settled"));
}

static int on_account(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    const model *m = ctx;
    for (size_t i = 0; i < m->account_count; i++) {
        const model_account *a = &m->accounts[i];
        if (!strcmp(a->budget, v[0]) && !strcmp(a->scope, v[1]) && !strcmp(a->window, v[2]) &&
            !strcmp(a->unit, v[3])) {
            if (a->spent != atoll(v[4]) || a->held != atoll(v[5])) {
                violate(m->s, "I6",
                        "budget %s in %s: the table says %s spent and %s held,"
                        " the journal %lld and %lld",
                        v[0], v[1], v[4], v[5], (long long)a->spent, (long long)a->held);
            }
            return 0;
        }
    }
    violate(m->s, "I6", "budget %s in %s: no record made it", v[0], v[1]);
    return 0;
}

void ledger_at_rest(const model *m) {
    diag d = {0};
    if (reader_query(store_reader(m->s->w.store),
                     "SELECT budget, scope, window, unit, spent, held FROM budget", NULL, 0,
                     on_account, (void *)(uintptr_t)m, &d)) {
        violate(m->s, "I6", "%s", d.what);
    }
    for (size_t i = 0; i < m->account_count; i++) {
        if (m->accounts[i].held) {
            violate(m->s, "I6", "budget %s in %s still holds %lld at rest", m->accounts[i].budget,
                    m->accounts[i].scope, (long long)m->accounts[i].held);
        }
    }
}
