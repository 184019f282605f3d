/* The loop's side of an executor process. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "executor.h"
#include "keel/buf.h"
#include "process_int.h"

#define READ_SIZE   65536
#define BURST_LIMIT (256 << 10) /* read in one go: then the others have their turn */
#define LAST_LIMIT  (4 << 20)   /* read after the death: more than a socket holds */
#define GRACE_MS    1000        /* between the end of the stream and the end of the process */

struct host_process {
    uv_poll_t stream;
    uv_signal_t death;
    uv_timer_t grace;
    int handles; /* that are not yet closed */
    int fd;
    pid_t pid; /* 0: not started, or reaped */
    executor_page *page;
    frame_channel *channel;
    host_events ev;
    void *data;
    bool closed;  /* the other side will not read, or will not write */
    bool broken;  /* it broke the protocol: nothing it says counts */
    bool writing; /* the loop waits until it may write */
    char why[sizeof((diag *)0)->what + 32];
};

/* ---- the stream ---- */

static void stop_stream(host_process *p) {
    uv_poll_stop(&p->stream);
    p->closed = true;
}

/* With the stream gone there is nothing to wait for but the exit, and that is due now. */
static void on_grace(uv_timer_t *t) {
    host_kill(t->data);
}

static void hang_up(host_process *p) {
    if (!p->closed) {
        stop_stream(p);
        uv_timer_start(&p->grace, on_grace, GRACE_MS, 0);
    }
}

static void on_stream(uv_poll_t *h, int status, int events);

static void watch(host_process *p, bool writing) {
    if (p->writing != writing && !p->closed) {
        p->writing = writing;
        uv_poll_start(&p->stream, UV_READABLE | (writing ? UV_WRITABLE : 0), on_stream);
    }
}

static void break_off(host_process *p, const char *what) {
    if (!p->broken) {
        p->broken = true;
        snprintf(p->why, sizeof p->why, "broke the frame protocol: %s", what);
        stop_stream(p);
        host_kill(p);
    }
}

static void on_frame(void *ctx, const frame *f) {
    host_process *p = ctx;
    if (f->type < X_READY || f->type > X_NOTE) {
        char what[64];
        snprintf(what, sizeof what, "a frame of type %u, which no executor sends", f->type);
        break_off(p, what);
    }
    if (!p->broken) {
        p->ev.frame(p->ev.ctx, p, f);
    }
}

/* Returns whether more may be there. */
static bool receive_some(host_process *p, size_t *total) {
    char buf[READ_SIZE];
    ssize_t n = recv(p->fd, buf, sizeof buf, MSG_DONTWAIT);
    if (n > 0) {
        *total += (size_t)n;
        diag d = {0};
        if (frame_channel_feed(p->channel, buf, (size_t)n, on_frame, p, &d) != 0) {
            const char *detail = strstr(d.what, ": ");
            break_off(p, detail ? detail + 2 : d.what);
        }
        return n == (ssize_t)sizeof buf && !p->broken;
    }
    if (n < 0 && errno == EINTR) {
        return true;
    }
    if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
        hang_up(p);
    }
    return false;
}

static void receive(host_process *p) {
    size_t total = 0;
    while (receive_some(p, &total) && total < BURST_LIMIT) {
    }
    if (total > 0 && !p->broken) {
        p->ev.gathered(p->ev.ctx, p);
        host_flush(p); /* the channel's own acknowledgements */
    }
}

static void on_stream(uv_poll_t *h, int status, int events) {
    host_process *p = h->data;
    if (status < 0) {
        /* It ended with frames of ours unread; the last of its own are read after its death. */
        uv_timer_start(&p->grace, on_grace, GRACE_MS, 0);
        return;
    }
    if (events & UV_WRITABLE) {
        host_flush(p);
    }
    if ((events & UV_READABLE) && !p->closed) {
        receive(p);
    }
}

