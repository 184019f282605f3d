#include "scene_record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "history.h"
#include "protocol.h"

/* A call that was made and is not answered at this place of the record. */
typedef struct opened {
    char path[PATH_LIMIT];
    char kind[12];
    char name[256];
    keel_buf args;
    bool over;
} opened;

/* A child whose input stands in its own record. */
typedef struct child {
    uint64_t run;
    size_t at; /* index of the scene's call */
    char call[20];
} child;

typedef struct recording {
    scene *s;
    uint64_t run;
    char *agent;
    opened *open;
    size_t open_count;
    child *children;
    size_t child_count;
    int64_t previous;
    bool begun, ended, erased;
    char state[16];
} recording;

static opened *open_at(recording *r, const char *path) {
    for (size_t i = 0; i < r->open_count; i++) {
        if (!r->open[i].over && strcmp(r->open[i].path, path) == 0) {
            return &r->open[i];
        }
    }
    return NULL;
}

static opened *opening(recording *r, const char *path, const char *kind) {
    r->open = keel_realloc(r->open, (r->open_count + 1) * sizeof *r->open);
    opened *o = &r->open[r->open_count++];
    *o = (opened){.over = false};
    snprintf(o->path, sizeof o->path, "%s", path);
    snprintf(o->kind, sizeof o->kind, "%s", kind);
    return o;
}

static scene_call *add(recording *r, const char *path, const char *kind, const char *name) {
    scene_call *c = scene_add(r->s, kind);
    free(c->name);
    c->name = keel_strdup(name);
    if (strchr(path, '.')) {
        free(c->path);
        c->path = keel_strdup(path);
    }
    return c;
}

static void set_outcome(scene_call *c, const char *key, keel_json v) {
    keel_buf_printf(&c->outcome, "{\"%s\":", key);
    keel_buf_append(&c->outcome, v.data ? v.data : "null", v.data ? v.len : 4);
    keel_buf_putc(&c->outcome, '}');
}

/* ---- openings ---- */

static void on_timed(recording *r, const journal_row *row, const char *kind) {
    opened *o = opening(r, row->path, kind);
    keel_json_copy(keel_json_get(row->body, "name"), o->name, sizeof o->name);
    history_span(kind, row, &o->args);
}

/* A wait for a run, or for a person. */
static void on_inward(recording *r, const journal_row *row) {
    bool asks = row->kind == RECORD_QUESTION;
    opened *o = opening(r, row->path, asks ? "ask" : "wait");
    keel_json v = keel_json_get(row->body, asks ? "args" : "run");
    keel_buf_printf(&o->args, asks ? "%.*s" : "{\"run\":%.*s}", (int)v.len, v.data);
}

/* An effect, as it is first spoken of: at its denial, its waiting or its first attempt. */
static opened *on_effect(recording *r, const journal_row *row) {
    opened *o = open_at(r, row->path);
    if (o) {
        return o;
    }
    char target[256] = "";
    keel_json_copy(keel_json_get(row->body, "target"), target, sizeof target);
    bool spawn = strcmp(target, "run.spawn") == 0;
    keel_json args = keel_json_get(row->body, "args");
    o = opening(r, row->path, spawn ? "spawn" : "effect");
    keel_json_writer w;
    keel_json_write(&w, &o->args);
    keel_json_object(&w);
    static const char *const effect[] = {"args", "evidence", "why"}, *const spawned[] = {"input",
                                                                                         "key"};
    for (size_t i = 0; i < (spawn ? 2u : 3u); i++) {
        const char *key = spawn ? spawned[i] : effect[i];
        keel_json v = keel_json_get(spawn ? args : row->body, key);
        if (v.data) {
            keel_json_set_raw(&w, key, v);
        }
    }
    keel_json_object_end(&w);
    if (spawn) {
        keel_json_copy(keel_json_get(args, "agent"), o->name, sizeof o->name);
    } else {
        snprintf(o->name, sizeof o->name, "%s", target);
    }
    return o;
}

/* ---- outcomes ---- */

static scene_call *answered(recording *r, opened *o) {
    scene_call *c = add(r, o->path, o->kind, o->name);
    keel_buf_append(&c->args, o->args.data, o->args.len);
    o->over = true;
    return c;
}

static void on_woken(recording *r, const journal_row *row) {
    opened *o = open_at(r, row->path);
    keel_json outcome = keel_json_get(row->body, "outcome");
    if (o) {
        scene_call *c = answered(r, o);
        keel_buf_append(&c->outcome, outcome.data, outcome.len);
    }
}

