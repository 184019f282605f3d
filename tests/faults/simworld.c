#include "simworld.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fsio.h"
#include "main.h"
#include "protocol.h"

#define HOUR 3600000000LL

typedef struct sim_event {
    struct sim_event *next;
    uint32_t number;
    bool egress;   /* from it */
    uint16_t type; /* 0: the executor is gone */
    uint64_t run, ref;
    keel_buf body;
} sim_event;

/* ---- kernel_env ---- */

static int64_t env_boot(void *ctx) {
    const sim_world *w = ctx;
    return w->clock;
}

static int64_t env_wall(void *ctx) {
    const sim_world *w = ctx;
    return w->clock + w->wall_ahead;
}

static void env_random(void *ctx, void *to, size_t len) {
    sim_world *w = ctx;
    uint8_t *p = to;
    for (size_t i = 0; i < len; i++) {
        w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
        p[i] = (uint8_t)(w->seed >> 40);
    }
}

static void env_commit(void *ctx, turn *t) {
    sim_world *w = ctx;
    w->committing = t;
}

static int env_spawn(void *ctx, uint32_t number, const kernel_spawn *s, diag *d) {
    sim_world *w = ctx;
    if (w->no_spawn) {
        return diag_set(d, DIAG_FAILED, "cannot start a process");
    }
    if (s->egress && s->egress != w->egress) {
        return diag_set(d, DIAG_CONFLICT, "the network process has ended");
    }
    sim_spawn(w, number, s);
    return 0;
}

static void env_send(void *ctx, uint32_t number, uint16_t type, uint64_t run, uint64_t ref,
                     const void *body, size_t len) {
    sim_frame(ctx, number, type, run, ref, body, len);
}

static void env_kill(void *ctx, uint32_t number) {
    sim_kill(ctx, number, "killed by signal 9 (Killed)");
}

static void env_watch(void *ctx, uint32_t number, uint64_t *run, uint64_t *ticks, int64_t *cpu_us) {
    (void)ctx;
    (void)number;
    *run = *ticks = 0;
    *cpu_us = 0;
}

static void env_reply(void *ctx, uint64_t client, uint16_t type, uint64_t ref, const void *body,
                      size_t len) {
    sim_world *w = ctx;
    if (type == C_DONE && client == w->client) {
        w->done_after_answer += w->told > w->done;
        w->done++;
    }
    if (type != C_ANSWER || client != w->client) {
        return;
    }
    if (w->hooks) {
        w->hooks->answered(w, ref, body, len);
        return;
    }
    sim_answer *a = &w->answers[ref % SIM_ANSWERS];
    keel_json result = keel_json_get(keel_json_view(body, len), "result");
    a->ok = result.len > 0;
    w->told++;
    snprintf(a->result, sizeof a->result, "%.*s", a->ok ? (int)result.len : (int)len,
             a->ok ? result.data : (const char *)body);
}

static void env_log(void *ctx, const char *level, uint64_t run, const char *text) {
    sim_world *w = ctx;
    if (w->hooks) {
        w->hooks->logged(w, level, run, text);
    } else if (getenv("KEEL_SIM_LOG")) {
        fprintf(stderr, "%s run %llu %s\n", level, (unsigned long long)run, text);
    }
}

/* ---- events ---- */

void sim_to_kernel(sim_world *w, uint32_t number, uint16_t type, uint64_t run, uint64_t ref,
                   const keel_buf *body) {
    sim_event *e = calloc(1, sizeof *e);
    if (!e) {
        abort();
    }
    e->number = number;
    e->egress = number == w->egress;
    e->type = type;
    e->run = run;
    e->ref = ref;
    keel_buf_append(&e->body, body ? body->data : "{}", body ? body->len : 2);
    if (w->last) {
        w->last->next = e;
    } else {
        w->first = e;
    }
    w->last = e;
}

void sim_gone(sim_world *w, uint32_t number, const char *why) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_puts(&b, why);
    sim_to_kernel(w, number, 0, 0, 0, &b);
    keel_buf_free(&b);
}

