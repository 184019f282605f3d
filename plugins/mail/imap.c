#include "imap.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void imap_init(imap *m, const keel_host *host, const keel_stream *stream) {
    *m = (imap){.host = host, .stream = stream};
}

void imap_close(imap *m) {
    if (m->id != 0) {
        m->stream->close(m->stream->ctx, m->id);
    }
    m->id = 0;
    m->taken = 0;
    m->frame = (wire_frame){0};
    keel_buf_clear(&m->in);
}

void imap_finish(imap *m) {
    imap_close(m);
    keel_buf_free(&m->in);
}

static imap_result lost(imap *m, keel_status why, const char *said) {
    imap_close(m);
    m->broke = why;
    snprintf(m->said, sizeof m->said, "%s", said);
    return IMAP_LOST;
}

/* ---- one response ---- */

static imap_result receive(imap *m) {
    keel_span bytes = {NULL, 0};
    keel_buf_consume(&m->in, m->taken);
    m->taken = 0;
    keel_status status = m->stream->receive(m->stream->ctx, m->call, m->id, &bytes);
    if (status != KEEL_OK) {
        return lost(m, status, "the connection broke");
    }
    if (bytes.len == 0) {
        return lost(m, KEEL_E_UNKNOWN, "the server closed the connection");
    }
    keel_buf_append(&m->in, bytes.data, bytes.len);
    return IMAP_OK;
}

/* *s is the next response; it is valid until the next call. */
static imap_result response(imap *m, wire_scan *s) {
    for (;;) {
        size_t end = 0;
        int found = 0;
        if (m->in.len > m->taken) {
            found = wire_frame_next(&m->frame, m->in.data + m->taken, m->in.len - m->taken, &end);
        }
        if (found < 0) {
            return lost(m, KEEL_E_UNKNOWN, "the server sent what is too long for IMAP");
        }
        if (found > 0) {
            wire_begin(s, m->in.data + m->taken, end);
            m->taken += end;
            return IMAP_OK;
        }
        imap_result r = receive(m);
        if (r != IMAP_OK) {
            return r;
        }
    }
}

/* ---- one command ---- */

typedef struct command {
    char tag[16];
    imap_on *on;
    void *ctx;
    bool may_continue; /* a "+" is what is waited for */
} command;

/* Until the tagged answer, or the "+" of a command that waits for it (IMAP_OK with *more). */
static imap_result answer(imap *m, const command *c, bool *more) {
    for (;;) {
        wire_scan s;
        wire_word w;
        imap_result r = response(m, &s);
        if (r != IMAP_OK) {
            return r;
        }
        wire_next(&s, &w);
        if (wire_is(&w, "*")) {
            wire_scan look = s;
            if (wire_next(&look, &w) == WIRE_ATOM && wire_is(&w, "BYE")) {
                char said[160];
                wire_rest(&look, said, sizeof said);
                return lost(m, KEEL_E_RETRY, said);
            }
            if (c->on != NULL) {
                c->on(c->ctx, &s);
            }
        } else if (w.kind == WIRE_ATOM && w.len == 1 && w.data[0] == '+' && c->may_continue) {
            *more = true;
            return IMAP_OK;
        } else if (wire_is(&w, c->tag)) {
            bool ok = wire_next(&s, &w) == WIRE_ATOM && wire_is(&w, "OK");
            wire_rest(&s, m->said, sizeof m->said);
            return ok ? IMAP_OK : IMAP_NO;
        } else {
            return lost(m, KEEL_E_UNKNOWN, "the server answered what is not IMAP");
        }
    }
}

static imap_result put(imap *m, const char *data, size_t len) {
    keel_status status = m->stream->send(m->stream->ctx, m->call, m->id, (keel_span){data, len});
    return status == KEEL_OK ? IMAP_OK : lost(m, status, "the connection broke");
}

static imap_result run(imap *m, command *c, const keel_buf *words, bool *more) {
    if (m->id == 0) {
        return IMAP_LOST;
    }
    keel_buf line = KEEL_BUF_INIT;
    snprintf(c->tag, sizeof c->tag, "k%u", ++m->tag);
    keel_buf_printf(&line, "%s %s\r\n", c->tag, words->data);
    imap_result r = put(m, line.data, line.len);
    keel_buf_free(&line);
    return r == IMAP_OK ? answer(m, c, more) : r;
}

