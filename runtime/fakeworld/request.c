#include "request.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int hex_digit(char c) {
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

static void decode(char *out, size_t size, const char *p, size_t len, bool plus) {
    size_t n = 0;
    for (size_t i = 0; i < len && n + 1 < size; i++) {
        char c = p[i];
        if (c == '%' && i + 2 < len && hex_digit(p[i + 1]) >= 0 && hex_digit(p[i + 2]) >= 0) {
            c = (char)(hex_digit(p[i + 1]) * 16 + hex_digit(p[i + 2]));
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        out[n++] = c;
    }
    out[n] = 0;
}

static bool parse_line(request *r, const char *line, size_t len) {
    const char *space = memchr(line, ' ', len);
    const char *end = space ? memchr(space + 1, ' ', len - (size_t)(space + 1 - line)) : NULL;
    if (!end || (size_t)(space - line) >= sizeof r->method || strncmp(end + 1, "HTTP/1.", 7)) {
        return false;
    }
    memcpy(r->method, line, (size_t)(space - line));
    r->method[space - line] = 0;
    const char *target = space + 1;
    const char *mark = memchr(target, '?', (size_t)(end - target));
    if ((size_t)(end - target) >= REQUEST_PATH || *target != '/') {
        return false;
    }
    decode(r->path, sizeof r->path, target, (size_t)((mark ? mark : end) - target), false);
    r->query[0] = 0;
    if (mark) {
        memcpy(r->query, mark + 1, (size_t)(end - mark - 1));
        r->query[end - mark - 1] = 0;
    }
    return true;
}

static bool parse_headers(request *r, const char *p, const char *end) {
    while (p < end) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));
        line_end = line_end ? line_end : end;
        const char *colon = memchr(p, ':', (size_t)(line_end - p));
        const char *stop = line_end;
        while (stop > p && (stop[-1] == '\r' || stop[-1] == ' ')) {
            stop--;
        }
        if (stop > p && !colon) {
            return false;
        }
        for (const char *c = p; colon && c < colon; c++) {
            keel_buf_putc(&r->head, (char)tolower((unsigned char)*c));
        }
        if (colon) {
            const char *value = colon + 1;
            while (value < stop && *value == ' ') {
                value++;
            }
            keel_buf_puts(&r->head, ": ");
            keel_buf_append(&r->head, value, (size_t)(stop - value));
            keel_buf_putc(&r->head, '\n');
        }
        p = line_end + 1;
    }
    return true;
}

/* A body in chunks: bytes taken, 0 or -1 as request_parse. */
static long parse_chunks(request *r, const char *p, size_t len) {
    size_t at = 0;
    for (;;) {
        const char *nl = memchr(p + at, '\n', len - at);
        if (!nl) {
            return len - at > 64 ? -1 : 0;
        }
        char *stop;
        unsigned long size = strtoul(p + at, &stop, 16);
        if (stop == p + at || size > REQUEST_BODY_LIMIT - r->body.len) {
            return -1;
        }
        at = (size_t)(nl - p) + 1;
        if (len - at < size + 2) {
            return 0;
        }
        keel_buf_append(&r->body, p + at, size);
        at += size + 2;
        if (size == 0) {
            return (long)at;
        }
    }
}

static long parse_body(request *r, const char *p, size_t len) {
    char value[64];
    if (request_header(r, "transfer-encoding", value, sizeof value)) {
        return strcasecmp(value, "chunked") == 0 ? parse_chunks(r, p, len) : -1;
    }
    if (!request_header(r, "content-length", value, sizeof value)) {
        return -2;
    }
    char *end;
    unsigned long size = strtoul(value, &end, 10);
    if (*end || end == value || size > REQUEST_BODY_LIMIT) {
        return -1;
    }
    if (size == 0) {
        return -2;
    }
    if (len < size) {
        return 0;
    }
    keel_buf_append(&r->body, p, size);
    return (long)size;
}

long request_parse(request *r, const char *data, size_t len) {
    const char *blank = memmem(data, len, "\r\n\r\n", 4);
    if (!blank) {
        return len > REQUEST_HEAD_LIMIT ? -1 : 0;
    }
    const char *line_end = memchr(data, '\r', len);
    size_t head = (size_t)(blank - data) + 4;
    keel_buf_clear(&r->head);
    keel_buf_clear(&r->body);
    keel_buf_reserve(&r->head, 1);
    keel_buf_reserve(&r->body, 1);
    if (!parse_line(r, data, (size_t)(line_end - data)) ||
        !parse_headers(r, line_end + 2, blank + 2)) {
        return -1;
    }
    char value[64];
    r->close = request_header(r, "connection", value, sizeof value) && !strcasecmp(value, "close");
    long body = parse_body(r, data + head, len - head);
    return body == -2 ? (long)head : body > 0 ? (long)head + body : body;
}

void request_copy(request *to, const request *from) {
    *to = *from;
    to->head = (keel_buf)KEEL_BUF_INIT;
    to->body = (keel_buf)KEEL_BUF_INIT;
    keel_buf_append(&to->head, from->head.data, from->head.len);
    keel_buf_append(&to->body, from->body.data, from->body.len);
    keel_buf_reserve(&to->head, 1);
}

void request_free(request *r) {
    keel_buf_free(&r->head);
    keel_buf_free(&r->body);
}

bool request_header(const request *r, const char *name, char *out, size_t size) {
    size_t want = strlen(name);
    for (const char *p = r->head.data; p && *p;) {
        const char *end = strchr(p, '\n');
        if (!strncasecmp(p, name, want) && p[want] == ':') {
            snprintf(out, size, "%.*s", (int)(end - p - (long)want - 2), p + want + 2);
            return true;
        }
        p = end + 1;
    }
    return false;
}

bool request_query(const request *r, const char *name, char *out, size_t size) {
    size_t want = strlen(name);
    for (const char *p = r->query; *p;) {
        size_t len = strcspn(p, "&");
        if (!strncmp(p, name, want) && (p[want] == '=' || want == len)) {
            size_t skip = want == len ? len : want + 1;
            decode(out, size, p + skip, len - skip, true);
            return true;
        }
        p += len + (p[len] == '&');
    }
    return false;
}
