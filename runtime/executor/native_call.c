/* A call of a run: its next path, the record that answers it, or the kernel within 100 ms. */
#include "native_agent.h"

#include <stdarg.h>
#include <string.h>

#include "clock.h"

#define PATIENCE_NS 100000000 /* how long a call waits before it suspends its run */

keel_status native_call_bad(keel_call *call, const char *format, ...) {
    char text[sizeof call->message];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    const keel_host *host = &call->run->n->host;
    return host->fail(host->ctx, call, KEEL_E_INVALID, text);
}

keel_status native_call_begin(const native *n, keel_call *call, const char *what) {
    if (!native_is_current(n, call) || !call->run) {
        return KEEL_E_INVALID;
    }
    if (call->run->suspended) {
        return KEEL_SUSPENDED;
    }
    return call->run->stepping
               ? native_call_bad(call, "%s cannot be called between step and step_done", what)
               : KEEL_OK;
}

/* ---- values ---- */

const char *native_call_limit(const char *data, size_t len) {
    int depth = 0;
    if (len > RUN_VALUE_LIMIT) {
        return "it is larger than 4 MiB";
    }
    for (size_t i = 0; i < len; i++) {
        if (data[i] == '"') {
            for (i++; data[i] != '"'; i++) {
                i += data[i] == '\\';
            }
        } else if (data[i] == '{' || data[i] == '[') {
            if (++depth > RUN_VALUE_DEPTH) {
                return "it has more than 60 levels";
            }
        } else if (data[i] == '}' || data[i] == ']') {
            depth--;
        }
    }
    return NULL;
}

keel_status native_call_value(keel_call *call, const char *what, keel_span value, const char *none,
                              keel_buf *out) {
    keel_json_error e;
    size_t begin = out->len;
    if (!value.data || value.len == 0) {
        value = (keel_span){none, strlen(none)};
    }
    if (keel_json_canonical(out, value.data, value.len, &e) < 0) {
        return native_call_bad(call, "%s: no JSON, at byte %zu: %s", what, e.offset, e.message);
    }
    const char *limit = native_call_limit(out->data + begin, out->len - begin);
    return limit ? native_call_bad(call, "%s: %s", what, limit) : KEEL_OK;
}

/* ---- waiting ---- */

static keel_status suspend(native_run *r) {
    r->suspended = true;
    return KEEL_SUSPENDED;
}

static bool window_has_room(const native_run *r) {
    return r->sent - r->acked < RUN_WINDOW;
}

static bool last_is_answered(const native_run *r) {
    return r->records[r->calls - 1].answered;
}

/* Reads frames until it is so, for as long as a call may wait. */
static bool wait_until(native_run *r, bool (*so)(const native_run *), bool patient) {
    int64_t until = 0;
    while (!so(r)) {
        int64_t now = (int64_t)clock_monotonic_ns();
        until = until ? until : now + PATIENCE_NS;
        int left_ms = (int)((until - now + 999999) / 1000000);
        if (left_ms <= 0 || (!patient && r->n->ready_first) || !executor_pump(r->n->x, left_ms) ||
            r->over) {
            return false;
        }
    }
    return true;
}

/* ---- the record ---- */

void native_call_mismatch(native_run *r, const native_record *rec, run_call *now) {
    keel_buf_clear(&r->body);
    run_mismatch_put(&r->body, &rec->was, now);
    executor_send(r->n->x, X_MISMATCH, r->id, 0, r->body.data, r->body.len);
    r->over = true;
}

static int path_text(char out[24], size_t number) {
    return snprintf(out, 24, "%zu", number);
}

/* Takes the next path. *rec: its record, or NULL where the record has ended. */
static keel_status take_path(native_run *r, run_call *now, native_record **rec) {
    char path[24];
    int len = path_text(path, r->calls + 1);
    *rec = NULL;
    if (r->calls == r->count) {
        r->calls++;
        return KEEL_OK;
    }
    native_record *next = &r->records[r->calls++];
    bool here = run_recorded_equals(next->was.path, path, (size_t)len);
    if (here && run_recorded_is(&next->was, now)) {
        *rec = next;
        return KEEL_OK;
    }
    native_call_mismatch(r, next, here ? now : NULL);
    return suspend(r);
}

/* ---- calls that the kernel answers ---- */

static void send_call(native_run *r, const char *path, size_t path_len, const run_call *c) {
    keel_buf_clear(&r->body);
    frame_put(&r->body, path, path_len);
    frame_put(&r->body, c->kind, strlen(c->kind));
    frame_put(&r->body, c->name, c->name_len);
    frame_put(&r->body, c->digest, 16);
    native_run_add(r, r->body.data, r->body.len);
    keel_buf_clear(&r->body);
    run_call_put(&r->body, path, path_len, c);
    executor_send(r->n->x, X_CALL, r->id, 0, r->body.data, r->body.len);
}

keel_status native_call_make(keel_call *call, const char *kind, const char *name, bool patient,
                             keel_json *outcome) {
    native_run *r = call->run;
    native_record *rec;
    run_call c = {kind, name, strlen(name), r->args.data, r->args.len, ""};
    run_call_digest(&c);
    keel_status s = take_path(r, &c, &rec);
    if (s < 0) {
        return s;
    }
    if (!rec) {
        char path[24];
        send_call(r, path, (size_t)path_text(path, r->calls), &c);
    }
    if (!wait_until(r, last_is_answered, patient)) {
        return suspend(r);
    }
    *outcome = r->records[r->calls - 1].was.outcome;
    executor_running(r->n->x, r->id); /* the watchdog sees that it goes on */
    return KEEL_OK;
}

/* ---- calls that are only recorded ---- */

keel_status native_call_one_way(keel_call *call, const char *kind, const char *name,
                                keel_json *recorded) {
    native_run *r = call->run;
    native_record *rec;
    run_call c = {.kind = kind, .name = name, .name_len = strlen(name)};
    keel_status s = take_path(r, &c, &rec);
    if (s < 0) {
        return s;
    }
    executor_running(r->n->x, r->id);
    *recorded = rec ? rec->was.outcome : (keel_json){NULL, 0};
    if (!rec && !wait_until(r, window_has_room, true)) {
        r->windowed = true;
        return suspend(r);
    }
    return KEEL_OK;
}

keel_json native_call_send(native_run *r, uint16_t type, const char *field, const keel_buf *rest) {
    char path[24];
    bool step = type == X_STEP;
    size_t path_len = (size_t)path_text(path, r->calls);
    run_call c = {.kind = step ? "step" : "log", .name = step ? field : ""};
    c.name_len = strlen(c.name);
    run_call_digest(&c);
    keel_buf_clear(&r->body);
    frame_put(&r->body, path, path_len);
    frame_put(&r->body, field, strlen(field));
    keel_buf_append(&r->body, rest->data, rest->len);
    executor_send(r->n->x, type, r->id, 0, r->body.data, r->body.len);
    r->sent++;
    keel_buf_clear(&r->body);
    frame_put(&r->body, path, path_len);
    frame_put(&r->body, c.kind, strlen(c.kind));
    frame_put(&r->body, c.name, c.name_len);
    frame_put(&r->body, c.digest, 16);
    native_record *rec = native_run_add(r, r->body.data, r->body.len);
    keel_buf_clear(&r->body);
    keel_buf_puts(&r->body, "{\"ok\":");
    keel_buf_append(&r->body, step ? rest->data : "null", step ? rest->len : 4);
    keel_buf_putc(&r->body, '}');
    native_run_set_answer(rec, r->body.data, r->body.len);
    return run_outcome_ok(rec->was.outcome.data, rec->was.outcome.len);
}
