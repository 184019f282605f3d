/* An executor's channel: its bytes, in and out. Nothing that comes in is trusted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "egress.h"
#include "egress_stream.h"

#define DOOR_UNREAD (96u << 20) /* an executor that leaves more than this unread has gone astray */
#define DOOR_TURN   (1u << 20)  /* read in one turn, so that others have theirs */

static void on_closed(uv_handle_t *h) {
    door *d = h->data;
    frame_channel_destroy(d->channel);
    close(d->fd);
    free(d);
}

static void leave_dirty(door *d) {
    for (door **p = &d->e->dirty; *p; p = &(*p)->next_dirty) {
        if (*p == d) {
            *p = d->next_dirty;
            return;
        }
    }
}

void door_close(door *d) {
    if (d->gone) {
        return;
    }
    d->gone = true;
    map_take(&d->e->doors, d->executor);
    while (d->requests) {
        http_cancel(d->requests, NULL, NULL);
    }
    while (d->streams) {
        stream_close(d->streams, NULL, NULL);
    }
    door_forget_held(d);
    leave_dirty(d);
    d->dirty = true; /* not again */
    uv_poll_stop(&d->poll);
    uv_close((uv_handle_t *)&d->poll, on_closed);
}

void door_break(door *d, const char *why) {
    char text[200];
    if (!d->broken) {
        d->broken = true;
        snprintf(text, sizeof text, "Executor %llu was cut off from the network: %s.",
                 (unsigned long long)d->executor, why);
        egress_note(d->e, "warn", text);
    }
}

/* ---- in ---- */

void door_read(door *d) {
    diag problem = {0};
    for (size_t taken = 0; taken < DOOR_TURN && d->unwritten <= EGRESS_UNWRITTEN;) {
        ssize_t n = recv(d->fd, d->e->block, sizeof d->e->block, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            break;
        }
        if (n <= 0) {
            door_close(d);
            return;
        }
        taken += (size_t)n;
        if (frame_channel_feed(d->channel, d->e->block, (size_t)n, door_frame, d, &problem) < 0) {
            door_break(d, "what it sent is no frame");
        }
        if (d->broken) {
            door_close(d);
            return;
        }
        if ((size_t)n < sizeof d->e->block) {
            break;
        }
    }
    door_rest(d);
}

static void on_ready(uv_poll_t *p, int status, int events) {
    door *d = p->data;
    if (events & UV_WRITABLE) {
        door_flush(d);
    }
    if (!d->gone && (status < 0 || events & UV_READABLE)) {
        door_read(d);
    }
}

static void watch(door *d, int events) {
    if (d->events == events || d->gone) {
        return;
    }
    d->events = events;
    if (events) {
        uv_poll_start(&d->poll, events, on_ready);
    } else {
        uv_poll_stop(&d->poll);
    }
}

void door_rest(door *d) {
    const char *data;
    int out = frame_channel_output(d->channel, &data) > 0 ? UV_WRITABLE : 0;
    int in = d->unwritten <= EGRESS_UNWRITTEN ? UV_READABLE : 0;
    if (!d->dirty && out) {
        d->dirty = true;
        d->next_dirty = d->e->dirty;
        d->e->dirty = d;
    }
    watch(d, in | (d->events & UV_WRITABLE));
}

/* ---- out ---- */

void door_flush(door *d) {
    const char *data;
    size_t len;
    if (d->broken) {
        door_close(d);
    }
    while (!d->gone && (len = frame_channel_output(d->channel, &data)) > 0) {
        ssize_t n = send(d->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n >= 0) {
            frame_channel_sent(d->channel, (size_t)n);
        } else if (errno == EAGAIN) {
            watch(d, d->events | UV_WRITABLE);
            return;
        } else if (errno != EINTR) {
            door_close(d);
            return;
        }
    }
    watch(d, d->events & ~UV_WRITABLE);
}

void door_send(door *d, uint16_t type, uint64_t run, const char *head, size_t head_len,
               const void *rest, size_t len) {
    if (d->gone) {
        return;
    }
    frame_channel_send2(d->channel, type, 0, run, 0, head, head_len, rest, len);
    if (frame_channel_queued(d->channel) > DOOR_UNREAD) {
        door_break(d, "it does not read what it asked for");
    }
    door_rest(d);
}

void door_say(door *d, uint16_t type, uint64_t run, const char *code, const char *message) {
    keel_buf body = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &body);
    keel_json_object(&w);
    keel_json_set_text(&w, "code", code);
    keel_json_set_text(&w, "message", message);
    keel_json_object_end(&w);
    door_send(d, type, run, body.data, body.len, NULL, 0);
    keel_buf_free(&body);
}

/* ---- life ---- */

void door_open(egress *e, const egress_door *words, int fd) {
    door *old = map_get(&e->doors, words->executor);
    if (old) {
        door_close(old);
    }
    door *d = keel_alloc(sizeof *d);
    memset(d, 0, sizeof *d);
    d->e = e;
    d->executor = words->executor;
    d->connection = words->connection;
    d->fd = fd;
    d->held_tail = &d->held;
    if (uv_poll_init(&e->loop, &d->poll, fd) < 0) {
        close(fd);
        free(d);
        return;
    }
    d->poll.data = d;
    d->channel = frame_channel_create();
    map_put(&e->doors, d->executor, d);
    watch(d, UV_READABLE);
}
