/* A connector that lies to its kernel and to egress in their own words, and that tries to outlive, leave
 * and hurt them; what it does is in the resource's name. For tests/sandbox/objects.c and doors.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hostile.h"
#include "keel/http.h"

/* frame.h, protocol.h and egress_protocol.h, as an attacker has them: by heart */
enum { X_READY = 64, X_REPLY = 71, X_FAIL = 72, X_NOTE = 73, CHUNK = 0xfff0, CHUNK_ACK = 0xfff1 };
enum { E_HTTP = 1, E_OPEN, E_DATA, E_TAKEN, E_CLOSE, E_CANCEL };

const keel_host *hostile_host;
static const keel_http *http;

/* ---- frames ---- */

static void put(char *to, uint64_t n, int bytes) {
    for (int i = 0; i < bytes; i++) {
        to[i] = (char)(n >> 8 * i);
    }
}

static size_t frame(char *to, uint32_t len, unsigned type, uint64_t run, uint64_t ref,
                    const char *body) {
    put(to, len, 4);
    put(to + 4, type, 2);
    put(to + 6, 0, 2);
    put(to + 8, run, 8);
    put(to + 16, ref, 8);
    size_t n = strlen(body);
    memcpy(to + 24, body, n);
    return 24 + n;
}

static void push(int fd, const char *bytes, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n <= 0) {
            return;
        }
        bytes += n;
        len -= (size_t)n;
    }
}

static void send_frame(int fd, unsigned type, uint64_t run, uint64_t ref, const char *body) {
    char bytes[4096];
    push(fd, bytes, frame(bytes, (uint32_t)strlen(body), type, run, ref, body));
}

/* A head (length of a string before it) and nothing else: what E_HTTP and E_OPEN carry. */
static void send_head(unsigned type, uint64_t run, uint64_t ref, const char *head) {
    char bytes[4096] = "";
    size_t n = strlen(head);
    size_t at = frame(bytes, (uint32_t)n + 2, type, run, ref, "");
    put(bytes + at, n, 2);
    memcpy(bytes + at + 2, head, n);
    push(EGRESS, bytes, at + 2 + n);
}

static int door(const asked *a) {
    return strncmp(a->r->resource.data, "egress_", 7) == 0 ? EGRESS : KERNEL;
}

static keel_status frame_4gb(const asked *a) {
    char bytes[64];
    push(door(a), bytes, frame(bytes, 0xffffffffu, X_NOTE, 0, 0, "x"));
    return say(a, "null");
}

/* A whole, good frame, one byte at a time; then the answer. It goes well. */
static keel_status frame_slow(const asked *a) {
    char bytes[200];
    size_t len = door(a) == KERNEL
                     ? frame(bytes, 27, X_NOTE, 0, 0, "{\"level\":\"info\",\"text\":\"s\"}")
                     : frame(bytes, 0, E_TAKEN, 9, 9, "");
    for (size_t i = 0; i < len; i++) {
        push(door(a), bytes + i, 1);
        nanosleep(&(struct timespec){0, 500000}, NULL);
    }
    return say(a, "null");
}

static keel_status frame_half(const asked *a) {
    char bytes[64];
    push(door(a), bytes, frame(bytes, 1000, X_NOTE, 0, 0, "half"));
    for (;;) {
        pause();
    }
    return say(a, "null");
}

static keel_status frame_flood(const asked *a) {
    static char bytes[24 * 2000];
    for (size_t i = 0; i < 2000; i++) {
        frame(bytes + 24 * i, 0, door(a) == KERNEL ? X_NOTE : E_TAKEN, 7, 7, "");
    }
    for (int i = 0; i < 500; i++) {
        push(door(a), bytes, sizeof bytes);
    }
    return say(a, "null");
}

static keel_status frame_unknown(const asked *a) {
    send_frame(door(a), 0x7777, 1, 1, "{}");
    return say(a, "null");
}