/* Egress and the others have sockets of their own: what they say keeps its order, and overtakes what
 * the others say. */
static sim_event *take(sim_world *w) {
    uint8_t r = 0;
    sim_event **at = &w->first;
    if (w->outside.network) {
        env_random(w, &r, 1);
    }
    while (r % 2 && *at && (*at)->egress == w->first->egress) {
        at = &(*at)->next;
    }
    at = *at ? at : &w->first;
    sim_event *e = *at;
    if (e) {
        *at = e->next;
        w->last = w->first;
        while (w->last && w->last->next) {
            w->last = w->last->next;
        }
    }
    return e;
}

static void event_done(sim_event *e) {
    keel_buf_free(&e->body);
    free(e);
}

/* ---- lives ---- */

static int load(void *ctx, kernel_world *out, keel_buf *warnings, diag *d) {
    sim_world *w = ctx;
    char shipped[160], lua[160];
    snprintf(shipped, sizeof shipped, "%s/shipped", w->root);
    snprintf(lua, sizeof lua, "%s/lua/keel.lua", w->root);
    kernel_settings s = {.root = w->root, .shipped = shipped, .sdk_lua = lua};
    int rc = kernel_world_load(&s, out, warnings, d);
    for (size_t i = 0; !rc && i < library_count(out->library); i++) {
        ((plugin *)(uintptr_t)library_get(out->library, i))->checked = true; /* it is simulated */
    }
    return rc;
}

static void approver_json(keel_buf *out) {
    uint8_t pk[32], sk[64];
    char hex[65];
    sim_key(pk, sk);
    hex_encode(hex, pk, 32);
    keel_buf_printf(out,
                    "{\"name\":\"operator\",\"public_key\":\"%s\","
                    "\"salt\":\"00000000000000000000000000000000\"}",
                    hex);
}

static int make_kernel(sim_world *w, diag *d) {
    kernel_world world = {0};
    keel_buf boot = KEEL_BUF_INIT, approver = KEEL_BUF_INIT, warnings = KEEL_BUF_INIT;
    int rc = load(w, &world, &warnings, d);
    keel_buf_free(&warnings);
    if (rc) {
        snprintf(w->fault, sizeof w->fault, "%.250s", d->what);
        return rc;
    }
    store_boot_body(w->store, &boot);
    approver_json(&approver);
    kernel_env env = {w,
                      env_wall,
                      env_boot,
                      env_random,
                      env_commit,
                      env_spawn,
                      env_send,
                      env_kill,
                      env_watch,
                      env_reply,
                      env_log,
                      sim_notify,
                      store_reader(w->store)};
    kernel_options o = {.identity = store_identify(w->store),
                        .world = world,
                        .load_world = load,
                        .load_ctx = w,
                        .boot_body = keel_json_view(boot.data, boot.len),
                        .expected_us = w->expected_us,
                        .approver = keel_json_view(approver.data, approver.len)};
    rc = kernel_create(&w->kernel, &env, &o, d);
    keel_buf_free(&approver);
    keel_buf_free(&boot);
    return rc;
}

bool sim_start(sim_world *w) {
    char anchor[160], key[160];
    diag d = {0};
    snprintf(anchor, sizeof anchor, "%s/state/anchor", w->root);
    snprintf(key, sizeof key, "%s/state/key", w->root);
    store_options o = {
        .path = "sim.db", .anchor = anchor, .key = key, .vfs = "sim", .create = true};
    w->dead = false;
    w->client++;
    if (store_open(&w->store, &o, &d)) {
        w->store = NULL;
        if (!crash_disk_struck(w->disk)) {
            snprintf(w->fault, sizeof w->fault, "%.250s", d.what);
        }
        return false;
    }
    if (make_kernel(w, &d)) {
        if (!crash_disk_struck(w->disk) && !w->fault[0]) {
            snprintf(w->fault, sizeof w->fault, "%.250s", d.what);
        }
        return false;
    }
    return true;
}

