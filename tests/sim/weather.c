#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

bool well(const simulation *s) {
    return !s->invariant[0];
}

bool alive(const simulation *s) {
    return s->w.kernel && !s->w.dead && !s->w.fault[0] && well(s);
}

/* What the simulated world itself saw go wrong. */
static void faults(simulation *s) {
    if (s->w.fault[0]) {
        violate(s, strstr(s->w.fault, "record") || strstr(s->w.fault, "path") ? "I10" : "life",
                "%s", s->w.fault);
    }
}

/* ---- deaths and births of the kernel ---- */

static void arm(simulation *s) {
    static const crash_mode modes[] = {CRASH_LOSE, CRASH_PREFIX, CRASH_TORN, CRASH_EIO, CRASH_FULL};
    long at = 0;
    crash_mode mode = CRASH_LOSE;
    if (s->disk_may_fail && !s->calm && s->model && chance(s, 40)) {
        at = 1 + (long)roll(s, chance(s, 50) ? 40 : 400);
        mode = modes[roll(s, 5)];
        tell(s, "disk: operation %ld from now will be struck, mode %d", at, mode);
    }
    crash_disk_arm(s->w.disk, at, mode);
}

void weather_fall(simulation *s) {
    static const crash_mode modes[] = {CRASH_LOSE, CRASH_PREFIX, CRASH_TORN};
    sim_end(&s->w);
    bool struck = crash_disk_struck(s->w.disk); /* by then: closing writes too */
    wild_forget_executors(s);
    if (struck) {
        if (chance(s, 50)) {
            crash_disk_cut(s->w.disk, modes[roll(s, 3)]);
        }
        crash_disk_restart(s->w.disk);
    }
    s->w.clock += SECOND + (int64_t)roll(s, 100) * SECOND;
    s->w.egress_deaf = false;
}

bool weather_up(simulation *s) {
    for (int tries = 0; tries < 40 && well(s); tries++) {
        s->lives++;
        s->calm |= tries > 20;
        arm(s);
        if (sim_start(&s->w)) {
            tell(s, "keel: starts, life %d", s->lives);
            crash_disk_struck(s->w.disk) ? (void)0 : model_reopen(s);
            return true;
        }
        faults(s);
        tell(s, "keel: does not start: %s", s->w.fault[0] ? s->w.fault : "the disk failed");
        weather_fall(s);
    }
    violate(s, "life", "it never started again");
    return false;
}

static void revive(simulation *s) {
    faults(s);
    if (well(s) && (s->w.dead || !s->w.kernel)) {
        tell(s, "disk: the commit failed, this life is over");
        weather_fall(s);
        weather_up(s);
    }
}

void steps(simulation *s, uint64_t count) {
    for (uint64_t i = 0; i < count && alive(s); i++) {
        kernel_turn(s->w.kernel);
        sim_step(&s->w);
    }
    revive(s);
}

void run_out(simulation *s, int64_t horizon) {
    int64_t began = s->w.clock;
    s->w.horizon = horizon;
    for (int64_t i = 0; alive(s); i++) {
        kernel_turn(s->w.kernel);
        if (!sim_step(&s->w)) {
            break;
        }
        /* An executor with a run that cannot leave it is looked at every minute, for weeks if need be. */
        if (i > 30000 + (s->w.clock - began) / (30 * SECOND)) {
            violate(s, "I9", "it does not come to rest");
        }
    }
    s->w.horizon = HOUR;
    revive(s);
}

/* I12: no executor outlives an orderly stop. */
static void executors_gone(simulation *s) {
    for (size_t i = 0; i < SIM_EXECUTORS; i++) {
        if (s->w.executors[i].number) {
            violate(s, "I12", "an executor of %s is there after the stop", s->w.executors[i].agent);
        }
    }
}

bool weather_stop(simulation *s) {
    tell(s, "keel: is told to stop");
    s->w.horizon = HOUR;
    kernel_stop(s->w.kernel);
    for (int i = 0; alive(s) && !kernel_stopped(s->w.kernel); i++) {
        kernel_turn(s->w.kernel);
        sim_step(&s->w);
        if (i > 20000) {
            violate(s, "I12", "it does not stop");
        }
    }
    faults(s);
    if (alive(s)) {
        executors_gone(s);
    }
    return alive(s);
}

static void life_ends(simulation *s) {
    if (chance(s, 40)) {
        weather_stop(s);
    } else {
        tell(s, "weather: kill -9");
    }
    if (well(s)) {
        weather_fall(s);
        weather_up(s);
    }
}

/* ---- smaller things ---- */

static void kill_executor(simulation *s) {
    const sim_executor *x = &s->w.executors[roll(s, SIM_EXECUTORS)];
    for (size_t i = 0; i < SIM_EXECUTORS && !x->number; i++) {
        x = &s->w.executors[i];
    }
    if (x->number) {
        tell(s, "weather: an executor of %s dies", x->agent);
        sim_kill(&s->w, x->number, "killed by signal 9 (Killed)");
    }
}

static void jump(simulation *s) {
    static const int64_t by[] = {SECOND, 10 * MINUTE, 3 * HOUR, DAY, 40 * DAY};
    int64_t us = by[roll(s, 5)];
    us = chance(s, 50) ? us : -us;
    s->w.wall_ahead += us;
    tell(s, "weather: the wall clock jumps by %lld s", (long long)(us / SECOND));
}

/* Between two turns: in the midst of one, what was decided before it is sent after it, and nobody can
 * do anything about that. */
static void suspend(simulation *s) {
    for (int i = 0; i < 1000 && alive(s) && (!kernel_idle(s->w.kernel) || s->w.first); i++) {
        kernel_turn(s->w.kernel);
        sim_step(&s->w);
    }
    revive(s);
    if (!alive(s)) {
        return;
    }
    int64_t us = (int64_t)(1 + roll(s, 20)) * HOUR;
    tell(s, "weather: suspended for %lld h", (long long)(us / HOUR));
    s->w.clock += us;
    wild_due(&s->w);
    kernel_tick(s->w.kernel);
}

static void sign_head(simulation *s) {
    diag d = {0};
    if (store_anchor(s->w.store, s->w.clock + s->w.wall_ahead, &d)) {
        violate(s, "I7", "the head cannot be signed: %s", d.what);
    }
}

void weather_act(simulation *s) {
    switch (roll(s, 16)) {
    case 0:
    case 1:
        life_ends(s);
        break;
    case 2:
    case 3:
        kill_executor(s);
        break;
    case 4:
        tell(s, "weather: egress dies");
        sim_egress_kill(&s->w);
        break;
    case 5:
        tell(s, "weather: egress hangs");
        s->w.egress_deaf = s->w.egress != 0;
        break;
    case 6:
        jump(s);
        break;
    case 7:
        suspend(s);
        break;
    case 8:
        sign_head(s);
        break;
    case 9:
        run_out(s, chance(s, 50) ? 400 * DAY : DAY);
        break;
    default:
        steps(s, roll(s, 60));
        break;
    }
}
