/* One timer on BOOTTIME for a libuv loop: libuv's own do not count the time of a suspend. */
#ifndef KERNEL_BOOT_TIMER_H
#define KERNEL_BOOT_TIMER_H

#include <stdint.h>
#include <uv.h>

typedef struct boot_timer {
    uv_poll_t poll;
    int fd;
    int64_t due;
    void (*fire)(void *ctx);
    void *ctx;
} boot_timer;

int boot_timer_init(boot_timer *t, uv_loop_t *loop, void (*fire)(void *ctx), void *ctx);
void boot_timer_set(boot_timer *t, int64_t due_us); /* BOOTTIME; INT64_MAX: never */
void boot_timer_finish(boot_timer *t);              /* after the loop has closed its handles */

#endif
