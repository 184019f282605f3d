#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench.h"
#include "frame.h"
#include "keel/json.h"
#include "protocol.h"

struct client {
    int fd;
    frame_channel *channel;
    uint64_t ref;     /* of the last command */
    uint64_t awaited; /* client_call waits for its answer; 0: none */
    keel_buf *result;
    int64_t done;
};

client *client_connect(const char *socket_path) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (strlen(socket_path) >= sizeof at.sun_path) {
        bench_die("this path is too long for a socket: %s", socket_path);
    }
    strcpy(at.sun_path, socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) < 0) {
        close(fd);
        return NULL;
    }
    client *c = keel_alloc(sizeof *c);
    *c = (client){.fd = fd, .channel = frame_channel_create()};
    return c;
}

void client_close(client *c) {
    close(c->fd);
    frame_channel_destroy(c->channel);
    free(c);
}

static void flush(client *c) {
    const char *data;
    size_t len;
    while ((len = frame_channel_output(c->channel, &data)) > 0) {
        ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR) {
            bench_die("the kernel does not listen any more: %s", strerror(errno));
        }
        frame_channel_sent(c->channel, n > 0 ? (size_t)n : 0);
    }
}

void client_send(client *c, const char *name, const char *args, bool mutating) {
    static unsigned long long request;
    keel_buf body = KEEL_BUF_INIT;
    keel_buf_printf(&body, "{\"args\":%s,\"command\":\"%s\"", args, name);
    if (mutating) {
        keel_buf_printf(&body, ",\"request\":\"bench-%d-%llu\"", (int)getpid(), request++);
    }
    keel_buf_putc(&body, '}');
    frame_channel_send(c->channel, C_COMMAND, 0, 0, ++c->ref, body.data, body.len);
    keel_buf_free(&body);
}

static void answered(client *c, const frame *f) {
    keel_json body = keel_json_view(f->body, f->len);
    keel_json error = keel_json_get(body, "error");
    if (error.len) {
        bench_die("the kernel refused a command: %.*s", (int)error.len, error.data);
    }
    if (f->ref == c->awaited) {
        keel_json result = keel_json_get(body, "result");
        keel_buf_append(c->result, result.data, result.len);
        c->awaited = 0;
    }
}

static void receive(void *ctx, const frame *f) {
    client *c = ctx;
    if (f->type == C_ANSWER) {
        answered(c, f);
    } else if (f->type == C_DONE) {
        int64_t exit = -1;
        keel_json_int(keel_json_get(keel_json_view(f->body, f->len), "exit"), &exit);
        if (exit != 0) {
            bench_die("a run did not end well: %.*s", (int)f->len, f->body);
        }
        c->done++;
    }
}

static void pump(client *c) {
    char buffer[65536];
    diag d = {0};
    flush(c);
    ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
    if (n == 0 || (n < 0 && errno != EINTR)) {
        bench_die("the kernel closed the connection");
    }
    if (n > 0 && frame_channel_feed(c->channel, buffer, (size_t)n, receive, c, &d) < 0) {
        bench_die("%s", d.what);
    }
}

void client_call(client *c, const char *name, const char *args, keel_buf *result) {
    bool asks = strcmp(name, "status") == 0 || strcmp(name, "down") == 0;
    client_send(c, name, args, !asks);
    c->awaited = c->ref;
    c->result = result;
    while (c->awaited) {
        pump(c);
    }
}

int64_t client_done(client *c) {
    while (c->done == 0) {
        pump(c);
    }
    int64_t done = c->done;
    c->done = 0;
    return done;
}

int64_t client_number(const keel_buf *result, const char *key) {
    int64_t n = 0;
    keel_json_int(keel_json_get(keel_json_view(result->data, result->len), key), &n);
    return n;
}
