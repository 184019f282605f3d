#include "backtest_shadow.h"

#include <string.h>

static policy_verdict verdict_of(keel_json v) {
    return keel_json_is(v, "allow") ? POLICY_ALLOW
           : keel_json_is(v, "ask") ? POLICY_ASK
                                    : POLICY_DENY;
}

bool shadow_read(keel_json decision, shadow_text *text, policy_decision *now) {
    keel_json would = keel_json_get(decision, "would");
    int64_t line = 0;
    if (!would.data) {
        return false;
    }
    strcpy(text->rule, "none");
    strcpy(text->band, "default");
    text->file[0] = 0;
    keel_buf_clear(&text->why);
    keel_buf_puts(&text->why, "no rule would speak");
    for (keel_json_iter it = keel_json_each(keel_json_get(decision, "shadow"));
         keel_json_next(&it);) {
        if (verdict_of(keel_json_get(it.value, "verdict")) == verdict_of(would)) {
            keel_json_copy(keel_json_get(it.value, "rule"), text->rule, sizeof text->rule);
            keel_json_copy(keel_json_get(it.value, "file"), text->file, sizeof text->file);
            keel_json_copy(keel_json_get(it.value, "band"), text->band, sizeof text->band);
            keel_json_int(keel_json_get(it.value, "line"), &line);
            keel_buf_clear(&text->why);
            keel_json_string(keel_json_get(it.value, "why"), &text->why);
            break;
        }
    }
    *now =
        (policy_decision){verdict_of(would), NULL, text->rule, text->file, (int)line, text->band};
    return true;
}
