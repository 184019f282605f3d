/* The loop: the kernel's frames, new doors, and the end of each turn. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "egress.h"

int64_t egress_now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void egress_stop(egress *e, int status) {
    if (!e->stopping) {
        e->stopping = true;
        e->status = status;
        uv_stop(&e->loop);
    }
}

/* ---- to the kernel ---- */

void egress_send(egress *e, uint16_t type, uint64_t ref, const char *body, size_t len) {
    frame_channel_send(e->kernel, type, 0, 0, ref, body, len);
}

void egress_note(egress *e, const char *level, const char *text) {
    keel_buf body = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &body);
    keel_json_object(&w);
    keel_json_set_text(&w, "level", level);
    keel_json_set_text(&w, "text", text);
    keel_json_object_end(&w);
    egress_send(e, G_NOTE, 0, body.data, body.len);
    keel_buf_free(&body);
}

/* 1: all is written, 0: the socket is full, -1: the kernel has gone. */
static int write_some(egress *e) {
    const char *data;
    size_t len;
    while ((len = frame_channel_output(e->kernel, &data)) > 0) {
        ssize_t n = send(EGRESS_FD_FRAMES, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n >= 0) {
            frame_channel_sent(e->kernel, (size_t)n);
        } else if (errno == EAGAIN) {
            return 0;
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return 1;
}

bool egress_write_through(egress *e) {
    int r;
    while ((r = write_some(e)) == 0) {
        struct pollfd p = {.fd = EGRESS_FD_FRAMES, .events = POLLOUT};
        poll(&p, 1, -1);
    }
    if (r < 0) {
        egress_stop(e, 0);
    }
    return r > 0;
}

/* ---- from the kernel ---- */

static char *member(keel_json v, const char *key) {
    keel_buf b = KEEL_BUF_INIT;
    if (!keel_json_string(keel_json_get(v, key), &b)) {
        return NULL;
    }
    keel_buf_putc(&b, '\0');
    return b.data;
}

/* The first, or other words about secrets later. */
static void take_start(egress *e, const frame *f) {
    keel_json_error err;
    bool first = e->start.len == 0;
    if (keel_json_check(f->body, f->len, &err) < 0) {
        egress_stop(e, 1);
        return;
    }
    keel_buf_clear(&e->start);
    keel_buf_append(&e->start, f->body, f->len);
    free(e->folder);
    free(e->credentials);
    keel_json v = keel_json_view(e->start.data, e->start.len);
    e->folder = member(v, "secrets_folder");
    e->credentials = member(v, "credentials");
    e->places = (secret_places){e->folder ? e->folder : "/nonexistent", e->credentials,
                                keel_json_get(v, "secrets")};
    connection_forget_logins(e);
    if (first) {
        egress_send(e, G_READY, 0, NULL, 0);
    }
}

static void on_frame(void *ctx, const frame *f) {
    egress *e = ctx;
    switch (f->type) {
    case G_START:
        take_start(e, f);
        break;
    case G_CONNECTION:
        connection_set(e, f->run, f->body, f->len);
        break;
    case G_ORDER:
        order_begin(e, f->ref, f->run, f->body, f->len);
        break;
    case G_END:
        order_end(e, f->ref);
        break;
    case G_STOP:
        egress_stop(e, 0);
        break;
    default:
        egress_note(e, "error", "The kernel sent a frame that this egress does not know.");
    }
}

static void on_kernel(uv_poll_t *p, int status, int events);

static void watch_kernel(egress *e) {
    int more = e->kernel_writing ? UV_WRITABLE : 0;
    uv_poll_start(&e->kernel_poll, UV_READABLE | more, on_kernel);
}

static void on_kernel(uv_poll_t *p, int status, int events) {
    egress *e = p->data;
    diag d = {0};
    (void)status;
    (void)events; /* what can be written is written at the end of the turn */
    ssize_t n = recv(EGRESS_FD_FRAMES, e->kernel_block, sizeof e->kernel_block, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        egress_stop(e, 0);
        return;
    }
    if (n > 0 && frame_channel_feed(e->kernel, e->kernel_block, (size_t)n, on_frame, e, &d) < 0) {
        diag_print(stderr, &d);
        egress_stop(e, 1);
    }
}

/* ---- doors ---- */

static void on_doors(uv_poll_t *p, int status, int events) {
    egress *e = p->data;
    egress_door words;
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec v = {&words, sizeof words};
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control.space,
                       .msg_controllen = sizeof control.space};
    (void)status;
    (void)events;
    ssize_t n = recvmsg(EGRESS_FD_DOORS, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n == 0) {
        uv_poll_stop(p); /* the kernel opens no more */
        return;
    }
    struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
    if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
        return;
    }
    int fd;
    memcpy(&fd, CMSG_DATA(c), sizeof fd);
    if (n != (ssize_t)sizeof words || words.executor == 0) {
        close(fd);
        return;
    }
    door_open(e, &words, fd);
}

