/* keel.kv/1: a few small values that a connection keeps between verbs: cursors, ETags, an upload's
 * address. Kept by Keel in its own record, per connection, for all its executors.
 *
 * A put takes force only with the verb's recorded result: when the verb fails or its answer is lost,
 * nothing was put. A get sees what was in force when the verb was handed over, and the puts of this
 * verb. Not for documents: at most 64 keys of up to 100 bytes, values of up to 4 KiB, 32 KiB in all.
 * Callable only from the thread that a verb runs on, within a verb. */
#ifndef KEEL_KV_H
#define KEEL_KV_H

#include <stddef.h>
#include <stdint.h>

#include "keel/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KEEL_KV_SERVICE "keel.kv/1"

#define KEEL_KV_KEYS  64u
#define KEEL_KV_KEY   100u
#define KEEL_KV_VALUE 4096u
#define KEEL_KV_ALL   32768u

typedef struct keel_kv {
    uint32_t size; /* sizeof the host's struct */
    uint32_t reserved;
    void *ctx;
    /* *value is canonical JSON, borrowed until the verb returns. KEEL_E_NOT_FOUND. */
    keel_status (*get)(void *ctx, keel_call *call, const char *key, keel_span *value);
    /* value: JSON in any form; an empty span removes the key. KEEL_E_INVALID: no JSON, or over a
     * limit. */
    keel_status (*put)(void *ctx, keel_call *call, const char *key, keel_span value);
} keel_kv;

#ifdef __cplusplus
}
#endif

#endif
