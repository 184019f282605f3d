/* What agents say: frames of an executor that runs an agent. The executor is not trusted: every
 * field is checked, and one that breaks the protocol is killed, which costs its run a strike. */
#include <string.h>

#include "asking.h"

#define NAME_LIMIT 200
/* A run may be ahead of its acknowledgements by its window, and by what crossed them on the way. */
#define WINDOW_LIMIT (2 * RUN_WINDOW)

typedef struct fields {
    char path[PATH_LIMIT];
    char kind[16];
    char call[17];
    keel_json rest;
} fields;

static void broke(kernel *k, worker *w, uint64_t run_id, const char *what) {
    char why[160];
    snprintf(why, sizeof why, "its executor broke the protocol: %s", what);
    worker_strike(k, w, run_id, why);
    k->env.kill(k->env.ctx, w->id);
}

static bool get_field(frame_reader *fr, char *to, size_t size) {
    const char *text;
    size_t len;
    if (frame_get(fr, &text, &len) || len >= size || memchr(text, 0, len)) {
        return false;
    }
    memcpy(to, text, len);
    to[len] = 0;
    return true;
}

static bool get_rest(const frame_reader *fr, keel_json *rest) {
    *rest = keel_json_view(fr->p, (size_t)(fr->end - fr->p));
    return keel_json_check(rest->data, rest->len, NULL) == 0;
}

/* ---- one-way records ---- */

static void one_way(kernel *k, worker *w, run *r, record_kind kind, const char *path) {
    journal_run(k, kind, r, path, &k->scratch);
    r->ahead++;
    if (r->ahead - r->acked > WINDOW_LIMIT) {
        broke(k, w, r->id, "it did not wait for its window");
    } else {
        turn_ack(k, r);
    }
}

static void on_step(kernel *k, worker *w, run *r, const frame *f) {
    frame_reader fr = frame_read(f);
    char path[PATH_LIMIT], name[NAME_LIMIT + 1];
    keel_json result;
    if (!get_field(&fr, path, sizeof path) || !get_field(&fr, name, sizeof name) ||
        !get_rest(&fr, &result)) {
        broke(k, w, r->id, "a step with a bad field");
        return;
    }
    path_order order = run_path_order(r, path);
    if (order != PATH_NEW) {
        if (order == PATH_BAD) {
            broke(k, w, r->id, "a step with a bad path");
        }
        return;
    }
    keel_buf *body = &k->scratch;
    body->len = 0;
    keel_buf_append(body, "{\"name\":", 8);
    if (keel_json_quote(body, name, strlen(name))) {
        broke(k, w, r->id, "a step whose name is not UTF-8");
        return;
    }
    keel_buf_append(body, ",\"result\":", 10);
    keel_buf_append(body, result.data, result.len);
    keel_buf_append(body, "}", 1);
    one_way(k, w, r, RECORD_STEP, path);
}

static void on_log(kernel *k, worker *w, run *r, const frame *f) {
    frame_reader fr = frame_read(f);
    char path[PATH_LIMIT], level[16];
    keel_json text;
    if (!get_field(&fr, path, sizeof path) || !get_field(&fr, level, sizeof level) ||
        !get_rest(&fr, &text) || run_path_order(r, path) == PATH_BAD) {
        broke(k, w, r->id, "a log line with a bad field");
        return;
    }
    k->scratch.len = 0;
    keel_json_writer jw;
    keel_json_write(&jw, &k->scratch);
    keel_json_object(&jw);
    keel_json_set_text(&jw, "level", level);
    keel_json_set_raw(&jw, "text", text);
    keel_json_object_end(&jw);
    keel_buf line = KEEL_BUF_INIT;
    if (keel_json_string(text, &line)) {
        kernel_log(k, level, r->id, "%s: %s", r->plugin->manifest->name, line.data);
    }
    keel_buf_free(&line);
    one_way(k, w, r, RECORD_LOG, path); /* last: it may end the run */
}

/* ---- calls that are answered at once: pure or inward, so before their record is durable ---- */

static void answer_now(kernel *k, worker *w, run *r, const char *path, record_kind kind,
                       keel_json value) {
    journal_run(k, kind, r, path, &k->scratch);
    keel_buf out = KEEL_BUF_INIT;
    frame_put(&out, path, strlen(path));
    outcome_ok(&out, value);
    k->env.send(k->env.ctx, w->id, X_ANSWER, r->id, 0, out.data, out.len);
    worker_busy(k);
    keel_buf_free(&out);
}

static void call_now(kernel *k, run *r, const char *path, const char *hash, keel_json args) {
    (void)hash;
    (void)args;
    char us[32];
    int n = snprintf(us, sizeof us, "%lld", (long long)kernel_now(k));
    k->scratch.len = 0;
    keel_buf_printf(&k->scratch, "{\"us\":%s}", us);
    answer_now(k, r->worker, r, path, RECORD_NOW, keel_json_view(us, (size_t)n));
}

static void call_random(kernel *k, run *r, const char *path, const char *hash, keel_json args) {
    (void)hash;
    (void)args;
    uint8_t bytes[8];
    char hex[19] = "\"";
    k->env.random(k->env.ctx, bytes, sizeof bytes);
    hex_encode(hex + 1, bytes, sizeof bytes);
    strcat(hex, "\"");
    k->scratch.len = 0;
    keel_buf_printf(&k->scratch, "{\"hex\":%s}", hex);
    answer_now(k, r->worker, r, path, RECORD_RANDOM, keel_json_view(hex, strlen(hex)));
}

