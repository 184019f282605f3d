#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "egress_protocol.h"
#include "frame.h"
#include "fsio.h"
#include "keel/buf.h"

#define ORDER_BYTES (64 << 20) /* of all answers of one verb */
#define FIRST_FREE  16         /* above what the child inherits */

struct net {
    uv_poll_t poll;
    uv_loop_t *loop;
    frame_channel *channel;
    int frames, doors;
    pid_t pid;
    uint64_t connections;
    bool polling, closed;
};

static bool needs(const manifest *m, const char *service) {
    for (size_t i = 0; i < m->need_count; i++) {
        if (!strcmp(m->needs[i].service, service)) {
            return true;
        }
    }
    return false;
}

bool net_http(const manifest *m) {
    return needs(m, "http");
}

bool net_stream(const manifest *m) {
    return needs(m, "stream");
}

/* ---- frames ---- */

static void flush(net *n) {
    const char *data;
    size_t len;
    while (!n->closed && (len = frame_channel_output(n->channel, &data)) > 0) {
        ssize_t sent = send(n->frames, data, len, MSG_NOSIGNAL);
        if (sent >= 0) {
            frame_channel_sent(n->channel, (size_t)sent);
        } else if (errno != EINTR) {
            n->closed = true;
        }
    }
}

static void say(net *n, uint16_t type, uint64_t run, uint64_t ref, const keel_buf *body) {
    frame_channel_send(n->channel, type, 0, run, ref, body ? body->data : NULL,
                       body ? body->len : 0);
    flush(n);
}

static void on_frame(void *ctx, const frame *f) {
    (void)ctx;
    if (f->type == G_NOTE) {
        char text[512];
        keel_json note = keel_json_view(f->body, f->len);
        if (keel_json_is(keel_json_get(note, "level"), "error") &&
            keel_json_copy(keel_json_get(note, "text"), text, sizeof text) > 0) {
            fprintf(stderr, "keel-egress: %s\n", text);
        }
    }
}

static void on_readable(uv_poll_t *h, int status, int events) {
    net *n = h->data;
    char block[65536];
    (void)events;
    ssize_t got = status < 0 ? 0 : recv(n->frames, block, sizeof block, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0 || frame_channel_feed(n->channel, block, (size_t)got, on_frame, n, NULL) != 0) {
        n->closed = true;
        uv_poll_stop(h);
        return;
    }
    flush(n);
}

/* ---- the process ---- */

static int spawn_egress(const char *program, const int fds[3], pid_t *pid) {
    const char *const argv[] = {"keel-egress", NULL};
    const char *const env[] = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8", NULL};
    posix_spawn_file_actions_t fa;
    int high[3];
    posix_spawn_file_actions_init(&fa);
    posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&fa, 2, 1);
    for (int i = 0; i < 3; i++) {
        high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, FIRST_FREE);
        posix_spawn_file_actions_adddup2(&fa, high[i], EGRESS_FD_FRAMES + i);
    }
    int rc = posix_spawn(pid, program, &fa, NULL, (char *const *)(uintptr_t)argv,
                         (char *const *)(uintptr_t)env);
    posix_spawn_file_actions_destroy(&fa);
    for (int i = 0; i < 3; i++) {
        close(high[i]);
    }
    return rc;
}

static int write_secrets(const char *folder, keel_json secrets, diag *d) {
    int rc = fsio_mkdirs(folder, 0700, d);
    for (keel_json_iter it = keel_json_each(secrets); !rc && keel_json_next(&it);) {
        char name[128];
        keel_buf path = KEEL_BUF_INIT, value = KEEL_BUF_INIT;
        keel_json_copy(it.key, name, sizeof name);
        keel_buf_printf(&path, "%s/%s", folder, name);
        keel_json_string(it.value, &value);
        rc = fsio_write_atomic(path.data, value.data, value.len, 0600, d);
        keel_buf_free(&path);
        keel_buf_free(&value);
    }
    return rc;
}

static void say_start(net *n, const char *folder) {
    keel_buf body = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &body);
    keel_json_object(&w);
    keel_json_key(&w, "secrets");
    keel_json_object(&w);
    keel_json_object_end(&w);
    keel_json_set_text(&w, "secrets_folder", folder);
    keel_json_object_end(&w);
    say(n, G_START, 0, 0, &body);
    keel_buf_free(&body);
}

