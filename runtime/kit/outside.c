#include "outside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keel/json.h"

#define START_MS  10000
#define ANSWER_MS 10000

struct outside {
    pid_t pid;
    uint16_t port;
    char base[64];
};

const char *outside_base(const outside *o) {
    return o ? o->base : "";
}

static int spawn_child(const char *program, const char *script, const char *log, int to,
                       pid_t *pid) {
    extern char **environ;
    const char *const argv[] = {"keel-fakeworld", script, "--log", log, "--end-with-parent", NULL};
    posix_spawn_file_actions_t fa;
    posix_spawn_file_actions_init(&fa);
    posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&fa, to, 1);
    int rc = posix_spawn(pid, program, &fa, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&fa);
    return rc;
}

/* The first line that it prints is its port. */
static long read_port(int fd) {
    char text[16] = "";
    size_t len = 0;
    while (len + 1 < sizeof text && !strchr(text, '\n')) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t n = poll(&p, 1, START_MS) > 0 ? read(fd, text + len, sizeof text - 1 - len) : -1;
        if (n <= 0) {
            return -1;
        }
        len += (size_t)n;
    }
    return strtol(text, NULL, 10);
}

int outside_start(outside **out, const char *program, const char *script, const char *log,
                  diag *d) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return diag_set(d, DIAG_FAILED, "no pipe can be made: %s", strerror(errno));
    }
    outside *o = keel_alloc(sizeof *o);
    *o = (outside){0};
    int rc = spawn_child(program, script, log, ends[1], &o->pid);
    close(ends[1]);
    long port = rc ? -1 : read_port(ends[0]);
    close(ends[0]);
    if (port <= 0) {
        outside_stop(o);
        diag_set(d, DIAG_USAGE, "the scripted outside %s did not start%s%s", script, rc ? ": " : "",
                 rc ? strerror(rc) : "");
        return diag_next(d, "What it says stands above; sdk/fakeworld.md describes the script.");
    }
    o->port = (uint16_t)port;
    snprintf(o->base, sizeof o->base, "http://127.0.0.1:%ld", port);
    *out = o;
    return 0;
}

void outside_stop(outside *o) {
    if (o && o->pid > 0) {
        kill(o->pid, SIGKILL);
        while (waitpid(o->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    free(o);
}

static int connect_to(const outside *o) {
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(o->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* One request to a control path; the body of a 200 is appended to out. */
static int ask(outside *o, const char *method, const char *what, const char *body, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    int fd = o ? connect_to(o) : -1;
    if (fd < 0) {
        return -1;
    }
    keel_buf_printf(&text,
                    "%s /_fakeworld/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                    "Content-Length: %zu\r\n\r\n%s",
                    method, what, strlen(body), body);
    ssize_t n = send(fd, text.data, text.len, MSG_NOSIGNAL);
    bool ok = n == (ssize_t)text.len;
    keel_buf_clear(&text);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (ok && n > 0 && poll(&p, 1, ANSWER_MS) > 0) {
        keel_buf_reserve(&text, 65536);
        n = read(fd, text.data + text.len, 65535);
        text.len += n > 0 ? (size_t)n : 0;
        text.data[text.len] = 0;
    }
    close(fd);
    const char *blank = text.len ? strstr(text.data, "\r\n\r\n") : NULL;
    ok = blank && !strncmp(text.data, "HTTP/1.1 200", 12);
    if (ok && out) {
        keel_buf_puts(out, blank + 4);
    }
    keel_buf_free(&text);
    return ok ? 0 : -1;
}

int outside_faults(outside *o, const char *json) {
    return ask(o, "POST", "faults", json, NULL);
}

int outside_clear(outside *o) {
    int rc = ask(o, "POST", "late", "", NULL);
    rc = rc ? rc : ask(o, "POST", "clear", "", NULL);
    return rc ? rc : outside_faults(o, "[]");
}

int outside_late(outside *o) {
    return ask(o, "POST", "late", "", NULL);
}

int outside_forget_keys(outside *o) {
    return ask(o, "POST", "forget_keys", "", NULL);
}

int outside_store(outside *o, keel_buf *out) {
    return ask(o, "GET", "store", "", out);
}

int outside_look(outside *o, outside_state *state) {
    keel_buf text = KEEL_BUF_INIT;
    int rc = ask(o, "GET", "state", "", &text);
    *state = (outside_state){0};
    if (rc == 0) {
        keel_json v = keel_json_view(text.data, text.len);
        keel_json_int(keel_json_get(v, "applied"), &state->applied);
        keel_json_int(keel_json_get(v, "late"), &state->late);
        keel_json_int(keel_json_get(v, "requests"), &state->requests);
        keel_json_copy(keel_json_get(v, "store"), state->store, sizeof state->store);
    }
    keel_buf_free(&text);
    return rc;
}
