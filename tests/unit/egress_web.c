#include "egress_web.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct visitor {
    web *w;
    int fd;
    bool last; /* the next request is not answered */
} visitor;

static _Thread_local bool head_only; /* the request is a HEAD */

static void say(int fd, const char *data, size_t len) {
    while (len) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n <= 0) {
            return;
        }
        data += n;
        len -= (size_t)n;
    }
}

static void answer(int fd, int status, const char *headers, const char *body, size_t len) {
    char head[9000];
    int n = snprintf(head, sizeof head, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n", status,
                     len, headers);
    say(fd, head, (size_t)n);
    say(fd, body, head_only ? 0 : len);
}

static void many(int fd, const char *path) {
    size_t len = strtoul(path, NULL, 10);
    char *body = malloc(len + 1);
    memset(body, 'x', len);
    answer(fd, 200, "", body, len);
    free(body);
}

static void many_headers(int fd, size_t len) {
    char line[1024];
    say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", 36);
    memset(line, 'h', sizeof line);
    for (size_t sent = 0; sent < len; sent += sizeof line) {
        memcpy(line, "X-Pad: ", 7);
        memcpy(line + sizeof line - 2, "\r\n", 2);
        say(fd, line, sizeof line);
    }
    say(fd, "\r\n", 2);
}

static void redirect(int fd, const char *path) {
    char headers[2000];
    snprintf(headers, sizeof headers, "Location: %.*s\r\n", (int)strcspn(path, " "), path);
    answer(fd, 302, headers, "moved", 5);
}

static void token(web *w, int fd, bool rotate) {
    char body[200], more[80] = "";
    int number = atomic_fetch_add(&w->tokens, 1) + 1;
    if (rotate) {
        snprintf(more, sizeof more, ",\"refresh_token\":\"rotated-token-%d\"", number);
    }
    int n = snprintf(body, sizeof body, "{\"access_token\":\"token-%d\",\"expires_in\":3600%s}",
                     number, more);
    answer(fd, 200, "Content-Type: application/json\r\n", body, (size_t)n);
}

/* Until it is released, or the other side or web_stop hangs up. */
static void hold(web *w, int fd) {
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};
    while (!atomic_load(&w->released) && poll(&p, 1, 5) == 0) {
    }
}

static void guarded(web *w, int fd, const char *text) {
    char want[100];
    snprintf(want, sizeof want, "Authorization: Bearer token-%d\r\n", atomic_load(&w->tokens));
    answer(fd, strstr(text, want) ? 200 : 401, "", "", 0);
}

static void later(int fd, const char *path) {
    char headers[200];
    int n = snprintf(headers, sizeof headers, "Retry-After: %.*s\r\n", (int)strcspn(path + 4, " "),
                     path + 4);
    for (int i = 0; i < n; i++) {
        headers[i] = headers[i] == '_' ? ' ' : headers[i];
    }
    answer(fd, atoi(path), headers, "", 0);
}

/* false: the connection is to be closed. */
static bool serve(visitor *v, const char *text, size_t len) {
    const char *path = strchr(text, ' ');
    int fd = v->fd;
    if (!path || v->last) {
        return false;
    }
    path++;
    head_only = strncmp(text, "HEAD ", 5) == 0;
    if (strncmp(path, "/echo", 5) == 0) {
        answer(fd, 200, "X-Seen: yes\r\nContent-Type: text/plain\r\n", text, len);
    } else if (strncmp(path, "/status/", 8) == 0) {
        answer(fd, atoi(path + 8), "", "", 0);
    } else if (strncmp(path, "/later/", 7) == 0) {
        later(fd, path + 7);
    } else if (strncmp(path, "/to/", 4) == 0) {
        redirect(fd, path + 4);
    } else if (strncmp(path, "/loop", 5) == 0) {
        redirect(fd, "/loop ");
    } else if (strncmp(path, "/cut", 4) == 0) {
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789", 51);
        return false;
    } else if (strncmp(path, "/large/", 7) == 0) {
        many(fd, path + 7);
    } else if (strncmp(path, "/headers/", 9) == 0) {
        many_headers(fd, strtoul(path + 9, NULL, 10));
    } else if (strncmp(path, "/slow/", 6) == 0) {
        poll(&(struct pollfd){.fd = fd, .events = POLLRDHUP}, 1, atoi(path + 6));
        answer(fd, 200, "", "", 0);
    } else if (strncmp(path, "/held", 5) == 0) {
        hold(v->w, fd);
        answer(fd, 200, "", "", 0);
    } else if (strncmp(path, "/malformed", 10) == 0) {
        say(fd, "nonsense\r\n\r\n", 12);
        return false;
    } else if (strncmp(path, "/once", 5) == 0) {
        v->last = true;
        answer(fd, 200, "", "", 0);
    } else if (strncmp(path, "/token", 6) == 0) {
        token(v->w, fd, false);
    } else if (strncmp(path, "/rotate", 7) == 0) {
        hold(v->w, fd);
        token(v->w, fd, true);
    } else if (strncmp(path, "/guarded", 8) == 0) {
        guarded(v->w, fd, text);
    } else {
        return false; /* /close */
    }
    return true;
}

/* The length of the whole request at the beginning of text, or 0. */
static size_t whole(const char *text, size_t have) {
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strstr(text, "Content-Length: ");
    size_t need = end ? (size_t)(end - text) + 4 : 0;
    if (end && length && length < end) {
        need += strtoul(length + 16, NULL, 10);
    }
    return need && have >= need ? need : 0;
}

static void note(web *w, const char *text, size_t len) {
    struct pollfd p = {.fd = w->watch, .events = POLLIN};
    atomic_store(&w->watched, w->watch >= 0 && poll(&p, 1, 0) > 0);
    pthread_mutex_lock(&w->lock);
    len = len < sizeof w->last ? len : sizeof w->last - 1;
    memcpy(w->last, text, len);
    w->last[len] = 0;
    pthread_mutex_unlock(&w->lock);
    atomic_fetch_add(&w->requests, 1);
}

static void visit(void *ctx, int fd) {
    visitor v = {.w = ctx, .fd = fd};
    static const size_t size = 17u << 20;
    char *text = malloc(size);
    size_t have = 0;
    bool go_on = true;
    while (go_on) {
        ssize_t n = recv(v.fd, text + have, size - have - 1, 0);
        if (n <= 0) {
            break;
        }
        have += (size_t)n;
        text[have] = 0;
        size_t len;
        while (go_on && (len = whole(text, have)) > 0) {
            char after = text[len];
            text[len] = 0;
            note(v.w, text, len);
            go_on = serve(&v, text, len);
            text[len] = after;
            memmove(text, text + len, have - len + 1);
            have -= len;
        }
    }
    free(text);
}

static void receive(void *ctx, int fd) {
    web *w = ctx;
    atomic_fetch_add(&w->connections, 1);
    visit(w, fd);
}

void web_start(web *w) {
    memset(w, 0, sizeof *w);
    w->watch = -1;
    pthread_mutex_init(&w->lock, NULL);
    visitors_start(&w->visitors, receive, w);
    w->port = w->visitors.port;
}

void web_stop(web *w) {
    visitors_stop(&w->visitors);
}

void web_release(web *w) {
    atomic_store(&w->released, true);
}

void web_await(web *w, int requests) {
    for (int i = 0; i < 4000 && atomic_load(&w->requests) < requests; i++) {
        usleep(5000);
    }
    assert_int_equal(atomic_load(&w->requests), requests);
}
