#include "executor_world.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sandbox.h"

bool child_sanitized(void) {
    return SANDBOX_SANITIZED;
}

/* ---- the process ---- */

static int sealed_copy(const child_spec *spec) {
    if (!spec->plugin) {
        return open("/dev/null", O_RDONLY);
    }
    char path[512];
    snprintf(path, sizeof path, "%s/abi_%s.so", getenv("KEEL_ABI"), spec->plugin);
    int from = open(path, O_RDONLY);
    struct stat st;
    assert_true(from >= 0 && fstat(from, &st) == 0);
    int fd = memfd_create("plugin", MFD_ALLOW_SEALING);
    for (off_t at = 0; at < st.st_size;) {
        assert_true(sendfile(fd, from, &at, (size_t)(st.st_size - at)) > 0);
    }
    close(from);
    if (!spec->unsealed) {
        assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK), 0);
    }
    return fd;
}

/* A machine without Landlock or seccomp, by a filter that the executor inherits. */
static void take_away(const char *name) {
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    int r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), seccomp_syscall_resolve_name(name), 0);
    if (strcmp(name, "seccomp") == 0) {
        r |= seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1,
                              SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP, 0));
    }
    if (r != 0 || seccomp_load(ctx) != 0) {
        _exit(119);
    }
    seccomp_release(ctx);
}

/* In the new process: descriptors to their places, by way of numbers that are in nobody's way. */
static void become_executor(const child_spec *spec, const int *fds, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (dup2(fds[i], 100 + (int)i) < 0) {
            _exit(120);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (dup2(100 + (int)i, EXECUTOR_FD_FRAMES + (int)i) < 0) {
            _exit(121);
        }
    }
    if (spec->without) {
        take_away(spec->without);
    }
    const char *program = getenv("KEEL_EXECUTOR");
    execl(program, "keel-executor", spec->unsafe ? "--unsafe" : NULL, (char *)NULL);
    _exit(122);
}

child *child_start_silent(const child_spec *spec) {
    int pair[2];
    child *c = calloc(1, sizeof *c);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    c->page_fd = memfd_create("page", 0);
    assert_int_equal(ftruncate(c->page_fd, sizeof(executor_page)), 0);
    c->page = mmap(NULL, sizeof *c->page, PROT_READ | PROT_WRITE, MAP_SHARED, c->page_fd, 0);
    int folder = spec->folder ? open(spec->folder, O_PATH | O_DIRECTORY) : -1;
    int fds[] = {pair[1],
                 c->page_fd,
                 sealed_copy(spec),
                 open("/dev/null", O_RDONLY),
                 spec->egress ? spec->egress : open("/dev/null", O_RDONLY),
                 folder};
    fflush(stdout);
    c->pid = fork();
    if (c->pid == 0) {
        become_executor(spec, fds, folder < 0 ? 5 : 6);
    }
    close(fds[0]);
    close(fds[2]);
    close(fds[3]);
    close(fds[4]);
    if (folder >= 0) {
        close(folder);
    }
    c->socket = pair[0];
    c->channel = frame_channel_create();
    return c;
}

static const char usual[] = "\"abi\":[0,2]";
static const char usual_rest[] = "\"entry\":\"abi.so\"";

child *child_start(const child_spec *spec) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf body = KEEL_BUF_INIT;
    keel_json_error e;
    child *c = child_start_silent(spec);
    keel_buf_printf(&text,
                    "{%s,%s,\"config\":%s,\"memory\":67108864,\"libraries\":%s,\"name\":\"a\"",
                    spec->manifest ? spec->manifest : usual, usual_rest,
                    spec->config ? spec->config : "{}", spec->libraries ? spec->libraries : "[]");
    if (!spec->manifest || !strstr(spec->manifest, "\"id\"")) {
        keel_buf_puts(&text, ",\"id\":\"com.example.abi\"");
    }
    if (!spec->manifest || !strstr(spec->manifest, "\"version\"")) {
        keel_buf_puts(&text, ",\"version\":\"1.0.0\"");
    }
    if (!spec->manifest || !strstr(spec->manifest, "\"kind\"")) {
        keel_buf_puts(&text, ",\"kind\":\"connector\"");
    }
    if (spec->manifest && !strstr(spec->manifest, "\"abi\"")) {
        keel_buf_printf(&text, ",%s", usual);
    }
    keel_buf_puts(&text, ",\"native\":true,\"grants\":[");
    if (spec->folder) {
        keel_buf_printf(&text, "{\"fd\":%d,\"mode\":\"%s\",\"path\":\"data\"}", EXECUTOR_FD_GRANTS,
                        spec->read_only ? "ro" : "rw");
    }
    keel_buf_puts(&text, "]}");
    assert_int_equal(keel_json_canonical(&body, text.data, text.len, &e), 0);
    keel_buf_putc(&body, '\0');
    child_send(c, X_CONFIG, 0, body.data);
    child_send(c, X_LOAD, 0, "");
    keel_buf_free(&text);
    keel_buf_free(&body);
    return c;
}

static void write_out(child *c) {
    const char *data;
    size_t len;
    while ((len = frame_channel_output(c->channel, &data)) > 0) {
        ssize_t n = send(c->socket, data, len, MSG_NOSIGNAL);
        frame_channel_sent(c->channel, n > 0 ? (size_t)n : len);
    }
}

