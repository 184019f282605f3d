#include "lua_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"

struct executor {
    world *w;
};

static executor self;

/* ---- what the engine calls ---- */

const executor_config *executor_get_config(const executor *x) {
    return &x->w->config;
}

const executor_file *executor_find_file(const executor *x, const char *name) {
    for (size_t i = 0; i < x->w->file_count; i++) {
        if (!strcmp(x->w->files[i].name, name)) {
            return &x->w->files[i];
        }
    }
    return NULL;
}

void executor_running(executor *x, uint64_t run) {
    x->w->running = run;
}

bool executor_orphaned(const executor *x) {
    (void)x;
    return false;
}

static void add_line(world *w, const char *path, bool is_call, bool is_one_way, keel_buf *text) {
    if ((w->line_count & (w->line_count + 1)) == 0) {
        w->lines = keel_realloc(w->lines, (w->line_count + 1) * 2 * sizeof *w->lines);
    }
    w->lines[w->line_count++] = (world_line){text->data, keel_strdup(path), is_call, is_one_way};
}

void executor_note(executor *x, const char *level, const char *text) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_printf(&b, "note %s %.*s", level, (int)strcspn(text, "\n"), text);
    add_line(x->w, "", false, false, &b);
}

static void fault(world *w, const char *what, const char *body) {
    if (!w->bad++) {
        snprintf(w->fault, sizeof w->fault, "%s: %s", what, body);
    }
}

static void add_record(world *w, const char *path, const char *kind, const char *name,
                       const char *call, const char *outcome) {
    w->records = keel_realloc(w->records, (w->record_count + 1) * sizeof *w->records);
    w->records[w->record_count++] =
        (world_record){keel_strdup(path), keel_strdup(kind), keel_strdup(name), keel_strdup(call),
                       keel_strdup(outcome)};
}

void world_call_digest(char out[17], const char *kind, const char *name, const char *args) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_append(&b, kind, strlen(kind) + 1);
    keel_buf_append(&b, name, strlen(name) + 1);
    keel_buf_puts(&b, args);
    digest d = digest_of(b.data, b.len);
    hex_encode(out, d.bytes, 8);
    keel_buf_free(&b);
}

/* ---- frames as text ---- */

typedef struct parts {
    char field[3][256];
    keel_json rest;
} parts;

static bool take(world *w, const frame *f, int fields, parts *p) {
    frame_reader r = frame_read(f);
    for (int i = 0; i < fields; i++) {
        const char *s;
        size_t len;
        if (frame_get(&r, &s, &len) || len > 255) {
            fault(w, "a frame ends early", "");
            return false;
        }
        memcpy(p->field[i], s, len);
        p->field[i][len] = 0;
    }
    p->rest = keel_json_view(r.p, (size_t)(r.end - r.p));
    keel_json_error err;
    if (keel_json_check(r.p, p->rest.len, &err)) {
        fault(w, err.message, p->rest.data);
        return false;
    }
    return true;
}

static void put_one_way(world *w, const frame *f, keel_buf *b) {
    parts p;
    if (!take(w, f, 2, &p)) {
        return;
    }
    bool step = f->type == X_STEP;
    int len = (int)p.rest.len;
    char call[17];
    keel_buf outcome = KEEL_BUF_INIT;
    keel_buf_printf(b, "%s %s %s %.*s", step ? "step" : "log", p.field[0], p.field[1], len,
                    p.rest.data);
    keel_buf_printf(&outcome, "{\"ok\":%.*s}", step ? len : 4, step ? p.rest.data : "null");
    const char *kind = step ? "step" : "log", *name = step ? p.field[1] : "";
    world_call_digest(call, kind, name, "");
    add_record(w, p.field[0], kind, name, call, outcome.data);
    keel_buf_free(&outcome);
    w->sent++;
    add_line(w, p.field[0], false, true, b);
}

static void name_of_call(const char *kind, keel_json args, char name[256]) {
    name[0] = 0;
    if (!strcmp(kind, "spawn")) {
        strcpy(name, "run.spawn");
    } else if (!strcmp(kind, "effect")) {
        char use[80], resource[80], verb[80];
        keel_json_copy(keel_json_get(args, "use"), use, sizeof use);
        keel_json_copy(keel_json_get(args, "resource"), resource, sizeof resource);
        keel_json_copy(keel_json_get(args, "verb"), verb, sizeof verb);
        snprintf(name, 256, "%s.%s.%s", use, resource, verb);
    }
}

