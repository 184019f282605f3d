/* Holds as they stand in records. */
#include <string.h>

#include "budget.h"

void budget_holds_json(const budget_hold *holds, size_t count, keel_json_writer *w) {
    keel_json_array(w);
    for (size_t i = 0; i < count; i++) {
        keel_json_object(w);
        keel_json_set_int(w, "amount", holds[i].amount);
        keel_json_set_text(w, "budget", holds[i].budget);
        keel_json_set_text(w, "scope", holds[i].scope);
        keel_json_set_text(w, "unit", holds[i].unit);
        keel_json_set_text(w, "window", holds[i].window);
        keel_json_object_end(w);
    }
    keel_json_array_end(w);
}

/* A member that is text and fits whole. */
static bool take(keel_json hold, const char *key, char *to, size_t size) {
    long n = keel_json_copy(keel_json_get(hold, key), to, size);
    return n > 0 && (size_t)n < size;
}

static bool parse_hold(keel_json v, budget_hold *out) {
    memset(out, 0, sizeof *out);
    return keel_json_typeof(v) == KEEL_JSON_OBJECT &&
           keel_json_int(keel_json_get(v, "amount"), &out->amount) && out->amount >= 0 &&
           take(v, "budget", out->budget, sizeof out->budget) &&
           take(v, "scope", out->scope, sizeof out->scope) &&
           take(v, "unit", out->unit, sizeof out->unit) &&
           take(v, "window", out->window, sizeof out->window);
}

int budget_holds_parse(keel_json v, budget_hold holds[BUDGET_HOLDS], size_t *count) {
    if (keel_json_typeof(v) != KEEL_JSON_ARRAY || keel_json_count(v) > BUDGET_HOLDS) {
        return -1;
    }
    size_t n = 0;
    for (keel_json_iter it = keel_json_each(v); keel_json_next(&it); n++) {
        if (!parse_hold(it.value, &holds[n])) {
            return -1;
        }
    }
    *count = n;
    return 0;
}
