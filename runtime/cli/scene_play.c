#include "scene_int.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launch.h"

#define TICK_MS  40
#define IDLE_US  400000   /* an executor that has nothing to do and says nothing */
#define WALL_US  10000000 /* one stretch of computing; the kernel's own default */
#define LIVE_RUN 1

void scene_report_free(scene_report *r) {
    keel_buf_free(&r->detail);
}

static void end_process(stage *g) {
    if (g->process) {
        host_kill(g->process);
    }
}

void stage_over(stage *g) {
    g->over = true;
    end_process(g);
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

void stage_answer(stage *g, uint64_t run, const char *path, const keel_buf *outcome) {
    keel_buf body = KEEL_BUF_INIT;
    frame_put(&body, path, strlen(path));
    keel_buf_append(&body, outcome->data, outcome->len);
    host_send(g->process, X_ANSWER, run, 0, body.data, body.len);
    keel_buf_free(&body);
}

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
    host_send(g->process, X_START, run, records, body.data, body.len);
    for (size_t i = 0; i < records; i++) {
        keel_buf_clear(&body);
        put_record(&g->records[i], &body);
        host_send(g->process, X_RECORD, run, 0, body.data, body.len);
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

static void refused(stage *g, const frame *f) {
    char message[500] = "it does not say why", next[300] = "";
    keel_json body = keel_json_view(f->body, f->len);
    if (keel_json_check(f->body, f->len, NULL) == 0) {
        keel_json_copy(keel_json_get(body, "message"), message, sizeof message);
        keel_json_copy(keel_json_get(body, "next"), next, sizeof next);
    }
    stage_place(g, message);
    keel_buf_printf(&g->report->detail, "%s%s", next, *next ? "\n" : "");
    g->report->refused = true;
    stage_fail(g, 0, "it does not load: %s", message);
}

static void on_frame(void *ctx, host_process *p, const frame *f) {
    stage *g = ctx;
    (void)p;
    g->frames = true;
    if (g->over) {
        return;
    }
    if (f->type == X_READY) {
        g->ready = true;
        if (g->o->load) {
            stage_over(g);
        } else {
            stage_start(g, LIVE_RUN, 0);
        }
    } else if (f->type == X_REFUSED) {
        refused(g, f);
    } else if (f->type == X_NOTE) {
        return;
    } else if (f->run == LIVE_RUN) {
        live_frame(g, f);
    } else {
        replay_frame(g, f);
    }
}

static void on_gathered(void *ctx, host_process *p) {
    stage *g = ctx;
    if (!g->over) {
        host_flush(p);
    }
}

static void closed(uv_handle_t *h) {
    (void)h;
}

static void on_exited(void *ctx, host_process *p, int64_t status, int signal, const char *why) {
    stage *g = ctx;
    (void)p;
    (void)status;
    (void)signal;
    g->process = NULL;
    if (!g->over) {
        stage_fail(g, 0, "its executor %s", why);
    }
    if (g->tick_open) {
        g->tick_open = false;
        uv_close((uv_handle_t *)&g->tick, closed);
    }
}

/* ---- the watch ---- */

static void on_tick(uv_timer_t *t) {
    stage *g = t->data;
    uint64_t run = 0, ticks = 0;
    int64_t cpu = 0, now = (int64_t)(uv_hrtime() / 1000);
    if (!g->process || g->over) {
        return;
    }
    host_watch(g->process, &run, &ticks, &cpu);
    if (g->frames || ticks != g->ticks) {
        g->frames = false;
        g->ticks = ticks;
        g->since_us = now;
    } else if (run == 0 && g->ready && now - g->since_us > IDLE_US) {
        if (g->replays) {
            replay_stuck(g);
        } else {
            live_stuck(g);
        }
    } else if (now - g->since_us > WALL_US) {
        stage_fail(g, 0, "it computes for 10 s without a call: Keel ends such a run");
    }
}

static int play(stage *g, diag *d) {
    launch_spec spec = {.plugin = g->o->plugin,
                        .config = g->o->config,
                        .root = g->o->root,
                        .program = g->o->executor,
                        .lock_fd = -1,
                        .unsafe = g->o->unsafe};
    host_events events = {g, on_frame, on_exited, on_gathered};
    int rc = uv_loop_init(&g->loop);
    if (rc) {
        return diag_set(d, DIAG_FAILED, "No event loop can be made: %s.", uv_strerror(rc));
    }
    uv_timer_init(&g->loop, &g->tick);
    g->tick.data = g;
    g->tick_open = true;
    g->since_us = (int64_t)(uv_hrtime() / 1000);
    rc = launch(&g->process, &g->loop, &spec, &events, d);
    if (rc == 0) {
        uv_timer_start(&g->tick, on_tick, TICK_MS, TICK_MS);
    } else {
        uv_close((uv_handle_t *)&g->tick, closed);
    }
    uv_run(&g->loop, UV_RUN_DEFAULT);
    uv_loop_close(&g->loop);
    return rc;
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