static void on_held(uv_timer_t *timer) {
    egress *e = timer->data;
    bool some = false;
    uint64_t key;
    door *d;
    for (size_t i = 0; (d = map_next(&e->doors, &i, &key));) {
        door_retry(d);
        some = some || d->held;
    }
    if (!some) {
        uv_timer_stop(timer);
    }
}

void egress_held(egress *e) {
    if (!uv_is_active((uv_handle_t *)&e->held_timer)) {
        uv_timer_start(&e->held_timer, on_held, 100, 100);
    }
}

/* ---- turns ---- */

static void on_turn(uv_prepare_t *p) {
    egress *e = p->data;
    multi_run_due(e);
    while (e->dirty) {
        door *d = e->dirty;
        e->dirty = d->next_dirty;
        d->dirty = false;
        door_flush(d);
    }
    int r = write_some(e);
    if (r < 0) {
        egress_stop(e, 0);
    } else if (e->kernel_writing != (r == 0)) {
        e->kernel_writing = r == 0;
        watch_kernel(e);
    }
}

static int open_loop(egress *e) {
    if (uv_loop_init(&e->loop) < 0 ||
        uv_poll_init(&e->loop, &e->kernel_poll, EGRESS_FD_FRAMES) < 0 ||
        uv_poll_init(&e->loop, &e->doors_poll, EGRESS_FD_DOORS) < 0) {
        return -1;
    }
    uv_prepare_init(&e->loop, &e->turn);
    uv_timer_init(&e->loop, &e->held_timer);
    e->kernel_poll.data = e->doors_poll.data = e->turn.data = e->held_timer.data = e;
    watch_kernel(e);
    uv_poll_start(&e->doors_poll, UV_READABLE, on_doors);
    uv_prepare_start(&e->turn, on_turn);
    return 0;
}

/* All secrets are wiped on the way out; the sockets end with the process. */
static void finish(egress *e) {
    uint64_t key;
    void *v;
    for (size_t i = 0; (v = map_next(&e->doors, &i, &key)); i = 0) {
        door_close(v);
    }
    for (size_t i = 0; (v = map_next(&e->connections, &i, &key)); i = 0) {
        connection_set(e, key, NULL, 0);
    }
    for (size_t i = 0; (v = map_next(&e->orders, &i, &key));) {
        free(v);
    }
    uv_close((uv_handle_t *)&e->kernel_poll, NULL);
    uv_close((uv_handle_t *)&e->doors_poll, NULL);
    uv_close((uv_handle_t *)&e->turn, NULL);
    uv_close((uv_handle_t *)&e->held_timer, NULL);
    for (int i = 0; i < 4; i++) {
        uv_run(&e->loop, UV_RUN_NOWAIT); /* what was closed goes, then what it held */
    }
    uv_loop_close(&e->loop);
    map_free(&e->doors);
    map_free(&e->connections);
    map_free(&e->orders);
    frame_channel_destroy(e->kernel);
    keel_buf_free(&e->start);
    free(e->folder);
    free(e->credentials);
}

int egress_main(void) {
    egress *e = keel_alloc(sizeof *e);
    memset(e, 0, sizeof *e);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || open_loop(e) < 0) {
        fputs("keel-egress: descriptors 3 and 4 are no sockets; this program is started by keel\n",
              stderr);
        free(e);
        return 1;
    }
    e->kernel = frame_channel_create();
    while (!e->stopping) {
        uv_run(&e->loop, UV_RUN_DEFAULT);
    }
    write_some(e);
    int status = e->status;
    finish(e);
    free(e);
    return status;
}