static void put_call(world *w, const frame *f, keel_buf *b) {
    parts p;
    if (!take(w, f, 3, &p)) {
        return;
    }
    char name[256], call[17];
    keel_buf args = KEEL_BUF_INIT;
    keel_buf_append(&args, p.rest.data, p.rest.len);
    name_of_call(p.field[1], p.rest, name);
    world_call_digest(call, p.field[1], name, args.data);
    if (strcmp(call, p.field[2]) != 0) {
        fault(w, "the call's digest is wrong", args.data);
    }
    keel_buf_printf(b, "call %s %s %s", p.field[0], p.field[1], args.data);
    keel_buf_free(&args);
    add_line(w, p.field[0], true, false, b);
}

static void put_text(keel_buf *b, keel_json v) {
    keel_buf text = KEEL_BUF_INIT;
    keel_json_string(v, &text);
    keel_buf_append(b, text.data, text.len);
    keel_buf_free(&text);
}

static void put_other(world *w, const frame *f, keel_buf *b) {
    parts p;
    if (!take(w, f, 0, &p)) {
        return;
    }
    int len = (int)p.rest.len;
    switch (f->type) {
    case X_END:
        w->ended++;
        if (keel_json_is(keel_json_get(p.rest, "state"), "failed")) {
            keel_buf_puts(b, "failed ");
            put_text(b, keel_json_path(p.rest, "error.message"));
        } else {
            keel_buf_printf(b, "end %.*s", len, p.rest.data);
        }
        break;
    case X_MISMATCH:
        keel_buf_printf(b, "mismatch %.*s", len, p.rest.data);
        break;
    case X_REPLY:
        keel_buf_printf(b, "reply %u %.*s", (unsigned)f->ref, len, p.rest.data);
        break;
    case X_FAIL:
        keel_buf_printf(b, "fail %u %.*s", (unsigned)f->ref, len, p.rest.data);
        break;
    default:
        fault(w, "an unknown frame", "");
    }
    add_line(w, "", false, false, b);
}

void executor_send(executor *x, uint16_t type, uint64_t run, uint64_t ref, const void *body,
                   size_t len) {
    world *w = x->w;
    if (w->quiet) {
        w->sent += type == X_STEP || type == X_LOG;
        w->ended += type == X_END;
        return;
    }
    frame f = {type, 0, run, ref, body, len};
    keel_buf b = KEEL_BUF_INIT;
    if (type == X_STEP || type == X_LOG) {
        put_one_way(w, &f, &b);
    } else if (type == X_CALL) {
        put_call(w, &f, &b);
    } else {
        put_other(w, &f, &b);
    }
}

void world_take(world *w, const frame *f) {
    self.w = w;
    executor_send(&self, f->type, f->run, f->ref, f->body, f->len);
}

/* ---- what tests do ---- */

void world_create(world *w, const char *name, const char *script, size_t len) {
    memset(w, 0, sizeof *w);
    self.w = w;
    w->config.id = keel_strdup("org.example.test");
    w->config.name = keel_strdup("test");
    w->config.version = keel_strdup("1.0.0");
    w->config.entry = keel_strdup(name);
    w->config.memory_bytes = 64 << 20;
    world_add_file(w, name, script, len);
    char *library = world_read(KEEL_LUA, &len);
    world_add_file(w, "keel.lua", library, len);
    free(library);
}

void world_add_file(world *w, const char *name, const char *data, size_t len) {
    w->files = keel_realloc(w->files, (w->file_count + 1) * sizeof *w->files);
    w->files[w->file_count++] = (executor_file){keel_strdup(name), keel_memdup(data, len), len};
}

void world_destroy(world *w) {
    if (w->engine) {
        engine_lua.destroy(w->engine);
    }
    for (size_t i = 0; i < w->file_count; i++) {
        free(w->files[i].name);
        free(w->files[i].data);
    }
    for (size_t i = 0; i < w->line_count; i++) {
        free(w->lines[i].text);
        free(w->lines[i].path);
    }
    for (size_t i = 0; i < w->record_count; i++) {
        world_record *r = &w->records[i];
        char *texts[] = {r->path, r->kind, r->name, r->call, r->outcome};
        for (size_t k = 0; k < 5; k++) {
            free(texts[k]);
        }
    }
    free(w->files);
    free(w->lines);
    free(w->records);
    free(w->config.id);
    free(w->config.name);
    free(w->config.version);
    free(w->config.entry);
}

