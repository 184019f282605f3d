/* keel.json/1 for shared objects: what keel/json.h does, in the call's memory. */
#include <stdlib.h>
#include <string.h>

#include "native.h"

#define NO_JSON "that is no canonical JSON"

static keel_status service_canonical(void *ctx, keel_call *call, keel_span in, keel_span *out) {
    native *n = ctx;
    keel_json_error e;
    keel_buf b = KEEL_BUF_INIT;
    if (!native_is_current(n, call) || !out) {
        return KEEL_E_INVALID;
    }
    if (keel_json_canonical(&b, in.data ? in.data : "", in.data ? in.len : 0, &e) < 0) {
        char why[300];
        keel_buf_free(&b);
        snprintf(why, sizeof why, "that is no JSON, at byte %zu: %s", e.offset, e.message);
        return n->host.fail(n, call, KEEL_E_INVALID, why);
    }
    *out = native_lend_copy(call, b.data, b.len);
    keel_buf_free(&b);
    return KEEL_OK;
}

static keel_json element(keel_json list, const char *digits, size_t len) {
    size_t index = 0;
    for (size_t i = 0; i < len; i++) {
        if (digits[i] < '0' || digits[i] > '9' || len > 9) {
            return (keel_json){NULL, 0};
        }
        index = index * 10 + (size_t)(digits[i] - '0');
    }
    for (keel_json_iter it = keel_json_each(list); keel_json_next(&it);) {
        if (index-- == 0) {
            return it.value;
        }
    }
    return (keel_json){NULL, 0};
}

static keel_json member(keel_json object, const char *name, size_t len) {
    char *key = keel_memdup(name, len);
    keel_json v = keel_json_get(object, key);
    free(key);
    return v;
}

static keel_json follow(keel_json v, const char *path) {
    while (v.data && *path) {
        size_t len = strcspn(path, ".");
        v = keel_json_typeof(v) == KEEL_JSON_ARRAY ? element(v, path, len) : member(v, path, len);
        path += len + (path[len] == '.');
    }
    return v;
}

static keel_status find(native *n, keel_call *call, keel_span in, const char *path,
                        keel_json *out) {
    keel_json_error e;
    if (!in.data || !path || keel_json_check(in.data, in.len, &e) < 0) {
        return n->host.fail(n, call, KEEL_E_INVALID, NO_JSON);
    }
    *out = follow(keel_json_view(in.data, in.len), path);
    if (!out->data) {
        char why[300];
        snprintf(why, sizeof why, "there is no %.200s in the JSON", path);
        return n->host.fail(n, call, KEEL_E_NOT_FOUND, why);
    }
    return KEEL_OK;
}

static keel_status service_get(void *ctx, keel_call *call, keel_span in, const char *path,
                               keel_span *out) {
    native *n = ctx;
    keel_json v;
    if (!native_is_current(n, call) || !out) {
        return KEEL_E_INVALID;
    }
    keel_status status = find(n, call, in, path, &v);
    if (status == KEEL_OK) {
        *out = native_lend_copy(call, v.data, v.len);
    }
    return status;
}

static keel_status service_text(void *ctx, keel_call *call, keel_span in, const char *path,
                                keel_span *out) {
    native *n = ctx;
    keel_json v;
    keel_buf text = KEEL_BUF_INIT;
    if (!native_is_current(n, call) || !out) {
        return KEEL_E_INVALID;
    }
    keel_status status = find(n, call, in, path, &v);
    if (status < 0) {
        return status;
    }
    if (!keel_json_string(v, &text)) {
        return n->host.fail(n, call, KEEL_E_INVALID, "the value in the JSON is not a text");
    }
    *out = native_lend_copy(call, text.data, text.len);
    keel_buf_free(&text);
    return KEEL_OK;
}

static keel_status service_quote(void *ctx, keel_call *call, keel_span bytes, keel_span *out) {
    native *n = ctx;
    keel_buf text = KEEL_BUF_INIT;
    if (!native_is_current(n, call) || !out) {
        return KEEL_E_INVALID;
    }
    if (keel_json_quote(&text, bytes.data ? bytes.data : "", bytes.data ? bytes.len : 0) < 0) {
        keel_buf_free(&text);
        return n->host.fail(n, call, KEEL_E_INVALID, "the bytes are no UTF-8");
    }
    *out = native_lend_copy(call, text.data, text.len);
    keel_buf_free(&text);
    return KEEL_OK;
}

void native_json_init(native *n) {
    n->json_table = (keel_json_service){.size = sizeof n->json_table,
                                        .ctx = n,
                                        .canonical = service_canonical,
                                        .get = service_get,
                                        .text = service_text,
                                        .quote = service_quote};
}