/* All descriptors of both sides; the child's three are closed by the caller. */
static int start_process(net *n, const char *program, diag *d) {
    int frames[2] = {-1, -1}, doors[2] = {-1, -1};
    int lock = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int rc = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, frames);
    rc = rc ? rc : socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, doors);
    const int fds[3] = {frames[1], doors[1], lock};
    rc = rc ? errno : spawn_egress(program, fds, &n->pid);
    for (int i = 0; i < 3; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    n->frames = frames[0];
    n->doors = doors[0];
    if (rc) {
        n->pid = 0;
        diag_set(d, DIAG_NOT_FOUND, "the program %s that has the sockets cannot be started: %s",
                 program, strerror(rc));
        return diag_next(d, "Install Keel whole, or build it with `./dev build`.");
    }
    return 0;
}

int net_start(net **out, uv_loop_t *loop, const char *program, const char *temp, keel_json secrets,
              diag *d) {
    net *n = keel_alloc(sizeof *n);
    keel_buf folder = KEEL_BUF_INIT;
    *n = (net){.loop = loop, .frames = -1, .doors = -1, .channel = frame_channel_create()};
    keel_buf_printf(&folder, "%s/secrets", temp);
    int rc = write_secrets(folder.data, secrets, d);
    rc = rc ? rc : start_process(n, program, d);
    if (rc) {
        net_stop(n);
    } else {
        uv_poll_init(loop, &n->poll, n->frames);
        n->poll.data = n;
        n->polling = true;
        uv_poll_start(&n->poll, UV_READABLE, on_readable);
        say_start(n, folder.data);
        *out = n;
    }
    keel_buf_free(&folder);
    return rc;
}

static void on_closed(uv_handle_t *h) {
    free(h->data);
}

void net_stop(net *n) {
    if (!n) {
        return;
    }
    if (n->pid > 0) {
        kill(n->pid, SIGKILL);
        while (waitpid(n->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    if (n->polling) {
        uv_poll_stop(&n->poll);
    }
    if (n->frames >= 0) {
        close(n->frames);
        close(n->doors);
    }
    frame_channel_destroy(n->channel);
    if (n->polling) {
        uv_close((uv_handle_t *)&n->poll, on_closed);
    } else {
        free(n);
    }
}

/* ---- orders ---- */

static void write_origins(keel_json_writer *w, const manifest *m, keel_json config) {
    keel_json_key(w, "origins");
    keel_json_array(w);
    for (size_t i = 0; i < m->need_count; i++) {
        const manifest_need *need = &m->needs[i];
        char url[1024];
        if (!strcmp(need->service, "file")) {
            continue;
        }
        if (need->literal) {
            keel_json_text(w, need->literal);
        } else if (need->config &&
                   keel_json_copy(keel_json_path(config, need->config), url, sizeof url) > 0) {
            keel_json_text(w, url);
        }
    }
    keel_json_array_end(w);
}

uint64_t net_connection(net *n, const manifest *m, keel_json config, keel_json auth) {
    keel_buf body = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &body);
    keel_json_object(&w);
    keel_json_set_bool(&w, "any", false);
    if (auth.len) {
        keel_json_set_raw(&w, "auth", auth);
    }
    keel_json_set_text(&w, "name", "check");
    write_origins(&w, m, config);
    keel_json_set_bool(&w, "plain", true);
    keel_json_set_bool(&w, "private", true);
    keel_json_object_end(&w);
    say(n, G_CONNECTION, ++n->connections, 0, &body);
    keel_buf_free(&body);
    return n->connections;
}

int net_door(net *n, uint64_t executor, uint64_t connection) {
    int ends[2];
    egress_door door = {executor, connection};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec iov = {&door, sizeof door};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof control.bytes};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return -1;
    }
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &ends[0], sizeof(int));
    ssize_t sent = sendmsg(n->doors, &msg, MSG_NOSIGNAL);
    close(ends[0]);
    if (sent < 0) {
        close(ends[1]);
        return -1;
    }
    return ends[1];
}

void net_order(net *n, uint64_t ref, uint64_t executor, uint64_t connection, bool unsafe,
               int64_t us) {
    keel_buf body = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &body);
    keel_json_object(&w);
    keel_json_set_int(&w, "bytes", ORDER_BYTES);
    keel_json_set_int(&w, "connection", (int64_t)connection);
    keel_json_set_bool(&w, "unsafe", unsafe);
    keel_json_set_int(&w, "us", us);
    keel_json_object_end(&w);
    say(n, G_ORDER, executor, ref, &body);
    keel_buf_free(&body);
}

void net_end(net *n, uint64_t ref) {
    say(n, G_END, 0, ref, NULL);
}
