/* An open stream: bytes both ways, within the window of each. */
#include <stdio.h>
#include <string.h>

#include "egress.h"
#include "egress_stream.h"

#define QUIET_MS 200 /* then what may begin a secret is passed on: nothing follows */

static void on_ready(uv_poll_t *p, int status, int events);

static void watch(stream *s) {
    int events = s->on_way < EGRESS_WINDOW ? UV_READABLE : 0;
    events |= s->chunk_len ? UV_WRITABLE : 0;
    if (s->gone || events == s->events) {
        return;
    }
    s->events = events;
    if (events) {
        uv_poll_start(&s->poll, events, on_ready);
    } else {
        uv_poll_stop(&s->poll);
    }
}

/* ---- from the network ---- */

/* What of `in` may go to the executor. */
static void pass_on(stream *s, bool all) {
    size_t n = scrub_stream(s->t.conn->scrub, s->in.data, s->in.len, all);
    for (size_t at = 0; at < n;) {
        size_t piece = n - at < FRAME_INLINE ? n - at : FRAME_INLINE;
        door_send(s->door, E_DATA, s->run, s->in.data + at, piece, NULL, 0);
        at += piece;
    }
    s->on_way += n;
    keel_buf_consume(&s->in, n);
}

static void on_quiet(uv_timer_t *timer) {
    stream *s = timer->data;
    pass_on(s, true);
    watch(s);
}

static void ended(stream *s, CURLcode code) {
    char text[300];
    pass_on(s, true);
    if (code == CURLE_OK) {
        stream_close(s, "ok", "The other side ended it.");
        return;
    }
    snprintf(text, sizeof text, "The connection with %s:%u broke: %s.", s->permit.o.host,
             (unsigned)s->permit.o.port, curl_easy_strerror(code));
    stream_close(s, "unknown", text);
}

static bool count(stream *s, size_t n) {
    s->said = true;
    if (s->order && !order_take(s->order, n)) {
        stream_close(s, "unknown", "The other side said more than this effect's limit.");
        return false;
    }
    return true;
}

/* false: the stream is no more. */
static bool read_some(stream *s) {
    char *block = s->door->e->stream_block;
    while (s->on_way + s->in.len < EGRESS_WINDOW) {
        size_t room = EGRESS_WINDOW - (size_t)s->on_way - s->in.len;
        size_t got = 0;
        CURLcode code =
            curl_easy_recv(s->t.easy, block, room < EGRESS_BLOCK ? room : EGRESS_BLOCK, &got);
        if (code == CURLE_AGAIN) {
            break;
        }
        if (code != CURLE_OK || got == 0) {
            ended(s, code);
            return false;
        }
        keel_buf_append(&s->in, block, got);
        if (!count(s, got)) {
            return false;
        }
    }
    if (s->in.len) {
        pass_on(s, false);
    }
    if (s->in.len) {
        uv_timer_start(&s->quiet, on_quiet, QUIET_MS, 0);
    } else {
        uv_timer_stop(&s->quiet);
    }
    return true;
}

/* ---- to the network ---- */

static void next_chunk(stream *s) {
    size_t n = s->out.len < sizeof s->chunk ? s->out.len : sizeof s->chunk;
    memcpy(s->chunk, s->out.data, n);
    keel_buf_consume(&s->out, n);
    s->chunk_len = n;
}

static void wrote(stream *s, size_t n) {
    memmove(s->chunk, s->chunk + n, s->chunk_len - n);
    s->chunk_len -= n;
    s->door->unwritten -= n;
    s->said = false;
    if (s->order) {
        s->order->bytes_out += n;
    }
}

/* false: the stream is no more. */
static bool write_some(stream *s) {
    while (s->chunk_len || s->out.len) {
        size_t n = 0;
        if (!s->chunk_len) {
            next_chunk(s);
        }
        CURLcode code = curl_easy_send(s->t.easy, s->chunk, s->chunk_len, &n);
        if (code == CURLE_AGAIN) {
            return true;
        }
        if (code != CURLE_OK) {
            /* it may have said why before it closed */
            if (read_some(s)) {
                ended(s, code);
            }
            return false;
        }
        wrote(s, n);
    }
    if (s->closing) {
        stream_close(s, NULL, NULL);
        return false;
    }
    return true;
}

static void on_ready(uv_poll_t *p, int status, int events) {
    stream *s = p->data;
    door *d = s->door;
    (void)status;
    (void)events; /* TLS may want to write in order to read */
    if (write_some(s) && read_some(s)) {
        watch(s);
        door_rest(d);
    }
}

/* ---- for the rest of egress ---- */

void stream_relay(stream *s) {
    curl_socket_t fd = CURL_SOCKET_BAD;
    uv_loop_t *loop = &s->door->e->loop;
    curl_easy_getinfo(s->t.easy, CURLINFO_ACTIVESOCKET, &fd);
    if (fd == CURL_SOCKET_BAD || uv_poll_init(loop, &s->poll, fd) < 0) {
        stream_close(s, "unknown", "The connection broke as soon as it was open.");
        return;
    }
    uv_timer_init(loop, &s->quiet);
    s->poll.data = s->quiet.data = s;
    s->handles = 2;
    if (read_some(s)) { /* TLS may hold bytes that no socket tells of */
        watch(s);
    }
}

void stream_relay_stop(stream *s) {
    if (s->handles) {
        uv_poll_stop(&s->poll);
        uv_timer_stop(&s->quiet);
    }
}

void stream_taken(stream *s, uint64_t bytes) {
    if (bytes > s->on_way) {
        door_break(s->door, "it took more out of a stream than was in it");
        return;
    }
    s->on_way -= bytes;
    if (s->open && read_some(s)) {
        watch(s);
    }
}

static bool under(stream *s, order *o) {
    if (s->order != o) {
        if (s->order && s->wrote && !s->said) {
            s->order->unanswered = true;
        }
        s->order = o;
        s->wrote = false;
    }
    if (egress_now_us() >= o->deadline_us) {
        stream_close(s, "denied", "The time for this effect is over.");
        return false;
    }
    if (!order_sending(s->door->e, o)) {
        return false;
    }
    s->wrote = true;
    s->said = false;
    return true;
}

void stream_data(door *d, order *o, const frame *f) {
    stream *s = stream_find(d, f->run);
    if (!s || s->closing || f->len == 0) {
        return; /* it ended, and the executor has been told or said so itself */
    }
    if (!s->open) {
        door_break(d, "it wrote to a stream that is not open");
        return;
    }
    if (!under(s, o)) {
        return;
    }
    keel_buf_append(&s->out, f->body, f->len);
    d->unwritten += f->len;
    if (write_some(s)) {
        watch(s);
    }
}
