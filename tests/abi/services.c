/* A connector that uses the services in the way that a resource's name and the body say, and replies
 * what they gave. It reads its input by keel.json/1, which is thereby tested too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keel/clock.h"
#include "keel/fs.h"
#include "keel/http.h"
#include "keel/json_service.h"
#include "keel/kv.h"
#include "keel/plugin.h"
#include "keel/stream.h"

typedef struct services {
    const keel_host *host;
    const keel_http *http;
    const keel_stream *stream;
    const keel_kv *kv;
    const keel_clock *clock;
    const keel_json_service *json;
    uint64_t kept; /* a stream that an earlier verb opened */
} services;

typedef struct asked {
    services *s;
    keel_call *call;
    const keel_request *r;
} asked;

static keel_status say(const asked *a, const char *text) {
    return a->s->host->reply(a->s->host->ctx, a->call, (keel_span){text, strlen(text)});
}

static keel_span get_text(const asked *a, const char *path) {
    keel_span out = {"", 0};
    a->s->json->text(a->s->json->ctx, a->call, a->r->body, path, &out);
    return out;
}

static uint64_t get_number(const asked *a, const char *path) {
    keel_span out = {"0", 1};
    a->s->json->get(a->s->json->ctx, a->call, a->r->body, path, &out);
    return strtoull(out.data, NULL, 10);
}

static char *pattern(const asked *a, size_t len) {
    char *to = a->s->host->scratch(a->s->host->ctx, a->call, len + 1);
    for (size_t i = 0; i < len; i++) {
        to[i] = (char)('a' + (i * 7 + i / 4096) % 26);
    }
    return to;
}

static uint32_t sum(uint32_t so_far, keel_span bytes) {
    for (size_t i = 0; i < bytes.len; i++) {
        so_far = so_far * 31 + (unsigned char)bytes.data[i];
    }
    return so_far;
}

/* ---- HTTP ---- */

static keel_status reply_response(const asked *a, const keel_http_response *out) {
    char text[4000];
    keel_span body = {"\"\"", 2};
    if (out->body.len < 3000 &&
        a->s->json->quote(a->s->json->ctx, a->call, out->body, &body) != KEEL_OK) {
        return KEEL_E_INTERNAL;
    }
    snprintf(text, sizeof text,
             "{\"body\":%.*s,\"first\":\"%.*s=%.*s\",\"headers\":%zu,\"length\":%zu,"
             "\"status\":%d,\"sum\":%u,\"url\":\"%.*s\"}",
             (int)body.len, body.data, out->header_count ? (int)out->headers[0].name.len : 0,
             out->header_count ? out->headers[0].name.data : "",
             out->header_count ? (int)out->headers[0].value.len : 0,
             out->header_count ? out->headers[0].value.data : "", out->header_count, out->body.len,
             out->status, sum(0, out->body), (int)out->url.len, out->url.data);
    return say(a, text);
}

static keel_status http(const asked *a) {
    keel_http_header headers[200];
    keel_http_response out = {.size = sizeof out, .status = -1};
    keel_http_request request = {
        .size = sizeof request,
        .flags = (uint32_t)get_number(a, "flags"),
        .method = get_text(a, "method").data,
        .url = get_text(a, "url").data,
        .headers = headers,
        .header_count = get_number(a, "headers"),
        .body = get_text(a, "body"),
        .body_limit = get_number(a, "limit"),
        .timeout_ns = get_number(a, "timeout_us") * 1000,
    };
    keel_span name = get_text(a, "name"), value = get_text(a, "value");
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        headers[i] = (keel_http_header){name, value};
    }
    if (get_number(a, "size")) {
        request.body.len = get_number(a, "size");
        request.body.data = pattern(a, request.body.len);
    }
    keel_status status = a->s->http->send(a->s->http->ctx, a->call, &request, &out);
    if (status != KEEL_OK && (out.status != -1 || out.body.data || out.headers)) {
        return a->s->host->fail(a->s->host->ctx, a->call, KEEL_E_INTERNAL,
                                "a failure left results behind");
    }
    return status == KEEL_OK ? reply_response(a, &out) : status;
}

