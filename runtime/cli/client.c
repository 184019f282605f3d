#include "client.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "digest.h"
#include "frame.h"
#include "protocol.h"

struct client {
    int fd;
    frame_channel *channel;
    uint64_t ref;
    keel_buf queue; /* frames not yet looked at: u16 type, u64 length, body */
    char request[CONTROL_REQUEST_MAX + 1];
    client_idle *idle; /* or NULL */
    void *idle_ctx;
};

#define IDLE_MS 3000

/* ---- connecting ---- */

static int not_running(diag *d) {
    diag_set(d, DIAG_FAILED, "Keel is not running here.");
    return diag_next(d, "Start it with `keel up`, or in the background with `keel up --detach`.");
}

static int refused(const char *path, int error, diag *d) {
    if (error == ENOENT || error == ECONNREFUSED || error == ENOTDIR) {
        return not_running(d);
    }
    if (error == EACCES || error == EPERM) {
        diag_set(d, DIAG_AUTH, "%s belongs to another user.", path);
        return diag_next(d, "Run keel as the user who started it.");
    }
    return diag_set(d, DIAG_FAILED, "%s cannot be reached: %s.", path, strerror(error));
}

/* The workspace has seen to it that the path fits. */
static int dial(int fd, const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    return connect(fd, (struct sockaddr *)&address, sizeof address);
}

int client_open(client **out, const char *socket_path, diag *d) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return diag_set(d, DIAG_FAILED, "No socket can be made: %s.", strerror(errno));
    }
    if (dial(fd, socket_path) != 0) {
        int error = errno;
        close(fd);
        return refused(socket_path, error, d);
    }
    client *c = keel_alloc(sizeof *c);
    *c = (client){.fd = fd, .channel = frame_channel_create()};
    *out = c;
    return 0;
}

void client_close(client *c) {
    if (!c) {
        return;
    }
    close(c->fd);
    frame_channel_destroy(c->channel);
    keel_buf_free(&c->queue);
    free(c);
}

bool client_hung_up(const client *c) {
    char byte;
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    return poll(&p, 1, 0) > 0 && ((p.revents & (POLLHUP | POLLERR)) ||
                                  recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0);
}

void client_on_idle(client *c, client_idle *idle, void *ctx) {
    c->idle = idle;
    c->idle_ctx = ctx;
}

/* ---- frames ---- */

static void await(const client *c) {
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    for (int waited = IDLE_MS; poll(&p, 1, IDLE_MS) == 0; waited += IDLE_MS) {
        if (c->idle) {
            c->idle(c->idle_ctx, waited / 1000);
        }
    }
}

static int flush(client *c) {
    const char *data;
    size_t len;
    while ((len = frame_channel_output(c->channel, &data)) > 0) {
        ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        frame_channel_sent(c->channel, n > 0 ? (size_t)n : 0);
    }
    return 0;
}

static void enqueue(void *ctx, const frame *f) {
    client *c = ctx;
    uint64_t head[2] = {f->type, f->len};
    keel_buf_append(&c->queue, head, sizeof head);
    keel_buf_append(&c->queue, f->body, f->len);
}

/* Reads until a frame stands in the queue. 0, 1 when the kernel has gone, or a DIAG_ code. */
static int fill(client *c, diag *d) {
    char bytes[65536];
    while (c->queue.len == 0) {
        await(c);
        ssize_t n = read(c->fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return 1;
        }
        int rc = frame_channel_feed(c->channel, bytes, (size_t)n, enqueue, c, d);
        if (rc) {
            return rc;
        }
        if (flush(c) != 0) { /* acknowledgements of large bodies */
            return 1;
        }
    }
    return 0;
}

static int next_frame(client *c, int *type, keel_buf *body, diag *d) {
    int rc = fill(c, d);
    if (rc) {
        return rc;
    }
    uint64_t head[2];
    memcpy(head, c->queue.data, sizeof head);
    keel_buf_clear(body);
    keel_buf_append(body, c->queue.data + sizeof head, (size_t)head[1]);
    keel_buf_consume(&c->queue, sizeof head + (size_t)head[1]);
    *type = (int)head[0];
    keel_json_error e;
    if (keel_json_check(body->data, body->len, &e) != 0) {
        return diag_set(d, DIAG_FAILED, "The kernel's answer cannot be read: %s.", e.message);
    }
    return 0;
}

/* ---- a command ---- */

static int code_of_exit(int64_t exit_code) {
    static const int codes[] = {DIAG_FAILED, DIAG_FAILED, DIAG_USAGE,    DIAG_WAITING,
                                DIAG_AUTH,   DIAG_DENIED, DIAG_NOT_FOUND};
    return exit_code >= 0 && exit_code <= 6 ? codes[exit_code] : DIAG_FAILED;
}