static keel_status chunk_first(const asked *a) {
    send_frame(door(a), CHUNK, 5, 5, "a piece of nothing");
    return say(a, "null");
}

static keel_status chunk_ack(const asked *a) {
    send_frame(door(a), CHUNK_ACK, 5, 5, "");
    return say(a, "null");
}

/* ---- answers ---- */

/* Answers to every verb but its own, then to its own. */
static keel_status reply_other(const asked *a) {
    for (uint64_t ref = 1000; ref < 1100; ref++) {
        send_frame(KERNEL, X_REPLY, 0, ref, "{\"result\":\"stolen\"}");
    }
    send_frame(KERNEL, X_REPLY, 0, 0, "{\"result\":\"stolen\"}");
    return say(a, "null");
}

static keel_status reply_twice(const asked *a) {
    for (uint64_t ref = 1; ref < 20; ref++) {
        send_frame(KERNEL, X_REPLY, 0, ref, "{\"result\":\"first\"}");
        send_frame(KERNEL, X_FAIL, 0, ref, "{\"code\":\"denied\",\"message\":\"second\"}");
    }
    return say(a, "\"third\"");
}

static keel_status reply_no_json(const asked *a) {
    for (uint64_t ref = 1; ref < 20; ref++) {
        send_frame(KERNEL, X_REPLY, 0, ref, "{\"result\":");
    }
    return say(a, "null");
}

/* A reply that no good executor sends, by the number in the body. */
static keel_status reply_odd(const asked *a) {
    static const char *const bodies[] = {
        "[]",
        "{}",
        "null",
        "{\"cost\":7,\"result\":1}",
        "{\"cost\":{\"currency\":7,\"micros\":\"x\"}}",
        "{\"kv\":7,\"result\":1}",
        "{\"kv\":{\"\":1},\"result\":1}",
        "{\"kv\":{\"a\\u0000b\":1,\"a\\u0000c\":2},\"result\":1}",
        "{\"kv\":{\"b\":1,\"a\":2},\"result\":1}",
        "{\"kv\":{\"a\":1,\"a\":2},\"result\":1}",
        "{\"cost\":{\"currency\":\"EUR\",\"micros\":-1},\"result\":1}",
        "{\"cost\":{\"currency\":\"EUROS\",\"micros\":1e+300},\"result\":1}",
        "{\"kv\":{\"\xf0\x90\x80\x80\":2,\"\xef\xbc\x91\":1},\"result\":1}",
    };
    long i = strtol(a->r->body.data, NULL, 10);
    for (uint64_t ref = 1; ref < 20; ref++) {
        send_frame(KERNEL, X_REPLY, 0, ref, bodies[(size_t)i % (sizeof bodies / sizeof *bodies)]);
    }
    return say(a, "null");
}

static keel_status ready_again(const asked *a) {
    send_frame(KERNEL, X_READY, 0, 0, "{\"id\":\"com.example.other\",\"version\":\"9.9.9\"}");
    send_frame(KERNEL, 65, 0, 0, "{\"message\":\"x\",\"next\":\"y\"}");
    for (unsigned type = 66; type < 71; type++) {
        send_frame(KERNEL, type, 1, 1, "{\"state\":\"ended\",\"result\":1}");
    }
    return say(a, "null");
}

/* ---- egress ---- */

static const char get[] = "{\"follow\":false,\"headers\":[],\"limit\":1000,\"method\":\"GET\","
                          "\"timeout_us\":100000,\"url\":\"http://127.0.0.1:1/\"}";

static keel_status order_other(const asked *a) {
    for (uint64_t ref = 0; ref < 200; ref++) {
        send_head(E_HTTP, 100000 + ref, ref, get);
    }
    return say(a, "null");
}

