/* keel.spawn/1, and the spawn of keel.effect/1: the same as ctx.spawn in Lua (lua_effect.c), and the same in the
 * journal. The kernel looks whether what may come out of a quarantine is closed, and policy whether it is
 * trusted. */
#include <string.h>

#include "native_agent.h"
#include "text.h"

static void put_text(keel_buf *out, const char *before, const char *text) {
    keel_buf_puts(out, before);
    text_quote(out, text, strlen(text), RUN_TEXT_LIMIT);
}

/* A quarantine that was meant is never left out for want of a schema. */
static keel_status check_options(keel_call *call, const keel_spawn_options *o) {
    bool returns = o->returns.data && o->returns.len;
    if (o->key && strlen(o->key) > RUN_KEY_LIMIT) {
        return native_call_bad(call, "the key of spawn has at most %d bytes", RUN_KEY_LIMIT);
    }
    if (o->quarantine > 1) {
        return native_call_bad(call, "spawn: quarantine is 1 or 0");
    }
    if (o->quarantine && !returns) {
        return native_call_bad(call,
                               "spawn: quarantine needs returns, such as {\"urgent\":\"bool\"}");
    }
    return returns && !o->quarantine
               ? native_call_bad(call, "spawn: returns belongs to quarantine = 1")
               : KEEL_OK;
}

static keel_status put_args(keel_call *call, const char *agent, keel_span input,
                            const keel_spawn_options *o, keel_buf *out) {
    keel_buf_clear(out);
    put_text(out, "{\"agent\":", agent);
    keel_buf_puts(out, ",\"input\":");
    keel_status s = native_call_value(call, "input", input, "null", out);
    if (o->key) {
        put_text(out, ",\"key\":", o->key);
    }
    if (s == KEEL_OK && o->quarantine) {
        keel_buf_puts(out, ",\"quarantine\":true,\"returns\":");
        s = native_call_value(call, "returns", o->returns, "null", out);
    }
    keel_buf_putc(out, '}');
    return s;
}

static keel_status spawn(const native *n, keel_call *call, const char *agent, keel_span input,
                         const keel_spawn_options *o, keel_outcome *out) {
    keel_json outcome;
    keel_outcome full;
    int64_t run = 0;
    keel_status s = native_call_begin(n, call, "spawn");
    s = s < 0 ? s : native_check_name(call, "the agent's name", agent);
    s = s < 0 ? s : check_options(call, o);
    s = s < 0 ? s : put_args(call, agent, input, o, &call->run->args);
    s = s < 0 ? s : native_call_make(call, "spawn", "run.spawn", true, &outcome);
    if (s == KEEL_OK) {
        native_outcome_read(call, outcome, &full);
        if (full.ok.data) {
            keel_json_int(keel_json_get((keel_json){full.ok.data, full.ok.len}, "run"), &run);
        }
        full.run = (uint64_t)run;
        native_outcome_give(&full, out);
    }
    return s;
}

keel_status native_service_spawn(void *ctx, keel_call *call, const char *agent, keel_span input,
                                 const char *key, keel_outcome *out) {
    return spawn(ctx, call, agent, input, &(keel_spawn_options){.key = key}, out);
}

static keel_status service_spawn(void *ctx, keel_call *call, const char *agent, keel_span input,
                                 const keel_spawn_options *given, keel_outcome *out) {
    keel_spawn_options o = {0};
    if (given) {
        memcpy(&o, given, given->size < sizeof o ? given->size : sizeof o);
    }
    return spawn(ctx, call, agent, input, &o, out);
}

void native_spawn_init(native *n) {
    n->spawn_table = (keel_spawn){.size = sizeof n->spawn_table, .ctx = n, .spawn = service_spawn};
}