void child_send_bytes(child *c, uint16_t type, uint64_t ref, const char *body, size_t len) {
    frame_channel_send(c->channel, type, 0, 0, ref, body, len);
    write_out(c);
}

void child_send(child *c, uint16_t type, uint64_t ref, const char *body) {
    child_send_bytes(c, type, ref, body, strlen(body));
}

void child_send_run(child *c, uint16_t type, uint64_t run, uint64_t ref, const keel_buf *body) {
    frame_channel_send(c->channel, type, 0, run, ref, body->data, body->len);
    write_out(c);
}

void child_verb(child *c, const char *verb, const char *resource, uint64_t ref, const char *body) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf out = KEEL_BUF_INIT;
    keel_json_error e;
    keel_buf_printf(&text,
                    "{\"attempt\":2,\"body\":%s,\"deadline_us\":50000,\"flags\":[\"dry_run\"],"
                    "\"key\":\"k-1\",\"mode\":\"effect\",\"outcome\":{\"id\":7},"
                    "\"resource\":\"%s\",\"verb\":\"%s\"}",
                    body, resource, verb);
    assert_int_equal(keel_json_canonical(&out, text.data, text.len, &e), 0);
    keel_buf_putc(&out, '\0');
    child_send(c, X_VERB, ref, out.data);
    keel_buf_free(&text);
    keel_buf_free(&out);
}

/* ---- what it says ---- */

static void keep(void *ctx, const frame *f) {
    child *c = ctx;
    size_t i = c->inbox_first + c->inbox_count;
    assert_true(i < sizeof c->inbox / sizeof *c->inbox);
    c->inbox[i].type = f->type;
    c->inbox[i].run = f->run;
    c->inbox[i].ref = f->ref;
    keel_buf_clear(&c->inbox[i].body);
    keel_buf_append(&c->inbox[i].body, f->body, f->len);
    c->inbox_count++;
}

static void close_child(child *c) {
    if (!c->closed) {
        c->closed = true;
        assert_int_equal(waitpid(c->pid, &c->status, 0), c->pid);
    }
}

static int take(child *c, frame *f) {
    size_t i = c->inbox_first++;
    c->inbox_count--;
    *f = (frame){c->inbox[i].type,    0, c->inbox[i].run, c->inbox[i].ref, c->inbox[i].body.data,
                 c->inbox[i].body.len};
    return f->type;
}

int child_next(child *c, int timeout_ms, keel_json *body) {
    frame f = {0};
    int type = child_next_frame(c, timeout_ms, &f);
    if (type > 0) {
        *body = keel_json_view(f.body, f.len);
    }
    return type;
}

int child_next_frame(child *c, int timeout_ms, frame *f) {
    static char block[65536];
    if (c->inbox_count == 0) {
        c->inbox_first = 0;
    }
    while (c->inbox_count == 0) {
        struct pollfd p = {.fd = c->socket, .events = POLLIN};
        if (c->closed) {
            return 0;
        }
        if (poll(&p, 1, timeout_ms) == 0) {
            return -1;
        }
        ssize_t n = recv(c->socket, block, sizeof block, 0);
        if (n <= 0) {
            close_child(c);
            return 0;
        }
        diag d = {0};
        if (frame_channel_feed(c->channel, block, (size_t)n, keep, c, &d) < 0) {
            c->broken = true;
            kill(c->pid, SIGKILL);
            close_child(c);
            return 0;
        }
        write_out(c);
    }
    return take(c, f);
}

void child_end(child *c) {
    if (!c->closed) {
        kill(c->pid, SIGKILL);
        close_child(c);
    }
    for (size_t i = 0; i < sizeof c->inbox / sizeof *c->inbox; i++) {
        keel_buf_free(&c->inbox[i].body);
    }
    munmap(c->page, sizeof *c->page);
    close(c->page_fd);
    close(c->socket);
    frame_channel_destroy(c->channel);
    free(c);
}

keel_json child_expect(child *c, int type) {
    keel_json body = {NULL, 0};
    int got = child_next(c, 20000, &body);
    if (got != type) {
        fail_msg("expected frame %d, got %d: %.*s (status 0x%x)", type, got, (int)body.len,
                 body.data ? body.data : "", c->status);
    }
    return body;
}

child *child_ready(const child_spec *spec) {
    child *c = child_start(spec);
    child_expect(c, X_READY);
    return c;
}

void child_expect_end(child *c, int signal, int status) {
    child_expect(c, 0);
    if (signal && SANDBOX_SANITIZED) {
        assert_true(WIFSIGNALED(c->status) || WEXITSTATUS(c->status) != 0);
    } else if (signal) {
        assert_true(WIFSIGNALED(c->status));
        assert_int_equal(WTERMSIG(c->status), signal);
    } else {
        assert_true(WIFEXITED(c->status));
        assert_int_equal(WEXITSTATUS(c->status), status);
    }
}

void child_await_run(child *c, uint64_t run) {
    for (int i = 0; i < 20000 && atomic_load(&c->page->run) != run; i++) {
        usleep(1000);
    }
    assert_int_equal(atomic_load(&c->page->run), run);
}

/* ---- folders ---- */

char *world_folder(void) {
    const char *base = getenv("TMPDIR");
    keel_buf path = KEEL_BUF_INIT;
    keel_buf_printf(&path, "%s/keel-test-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(path.data));
    return path.data;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void world_remove(char *folder) {
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(folder);
}