imap_result imap_run(imap *m, imap_on *on, void *ctx, const char *format, ...) {
    keel_buf words = KEEL_BUF_INIT;
    command c = {.on = on, .ctx = ctx};
    va_list ap;
    va_start(ap, format);
    keel_buf_vprintf(&words, format, ap);
    va_end(ap);
    imap_result r = run(m, &c, &words, NULL);
    keel_buf_free(&words);
    return r;
}

imap_result imap_append(imap *m, const char *folder, const char *flags, const keel_buf *bytes) {
    keel_buf words = KEEL_BUF_INIT;
    command c = {.may_continue = true};
    bool more = false;
    keel_buf_puts(&words, "APPEND ");
    if (!imap_name(&words, folder)) {
        keel_buf_free(&words);
        snprintf(m->said, sizeof m->said, "that is no name of a folder");
        return IMAP_NO;
    }
    keel_buf_printf(&words, " (%s) {%zu}", flags, bytes->len);
    imap_result r = run(m, &c, &words, &more);
    keel_buf_free(&words);
    if (r != IMAP_OK || !more) {
        return r == IMAP_OK ? lost(m, KEEL_E_UNKNOWN, "the server did not wait for the message")
                            : r;
    }
    c.may_continue = false;
    r = put(m, bytes->data, bytes->len);
    r = r == IMAP_OK ? put(m, "\r\n", 2) : r;
    return r == IMAP_OK ? answer(m, &c, &more) : r;
}

/* ---- the session ---- */

static void on_capability(void *ctx, wire_scan *s) {
    imap *m = ctx;
    wire_word w;
    if (wire_next(s, &w) != WIRE_ATOM || !wire_is(&w, "CAPABILITY")) {
        return;
    }
    while (wire_next(s, &w) == WIRE_ATOM) {
        m->has_move |= wire_is(&w, "MOVE");
        m->has_uidplus |= wire_is(&w, "UIDPLUS");
    }
}

imap_result imap_begin(imap *m, keel_call *call, const char *address) {
    m->call = call;
    if (m->id != 0 && imap_run(m, NULL, NULL, "NOOP") == IMAP_OK) {
        return IMAP_OK;
    }
    imap_close(m);
    m->has_move = false;
    m->has_uidplus = false;
    uint64_t id = 0;
    keel_status status = m->stream->open(m->stream->ctx, call, address, &id);
    if (status != KEEL_OK) {
        return lost(m, status, "");
    }
    m->id = id;
    return imap_run(m, on_capability, m, "CAPABILITY");
}

static void on_select(void *ctx, wire_scan *s) {
    imap *m = ctx;
    wire_word w;
    if (wire_next(s, &w) == WIRE_ATOM && wire_is(&w, "OK")) {
        wire_next(s, &w);
        wire_code(&w, "UIDVALIDITY", &m->validity);
    }
}

imap_result imap_select(imap *m, const char *folder, bool writable) {
    keel_buf name = KEEL_BUF_INIT;
    imap_result r = IMAP_NO;
    m->validity = 0;
    if (imap_name(&name, folder)) {
        r = imap_run(m, on_select, m, "%s %s", writable ? "SELECT" : "EXAMINE", name.data);
    } else {
        snprintf(m->said, sizeof m->said, "that is no name of a folder");
    }
    keel_buf_free(&name);
    return r;
}

static void on_list(void *ctx, wire_scan *s) {
    wire_word w;
    if (wire_next(s, &w) == WIRE_ATOM && wire_is(&w, "LIST")) {
        *(bool *)ctx = true;
    }
}

imap_result imap_exists(imap *m, const char *folder, bool *exists) {
    keel_buf name = KEEL_BUF_INIT;
    imap_result r = IMAP_NO;
    *exists = false;
    if (imap_name(&name, folder)) {
        r = imap_run(m, on_list, exists, "LIST \"\" %s", name.data);
    }
    keel_buf_free(&name);
    return r;
}
