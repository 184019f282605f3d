/* Holds as they stand in records. */
#include <stdio.h>
#include <string.h>

#include "budgetint.h"

bool budget_unit_borrowed(const char *unit, char base[8]) {
    size_t n = strlen(unit);
    if (n < 2 || n > 7 || unit[n - 1] != '+') {
        return false;
    }
    snprintf(base, 8, "%.*s", (int)(n - 1), unit);
    return true;
}

static void put_hold(const budget_place *at, const char *unit, int64_t amount,
                     keel_json_writer *w) {
    keel_json_object(w);
    keel_json_set_int(w, "amount", amount);
    keel_json_set_text(w, "budget", at->budget);
    keel_json_set_text(w, "scope", at->scope);
    keel_json_set_text(w, "unit", unit);
    keel_json_set_text(w, "window", at->window);
    keel_json_object_end(w);
}

static void put_settled(const budget_place *at, const char *unit, int64_t amount, int64_t actual,
                        int64_t overrun, keel_json_writer *w) {
    keel_json_object(w);
    keel_json_set_int(w, "actual", actual);
    keel_json_set_int(w, "amount", amount);
    keel_json_set_text(w, "budget", at->budget);
    keel_json_set_int(w, "overrun", overrun);
    keel_json_set_text(w, "scope", at->scope);
    keel_json_set_text(w, "unit", unit);
    keel_json_set_text(w, "window", at->window);
    keel_json_object_end(w);
}

void budget_holds_json(const budget_hold *holds, size_t count, keel_json_writer *w) {
    keel_json_array(w);
    for (size_t i = 0; i < count; i++) {
        budget_place at = budget_hold_place(&holds[i]);
        put_hold(&at, at.unit, holds[i].amount, w);
        if (holds[i].borrowed) {
            char unit[24];
            snprintf(unit, sizeof unit, "%s+", at.unit);
            put_hold(&at, unit, holds[i].borrowed, w);
        }
    }
    keel_json_array_end(w);
}

void budget_settled_json(const budget_hold *hold, int64_t actual, int64_t overrun,
                         keel_json_writer *w) {
    budget_place at = budget_hold_place(hold);
    put_settled(&at, at.unit, hold->amount, actual, overrun, w);
    if (hold->borrowed) {
        char unit[24];
        snprintf(unit, sizeof unit, "%s+", at.unit);
        put_settled(&at, unit, hold->borrowed, budget_borrowed(hold, actual), 0, w);
    }
}

/* A member that is text and fits whole. */
static bool take(keel_json hold, const char *key, char *to, size_t size) {
    long n = keel_json_copy(keel_json_get(hold, key), to, size);
    return n > 0 && (size_t)n < size;
}

typedef struct texts {
    char budget[64], scope[64], window[24], unit[16];
    int64_t amount, borrowed;
} texts;

static bool parse_hold(keel_json v, texts *out) {
    return keel_json_typeof(v) == KEEL_JSON_OBJECT &&
           keel_json_int(keel_json_get(v, "amount"), &out->amount) && out->amount >= 0 &&
           take(v, "budget", out->budget, sizeof out->budget) &&
           take(v, "scope", out->scope, sizeof out->scope) &&
           take(v, "unit", out->unit, sizeof out->unit) &&
           take(v, "window", out->window, sizeof out->window);
}

/* Of the one before it. */
static bool parse_borrowed(const texts *t, texts *of) {
    char unit[8];
    bool fits = budget_unit_borrowed(t->unit, unit) && strcmp(unit, of->unit) == 0 &&
                strcmp(t->budget, of->budget) == 0 && strcmp(t->scope, of->scope) == 0 &&
                strcmp(t->window, of->window) == 0 && !of->borrowed && t->amount <= of->amount;
    of->borrowed = fits ? t->amount : of->borrowed;
    return fits;
}

int budget_holds_parse(budgets *b, keel_json v, budget_hold holds[BUDGET_HOLDS], size_t *count) {
    texts all[BUDGET_HOLDS];
    if (keel_json_typeof(v) != KEEL_JSON_ARRAY) {
        return -1;
    }
    size_t n = 0;
    for (keel_json_iter it = keel_json_each(v); keel_json_next(&it);) {
        texts one = {.borrowed = 0};
        if (!parse_hold(it.value, &one)) {
            return -1;
        }
        if (strchr(one.unit, '+') ? n == 0 || !parse_borrowed(&one, &all[n - 1])
                                  : n == BUDGET_HOLDS) {
            return -1;
        }
        if (!strchr(one.unit, '+')) {
            all[n++] = one;
        }
    }
    for (size_t i = 0; i < n; i++) {
        budget_place at = {all[i].budget, all[i].scope, all[i].window, all[i].unit};
        holds[i] = (budget_hold){account_named(b, &at), all[i].amount, all[i].borrowed};
        holds[i].account->holds++;
    }
    *count = n;
    return 0;
}