/* A plugin of an older minor: its structs end early. */
static keel_status http_short(const asked *a) {
    struct {
        keel_http_response r;
    } out = {{.size = offsetof(keel_http_response, url)}};
    keel_http_request request = {.size = offsetof(keel_http_request, headers),
                                 .flags = 0,
                                 .method = "PUT",
                                 .url = "http://sim.example/echo",
                                 .headers = (const keel_http_header *)8,
                                 .header_count = 5,
                                 .body = {(const char *)8, 99},
                                 .body_limit = 1};
    out.r.url = (keel_span){"untouched", 9};
    out.r.header_count = 77;
    keel_status status = a->s->http->send(a->s->http->ctx, a->call, &request, &out.r);
    if (status != KEEL_OK || out.r.header_count != 77 || out.r.url.len != 9 ||
        out.r.status != 200 || out.r.size != offsetof(keel_http_response, url)) {
        return status < 0 ? status : KEEL_E_INTERNAL;
    }
    return a->s->host->reply(a->s->host->ctx, a->call, out.r.body);
}

/* Calls that are wrong in themselves; each is refused, none ends the process. */
static keel_status misuse(const asked *a) {
    services *s = a->s;
    keel_span span;
    uint64_t id;
    keel_http_response out = {.size = sizeof out};
    keel_http_response none = {.size = 0};
    keel_http_request good = {.size = sizeof good, .method = "GET", .url = "http://sim.example/"};
    keel_http_request empty = {.size = 0};
    keel_http_request no_body = good, no_headers = good;
    no_body.body.len = 5;
    no_headers.header_count = 5;
    keel_call *odd = (keel_call *)(void *)&out;
    const keel_status got[] = {
        s->http->send(s->http->ctx, NULL, &good, &out),
        s->http->send(s->http->ctx, odd, &good, &out),
        s->http->send(s->http->ctx, a->call, NULL, &out),
        s->http->send(s->http->ctx, a->call, &good, NULL),
        s->http->send(s->http->ctx, a->call, &good, &none),
        s->http->send(s->http->ctx, a->call, &empty, &out),
        s->http->send(s->http->ctx, a->call, &no_body, &out),
        s->http->send(s->http->ctx, a->call, &no_headers, &out),
        s->stream->open(s->stream->ctx, NULL, "tls://echo:1", &id),
        s->stream->open(s->stream->ctx, a->call, NULL, &id),
        s->stream->open(s->stream->ctx, a->call, "tls://echo:1", NULL),
        s->stream->receive(s->stream->ctx, odd, 1, &span),
        s->kv->get(s->kv->ctx, odd, "a", &span),
        s->kv->get(s->kv->ctx, a->call, NULL, &span),
        s->kv->put(s->kv->ctx, odd, "a", (keel_span){"1", 1}),
        s->kv->put(s->kv->ctx, a->call, NULL, (keel_span){"1", 1}),
        s->kv->put(s->kv->ctx, a->call, "a", (keel_span){NULL, 1}),
        s->clock->sleep(s->clock->ctx, odd, 1),
        s->json->canonical(s->json->ctx, odd, (keel_span){"1", 1}, &span),
        s->json->get(s->json->ctx, a->call, (keel_span){NULL, 0}, "a", &span),
        s->json->get(s->json->ctx, a->call, (keel_span){"{}", 2}, NULL, &span),
    };
    for (size_t i = 0; i < sizeof got / sizeof *got; i++) {
        if (got[i] != KEEL_E_INVALID) {
            char text[60];
            snprintf(text, sizeof text, "misuse %zu gave %d", i, got[i]);
            return s->host->fail(s->host->ctx, a->call, KEEL_E_INTERNAL, text);
        }
    }
    s->stream->close(s->stream->ctx, 0);
    s->stream->close(s->stream->ctx, 12345);
    return say(a, "\"refused\"");
}

/* ---- streams ---- */

static keel_status open_stream(const asked *a, uint64_t *id) {
    return a->s->stream->open(a->s->stream->ctx, a->call, get_text(a, "address").data, id);
}

static keel_status send_bytes(const asked *a, uint64_t id, const char *data, size_t len) {
    return a->s->stream->send(a->s->stream->ctx, a->call, id, (keel_span){data, len});
}

