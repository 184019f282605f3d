#include "tokens.h"

#include <string.h>

const char *token_class_name(token_class c) {
    static const char *const names[] = {"input", "output", "cache_read", "cache_write"};
    return names[c];
}

int64_t tokens_sum(const token_usage *u) {
    int64_t sum = 0;
    for (token_class c = TOKENS_INPUT; c < TOKEN_CLASSES; c++) {
        sum += u->of[c];
    }
    return sum;
}

bool tokens_read(keel_json v, token_usage *out, char model[TOKENS_MODEL]) {
    if (keel_json_typeof(v) != KEEL_JSON_OBJECT || keel_json_count(v) != TOKEN_CLASSES + 1) {
        return false;
    }
    long n = keel_json_copy(keel_json_get(v, "model"), model, TOKENS_MODEL);
    if (n <= 0 || n >= TOKENS_MODEL || strlen(model) != (size_t)n) {
        return false;
    }
    for (token_class c = TOKENS_INPUT; c < TOKEN_CLASSES; c++) {
        keel_json count = keel_json_get(v, token_class_name(c));
        if (keel_json_typeof(count) != KEEL_JSON_NUMBER || !keel_json_int(count, &out->of[c]) ||
            out->of[c] < 0 || out->of[c] > TOKENS_MOST) {
            return false;
        }
    }
    return true;
}
