#include "boot_timer.h"

#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static void on_ready(uv_poll_t *p, int status, int events) {
    boot_timer *t = p->data;
    uint64_t times;
    (void)status;
    (void)events;
    if (read(t->fd, &times, sizeof times) == sizeof times) {
        t->due = INT64_MAX;
        t->fire(t->ctx);
    }
}

int boot_timer_init(boot_timer *t, uv_loop_t *loop, void (*fire)(void *ctx), void *ctx) {
    t->fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (t->fd < 0) {
        return -1;
    }
    t->due = INT64_MAX;
    t->fire = fire;
    t->ctx = ctx;
    uv_poll_init(loop, &t->poll, t->fd);
    t->poll.data = t;
    return uv_poll_start(&t->poll, UV_READABLE, on_ready);
}

void boot_timer_set(boot_timer *t, int64_t due_us) {
    struct itimerspec at = {.it_value = {0, 0}}; /* disarmed */
    if (due_us == t->due) {
        return;
    }
    t->due = due_us;
    if (due_us != INT64_MAX) {
        at.it_value.tv_sec = due_us / 1000000;
        at.it_value.tv_nsec = due_us % 1000000 * 1000;
    }
    timerfd_settime(t->fd, TFD_TIMER_ABSTIME, &at, NULL);
}

void boot_timer_finish(boot_timer *t) {
    close(t->fd);
}
