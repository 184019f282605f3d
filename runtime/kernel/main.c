/* The kernel's process: a libuv loop that fills kernel_env with the real thing. */
#include "main.h"

#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <time.h>

#include "accepted.h"
#include "boot_timer.h"
#include "clock_note.h"
#include "failpoint.h"
#include "fleet.h"
#include "fsio.h"
#include "host_generation.h"
#include "log.h"
#include "protocol.h"
#include "reserve.h"
#include "stream.h"
#include "writer.h"

typedef struct host {
    const kernel_settings *settings;
    uv_loop_t loop;
    kernel *kernel;
    store *store;
    reader *reader;
    writer *writer;
    server *server;
    host_generation *generation;
    turn *turn; /* decided, to be committed */
    fleet *fleet;
    uv_prepare_t prepare;
    boot_timer timer;
    uv_timer_t anchor_timer;
    uv_timer_t space_timer;
    bool space_low;
    char *folder; /* .keel */
    uv_signal_t signals[2];
    _Atomic int64_t wall_jump_us; /* in tests: by how much the wall clock is wrong */
    int signalled;
    bool ending;
    int rc;
    diag *why;
} host;

/* ---- kernel_env ---- */

static int64_t clock_us(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t env_wall(void *ctx) {
    host *h = ctx;
    if (KEEL_FP_STEER("clock.wall") == FAILPOINT_CLOCK) {
        h->wall_jump_us += failpoint_argument() * 1000;
    }
    return clock_us(CLOCK_REALTIME) + h->wall_jump_us;
}

static int64_t env_boot(void *ctx) {
    (void)ctx;
    return clock_us(CLOCK_BOOTTIME);
}

static void env_random(void *ctx, void *to, size_t len) {
    (void)ctx;
    randombytes_buf(to, len);
}

static void env_commit(void *ctx, turn *t) {
    host *h = ctx;
    h->turn = t; /* on_prepare knows who commits it */
}

static int env_spawn(void *ctx, uint32_t executor, const kernel_spawn *s, diag *d) {
    host *h = ctx;
    return fleet_spawn(h->fleet, executor, s, d);
}

static void env_send(void *ctx, uint32_t executor, uint16_t type, uint64_t run, uint64_t ref,
                     const void *body, size_t len) {
    host *h = ctx;
    fleet_send(h->fleet, executor, type, run, ref, body, len);
}

static void env_kill(void *ctx, uint32_t executor) {
    host *h = ctx;
    fleet_kill(h->fleet, executor);
}

static void env_watch(void *ctx, uint32_t executor, uint64_t *run, uint64_t *ticks,
                      int64_t *cpu_us) {
    host *h = ctx;
    fleet_watch(h->fleet, executor, run, ticks, cpu_us);
}

static void env_reply(void *ctx, uint64_t client, uint16_t type, uint64_t ref, const void *body,
                      size_t len) {
    host *h = ctx;
    if (h->server) {
        server_send(h->server, client, type, ref, body, len);
    }
}

static void env_log(void *ctx, const char *level, uint64_t run, const char *text) {
    host *h = ctx;
    log_line(h->settings, level, run, text);
}

static void env_notify(void *ctx, uint64_t id, const workspace_notifier *by, const char *notice,
                       size_t len) {
    fleet_notify(((host *)ctx)->fleet, id, by, notice, len);
}

/* ---- its children ---- */

static void on_told(void *ctx, uint64_t id, const char *why) {
    kernel_notified(((host *)ctx)->kernel, id, why);
}

static void on_child_frame(void *ctx, uint32_t number, const frame *f) {
    host *h = ctx;
    kernel_executor_frame(h->kernel, number, f);
}

static void on_child_gone(void *ctx, uint32_t number, bool clean, const char *why) {
    host *h = ctx;
    kernel_executor_gone(h->kernel, number, clean, why);
}

/* ---- the loop ---- */

static void on_timer(void *ctx) {
    host *h = ctx;
    if (!h->ending) {
        kernel_tick(h->kernel);
    }
}

/* Turns of up to this many records are committed on this thread: there is little to gather
 * meanwhile, and waking another thread and being woken by it costs as much as a third of the sync.
 */
#define HERE           16
#define SPACE_EVERY_MS 2000

/* Before the loop sleeps: what was gathered is decided; the turn is handed over, what may leave
 * leaves. */
static void on_prepare(uv_prepare_t *p) {
    host *h = p->data;
    kernel_turn(h->kernel);
    (void)kernel_stopped(h->kernel); /* may add the last turn, which must not wait for an event */
    fleet_flush(h->fleet);           /* early answers: they work while the disk is waited for */
    while (h->turn) {
        turn *t = h->turn;
        h->turn = NULL;
        if (turn_count(t) > HERE || !writer_commit_here(h->writer, t)) {
            writer_commit(h->writer, t);
        }
    }
    fleet_flush(h->fleet);
    server_flush(h->server);
    boot_timer_set(&h->timer, kernel_next_timer(h->kernel));
    if (kernel_stopped(h->kernel)) {
        uv_stop(&h->loop);
    }
}

static void on_committed(void *ctx, turn *t, int rc, const diag *d) {
    host *h = ctx;
    kernel_committed(h->kernel, t, rc);
    if (rc) {
        h->rc = rc;
        *h->why = *d;
        if (!d->next[0]) {
            diag_next(h->why, "What was acknowledged is safe. Look at the disk, then start again: "
                              "keel up");
        }
        uv_stop(&h->loop); /* the kernel is ahead of the journal: it must be recovered from it */
    }
}

static void on_anchored(void *ctx, const char *trouble) {
    kernel_anchored(((host *)ctx)->kernel, trouble);
}

static void on_anchor_timer(uv_timer_t *t) {
    host *h = t->data;
    writer_anchor(h->writer);
}

static void look_around(host *h) {
    h->space_low = reserve_is_low(h->folder, h->space_low);
    kernel_space(h->kernel, h->space_low);
    if (!h->space_low) {
        reserve_keep(h->folder);
    }
    int64_t boot_us, at = kernel_time(h->kernel, &boot_us);
    if (at) {
        clock_note_write(h->folder, at, boot_us);
    }
}

static void on_space_timer(uv_timer_t *t) {
    host *h = t->data;
    if (!h->ending) {
        look_around(h);
    }
}

static void on_signal(uv_signal_t *s, int signum) {
    host *h = s->data;
    (void)signum;
    kernel_stop(h->kernel);
    if (h->signalled++) {
        uv_stop(&h->loop); /* a second time: now; what is durable is durable */
    }
}

static void on_client_frame(void *ctx, uint64_t client, const frame *f) {
    host *h = ctx;
    if (f->type == C_COMMAND && !h->ending) {
        kernel_command(h->kernel, client, f->ref, keel_json_view(f->body, f->len));
    }
}

static void on_client_gone(void *ctx, uint64_t client) {
    host *h = ctx;
    kernel_client_gone(h->kernel, client);
}

/* ---- start and end ---- */

static int load_world(void *ctx, kernel_world *out, keel_buf *warnings, diag *d) {
    host *h = ctx;
    return kernel_world_load(h->settings, out, warnings, d);
}

static int open_store(host *h, const workspace *w, diag *d) {
    store_options o = {.path = w->db,
                       .anchor = w->anchor,
                       .key = w->anchor_key,
                       .create = true,
                       .own_anchor = w->own_anchor,
                       .same_start = clock_note_read(h->folder, env_boot(h)) != 0,
                       .accept_rollback = h->settings->accept_rollback};
    int rc = accepted_open(&h->store, &o, env_wall(h), d);
    return rc ? rc : reader_open(&h->reader, w->db, NULL, d);
}

static int make_kernel(host *h, kernel_world *world, diag *d) {
    keel_buf body = KEEL_BUF_INIT, approver = KEEL_BUF_INIT, path = KEEL_BUF_INIT;
    keel_buf raw = KEEL_BUF_INIT;
    store_boot_body(h->store, &body);
    keel_buf_printf(&path, "%s/approver.json", world->workspace->keel);
    if (!fsio_read(path.data, 65536, &raw, NULL)) {
        keel_json_canonical(&approver, raw.data, raw.len, NULL);
    }
    kernel_env env = {h,        env_wall,  env_boot,  env_random, env_commit, env_spawn, env_send,
                      env_kill, env_watch, env_reply, env_log,    env_notify, h->reader};
    kernel_options o = {.identity = store_identify(h->store),
                        .world = *world,
                        .boot_body = keel_json_view(body.data, body.len),
                        .load_world = load_world,
                        .load_ctx = h,
                        .expected_us = clock_note_read(h->folder, env_boot(h)),
                        .credentials = getenv("CREDENTIALS_DIRECTORY"),
                        .approver = approver.len ? keel_json_view(approver.data, approver.len)
                                                 : (keel_json){0}};
    int rc = kernel_create(&h->kernel, &env, &o, d);
    keel_buf_free(&raw);
    keel_buf_free(&path);
    keel_buf_free(&approver);
    keel_buf_free(&body);
    return rc;
}

static int start(host *h, diag *d) {
    kernel_world world = {0};
    keel_buf warnings = KEEL_BUF_INIT;
    int rc = kernel_world_load(h->settings, &world, &warnings, d);
    if (rc) {
        keel_buf_free(&warnings);
        return rc;
    }
    log_warnings(h->settings, &warnings);
    keel_buf_free(&warnings);
    const workspace *w = world.workspace;
    rc = workspace_prepare(w, d);
    rc = rc ? rc
            : host_generation_take(&h->generation, w->lock, w->generation, HOST_GENERATION_WAIT_MS,
                                   d);
    if (!rc) {
        (void)KEEL_FP("start.locked");
        fleet_lock(h->fleet, host_generation_fd(h->generation));
    }
    if (!rc) {
        h->folder = keel_strdup(w->keel);
        reserve_free(h->folder); /* a kernel that was killed may not have come to it */
    }
    rc = rc ? rc : open_store(h, w, d);
    (void)KEEL_FP("start.opened");
    writer_events we = {h, on_committed, env_wall, on_anchored};
    rc = rc ? rc : writer_start(&h->writer, &h->loop, h->store, &we, d);
    if (rc) {
        kernel_world_free(&world);
        return rc;
    }
    server_events se = {h, on_client_frame, on_client_gone};
    rc = make_kernel(h, &world, d); /* takes the world */
    (void)KEEL_FP("start.recovered");
    if (!rc) {
        look_around(h);
        uv_timer_start(&h->space_timer, on_space_timer, SPACE_EVERY_MS, SPACE_EVERY_MS);
    }
    return rc ? rc : server_open(&h->server, &h->loop, w->socket, &se, d);
}

static void start_loop(host *h) {
    static const int numbers[] = {SIGINT, SIGTERM};
    uv_prepare_init(&h->loop, &h->prepare);
    uv_timer_init(&h->loop, &h->anchor_timer);
    uv_timer_init(&h->loop, &h->space_timer);
    h->prepare.data = h->anchor_timer.data = h->space_timer.data = h;
    uv_prepare_start(&h->prepare, on_prepare);
    uv_timer_start(&h->anchor_timer, on_anchor_timer, WRITER_ANCHOR_EVERY_US / 1000,
                   WRITER_ANCHOR_EVERY_US / 1000);
    for (int i = 0; i < 2; i++) {
        uv_signal_init(&h->loop, &h->signals[i]);
        h->signals[i].data = h;
        uv_signal_start(&h->signals[i], on_signal, numbers[i]);
    }
}

static void close_handle(uv_handle_t *handle, void *ctx) {
    (void)ctx;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

static int finish(host *h, diag *d) {
    int rc = 0;
    uv_prepare_stop(&h->prepare);
    h->ending = true;
    (void)KEEL_FP("end.begins");
    fleet_end(h->fleet);
    (void)KEEL_FP("end.executors_gone");
    server_close(h->server);
    h->server = NULL;
    if (h->writer) {
        rc = writer_stop(h->writer, d);
    }
    uv_walk(&h->loop, close_handle, NULL);
    uv_run(&h->loop, UV_RUN_DEFAULT);
    (void)KEEL_FP("end.head_signed");
    kernel_destroy(h->kernel);
    reader_close(h->reader);
    store_close(h->store);
    if (h->rc && h->folder) {
        reserve_free(h->folder);
    }
    free(h->folder);
    (void)KEEL_FP("end.closed");
    host_generation_release(h->generation);
    fleet_destroy(h->fleet);
    boot_timer_finish(&h->timer);
    uv_loop_close(&h->loop);
    return rc;
}

int kernel_main(const kernel_settings *s, diag *d) {
    host h = {.settings = s, .why = d};
    signal(SIGPIPE, SIG_IGN);
    if (digest_init() || uv_loop_init(&h.loop) ||
        boot_timer_init(&h.timer, &h.loop, on_timer, &h)) {
        return diag_set(d, DIAG_FAILED, "cannot start: libsodium or libuv refused");
    }
    h.fleet = fleet_create(s, &h.loop, &(fleet_events){&h, on_child_frame, on_child_gone, on_told});
    start_loop(&h);
    int rc = start(&h, d);
    if (!rc) {
        log_line(s, "info", 0, "ready");
        uv_run(&h.loop, UV_RUN_DEFAULT);
        rc = h.rc;
    }
    diag last = {0};
    int end = finish(&h, &last);
    if (!rc && end) {
        *d = last;
        rc = end;
    }
    return rc;
}
