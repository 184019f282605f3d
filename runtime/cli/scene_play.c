#include "scene_int.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LIVE_RUN 1

void scene_report_free(scene_report *r) {
    keel_buf_free(&r->detail);
}

void stage_over(stage *g) {
    g->over = true;
    if (g->process) {
        rehearsal_end(g->process);
    }
}

void stage_fail(stage *g, int line, const char *what, ...) {
    if (g->failed || g->over) {
        return;
    }
    va_list ap;
    va_start(ap, what);
    vsnprintf(g->report->what, sizeof g->report->what, what, ap);
    va_end(ap);
    if (line > 0) {
        snprintf(g->report->place, sizeof g->report->place, "%s:%d", g->s->file, line);
    }
    g->failed = true;
    stage_over(g);
}

/* ---- frames out ---- */

static void put_record(const played *r, keel_buf *body) {
    const char *fields[] = {r->path, r->kind, r->name, r->call};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        frame_put(body, fields[i], strlen(fields[i]));
    }
    keel_buf_append(body, r->outcome.data, r->outcome.len);
}

void stage_start(stage *g, uint64_t run, size_t records) {
    keel_buf body = KEEL_BUF_INIT;
    keel_buf_printf(&body, "{\"input\":%s,\"previous\":%s}", g->s->input.data, g->s->previous.data);
    rehearsal_send(g->process, X_START, run, records, body.data, body.len);
    for (size_t i = 0; i < records; i++) {
        keel_buf_clear(&body);
        put_record(&g->records[i], &body);
        rehearsal_send(g->process, X_RECORD, run, 0, body.data, body.len);
    }
    keel_buf_free(&body);
}

/* ---- frames in ---- */

void stage_place(stage *g, const char *message) {
    size_t name = strcspn(message, ":");
    size_t digits = message[name] ? strspn(message + name + 1, "0123456789") : 0;
    if (digits && message[name + 1 + digits] == ':' && !memchr(message, ' ', name)) {
        snprintf(g->report->place, sizeof g->report->place, "%s/%.*s", g->o->folder,
                 (int)(name + 1 + digits), message);
    }
}

static void on_refused(void *ctx, const char *message, const char *next) {
    stage *g = ctx;
    stage_place(g, message);
    keel_buf_printf(&g->report->detail, "%s%s", next, *next ? "\n" : "");
    g->report->refused = true;
    stage_fail(g, 0, "it does not load: %s", message);
}

static void on_ready(void *ctx) {
    stage *g = ctx;
    if (g->o->load) {
        stage_over(g);
    } else {
        stage_start(g, LIVE_RUN, 0);
    }
}

static void on_frame(void *ctx, const frame *f) {
    stage *g = ctx;
    (f->run == LIVE_RUN ? live_frame : replay_frame)(g, f);
}

static void on_still(void *ctx) {
    stage *g = ctx;
    (g->replays ? replay_stuck : live_stuck)(g);
}

static void on_fault(void *ctx, const char *what) {
    stage_fail(ctx, 0, "%s", what);
}

static int play(stage *g, diag *d) {
    launch_spec spec = {.plugin = g->o->plugin,
                        .config = g->o->config,
                        .root = g->o->root,
                        .program = g->o->executor,
                        .lock_fd = -1,
                        .unsafe = g->o->unsafe};
    rehearsal_events events = {g, on_ready, on_refused, on_frame, on_still, on_fault};
    return rehearsal_play(&g->process, &spec, &events, d);
}

static void played_free(played *r) {
    free(r->name);
    keel_buf_free(&r->out);
    keel_buf_free(&r->outcome);
}

static void finish(stage *g) {
    for (size_t i = 0; i < g->record_count; i++) {
        played_free(&g->records[i]);
    }
    for (size_t i = 0; i < g->wait_count; i++) {
        played_free(&g->waits[i].record);
    }
    for (size_t i = 0; i < g->replay_count; i++) {
        free(g->replays[i].said);
    }
    free(g->records);
    free(g->waits);
    free(g->replays);
    free(g->used);
    keel_buf_free(&g->skipped);
    keel_buf_free(&g->end);
}

/* What the agent did takes the place of what the scene said it would. */
static void adopt(scene *s, scene *seen) {
    scene swap = *s;
    s->calls = seen->calls;
    s->count = seen->count;
    s->result = seen->result;
    memcpy(s->end, seen->end, sizeof s->end);
    seen->calls = swap.calls;
    seen->count = swap.count;
    seen->result = swap.result;
}

int scene_play(scene *s, const scene_options *o, scene_report *out, diag *d) {
    *out = (scene_report){.passed = false};
    stage g = {.s = s, .o = o, .report = out, .seen = o->update ? scene_create(s->file) : NULL};
    g.used = keel_alloc((s->count + 1) * sizeof *g.used);
    memset(g.used, 0, (s->count + 1) * sizeof *g.used);
    int rc = play(&g, d);
    out->passed = rc == 0 && !g.failed;
    out->calls = g.record_count;
    out->prefixes = g.replay_count;
    if (out->passed && g.seen) {
        adopt(s, g.seen);
    }
    scene_destroy(g.seen);
    finish(&g);
    return rc;
}
