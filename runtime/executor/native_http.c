/* keel.http/1 for shared objects: egress_client.h with the call's memory. */
#include <string.h>

#include "native.h"

static keel_span lend_text(keel_call *call, keel_json v) {
    keel_buf text = KEEL_BUF_INIT;
    keel_json_string(v, &text);
    keel_span span = native_lend_copy(call, text.data, text.len);
    keel_buf_free(&text);
    return span;
}

static const keel_http_header *lend_headers(keel_call *call, keel_json list, size_t *count) {
    size_t n = 0;
    keel_http_header *to = native_lend(&call->scratch, (keel_json_count(list) + 1) * sizeof *to);
    for (keel_json_iter it = keel_json_each(list); keel_json_next(&it); n++) {
        keel_json_iter pair = keel_json_each(it.value);
        keel_json_next(&pair);
        to[n].name = lend_text(call, pair.value);
        keel_json_next(&pair);
        to[n].value = lend_text(call, pair.value);
    }
    *count = n;
    return to;
}

static void give(keel_call *call, const egress_answer *a, keel_http_response *out) {
    keel_http_response full = {
        .size = out->size,
        .status = a->status,
        .body = native_lend_copy(call, a->body.data, a->body.len),
        .url = lend_text(call, a->url),
    };
    full.headers = lend_headers(call, a->headers, &full.header_count);
    memcpy(out, &full, out->size < sizeof full ? out->size : sizeof full);
}

static keel_status service_send(void *ctx, keel_call *call, const keel_http_request *request,
                                keel_http_response *out) {
    native *n = ctx;
    keel_http_request full = {0};
    egress_answer answer;
    if (!native_is_current(n, call)) {
        return KEEL_E_INVALID;
    }
    if (!request || !out || out->size < sizeof out->size) {
        return n->host.fail(n, call, KEEL_E_INVALID,
                            "keel.http was given no request, or no sized response to fill");
    }
    memcpy(&full, request, request->size < sizeof full ? request->size : sizeof full);
    keel_status status = egress_http(n->egress, &full, &answer);
    if (status < 0) {
        return n->host.fail(n, call, status, egress_client_error(n->egress));
    }
    give(call, &answer, out);
    egress_answer_free(&answer);
    return KEEL_OK;
}

void native_http_init(native *n) {
    n->http_table = (keel_http){.size = sizeof n->http_table, .ctx = n, .send = service_send};
}
