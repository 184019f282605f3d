/* keel.kv/1 for shared objects: kv.h with the call's memory. */
#include <string.h>

#include "native.h"

static keel_status service_get(void *ctx, keel_call *call, const char *key, keel_span *value) {
    native *n = ctx;
    keel_json v;
    if (!native_is_current(n, call) || !value) {
        return KEEL_E_INVALID;
    }
    keel_status status = kv_get(&call->kv, key, &v);
    if (status < 0) {
        return n->host.fail(n, call, status, call->kv.error);
    }
    *value = native_lend_copy(call, v.data, v.len);
    return KEEL_OK;
}

static keel_status service_put(void *ctx, keel_call *call, const char *key, keel_span value) {
    native *n = ctx;
    if (!native_is_current(n, call)) {
        return KEEL_E_INVALID;
    }
    keel_status status =
        value.len && !value.data ? KEEL_E_INVALID : kv_set(&call->kv, key, value.data, value.len);
    return status < 0 ? n->host.fail(n, call, status, call->kv.error) : KEEL_OK;
}

void native_kv_init(native *n) {
    n->kv_table =
        (keel_kv){.size = sizeof n->kv_table, .ctx = n, .get = service_get, .put = service_put};
}
