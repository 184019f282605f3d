#include "rehearsal.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#define TICK_MS 40
#define IDLE_US 400000   /* an executor that has nothing to do and says nothing */
#define WALL_US 10000000 /* one stretch of computing; the kernel's own default */

struct rehearsal {
    rehearsal_events ev;
    uv_loop_t loop;
    uv_timer_t tick;
    host_process *process;
    bool ready, over, tick_open;
    uint64_t ticks;
    int64_t since_us; /* of the last frame, or of the last change of ticks */
    bool frames;      /* since the last tick */
};

void rehearsal_end(rehearsal *r) {
    r->over = true;
    if (r->process) {
        host_kill(r->process);
    }
}

static void fault(rehearsal *r, const char *what) {
    if (!r->over) {
        rehearsal_end(r);
        r->ev.fault(r->ev.ctx, what);
    }
}

void rehearsal_send(rehearsal *r, uint16_t type, uint64_t run, uint64_t ref, const void *body,
                    size_t len) {
    if (r->process) {
        host_send(r->process, type, run, ref, body, len);
    }
}

void rehearsal_answer(rehearsal *r, uint64_t run, const char *path, const keel_buf *outcome) {
    keel_buf body = KEEL_BUF_INIT;
    frame_put(&body, path, strlen(path));
    keel_buf_append(&body, outcome->data, outcome->len);
    rehearsal_send(r, X_ANSWER, run, 0, body.data, body.len);
    keel_buf_free(&body);
}

static void refused(const rehearsal *r, const frame *f) {
    char message[500] = "it does not say why", next[300] = "";
    keel_json body = keel_json_view(f->body, f->len);
    if (keel_json_check(f->body, f->len, NULL) == 0) {
        keel_json_copy(keel_json_get(body, "message"), message, sizeof message);
        keel_json_copy(keel_json_get(body, "next"), next, sizeof next);
    }
    r->ev.refused(r->ev.ctx, message, next);
}

static void on_frame(void *ctx, host_process *p, const frame *f) {
    rehearsal *r = ctx;
    (void)p;
    r->frames = true;
    if (r->over || f->type == X_NOTE) {
        return;
    }
    if (f->type == X_READY) {
        r->ready = true;
        r->ev.ready(r->ev.ctx);
    } else if (f->type == X_REFUSED) {
        refused(r, f);
    } else {
        r->ev.frame(r->ev.ctx, f);
    }
}

static void on_gathered(void *ctx, host_process *p) {
    const rehearsal *r = ctx;
    if (!r->over) {
        host_flush(p);
    }
}

static void closed(uv_handle_t *h) {
    (void)h;
}

static void close_tick(rehearsal *r) {
    if (r->tick_open) {
        r->tick_open = false;
        uv_close((uv_handle_t *)&r->tick, closed);
    }
}

static void on_exited(void *ctx, host_process *p, int64_t status, int signal, const char *why) {
    rehearsal *r = ctx;
    char what[300];
    (void)p;
    (void)status;
    (void)signal;
    r->process = NULL;
    snprintf(what, sizeof what, "its executor %s", why);
    fault(r, what);
    close_tick(r);
}

static void on_tick(uv_timer_t *t) {
    rehearsal *r = t->data;
    uint64_t run = 0, ticks = 0;
    int64_t cpu = 0, now = (int64_t)(uv_hrtime() / 1000);
    if (!r->process || r->over) {
        return;
    }
    host_watch(r->process, &run, &ticks, &cpu);
    if (r->frames || ticks != r->ticks) {
        r->frames = false;
        r->ticks = ticks;
        r->since_us = now;
    } else if (run == 0 && r->ready && now - r->since_us > IDLE_US) {
        r->ev.still(r->ev.ctx);
    } else if (now - r->since_us > WALL_US) {
        fault(r, "it computes for 10 s without a call: Keel ends such a run");
    }
}

int rehearsal_play(rehearsal **out, const launch_spec *spec, const rehearsal_events *ev, diag *d) {
    rehearsal r = {.ev = *ev, .since_us = (int64_t)(uv_hrtime() / 1000)};
    host_events events = {&r, on_frame, on_exited, on_gathered};
    int rc = uv_loop_init(&r.loop);
    if (rc) {
        return diag_set(d, DIAG_FAILED, "No event loop can be made: %s.", uv_strerror(rc));
    }
    uv_timer_init(&r.loop, &r.tick);
    r.tick.data = &r;
    r.tick_open = true;
    *out = &r;
    rc = launch(&r.process, &r.loop, spec, &events, d);
    if (rc == 0) {
        uv_timer_start(&r.tick, on_tick, TICK_MS, TICK_MS);
    } else {
        close_tick(&r);
    }
    uv_run(&r.loop, UV_RUN_DEFAULT);
    uv_loop_close(&r.loop);
    *out = NULL;
    return rc;
}
