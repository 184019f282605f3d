#include "run_record.h"

#include <string.h>

#include "digest.h"
#include "frame.h"

void run_call_digest(run_call *c) {
    keel_buf b = KEEL_BUF_INIT;
    size_t kind = strlen(c->kind) + 1;
    keel_buf_reserve(&b, kind + c->name_len + 1 + c->args_len);
    keel_buf_append(&b, c->kind, kind);
    keel_buf_append(&b, c->name, c->name_len);
    keel_buf_putc(&b, 0);
    if (c->args) {
        keel_buf_append(&b, c->args, c->args_len);
    }
    digest d = digest_of(b.data, b.len);
    hex_encode(c->digest, d.bytes, 8);
    keel_buf_free(&b);
}

void run_call_put(keel_buf *to, const char *path, size_t path_len, const run_call *c) {
    frame_put(to, path, path_len);
    frame_put(to, c->kind, strlen(c->kind));
    frame_put(to, c->digest, 16);
    keel_buf_append(to, c->args, c->args_len);
}

run_recorded run_recorded_read(const char *body, size_t len) {
    run_recorded out = {0};
    frame_reader in = {body, body + len};
    keel_json *fields[] = {&out.path, &out.kind, &out.name, &out.call};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (frame_get(&in, &fields[i]->data, &fields[i]->len)) {
            return out;
        }
    }
    out.outcome = (keel_json){in.p, (size_t)(in.end - in.p)};
    return out;
}

bool run_recorded_equals(keel_json field, const char *text, size_t len) {
    return field.len == len && !memcmp(field.data, text, len);
}

bool run_recorded_is_one_way(const run_recorded *was) {
    return run_recorded_equals(was->kind, "step", 4) || run_recorded_equals(was->kind, "log", 3);
}

bool run_recorded_is(const run_recorded *was, const run_call *now) {
    return run_recorded_equals(was->kind, now->kind, strlen(now->kind)) &&
           run_recorded_equals(was->name, now->name, now->name_len) &&
           (!now->args || run_recorded_equals(was->call, now->digest, 16));
}

static void set_plain(keel_json_writer *w, const char *key, keel_json v) {
    keel_json_key(w, key);
    keel_json_textn(w, v.data ? v.data : "", v.len);
}

static void put_now(keel_json_writer *w, run_call *now) {
    if (!now->args) {
        run_call_digest(now);
    }
    keel_json_object(w);
    keel_json_set_raw(w, "args", (keel_json){now->args, now->args_len});
    keel_json_set_text(w, "call", now->digest);
    keel_json_set_text(w, "kind", now->kind);
    set_plain(w, "name", (keel_json){now->name, now->name_len});
    keel_json_object_end(w);
}

void run_mismatch_put(keel_buf *body, const run_recorded *was, run_call *now) {
    keel_json_writer w;
    keel_json_write(&w, body);
    keel_json_object(&w);
    keel_json_key(&w, "now");
    if (now) {
        put_now(&w, now);
    } else {
        keel_json_null(&w);
    }
    set_plain(&w, "path", was->path);
    keel_json_key(&w, "recorded");
    keel_json_object(&w);
    set_plain(&w, "call", was->call);
    set_plain(&w, "kind", was->kind);
    set_plain(&w, "name", was->name);
    keel_json_object_end(&w);
    keel_json_object_end(&w);
}

keel_json run_outcome_ok(const char *outcome, size_t len) {
    static const char ok[] = "{\"ok\":";
    size_t n = sizeof ok - 1;
    if (len > n + 1 && !memcmp(outcome, ok, n)) {
        return (keel_json){outcome + n, len - n - 1};
    }
    return (keel_json){NULL, 0};
}
