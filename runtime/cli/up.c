/* keel up and down. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "host_generation.h"
#include "logins.h"
#include "main.h"
#include "paths.h"
#include "survey.h"
#include "text.h"
#include "up.h"

#define POLL_MS 5
#define WAIT_MS 120000 /* a large journal is proved and replayed before the first answer */
#define DOWN_MS 60000

typedef struct start {
    char *root, *executor, *egress, *shipped, *sdk_lua, *log;
    kernel_settings settings;
} start;

static void prepare(cli *c, const options *o, start *s) {
    keel_buf log = KEEL_BUF_INIT;
    keel_buf_printf(&log, "%s/keel.log", c->ws->keel);
    *s = (start){keel_strdup(c->ws->root),
                 path_program("keel-executor"),
                 path_program("keel-egress"),
                 path_share("plugins"),
                 path_share("lua/keel.lua"),
                 log.data,
                 {.root = NULL}};
    s->settings = (kernel_settings){.root = s->root,
                                    .executor = s->executor,
                                    .egress = s->egress,
                                    .shipped = s->shipped,
                                    .sdk_lua = s->sdk_lua,
                                    .unsafe = options_has(o, "unsafe"),
                                    .accept_rollback = options_has(o, "accept-rollback"),
                                    .colour = c->err.colour,
                                    .quiet = c->quiet};
}

static void finish(start *s) {
    char *const texts[] = {s->root, s->executor, s->egress, s->shipped, s->sdk_lua, s->log};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        free(texts[i]);
    }
}

/* ---- in the background ---- */

static int redirect(const start *s, diag *d) {
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int log = open(s->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (null < 0 || log < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0) {
        diag_set(d, DIAG_STORAGE, "%s cannot be written: %s.", s->log, strerror(errno));
        return diag_next(d, "A workspace needs a folder in which you may write, on a disk with "
                            "room: see `keel doctor`.");
    }
    close(null);
    close(log);
    return 0;
}

/* The kernel's own process. What goes wrong is written to the log and, while somebody still
 * listens, to the pipe. */
static _Noreturn void background(start *s, int pipe_fd) {
    diag d = {0};
    s->settings.colour = false;
    bool logged = redirect(s, &d) == 0;
    int rc = logged ? kernel_main(&s->settings, &d) : d.code;
    if (rc) {
        d.code = rc;
        if (logged) {
            cli_fault(&d);
        }
        ssize_t ignored = write(pipe_fd, &d, sizeof d);
        (void)ignored;
    }
    _exit(diag_exit_code(rc));
}

/* Forks twice: the kernel belongs to no terminal and to nobody who would have to wait for it. */
static int launch(start *s, int *from_child, diag *d) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return diag_set(d, DIAG_FAILED, "No pipe can be made: %s.", strerror(errno));
    }
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        if (fork() == 0) {
            close(ends[0]);
            background(s, ends[1]);
        }
        _exit(0);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return diag_set(d, DIAG_FAILED, "No process can be made: %s.", strerror(errno));
    }
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    *from_child = ends[0];
    return 0;
}

/* 1 when the kernel answers, 0 when it does not yet. */
static int answers(cli *c, keel_buf *status) {
    diag d;
    if (!cli_running(c)) {
        return 0;
    }
    keel_buf_clear(status);
    if (client_call(c->kernel, "status", NULL, NULL, status, &d) == 0) {
        return 1;
    }
    client_close(c->kernel);
    c->kernel = NULL;
    return 0;
}

static int read_failure(int fd, const start *s, diag *d) {
    diag said;
    if (read(fd, &said, sizeof said) == (ssize_t)sizeof said) {
        *d = said;
        return said.code;
    }
    diag_set(d, DIAG_FAILED, "Keel ended before it was ready.");
    return diag_next(d, "The reason stands at the end of %s.", s->log);
}

static int await(cli *c, const start *s, int from_child, keel_buf *status, diag *d) {
    for (int waited = 0; waited < WAIT_MS; waited += POLL_MS) {
        struct pollfd p = {.fd = from_child, .events = POLLIN};
        if (answers(c, status)) {
            return 0;
        }
        if (poll(&p, 1, POLL_MS) > 0) {
            return read_failure(from_child, s, d);
        }
    }
    diag_set(d, DIAG_FAILED, "Keel was started and does not answer yet.");
    return diag_next(d, "Look into %s; `keel` tells when it runs.", s->log);
}

static void tell_running(const cli *c, const keel_buf *status, const char *how) {
    keel_json v = keel_json_view(status->data, status->len);
    int64_t pid = 0, open = 0;
    keel_json_int(keel_json_get(v, "pid"), &pid);
    keel_json_int(keel_json_get(v, "open_runs"), &open);
    if (c->json) {
        cli_print("%s\n", status->data);
        return;
    }
    keel_buf runs = KEEL_BUF_INIT;
    text_plural(&runs, open, "open run", "open runs");
    cli_say(c, "Keel %s (process %" PRId64 ", %s), log in %s/keel.log. Stop it with `keel down`.",
            how, pid, runs.data, c->ws->keel);
    keel_buf_free(&runs);
}

