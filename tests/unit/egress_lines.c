#include "egress_lines.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct visitor {
    lines *l;
    int fd;
} visitor;

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

static void says(int fd, const char *text) {
    say(fd, text, strlen(text));
}

static void flood(int fd, size_t n) {
    char *data = malloc(n + 1);
    memset(data, 'x', n);
    say(fd, data, n);
    free(data);
}

static void wait_for_end(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};
    poll(&p, 1, -1); /* lines_stop hangs up too */
}

/* The rest of an IMAP command, or NULL. */
static const char *command(const char *line, const char *name) {
    const char *space = strchr(line, ' ');
    return space && strncmp(space + 1, name, strlen(name)) == 0 ? space + 1 + strlen(name) : NULL;
}

static void tagged(int fd, const char *line, const char *text) {
    char answer[300];
    snprintf(answer, sizeof answer, "%.*s %s\r\n", (int)strcspn(line, " "), line, text);
    says(fd, answer);
}

/* false: it is to be closed. */
static bool serve(int fd, const char *line) {
    const char *login = command(line, "AUTHENTICATE PLAIN ");
    if (command(line, "CAPABILITY")) {
        says(fd, "* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\r\n");
        tagged(fd, line, "OK done");
    } else if (login) { /* NUL me NUL s3cret-Value_1 */
        tagged(fd, line, strcmp(login, "AG1lAHMzY3JldC1WYWx1ZV8x") == 0 ? "OK in" : "NO out");
    } else if (strncmp(line, "flood ", 6) == 0) {
        flood(fd, strtoul(line + 6, NULL, 10));
    } else if (strcmp(line, "deaf") == 0) {
        wait_for_end(fd);
        return false;
    } else if (strcmp(line, "bye") == 0) {
        says(fd, "bye\r\n");
        return false;
    } else if (strcmp(line, "mute") != 0) {
        says(fd, line);
        says(fd, "\r\n");
    }
    return true;
}

static void visit(void *ctx, int fd) {
    visitor v = {ctx, fd};
    char text[70000];
    size_t have = 0;
    bool go_on = true;
    atomic_fetch_add(&v.l->open, 1);
    says(v.fd, "* OK ready\r\n");
    while (go_on) {
        ssize_t n = recv(v.fd, text + have, sizeof text - have - 1, 0);
        struct pollfd p = {.fd = v.l->watch, .events = POLLIN};
        if (n <= 0) {
            break;
        }
        atomic_store(&v.l->watched, v.l->watch >= 0 && poll(&p, 1, 0) > 0);
        atomic_fetch_add(&v.l->heard, n);
        have += (size_t)n;
        text[have] = 0;
        char *end;
        while (go_on && (end = strstr(text, "\r\n"))) {
            *end = 0;
            go_on = serve(v.fd, text);
            have -= (size_t)(end + 2 - text);
            memmove(text, end + 2, have + 1);
        }
        have = have > 60000 ? 0 : have; /* a line without an end is only counted */
    }
    atomic_fetch_sub(&v.l->open, 1);
}

void lines_start(lines *l) {
    memset(l, 0, sizeof *l);
    l->watch = -1;
    visitors_start(&l->visitors, visit, l);
    l->port = l->visitors.port;
}

void lines_stop(lines *l) {
    visitors_stop(&l->visitors);
}
