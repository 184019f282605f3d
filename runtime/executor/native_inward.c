/* keel.effect/1, what stays inside: waiting, time, random numbers, steps and logs. As lua_ctx.c and
 * lua_oneway.c have it. */
#include <string.h>

#include "native_agent.h"
#include "text.h"

#define LONGEST_US (INT64_C(100) * 366 * 86400 * 1000000) /* nobody waits longer */

/* Of calls that policy does not decide an error is nothing that an agent could act upon. */
static keel_status value_of(keel_call *call, const char *what, keel_json outcome, keel_json *ok) {
    keel_outcome full;
    *ok = run_outcome_ok(outcome.data, outcome.len);
    if (ok->data) {
        return KEEL_OK;
    }
    native_outcome_read(call, outcome, &full);
    native_call_bad(call, "%s: %s: %s", what, full.code.data,
                    full.why.data ? full.why.data : "no reason was given");
    return KEEL_E_INTERNAL;
}

/* ---- what is waited for ---- */

/* {"result"} is the result; {"error"} is code and why, and so is a run that was stopped. */
static void read_end(keel_call *call, keel_outcome *full) {
    keel_json end = {full->ok.data, full->ok.len};
    keel_json error = keel_json_get(end, "error"), result = keel_json_get(end, "result");
    full->state = native_outcome_text(call, keel_json_get(end, "state"));
    if (error.data) {
        full->ok = (keel_span){NULL, 0};
        native_outcome_error(call, error, full);
    } else {
        full->ok = result.data ? (keel_span){result.data, result.len} : (keel_span){"null", 4};
    }
}

keel_status native_service_wait(void *ctx, keel_call *call, uint64_t run, keel_outcome *out) {
    keel_json outcome;
    keel_outcome full;
    keel_status s = native_call_begin(ctx, call, "wait");
    if (s < 0) {
        return s;
    }
    if (run < 1 || run > INT64_MAX) {
        return native_call_bad(call, "wait: there is no run %llu", (unsigned long long)run);
    }
    keel_buf_clear(&call->run->args);
    keel_buf_printf(&call->run->args, "{\"run\":%llu}", (unsigned long long)run);
    s = native_call_make(call, "wait", "", false, &outcome);
    if (s == KEEL_OK) {
        native_outcome_read(call, outcome, &full);
        if (full.ok.data) {
            read_end(call, &full);
        }
        native_outcome_give(&full, out);
    }
    return s;
}

keel_status native_service_receive(void *ctx, keel_call *call, const char *name, int64_t timeout_us,
                                   keel_span *name_out, keel_span *body) {
    keel_json outcome, ok = {NULL, 0};
    keel_json_writer w;
    keel_status s = native_call_begin(ctx, call, "receive");
    s = s < 0 || !name ? s : native_check_name(call, "the event's name", name);
    if (s < 0) {
        return s;
    }
    if (timeout_us > LONGEST_US) {
        return native_call_bad(call, "receive: a timeout is at most 100 years");
    }
    keel_buf_clear(&call->run->args);
    keel_json_write(&w, &call->run->args);
    keel_json_object(&w);
    if (name) {
        keel_json_set_text(&w, "name", name);
    }
    if (timeout_us >= 0) {
        keel_json_set_int(&w, "timeout_us", timeout_us);
    }
    keel_json_object_end(&w);
    s = native_call_make(call, "receive", "", false, &outcome);
    s = s < 0 ? s : value_of(call, "receive", outcome, &ok);
    if (s == KEEL_OK) {
        keel_json event = keel_json_get(ok, "body");
        *name_out = native_outcome_text(call, keel_json_get(ok, "name"));
        *body = (keel_span){event.data, event.len};
    }
    return s;
}

keel_status native_service_sleep(void *ctx, keel_call *call, int64_t us) {
    keel_json outcome, ok;
    keel_status s = native_call_begin(ctx, call, "sleep");
    if (s < 0) {
        return s;
    }
    if (us < 0 || us > LONGEST_US) {
        return native_call_bad(call, "sleep: a duration is 0 to 100 years, in microseconds");
    }
    keel_buf_clear(&call->run->args);
    keel_buf_printf(&call->run->args, "{\"us\":%lld}", (long long)us);
    s = native_call_make(call, "sleep", "", false, &outcome);
    return s < 0 ? s : value_of(call, "sleep", outcome, &ok);
}

/* ---- now, random ---- */