static void tell_warning(void *ctx, const diag *d) {
    (void)ctx;
    (void)cli_fault(d);
}

/* What the kernel has written to its log, for the person who will not look there. */
static void tell_warnings(cli *c) {
    survey *w = NULL;
    diag d;
    if (c->quiet || survey_load(c, &w, tell_warning, NULL, &d) != 0) {
        return;
    }
    logins_missing(c->ws, tell_warning, NULL);
    if (survey_compile(c, w, tell_warning, NULL, &d) == 0 && w->file_count == 0) {
        cli_say(
            c, "There is no policy, so everything but reading is denied: see `keel policy check`.");
    }
    survey_free(w);
}

static int detach(cli *c, start *s, diag *d) {
    keel_buf status = KEEL_BUF_INIT;
    int from_child = -1, rc = 0;
    if (answers(c, &status)) {
        tell_running(c, &status, "is running already");
    } else {
        rc = launch(s, &from_child, d);
        rc = rc ? rc : await(c, s, from_child, &status, d);
        if (rc == 0) {
            tell_running(c, &status, "runs");
        }
        if (rc == 0 || rc == DIAG_USAGE) {
            tell_warnings(c);
        }
    }
    if (from_child >= 0) {
        close(from_child);
    }
    keel_buf_free(&status);
    return rc;
}

int up_start(cli *c, bool *started, diag *d) {
    static const options none = {.given_count = 0};
    keel_buf status = KEEL_BUF_INIT;
    start s;
    *started = !answers(c, &status);
    keel_buf_free(&status);
    int rc = workspace_prepare(c->ws, d);
    if (rc == 0) {
        prepare(c, &none, &s);
        rc = detach(c, &s, d);
        finish(&s);
    }
    return rc;
}

static int up_run(cli *c, const options *o, diag *d) {
    start s;
    int rc = cli_workspace(c, d);
    rc = rc ? rc : workspace_prepare(c->ws, d);
    if (rc) {
        return rc;
    }
    prepare(c, o, &s);
    if (c->dry_run) {
        cli_say(c, "Keel would start in %s with %s.", s.root, s.executor);
    } else if (options_has(o, "detach")) {
        rc = detach(c, &s, d);
    } else {
        if (c->err.terminal) {
            cli_say(c, "Keel runs in this terminal; Ctrl-C stops it in good order.");
        }
        cli_finish(c);
        rc = kernel_main(&s.settings, d);
    }
    finish(&s);
    return rc;
}

static const option up_options[] = {
    {"detach", 'd', NULL, "in the background; returns when it answers; log in .keel/keel.log"},
    {"accept-rollback", 0, NULL,
     "go on with a database that is older than its anchor (recorded; halted)"},
    {"unsafe", 0, NULL, "run plugins without a sandbox (recorded and shown)"},
    {NULL, 0, NULL, NULL},
};

const command up_command = {
    .name = "up",
    .words = "[--detach]",
    .summary = "start Keel in this workspace; all open work goes on where it stood",
    .examples = "keel up\nkeel up --detach",
    .options = up_options,
    .run = up_run,
};

/* ---- down ---- */

static int wait_end(cli *c, diag *d) {
    struct timespec pause = {0, POLL_MS * 1000000L};
    if (!client_wait_end(c->kernel, DOWN_MS)) {
        diag_set(d, DIAG_FAILED, "Keel drains and has not ended after %d seconds.", DOWN_MS / 1000);
        return diag_next(d, "It ends when what was sent is answered; see `keel logs -f`.");
    }
    for (int waited = 0; waited < DOWN_MS && host_generation_holder(c->ws->lock) != 0;
         waited += POLL_MS) {
        nanosleep(&pause, NULL);
    }
    return 0;
}

int down_stop(cli *c, diag *d) {
    int rc = cli_client(c, d);
    rc = rc ? rc : client_call(c->kernel, "down", NULL, c->request, NULL, d);
    return rc ? rc : wait_end(c, d);
}

static int down_run(cli *c, const options *o, diag *d) {
    (void)o;
    int rc = cli_client(c, d);
    if (rc) {
        return rc;
    }
    if (c->dry_run) {
        cli_say(c, "Keel would be stopped.");
        return 0;
    }
    rc = down_stop(c, d);
    if (rc == 0) {
        cli_say(c, "Keel has ended. Open work goes on with the next `keel up`.");
    }
    return rc;
}

const command down_command = {
    .name = "down",
    .words = "",
    .summary = "stop Keel in good order, and wait until it has ended",
    .examples = "keel down",
    .run = down_run,
};