int world_load(world *w, char why[1024]) {
    diag d = {0};
    int rc = engine_lua.load(&self, &w->engine, &d);
    if (!rc) {
        rc = engine_lua.create(w->engine, &d);
    }
    if (rc) {
        snprintf(why, 1024, "%s%s%.*d%s%.600s", d.file, d.line ? ":" : "", d.line ? 1 : 0, d.line,
                 d.line ? ": " : "", d.what);
    }
    return rc;
}

static void feed(world *w, uint16_t type, uint64_t run, uint64_t ref, const keel_buf *body) {
    /* A copy of the exact size, so that a sanitizer sees a read behind it. */
    char *copy = malloc(body->len ? body->len : 1);
    memcpy(copy, body->data ? body->data : "", body->len);
    frame f = {type, 0, run, ref, copy, body->len};
    engine_lua.handle(w->engine, &f);
    free(copy);
}

void world_start(world *w, uint64_t run, const char *input, const char *previous,
                 const world_record *records, size_t count) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_printf(&b, "{\"input\":%s,\"previous\":%s}", input, previous);
    feed(w, X_START, run, count, &b);
    for (size_t i = 0; i < count; i++) {
        const world_record *r = &records[i];
        keel_buf_clear(&b);
        frame_put(&b, r->path, strlen(r->path));
        frame_put(&b, r->kind, strlen(r->kind));
        frame_put(&b, r->name, strlen(r->name));
        frame_put(&b, r->call, strlen(r->call));
        keel_buf_puts(&b, r->outcome);
        feed(w, X_RECORD, run, 0, &b);
    }
    keel_buf_free(&b);
}

/* What the answered call was, for its record: "call PATH KIND ARGS". */
void world_record_answer(world *w, const char *path, const char *outcome) {
    for (size_t i = 0; i < w->line_count; i++) {
        const world_line *l = &w->lines[i];
        if (l->is_call && !strcmp(l->path, path)) {
            char kind[32], name[256], call[17];
            const char *p = l->text + 5 + strlen(path) + 1, *args = strchr(p, ' ') + 1;
            snprintf(kind, sizeof kind, "%.*s", (int)(args - p - 1), p);
            name_of_call(kind, keel_json_view(args, strlen(args)), name);
            world_call_digest(call, kind, name, args);
            add_record(w, path, kind, name, call, outcome);
            return;
        }
    }
}

void world_answer(world *w, uint64_t run, const char *path, const char *outcome) {
    keel_buf b = KEEL_BUF_INIT;
    if (!w->quiet) {
        world_record_answer(w, path, outcome);
    }
    frame_put(&b, path, strlen(path));
    keel_buf_puts(&b, outcome);
    feed(w, X_ANSWER, run, 0, &b);
    keel_buf_free(&b);
}

void world_ack(world *w, uint64_t run, uint64_t count) {
    keel_buf none = KEEL_BUF_INIT;
    w->acked = count;
    feed(w, X_ACK, run, count, &none);
}

void world_verb(world *w, uint64_t ref, const char *json) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_puts(&b, json);
    feed(w, X_VERB, 0, ref, &b);
    keel_buf_free(&b);
}

void world_cancel(world *w, uint64_t run) {
    keel_buf none = KEEL_BUF_INIT;
    feed(w, X_CANCEL, run, 0, &none);
}

void world_settle(world *w) {
    while (!w->by_hand && w->acked < w->sent) {
        world_ack(w, WORLD_RUN, w->sent);
    }
}

const world_line *world_next(world *w) {
    return w->line_read < w->line_count ? &w->lines[w->line_read++] : NULL;
}

char *world_read(const char *path, size_t *len) {
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        abort();
    }
    keel_buf b = KEEL_BUF_INIT;
    char block[8192];
    size_t n;
    while ((n = fread(block, 1, sizeof block, f)) > 0) {
        keel_buf_append(&b, block, n);
    }
    fclose(f);
    keel_buf_putc(&b, 0);
    *len = b.len - 1;
    return b.data;
}
