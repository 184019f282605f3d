#include "notifier.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "text.h"

#define READ_SIZE 65536
#define KEPT      2000      /* bytes of what it prints */
#define FLOOD     (1 << 20) /* it is killed for more */
#define LINE      200       /* bytes of it in the log and in a reason */
#define ABOVE     10        /* no descriptor that the child uses */
#define US_PER_MS 1000

typedef struct job {
    struct job *next;
    notifier *owner;
    uint64_t id;
    char name[NOTIFY_NAME];
    uv_poll_t output;
    uv_signal_t death;
    uv_timer_t limit;
    int handles; /* that are not yet closed */
    int fd;      /* of what it prints, or -1 */
    pid_t pid;   /* 0: not started, or reaped */
    int64_t timeout_us;
    bool late;
    size_t total;
    keel_buf said;
    keel_buf why; /* it could not be started, or how it ended; empty: well */
} job;

struct notifier {
    const kernel_settings *settings;
    uv_loop_t *loop;
    notifier_events ev;
    job *jobs;
    bool ending;
};

notifier *notifier_create(const kernel_settings *s, uv_loop_t *loop, const notifier_events *ev) {
    notifier *n = keel_alloc(sizeof *n);
    *n = (notifier){.settings = s, .loop = loop, .ev = *ev};
    return n;
}

/* ---- the end of one ---- */

static void on_closed(uv_handle_t *h) {
    job *j = h->data;
    if (--j->handles) {
        return;
    }
    job **at = &j->owner->jobs;
    while (*at != j) {
        at = &(*at)->next;
    }
    *at = j->next;
    keel_buf_free(&j->said);
    keel_buf_free(&j->why);
    free(j);
}

static void close_one(uv_handle_t *h) {
    uv_close(h, on_closed);
}

/* The first line of what it printed, as text that can be shown: `?` for what cannot. */
static void first_line(const job *j, keel_buf *out) {
    const char *at = j->said.len ? j->said.data : "";
    const char *end = memchr(at, '\n', j->said.len);
    size_t len = end ? (size_t)(end - at) : j->said.len, used = 0;
    for (size_t i = 0; i < len && i < LINE; i += used) {
        int32_t cp = text_next(at + i, len - i, &used);
        if (cp < 0 || text_is_hidden(cp)) {
            keel_buf_putc(out, '?');
        } else {
            keel_buf_append(out, at + i, used);
        }
    }
}

static void log_said(const job *j) {
    keel_buf line = KEEL_BUF_INIT;
    if (j->said.len) {
        keel_buf_printf(&line, "notify %s said: ", j->name);
        first_line(j, &line);
        if (j->total > j->said.len) {
            keel_buf_printf(&line, " (of %zu bytes)", j->total);
        }
        log_line(j->owner->settings, "info", 0, line.data);
    }
    keel_buf_free(&line);
}

static void over(job *j) {
    notifier *n = j->owner;
    if (!n->ending) {
        log_said(j);
        n->ev.told(n->ev.ctx, j->id, j->why.len ? j->why.data : NULL);
    }
    if (j->fd >= 0) {
        uv_poll_stop(&j->output);
        close_one((uv_handle_t *)&j->output);
    }
    close_one((uv_handle_t *)&j->death);
    close_one((uv_handle_t *)&j->limit);
    if (j->fd >= 0) {
        close(j->fd);
    }
}

static void on_refused(uv_timer_t *t) {
    over(t->data);
}

/* ---- what it prints, and when it ends ---- */

static bool read_some(job *j) {
    char bytes[READ_SIZE];
    ssize_t n = read(j->fd, bytes, sizeof bytes);
    if (n <= 0) {
        return n < 0 && errno == EINTR;
    }
    size_t room = KEPT - j->said.len;
    keel_buf_append(&j->said, bytes, (size_t)n < room ? (size_t)n : room);
    j->total += (size_t)n;
    if (j->total > FLOOD && j->pid) {
        kill(-j->pid, SIGKILL);
    }
    return (size_t)n == sizeof bytes && j->total <= FLOOD;
}

static void on_output(uv_poll_t *h, int status, int events) {
    job *j = h->data;
    size_t before = j->total;
    (void)events;
    if (status < 0 || (!read_some(j) && j->total == before)) {
        uv_poll_stop(h); /* it has closed it; what counts is its end */
    }
}

static void on_late(uv_timer_t *t) {
    job *j = t->data;
    j->late = true;
    if (j->pid) {
        kill(-j->pid, SIGKILL);
    }
}

static void name_end(job *j, int status, bool known) {
    if (j->late) {
        keel_buf_printf(&j->why, "it was not done after %lld s, and was ended",
                        (long long)(j->timeout_us / 1000000));
    } else if (j->total > FLOOD) {
        keel_buf_printf(&j->why, "it printed more than %d bytes, and was ended", FLOOD);
    } else if (!known) {
        keel_buf_puts(&j->why, "it ended, and how is not known");
    } else if (WIFSIGNALED(status)) {
        keel_buf_printf(&j->why, "it was killed by signal %d (%s)", WTERMSIG(status),
                        strsignal(WTERMSIG(status)));
    } else if (WEXITSTATUS(status)) {
        keel_buf_printf(&j->why, "it exited with %d", WEXITSTATUS(status));
    }
    if (j->why.len && j->said.len) {
        keel_buf_puts(&j->why, ": ");
        first_line(j, &j->why);
    }
}

