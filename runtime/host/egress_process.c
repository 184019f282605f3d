#include "egress_process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "egress_protocol.h"
#include "process_int.h"

#define DOOR_WAIT_MS 2000 /* for a full socket to egress */

/* What `pass`, gpg and their like look at. */
static const char *const variables[] = {
    "HOME",
    "PATH",
    "USER",
    "LOGNAME",
    "LANG",
    "GNUPGHOME",
    "PASSWORD_STORE_DIR",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
};
#define VARIABLES (sizeof variables / sizeof *variables)

static void environment(char **env) {
    size_t n = 0;
    for (size_t i = 0; i < VARIABLES; i++) {
        const char *value = getenv(variables[i]);
        keel_buf b = KEEL_BUF_INIT;
        if (value) {
            keel_buf_printf(&b, "%s=%s", variables[i], value);
            env[n++] = b.data;
        }
    }
    env[n] = NULL;
}

static int open_pair(child_plan *plan, size_t place, int type, int *ours, diag *d) {
    int pair[2];
    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair) != 0) {
        return child_keep(plan, place, -1, "no socket pair", d);
    }
    *ours = pair[0];
    return child_keep(plan, place, pair[1], "no socket pair", d);
}

int egress_spawn(host_process **out, int *doors, uv_loop_t *loop, const egress_spec *spec,
                 const host_events *ev, diag *d) {
    char *env[VARIABLES + 1] = {NULL};
    child_plan plan;
    int ours = -1;
    child_plan_init(&plan, 3);
    int rc = open_pair(&plan, EGRESS_FD_FRAMES - CHILD_FIRST_FD, SOCK_STREAM, &plan.frames, d);
    rc = rc ? rc : open_pair(&plan, EGRESS_FD_DOORS - CHILD_FIRST_FD, SOCK_SEQPACKET, &ours, d);
    rc = rc ? rc : child_open_lock(&plan, EGRESS_FD_LOCK - CHILD_FIRST_FD, spec->lock_fd, d);
    if (rc == 0) {
        environment(env);
        child_way way = {.program = spec->program, .name = "keel-egress", .env = env};
        rc = process_start(out, loop, &plan, &way, ev, d);
        for (char **e = env; *e; e++) {
            free(*e);
        }
    } else {
        child_finish(&plan);
    }
    if (rc == 0) {
        *doors = ours;
    } else if (ours >= 0) {
        close(ours);
    }
    return rc;
}

static int send_door(int doors, const egress_door *door, int fd) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec io = {(void *)(uintptr_t)door, sizeof *door};
    struct msghdr m = {.msg_iov = &io,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    ssize_t n;
    do {
        n = sendmsg(doors, &m, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *door ? 0 : -1;
}

int egress_door_open(int doors, uint64_t executor, uint64_t connection, diag *d) {
    int pair[2];
    struct timeval wait = {.tv_sec = DOOR_WAIT_MS / 1000};
    egress_door door = {executor, connection};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        diag_set(d, DIAG_FAILED, "no channel to the network process: %s", strerror(errno));
        return -1;
    }
    setsockopt(doors, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    int rc = send_door(doors, &door, pair[0]);
    close(pair[0]);
    if (rc != 0) {
        diag_set(d, DIAG_CONFLICT, "no channel to the network process: %s", strerror(errno));
        close(pair[1]);
        return -1;
    }
    return pair[1];
}