static void call_effect(kernel *k, run *r, const char *path, const char *hash, keel_json args) {
    effect_propose(k, r, CALL_EFFECT, path, hash, args);
}

static void call_spawn(kernel *k, run *r, const char *path, const char *hash, keel_json args) {
    effect_propose(k, r, CALL_SPAWN, path, hash, args);
}

static const struct {
    const char *kind;
    void (*take)(kernel *k, run *r, const char *path, const char *hash, keel_json args);
} call_kinds[] = {
    {"now", call_now},   {"random", call_random}, {"sleep", call_sleep}, {"receive", call_receive},
    {"wait", call_wait}, {"effect", call_effect}, {"spawn", call_spawn}, {"ask", call_ask},
};

static void warn_at_many(kernel *k, run *r) {
    if (++r->effects == 5000) {
        kernel_log(k, "warn", r->id,
                   "5,000 calls in one run make its replay slow: end the segment with "
                   "`return ctx.continue(state)`");
    }
}

/* A call that stands in the journal and is asked again after a replay: the kernel has it already.
 */
static void again(kernel *k, run *r, const fields *f) {
    for (call *c = r->calls; c; c = c->next) {
        if (!strcmp(c->path, f->path) && strcmp(call_hash(k, c), f->call) != 0) {
            keel_buf detail = KEEL_BUF_INIT;
            keel_buf_printf(&detail,
                            "{\"now\":{\"args\":%.*s,\"call\":\"%s\",\"kind\":\"%s\"},"
                            "\"path\":\"%s\",\"recorded\":{\"call\":\"%s\",\"kind\":\"%s\","
                            "\"name\":\"%s\"}}",
                            (int)f->rest.len, f->rest.data, f->call, f->kind, f->path,
                            c->call_digest, call_kind_name(c), c->target);
            run_mismatch(k, r, keel_json_view(detail.data, detail.len));
            keel_buf_free(&detail);
            return;
        }
    }
}

static void on_call(kernel *k, worker *w, run *r, const frame *f) {
    frame_reader fr = frame_read(f);
    fields in;
    if (!get_field(&fr, in.path, sizeof in.path) || !get_field(&fr, in.kind, sizeof in.kind) ||
        !get_field(&fr, in.call, sizeof in.call) || strspn(in.call, "0123456789abcdef") != 16 ||
        !get_rest(&fr, &in.rest)) {
        broke(k, w, r->id, "a call with a bad field");
        return;
    }
    switch (run_path_order(r, in.path)) {
    case PATH_BAD:
        broke(k, w, r->id, "a call with a bad path");
        return;
    case PATH_OLD:
        again(k, r, &in);
        return;
    case PATH_NEW:
        break;
    }
    warn_at_many(k, r);
    for (size_t i = 0; i < sizeof call_kinds / sizeof *call_kinds; i++) {
        if (!strcmp(call_kinds[i].kind, in.kind)) {
            call_kinds[i].take(k, r, in.path, in.call, in.rest);
            return;
        }
    }
    broke(k, w, r->id, "a call of a kind that does not exist");
}

/* ---- the end ---- */

static void on_end(kernel *k, worker *w, run *r, const frame *f) {
    keel_json body = keel_json_view(f->body, f->len);
    char state[16];
    if (keel_json_check(f->body, f->len, NULL) || !body_text(body, "state", state, sizeof state) ||
        (strcmp(state, "ended") && strcmp(state, "continued") && strcmp(state, "failed"))) {
        broke(k, w, r->id, "an end with a bad body");
        return;
    }
    keel_json error = keel_json_get(body, "error");
    if (!strcmp(state, "failed") && keel_json_typeof(error) != KEEL_JSON_OBJECT) {
        broke(k, w, r->id, "a failure without an error");
        return;
    }
    keel_buf line = KEEL_BUF_INIT;
    if (error.len && keel_json_string(keel_json_get(error, "message"), &line)) {
        kernel_log(k, "error", r->id, "%s failed: %s", r->plugin->manifest->name, line.data);
    }
    keel_buf_free(&line);
    run_finished(k, r, state, keel_json_get(body, "result"),
                 strcmp(state, "failed") ? (keel_json){0} : error);
}

static void on_mismatch(kernel *k, worker *w, run *r, const frame *f) {
    if (keel_json_check(f->body, f->len, NULL)) {
        broke(k, w, r->id, "a mismatch with a bad body");
        return;
    }
    r->live = false; /* the executor has dropped it */
    run_mismatch(k, r, keel_json_view(f->body, f->len));
}

static const struct {
    uint16_t type;
    void (*take)(kernel *k, worker *w, run *r, const frame *f);
} frame_kinds[] = {
    {X_STEP, on_step}, {X_CALL, on_call},         {X_END, on_end},
    {X_LOG, on_log},   {X_MISMATCH, on_mismatch},
};

void agent_frame(kernel *k, worker *w, const frame *f) {
    run *r = map_get(&k->runs, f->run);
    if (!r || r->worker != w || !r->live) {
        return; /* cancelled or paused meanwhile: what it still says no longer counts */
    }
    for (size_t i = 0; i < sizeof frame_kinds / sizeof *frame_kinds; i++) {
        if (frame_kinds[i].type == f->type) {
            frame_kinds[i].take(k, w, r, f);
            return;
        }
    }
    broke(k, w, f->run, "a frame of a type that does not exist");
}
