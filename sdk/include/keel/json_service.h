/* keel.json/1: canonical JSON for plugins that do not link libkeel (keel/json.h has more, and costs no
 * call through a table). Always there. What is returned is borrowed until the verb returns. */
#ifndef KEEL_JSON_SERVICE_H
#define KEEL_JSON_SERVICE_H

#include <stddef.h>
#include <stdint.h>

#include "keel/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KEEL_JSON_SERVICE "keel.json/1"

typedef struct keel_json_service {
    uint32_t size; /* sizeof the host's struct */
    uint32_t reserved;
    void *ctx;
    /* Checks `in` and gives its canonical form (RFC 8785). KEEL_E_INVALID, and the call's message
     * says where. */
    keel_status (*canonical)(void *ctx, keel_call *call, keel_span in, keel_span *out);
    /* The value at a path of member names and array indices, "items.0.id", as canonical bytes.
     * KEEL_E_NOT_FOUND; KEEL_E_INVALID when `in` is no canonical JSON. */
    keel_status (*get)(void *ctx, keel_call *call, keel_span in, const char *path, keel_span *out);
    /* The same for a text: unescaped UTF-8, with a NUL behind it. KEEL_E_INVALID: not a text. */
    keel_status (*text)(void *ctx, keel_call *call, keel_span in, const char *path, keel_span *out);
    /* Bytes as a JSON text with its quotes. Bytes that are no UTF-8 are KEEL_E_INVALID. */
    keel_status (*quote)(void *ctx, keel_call *call, keel_span bytes, keel_span *out);
} keel_json_service;

#ifdef __cplusplus
}
#endif

#endif
