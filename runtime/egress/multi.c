/* curl's multi interface under the loop. curl is called once at the end of a turn in which something
 * was added, and when a socket is ready; a timer is set only for what is to happen later. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "egress.h"

typedef struct watch {
    uv_poll_t poll;
    multi *m;
    curl_socket_t fd;
} watch;

static void on_closed(uv_handle_t *h) {
    free(h->data);
}

static void on_multi_closed(uv_handle_t *h) {
    multi *m = h->data;
    m->closed(m->owner);
}

/* ---- what ended ---- */

static bool end_one(multi *m) {
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(m->curl, &left))) {
        transfer *t = NULL;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        if (t->done) {
            t->done(t, code);
            return true;
        }
    }
    return false;
}

static void drive(multi *m, curl_socket_t fd, int events) {
    int running;
    connection_hold(m->owner);
    curl_multi_socket_action(m->curl, fd, events, &running);
    while (end_one(m)) {
    }
    connection_drop(m->owner);
}

static void make_due(multi *m) {
    connection *c = m->owner;
    if (!m->due) {
        m->due = true;
        m->next_due = c->e->due;
        c->e->due = m;
        connection_hold(c);
    }
}

static void on_timer(uv_timer_t *timer) {
    drive(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

void multi_run_due(egress *e) {
    for (int round = 0; e->due && round < 64; round++) {
        multi *m = e->due;
        e->due = m->next_due;
        m->due = false;
        drive(m, CURL_SOCKET_TIMEOUT, 0);
        connection_drop(m->owner);
    }
    for (multi *m = e->due; m; m = m->next_due) {
        uv_timer_start(&m->timer, on_timer, 1, 0); /* others first, then again */
    }
}

/* ---- what curl wants of the loop ---- */

static void on_ready(uv_poll_t *p, int status, int events) {
    watch *w = p->data;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    flags |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
    flags |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
    drive(w->m, w->fd, flags);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known) {
    multi *m = ctx;
    watch *w = known;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w) {
            curl_multi_assign(m->curl, fd, NULL);
            uv_poll_stop(&w->poll);
            uv_close((uv_handle_t *)&w->poll, on_closed);
        }
        return 0;
    }
    if (!w) {
        w = keel_alloc(sizeof *w);
        w->m = m;
        w->fd = fd;
        if (uv_poll_init(m->loop, &w->poll, fd) < 0) {
            free(w);
            return -1;
        }
        w->poll.data = w;
        curl_multi_assign(m->curl, fd, w);
    }
    int events = what == CURL_POLL_INOUT ? UV_READABLE | UV_WRITABLE
                 : what == CURL_POLL_IN  ? UV_READABLE
                                         : UV_WRITABLE;
    return uv_poll_start(&w->poll, events, on_ready) < 0 ? -1 : 0;
}

static int on_timeout(CURLM *curl, long ms, void *ctx) {
    multi *m = ctx;
    (void)curl;
    if (ms == 0) {
        make_due(m);
    } else if (ms < 0) {
        uv_timer_stop(&m->timer);
    } else {
        uv_timer_start(&m->timer, on_timer, (uint64_t)ms, 0);
    }
    return 0;
}

/* ---- life ---- */

int multi_open(multi *m, egress *e, void *owner, void (*closed)(void *owner)) {
    memset(m, 0, sizeof *m);
    m->curl = curl_multi_init();
    if (!m->curl) {
        return -1;
    }
    m->loop = &e->loop;
    m->owner = owner;
    m->closed = closed;
    uv_timer_init(&e->loop, &m->timer);
    m->timer.data = m;
    curl_multi_setopt(m->curl, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(m->curl, CURLMOPT_SOCKETDATA, m);
    curl_multi_setopt(m->curl, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(m->curl, CURLMOPT_TIMERDATA, m);
    curl_multi_setopt(m->curl, CURLMOPT_MAXCONNECTS, 16L);
    curl_multi_setopt(m->curl, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)(2 * EGRESS_REQUESTS));
    return 0;
}

void multi_close(multi *m) {
    while (m->spares) {
        curl_easy_cleanup(m->spare[--m->spares]);
    }
    curl_multi_setopt(m->curl, CURLMOPT_TIMERFUNCTION, NULL); /* it would ask to be run again */
    curl_multi_cleanup(m->curl);
    uv_timer_stop(&m->timer);
    m->timer.data = m;
    uv_close((uv_handle_t *)&m->timer, on_multi_closed);
}

/* ---- transfers ---- */

CURL *multi_handle(multi *m) {
    if (m->spares) {
        return m->spare[--m->spares];
    }
    CURL *easy = curl_easy_init();
    if (!easy) {
        abort(); /* memory, as in keel_alloc */
    }
    return easy;
}

void transfer_start(transfer *t) {
    multi *m = &t->conn->m;
    t->running = true;
    curl_multi_add_handle(m->curl, t->easy);
    make_due(m);
}

void transfer_stop(transfer *t) {
    multi *m = &t->conn->m;
    if (t->running) {
        t->running = false;
        curl_multi_remove_handle(m->curl, t->easy);
    }
    if (t->easy && m->spares < sizeof m->spare / sizeof *m->spare) {
        curl_easy_reset(t->easy);
        m->spare[m->spares++] = t->easy;
    } else if (t->easy) {
        curl_easy_cleanup(t->easy);
    }
    t->easy = NULL;
}
