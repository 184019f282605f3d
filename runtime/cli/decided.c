#include "decided.h"

#include <string.h>

static bool key_is(keel_json key, const char *text, size_t len) {
    return key.len == len + 2 && memcmp(key.data + 1, text, len) == 0;
}
#define KEY_IS(key, text) key_is(key, text, sizeof text - 1)

static effect_class class_of(keel_json v) {
    for (effect_class k = CLASS_READ; k <= CLASS_REPEATABLE; k++) {
        if (keel_json_is(v, effect_class_name(k))) {
            return k;
        }
    }
    return CLASS_NONE;
}

void decided_inputs(keel_json inputs, decided *d) {
    for (keel_json_iter it = keel_json_each(inputs); keel_json_next(&it);) {
        if (KEY_IS(it.key, "class")) {
            d->class = class_of(it.value);
        } else if (KEY_IS(it.key, "sink")) {
            d->external = keel_json_is(it.value, "external");
        } else if (KEY_IS(it.key, "tainted")) {
            d->tainted = keel_json_true(it.value);
        } else if (KEY_IS(it.key, MANIFEST_ORIGIN)) {
            d->reply = keel_json_typeof(it.value) != KEEL_JSON_BOOL ? REPLY_UNTOLD
                       : keel_json_true(it.value)                   ? REPLY_YES
                                                                    : REPLY_NO;
        } else if (KEY_IS(it.key, "sensitivity") && it.value.len > 2) {
            sensitivity_named(it.value.data + 1, it.value.len - 2, &d->level);
        }
    }
}

bool decided_read(keel_json decision, decided *d) {
    bool any = false;
    *d = (decided){.verdict = POLICY_DENY, .level = SENSITIVITY_DEFAULT};
    for (keel_json_iter it = keel_json_each(decision); keel_json_next(&it);) {
        if (KEY_IS(it.key, "rule")) {
            d->rule = it.value;
        } else if (KEY_IS(it.key, "file")) {
            d->file = it.value;
        } else if (KEY_IS(it.key, "line")) {
            d->line = it.value;
        } else if (KEY_IS(it.key, "inputs")) {
            decided_inputs(it.value, d);
        } else if (KEY_IS(it.key, "verdict")) {
            any = true;
            d->verdict = keel_json_is(it.value, "allow") ? POLICY_ALLOW
                         : keel_json_is(it.value, "ask") ? POLICY_ASK
                                                         : POLICY_DENY;
        }
    }
    return any;
}
