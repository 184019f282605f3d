#include "knock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "egress_protocol.h"
#include "frame.h"
#include "keel/json.h"

#define GRACE_US 2000000 /* egress itself ends what is late */

typedef struct knocking {
    frame_channel *channel;
    knock *out;
    int fd;
    bool over;
} knocking;

static void on_frame(void *ctx, const frame *f) {
    knocking *k = ctx;
    frame_reader r = frame_read(f);
    const char *head = f->body;
    size_t len = f->len;
    int64_t status = 0;
    if (f->type == E_OPENED) {
        k->out->answered = true;
    } else if (f->type == E_DONE && frame_get(&r, &head, &len) == 0 &&
               keel_json_check(head, len, NULL) == 0 &&
               keel_json_int(keel_json_get(keel_json_view(head, len), "status"), &status)) {
        k->out->answered = true;
        k->out->status = (int)status;
    } else if (f->type == E_FAILED && keel_json_check(f->body, f->len, NULL) == 0) {
        keel_json body = keel_json_view(f->body, f->len);
        keel_json_copy(keel_json_get(body, "code"), k->out->code, sizeof k->out->code);
        keel_json_copy(keel_json_get(body, "message"), k->out->message, sizeof k->out->message);
    } else {
        return;
    }
    k->over = true;
}

static void say(keel_buf *out, const char *url, bool http, int64_t timeout_us) {
    keel_buf body = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &body);
    keel_json_object(&w);
    if (http) {
        keel_json_set_bool(&w, "follow", false);
        keel_json_key(&w, "headers");
        keel_json_array(&w);
        keel_json_array_end(&w);
        keel_json_set_int(&w, "limit", 65536);
        keel_json_set_text(&w, "method", "HEAD");
    } else {
        keel_json_set_text(&w, "address", url);
    }
    keel_json_set_int(&w, "timeout_us", timeout_us);
    if (http) {
        keel_json_set_text(&w, "url", url);
    }
    keel_json_object_end(&w);
    if (http) {
        frame_put(out, body.data, body.len);
    } else {
        keel_buf_append(out, body.data, body.len);
    }
    keel_buf_free(&body);
}

static void ended(knocking *k, const char *code, const char *why) {
    snprintf(k->out->code, sizeof k->out->code, "%s", code);
    snprintf(k->out->message, sizeof k->out->message, "%s", why);
    k->over = true;
}

static void on_readable(uv_poll_t *p, int status, int events) {
    knocking *k = p->data;
    char block[65536];
    (void)events;
    ssize_t n = status < 0 ? 0 : recv(k->fd, block, sizeof block, MSG_DONTWAIT);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (n <= 0 || frame_channel_feed(k->channel, block, (size_t)n, on_frame, k, NULL) != 0) {
        ended(k, "retry", "the network process has ended");
    }
}

static void on_late(uv_timer_t *t) {
    ended(t->data, "deadline", "there was no answer in time");
}

static void on_closed(uv_handle_t *h) {
    (void)h;
}

static void await(knocking *k, uv_loop_t *loop, int64_t us) {
    uv_poll_t poll;
    uv_timer_t timer;
    uv_poll_init(loop, &poll, k->fd);
    uv_timer_init(loop, &timer);
    poll.data = timer.data = k;
    uv_poll_start(&poll, UV_READABLE, on_readable);
    uv_timer_start(&timer, on_late, (uint64_t)(us / 1000), 0);
    while (!k->over) {
        uv_run(loop, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&poll, on_closed);
    uv_close((uv_handle_t *)&timer, on_closed);
    uv_run(loop, UV_RUN_NOWAIT);
}

/* A request is far smaller than what the socket takes at once. */
static int hand_over(const knocking *k, const keel_buf *body, bool http, uint64_t order, diag *d) {
    const char *data;
    frame_channel_send(k->channel, http ? E_HTTP : E_OPEN, 0, 1, order, body->data, body->len);
    size_t len = frame_channel_output(k->channel, &data);
    if (send(k->fd, data, len, MSG_NOSIGNAL) != (ssize_t)len) {
        return diag_set(d, DIAG_FAILED, "The network process takes no words: %s.", strerror(errno));
    }
    return 0;
}

int knock_at(net *n, uv_loop_t *loop, uint64_t number, uint64_t connection, const char *url,
             int64_t timeout_us, knock *out, diag *d) {
    bool http = strncmp(url, "http", 4) == 0;
    keel_buf body = KEEL_BUF_INIT;
    *out = (knock){.answered = false};
    knocking k = {.out = out, .fd = net_door(n, number, connection, d)};
    if (k.fd < 0) {
        return DIAG_FAILED;
    }
    k.channel = frame_channel_create();
    net_order(n, number, number, connection, false, timeout_us);
    say(&body, url, http, timeout_us);
    int rc = hand_over(&k, &body, http, number, d);
    if (rc == 0) {
        await(&k, loop, timeout_us + GRACE_US);
    }
    net_end(n, number);
    close(k.fd);
    frame_channel_destroy(k.channel);
    keel_buf_free(&body);
    return rc;
}
