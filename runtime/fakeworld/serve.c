/* From a request to what is done and what is answered. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"
#include "world.h"

int64_t world_now_us(const world *w) {
    return (int64_t)uv_now(&w->loop) * 1000;
}

void serve_write(keel_buf *out, const answer *a, bool close, int64_t claimed) {
    int64_t len = claimed >= 0 ? claimed : (int64_t)a->body.len;
    keel_buf_printf(out, "HTTP/1.1 %d Scripted\r\n", a->status);
    keel_buf_append(out, a->headers.data, a->headers.len);
    if (a->status != 204 && a->status >= 200) {
        keel_buf_printf(out, "Content-Type: application/json\r\nContent-Length: %" PRId64 "\r\n",
                        len);
    }
    keel_buf_printf(out, "Connection: %s\r\n\r\n", close ? "close" : "keep-alive");
    if (a->status != 204) {
        keel_buf_append(out, a->body.data, a->body.len);
    }
}

void world_must_log(int rc) {
    if (rc) {
        fprintf(stderr, "keel-fakeworld: the log cannot be written: %s\n", strerror(-rc));
        exit(1);
    }
}

static const route *find_route(const world *w, const request *q) {
    char place[REQUEST_PATH], id[REQUEST_PATH], value[8];
    const route *found = NULL;
    for (size_t i = 0; i < w->script->route_count; i++) {
        const route *r = &w->script->routes[i];
        if (strcmp(r->method, q->method) != 0 ||
            !script_match(r->path, q->path, place, id, sizeof id)) {
            continue;
        }
        if (r->act == ACT_SEARCH && request_query(q, r->query, value, sizeof value)) {
            return r;
        }
        found = r->act != ACT_SEARCH && !found ? r : found;
    }
    return found;
}

/* Does it, and says so in the log before anybody hears of it. */
static void apply(world *w, const route *r, const request *q, const char *by, answer *a) {
    shelf_act(w->shelf, r, q, world_now_us(w), a);
    if (a->applied) {
        w->applied++;
        world_must_log(oracle_applied(w->log_fd, r, q, by, a->status));
    }
}

/* ---- late ---- */

typedef struct deferred {
    const route *route;
    const char *fault;
    request q;
} deferred;

static void deferred_drop(void *ctx) {
    deferred *d = ctx;
    request_free(&d->q);
    free(d);
}

static void deferred_act(world *w, void *ctx) {
    deferred *d = ctx;
    answer a = {0};
    apply(w, d->route, &d->q, d->fault, &a);
    answer_free(&a);
}

static void apply_later(world *w, const route *r, const request *q, const fault *f) {
    deferred *d = keel_alloc(sizeof *d);
    *d = (deferred){.route = r, .fault = fault_name(f->kind)};
    request_copy(&d->q, q);
    late_do(w, f->after_us, deferred_act, deferred_drop, d);
}

/* ---- requests ---- */

static void ended(world *w, const route *r, const request *q, const fault *f, int status) {
    world_must_log(oracle_request(w->log_fd, r, q, f ? fault_name(f->kind) : NULL, status));
}

/* Faults that give no answer. true: this was one. */
static bool silent(world *w, conn *c, const route *r, const request *q, const fault *f) {
    answer a = {0};
    bool applies = f->kind == FAULT_LOST || f->kind == FAULT_HANG_AFTER;
    bool hangs = f->kind == FAULT_HANG || f->kind == FAULT_HANG_AFTER;
    if (!applies && !hangs && f->kind != FAULT_REFUSE_BEFORE && f->kind != FAULT_LATE) {
        return false;
    }
    if (applies) {
        apply(w, r, q, fault_name(f->kind), &a);
    } else if (f->kind == FAULT_LATE) {
        apply_later(w, r, q, f);
    }
    ended(w, r, q, f, 0);
    answer_free(&a);
    if (hangs) {
        conn_hang(c);
    } else {
        conn_close(c);
    }
    return true;
}

static void set_failure(answer *a, int status, const fault *f) {
    keel_buf_clear(&a->headers);
    if (f->retry_after_s) {
        keel_buf_printf(&a->headers, "Retry-After: %" PRId64 "\r\n", f->retry_after_s);
    }
    answer_text(a, status, "{\"error\":\"scripted\"}");
}

static void befallen(world *w, const route *r, const request *q, const fault *f, answer *a) {
    if (f->kind == FAULT_STATUS) {
        set_failure(a, (int)f->status, f);
        return;
    }
    if (f->kind == FAULT_FORGET_KEYS) {
        shelf_forget_keys(w->shelf);
    }
    apply(w, r, q, fault_name(f->kind), a);
    if (f->kind == FAULT_ERROR_AFTER) {
        set_failure(a, (int)f->status, f);
    } else if (f->kind == FAULT_REPLAY_500) {
        shelf_save_answer(w->shelf, r, q, world_now_us(w), 500);
        set_failure(a, 500, f);
    } else if (f->kind == FAULT_WRONG_OBJECT) {
        answer_text(a, a->status, "{\"id\":\"of-another\",\"wrong\":true}");
    }
}

void serve(world *w, conn *c, const request *q) {
    if (control_serve(w, c, q)) {
        return;
    }
    const route *r = find_route(w, q);
    const occasion now = {.face = FACE_HTTP, .method = q->method, .path = q->path};
    const fault *f = r ? misbehave_pick(w, &now) : NULL;
    answer a = {0};
    keel_buf out = KEEL_BUF_INIT;
    w->requests++;
    if (f && silent(w, c, r, q, f)) {
        return;
    }
    if (!r) {
        answer_text(&a, 404, "{\"error\":\"no route leads here\"}");
    } else if (f) {
        befallen(w, r, q, f, &a);
    } else {
        apply(w, r, q, NULL, &a);
    }
    ended(w, r, q, f, a.status);
    if (f) {
        misbehave_send(w, c, f, &a);
    } else {
        serve_write(&out, &a, q->close, -1);
        conn_send(c, &out, q->close);
    }
    keel_buf_free(&out);
    answer_free(&a);
}