/* Sends `size` bytes of pattern, then `text`; receives once, or to the end. */
static keel_status stream(const asked *a) {
    uint64_t id = 0;
    size_t length = 0, size = get_number(a, "size");
    uint32_t check = 0;
    keel_span text = get_text(a, "text"), got = {"", 0};
    keel_status status = open_stream(a, &id);
    if (status == KEEL_OK && size) {
        status = send_bytes(a, id, pattern(a, size), size);
    }
    if (status == KEEL_OK && text.len) {
        status = send_bytes(a, id, text.data, text.len);
    }
    do {
        if (status == KEEL_OK) {
            status = a->s->stream->receive(a->s->stream->ctx, a->call, id, &got);
        }
        length += status == KEEL_OK ? got.len : 0;
        check = status == KEEL_OK ? sum(check, got) : check;
    } while (status == KEEL_OK && got.len && get_number(a, "all"));
    if (status != KEEL_OK) {
        return status;
    }
    char reply[400];
    snprintf(reply, sizeof reply, "{\"got\":\"%.*s\",\"length\":%zu,\"sum\":%u}",
             got.len < 200 ? (int)got.len : 0, got.data, length, check);
    a->s->stream->close(a->s->stream->ctx, id);
    return say(a, reply);
}

static keel_status keep(const asked *a) {
    keel_status status = open_stream(a, &a->s->kept);
    return status == KEEL_OK ? say(a, "\"kept\"") : status;
}

static keel_status use(const asked *a) {
    keel_span text = get_text(a, "text"), got;
    uint64_t id = a->s->kept + get_number(a, "off");
    keel_status status = KEEL_OK;
    if (text.len) {
        status = send_bytes(a, id, text.data, text.len);
    }
    if (status == KEEL_OK) {
        status = a->s->stream->receive(a->s->stream->ctx, a->call, id, &got);
    }
    keel_span quoted;
    if (status == KEEL_OK) {
        status = a->s->json->quote(a->s->json->ctx, a->call, got, &quoted);
    }
    return status == KEEL_OK ? a->s->host->reply(a->s->host->ctx, a->call, quoted) : status;
}

/* Sends `size` bytes on the kept stream. */
static keel_status flood(const asked *a) {
    size_t size = get_number(a, "size");
    keel_status status = send_bytes(a, a->s->kept, pattern(a, size), size);
    return status == KEEL_OK ? say(a, "\"sent\"") : status;
}

/* Opens `count` streams and says what the last gave. */
static keel_status many(const asked *a) {
    keel_status status = KEEL_OK;
    for (uint64_t i = 0; i < get_number(a, "count") && status == KEEL_OK; i++) {
        status = open_stream(a, &a->s->kept);
    }
    return status == KEEL_OK ? say(a, "\"opened\"") : status;
}

/* ---- kv, clock, JSON ---- */

static keel_status reply_kv(const asked *a, const char *key) {
    keel_span value;
    keel_status status = a->s->kv->get(a->s->kv->ctx, a->call, key, &value);
    return status == KEEL_OK ? a->s->host->reply(a->s->host->ctx, a->call, value) : status;
}

static keel_status kv_get(const asked *a) {
    return reply_kv(a, get_text(a, "key").data);
}

/* Puts the raw text of "json" (empty: removes) and replies what is then there. */
static keel_status kv_put(const asked *a) {
    keel_span key = get_text(a, "key");
    keel_status status = a->s->kv->put(a->s->kv->ctx, a->call, key.data, get_text(a, "json"));
    status = status == KEEL_OK ? reply_kv(a, key.data) : status;
    return status == KEEL_E_NOT_FOUND ? say(a, "\"removed\"") : status;
}

/* Puts `count` keys with values of `size` bytes; replies how many went in. */
static keel_status kv_many(const asked *a) {
    char *value = pattern(a, get_number(a, "size"));
    size_t size = get_number(a, "size");
    value[0] = value[size - 1] = '"';
    uint64_t done = 0;
    for (; done < get_number(a, "count"); done++) {
        char key[100];
        snprintf(key, sizeof key, "key-%03u", (unsigned)(get_number(a, "count") - done));
        if (a->s->kv->put(a->s->kv->ctx, a->call, key, (keel_span){value, size}) != KEEL_OK) {
            break;
        }
    }
    char text[40];
    snprintf(text, sizeof text, "%u", (unsigned)done);
    return say(a, text);
}

static keel_status kv_fails(const asked *a) {
    a->s->kv->put(a->s->kv->ctx, a->call, "lost", (keel_span){"1", 1});
    return a->s->host->fail(a->s->host->ctx, a->call, KEEL_E_CONFLICT, "not now");
}

