#include "driver_int.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define GRACE_US 1000000 /* after a deadline */
#define TICK_MS  3

static int64_t now_us(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

/* ---- the executor's words ---- */

static void take_text(keel_json from, const char *key, char *out, size_t size) {
    if (keel_json_copy(keel_json_get(from, key), out, size) < 0) {
        *out = 0;
    }
}

/* Puts what a verb has put; both are canonical objects. */
static void take_kv(site *s, keel_json puts) {
    keel_buf merged = KEEL_BUF_INIT;
    char name[128], other[128];
    keel_json have = keel_json_view(s->kv.data, s->kv.len);
    if (keel_json_typeof(puts) != KEEL_JSON_OBJECT) {
        return;
    }
    keel_json_iter a = keel_json_each(have), b = keel_json_each(puts);
    bool more_a = keel_json_next(&a), more_b = keel_json_next(&b);
    keel_buf_putc(&merged, '{');
    while (more_a || more_b) {
        keel_json_copy(a.key, name, sizeof name);
        keel_json_copy(b.key, other, sizeof other);
        int order = !more_a   ? 1
                    : !more_b ? -1
                              : keel_json_compare_keys(name, strlen(name), other, strlen(other));
        keel_json_iter *from = order < 0 ? &a : &b;
        if (keel_json_typeof(from->value) != KEEL_JSON_NULL) {
            keel_buf_puts(&merged, merged.len > 1 ? "," : "");
            keel_buf_printf(&merged, "%.*s:", (int)from->key.len, from->key.data);
            keel_buf_append(&merged, from->value.data, from->value.len);
        }
        more_a = order <= 0 ? keel_json_next(&a) : more_a;
        more_b = order >= 0 ? keel_json_next(&b) : more_b;
    }
    keel_buf_putc(&merged, '}');
    keel_buf_free(&s->kv);
    s->kv = merged;
}

static void take_answer(site *s, const frame *f, keel_json body) {
    said *out = s->said;
    if (!out || f->ref != s->ref) {
        return;
    }
    if (f->type == X_REPLY) {
        keel_json result = keel_json_get(body, "result");
        out->how = SAID_REPLY;
        keel_buf_append(&out->result, result.data, result.len);
        keel_json usage = keel_json_get(body, "usage");
        keel_buf_append(&out->usage, usage.data, usage.len);
        take_kv(s, keel_json_get(body, "kv"));
    } else {
        out->how = SAID_FAIL;
        take_text(body, "code", out->code, sizeof out->code);
        take_text(body, "message", out->message, sizeof out->message);
    }
    s->over = true;
}

static void on_frame(void *ctx, host_process *p, const frame *f) {
    site *s = ctx;
    keel_json_error e;
    keel_json body = keel_json_view(f->body, f->len);
    if (f->len && keel_json_check(f->body, f->len, &e) != 0) {
        snprintf(s->why, sizeof s->why, "sent a frame that is no JSON: %s", e.message);
        host_kill(p);
    } else if (f->type == X_READY) {
        s->ready = s->over = true;
    } else if (f->type == X_REFUSED) {
        take_text(body, "message", s->why, sizeof s->why);
    } else if (f->type == X_REPLY || f->type == X_FAIL) {
        take_answer(s, f, body);
    }
}

static void on_exited(void *ctx, host_process *p, int64_t status, int signal, const char *why) {
    site *s = ctx;
    (void)p;
    (void)status;
    (void)signal;
    if (s->said && !s->over) {
        s->said->how = s->said->how == SAID_OVERDUE ? SAID_OVERDUE : SAID_DIED;
        snprintf(s->said->message, sizeof s->said->message, "%s", why);
    } else if (!*s->why) {
        snprintf(s->why, sizeof s->why, "its executor %s", why);
    }
    s->process = NULL;
    s->over = true;
}

static void on_gathered(void *ctx, host_process *p) {
    (void)ctx;
    (void)p;
}

const host_events *site_events(site *s, host_events *out) {
    *out = (host_events){s, on_frame, on_exited, on_gathered};
    return out;
}

/* ---- waiting ---- */

typedef struct waiting {
    site *s;
    const ask *a;
    int64_t begin_us, kill_us, cancel_us; /* kill, cancel: 0: never */
} waiting;

static void on_tick(uv_timer_t *t) {
    waiting *w = t->data;
    site *s = w->s;
    int64_t spent = now_us() - w->begin_us;
    if (w->cancel_us && spent >= w->cancel_us && s->k->net) {
        w->cancel_us = 0;
        net_end(s->k->net, s->ref);
    }
    bool asked = w->a && w->a->kill_now && w->a->kill_now(w->a->ctx);
    bool overdue = w->kill_us && spent >= w->kill_us;
    if ((asked || overdue) && s->process) {
        if (s->said && overdue) {
            s->said->how = SAID_OVERDUE;
        }
        w->kill_us = 0;
        host_kill(s->process);
    }
}

static void on_timer_closed(uv_handle_t *h) {
    (void)h;
}

void site_wait(site *s, const ask *a, int64_t kill_us) {
    uv_timer_t timer;
    waiting w = {s, a, now_us(), kill_us, a ? a->cancel_us : 0};
    uv_timer_init(&s->k->loop, &timer);
    timer.data = &w;
    uv_timer_start(&timer, on_tick, TICK_MS, TICK_MS);
    while (!s->over) {
        uv_run(&s->k->loop, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&timer, on_timer_closed);
    uv_run(&s->k->loop, UV_RUN_NOWAIT);
}

/* ---- verbs ---- */

static void write_verb(const site *s, const ask *a, int64_t deadline_us, keel_buf *out) {
    bool reconcile = !strcmp(a->verb, "reconcile");
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_int(&w, "attempt", 1);
    keel_json_set_raw(&w, "body", a->body);
    keel_json_set_int(&w, "deadline_us", deadline_us);
    keel_json_key(&w, "flags");
    keel_json_array(&w);
    if (a->dry_run) {
        keel_json_text(&w, "dry_run");
    }
    keel_json_array_end(&w);
    keel_json_set_text(&w, "key", a->key ? a->key : "");
    keel_json_set_raw(&w, "kv", keel_json_view(s->kv.data, s->kv.len));
    keel_json_set_text(&w, "mode", reconcile ? "effect" : "");
    keel_json_set_raw(&w, "outcome", a->outcome);
    keel_json_set_text(&w, "resource", a->resource);
    keel_json_set_text(&w, "verb", a->verb);
    keel_json_object_end(&w);
}

static int64_t deadline_of(const site *s, const ask *a) {
    const manifest_resource *r = manifest_find(s->k->plugin->manifest, a->resource);
    int v = !strcmp(a->verb, "read") ? VERB_READ : VERB_WRITE;
    int64_t own = r && r->verbs[v].present ? r->verbs[v].timeout_us : 10000000;
    return a->deadline_us ? a->deadline_us : own < 10000000 ? own : 10000000;
}

void kit_site_ask(site *s, const ask *a, said *out) {
    keel_buf body = KEEL_BUF_INIT;
    int64_t deadline = deadline_of(s, a), begin;
    said_free(out);
    *out = (said){.how = SAID_DIED};
    if (!kit_site_up(s)) {
        snprintf(out->message, sizeof out->message, "did not start: %.570s", s->why);
        return;
    }
    s->ref = ++s->k->next;
    s->said = out;
    s->over = false;
    write_verb(s, a, deadline, &body);
    if (s->k->net) {
        bool unsafe = !strcmp(a->verb, "write") || !strcmp(a->verb, "compensate");
        net_order(s->k->net, s->ref, s->executor, s->connection, unsafe, deadline);
    }
    begin = now_us();
    host_send(s->process, X_VERB, 0, s->ref, body.data, body.len);
    host_flush(s->process);
    site_wait(s, a, deadline + GRACE_US);
    out->took_us = now_us() - begin;
    s->said = NULL;
    if (s->k->net) {
        net_end(s->k->net, s->ref);
    }
    if (out->how == SAID_OVERDUE || out->how == SAID_DIED) {
        kit_site_down(s);
    }
    keel_buf_free(&body);
}

void said_free(said *s) {
    keel_buf_free(&s->result);
    keel_buf_free(&s->usage);
}
