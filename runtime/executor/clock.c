#include "clock.h"

#include <poll.h>
#include <time.h>

#define LONGEST_NS 3600000000000ull /* of one wait in the loop */

int64_t clock_wall_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

uint64_t clock_monotonic_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

keel_status clock_sleep(uint64_t ns, uint64_t deadline_ns, int kernel_fd) {
    uint64_t now = clock_monotonic_ns();
    uint64_t until = ns > UINT64_MAX - now ? UINT64_MAX : now + ns;
    for (;;) {
        if (deadline_ns && now >= deadline_ns) {
            return KEEL_E_DEADLINE;
        }
        uint64_t end = deadline_ns && deadline_ns < until ? deadline_ns : until;
        uint64_t left = end > now ? end - now : 0;
        left = left < LONGEST_NS ? left : LONGEST_NS;
        struct timespec t = {(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
        struct pollfd p = {.fd = kernel_fd, .events = POLLRDHUP};
        if (ppoll(&p, 1, &t, NULL) > 0 && p.revents & (POLLRDHUP | POLLHUP | POLLERR)) {
            return KEEL_E_CANCELLED;
        }
        now = clock_monotonic_ns();
        if (now >= until) {
            return KEEL_OK;
        }
    }
}
