/* The kernel's time: data of the wall clock, which people and machines set as they like, held to what
 * BOOTTIME says has gone by. It never goes back, and a jump ahead is not believed until a person has. */
#include "command.h"
#include "parts.h"
#include "waits.h"

#define JUMP_US 3600000000 /* further ahead, the wall clock is not believed */

static void tell(kernel *k, int64_t ahead_us) {
    if (ahead_us && !k->clock_ahead_us) {
        kernel_log(
            k, "warn", 0,
            "the clock has jumped %lld minutes ahead of the time that has gone by: what expires "
            "goes by that time. If the clock is right: keel resume --clock",
            (long long)(ahead_us / 60000000));
    } else if (!ahead_us && k->clock_ahead_us) {
        kernel_log(k, "info", 0, "the clock tells the time that has gone by again");
    }
    k->clock_ahead_us = ahead_us;
}

void clock_read(kernel *k) {
    int64_t wall = k->env.wall_us(k->env.ctx), boot = k->env.boot_us(k->env.ctx);
    int64_t gone = k->at + (k->clock_known ? boot - k->at_boot : 0);
    /* Over a restart of the machine nobody can tell a jump from a long pause. */
    bool jumped = k->clock_known && wall - gone > JUMP_US;
    k->at = jumped || wall < gone ? gone : wall;
    k->at_boot = boot;
    k->clock_known = true;
    tell(k, jumped ? wall - gone : 0);
}

void clock_expect(kernel *k, int64_t wall_us) {
    if (wall_us > 0) {
        k->at = wall_us > k->at ? wall_us : k->at;
        k->at_boot = k->env.boot_us(k->env.ctx);
        k->clock_known = true;
    }
}

int clock_accept(kernel *k, diag *d) {
    kernel_now(k); /* it may have come back meanwhile */
    int64_t ahead_us = k->clock_ahead_us;
    if (!ahead_us) {
        diag_set(d, DIAG_CONFLICT, "the clock has not jumped");
        return diag_next(d, "to lift a halt: keel resume");
    }
    k->clock_known = false; /* the next reading takes it as it is */
    timers_earlier(&k->timers, effect_timer, ahead_us);
    timers_earlier(&k->timers, call_elapsed, ahead_us);
    kernel_log(k, "warn", 0, "the clock is believed: %lld minutes have gone by",
               (long long)(ahead_us / 60000000));
    k->clock_ahead_us = 0;
    waits_clock(k);
    return 0;
}

int64_t kernel_time(kernel *k, int64_t *boot_us) {
    *boot_us = k->at_boot;
    return k->clock_known ? k->at : 0;
}
