/* What comes back: collected within its limits, secrets taken out, handed to the executor. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "egress.h"

size_t http_on_header(char *data, size_t size, size_t count, void *ctx) {
    request *r = ctx;
    size_t len = size * count;
    if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) {
        keel_buf_clear(&r->head); /* after a 100, say */
        return len;
    }
    if (r->head.len + len > EGRESS_HEADERS) {
        r->too_large = true;
        return 0;
    }
    keel_buf_append(&r->head, data, len);
    return len;
}

size_t http_on_body(char *data, size_t size, size_t count, void *ctx) {
    request *r = ctx;
    size_t len = size * count;
    door *d = r->door;
    if (r->answer.len + len > r->limit || d->bodies + len > EGRESS_BODIES ||
        !order_take(r->order, len)) {
        r->too_large = true;
        return 0;
    }
    d->bodies += len;
    r->reserved += len;
    keel_buf_append(&r->answer, data, len);
    return len;
}

/* Bytes that are no UTF-8 are what HTTP once meant them to be: Latin-1. */
static void put_text(keel_json_writer *w, const char *text, size_t len) {
    keel_buf b = KEEL_BUF_INIT;
    if (keel_json_quote(&b, text, len) == 0) {
        keel_json_raw(w, keel_json_view(b.data, b.len));
        keel_buf_free(&b);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x80) {
            keel_buf_putc(&b, (char)c);
        } else {
            keel_buf_putc(&b, (char)(0xc0 | c >> 6));
            keel_buf_putc(&b, (char)(0x80 | (c & 0x3f)));
        }
    }
    keel_json_textn(w, b.data, b.len);
    keel_buf_free(&b);
}

static void trim(const char **text, size_t *len) {
    while (*len && isspace((unsigned char)**text)) {
        ++*text;
        --*len;
    }
    while (*len && isspace((unsigned char)(*text)[*len - 1])) {
        --*len;
    }
}

static void put_header(keel_json_writer *w, char *line, size_t len) {
    char *colon = memchr(line, ':', len);
    if (!colon || colon == line) {
        return; /* the empty line at the end, and what is none */
    }
    size_t name = (size_t)(colon - line);
    for (size_t i = 0; i < name; i++) {
        line[i] = (char)tolower((unsigned char)line[i]);
    }
    if (name == 16 && memcmp(line, "content-encoding", name) == 0) {
        return; /* the body is decoded */
    }
    const char *value = colon + 1;
    size_t value_len = len - name - 1;
    trim(&value, &value_len);
    keel_json_array(w);
    put_text(w, line, name);
    put_text(w, value, value_len);
    keel_json_array_end(w);
}

static void put_headers(keel_json_writer *w, keel_buf *head) {
    keel_json_array(w);
    for (char *p = head->data, *end = p + head->len; p && p < end;) {
        char *newline = memchr(p, '\n', (size_t)(end - p));
        size_t len = newline ? (size_t)(newline - p) : (size_t)(end - p);
        put_header(w, p, len);
        p += len + 1;
    }
    keel_json_array_end(w);
}

void http_answer(request *r, int status) {
    const scrub *s = r->t.conn->scrub;
    keel_buf json = KEEL_BUF_INIT;
    keel_buf head = KEEL_BUF_INIT;
    keel_json_writer w;
    scrub_bytes(s, r->head.data, r->head.len);
    scrub_bytes(s, r->answer.data, r->answer.len);
    scrub_bytes(s, r->permit.url.data, r->permit.url.len);
    keel_json_write(&w, &json);
    keel_json_object(&w);
    keel_json_key(&w, "headers");
    put_headers(&w, &r->head);
    keel_json_set_int(&w, "status", status);
    keel_json_key(&w, "url");
    put_text(&w, r->permit.url.data, r->permit.url.len);
    keel_json_object_end(&w);
    if (json.len > UINT16_MAX) {
        keel_buf_free(&json);
        r->too_large = true;
        http_fail(r, "unknown", "The answer's headers are larger than 60 KiB.");
        return;
    }
    frame_put(&head, json.data, json.len);
    door_send(r->door, E_DONE, r->run, head.data, head.len, r->answer.data, r->answer.len);
    keel_buf_free(&json);
    keel_buf_free(&head);
}