void host_send(host_process *p, uint16_t type, uint64_t run, uint64_t ref, const void *body,
               size_t len) {
    if (p->closed) {
        return;
    }
    frame_channel_send(p->channel, type, 0, run, ref, body, len);
    if (!p->writing && host_queued(p) >= FRAME_INLINE) {
        host_flush(p); /* a long record is read at the other side while the rest is still queued */
    }
}

void host_flush(host_process *p) {
    const char *data;
    size_t len;
    while (!p->closed && (len = frame_channel_output(p->channel, &data)) > 0) {
        ssize_t n = send(p->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0) {
            frame_channel_sent(p->channel, (size_t)n);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            watch(p, true);
            return;
        } else if (errno != EINTR) {
            /* It reads no more, but what it said before its end may still wait to be read. */
            frame_channel_sent(p->channel, len);
            break;
        }
    }
    watch(p, false);
}

size_t host_queued(const host_process *p) {
    return frame_channel_queued(p->channel);
}

/* ---- the end ---- */

static void release(host_process *p) {
    frame_channel_destroy(p->channel);
    free(p);
}

static void on_handle_closed(uv_handle_t *h) {
    host_process *p = h->data;
    if (--p->handles == 0) {
        release(p);
    }
}

static void discard(host_process *p) {
    if (p->fd >= 0) {
        close(p->fd);
    }
    if (p->page) {
        munmap(p->page, sizeof *p->page);
    }
}

static void close_handles(host_process *p) {
    p->closed = true;
    uv_close((uv_handle_t *)&p->stream, on_handle_closed);
    uv_close((uv_handle_t *)&p->death, on_handle_closed);
    uv_close((uv_handle_t *)&p->grace, on_handle_closed);
    discard(p);
}

static void name_end(host_process *p, int status, bool known) {
    if (p->broken) {
        return;
    }
    if (!known) {
        snprintf(p->why, sizeof p->why, "ended, and how is not known");
    } else if (WIFSIGNALED(status)) {
        int sig = WTERMSIG(status);
        snprintf(p->why, sizeof p->why, "%swas killed by signal %d (%s)",
                 sig == SIGSYS ? "tried a system call that its sandbox forbids, and " : "", sig,
                 strsignal(sig));
    } else if (WEXITSTATUS(status) == EXECUTOR_OVER_MEMORY) {
        snprintf(p->why, sizeof p->why, "needed more memory than its manifest lets it (`memory:`)");
    } else {
        snprintf(p->why, sizeof p->why, "exited with %d", WEXITSTATUS(status));
    }
}

/* What it said before its end counts, however it ended. */
static void receive_last(host_process *p) {
    size_t total = 0;
    while (!p->closed && total < LAST_LIMIT) {
        size_t before = total;
        if (!receive_some(p, &total) && total == before) {
            break;
        }
    }
    if (total > 0 && !p->broken) {
        p->ev.gathered(p->ev.ctx, p);
    }
}

static void finish(host_process *p, int status, bool known) {
    p->pid = 0;
    receive_last(p);
    p->closed = true;
    name_end(p, status, known);
    bool signalled = known && WIFSIGNALED(status);
    int64_t code = known && WIFEXITED(status) ? WEXITSTATUS(status) : known ? 0 : -1;
    p->ev.exited(p->ev.ctx, p, code, signalled ? WTERMSIG(status) : 0, p->why);
    close_handles(p);
}

/* SIGCHLD: was it ours? The group is killed while the leader is still a zombie, because from the
 * moment it is reaped its number may be given to others. */
static void on_death(uv_signal_t *h, int signum) {
    (void)signum;
    host_process *p = h->data;
    if (p->pid == 0) {
        return;
    }
    siginfo_t info = {0};
    int rc;
    do {
        rc = waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    } while (rc != 0 && errno == EINTR);
    if (rc == 0 && info.si_pid == 0) {
        return;
    }
    int status = 0;
    if (rc == 0) {
        kill(-p->pid, SIGKILL);
        rc = waitpid(p->pid, &status, 0) == p->pid ? 0 : -1;
    }
    finish(p, status, rc == 0);
}

