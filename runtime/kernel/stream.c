#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "failpoint.h"
#include "protocol.h"

#define QUEUE_LIMIT   (8u << 20)
#define PAUSE_MS      250 /* until the next client is looked at, when there is no descriptor for it */
#define OWED_EVERY_MS 1000

typedef struct client {
    struct client *next;
    server *server;
    uint64_t id;
    int fd;
    uv_poll_t poll;
    frame_channel *channel;
    bool writable_wanted;
    bool closing;
    bool slow;               /* it does not read: dropped at the next flush */
    bool owes;               /* the rest of a frame */
    uint64_t owes_ms, taken; /* since when, and how many whole frames it had sent then */
} client;

struct server {
    uv_loop_t *loop;
    uv_poll_t poll;
    uv_timer_t pause;
    uv_timer_t owed; /* runs while a client owes something */
    int fd;
    int spare; /* a descriptor that is given up to tell a client that there is none; or -1 */
    int handles;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    server_events ev;
    client *clients;
    size_t count;
    uint64_t next_id;
};

static void on_closed(uv_handle_t *h) {
    client *c = h->data;
    close(c->fd);
    frame_channel_destroy(c->channel);
    free(c);
}

static void drop(client *c) {
    if (c->closing) {
        return;
    }
    c->closing = true;
    client **at = &c->server->clients;
    while (*at != c) {
        at = &(*at)->next;
    }
    *at = c->next;
    c->server->count--;
    uv_poll_stop(&c->poll);
    uv_close((uv_handle_t *)&c->poll, on_closed);
    c->server->ev.gone(c->server->ev.ctx, c->id);
}

static void on_ready(uv_poll_t *p, int status, int events);

static void flush(client *c) {
    const char *data;
    size_t len;
    while ((len = frame_channel_output(c->channel, &data)) > 0) {
        ssize_t n = send(c->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            break;
        }
        if (n <= 0) {
            drop(c);
            return;
        }
        frame_channel_sent(c->channel, (size_t)n);
    }
    bool wanted = len > 0;
    if (wanted != c->writable_wanted) {
        c->writable_wanted = wanted;
        uv_poll_start(&c->poll, UV_READABLE | (wanted ? UV_WRITABLE : 0), on_ready);
    }
}

static void on_frame(void *ctx, const frame *f) {
    client *c = ctx;
    c->server->ev.frame(c->server->ev.ctx, c->id, f);
}

static void on_owed(uv_timer_t *t);

/* The clock begins anew with each whole frame and with nothing less, so a drip of bytes wins no time. */
static void note_owed(client *c) {
    uint64_t taken;
    bool owes = frame_channel_unfinished(c->channel, &taken);
    if (owes && (!c->owes || taken != c->taken)) {
        c->owes_ms = uv_now(c->server->loop);
        if (!uv_is_active((uv_handle_t *)&c->server->owed)) {
            uv_timer_start(&c->server->owed, on_owed, OWED_EVERY_MS, 0);
        }
    }
    c->owes = owes;
    c->taken = taken;
}

static bool receive(client *c) {
    char in[65536];
    ssize_t n = recv(c->fd, in, sizeof in, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) ||
        (n > 0 && frame_channel_feed(c->channel, in, (size_t)n, on_frame, c, NULL))) {
        drop(c);
        return false;
    }
    note_owed(c);
    return true;
}

static void on_ready(uv_poll_t *p, int status, int events) {
    client *c = p->data;
    if (status < 0) {
        drop(c);
    } else if (!(events & UV_READABLE) || receive(c)) {
        flush(c);
    }
}

/* What has come while the loop was busy is taken first: only who really owes is dropped. */
static void on_owed(uv_timer_t *t) {
    server *s = t->data;
    client *next;
    bool more = false;
    for (client *c = s->clients; c; c = next) {
        next = c->next;
        bool late = c->owes && uv_now(s->loop) - c->owes_ms >= SERVER_PATIENCE_MS;
        if (late && receive(c) && c->owes && uv_now(s->loop) - c->owes_ms >= SERVER_PATIENCE_MS) {
            drop(c);
        } else if (!late) {
            more |= c->owes;
        }
    }
    if (more && !uv_is_active((uv_handle_t *)t)) {
        uv_timer_start(t, on_owed, OWED_EVERY_MS, 0);
    }
}

static bool is_silent(const client *c) {
    return !c->owes && !c->taken;
}

/* Whoever has said nothing yet may think as long as there is room: a person types a passphrase. When there
 * is none, the one that came first goes. */
static bool make_room(server *s) {
    client *silent = NULL;
    for (client *c = s->clients; c; c = c->next) {
        silent = is_silent(c) ? c : silent;
    }
    if (silent && receive(silent) && is_silent(silent)) {
        drop(silent);
    }
    return s->count < SERVER_CLIENTS;
}

static bool peer_allowed(int fd) {
    struct ucred peer;
    socklen_t len = sizeof peer;
    return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) &&
           (peer.uid == geteuid() || peer.uid == 0);
}

/* ---- no room ---- */

static const char no_descriptor[] = "Keel has no file descriptor left for another command.";
static const char no_seat[] = "Keel serves as many commands at once as it can.";