void sim_end(sim_world *w) {
    sim_event *e;
    kernel_destroy(w->kernel);
    store_close(w->store);
    sim_executors_free(w);
    while ((e = take(w)) != NULL) {
        event_done(e);
    }
    w->kernel = NULL;
    w->store = NULL;
    w->committing = NULL;
    w->held_count = 0;
    sim_notices_end(w);
}

static void commit(sim_world *w) {
    diag d = {0};
    turn *t = w->committing;
    w->committing = NULL;
    int rc = store_commit(w->store, t, &d);
    if (rc) {
        w->dead = true;
        if (!crash_disk_struck(w->disk)) {
            snprintf(w->fault, sizeof w->fault, "%.250s", d.what);
        }
        return;
    }
    if (w->hooks) {
        w->hooks->committed(w, t);
    }
    kernel_committed(w->kernel, t, 0);
}

static void deliver(sim_world *w) {
    sim_event *e = take(w);
    if (!e->type) {
        bool clean = !strcmp(e->body.data, "exited with 0");
        kernel_executor_gone(w->kernel, e->number, clean, e->body.data);
    } else {
        frame f = {.type = e->type,
                   .run = e->run,
                   .ref = e->ref,
                   .body = e->body.data,
                   .len = e->body.len};
        kernel_executor_frame(w->kernel, e->number, &f);
    }
    event_done(e);
}

/* What comes next of itself: a timer of the kernel's, or the outside's doing. */
static bool pass_time(sim_world *w) {
    int64_t timer = w->kernel ? kernel_next_timer(w->kernel) : INT64_MAX;
    int64_t other = w->hooks ? w->hooks->next(w) : INT64_MAX;
    int64_t due = other < timer ? other : timer;
    if (!w->kernel || due >= w->clock + (w->horizon ? w->horizon : HOUR)) {
        return false;
    }
    w->clock = due > w->clock ? due : w->clock + 1;
    if (other <= w->clock) {
        w->hooks->due(w);
    }
    kernel_tick(w->kernel);
    return true;
}

bool sim_step(sim_world *w) {
    uint8_t r;
    env_random(w, &r, 1);
    if (w->committing && (!w->first || r % 2)) {
        commit(w);
    } else if (w->first) {
        deliver(w);
    } else {
        return pass_time(w);
    }
    return true;
}

void sim_run_out(sim_world *w) {
    for (int i = 0; i < 20000 && !w->dead && !w->fault[0]; i++) {
        kernel_turn(w->kernel);
        if (!sim_step(w)) {
            return;
        }
    }
    if (!w->dead && !w->fault[0]) {
        snprintf(w->fault, sizeof w->fault, "it never came to rest");
    }
}

/* ---- people ---- */

const sim_answer *sim_answered(const sim_world *w, const char *request) {
    for (size_t i = 0; i < w->answer_count; i++) {
        if (!strcmp(w->answers[i].request, request) && w->answers[i].ok) {
            return &w->answers[i];
        }
    }
    return NULL;
}

void sim_command(sim_world *w, const char *request, const char *name, const char *args) {
    keel_buf b = KEEL_BUF_INIT;
    size_t i = 0;
    while (i < w->answer_count && strcmp(w->answers[i].request, request) != 0) {
        i++;
    }
    if (i == w->answer_count) {
        if (w->answer_count++ == SIM_ANSWERS) {
            abort();
        }
        snprintf(w->answers[i].request, sizeof w->answers[i].request, "%s", request);
    }
    keel_buf_printf(&b, "{\"args\":%s,\"command\":\"%s\",\"request\":\"%s\"}", args, name, request);
    kernel_command(w->kernel, w->client, i, keel_json_view(b.data, b.len));
    keel_buf_free(&b);
}

static int on_number(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    *(int64_t *)ctx = v[0] ? atoll(v[0]) : -1;
    return 0;
}

int64_t sim_number(sim_world *w, const char *sql) {
    int64_t number = -1;
    diag d = {0};
    if (reader_query(store_reader(w->store), sql, NULL, 0, on_number, &number, &d)) {
        snprintf(w->fault, sizeof w->fault, "%.250s", d.what);
    }
    return number;
}
