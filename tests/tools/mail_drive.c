/* mail_drive CONFIG VERB RESOURCE KEY BODY [OUTCOME]: one verb of the mail connector against a real
 * server, without Keel: a host made for tests, whose keel.stream/1 is a child `openssl s_client`.
 * $RIG_CA is the CA, $RIG_LOGIN "user:password". Prints the status and the reply. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "keel/buf.h"
#include "keel/clock.h"
#include "keel/json.h"
#include "keel/plugin.h"
#include "keel/stream.h"

static void *kept[4096];
static size_t kept_count;
static char failure[700];
static keel_buf answer;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void *keep(void *p) {
    if (kept_count == sizeof kept / sizeof *kept) {
        exit(1);
    }
    return kept[kept_count++] = p;
}

/* ---- keel.stream/1 ---- */

typedef struct child {
    int fd;
    pid_t pid;
} child;
static child children[16];

static void start(child *c, const char *host_port, const char *starttls) {
    int ends[2];
    const char *ca = getenv("RIG_CA");
    if (ca == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        die("socketpair");
    }
    c->pid = fork();
    if (c->pid == 0) {
        dup2(ends[1], 0);
        dup2(ends[1], 1);
        if (freopen("/dev/null", "w", stderr) == NULL) {
            _exit(1);
        }
        execlp("openssl", "openssl", "s_client", "-quiet", "-verify_return_error", "-CAfile", ca,
               "-connect", host_port, starttls != NULL ? "-starttls" : (char *)NULL, starttls,
               (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    c->fd = ends[0];
}

static bool put(const child *c, const char *text, size_t len) {
    return send(c->fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* Lines until one that begins with `last`; false when the stream ended or said otherwise. */
static bool lines_until(const child *c, const char *last) {
    char line[1000];
    for (;;) {
        size_t n = 0;
        do {
            if (n + 1 >= sizeof line || read(c->fd, line + n, 1) != 1) {
                return false;
            }
        } while (line[n++] != '\n');
        line[n] = 0;
        if (strncmp(line, last, strlen(last)) == 0) {
            return true;
        }
        if (line[0] == '5' || line[0] == '4' || strstr(line, " NO ") != NULL) {
            return false;
        }
    }
}

static void base64(keel_buf *out, const char *bytes, size_t len) {
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        unsigned v = 0;
        for (size_t k = 0; k < 3; k++) {
            v = v << 8 | (i + k < len ? (unsigned char)bytes[i + k] : 0u);
        }
        for (size_t k = 0; k < 4; k++) {
            keel_buf_putc(out, i + k > len ? '=' : alphabet[v >> (18 - 6 * k) & 63]);
        }
    }
}

static bool log_in(const child *c, bool imap, bool starttls) {
    keel_buf plain = KEEL_BUF_INIT;
    keel_buf line = KEEL_BUF_INIT;
    const char *login = getenv("RIG_LOGIN");
    keel_buf_putc(&plain, 0);
    keel_buf_puts(&plain, login != NULL ? login : "");
    char *colon = strchr(plain.data + 1, ':');
    bool good = colon != NULL;
    if (good) {
        *colon = 0;
    }
    if (good && imap) {
        keel_buf_puts(&line, "x AUTHENTICATE PLAIN\r\n");
        good = (starttls || lines_until(c, "* OK")) && put(c, line.data, line.len) &&
               lines_until(c, "+");
        keel_buf_clear(&line);
    } else if (good) {
        good = (starttls || lines_until(c, "220 ")) && put(c, "EHLO test\r\n", 11) &&
               lines_until(c, "250 ");
        keel_buf_puts(&line, "AUTH PLAIN ");
    }
    if (good) {
        base64(&line, plain.data, plain.len);
        keel_buf_puts(&line, "\r\n");
        good = put(c, line.data, line.len) && lines_until(c, imap ? "x OK" : "235");
    }
    keel_buf_free(&plain);
    keel_buf_free(&line);
    return good;
}

static void stream_close(void *ctx, uint64_t id) {
    (void)ctx;
    child *c = &children[id - 1];
    close(c->fd);
    kill(c->pid, SIGKILL); /* it does not end with its input */
    waitpid(c->pid, NULL, 0);
    *c = (child){0};
}

static keel_status stream_open(void *ctx, keel_call *call, const char *address, uint64_t *id) {
    (void)ctx;
    (void)call;
    const char *host = strstr(address, "://") + 3;
    bool imap = strncmp(address, "imap", 4) == 0;
    bool starttls = host[-4] != 's';
    size_t i = 0;
    while (children[i].pid != 0) {
        i++;
    }
    start(&children[i], host, !starttls ? NULL : imap ? "imap" : "smtp");
    if (!log_in(&children[i], imap, starttls)) {
        stream_close(NULL, i + 1);
        snprintf(failure, sizeof failure, "%s: no connection, or no login", address);
        return KEEL_E_RETRY;
    }
    *id = i + 1;
    return KEEL_OK;
}

static keel_status stream_send(void *ctx, keel_call *call, uint64_t id, keel_span bytes) {
    (void)ctx;
    (void)call;
    return put(&children[id - 1], bytes.data, bytes.len) ? KEEL_OK : KEEL_E_UNKNOWN;
}

static keel_status stream_receive(void *ctx, keel_call *call, uint64_t id, keel_span *out) {
    (void)ctx;
    (void)call;
    static char bytes[256 << 10];
    ssize_t n = read(children[id - 1].fd, bytes, sizeof bytes);
    *out = (keel_span){bytes, n > 0 ? (size_t)n : 0};
    return n >= 0 ? KEEL_OK : KEEL_E_UNKNOWN;
}

/* ---- keel.clock/1 ---- */

static uint64_t now_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int64_t wall_us(void *ctx) {
    (void)ctx;
    return (int64_t)(now_ns(CLOCK_REALTIME) / 1000);
}

static uint64_t monotonic_ns(void *ctx) {
    (void)ctx;
    return now_ns(CLOCK_MONOTONIC);
}

static keel_status clock_sleep(void *ctx, keel_call *call, uint64_t ns) {
    (void)ctx;
    (void)call;
    struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
    nanosleep(&t, NULL);
    return KEEL_OK;
}

/* ---- the host ---- */

static void host_log(void *ctx, int32_t level, const char *text) {
    (void)ctx;
    fprintf(stderr, "%d %s\n", level, text);
}

static void *host_alloc(void *ctx, size_t size) {
    (void)ctx;
    return keep(calloc(1, size));
}

static void *host_scratch(void *ctx, keel_call *call, size_t size) {
    (void)ctx;
    (void)call;
    return keep(calloc(1, size));
}

static keel_status host_reply(void *ctx, keel_call *call, keel_span body) {
    (void)ctx;
    (void)call;
    keel_buf_clear(&answer);
    return keel_json_canonical(&answer, body.data, body.len, NULL) == 0 ? KEEL_OK : KEEL_E_INVALID;
}

static keel_status host_cost(void *ctx, keel_call *call, int64_t micros, const char *currency) {
    (void)ctx;
    (void)call;
    (void)micros;
    (void)currency;
    return KEEL_OK;
}

static keel_status host_fail(void *ctx, keel_call *call, keel_status status, const char *text) {
    (void)ctx;
    (void)call;
    snprintf(failure, sizeof failure, "%s", text);
    return status;
}

static int32_t host_cancelled(void *ctx, const keel_call *call) {
    (void)ctx;
    (void)call;
    return 0;
}

static const keel_stream stream = {sizeof stream,  0,           NULL, stream_open, stream_send,
                                   stream_receive, stream_close};
static const keel_clock the_clock = {sizeof the_clock, 0, NULL, wall_us, monotonic_ns, clock_sleep};

static const void *host_service(void *ctx, const char *name) {
    (void)ctx;
    return strcmp(name, KEEL_STREAM_SERVICE) == 0  ? (const void *)&stream
           : strcmp(name, KEEL_CLOCK_SERVICE) == 0 ? (const void *)&the_clock
                                                   : NULL;
}

static keel_span canonical(const char *json) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_error err;
    if (keel_json_canonical(&out, json, strlen(json), &err) != 0) {
        fprintf(stderr, "%s: %s\n", json, err.message);
        exit(1);
    }
    keep(out.data);
    return (keel_span){out.data, out.len};
}

static keel_status run(const keel_connector *c, void *self, const char *verb,
                       const keel_request *r) {
    return strcmp(verb, "read") == 0        ? c->read(self, NULL, r)
           : strcmp(verb, "write") == 0     ? c->write(self, NULL, r)
           : strcmp(verb, "reconcile") == 0 ? c->reconcile(self, NULL, r)
                                            : c->compensate(self, NULL, r);
}

int main(int argc, char **argv) {
    const keel_host host = {sizeof host, KEEL_ABI_MAJOR, KEEL_ABI_MINOR, NULL,
                            host_log,    host_alloc,     host_scratch,   host_reply,
                            host_cost,   host_fail,      host_cancelled, host_service};
    if (argc < 6) {
        fprintf(stderr, "usage: mail_drive CONFIG VERB RESOURCE KEY BODY [OUTCOME]\n");
        return 2;
    }
    const keel_connector *c = keel_plugin_entry()->connector;
    void *self = NULL;
    c->prepare(&host);
    keel_status status = c->create(&host, canonical(argv[1]), &self);
    if (status == KEEL_OK) {
        const char *attempt = getenv("RIG_ATTEMPT");
        const keel_request r = {.size = sizeof r,
                                .resource = {argv[3], strlen(argv[3])},
                                .key = {argv[4], strlen(argv[4])},
                                .body = canonical(argv[5]),
                                .outcome = argc > 6 ? canonical(argv[6]) : (keel_span){NULL, 0},
                                .attempt = attempt != NULL ? (uint32_t)atoi(attempt) : 1,
                                .mode = strcmp(argv[2], "reconcile") == 0 ? KEEL_MODE_EFFECT
                                                                          : KEEL_MODE_NONE};
        status = run(c, self, argv[2], &r);
        c->destroy(self);
    }
    printf("%d %s\n", status, status == KEEL_OK && answer.len > 0 ? answer.data : failure);
    keel_buf_free(&answer);
    for (size_t i = 0; i < kept_count; i++) {
        free(kept[i]);
    }
    return status == KEEL_OK ? 0 : 3;
}
