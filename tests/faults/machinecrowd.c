/* A crowd at the control socket: thousands who say nothing, and some who say it a byte at a time. Those
 * who have something to say are served meanwhile. Row 30 of the faults. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "frame.h"
#include "machine.h"
#include "pool.h"
#include "protocol.h"
#include "siteint.h"
#include "stream.h"

enum { CROWD = 10000, HELD = 600, DRIPS = 8, ANSWER_MS = 4500, DROPPED_BY_MS = 20000 };

static long now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000L + t.tv_nsec / 1000000L;
}

static int join(const site *s) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%.80s/.keel/keel.sock", s->root);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* A whole command as it goes over the socket. */
static size_t command_bytes(char *to, size_t size) {
    static const char status[] = "{\"args\":{},\"command\":\"status\"}";
    frame_channel *ch = frame_channel_create();
    const char *data;
    frame_channel_send(ch, C_COMMAND, 0, 0, 1, status, strlen(status));
    size_t len = frame_channel_output(ch, &data);
    len = len < size ? len : size;
    memcpy(to, data, len);
    frame_channel_destroy(ch);
    return len;
}

/* One who has come asks, and goes. */
static bool is_answered(int fd) {
    char bytes[256], in[8192];
    size_t len = command_bytes(bytes, sizeof bytes), got = 0;
    bool sent = fd >= 0 && send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
    long until = now_ms() + ANSWER_MS;
    while (sent && got < sizeof in - 1 && now_ms() < until) {
        struct pollfd p = {fd, POLLIN, 0};
        ssize_t n = poll(&p, 1, 100) == 1 ? recv(fd, in + got, sizeof in - 1 - got, 0) : -1;
        if (n == 0) {
            break;
        }
        got += n > 0 ? (size_t)n : 0;
        in[got] = 0;
        if (got > FRAME_HEADER && strstr(in + FRAME_HEADER, "\"incarnation\"")) {
            break;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return got > FRAME_HEADER && strstr(in + FRAME_HEADER, "\"incarnation\"") != NULL;
}

static bool is_served(const site *s) {
    return is_answered(join(s));
}

/* Ten thousand come and say nothing; more than there are seats stay. */
static void silent_crowd(site *s) {
    static int held[HELD];
    memset(held, -1, sizeof held);
    for (int i = 0; i < CROWD && !s->problem[0]; i++) {
        int *place = &held[i % HELD];
        if (*place >= 0) {
            close(*place);
        }
        *place = join(s);
        if (*place < 0) {
            site_fault(s, "client %d cannot connect: %s", i, strerror(errno));
        } else if (i % 500 == 499 && !is_served(s)) {
            site_fault(s, "after %d silent clients nobody is served", i + 1);
        }
    }
    for (int i = 0; i < HELD; i++) {
        if (held[i] >= 0) {
            close(held[i]);
        }
    }
}

/* They have said something whole before: nobody may take their seats, but for the time that they take. */
static void dripping_crowd(site *s) {
    char bytes[256], drain[8192];
    int fds[DRIPS], left = DRIPS;
    size_t len = command_bytes(bytes, sizeof bytes);
    for (int i = 0; i < DRIPS; i++) {
        fds[i] = join(s);
        if (i % 2) { /* half of them begin with something whole */
            left -= send(fds[i], bytes, len, MSG_NOSIGNAL) != (ssize_t)len;
        }
    }
    long from = now_ms();
    for (size_t at = 0; left && at < len - 1 && now_ms() - from < DROPPED_BY_MS; at++) {
        for (int i = 0; i < DRIPS; i++) {
            while (fds[i] >= 0 && recv(fds[i], drain, sizeof drain, MSG_DONTWAIT) > 0) {
            }
            if (fds[i] >= 0 && send(fds[i], bytes + at, 1, MSG_NOSIGNAL) != 1) {
                close(fds[i]);
                fds[i] = -1;
                left--;
            }
        }
        if (at % 10 == 0 && !is_served(s)) {
            site_fault(s, "nobody is served while others drip");
        }
        site_sleep_us(400000);
    }
    if (left) {
        site_fault(s, "%d clients still owe the rest of a frame after %ld ms", left,
                   now_ms() - from);
    } else if (now_ms() - from < SERVER_PATIENCE_MS - 1500) {
        site_fault(s, "they were given only %ld ms", now_ms() - from);
    }
    for (int i = 0; i < DRIPS; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
}

/* Who has been answered, and says nothing more, may stay: that is how one follows. */
static void crowded(const void *arg, const char *folder, keel_buf *problem, keel_buf *detail) {
    site s;
    (void)arg;
    scripts[0].make(&s, &scripts[0], folder);
    if (site_up(&s, &machine_plain)) {
        if (site_ask(&s, "status", NULL) != SITE_ANSWERED) {
            site_fault(&s, "it does not answer at first");
        }
        silent_crowd(&s);
        int thinks = join(&s); /* a person before a question, for longer than a frame may take */
        if (!s.problem[0]) {
            dripping_crowd(&s);
        }
        if (!is_answered(thinks) && !s.problem[0]) {
            site_fault(&s, "one who thought before it asked has lost its seat");
        }
        if (!s.problem[0] && site_ask(&s, "status", NULL) != SITE_ANSWERED) {
            site_fault(&s, "one who had asked before has lost its seat");
        }
    }
    machine_last_life(&s, &scripts[0]);
    machine_finish(&s, problem, detail);
}

void machine_add_crowd(void) {
    pool_add("ten thousand clients say nothing, and some say it a byte at a time", crowded, NULL);
}
