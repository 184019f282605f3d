/* What calls of keel.effect/1 have in common: names that go in, outcomes that come out. */
#include <string.h>

#include "native_agent.h"

keel_status native_check_name(keel_call *call, const char *what, const char *name) {
    keel_buf quoted = KEEL_BUF_INIT;
    size_t len = name ? strlen(name) : 0;
    bool good = len >= 1 && len <= RUN_NAME_LIMIT && keel_json_quote(&quoted, name, len) == 0;
    keel_buf_free(&quoted);
    return good
               ? KEEL_OK
               : native_call_bad(call, "%s must have 1 to %d bytes of UTF-8", what, RUN_NAME_LIMIT);
}

keel_span native_outcome_text(keel_call *call, keel_json v) {
    return v.data ? native_text_span(call, v) : (keel_span){NULL, 0};
}

void native_outcome_give(const keel_outcome *full, keel_outcome *out) {
    if (out) {
        uint32_t size = out->size;
        memcpy(out, full, size < sizeof *full ? size : sizeof *full);
        out->size = size;
    }
}

/* An answer that says neither ok nor err is still an answer. */
void native_outcome_error(keel_call *call, keel_json err, keel_outcome *full) {
    keel_json why = keel_json_get(err, "why"), message = keel_json_get(err, "message");
    full->code = native_outcome_text(call, keel_json_get(err, "code"));
    full->rule = native_outcome_text(call, keel_json_get(err, "rule"));
    full->why = native_outcome_text(call, message.data ? message : why);
    if (!full->code.data) {
        full->code = (keel_span){"unknown", 7};
    }
}

void native_outcome_read(keel_call *call, keel_json outcome, keel_outcome *full) {
    keel_json ok = run_outcome_ok(outcome.data, outcome.len);
    *full = (keel_outcome){.size = sizeof *full};
    if (ok.data) {
        full->ok = (keel_span){ok.data, ok.len};
    } else {
        native_outcome_error(call, keel_json_get(outcome, "err"), full);
    }
}
