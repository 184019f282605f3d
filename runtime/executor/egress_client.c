#include "egress_client_int.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "status.h"
#include "text.h"

#define READ_SIZE (128u << 10)
#define ENDED     "egress has ended; it is started again"

/* ---- life ---- */

egress_client *egress_client_create(int fd, int kernel_fd) {
    uint32_t start = 0;
    egress_client *c = keel_alloc(sizeof *c);
    memset(c, 0, sizeof *c);
    c->fd = fd;
    c->kernel_fd = kernel_fd;
    c->channel = frame_channel_create();
    c->block = keel_alloc(READ_SIZE);
    /* A number of another executor is then none of ours, with near certainty. */
    if (getrandom(&start, sizeof start, GRND_NONBLOCK) != (ssize_t)sizeof start) {
        start = (uint32_t)clock_monotonic_ns();
    }
    c->last = (uint64_t)start << 16;
    return c;
}

void egress_client_destroy(egress_client *c) {
    if (!c) {
        return;
    }
    for (size_t i = 0; i < EGRESS_STREAMS; i++) {
        keel_buf_free(&c->streams[i].in);
        keel_buf_free(&c->streams[i].out);
    }
    egress_answer_free(&c->call.answer);
    frame_channel_destroy(c->channel);
    free(c->block);
    free(c);
}

void egress_client_verb(egress_client *c, uint64_t order, uint64_t deadline_ns) {
    c->order = order;
    c->deadline_ns = deadline_ns;
}

/* ---- words ---- */

const char *egress_client_error(const egress_client *c) {
    return c->error;
}

keel_status egress_fail(egress_client *c, keel_status status, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    vsnprintf(c->error, sizeof c->error, format, ap);
    va_end(ap);
    return status;
}

static void end(egress_client *c, const char *why) {
    if (!c->gone) {
        c->gone = c->deaf = true;
        snprintf(c->gone_why, sizeof c->gone_why, "%s", why);
    }
}

void egress_fault(egress_client *c, const char *what) {
    char why[sizeof c->gone_why];
    snprintf(why, sizeof why, "egress broke the protocol (%s); it is started again", what);
    end(c, why);
    if (c->fd >= 0) {
        close(c->fd); /* so that egress sees it, and what it still sends is not kept */
        c->fd = -1;
    }
}

bool egress_read_failure(const frame *f, keel_status *status, char *why, size_t size) {
    keel_json_error e;
    char code[24] = "";
    keel_json v = keel_json_view(f->body, f->len);
    if (keel_json_check(f->body, f->len, &e) < 0 ||
        keel_json_copy(keel_json_get(v, "code"), code, sizeof code) < 0 ||
        keel_json_copy(keel_json_get(v, "message"), why, size) < 0) {
        return false;
    }
    *status = status_code(code);
    text_clean(why);
    return true;
}

/* ---- frames ---- */

static void on_frame(void *ctx, const frame *f) {
    egress_client *c = ctx;
    if (c->gone) {
        return;
    }
    switch (f->type) {
    case E_DONE:
    case E_FAILED:
    case E_OPENED:
        egress_call_frame(c, f);
        break;
    case E_DATA:
    case E_CLOSED:
        egress_stream_frame(c, f);
        break;
    default:
        egress_fault(c, "a frame of a type that is not known");
    }
}

static void write_some(egress_client *c) {
    const char *data;
    size_t len;
    while (!c->deaf && (len = frame_channel_output(c->channel, &data)) > 0) {
        ssize_t n = send(c->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n >= 0) {
            c->written += (uint64_t)n;
            frame_channel_sent(c->channel, (size_t)n);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR) {
            c->deaf = true;
        }
    }
}

static void read_some(egress_client *c) {
    diag d = {0};
    ssize_t n = recv(c->fd, c->block, READ_SIZE, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        end(c, ENDED);
    } else if (n > 0 && frame_channel_feed(c->channel, c->block, (size_t)n, on_frame, c, &d) < 0) {
        egress_fault(c, d.what);
    }
}

void egress_look(egress_client *c) {
    if (!c->gone) {
        read_some(c);
    }
    write_some(c);
}

/* ---- waiting ---- */

static struct timespec *time_left(uint64_t until_ns, struct timespec *t) {
    if (until_ns == 0) {
        return NULL;
    }
    uint64_t now = clock_monotonic_ns(), left = until_ns > now ? until_ns - now : 0;
    *t = (struct timespec){(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
    return t;
}

egress_turn egress_wait(egress_client *c, uint64_t until_ns) {
    const char *data;
    struct timespec t;
    write_some(c);
    if (c->gone) {
        return TURN_GONE;
    }
    bool more = !c->deaf && frame_channel_output(c->channel, &data) > 0;
    struct pollfd p[] = {{.fd = c->fd, .events = (short)(POLLIN | (more ? POLLOUT : 0))},
                         {.fd = c->kernel_fd, .events = POLLRDHUP}};
    int n = ppoll(p, 2, time_left(until_ns, &t), NULL);
    if (n > 0 && p[1].revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) {
        return TURN_KERNEL;
    }
    if (n > 0 && p[0].revents & ~POLLOUT) {
        read_some(c);
    }
    if (n > 0) {
        write_some(c);
    }
    return c->gone                                                  ? TURN_GONE
           : until_ns && n <= 0 && clock_monotonic_ns() >= until_ns ? TURN_TIME
                                                                    : TURN_ON;
}

keel_status egress_begin(egress_client *c) {
    c->error[0] = '\0';
    if (c->order == 0) {
        return egress_fail(c, KEEL_E_INVALID, "this can only be called within a verb");
    }
    egress_look(c);
    return KEEL_OK;
}

keel_status egress_drain(egress_client *c, keel_status late, keel_status gone) {
    write_some(c);
    while (!c->gone && !c->deaf && frame_channel_queued(c->channel) > 0) {
        switch (egress_wait(c, c->deadline_ns)) {
        case TURN_TIME:
            return egress_fail(c, late, "the verb's deadline came before egress took it");
        case TURN_KERNEL:
            return egress_fail(c, KEEL_E_CANCELLED, "Keel has ended");
        case TURN_ON:
        case TURN_GONE:
            break;
        }
    }
    if (c->gone || c->deaf) {
        return egress_fail(c, gone, "%s", c->gone ? c->gone_why : ENDED);
    }
    return KEEL_OK;
}
