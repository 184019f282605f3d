/* keel.ask/1: the same as ctx.ask in Lua (lua_ask.c), and the same in the journal. */
#include <string.h>

#include "native_agent.h"
#include "text.h"

#define LONGEST_US (INT64_C(100) * 366 * 86400 * 1000000) /* nobody waits longer */

static void put_key(keel_buf *out, const char *key) {
    keel_buf_printf(out, "%s\"%s\":", out->len > 1 ? "," : "", key);
}

static keel_status put_value(keel_call *call, const char *key, const char *what, keel_span value,
                             keel_buf *out) {
    if (!value.data || !value.len) {
        return KEEL_OK;
    }
    put_key(out, key);
    return native_call_value(call, what, value, "null", out);
}

/* What is no UTF-8 would be shown as something else than what was asked. */
static keel_status put_text(keel_call *call, const char *key, const char *text, keel_buf *out) {
    if (!text) {
        return KEEL_OK;
    }
    put_key(out, key);
    return keel_json_quote(out, text, strlen(text)) ? native_call_bad(call, "%s: no UTF-8", key)
                                                    : KEEL_OK;
}

static keel_status put_question(keel_call *call, const keel_question *q, keel_buf *out) {
    keel_buf_clear(out);
    keel_buf_putc(out, '{');
    keel_status s = put_value(call, "choices", "choices", q->choices, out);
    s = s < 0 ? s : put_value(call, "default", "fallback", q->fallback, out);
    s = s < 0 ? s : put_value(call, "evidence", "evidence", q->evidence, out);
    if (s == KEEL_OK && q->expires_us >= 0) {
        put_key(out, "expires_us");
        keel_buf_printf(out, "%lld", (long long)q->expires_us);
    }
    s = s < 0 ? s : put_text(call, "kind", q->kind, out);
    s = s < 0 ? s : put_text(call, "question", q->text, out);
    s = s < 0 ? s : put_text(call, "why", q->why, out);
    keel_buf_putc(out, '}');
    return s;
}

static keel_status service_ask(void *ctx, keel_call *call, const keel_question *given,
                               keel_outcome *out) {
    keel_json outcome;
    keel_outcome full;
    keel_question q = {.expires_us = -1};
    keel_status s = native_call_begin(ctx, call, "ask");
    if (s < 0) {
        return s;
    }
    if (given) {
        memcpy(&q, given, given->size < sizeof q ? given->size : sizeof q);
    }
    if (!q.text) {
        return native_call_bad(call, "ask: there is no question");
    }
    if (q.expires_us > LONGEST_US) {
        return native_call_bad(call, "ask: a question expires within 100 years");
    }
    s = put_question(call, &q, &call->run->args);
    s = s < 0 ? s : native_call_make(call, "ask", "", true, &outcome);
    if (s == KEEL_OK) {
        native_outcome_read(call, outcome, &full);
        native_outcome_give(&full, out);
    }
    return s;
}

void native_ask_init(native *n) {
    n->ask_table = (keel_ask){.size = sizeof n->ask_table, .ctx = n, .ask = service_ask};
}
