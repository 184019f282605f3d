#include "egress_sim_int.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

void sim_pattern(char *to, size_t from, size_t len) {
    for (size_t i = 0; i < len; i++) {
        to[i] = (char)('a' + ((from + i) * 7 + (from + i) / 4096) % 26);
    }
}

uint32_t sim_sum(uint32_t sum, const char *data, size_t len) {
    for (size_t i = 0; i < len; i++) {
        sum = sum * 31 + (unsigned char)data[i];
    }
    return sum;
}

/* ---- the log ---- */

void sim_note(egress_sim *s, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    pthread_mutex_lock(&s->lock);
    keel_buf_vprintf(&s->log, format, ap);
    keel_buf_putc(&s->log, '\n');
    pthread_mutex_unlock(&s->lock);
    va_end(ap);
}

char *sim_log(egress_sim *s) {
    pthread_mutex_lock(&s->lock);
    char *text = keel_memdup(s->log.len ? s->log.data : "", s->log.len);
    keel_buf_clear(&s->log);
    pthread_mutex_unlock(&s->lock);
    return text;
}

static bool holds(egress_sim *s, const char *line) {
    bool found = false;
    pthread_mutex_lock(&s->lock);
    const char *p = s->log.len ? s->log.data : "";
    while (*p && !found) {
        found = strncmp(p, line, strlen(line)) == 0;
        p += strcspn(p, "\n");
        p += *p == '\n';
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

bool sim_saw(egress_sim *s, const char *line) {
    for (int i = 0; i < 2000; i++) {
        if (holds(s, line)) {
            return true;
        }
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    return false;
}

/* ---- frames out ---- */

void sim_send_text(egress_sim *s, uint16_t type, uint64_t run, const char *body) {
    frame_channel_send(s->channel, type, 0, run, 0, body, strlen(body));
}

void sim_send_failed(egress_sim *s, uint16_t type, uint64_t run, const char *code) {
    char body[200];
    snprintf(body, sizeof body, "{\"code\":\"%.20s\",\"message\":\"the simulator says %.20s\"}",
             code, code);
    sim_send_text(s, type, run, body);
}

/* ---- streams ---- */

static void send_data(egress_sim *s, uint64_t run, const char *data, size_t len) {
    frame_channel_send(s->channel, E_DATA, 0, run, 0, data, len);
}

static void flow(egress_sim *s, sim_stream *t) {
    static char block[FRAME_INLINE];
    while (t->left > 0 && t->under_way < EGRESS_WINDOW) {
        size_t n = 10007; /* no divisor of anything */
        n = n < t->left ? n : t->left;
        n = n < EGRESS_WINDOW - t->under_way ? n : EGRESS_WINDOW - t->under_way;
        sim_pattern(block, t->at, n);
        send_data(s, t->run, block, n);
        t->at += n;
        t->left -= n;
        t->under_way += n;
        if (t->left == 0) {
            sim_send_failed(s, E_CLOSED, t->run, "ok");
        }
    }
}

static void open_stream(egress_sim *s, uint64_t run, const char *kind, size_t number) {
    sim_stream *t = s->streams;
    while (t < s->streams + STREAMS - 1 && t->run) {
        t++;
    }
    *t = (sim_stream){.run = run, .left = number << 20};
    snprintf(t->kind, sizeof t->kind, "%s", kind);
    sim_send_text(s, E_OPENED, run, "");
    if (strcmp(kind, "flow") == 0) {
        flow(s, t);
    } else if (strcmp(kind, "lines") == 0) {
        sim_send_text(s, E_DATA, run, "one\r\ntwo\n\r\nthr");
        sim_send_text(s, E_DATA, run, "ee\r");
        sim_send_text(s, E_DATA, run, "\n{5}\r\na\r\nb");
        sim_send_text(s, E_DATA, run, "c rest\r\ncut");
        sim_send_failed(s, E_CLOSED, run, "ok");
    } else if (strcmp(kind, "over") == 0) {
        static char block[FRAME_INLINE];
        for (size_t i = 0; i < 2 * EGRESS_WINDOW / FRAME_INLINE; i++) {
            send_data(s, run, block, sizeof block);
        }
    } else if (strcmp(kind, "after") == 0) {
        sim_send_failed(s, E_CLOSED, run, "ok");
        sim_send_text(s, E_DATA, run, "x");
    } else if (strcmp(kind, "close") == 0) {
        s->over = true;
    }
}

static void on_open(egress_sim *s, const frame *f) {
    char address[200] = "", kind[16] = "";
    size_t number = 0;
    keel_json_copy(keel_json_get(keel_json_view(f->body, f->len), "address"), address,
                   sizeof address);
    sim_note(s, "open %llu %s", (unsigned long long)f->ref, address);
    sscanf(address, "tls://%15[a-z]:%zu", kind, &number);
    if (strcmp(kind, "denied") == 0) {
        sim_send_failed(s, E_FAILED, f->run, "denied");
    } else if (strcmp(kind, "late") == 0) {
        s->waiting = f->run;
        snprintf(s->waiting_code, sizeof s->waiting_code, "opened");
    } else if (strcmp(kind, "never") != 0) {
        open_stream(s, f->run, kind, number);
    }
}

static sim_stream *find(egress_sim *s, uint64_t run) {
    for (size_t i = 0; i < STREAMS; i++) {
        if (s->streams[i].run == run) {
            return &s->streams[i];
        }
    }
    return NULL;
}

static void on_data(egress_sim *s, const frame *f) {
    sim_stream *t = find(s, f->run);
    sim_note(s, "data %llu", (unsigned long long)f->ref);
    if (!t) {
        return;
    }
    t->got += f->len;
    t->sum = sim_sum(t->sum, f->body, f->len);
    if (strcmp(t->kind, "echo") == 0) {
        send_data(s, f->run, f->body, f->len);
    } else if (strcmp(t->kind, "sink") == 0 && f->body[f->len - 1] == '.') {
        char text[60];
        snprintf(text, sizeof text, "%zu %u", t->got, t->sum);
        sim_send_text(s, E_DATA, f->run, text);
    } else if (strcmp(t->kind, "ends") == 0) {
        sim_send_failed(s, E_CLOSED, f->run, "ok");
    } else if (strcmp(t->kind, "breaks") == 0) {
        sim_send_failed(s, E_CLOSED, f->run, "retry");
    } else if (strcmp(t->kind, "dies") == 0) {
        s->over = true;
    }
}

static void on_taken(egress_sim *s, const frame *f) {
    sim_stream *t = find(s, f->run);
    sim_note(s, "taken %llu", (unsigned long long)f->ref);
    if (t && f->ref > t->under_way) {
        sim_note(s, "taken more than was sent");
    } else if (t) {
        t->under_way -= f->ref;
        flow(s, t);
    }
}

static void on_cancel(egress_sim *s, const frame *f) {
    sim_note(s, "cancel");
    if (f->run != s->waiting) {
        return;
    }
    if (strcmp(s->waiting_code, "done") == 0) {
        sim_send_done(s, f->run, 201, SIM "/late/done", "late", 4);
    } else if (strcmp(s->waiting_code, "opened") == 0) {
        sim_send_text(s, E_OPENED, f->run, "");
    } else {
        sim_send_failed(s, E_FAILED, f->run, s->waiting_code);
    }
}

static void on_frame(void *ctx, const frame *f) {
    egress_sim *s = ctx;
    sim_stream *t;
    switch (f->type) {
    case E_HTTP:
        sim_on_http(s, f);
        break;
    case E_OPEN:
        on_open(s, f);
        break;
    case E_DATA:
        on_data(s, f);
        break;
    case E_TAKEN:
        on_taken(s, f);
        break;
    case E_CANCEL:
        on_cancel(s, f);
        break;
    case E_CLOSE:
        t = find(s, f->run);
        sim_note(s, "close");
        if (t) {
            t->run = 0;
        }
        break;
    default:
        sim_note(s, "a frame of type %d", f->type);
    }
}

/* ---- the thread ---- */

/* One write; false: nothing more can be written. */
static bool write_once(egress_sim *s) {
    const char *data;
    size_t len = frame_channel_output(s->channel, &data);
    len = s->slowly && len > 1 ? 1 : len;
    len = s->cut && len > s->cut ? s->cut : len;
    if (len == 0) {
        return false;
    }
    ssize_t n = send(s->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n <= 0) {
        return false;
    }
    frame_channel_sent(s->channel, (size_t)n);
    if (s->cut && (s->cut -= (size_t)n) == 0) {
        s->over = true;
    }
    return !s->over;
}

static void *run(void *arg) {
    egress_sim *s = arg;
    static char block[1 << 16];
    while (!s->over) {
        const char *data;
        while (write_once(s)) {
        }
        bool more = frame_channel_output(s->channel, &data) > 0;
        struct pollfd p = {.fd = s->fd,
                           .events = (short)((s->deaf ? 0 : POLLIN) | (more ? POLLOUT : 0))};
        if (s->over || poll(&p, 1, -1) < 0 || !(p.revents & ~POLLOUT)) {
            continue;
        }
        ssize_t n = recv(s->fd, block, sizeof block, 0);
        diag d = {0};
        if (n <= 0) {
            break;
        }
        if (frame_channel_feed(s->channel, block, (size_t)n, on_frame, s, &d) < 0) {
            sim_note(s, "broken: %s", d.what);
            break;
        }
    }
    shutdown(s->fd, SHUT_RDWR);
    return NULL;
}

egress_sim *sim_start(int *executor_fd) {
    int pair[2];
    egress_sim *s = calloc(1, sizeof *s);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        abort();
    }
    s->fd = pair[0];
    *executor_fd = pair[1];
    s->channel = frame_channel_create();
    pthread_mutex_init(&s->lock, NULL);
    pthread_create(&s->thread, NULL, run, s);
    return s;
}

void sim_end(egress_sim *s) {
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
    frame_channel_destroy(s->channel);
    keel_buf_free(&s->log);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
