#include "egress_world.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- sides ---- */

static void write_out(egress_side *s) {
    const char *data;
    size_t len;
    while ((len = frame_channel_output(s->channel, &data)) > 0) {
        ssize_t n = send(s->fd, data, len, MSG_NOSIGNAL);
        if (n < 0) {
            s->closed = true;
        }
        frame_channel_sent(s->channel, n > 0 ? (size_t)n : len);
    }
}

void egress_say(egress_side *s, uint16_t type, uint64_t run, uint64_t ref, const void *body,
                size_t len) {
    frame_channel_send(s->channel, type, 0, run, ref, body, len);
    write_out(s);
}

static void keep(void *ctx, const frame *f) {
    egress_side *s = ctx;
    assert_true(s->count < sizeof s->heard / sizeof *s->heard);
    struct egress_heard *h = &s->heard[s->count++];
    *h = (struct egress_heard){f->type, f->run, f->ref, KEEL_BUF_INIT};
    keel_buf_append(&h->body, f->body ? f->body : "", f->len);
}

static bool hear(egress_side *s, int timeout_ms) {
    static char block[262144];
    struct pollfd p = {.fd = s->fd, .events = POLLIN};
    diag d = {0};
    if (s->closed || poll(&p, 1, timeout_ms) <= 0) {
        return false;
    }
    ssize_t n = recv(s->fd, block, sizeof block, 0);
    if (n <= 0) {
        s->closed = true;
        return false;
    }
    assert_int_equal(frame_channel_feed(s->channel, block, (size_t)n, keep, s, &d), 0);
    write_out(s);
    return true;
}

frame egress_next(egress_side *s, int timeout_ms) {
    static keel_buf last;
    while (s->count == 0) {
        if (!hear(s, timeout_ms)) {
            return (frame){0};
        }
    }
    struct egress_heard h = s->heard[0];
    s->count--;
    memmove(s->heard, s->heard + 1, s->count * sizeof *s->heard);
    keel_buf_free(&last);
    last = h.body;
    return (frame){h.type, 0, h.run, h.ref, last.data ? last.data : "", last.len};
}

frame egress_expect(egress_side *s, uint16_t type) {
    frame f = egress_next(s, 20000);
    if (f.type != type) {
        fail_msg("expected frame %u, got %u: %.*s", (unsigned)type, (unsigned)f.type, (int)f.len,
                 f.body ? f.body : "");
    }
    return f;
}

keel_json egress_answer(const frame *f, const char **body, size_t *len) {
    frame_reader r = frame_read(f);
    const char *text;
    size_t n;
    keel_json_error e;
    assert_int_equal(frame_get(&r, &text, &n), 0);
    assert_int_equal(keel_json_check(text, n, &e), 0);
    if (body) {
        *body = r.p;
        *len = (size_t)(r.end - r.p);
    }
    return keel_json_view(text, n);
}

void egress_expect_code(egress_side *s, uint16_t type, const char *code, const char *text) {
    frame f = egress_expect(s, type);
    keel_json_error e;
    assert_int_equal(keel_json_check(f.body, f.len, &e), 0);
    keel_json v = keel_json_view(f.body, f.len);
    if (!keel_json_is(keel_json_get(v, "code"), code) ||
        (text && !memmem(f.body, f.len, text, strlen(text)))) {
        fail_msg("expected %s, %s; got %.*s", code, text ? text : "", (int)f.len, f.body);
    }
}

static egress_side *side_open(egress_side *s, int fd) {
    memset(s, 0, sizeof *s);
    s->fd = fd;
    s->channel = frame_channel_create();
    return s;
}

static void side_close(egress_side *s) {
    for (size_t i = 0; i < s->count; i++) {
        keel_buf_free(&s->heard[i].body);
    }
    if (s->fd >= 0) {
        close(s->fd);
    }
    frame_channel_destroy(s->channel);
}

void egress_side_free(egress_side *s) {
    side_close(s);
    free(s);
}

/* ---- the process ---- */

static void become_egress(int frames, int doors) {
    int lock = open("/dev/null", O_RDONLY);
    if (dup2(frames, 100) < 0 || dup2(doors, 101) < 0 || dup2(lock, 102) < 0 ||
        dup2(100, EGRESS_FD_FRAMES) < 0 || dup2(101, EGRESS_FD_DOORS) < 0 ||
        dup2(102, EGRESS_FD_LOCK) < 0) {
        _exit(121);
    }
    for (int fd = 6; fd < 256; fd++) {
        close(fd);
    }
    execl(getenv("KEEL_EGRESS"), "keel-egress", (char *)NULL);
    _exit(122);
}

