#include "egress_sim.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "egress_protocol.h"
#include "frame.h"
#include "keel/json.h"

#define STREAMS 8

typedef struct sim_stream {
    uint64_t run; /* 0: free */
    char kind[16];
    size_t left; /* of a flow */
    size_t at;
    size_t under_way;
    size_t got;
    uint32_t sum;
} sim_stream;

struct egress_sim {
    int fd;
    bool over; /* no byte is written any more */
    bool slowly;
    size_t cut; /* bytes left before the connection ends; 0: it goes on */
    pthread_t thread;
    pthread_mutex_t lock; /* of log */
    keel_buf log;
    frame_channel *channel;
    sim_stream streams[STREAMS];
    uint64_t waiting; /* a request or open that waits for E_CANCEL */
    char waiting_code[24];
    uint64_t older;
};

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

__attribute__((format(printf, 2, 3))) static void note(egress_sim *s, const char *format, ...) {
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
    for (int i = 0; i < 500; i++) {
        if (holds(s, line)) {
            return true;
        }
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    return false;
}

/* ---- frames out ---- */

static void send_text(egress_sim *s, uint16_t type, uint64_t run, const char *body) {
    frame_channel_send(s->channel, type, 0, run, 0, body, strlen(body));
}

static void send_failed(egress_sim *s, uint16_t type, uint64_t run, const char *code) {
    char body[200];
    snprintf(body, sizeof body, "{\"code\":\"%s\",\"message\":\"the simulator says %s\"}", code,
             code);
    send_text(s, type, run, body);
}

static void send_done(egress_sim *s, uint64_t run, int status, const char *url, const void *body,
                      size_t len) {
    char field[2000];
    keel_buf head = KEEL_BUF_INIT;
    int n = snprintf(field, sizeof field,
                     "{\"headers\":[[\"content-type\",\"text/plain\"],[\"set-cookie\",\"a=1, x\"],"
                     "[\"x-two\",\"1\"],[\"x-two\",\"2\"],[\"set-cookie\",\"b=2\"]],\"status\":%d,"
                     "\"url\":\"%.1500s\"}",
                     status, url);
    frame_put(&head, field, (size_t)n);
    frame_channel_send2(s->channel, E_DONE, 0, run, 0, head.data, head.len, body, len);
    keel_buf_free(&head);
}

static void send_pattern(egress_sim *s, uint64_t run, const char *url, size_t len) {
    char *body = malloc(len + 1);
    sim_pattern(body, 0, len);
    send_done(s, run, 200, url, body, len);
    free(body);
}

/* ---- what breaks the protocol ---- */

static void send_wrong(egress_sim *s, uint64_t run, const char *name) {
    static const struct {
        const char *name;
        uint16_t type;
        const char *body;
    } wrongs[] = {
        {"type", 99, ""},
        {"kind", E_OPENED, ""},
        {"empty", E_DONE, ""},
        {"no-json", E_DONE, "\x03\0{]}"},
        {"failed-empty", E_FAILED, "{}"},
        {"failed-ok", E_FAILED, "{\"code\":\"ok\",\"message\":\"\"}"},
        {"failed-json", E_FAILED, "{\"code\":"},
    };
    static const struct {
        const char *name, *field;
    } fields[] = {
        {"status", "{\"headers\":[],\"status\":7,\"url\":\"u\"}"},
        {"no-status", "{\"headers\":[],\"url\":\"u\"}"},
        {"no-url", "{\"headers\":[],\"status\":200}"},
        {"header", "{\"headers\":[[\"a\"]],\"status\":200,\"url\":\"u\"}"},
        {"header-type", "{\"headers\":[[\"a\",1]],\"status\":200,\"url\":\"u\"}"},
        {"headers", "{\"headers\":{},\"status\":200,\"url\":\"u\"}"},
    };
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        if (strcmp(name, wrongs[i].name) == 0) {
            send_text(s, wrongs[i].type, run, wrongs[i].body);
        }
    }
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (strcmp(name, fields[i].name) == 0) {
            keel_buf head = KEEL_BUF_INIT;
            frame_put(&head, fields[i].field, strlen(fields[i].field));
            frame_channel_send(s->channel, E_DONE, 0, run, 0, head.data, head.len);
            keel_buf_free(&head);
        }
    }
    if (strcmp(name, "future") == 0) {
        send_done(s, run + 100, 200, "u", "", 0);
    } else if (strcmp(name, "data") == 0) {
        send_text(s, E_DATA, run + 100, "x");
    } else if (strcmp(name, "junk") == 0) {
        (void)!send(s->fd,
                    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                    28, MSG_NOSIGNAL);
    }
}