static keel_status head_bad(const asked *a) {
    static const char *const heads[] = {"",
                                        "{",
                                        "[]",
                                        "null",
                                        "{}",
                                        "{\"url\":7}",
                                        "{\"url\":\"\"}",
                                        "{\"method\":\"GET\\u0000\",\"url\":\"http://x/\"}"};
    for (uint64_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        send_head(E_HTTP, 1000 + 2 * i, 1, heads[i]);
        send_head(E_OPEN, 1001 + 2 * i, 1, heads[i]);
    }
    send_frame(EGRESS, E_HTTP, 5000, 1, "");
    send_frame(EGRESS, E_OPEN, 5001, 1, "\xff\xff short");
    return say(a, "null");
}

static keel_status stream_unknown(const asked *a) {
    for (uint64_t run = 0; run < 100; run++) {
        send_frame(EGRESS, E_DATA, run, 1, "bytes");
        send_frame(EGRESS, E_TAKEN, run, UINT64_MAX, "");
        send_frame(EGRESS, E_CLOSE, run, 1, "");
        send_frame(EGRESS, E_CANCEL, run, 1, "");
    }
    return say(a, "null");
}

static keel_status run_back(const asked *a) {
    send_head(E_HTTP, UINT64_MAX, 1, get);
    send_head(E_HTTP, 1, 1, get);
    return say(a, "null");
}

static keel_status uses_http(const asked *a) {
    keel_http_response out = {.size = sizeof out};
    keel_http_request request = {
        .size = sizeof request, .method = "GET", .url = "http://127.0.0.1:1/"};
    keel_status s = http ? http->send(http->ctx, a->call, &request, &out) : KEEL_E_INTERNAL;
    return s == KEEL_E_DENIED ? say(a, "null") : KEEL_E_CONFLICT;
}

/* ---- the table ---- */

static const struct {
    const char *name;
    keel_status (*f)(const asked *a);
} acts[] = {
    {"frame_4gb", frame_4gb},
    {"frame_slow", frame_slow},
    {"frame_half", frame_half},
    {"frame_flood", frame_flood},
    {"frame_unknown", frame_unknown},
    {"chunk_first", chunk_first},
    {"chunk_ack", chunk_ack},
    {"reply_other", reply_other},
    {"reply_twice", reply_twice},
    {"reply_no_json", reply_no_json},
    {"reply_odd", reply_odd},
    {"ready_again", ready_again},
    {"egress_4gb", frame_4gb},
    {"egress_slow", frame_slow},
    {"egress_flood", frame_flood},
    {"egress_unknown", frame_unknown},
    {"egress_chunk_first", chunk_first},
    {"egress_chunk_ack", chunk_ack},
    {"egress_order", order_other},
    {"egress_head", head_bad},
    {"egress_stream", stream_unknown},
    {"egress_back", run_back},
    {"egress_use", uses_http},
};

static keel_status act(void *self, keel_call *call, const keel_request *r) {
    const asked a = {call, r};
    (void)self;
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (strcmp(r->resource.data, acts[i].name) == 0) {
            return acts[i].f(&a);
        }
    }
    keel_status status = KEEL_E_NOT_IMPLEMENTED;
    hostile_leave(&a, r->resource.data, &status);
    return status;
}

static keel_status create(const keel_host *h, keel_span config, void **self) {
    (void)config;
    hostile_host = h;
    http = h->get_service(h->ctx, KEEL_HTTP_SERVICE);
    *self = NULL;
    return KEEL_OK;
}

static void destroy(void *self) {
    (void)self;
}

static const keel_connector connector = {
    .size = sizeof connector, .create = create, .destroy = destroy, .read = act, .write = act};

static const keel_plugin plugin = {.magic = KEEL_ABI_MAGIC,
                                   .size = sizeof plugin,
                                   .abi_major = KEEL_ABI_MAJOR,
                                   .abi_minor = KEEL_ABI_MINOR,
                                   .kind = KEEL_KIND_CONNECTOR,
                                   .id = "com.example.abi",
                                   .version = "1.0.0",
                                   .connector = &connector};

const keel_plugin *keel_plugin_entry(void) {
    return &plugin;
}
