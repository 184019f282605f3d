#include "replay_int.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "paths.h"
#include "stored.h"

void replay_result_free(replay_result *r) {
    keel_buf_free(&r->detail);
}

/* ---- differences ---- */

static void over(playing *p, bool same) {
    p->out->same = same;
    rehearsal_end(p->stage);
}

static void put_side(keel_json_writer *w, const char *kind, const char *name, keel_json args,
                     const char *hash) {
    keel_json_object(w);
    if (args.data) {
        keel_json_set_raw(w, "args", args);
    }
    if (hash) {
        keel_json_set_text(w, "call", hash);
    }
    keel_json_set_text(w, "kind", kind);
    keel_json_set_text(w, "name", name);
    keel_json_object_end(w);
}

/* The side of the record: what an opening or an answer says of the call, with its arguments. */
static void put_recorded(playing *p, keel_json_writer *w, const char *path, const char *kind,
                         const char *name, const char *hash) {
    keel_buf args = KEEL_BUF_INIT;
    diag ignored = {0};
    history_args(p->c->db, p->run, path, &args, &ignored);
    put_side(w, kind, name, args.len ? keel_json_view(args.data, args.len) : (keel_json){0}, hash);
    keel_buf_free(&args);
}

typedef struct side {
    const char *kind, *name, *hash; /* kind NULL: no call */
    keel_json args;
} side;

static void differs(playing *p, const char *path, const side *was, const side *now) {
    keel_json_writer w;
    keel_buf_clear(&p->out->detail);
    keel_json_write(&w, &p->out->detail);
    keel_json_object(&w);
    keel_json_key(&w, "now");
    if (now->kind) {
        put_side(&w, now->kind, now->name, now->args, now->hash);
    } else {
        keel_json_null(&w);
    }
    keel_json_set_text(&w, "path", path);
    keel_json_key(&w, "recorded");
    if (was->kind && was->hash) {
        put_recorded(p, &w, path, was->kind, was->name, was->hash);
    } else if (was->kind) {
        put_side(&w, was->kind, was->name, was->args, NULL);
    } else {
        keel_json_null(&w);
    }
    keel_json_object_end(&w);
    over(p, false);
}

static void member(keel_json object, const char *key, char *to, size_t size) {
    to[0] = 0;
    keel_json_copy(keel_json_get(object, key), to, size);
}

static void on_mismatch(playing *p, const frame *f) {
    keel_json body = keel_json_view(f->body, f->len);
    char path[PATH_LIMIT], kind[2][16], name[2][256], hash[2][20];
    if (keel_json_check(f->body, f->len, NULL)) {
        snprintf(p->out->what, sizeof p->out->what, "its executor spoke of a mismatch unreadably");
        over(p, false);
        return;
    }
    const keel_json sides[2] = {keel_json_get(body, "recorded"), keel_json_get(body, "now")};
    side s[2] = {{NULL, "", NULL, {0}}, {NULL, "", NULL, {0}}};
    member(body, "path", path, sizeof path);
    for (int i = 0; i < 2; i++) {
        member(sides[i], "kind", kind[i], sizeof kind[i]);
        member(sides[i], "name", name[i], sizeof name[i]);
        member(sides[i], "call", hash[i], sizeof hash[i]);
        if (kind[i][0]) {
            s[i] = (side){kind[i], name[i], hash[i], keel_json_get(sides[i], "args")};
        }
    }
    differs(p, path, &s[0], &s[1]);
}

/* ---- beyond the record ---- */

static opened *find_open(playing *p, const char *path) {
    for (size_t i = 0; i < p->open_count; i++) {
        if (strcmp(p->open[i].path, path) == 0) {
            return &p->open[i];
        }
    }
    return NULL;
}

/* All that was open is open again; one of them, in the first branch, holds up all of the run. */
static bool all_open_again(const playing *p) {
    bool holds = false;
    for (size_t i = 0; i < p->open_count; i++) {
        holds |= p->open[i].seen && !strchr(p->open[i].path, '.');
    }
    return holds && p->open_seen == p->open_count;
}

static bool field(frame_reader *fr, char *to, size_t size) {
    const char *text;
    size_t len;
    if (frame_get(fr, &text, &len) || len >= size) {
        return false;
    }
    memcpy(to, text, len);
    to[len] = 0;
    return true;
}