static void on_settled(recording *r, const journal_row *row) {
    bool done = row->kind == RECORD_EFFECT_DONE;
    scene_call *c = answered(r, on_effect(r, row));
    set_outcome(c, done ? "ok" : "err", keel_json_get(row->body, done ? "result" : "error"));
}

static void on_spawn(recording *r, const journal_row *row) {
    char agent[256] = "";
    int64_t run = 0;
    opened *o = open_at(r, row->path);
    keel_json_copy(keel_json_get(row->body, "agent"), agent, sizeof agent);
    keel_json_int(keel_json_get(row->body, "run"), &run);
    scene_call *c = o ? answered(r, o) : add(r, row->path, "spawn", agent);
    keel_buf_puts(&c->outcome, "{\"ok\":");
    keel_json_writer w;
    keel_json_write(&w, &c->outcome);
    keel_json_object(&w);
    keel_json_set_raw(&w, "existing", keel_json_get(row->body, "existing"));
    keel_json_set_raw(&w, "run", keel_json_get(row->body, "run"));
    keel_json_object_end(&w);
    keel_buf_putc(&c->outcome, '}');
    if (!o) {
        r->children = keel_realloc(r->children, (r->child_count + 1) * sizeof *r->children);
        child *k = &r->children[r->child_count++];
        *k = (child){(uint64_t)run, r->s->count - 1, ""};
        keel_json_copy(keel_json_get(row->body, "call"), k->call, sizeof k->call);
    }
}

/* ---- the run's own ---- */

static void on_begin(recording *r, const journal_row *row) {
    char agent[256] = "";
    keel_json input = keel_json_get(row->body, "input");
    keel_json_copy(keel_json_get(row->body, "agent"), agent, sizeof agent);
    keel_json_int(keel_json_get(row->body, "previous"), &r->previous);
    r->agent = keel_strdup(agent);
    keel_buf_append(&r->s->input, input.data, input.len);
    r->begun = true;
}

static void on_end(recording *r, const journal_row *row) {
    keel_json error = keel_json_get(row->body, "error"), v = keel_json_get(row->body, "result");
    keel_json_copy(keel_json_get(row->body, "state"), r->state, sizeof r->state);
    snprintf(r->s->end, sizeof r->s->end, "%.11s", r->state);
    r->ended = true;
    if (!error.data) {
        keel_buf_append(&r->s->result, v.data ? v.data : "null", v.data ? v.len : 4);
        return;
    }
    keel_json_writer w;
    keel_json_write(&w, &r->s->result);
    keel_json_object(&w);
    keel_json_set_raw(&w, "code", keel_json_get(error, "code"));
    keel_json_set_raw(&w, "message", keel_json_get(error, "message"));
    keel_json_object_end(&w);
}

static void on_step(recording *r, const journal_row *row) {
    char name[256] = "";
    bool step = row->kind == RECORD_STEP;
    keel_json_copy(keel_json_get(row->body, step ? "name" : "level"), name, sizeof name);
    keel_json v = keel_json_get(row->body, step ? "result" : "text");
    scene_call *c = add(r, row->path, step ? "step" : "log", name);
    keel_buf_append(&c->outcome, v.data, v.len);
}

static int on_record(void *ctx, const journal_row *row) {
    recording *r = ctx;
    if (row->run != r->run) {
        return 0;
    }
    if (!row->body.data) {
        r->erased = true;
        return 0;
    }
    switch (row->kind) {
    case RECORD_RUN_BEGIN:
        on_begin(r, row);
        break;
    case RECORD_RUN_END:
        on_end(r, row);
        break;
    case RECORD_STEP:
    case RECORD_LOG:
        on_step(r, row);
        break;
    case RECORD_NOW:
        set_outcome(add(r, row->path, "now", ""), "ok", keel_json_get(row->body, "us"));
        break;
    case RECORD_RANDOM:
        set_outcome(add(r, row->path, "random", ""), "ok", keel_json_get(row->body, "hex"));
        break;
    case RECORD_SLEEP:
        on_timed(r, row, "sleep");
        break;
    case RECORD_RECEIVE:
        on_timed(r, row, "receive");
        break;
    case RECORD_WAIT:
    case RECORD_QUESTION:
        on_inward(r, row);
        break;
    case RECORD_WOKEN:
        on_woken(r, row);
        break;
    case RECORD_SPAWN:
        on_spawn(r, row);
        break;
    case RECORD_EFFECT_WAITING:
    case RECORD_EFFECT_INTENDED:
        on_effect(r, row);
        break;
    case RECORD_EFFECT_DENIED:
    case RECORD_EFFECT_DONE:
    case RECORD_EFFECT_NOT_DONE:
    case RECORD_EFFECT_REJECTED:
    case RECORD_EFFECT_EXPIRED:
        on_settled(r, row);
        break;
    default:
        break; /* what the host did meanwhile */
    }
    return 0;
}

