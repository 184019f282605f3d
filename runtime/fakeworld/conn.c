/* One connection of a client: bytes in for its face, answers as they are told, however odd. */
#include <stdlib.h>
#include <string.h>

#include "world.h"

struct conn {
    uv_tcp_t tcp;
    uv_timer_t timer;
    const face *face;
    void *session;
    keel_buf in, out;
    size_t dripped;
    int handles, writes;
    bool busy, closing, close_after, drip_closes;
};

typedef struct write {
    uv_write_t req;
    conn *c;
    char *data;
} write_job;

static void on_closed(uv_handle_t *h) {
    conn *c = h->data;
    if (--c->handles == 0) {
        if (c->session) {
            c->face->close(c->session);
        }
        keel_buf_free(&c->in);
        keel_buf_free(&c->out);
        free(c);
    }
}

void conn_close(conn *c) {
    if (!c->closing) {
        c->closing = true;
        uv_close((uv_handle_t *)&c->tcp, on_closed);
        uv_close((uv_handle_t *)&c->timer, on_closed);
    }
}

void conn_hang(conn *c) {
    c->busy = true;
}

bool conn_ready(const conn *c) {
    return !c->busy && !c->closing;
}

static void input(conn *c) {
    if (conn_ready(c) && c->in.len > 0) {
        c->face->input(c->session, &c->in);
    }
}

static void on_written(uv_write_t *req, int status) {
    write_job *job = req->data;
    conn *c = job->c;
    free(job->data);
    free(job);
    c->writes--;
    if (status < 0 || (c->close_after && c->writes == 0)) {
        conn_close(c);
    }
}

static void push(conn *c, const char *data, size_t len) {
    write_job *job = keel_alloc(sizeof *job);
    *job = (write_job){.c = c, .data = keel_memdup(data, len)};
    job->req.data = job;
    uv_buf_t buf = uv_buf_init(job->data, (unsigned)len);
    if (c->closing || uv_write(&job->req, (uv_stream_t *)&c->tcp, &buf, 1, on_written) != 0) {
        free(job->data);
        free(job);
        conn_close(c);
        return;
    }
    c->writes++;
}

void conn_send(conn *c, const keel_buf *bytes, bool close_after) {
    c->close_after = c->close_after || close_after;
    c->busy = c->close_after;
    push(c, bytes->data, bytes->len);
}

static void on_drip(uv_timer_t *t) {
    conn *c = t->data;
    size_t n = c->dripped++;
    if (n < c->out.len) {
        c->close_after = c->drip_closes && n + 1 == c->out.len;
        push(c, c->out.data + n, 1);
        return;
    }
    uv_timer_stop(t);
    c->busy = c->drip_closes;
    keel_buf_clear(&c->out);
    input(c);
}

void conn_drip(conn *c, const keel_buf *bytes, int64_t every_us, bool close_after) {
    uint64_t every_ms = every_us < 1000 ? 1 : (uint64_t)every_us / 1000;
    c->busy = true;
    c->drip_closes = close_after;
    c->dripped = 0;
    keel_buf_append(&c->out, bytes->data, bytes->len);
    uv_timer_start(&c->timer, on_drip, 0, every_ms);
}

static void on_alloc(uv_handle_t *h, size_t size, uv_buf_t *buf) {
    conn *c = h->data;
    (void)size;
    keel_buf_reserve(&c->in, 65536);
    *buf = uv_buf_init(c->in.data + c->in.len, 65536);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf) {
    conn *c = s->data;
    (void)buf;
    if (n < 0) {
        if (c->writes == 0) {
            conn_close(c);
        }
        c->close_after = true;
    } else if (n > 0) {
        c->in.len += (size_t)n;
        c->in.data[c->in.len] = 0;
        input(c);
    }
}

void conn_listen(uv_stream_t *server, int status) {
    listener *l = server->data;
    if (status < 0) {
        return;
    }
    conn *c = keel_alloc(sizeof *c);
    *c = (conn){.face = l->face, .handles = 2};
    c->tcp.data = c->timer.data = c;
    uv_tcp_init(&l->w->loop, &c->tcp);
    uv_timer_init(&l->w->loop, &c->timer);
    uv_tcp_nodelay(&c->tcp, 1);
    if (uv_accept(server, (uv_stream_t *)&c->tcp) != 0 ||
        uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) != 0) {
        conn_close(c);
        return;
    }
    c->session = l->face->open(l->w, c);
}
