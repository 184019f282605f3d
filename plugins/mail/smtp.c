#include "smtp.h"

#include <stdio.h>
#include <string.h>

/* ---- what the server says ---- */

static bool is_code(const char *p) {
    return p[0] >= '2' && p[0] <= '5' && p[1] >= '0' && p[1] <= '9' && p[2] >= '0' && p[2] <= '9';
}

static void keep_words(const char *line, size_t len, char *said, size_t size) {
    size_t n = 0;
    for (; n < len && n + 1 < size; n++) {
        said[n] = line[n] >= ' ' && line[n] <= '~' ? line[n] : '?';
    }
    said[n] = 0;
}

long smtp_answer(const char *data, size_t len, int *code, char *said, size_t size) {
    size_t at = 0;
    for (int lines = 0; lines < SMTP_LINES; lines++) {
        const char *line = data + at;
        const char *lf = at < len ? memchr(line, '\n', len - at) : NULL;
        size_t n = lf != NULL ? (size_t)(lf - line) : len - at;
        if (n > SMTP_LINE) {
            return -1;
        }
        if (lf == NULL) {
            return 0;
        }
        at += n + 1;
        n -= n > 0 && line[n - 1] == '\r' ? 1 : 0;
        if (n < 3 || !is_code(line) || (n > 3 && line[3] != ' ' && line[3] != '-')) {
            return -1;
        }
        int this_code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
        if (lines > 0 && this_code != *code) {
            return -1;
        }
        *code = this_code;
        if (n == 3 || line[3] == ' ') {
            keep_words(line, n, said, size);
            return (long)at;
        }
    }
    return -1;
}

static int broke(smtp *s, keel_status why, const char *said) {
    smtp_close(s);
    s->broke = why;
    snprintf(s->said, sizeof s->said, "%s", said);
    return -1;
}

/* The code of the next answer, or -1. */
static int answer(smtp *s) {
    for (;;) {
        int code = 0;
        long n =
            s->in.len > 0 ? smtp_answer(s->in.data, s->in.len, &code, s->said, sizeof s->said) : 0;
        if (n > 0) {
            keel_buf_consume(&s->in, (size_t)n);
            return code;
        }
        if (n < 0) {
            return broke(s, KEEL_E_UNKNOWN, "the server answered what is not SMTP");
        }
        keel_span bytes = {NULL, 0};
        keel_status status = s->stream->receive(s->stream->ctx, s->call, s->id, &bytes);
        if (status != KEEL_OK) {
            return broke(s, status, "the connection broke");
        }
        if (bytes.len == 0) {
            return broke(s, KEEL_E_UNKNOWN, "the server closed the connection");
        }
        keel_buf_append(&s->in, bytes.data, bytes.len);
    }
}

static bool put(smtp *s, const char *data, size_t len) {
    keel_status status = s->stream->send(s->stream->ctx, s->call, s->id, (keel_span){data, len});
    return status == KEEL_OK || broke(s, status, "the connection broke") == 0;
}

static int say(smtp *s, const char *word, const char *address) {
    keel_buf line = KEEL_BUF_INIT;
    keel_buf_puts(&line, word);
    if (address != NULL) {
        keel_buf_printf(&line, "<%s>", address);
    }
    keel_buf_puts(&line, "\r\n");
    bool sent = put(s, line.data, line.len);
    keel_buf_free(&line);
    return sent ? answer(s) : -1;
}

/* ---- one message ---- */

void smtp_lines(keel_buf *out, const char *text, size_t len) {
    bool begins = true;
    for (size_t i = 0; i < len; i++) {
        if (begins && text[i] == '.') {
            keel_buf_putc(out, '.');
        }
        begins = text[i] == '\n';
        if (text[i] == '\r' && i + 1 < len && text[i + 1] == '\n') {
            continue;
        }
        if (begins) {
            keel_buf_putc(out, '\r');
        }
        keel_buf_putc(out, text[i]);
    }
    if (!begins) {
        keel_buf_puts(out, "\r\n");
    }
}

/* A refusal leaves nothing behind: RSET, and its answer shows that the server has forgotten. */
static smtp_result refused(smtp *s, int code, const char *about) {
    if (code < 0) {
        return SMTP_NOT_SENT;
    }
    char said[SMTP_SAID];
    memcpy(said, s->said, sizeof said);
    s->about = about;
    say(s, "RSET", NULL);
    memcpy(s->said, said, sizeof said);
    return code >= 500 ? SMTP_REFUSED : SMTP_LATER;
}

static smtp_result accepted(smtp *s, int code) {
    if (code >= 200 && code < 300) {
        /* Nobody waits for the answer: that the message was taken must not be lost over it. */
        put(s, "QUIT\r\n", 6);
        return SMTP_ACCEPTED;
    }
    return code >= 500   ? SMTP_REFUSED
           : code >= 400 ? SMTP_LATER
                         : SMTP_UNKNOWN; /* no answer, or none that means anything */
}

smtp_result smtp_send(smtp *s, const smtp_envelope *e) {
    int code = say(s, "MAIL FROM:", e->from);
    if (code != 250) {
        return refused(s, code, e->from);
    }
    for (size_t i = 0; i < e->count; i++) {
        code = say(s, "RCPT TO:", e->to[i]);
        if (code != 250 && code != 251) {
            return refused(s, code, e->to[i]);
        }
    }
    code = say(s, "DATA", NULL);
    if (code != 354) {
        return refused(s, code, NULL);
    }
    /* Without its final "." a message does not exist: it goes alone, as the last. */
    if (!put(s, e->bytes->data, e->bytes->len)) {
        return SMTP_NOT_SENT;
    }
    if (!put(s, ".\r\n", 3)) {
        return SMTP_UNKNOWN;
    }
    return accepted(s, answer(s));
}

/* ---- the stream ---- */

keel_status smtp_open(smtp *s, const keel_host *host, const keel_stream *stream, keel_call *call,
                      const char *address) {
    *s = (smtp){.host = host, .stream = stream, .call = call};
    return stream->open(stream->ctx, call, address, &s->id);
}

void smtp_close(smtp *s) {
    if (s->id != 0) {
        s->stream->close(s->stream->ctx, s->id);
    }
    s->id = 0;
    keel_buf_free(&s->in);
}