/* The record is over, and its code goes on: right for a run that is open, wrong behind an end. */
static void goes_on(playing *p, const char *path, const side *now) {
    side none = {NULL, "", NULL, {0}};
    if (p->own_end) {
        differs(p, path, &none, now);
    } else {
        over(p, true);
    }
}

static void on_call(playing *p, const frame *f) {
    frame_reader fr = frame_read(f);
    char path[PATH_LIMIT] = "", kind[16] = "", hash[20] = "", name[256] = "";
    field(&fr, path, sizeof path);
    field(&fr, kind, sizeof kind);
    field(&fr, hash, sizeof hash);
    side now = {kind, name, hash, keel_json_view(fr.p, (size_t)(fr.end - fr.p))};
    opened *was = find_open(p, path);
    if (!was) {
        goes_on(p, path, &now);
    } else if (strcmp(was->call, hash) != 0) {
        side before = {was->kind, was->name, was->call, {0}};
        differs(p, path, &before, &now);
    } else {
        p->open_seen += !was->seen;
        was->seen = true;
        p->out->again = p->open_seen;
        if (!p->own_end && all_open_again(p)) {
            over(p, true);
        }
    }
}

static void on_one_way(playing *p, const frame *f) {
    frame_reader fr = frame_read(f);
    char path[PATH_LIMIT] = "", name[256] = "";
    field(&fr, path, sizeof path);
    field(&fr, name, sizeof name);
    side now = {f->type == X_STEP ? "step" : "log", name, NULL, {0}};
    goes_on(p, path, &now);
}

/* ---- the end ---- */

/* "triage.lua:12: boom" without its place, which another version has elsewhere. */
static const char *without_place(const char *message) {
    size_t name = strcspn(message, ": ");
    size_t digits = message[name] == ':' ? strspn(message + name + 1, "0123456789") : 0;
    const char *rest = message + name + 1 + digits;
    return digits && rest[0] == ':' && rest[1] == ' ' ? rest + 2 : message;
}

static bool same_error(const playing *p, keel_json was, keel_json now) {
    char code[2][64], message[2][1024];
    const keel_json both[2] = {was, now};
    for (int i = 0; i < 2; i++) {
        member(both[i], "code", code[i], sizeof code[i]);
        member(both[i], "message", message[i], sizeof message[i]);
    }
    return strcmp(code[0], code[1]) == 0 &&
           (p->other ? strcmp(without_place(message[0]), without_place(message[1]))
                     : strcmp(message[0], message[1])) == 0;
}