/* ---- HTTP ---- */

static void echo_request(egress_sim *s, uint64_t run, keel_json v, const char *url,
                         const char *data, size_t len) {
    keel_buf b = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &b);
    keel_json_object(&w);
    keel_json_key(&w, "body");
    keel_json_textn(&w, data, len);
    static const char *const members[] = {"follow", "headers",    "limit",
                                          "method", "timeout_us", "url"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        keel_json_set_raw(&w, members[i], keel_json_get(v, members[i]));
    }
    keel_json_object_end(&w);
    send_done(s, run, 200, url, b.data, b.len);
    keel_buf_free(&b);
}

static size_t decode(char *to, const char *from) {
    size_t n = 0;
    for (; *from; from++) {
        unsigned byte = (unsigned char)*from;
        if (*from == '%' && sscanf(from + 1, "%2x", &byte) == 1) {
            from += 2;
        }
        to[n++] = (char)byte;
    }
    return n;
}

static void answer_plain(egress_sim *s, uint64_t run, const char *url, const char *path) {
    char text[600];
    int status;
    size_t n;
    if (sscanf(path, "/status/%d", &status) == 1) {
        snprintf(text, sizeof text, "{\"message\":\"said %d\"}", status);
        send_done(s, run, status, url, text, strlen(text));
    } else if (strncmp(path, "/body/", 6) == 0) {
        n = decode(text, path + 6);
        send_done(s, run, 200, url, text, n);
    } else if (strncmp(path, "/refused/", 9) == 0) {
        n = decode(text, path + 9);
        send_done(s, run, 422, url, text, n);
    } else if (sscanf(path, "/large/%zu", &n) == 1) {
        send_pattern(s, run, url, n);
    } else if (sscanf(path, "/slowly/%zu", &n) == 1) {
        s->slowly = true;
        send_pattern(s, run, url, n);
    }
}

static void answer_fault(egress_sim *s, uint64_t run, const char *url, const char *path) {
    if (strncmp(path, "/failed/", 8) == 0) {
        send_failed(s, E_FAILED, run, path + 8);
    } else if (strncmp(path, "/late/", 6) == 0) {
        s->waiting = run;
        snprintf(s->waiting_code, sizeof s->waiting_code, "%s", path + 6);
    } else if (strcmp(path, "/close") == 0) {
        s->over = true;
    } else if (strcmp(path, "/cut") == 0) {
        s->cut = 30000;
        send_pattern(s, run, url, 50000);
    } else if (strcmp(path, "/stale") == 0) {
        send_done(s, s->older, 200, url, "stale", 5);
        send_done(s, run, 200, url, "right", 5);
    } else if (strncmp(path, "/wrong/", 7) == 0) {
        send_wrong(s, run, path + 7);
    }
}