/* One frame, as far as it goes without waiting; then the client is on its own. */
static void turn_away(int fd, const char *what) {
    keel_buf body = KEEL_BUF_INIT;
    const char *data;
    frame_channel *ch = frame_channel_create();
    keel_buf_printf(&body,
                    "{\"error\":{\"code\":\"failed\",\"column\":0,\"exit\":1,\"file\":\"\","
                    "\"line\":0,\"next\":\"Nothing was done. Close other commands that wait or "
                    "follow, or raise the limit (ulimit -n) before `keel up`, and try again.\","
                    "\"what\":\"%s\"}}",
                    what);
    frame_channel_send(ch, C_ANSWER, 0, 0, 0, body.data, body.len);
    size_t len = frame_channel_output(ch, &data);
    ssize_t n = send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)n;
    frame_channel_destroy(ch);
    keel_buf_free(&body);
    close(fd);
}

static void on_connect(uv_poll_t *p, int status, int events);

static void on_pause_over(uv_timer_t *t) {
    server *s = t->data;
    uv_poll_start(&s->poll, UV_READABLE, on_connect);
}

/* The socket stays readable while a client waits at it, and would wake the loop for ever: it is left
 * alone for a moment. The spare descriptor lets in one who is told why. */
static void pause_accepting(server *s) {
    uv_poll_stop(&s->poll);
    uv_timer_start(&s->pause, on_pause_over, PAUSE_MS, 0);
    if (s->spare >= 0) {
        close(s->spare);
        int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            turn_away(fd, no_descriptor);
        }
        s->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
}

static bool is_exhausted(int error) {
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

static void admit(server *s, int fd) {
    client *c = keel_alloc(sizeof *c);
    *c = (client){.next = s->clients, .server = s, .id = s->next_id++, .fd = fd};
    c->channel = frame_channel_create();
    uv_poll_init(s->loop, &c->poll, fd);
    c->poll.data = c;
    uv_poll_start(&c->poll, UV_READABLE, on_ready);
    s->clients = c;
    s->count++;
    note_owed(c);
}

static void on_connect(uv_poll_t *p, int status, int events) {
    server *s = p->data;
    (void)events;
    int fd = status < 0 ? -1 : accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (status >= 0 && is_exhausted(errno)) {
            pause_accepting(s);
        }
    } else if (!peer_allowed(fd)) {
        close(fd);
    } else if (s->count >= SERVER_CLIENTS && !make_room(s)) {
        turn_away(fd, no_seat);
    } else {
        admit(s, fd);
    }
}

static int bind_at(server *s, diag *d) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s", s->path);
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    unlink(s->path);
    mode_t old = umask(0177);
    int rc = s->fd < 0 ? -1 : bind(s->fd, (struct sockaddr *)&a, sizeof a);
    umask(old);
    if (rc || listen(s->fd, 64)) {
        diag_set(d, DIAG_STORAGE, "cannot listen on %s: %s", s->path, strerror(errno));
        return diag_next(d, "the folder must be writable and its path shorter than 100 bytes");
    }
    return 0;
}

int server_open(server **out, uv_loop_t *loop, const char *path, const server_events *ev, diag *d) {
    server *s = calloc(1, sizeof *s);
    if (!s) {
        return diag_set(d, DIAG_FAILED, "out of memory");
    }
    s->loop = loop;
    s->ev = *ev;
    s->next_id = 1;
    s->fd = -1;
    s->spare = -1;
    if (strlen(path) >= sizeof s->path) {
        free(s);
        diag_set(d, DIAG_USAGE, "the path of the workspace is too long for a socket: %s", path);
        return diag_next(d, "move the workspace to a shorter path");
    }
    snprintf(s->path, sizeof s->path, "%s", path);
    int rc = bind_at(s, d);
    if (rc) {
        if (s->fd >= 0) {
            close(s->fd);
        }
        free(s);
        return rc;
    }
    s->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    uv_timer_init(loop, &s->pause);
    uv_timer_init(loop, &s->owed);
    uv_poll_init(loop, &s->poll, s->fd);
    s->poll.data = s->pause.data = s->owed.data = s;
    uv_poll_start(&s->poll, UV_READABLE, on_connect);
    *out = s;
    return 0;
}

static client *find(server *s, uint64_t id) {
    client *c = s->clients;
    while (c && c->id != id) {
        c = c->next;
    }
    return c;
}

void server_send(server *s, uint64_t id, uint16_t type, uint64_t ref, const void *body,
                 size_t len) {
    client *c = find(s, id);
    if (!c) {
        return;
    }
    if (c->slow || frame_channel_queued(c->channel) > QUEUE_LIMIT) {
        c->slow = true; /* not now: the caller may be going over those who listen */
        return;
    }
    frame_channel_send(c->channel, type, 0, 0, ref, body, len);
}

void server_flush(server *s) {
    client *next;
    for (client *c = s->clients; c; c = next) {
        next = c->next;
        if (c->slow) {
            drop(c);
        } else if (!c->writable_wanted && frame_channel_queued(c->channel)) {
            (void)KEEL_FP("client.answers");
            flush(c);
            (void)KEEL_FP("client.answered");
        }
    }
}

static void on_server_closed(uv_handle_t *h) {
    server *s = h->data;
    if (--s->handles == 0) {
        close(s->fd);
        if (s->spare >= 0) {
            close(s->spare);
        }
        free(s);
    }
}

void server_close(server *s) {
    if (!s) {
        return;
    }
    server_flush(s);
    while (s->clients) {
        drop(s->clients);
    }
    unlink(s->path);
    uv_poll_stop(&s->poll);
    s->handles = 3;
    uv_close((uv_handle_t *)&s->poll, on_server_closed);
    uv_close((uv_handle_t *)&s->pause, on_server_closed);
    uv_close((uv_handle_t *)&s->owed, on_server_closed);
}