static bool same_end(const playing *p, keel_json was, keel_json now) {
    keel_json a = keel_json_get(was, "state"), b = keel_json_get(now, "state");
    keel_json error = keel_json_get(was, "error");
    if (a.len != b.len || memcmp(a.data, b.data, a.len) != 0) {
        return false;
    }
    if (error.data) {
        return same_error(p, error, keel_json_get(now, "error"));
    }
    a = keel_json_get(was, "result");
    b = keel_json_get(now, "result");
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static side end_side(keel_json end, char state[16]) {
    keel_json error = keel_json_get(end, "error");
    member(end, "state", state, 16);
    return (side){"end", state, NULL, error.data ? error : keel_json_get(end, "result")};
}

static void on_end(playing *p, const frame *f) {
    keel_json now = keel_json_view(f->body, f->len);
    char was_state[16] = "", now_state[16] = "";
    if (keel_json_check(f->body, f->len, NULL)) {
        snprintf(p->out->what, sizeof p->out->what, "its executor sent an end that is unreadable");
        over(p, false);
        return;
    }
    side ends = end_side(now, now_state);
    for (size_t i = 0; i < p->open_count && !p->own_end; i++) {
        const opened *o = &p->open[i];
        if (!strchr(o->path, '.')) { /* the record waits there, and it did not come there */
            side was = {o->kind, o->name, o->call, {0}};
            differs(p, o->path, &was, &ends);
            return;
        }
    }
    if (!p->own_end) {
        over(p, true);
        return;
    }
    keel_json was = keel_json_view(p->end.data, p->end.len);
    if (same_end(p, was, now)) {
        p->out->ends = true;
        over(p, true);
        return;
    }
    side ended = end_side(was, was_state);
    differs(p, "", &ended, &ends);
}

static void on_still(void *ctx) {
    playing *p = ctx;
    char state[16];
    side none = {NULL, "", NULL, {0}};
    for (size_t i = 0; i < p->open_count && !p->own_end; i++) {
        const opened *o = &p->open[i];
        if (!o->seen && !strchr(o->path, '.')) {
            side was = {o->kind, o->name, o->call, {0}};
            differs(p, o->path, &was, &none);
            return;
        }
    }
    if (p->own_end) {
        side ended = end_side(keel_json_view(p->end.data, p->end.len), state);
        differs(p, "", &ended, &none);
    } else {
        over(p, true); /* it waits, as its record does */
    }
}

/* ---- the executor ---- */

static void on_frame(void *ctx, const frame *f) {
    playing *p = ctx;
    if (f->run != p->run) {
        return;
    }
    if (f->type == X_MISMATCH) {
        on_mismatch(p, f);
    } else if (f->type == X_END) {
        on_end(p, f);
    } else if (f->type == X_CALL) {
        on_call(p, f);
    } else {
        on_one_way(p, f);
    }
}

static void on_ready(void *ctx) {
    playing *p = ctx;
    keel_buf start = KEEL_BUF_INIT;
    keel_json body;
    keel_buf_printf(&start, "{\"input\":%s,\"previous\":%s}", p->record.input.data,
                    p->previous.len ? p->previous.data : "null");
    rehearsal_send(p->stage, X_START, p->run, p->record.count, start.data, start.len);
    for (size_t at = 0; history_next(&p->record, &at, &body);) {
        rehearsal_send(p->stage, X_RECORD, p->run, 0, body.data, body.len);
    }
    keel_buf_free(&start);
}

static void on_refused(void *ctx, const char *message, const char *next) {
    playing *p = ctx;
    (void)next;
    snprintf(p->out->what, sizeof p->out->what, "its code does not load: %s", message);
    over(p, false);
}

static void on_fault(void *ctx, const char *what) {
    playing *p = ctx;
    snprintf(p->out->what, sizeof p->out->what, "%s", what);
    p->out->same = false;
}

static int play(playing *p, const plugin *code, diag *d) {
    char *program = path_program("keel-executor");
    launch_spec spec = {.plugin = code, .program = program, .lock_fd = -1};
    rehearsal_events events = {p, on_ready, on_refused, on_frame, on_still, on_fault};
    p->out->answered = p->record.count;
    if (!p->record.input.len) {
        p->out->same = true; /* its input is gone: there is nothing that could be played */
        free(program);
        return 0;
    }
    int rc = rehearsal_play(&p->stage, &spec, &events, d);
    free(program);
    return rc;
}

static int find_run(cli *c, uint64_t run, replay_result *out, diag *d) {
    char number[24];
    const char *params[] = {number};
    cli_row row = {0};
    snprintf(number, sizeof number, "%" PRIu64, run);
    int rc = cli_one(c,
                     "SELECT agent, version, state, lower(hex(plugin)) FROM run"
                     " WHERE id = CAST(? AS INTEGER)",
                     params, 1, &row, d);
    if (rc == DIAG_NOT_FOUND && c->db) {
        diag_set(d, rc, "There is no run %s.", number);
        return diag_next(d, "See `keel run list`.");
    }
    if (rc == 0) {
        snprintf(out->agent, sizeof out->agent, "%s", row.values[0]);
        snprintf(out->version, sizeof out->version, "%s", row.values[1]);
        snprintf(out->state, sizeof out->state, "%s", row.values[2]);
        snprintf(out->plugin, sizeof out->plugin, "%s", row.values[3]);
        cli_row_free(&row);
    }
    return rc;
}

int replay_play(cli *c, uint64_t run, const plugin *with, replay_result *out, diag *d) {
    *out = (replay_result){.same = false};
    playing p = {.c = c, .run = run, .out = out, .other = with != NULL};
    plugin *own = NULL;
    int rc = find_run(c, run, out, d);
    if (rc == 0 && !with) {
        rc = stored_plugin(c, out->plugin, &own, d);
    }
    rc = rc ? rc : replay_load(&p, d);
    if (rc == 0) {
        const plugin *code = with ? with : own;
        snprintf(out->played, sizeof out->played, "%s", code->manifest->version);
        rc = play(&p, code, d);
    }
    plugin_destroy(own);
    history_free(&p.record);
    keel_buf_free(&p.previous);
    keel_buf_free(&p.end);
    free(p.open);
    return rc;
}
