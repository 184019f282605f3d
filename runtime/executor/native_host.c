/* The table of functions that a plugin calls. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "native.h"
#include "text.h"

#define REPLY_LIMIT (FRAME_LIMIT - 4096) /* what fits into one frame with its envelope */

void *native_lend(native_block **list, size_t size) {
    native_block *b = keel_alloc(sizeof *b + size);
    memset(b->bytes, 0, size);
    b->next = *list;
    *list = b;
    return b->bytes;
}

void native_take_back(native_block **list) {
    while (*list) {
        native_block *b = *list;
        *list = b->next;
        free(b);
    }
}

keel_span native_lend_copy(keel_call *call, const char *data, size_t len) {
    native_block *b = keel_alloc(sizeof *b + len + 1);
    if (len) {
        memcpy(b->bytes, data, len);
    }
    b->bytes[len] = '\0';
    b->next = call->scratch;
    call->scratch = b;
    return (keel_span){(const char *)b->bytes, len};
}

bool native_is_current(const native *n, const keel_call *call) {
    return call && call == n->call;
}

static void host_log(void *ctx, int32_t level, const char *text) {
    static const char *const names[] = {"debug", "info", "warn", "error"};
    native *n = ctx;
    int32_t i = level < KEEL_LOG_DEBUG ? KEEL_LOG_DEBUG : level;
    executor_note(n->x, names[i > KEEL_LOG_ERROR ? KEEL_LOG_ERROR : i], text ? text : "");
}

static void *host_alloc(void *ctx, size_t size) {
    native *n = ctx;
    return native_lend(&n->lent, size);
}

static void *host_scratch(void *ctx, keel_call *call, size_t size) {
    (void)ctx;
    return native_lend(&call->scratch, size);
}

static keel_status bad_reply(keel_call *call, const char *why) {
    call->replied = false;
    snprintf(call->bad, sizeof call->bad, "%s", why);
    return KEEL_E_INVALID;
}

static keel_status host_reply(void *ctx, keel_call *call, keel_span body) {
    (void)ctx;
    keel_json_error e;
    keel_buf_clear(&call->reply);
    call->continues = false;
    if (body.len == 0) {
        body = (keel_span){"null", 4};
    }
    if (keel_json_canonical(&call->reply, body.data, body.len, &e) < 0) {
        char why[sizeof call->bad];
        snprintf(why, sizeof why, "the answer is no JSON, at byte %zu: %s", e.offset, e.message);
        return bad_reply(call, why);
    }
    if (call->reply.len > REPLY_LIMIT) {
        return bad_reply(call, "the answer is larger than 16 MiB; read in parts, with a cursor");
    }
    call->replied = true;
    call->bad[0] = '\0';
    return KEEL_OK;
}

static keel_status host_cost(void *ctx, keel_call *call, int64_t micros, const char *currency) {
    (void)ctx;
    bool letters = currency && strspn(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3 && !currency[3];
    if (!letters || micros < 0) {
        return KEEL_E_INVALID;
    }
    call->has_cost = true;
    call->cost_micros = micros;
    memcpy(call->currency, currency, sizeof call->currency);
    return KEEL_OK;
}

static keel_status host_fail(void *ctx, keel_call *call, keel_status status, const char *text) {
    native *n = ctx;
    char *to = call ? call->message : n->why;
    snprintf(to, sizeof n->why, "%s", text ? text : "");
    text_clean(to);
    return status;
}

static int32_t host_cancelled(void *ctx, const keel_call *call) {
    native *n = ctx;
    return (call->deadline_ns && clock_monotonic_ns() >= call->deadline_ns) ||
           executor_orphaned(n->x);
}

static const void *host_get_service(void *ctx, const char *name) {
    native *n = ctx;
    const executor_config *c = executor_get_config(n->x);
    const struct {
        const char *name;
        bool open;
        const void *table;
    } services[] = {
        {KEEL_FS_SERVICE, n->fs != NULL, &n->fs_table},
        {KEEL_HTTP_SERVICE, c->http, &n->http_table},
        {KEEL_STREAM_SERVICE, c->stream, &n->stream_table},
        {KEEL_KV_SERVICE, c->connector, &n->kv_table},
        {KEEL_CLOCK_SERVICE, c->connector, &n->clock_table},
        {KEEL_USAGE_SERVICE, c->connector, &n->usage_table},
        {KEEL_JSON_SERVICE, true, &n->json_table},
        {KEEL_EFFECT_SERVICE, !c->connector, &n->effect_table},
        {KEEL_ASK_SERVICE, !c->connector, &n->ask_table},
        {KEEL_SPAWN_SERVICE, !c->connector, &n->spawn_table},
    };
    for (size_t i = 0; name && i < sizeof services / sizeof *services; i++) {
        if (strcmp(name, services[i].name) == 0) {
            return services[i].open ? services[i].table : NULL;
        }
    }
    return NULL;
}

void native_host_init(native *n) {
    n->host = (keel_host){
        .size = sizeof n->host,
        .abi_major = KEEL_ABI_MAJOR,
        .abi_minor = KEEL_ABI_MINOR,
        .ctx = n,
        .log = host_log,
        .alloc = host_alloc,
        .scratch = host_scratch,
        .reply = host_reply,
        .cost = host_cost,
        .fail = host_fail,
        .cancelled = host_cancelled,
        .get_service = host_get_service,
    };
}