static int error_of(keel_json e, diag *d) {
    int64_t exit_code = 1, line = 0, column = 0;
    keel_json_int(keel_json_get(e, "exit"), &exit_code);
    keel_json_int(keel_json_get(e, "line"), &line);
    keel_json_int(keel_json_get(e, "column"), &column);
    char what[sizeof d->what] = "The kernel refused without a reason.";
    keel_json_copy(keel_json_get(e, "what"), what, sizeof what);
    diag_set(d, code_of_exit(exit_code), "%s", what);
    keel_json_copy(keel_json_get(e, "file"), d->file, sizeof d->file);
    keel_json_copy(keel_json_get(e, "next"), d->next, sizeof d->next);
    d->line = (int)line;
    d->column = (int)column;
    return d->code;
}

static int gone(const client *c, const char *name, diag *d) {
    diag_set(d, DIAG_FAILED,
             "The kernel ended before it answered `%s`; whether it took force is not "
             "known.",
             name);
    return diag_next(d,
                     "Start it with `keel up` and repeat the command with --request %s: it is then "
                     "done once, whatever happened.",
                     c->request);
}

static void send_command(client *c, const char *name, const keel_buf *args) {
    keel_buf body = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &body);
    keel_json_object(&w);
    keel_json_key(&w, "args");
    keel_json_raw(&w, args ? keel_json_view(args->data, args->len) : keel_json_view("{}", 2));
    keel_json_set_text(&w, "command", name);
    keel_json_set_text(&w, "request", c->request);
    keel_json_object_end(&w);
    frame_channel_send(c->channel, C_COMMAND, 0, 0, ++c->ref, body.data, body.len);
    keel_buf_free(&body);
}

/* Time first, then 80 random bits: ids that come one after the other lie side by side in the table,
 * so a large one costs no more than a small one. */
static void new_request(char out[CONTROL_REQUEST_MAX + 1]) {
    struct timespec t;
    uint8_t bytes[10];
    char random[2 * sizeof bytes + 1];
    clock_gettime(CLOCK_REALTIME, &t);
    randombytes_buf(bytes, sizeof bytes);
    hex_encode(random, bytes, sizeof bytes);
    snprintf(out, CONTROL_REQUEST_MAX + 1, "%012llx%s",
             (unsigned long long)t.tv_sec * 1000 + (unsigned long long)t.tv_nsec / 1000000, random);
}

int client_call(client *c, const char *name, const keel_buf *args, const char *request,
                keel_buf *result, diag *d) {
    if (request) {
        snprintf(c->request, sizeof c->request, "%s", request);
    } else {
        new_request(c->request);
    }
    send_command(c, name, args);
    keel_buf body = KEEL_BUF_INIT;
    int type = 0;
    int rc = 0;
    (void)flush(c); /* who turned us away has closed, and said why before: that can still be read */
    while (rc == 0 && type != C_ANSWER) {
        rc = next_frame(c, &type, &body, d);
    }
    keel_json answer = rc ? keel_json_view(NULL, 0) : keel_json_view(body.data, body.len);
    if (rc > 0) {
        rc = gone(c, name, d);
    } else if (rc == 0 && keel_json_get(answer, "error").data) {
        rc = error_of(keel_json_get(answer, "error"), d);
    } else if (rc == 0 && result) {
        keel_json value = keel_json_get(answer, "result");
        keel_buf_append(result, value.data, value.len);
    }
    keel_buf_free(&body);
    return rc;
}

int client_follow(client *c, client_event *event, void *ctx, int *exit_code, keel_buf *waiting,
                  diag *d) {
    keel_buf body = KEEL_BUF_INIT;
    int rc = 0, type = 0;
    while ((rc = next_frame(c, &type, &body, d)) == 0 && type != C_DONE) {
        rc = type == C_EVENT ? event(ctx, keel_json_view(body.data, body.len)) : 0;
        if (rc) {
            break;
        }
    }
    if (rc == 0) {
        keel_json done = keel_json_view(body.data, body.len);
        int64_t code = 1;
        keel_json_int(keel_json_get(done, "exit"), &code);
        keel_json numbers = keel_json_get(done, "waiting");
        keel_buf_append(waiting, numbers.data, numbers.len);
        *exit_code = (int)code;
    } else if (rc == 1) {
        diag_set(d, DIAG_FAILED, "The kernel has gone while this was followed.");
        rc = diag_next(d, "What is recorded goes on after `keel up`; see `keel run list`.");
    }
    keel_buf_free(&body);
    return rc;
}

int client_wait_end(client *c, int timeout_ms) {
    char bytes[4096];
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    while (poll(&p, 1, timeout_ms) > 0) {
        if (read(c->fd, bytes, sizeof bytes) <= 0) {
            return 1;
        }
    }
    return 0;
}
