/* keel.clock/1 for shared objects. */
#include "clock.h"
#include "native.h"

static int64_t service_wall(void *ctx) {
    (void)ctx;
    return clock_wall_us();
}

static uint64_t service_monotonic(void *ctx) {
    (void)ctx;
    return clock_monotonic_ns();
}

static keel_status service_sleep(void *ctx, keel_call *call, uint64_t ns) {
    native *n = ctx;
    if (!native_is_current(n, call)) {
        return KEEL_E_INVALID;
    }
    keel_status status = clock_sleep(ns, call->deadline_ns, EXECUTOR_FD_FRAMES);
    return status < 0 ? n->host.fail(n, call, status,
                                     status == KEEL_E_DEADLINE ? "the verb's deadline came"
                                                               : "Keel has ended")
                      : KEEL_OK;
}

void native_clock_init(native *n) {
    n->clock_table = (keel_clock){.size = sizeof n->clock_table,
                                  .ctx = n,
                                  .wall_us = service_wall,
                                  .monotonic_ns = service_monotonic,
                                  .sleep = service_sleep};
}
