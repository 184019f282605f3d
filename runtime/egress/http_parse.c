/* A request as an executor words it: every field is checked before any of it is used. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "egress.h"

#define HEADER_COUNT 100
#define HEADER_BYTES 32768

/* What egress itself says of a request, and what would change whose request it is or where it ends. */
static const char *const reserved[] = {
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "authorization",
    "cookie",
    "cookie2",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "keep-alive",
    "http2-settings",
    "accept-encoding",
};

bool http_header_reserved(const char *name, size_t len) {
    if (len >= 6 && strncasecmp(name, "proxy-", 6) == 0) {
        return true;
    }
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        if (len == strlen(reserved[i]) && strncasecmp(name, reserved[i], len) == 0) {
            return true;
        }
    }
    return false;
}

static bool token_char(unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool token(const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (!token_char((unsigned char)text[i])) {
            return false;
        }
    }
    return len > 0;
}

static bool value_ok(const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return len == 0 || (text[0] != ' ' && text[0] != '\t' && text[len - 1] != ' ');
}

static int take_method(request *r, keel_json v, diag *d) {
    static const char *const safe[] = {"GET", "HEAD", "OPTIONS"};
    long len = keel_json_copy(v, r->method, sizeof r->method);
    bool ok = len > 0 && (size_t)len < sizeof r->method && (size_t)len == strlen(r->method);
    for (const char *p = r->method; ok && *p; p++) {
        ok = (*p >= 'A' && *p <= 'Z') || *p == '-';
    }
    if (!ok || strcmp(r->method, "CONNECT") == 0 || strcmp(r->method, "TRACE") == 0) {
        return diag_set(d, DIAG_USAGE,
                        "The method is none that can be sent: capital letters, as in "
                        "GET or POST.");
    }
    for (size_t i = 0; i < sizeof safe / sizeof *safe; i++) {
        r->safe = r->safe || strcmp(r->method, safe[i]) == 0;
    }
    return 0;
}

static int bad_header(diag *d, const char *name, const char *why) {
    return diag_set(d, DIAG_USAGE, "The header %.60s cannot be sent: %s.", name, why);
}

/* One [NAME, VALUE]; `line` is scratch. */
static int take_header(request *r, keel_json pair, keel_buf *line, diag *d) {
    keel_json part[2] = {{NULL, 0}, {NULL, 0}};
    size_t n = 0;
    for (keel_json_iter it = keel_json_each(pair); keel_json_next(&it); n++) {
        part[n < 2 ? n : 1] = it.value;
    }
    keel_buf_clear(line);
    if (n != 2 || !keel_json_string(part[0], line) || !token(line->data, line->len)) {
        return diag_set(d, DIAG_USAGE, "A header's name is not one: letters, digits and \"-\".");
    }
    size_t name = line->len;
    if (http_header_reserved(line->data, name)) {
        keel_buf_putc(line, '\0');
        return bad_header(d, line->data, "Keel itself says it");
    }
    keel_buf_puts(line, ": ");
    size_t value = line->len;
    if (!keel_json_string(part[1], line) || !value_ok(line->data + value, line->len - value)) {
        line->data[name] = 0;
        return bad_header(d, line->data, "its value has a line break or another control character");
    }
    if (line->len == value) {
        line->len = name;
        keel_buf_putc(line, ';'); /* curl's way to send an empty one */
    }
    keel_buf_putc(line, '\0');
    struct curl_slist *list = curl_slist_append(r->list, line->data);
    r->list = list ? list : r->list;
    r->list_given++;
    return list ? 0 : DIAG_FAILED;
}

static int take_headers(request *r, keel_json list, diag *d) {
    keel_buf line = KEEL_BUF_INIT;
    size_t bytes = 0;
    int result = 0;
    if (keel_json_typeof(list) != KEEL_JSON_ARRAY && keel_json_typeof(list) != KEEL_JSON_NONE) {
        return diag_set(d, DIAG_USAGE, "The headers are no list.");
    }
    for (keel_json_iter it = keel_json_each(list); keel_json_next(&it) && result == 0;) {
        result = take_header(r, it.value, &line, d);
        bytes += line.len;
        if (result == 0 && (r->list_given > HEADER_COUNT || bytes > HEADER_BYTES)) {
            result = diag_set(d, DIAG_USAGE, "The headers are too many: %d or %d bytes at most.",
                              HEADER_COUNT, HEADER_BYTES);
        }
    }
    keel_buf_free(&line);
    return result;
}

static int take_body(request *r, const char *data, size_t len, diag *d) {
    if (len > EGRESS_BODY) {
        return diag_set(d, DIAG_USAGE, "The body is larger than 15 MiB.");
    }
    if (len && (strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0)) {
        return diag_set(d, DIAG_USAGE, "A %s has no body.", r->method);
    }
    r->body = keel_memdup(len ? data : "", len);
    r->body_len = len;
    return 0;
}

static int64_t positive(keel_json v, const char *key, int64_t otherwise) {
    int64_t n = 0;
    return keel_json_int(keel_json_get(v, key), &n) && n > 0 && n < otherwise ? n : otherwise;
}

int http_parse(request *r, const frame *f, keel_buf *url, diag *d) {
    frame_reader reader = frame_read(f);
    const char *field;
    size_t len;
    keel_json_error err;
    if (frame_get(&reader, &field, &len) < 0 || keel_json_check(field, len, &err) < 0) {
        return diag_set(d, DIAG_USAGE, "The request cannot be read.");
    }
    keel_json v = keel_json_view(field, len);
    int64_t left_us = r->order->deadline_us - egress_now_us();
    r->follow = keel_json_true(keel_json_get(v, "follow"));
    r->limit = (uint64_t)positive(v, "limit", EGRESS_BODY);
    r->deadline_us = egress_now_us() + positive(v, "timeout_us", left_us);
    if (!keel_json_string(keel_json_get(v, "url"), url) || url->len == 0) {
        return diag_set(d, DIAG_USAGE, "The request names no URL.");
    }
    if (take_method(r, keel_json_get(v, "method"), d) < 0 ||
        take_headers(r, keel_json_get(v, "headers"), d) < 0) {
        return DIAG_USAGE;
    }
    return take_body(r, reader.p, (size_t)(reader.end - reader.p), d);
}