/* ---- what stands elsewhere ---- */

static int take_result(void *ctx, const journal_row *row) {
    keel_json v = keel_json_get(row->body, "result");
    keel_buf_append(ctx, v.data ? v.data : "null", v.data ? v.len : 4);
    return 0;
}

typedef struct birth {
    recording *r;
    const child *k;
} birth;

static int take_birth(void *ctx, const journal_row *row) {
    birth *b = ctx;
    scene_call *c = &b->r->s->calls[b->k->at];
    if (row->kind != RECORD_RUN_BEGIN || !row->body.data) {
        return 0;
    }
    keel_buf whole = KEEL_BUF_INIT, kept = KEEL_BUF_INIT;
    for (int i = 0; i < 2; i++) {
        keel_json key = keel_json_get(row->body, "key");
        keel_json_writer w;
        keel_json_write(&w, i ? &kept : &whole);
        keel_json_object(&w);
        if (i == 0) {
            keel_json_set_text(&w, "agent", c->name);
        }
        keel_json_set_raw(&w, "input", keel_json_get(row->body, "input"));
        if (key.data) {
            keel_json_set_raw(&w, "key", key);
        }
        keel_json returns = keel_json_path(row->body, "quarantine.returns");
        if (i == 0 && returns.data) {
            keel_json_set_bool(&w, "quarantine", true);
            keel_json_set_raw(&w, "returns", returns);
        }
        keel_json_object_end(&w);
    }
    if (history_certain("spawn", "run.spawn", &whole, b->k->call)) {
        keel_buf_append(&c->args, kept.data, kept.len);
    }
    keel_buf_free(&whole);
    keel_buf_free(&kept);
    return 1; /* the first record is enough */
}

static int fetch(reader *db, recording *r, diag *d) {
    int rc = r->previous ? reader_record(db, r->previous, take_result, &r->s->previous, d) : 0;
    for (size_t i = 0; rc == 0 && i < r->child_count; i++) {
        birth b = {r, &r->children[i]};
        rc = reader_runs(db, &r->children[i].run, 1, take_birth, &b, d);
        rc = rc > 0 ? 0 : rc;
    }
    for (size_t i = 0; i < r->s->count; i++) {
        keel_buf *args = &r->s->calls[i].args;
        keel_buf_puts(args, args->len ? "" : "{}");
    }
    keel_buf_puts(&r->s->previous, r->s->previous.len ? "" : "null");
    return rc;
}

static int check(const recording *r, diag *d) {
    if (!r->begun) {
        diag_set(d, DIAG_NOT_FOUND, "There is no run %" PRIu64 ".", r->run);
        return diag_next(d, "See `keel run list`.");
    }
    if (r->erased) {
        return diag_set(d, DIAG_USAGE, "Parts of run %" PRIu64 " were erased, so it is no scene.",
                        r->run);
    }
    if (!r->ended || strcmp(r->state, "cancelled") == 0) {
        diag_set(d, DIAG_USAGE, "Run %" PRIu64 " has not come to its own end: it is %s.", r->run,
                 r->ended ? "cancelled" : "still open");
        return diag_next(d, "Choose one that has ended: `keel run list`.");
    }
    return 0;
}

int scene_record(reader *db, uint64_t run, scene **out, char **agent, diag *d) {
    recording r = {.s = scene_create(""), .run = run};
    uint64_t one = run;
    int rc = reader_runs(db, &one, 1, on_record, &r, d);
    rc = rc ? rc : check(&r, d);
    for (size_t i = 0; rc == 0 && i < r.open_count; i++) {
        if (!r.open[i].over) {
            answered(&r, &r.open[i])->open = true;
        }
    }
    rc = rc ? rc : fetch(db, &r, d);
    for (size_t i = 0; i < r.open_count; i++) {
        keel_buf_free(&r.open[i].args);
    }
    free(r.open);
    free(r.children);
    if (rc) {
        scene_destroy(r.s);
        free(r.agent);
        return rc;
    }
    *out = r.s;
    *agent = r.agent;
    return 0;
}