void host_kill(host_process *p) {
    if (p->pid > 0) {
        kill(-p->pid, SIGKILL);
    }
}

/* ---- the start ---- */

static void send_plugin(host_process *p, const host_spec *spec) {
    keel_buf b = KEEL_BUF_INIT;
    child_config(&b, spec);
    frame_channel_send(p->channel, X_CONFIG, 0, 0, 0, b.data, b.len);
    for (size_t i = 0; i < spec->file_count; i++) {
        const host_file *f = &spec->files[i];
        keel_buf_clear(&b);
        frame_put(&b, f->name, strlen(f->name));
        frame_channel_send2(p->channel, X_FILE, 0, 0, 0, b.data, b.len, f->data, f->len);
    }
    keel_buf_free(&b);
    frame_channel_send(p->channel, X_LOAD, 0, 0, 0, NULL, 0);
    host_flush(p);
}

/* The handles first: a child that was started must be watched. */
static int start_handles(host_process *p, uv_loop_t *loop, diag *d) {
    int rc = uv_poll_init(loop, &p->stream, p->fd);
    if (rc != 0) {
        return rc;
    }
    uv_signal_init(loop, &p->death);
    uv_timer_init(loop, &p->grace);
    p->stream.data = p->death.data = p->grace.data = p;
    p->handles = 3;
    rc = uv_signal_start(&p->death, on_death, SIGCHLD);
    rc = rc ? rc : uv_poll_start(&p->stream, UV_READABLE, on_stream);
    if (rc != 0) {
        diag_set(d, DIAG_FAILED, "an executor cannot be watched: %s", uv_strerror(rc));
    }
    return rc;
}

static int start(host_process *p, uv_loop_t *loop, child_plan *plan, const child_way *way,
                 diag *d) {
    p->fd = plan->frames;
    p->page = plan->page;
    plan->frames = -1;
    plan->page = NULL;
    return start_handles(p, loop, d) != 0 ? DIAG_FAILED : child_start(plan, way, &p->pid, d);
}

int process_start(host_process **out, uv_loop_t *loop, child_plan *plan, const child_way *way,
                  const host_events *ev, diag *d) {
    host_process *p = keel_alloc(sizeof *p);
    *p = (host_process){.fd = -1, .ev = *ev};
    p->channel = frame_channel_create();
    diag unheard = {0};
    int rc = start(p, loop, plan, way, d ? d : &unheard); /* the code stands in it */
    child_finish(plan);
    if (rc == 0) {
        *out = p;
    } else if (p->handles > 0) {
        close_handles(p);
    } else {
        discard(p);
        release(p);
    }
    return rc;
}

int host_spawn(host_process **out, uv_loop_t *loop, const host_spec *spec, const host_events *ev,
               diag *d) {
    child_plan plan;
    child_way way = {.program = spec->program, .name = "keel-executor", .unsafe = spec->unsafe};
    diag unheard = {0};
    d = d ? d : &unheard;
    int rc = child_prepare(&plan, spec, d);
    rc = rc ? rc : process_start(out, loop, &plan, &way, ev, d);
    if (rc == 0) {
        send_plugin(*out, spec);
    }
    return rc;
}

/* ---- what runs ---- */

void *host_data(const host_process *p) {
    return p->data;
}

void host_set_data(host_process *p, void *data) {
    p->data = data;
}

pid_t host_pid(const host_process *p) {
    return p->pid;
}

static int64_t cpu_time_us(pid_t pid) {
    clockid_t clock;
    struct timespec ts;
    if (pid <= 0 || clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &ts) != 0) {
        return -1;
    }
    return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

void host_watch(const host_process *p, uint64_t *run, uint64_t *ticks, int64_t *cpu_us) {
    *run = p->page ? atomic_load_explicit(&p->page->run, memory_order_acquire) : 0;
    *ticks = p->page ? atomic_load_explicit(&p->page->ticks, memory_order_acquire) : 0;
    *cpu_us = cpu_time_us(p->pid);
}
