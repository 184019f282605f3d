/* keel.effect/1, what policy decides: read and write; and the table of all of it. Each function
 * checks what it got, puts the arguments in canonical order, and makes the call: the same as ctx has
 * in Lua (lua_effect.c), and the same in the journal. */
#include <string.h>

#include "native_agent.h"
#include "text.h"

static void put_text(keel_buf *out, const char *before, const char *text) {
    keel_buf_puts(out, before);
    text_quote(out, text, strlen(text), RUN_TEXT_LIMIT);
}

static keel_status put_effect(keel_call *call, const char *use, const char *resource,
                              const char *verb, keel_span args, const keel_effect_options *given,
                              keel_buf *out) {
    keel_effect_options o = {0};
    if (given) {
        memcpy(&o, given, given->size < sizeof o ? given->size : sizeof o);
    }
    keel_buf_clear(out);
    keel_buf_puts(out, "{\"args\":");
    keel_status s = native_call_value(call, "args", args, "{}", out);
    if (s == KEEL_OK && o.evidence.data) {
        keel_buf_puts(out, ",\"evidence\":");
        s = native_call_value(call, "evidence", o.evidence, "null", out);
    }
    put_text(out, ",\"resource\":", resource);
    put_text(out, ",\"use\":", use);
    put_text(out, ",\"verb\":", verb);
    if (o.why) {
        put_text(out, ",\"why\":", o.why);
    }
    keel_buf_putc(out, '}');
    return s;
}

static keel_status effect(const native *n, keel_call *call, const char *use, const char *resource,
                          const char *verb, keel_span args, const keel_effect_options *options,
                          keel_outcome *out) {
    char target[3 * RUN_NAME_LIMIT];
    keel_json outcome;
    keel_outcome full;
    keel_status s = native_call_begin(n, call, verb);
    s = s < 0 ? s : native_check_name(call, "the connection's name", use);
    s = s < 0 ? s : native_check_name(call, "the resource's name", resource);
    if (s < 0) {
        return s;
    }
    if (snprintf(target, sizeof target, "%s.%s.%s", use, resource, verb) > RUN_TARGET_LIMIT) {
        return native_call_bad(call, "the names of connection and resource are too long together");
    }
    s = put_effect(call, use, resource, verb, args, options, &call->run->args);
    s = s < 0 ? s : native_call_make(call, "effect", target, true, &outcome);
    if (s == KEEL_OK) {
        native_outcome_read(call, outcome, &full);
        native_outcome_give(&full, out);
    }
    return s;
}

static keel_status service_read(void *ctx, keel_call *call, const char *use, const char *resource,
                                keel_span args, const keel_effect_options *options,
                                keel_outcome *out) {
    return effect(ctx, call, use, resource, "read", args, options, out);
}

static keel_status service_write(void *ctx, keel_call *call, const char *use, const char *resource,
                                 keel_span args, const keel_effect_options *options,
                                 keel_outcome *out) {
    return effect(ctx, call, use, resource, "write", args, options, out);
}

void native_effect_init(native *n) {
    n->effect_table = (keel_effect){
        .size = sizeof n->effect_table,
        .ctx = n,
        .read = service_read,
        .write = service_write,
        .spawn = native_service_spawn,
        .wait = native_service_wait,
        .receive = native_service_receive,
        .sleep = native_service_sleep,
        .now = native_service_now,
        .random = native_service_random,
        .step = native_service_step,
        .step_done = native_service_step_done,
        .log = native_service_log,
        .continue_with = native_service_continue,
    };
}