static void on_http(egress_sim *s, const frame *f) {
    frame_reader r = frame_read(f);
    const char *field;
    size_t len;
    char url[2000] = "", method[40] = "";
    if (frame_get(&r, &field, &len) < 0) {
        note(s, "http without a field");
        return;
    }
    keel_json v = keel_json_view(field, len);
    keel_json_error e;
    if (keel_json_check(field, len, &e) < 0) {
        note(s, "http with a field that is not canonical: %s", e.message);
        return;
    }
    keel_json_copy(keel_json_get(v, "url"), url, sizeof url);
    keel_json_copy(keel_json_get(v, "method"), method, sizeof method);
    note(s, "http %llu %s %s", (unsigned long long)f->ref, method, url);
    const char *path = strncmp(url, SIM, strlen(SIM)) == 0 ? url + strlen(SIM) : url;
    size_t body = (size_t)(r.end - r.p);
    if (strncmp(path, "/echo", 5) == 0 || strstr(path, "/notes")) {
        echo_request(s, f->run, v, url, r.p, body);
    } else if (strcmp(path, "/length") == 0) {
        char text[60];
        snprintf(text, sizeof text, "%zu %u", body, sim_sum(0, r.p, body));
        send_done(s, f->run, 200, url, text, strlen(text));
    } else {
        answer_plain(s, f->run, url, path);
        answer_fault(s, f->run, url, path);
    }
    s->older = f->run;
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
            send_failed(s, E_CLOSED, t->run, "ok");
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
    send_text(s, E_OPENED, run, "");
    if (strcmp(kind, "flow") == 0) {
        flow(s, t);
    } else if (strcmp(kind, "lines") == 0) {
        send_text(s, E_DATA, run, "one\r\ntwo\n\r\nthr");
        send_text(s, E_DATA, run, "ee\r");
        send_text(s, E_DATA, run, "\n{5}\r\na\r\nb");
        send_text(s, E_DATA, run, "c rest\r\ncut");
        send_failed(s, E_CLOSED, run, "ok");
    } else if (strcmp(kind, "over") == 0) {
        static char block[FRAME_INLINE];
        for (size_t i = 0; i < EGRESS_WINDOW / FRAME_INLINE + 1; i++) {
            send_data(s, run, block, sizeof block);
        }
    } else if (strcmp(kind, "after") == 0) {
        send_failed(s, E_CLOSED, run, "ok");
        send_text(s, E_DATA, run, "x");
    } else if (strcmp(kind, "close") == 0) {
        s->over = true;
    }
}

static void on_open(egress_sim *s, const frame *f) {
    char address[200] = "", kind[16] = "";
    size_t number = 0;
    keel_json_copy(keel_json_get(keel_json_view(f->body, f->len), "address"), address,
                   sizeof address);
    note(s, "open %llu %s", (unsigned long long)f->ref, address);
    sscanf(address, "tls://%15[a-z]:%zu", kind, &number);
    if (strcmp(kind, "denied") == 0) {
        send_failed(s, E_FAILED, f->run, "denied");
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
    note(s, "data %llu", (unsigned long long)f->ref);
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
        send_text(s, E_DATA, f->run, text);
    } else if (strcmp(t->kind, "ends") == 0) {
        send_failed(s, E_CLOSED, f->run, "ok");
    } else if (strcmp(t->kind, "breaks") == 0) {
        send_failed(s, E_CLOSED, f->run, "retry");
    } else if (strcmp(t->kind, "dies") == 0) {
        s->over = true;
    }
}

static void on_taken(egress_sim *s, const frame *f) {
    sim_stream *t = find(s, f->run);
    note(s, "taken %llu", (unsigned long long)f->ref);
    if (t && f->ref > t->under_way) {
        note(s, "taken more than was sent");
    } else if (t) {
        t->under_way -= f->ref;
        flow(s, t);
    }
}

static void on_cancel(egress_sim *s, const frame *f) {
    note(s, "cancel");
    if (f->run != s->waiting) {
        return;
    }
    if (strcmp(s->waiting_code, "done") == 0) {
        send_done(s, f->run, 201, SIM "/late/done", "late", 4);
    } else if (strcmp(s->waiting_code, "opened") == 0) {
        send_text(s, E_OPENED, f->run, "");
    } else {
        send_failed(s, E_FAILED, f->run, s->waiting_code);
    }
}

static void on_frame(void *ctx, const frame *f) {
    egress_sim *s = ctx;
    sim_stream *t;
    switch (f->type) {
    case E_HTTP:
        on_http(s, f);
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
        note(s, "close");
        if (t) {
            t->run = 0;
        }
        break;
    default:
        note(s, "a frame of type %d", f->type);
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
        struct pollfd p = {.fd = s->fd, .events = (short)(POLLIN | (more ? POLLOUT : 0))};
        if (s->over || poll(&p, 1, -1) < 0 || !(p.revents & ~POLLOUT)) {
            continue;
        }
        ssize_t n = recv(s->fd, block, sizeof block, 0);
        diag d = {0};
        if (n <= 0) {
            break;
        }
        if (frame_channel_feed(s->channel, block, (size_t)n, on_frame, s, &d) < 0) {
            note(s, "broken: %s", d.what);
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