/* SIGCHLD: as in process.c, the group dies while the leader's number is still its own. */
static void on_death(uv_signal_t *h, int signum) {
    job *j = h->data;
    siginfo_t info = {0};
    int rc, status = 0;
    (void)signum;
    if (!j->pid) {
        return;
    }
    do {
        rc = waitid(P_PID, (id_t)j->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    } while (rc != 0 && errno == EINTR);
    if (rc == 0 && info.si_pid == 0) {
        return;
    }
    if (rc == 0) {
        kill(-j->pid, SIGKILL);
        rc = waitpid(j->pid, &status, 0) == j->pid ? 0 : -1;
    }
    j->pid = 0;
    while (read_some(j)) {
    }
    name_end(j, status, rc == 0);
    over(j);
}

/* ---- the start of one ---- */

static int above(int fd) {
    int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, ABOVE);
    if (fd >= 0) {
        close(fd);
    }
    return high;
}

/* The whole of it at once: no program can hold us up by not reading. */
static int input_open(const keel_buf *input) {
    int fd = above(memfd_create("keel-notice", MFD_CLOEXEC));
    if (fd >= 0 && (write(fd, input->data, input->len) != (ssize_t)input->len ||
                    lseek(fd, 0, SEEK_SET) != 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int add_actions(posix_spawn_file_actions_t *fa, int in, int out) {
    int rc = posix_spawn_file_actions_adddup2(fa, in, STDIN_FILENO);
    rc = rc ? rc : posix_spawn_file_actions_adddup2(fa, out, STDOUT_FILENO);
    rc = rc ? rc : posix_spawn_file_actions_adddup2(fa, out, STDERR_FILENO);
    rc = rc ? rc : posix_spawn_file_actions_addclosefrom_np(fa, STDERR_FILENO + 1);
    return rc ? rc : posix_spawn_file_actions_addchdir_np(fa, "/");
}

static int set_attributes(posix_spawnattr_t *how) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int rc = posix_spawnattr_setsigmask(how, &none);
    rc = rc ? rc : posix_spawnattr_setsigdefault(how, &all);
    return rc ? rc
              : posix_spawnattr_setflags(how, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                                  POSIX_SPAWN_SETSIGDEF);
}

static int run(const notifier_words *w, int in, int out, pid_t *pid) {
    posix_spawn_file_actions_t fa;
    posix_spawnattr_t how;
    int rc = posix_spawn_file_actions_init(&fa);
    if (rc) {
        return rc;
    }
    rc = posix_spawnattr_init(&how);
    if (!rc) {
        rc = add_actions(&fa, in, out);
        rc = rc ? rc : set_attributes(&how);
        rc = rc ? rc : posix_spawn(pid, w->argv[0], &fa, &how, w->argv, w->env);
        posix_spawnattr_destroy(&how);
    }
    posix_spawn_file_actions_destroy(&fa);
    return rc;
}

static int start(job *j, const notifier_words *w) {
    int pair[2] = {-1, -1};
    pid_t pid = 0;
    int in = input_open(&w->input);
    int rc = in < 0 || pipe2(pair, O_CLOEXEC) ? errno : 0;
    int out = rc ? -1 : above(pair[1]);
    rc = rc || out >= 0 ? rc : errno;
    rc = rc ? rc : run(w, in, out, &pid);
    close(in);
    close(out);
    if (rc) {
        keel_buf_printf(&j->why, "%s cannot be started: %s", w->argv[0], strerror(rc));
        if (pair[0] >= 0) {
            close(pair[0]);
        }
        return -1;
    }
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    j->pid = pid;
    j->fd = pair[0];
    return 0;
}

static void watch(job *j) {
    uv_loop_t *loop = j->owner->loop;
    uv_signal_init(loop, &j->death);
    uv_timer_init(loop, &j->limit);
    j->death.data = j->limit.data = j->output.data = j;
    j->handles = 2;
    uv_signal_start(&j->death, on_death, SIGCHLD);
}

static int begin(job *j, const workspace_notifier *by, const char *notice, size_t len) {
    notifier_words w = {0};
    keel_json said = keel_json_view(notice, len);
    int rc = notifier_words_make(&w, by, said, (int64_t)time(NULL), &j->why);
    rc = rc ? rc : start(j, &w);
    notifier_words_free(&w);
    return rc;
}

void notifier_tell(notifier *n, uint64_t id, const workspace_notifier *by, const char *notice,
                   size_t len) {
    job *j = keel_alloc(sizeof *j);
    *j = (job){.owner = n, .next = n->jobs, .id = id, .fd = -1};
    n->jobs = j;
    watch(j); /* first: its death may come at once */
    if (!by) {
        keel_buf_puts(&j->why, "keel.yaml does not name it any more");
    } else {
        snprintf(j->name, sizeof j->name, "%s", by->name);
        j->timeout_us = by->timeout_us;
    }
    if (!by || begin(j, by, notice, len)) {
        uv_timer_start(&j->limit, on_refused, 0, 0);
        return;
    }
    uv_poll_init(n->loop, &j->output, j->fd);
    j->handles++;
    uv_poll_start(&j->output, UV_READABLE, on_output);
    uv_timer_start(&j->limit, on_late, (uint64_t)(j->timeout_us / US_PER_MS), 0);
}

void notifier_end(notifier *n) {
    n->ending = true;
    for (job *j = n->jobs; j; j = j->next) {
        if (j->pid) {
            kill(-j->pid, SIGKILL);
        }
    }
    while (n->jobs) {
        uv_run(n->loop, UV_RUN_ONCE);
    }
}

void notifier_destroy(notifier *n) {
    free(n);
}
