/* keel.clock/1: time, for connectors. (Agents ask `now`, which is recorded.) Always there. */
#ifndef KEEL_CLOCK_H
#define KEEL_CLOCK_H

#include <stdint.h>

#include "keel/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KEEL_CLOCK_SERVICE "keel.clock/1"

typedef struct keel_clock {
    uint32_t size; /* sizeof the host's struct */
    uint32_t reserved;
    void *ctx;
    int64_t (*wall_us)(void *ctx);       /* microseconds since 1970; data, may jump */
    uint64_t (*monotonic_ns)(void *ctx); /* what keel_request.deadline_ns is measured in */
    /* Waits. KEEL_E_DEADLINE or KEEL_E_CANCELLED as soon as the verb should stop. */
    keel_status (*sleep)(void *ctx, keel_call *call, uint64_t ns);
} keel_clock;

#ifdef __cplusplus
}
#endif

#endif