static keel_status plain(const native *n, keel_call *call, const char *kind, keel_json *ok) {
    keel_json outcome;
    keel_status s = native_call_begin(n, call, kind);
    if (s < 0) {
        return s;
    }
    keel_buf_clear(&call->run->args);
    keel_buf_puts(&call->run->args, "{}");
    s = native_call_make(call, kind, "", true, &outcome);
    return s < 0 ? s : value_of(call, kind, outcome, ok);
}

keel_status native_service_now(void *ctx, keel_call *call, int64_t *us) {
    keel_json ok;
    keel_status s = plain(ctx, call, "now", &ok);
    if (s == KEEL_OK && !keel_json_int(ok, us)) {
        native_call_bad(call, "now: the kernel answered no time");
        return KEEL_E_INTERNAL;
    }
    return s;
}

static bool parse_bits(keel_json v, uint64_t *bits) {
    uint64_t n = 0;
    if (v.len != 18 || v.data[0] != '"') {
        return false;
    }
    for (size_t i = 1; i < 17; i++) {
        const char *digits = "0123456789abcdef", *at = strchr(digits, v.data[i]);
        if (!at || !*at) {
            return false;
        }
        n = n << 4 | (uint64_t)(at - digits);
    }
    *bits = n;
    return true;
}

keel_status native_service_random(void *ctx, keel_call *call, uint64_t *bits) {
    keel_json ok;
    keel_status s = plain(ctx, call, "random", &ok);
    if (s == KEEL_OK && !parse_bits(ok, bits)) {
        native_call_bad(call, "random: the kernel answered no random bits");
        return KEEL_E_INTERNAL;
    }
    return s;
}

/* ---- what is only recorded ---- */

keel_status native_service_step(void *ctx, keel_call *call, const char *name, keel_span *recorded) {
    keel_json was;
    keel_status s = native_call_begin(ctx, call, "step");
    s = s < 0 ? s : native_check_name(call, "the step's name", name);
    s = s < 0 ? s : native_call_one_way(call, "step", name, &was);
    if (s < 0) {
        return s;
    }
    keel_json ok = was.data ? run_outcome_ok(was.data, was.len) : was;
    *recorded = (keel_span){ok.data, ok.len};
    call->run->stepping = !ok.data;
    keel_buf_clear(&call->run->step_name);
    keel_buf_puts(&call->run->step_name, name);
    return KEEL_OK;
}

keel_status native_service_step_done(void *ctx, keel_call *call, keel_span value,
                                     keel_span *recorded) {
    if (!native_is_current(ctx, call) || !call->run) {
        return KEEL_E_INVALID;
    }
    native_run *r = call->run;
    if (r->suspended) {
        return KEEL_SUSPENDED;
    }
    if (!r->stepping) {
        return native_call_bad(call, "step_done: no step was begun that has no record");
    }
    keel_buf_clear(&r->args);
    keel_status s = native_call_value(call, "the step's result", value, "null", &r->args);
    if (s < 0) {
        return s;
    }
    r->stepping = false;
    keel_json v = native_call_send(r, X_STEP, r->step_name.data, &r->args);
    if (recorded) {
        *recorded = (keel_span){v.data, v.len};
    }
    return KEEL_OK;
}

keel_status native_service_log(void *ctx, keel_call *call, int32_t level, const char *text) {
    static const char *const names[] = {"debug", "info", "warn", "error"};
    keel_json was;
    keel_status s = native_call_begin(ctx, call, "log");
    if (s < 0) {
        return s;
    }
    if (!text || level < KEEL_LOG_DEBUG || level > KEEL_LOG_ERROR) {
        return native_call_bad(call, "log: it takes a level from KEEL_LOG_DEBUG to KEEL_LOG_ERROR "
                                     "and a text");
    }
    s = native_call_one_way(call, "log", "", &was);
    if (s == KEEL_OK && !was.data) {
        keel_buf_clear(&call->run->args);
        text_quote(&call->run->args, text, strlen(text), RUN_TEXT_LIMIT);
        native_call_send(call->run, X_LOG, names[level], &call->run->args);
    }
    return s;
}

keel_status native_service_continue(void *ctx, keel_call *call, keel_span state) {
    native *n = ctx;
    keel_status s = native_call_begin(ctx, call, "continue_with");
    s = s < 0 ? s : n->host.reply(n, call, state);
    if (s == KEEL_OK) {
        call->continues = true;
    }
    return s;
}