static char *new_folder(void) {
    const char *base = getenv("TMPDIR");
    keel_buf path = KEEL_BUF_INIT;
    keel_buf_printf(&path, "%s/keel-egress-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(path.data));
    return path.data;
}

static void send_json(egress_side *s, uint16_t type, uint64_t run, uint64_t ref, const char *json) {
    keel_buf body = KEEL_BUF_INIT;
    keel_json_error e;
    if (keel_json_canonical(&body, json, strlen(json), &e) < 0) {
        fail_msg("the test's JSON is none: %s: %s", e.message, json);
    }
    egress_say(s, type, run, ref, body.data, body.len);
    keel_buf_free(&body);
}

void egress_secrets(egress_world *w, const char *json) {
    char text[2048];
    snprintf(text, sizeof text, "{\"secrets\":%s,\"secrets_folder\":\"%s/secrets\"}", json,
             w->folder);
    send_json(&w->kernel, G_START, 0, 0, text);
}

egress_world *egress_start(void) {
    int frames[2];
    int doors[2];
    char text[512];
    egress_world *w = keel_alloc(sizeof *w);
    memset(w, 0, sizeof *w);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, frames), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, doors), 0);
    fflush(stdout);
    w->pid = fork();
    if (w->pid == 0) {
        become_egress(frames[1], doors[1]);
    }
    close(frames[1]);
    close(doors[1]);
    side_open(&w->kernel, frames[0]);
    w->doors = doors[0];
    w->folder = new_folder();
    snprintf(text, sizeof text, "%s/secrets", w->folder);
    assert_int_equal(mkdir(text, 0700), 0);
    egress_secrets(w, "{}");
    egress_expect(&w->kernel, G_READY);
    return w;
}

int egress_wait(egress_world *w) {
    if (w->pid > 0) {
        assert_int_equal(waitpid(w->pid, &w->status, 0), w->pid);
        w->pid = 0;
    }
    return w->status;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void egress_end(egress_world *w) {
    bool lives = w->pid > 0;
    side_close(&w->kernel);
    close(w->doors);
    int status = egress_wait(w);
    nftw(w->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(w->folder);
    free(w);
    if (lives && status != 0) {
        fail_msg("keel-egress ended with status 0x%x", (unsigned)status);
    }
}

void egress_secret(egress_world *w, const char *name, const char *value) {
    char path[512];
    snprintf(path, sizeof path, "%s/secrets/%s", w->folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, value, strlen(value)), (ssize_t)strlen(value));
    close(fd);
}

/* ---- the kernel's words ---- */

void egress_connection(egress_world *w, uint64_t number, const char *json) {
    if (!json) {
        egress_say(&w->kernel, G_CONNECTION, number, 0, NULL, 0);
    } else {
        send_json(&w->kernel, G_CONNECTION, number, 0, json);
    }
}

void egress_order_within(egress_world *w, uint64_t ref, uint64_t executor, uint64_t connection,
                         bool unsafe, uint64_t bytes, int64_t us) {
    char text[200];
    snprintf(text, sizeof text, "{\"bytes\":%llu,\"connection\":%llu,\"unsafe\":%s,\"us\":%lld}",
             (unsigned long long)bytes, (unsigned long long)connection, unsafe ? "true" : "false",
             (long long)us);
    send_json(&w->kernel, G_ORDER, executor, ref, text);
}

void egress_order(egress_world *w, uint64_t ref, uint64_t executor, uint64_t connection,
                  bool unsafe) {
    egress_order_within(w, ref, executor, connection, unsafe, 64u << 20, 30000000);
}

keel_json egress_over(egress_world *w, uint64_t ref) {
    egress_say(&w->kernel, G_END, 0, ref, NULL, 0);
    frame f = egress_next(&w->kernel, 20000);
    while (f.type == G_SENDING || f.type == G_NOTE || f.type == G_ANSWERED) {
        f = egress_next(&w->kernel, 20000);
    }
    assert_int_equal(f.type, G_ENDED);
    assert_int_equal(f.ref, ref);
    return keel_json_view(f.body, f.len);
}

/* ---- executors ---- */

int egress_door_fd(egress_world *w, uint64_t executor, uint64_t connection) {
    int pair[2];
    egress_door words = {executor, connection};
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec v = {&words, sizeof words};
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control.space,
                       .msg_controllen = sizeof control.space};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &pair[1], sizeof(int));
    assert_int_equal(sendmsg(w->doors, &m, MSG_NOSIGNAL), (ssize_t)sizeof words);
    close(pair[1]);
    return pair[0];
}

egress_side *egress_executor(egress_world *w, uint64_t executor, uint64_t connection) {
    return side_open(keel_alloc(sizeof(egress_side)), egress_door_fd(w, executor, connection));
}

void egress_http(egress_side *s, uint64_t order, uint64_t run, const char *method, const char *url,
                 const char *more, const char *body) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf field = KEEL_BUF_INIT;
    keel_buf all = KEEL_BUF_INIT;
    keel_json_error e;
    keel_buf_printf(&text, "{\"method\":\"%s\",\"url\":\"%s\"%s%s}", method, url, more ? "," : "",
                    more ? more : "");
    if (keel_json_canonical(&field, text.data, text.len, &e) < 0) {
        fail_msg("the test's JSON is none: %s: %s", e.message, text.data);
    }
    frame_put(&all, field.data, field.len);
    keel_buf_append(&all, body ? body : "", body ? strlen(body) : 0);
    egress_say(s, E_HTTP, run, order, all.data, all.len);
    keel_buf_free(&text);
    keel_buf_free(&field);
    keel_buf_free(&all);
}

void egress_stream(egress_side *s, uint64_t order, uint64_t run, const char *address) {
    char text[500];
    snprintf(text, sizeof text, "{\"address\":\"%s\"}", address);
    send_json(s, E_OPEN, run, order, text);
}
