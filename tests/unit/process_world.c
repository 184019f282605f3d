#include "process_world.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void on_frame(void *ctx, host_process *p, const frame *f) {
    world *w = ctx;
    assert_int_equal(w->ends, 0);
    w->frames++;
    w->last = *f;
    keel_buf_clear(&w->body);
    keel_buf_append(&w->body, f->body, f->len);
    if (f->type == X_REPLY && w->echoes > 0) {
        w->echoes--;
        host_send(p, X_VERB, 0, f->ref + 1, f->body, f->len);
    } else if (f->type == w->wait_for) {
        uv_stop(&w->loop);
    }
}

static void on_gathered(void *ctx, host_process *p) {
    world *w = ctx;
    w->bursts++;
    host_flush(p);
}

static void on_exited(void *ctx, host_process *p, int64_t status, int sig, const char *why) {
    world *w = ctx;
    assert_ptr_equal(p, w->p);
    assert_int_equal(host_pid(p), 0);
    w->ends++;
    w->status = status;
    w->signal = sig;
    snprintf(w->why, sizeof w->why, "%s", why);
    host_send(p, X_STOP, 0, 0, NULL, 0); /* too late, and harmless */
    host_flush(p);
    host_kill(p);
    uv_stop(&w->loop);
}

static void on_timeout(uv_timer_t *t) {
    (void)t;
    fail_msg("nothing came for 20 s");
}

int world_count_fds(void) {
    int n = 0;
    for (int fd = 0; fd < 1024; fd++) {
        n += fcntl(fd, F_GETFD) >= 0;
    }
    return n;
}

int world_set_up(void **state) {
    world *w = keel_alloc(sizeof *w);
    memset(w, 0, sizeof *w);
    assert_int_equal(digest_init(), 0);
    char self[PATH_MAX - 16];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = 0;
    snprintf(w->program, sizeof w->program, "%s/child_echo", dirname(self));
    snprintf(w->folder, sizeof w->folder, "/tmp/keel-process-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    uv_loop_init(&w->loop);
    uv_timer_init(&w->loop, &w->timeout);
    uv_unref((uv_handle_t *)&w->timeout);
    *state = w;
    return 0;
}

int world_tear_down(void **state) {
    world *w = *state;
    uv_close((uv_handle_t *)&w->timeout, NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie, no survivor */
    assert_int_equal(errno, ECHILD);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", w->folder);
    assert_int_equal(system(command), 0);
    keel_buf_free(&w->body);
    free(w);
    return 0;
}

host_events world_events(world *w) {
    return (host_events){w, on_frame, on_exited, on_gathered};
}

host_spec world_spec(world *w, char *config, size_t size, const char *mode) {
    int n = snprintf(config, size, "{\"config\":{\"mode\":\"%s\"},\"id\":\"test\"}", mode);
    return (host_spec){
        .program = w->program, .config = config, .config_len = (size_t)n, .lock_fd = -1};
}

void world_spawn(world *w, const host_spec *spec) {
    host_events ev = world_events(w);
    diag d = {0};
    w->ends = 0;
    w->frames = 0;
    if (host_spawn(&w->p, &w->loop, spec, &ev, &d) != 0) {
        fail_msg("%s", d.what);
    }
}

void world_start(world *w, const char *mode) {
    char config[128];
    host_spec spec = world_spec(w, config, sizeof config, mode);
    world_spawn(w, &spec);
}

void world_run_until(world *w, uint16_t type) {
    w->wait_for = type;
    uv_update_time(&w->loop);
    uv_timer_start(&w->timeout, on_timeout, 20000, 0);
    int ends = w->ends;
    do {
        uv_run(&w->loop, UV_RUN_DEFAULT);
    } while (w->ends == ends && (type == 0 || w->last.type != type));
    if (type != 0 && w->ends != ends) {
        fail_msg("it ended first: %s", w->why);
    }
    uv_timer_stop(&w->timeout);
    w->last.type = 0;
}

void world_pass_ms(long ms) {
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

void world_kill(world *w) {
    host_kill(w->p);
    world_run_until(w, 0);
}
