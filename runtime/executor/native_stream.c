/* keel.stream/1 for shared objects: egress_client.h with the call's memory. */
#include "native.h"

static keel_status failed(native *n, keel_call *call, keel_status status) {
    return n->host.fail(n, call, status, egress_client_error(n->egress));
}

static keel_status service_open(void *ctx, keel_call *call, const char *address, uint64_t *id) {
    native *n = ctx;
    if (!native_is_current(n, call) || !id) {
        return KEEL_E_INVALID;
    }
    keel_status status = egress_open(n->egress, address, id);
    return status < 0 ? failed(n, call, status) : KEEL_OK;
}

static keel_status service_send(void *ctx, keel_call *call, uint64_t id, keel_span bytes) {
    native *n = ctx;
    if (!native_is_current(n, call)) {
        return KEEL_E_INVALID;
    }
    keel_status status = egress_send(n->egress, id, bytes.data, bytes.len);
    return status < 0 ? failed(n, call, status) : KEEL_OK;
}

static keel_status service_receive(void *ctx, keel_call *call, uint64_t id, keel_span *out) {
    native *n = ctx;
    keel_span got;
    if (!native_is_current(n, call) || !out) {
        return KEEL_E_INVALID;
    }
    keel_status status = egress_receive(n->egress, id, &got);
    if (status < 0) {
        return failed(n, call, status);
    }
    *out = native_lend_copy(call, got.data, got.len);
    return KEEL_OK;
}

static void service_close(void *ctx, uint64_t id) {
    native *n = ctx;
    egress_close(n->egress, id);
}

void native_stream_init(native *n) {
    n->stream_table = (keel_stream){.size = sizeof n->stream_table,
                                    .ctx = n,
                                    .open = service_open,
                                    .send = service_send,
                                    .receive = service_receive,
                                    .close = service_close};
}