static keel_status sleeps(const asked *a) {
    uint64_t before = a->s->clock->monotonic_ns(a->s->clock->ctx);
    uint64_t ns = get_number(a, "us") * 1000;
    keel_status status = a->s->clock->sleep(a->s->clock->ctx, a->call, ns);
    uint64_t slept = a->s->clock->monotonic_ns(a->s->clock->ctx) - before;
    char text[80];
    snprintf(text, sizeof text, "{\"slept\":%s,\"wall\":%s}", slept >= ns ? "true" : "false",
             a->s->clock->wall_us(a->s->clock->ctx) > 1700000000000000 ? "true" : "false");
    return status == KEEL_OK ? say(a, text) : status;
}

/* {"do":"canonical|get|text|quote","in":TEXT,"path":TEXT} -> the result as a text */
static keel_status json(const asked *a) {
    const keel_json_service *j = a->s->json;
    keel_span what = get_text(a, "do"), in = get_text(a, "in"), path = get_text(a, "path");
    keel_span out = {"", 0}, quoted;
    keel_status status =
        strcmp(what.data, "canonical") == 0 ? j->canonical(j->ctx, a->call, in, &out)
        : strcmp(what.data, "get") == 0     ? j->get(j->ctx, a->call, in, path.data, &out)
        : strcmp(what.data, "text") == 0    ? j->text(j->ctx, a->call, in, path.data, &out)
                                         : j->quote(j->ctx, a->call, (keel_span){"\xff", 1}, &out);
    if (status == KEEL_OK && out.data[out.len] != '\0') {
        return KEEL_E_INTERNAL;
    }
    status = status == KEEL_OK ? j->quote(j->ctx, a->call, out, &quoted) : status;
    return status == KEEL_OK ? a->s->host->reply(a->s->host->ctx, a->call, quoted) : status;
}

static keel_status has(const asked *a) {
    char text[200];
    services *s = a->s;
    snprintf(text, sizeof text,
             "{\"clock\":%d,\"http\":%d,\"json\":%d,\"kv\":%d,\"other\":%d,\"stream\":%d}",
             s->clock != NULL, s->http != NULL, s->json != NULL, s->kv != NULL,
             s->host->get_service(s->host->ctx, "keel.http/2") != NULL, s->stream != NULL);
    return say(a, text);
}

static const struct {
    const char *name;
    keel_status (*f)(const asked *a);
} acts[] = {
    {"http", http},         {"http_short", http_short},
    {"misuse", misuse},     {"stream", stream},
    {"keep", keep},         {"use", use},
    {"many", many},         {"kv_get", kv_get},
    {"kv_put", kv_put},     {"kv_many", kv_many},
    {"kv_fails", kv_fails}, {"sleep", sleeps},
    {"json", json},         {"has", has},
    {"flood", flood},
};

static keel_status act(void *self, keel_call *call, const keel_request *r) {
    const asked a = {self, call, r};
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (strcmp(r->resource.data, acts[i].name) == 0) {
            return acts[i].f(&a);
        }
    }
    return KEEL_E_NOT_IMPLEMENTED;
}

static keel_status create(const keel_host *host, keel_span config, void **self) {
    (void)config;
    services *s = host->alloc(host->ctx, sizeof *s);
    s->host = host;
    s->http = host->get_service(host->ctx, KEEL_HTTP_SERVICE);
    s->stream = host->get_service(host->ctx, KEEL_STREAM_SERVICE);
    s->kv = host->get_service(host->ctx, KEEL_KV_SERVICE);
    s->clock = host->get_service(host->ctx, KEEL_CLOCK_SERVICE);
    s->json = host->get_service(host->ctx, KEEL_JSON_SERVICE);
    keel_span out;
    keel_http_response r = {.size = sizeof r};
    keel_http_request q = {.size = sizeof q, .method = "GET", .url = "http://sim.example/"};
    if (s->json->canonical(s->json->ctx, NULL, (keel_span){"1", 1}, &out) != KEEL_E_INVALID ||
        (s->http && s->http->send(s->http->ctx, NULL, &q, &r) != KEEL_E_INVALID)) {
        return KEEL_E_INTERNAL; /* there is no call here */
    }
    *self = s;
    return KEEL_OK;
}

KEEL_CONNECTOR("com.example.abi", "1.0.0", .create = create, .read = act, .write = act)
