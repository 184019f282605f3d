#include "prices.h"

#include <string.h>

#include "policyint.h"

#define DAY_US  86400000000LL
#define MILLION 1000000

__extension__ typedef __int128 wide;

static int64_t day_of(int64_t at_us) {
    int64_t rest = at_us % DAY_US;
    return at_us / DAY_US - (rest < 0);
}

static int by_model(const price_row *r, const char *model, size_t len) {
    int order = strncmp(r->model, model, len);
    return order ? order : r->model[len] != 0;
}

/* Rows are sorted by model and day: the last that is not behind both. */
const price_row *policy_price(const policy *p, const char *model, size_t len, int64_t at_us) {
    size_t low = 0, high = p->prices.count;
    int64_t day = day_of(at_us);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = by_model(&p->prices.rows[middle], model, len);
        if (order < 0 || (order == 0 && p->prices.rows[middle].day <= day)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const price_row *r = low ? &p->prices.rows[low - 1] : NULL;
    return r && by_model(r, model, len) == 0 ? r : NULL;
}

const price_row *policy_price_most(const policy *p, const token_usage *u, int64_t at_us,
                                   bool *mixed) {
    const price_row *most = NULL;
    int64_t day = day_of(at_us);
    *mixed = false;
    for (size_t i = 0; i < p->prices.count; i++) {
        const price_row *r = &p->prices.rows[i];
        bool last = i + 1 == p->prices.count || strcmp(r[1].model, r->model) != 0 || r[1].day > day;
        if (r->day > day || !last) {
            continue;
        }
        *mixed |= most && strcmp(most->currency, r->currency) != 0;
        most = !most || price_of(r, u) > price_of(most, u) ? r : most;
    }
    return *mixed ? NULL : most;
}

bool policy_assumes_price(const policy *p) {
    return p->prices.assume;
}

size_t policy_price_count(const policy *p) {
    return p->prices.count;
}

int64_t price_of(const price_row *r, const token_usage *u) {
    wide sum = 0;
    for (token_class c = TOKENS_INPUT; c < TOKEN_CLASSES; c++) {
        sum += (wide)r->micros[c] * u->of[c];
    }
    return (int64_t)((sum + MILLION - 1) / MILLION);
}
