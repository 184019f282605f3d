#include "fleet.h"

#include <stdlib.h>
#include <unistd.h>

#include "egress_process.h"
#include "failpoint.h"
#include "launch.h"
#include "map.h"
#include "notifier.h"

struct fleet {
    const kernel_settings *settings;
    uv_loop_t *loop;
    fleet_events ev;
    map processes; /* number -> host_process */
    notifier *notifier;
    int lock_fd;
    int doors; /* of egress; -1: it does not run */
    uint32_t egress;
    bool ending;
};

fleet *fleet_create(const kernel_settings *s, uv_loop_t *loop, const fleet_events *ev) {
    fleet *f = keel_alloc(sizeof *f);
    *f = (fleet){.settings = s, .loop = loop, .ev = *ev, .lock_fd = -1, .doors = -1};
    f->notifier = notifier_create(s, loop, &(notifier_events){ev->ctx, ev->told});
    return f;
}

void fleet_lock(fleet *f, int lock_fd) {
    f->lock_fd = lock_fd;
}

static uint32_t number_of(const host_process *p) {
    return (uint32_t)(uintptr_t)host_data(p);
}

static void on_frame(void *ctx, host_process *p, const frame *fr) {
    fleet *f = ctx;
    if (!f->ending) { /* it would start others */
        f->ev.frame(f->ev.ctx, number_of(p), fr);
    }
}

static void close_doors(fleet *f) {
    if (f->doors >= 0) {
        close(f->doors);
    }
    f->doors = -1;
    f->egress = 0;
}

static void on_exited(void *ctx, host_process *p, int64_t status, int sig, const char *why) {
    fleet *f = ctx;
    uint32_t number = number_of(p);
    if (number == f->egress) {
        close_doors(f);
    }
    if (!f->ending) {
        f->ev.gone(f->ev.ctx, number, status == 0 && !sig, why);
    }
    map_take(&f->processes, number);
}

static void on_gathered(void *ctx, host_process *p) {
    (void)ctx;
    (void)p;
}

static int spawn_egress(fleet *f, host_process **p, uint32_t number, const host_events *ev,
                        diag *d) {
    egress_spec spec = {.program = f->settings->egress, .lock_fd = f->lock_fd};
    close_doors(f);
    (void)KEEL_FP("fleet.egress");
    int rc = egress_spawn(p, &f->doors, f->loop, &spec, ev, d);
    f->egress = rc ? 0 : number;
    return rc;
}

static int spawn_executor(fleet *f, host_process **p, uint32_t number, const kernel_spawn *what,
                          const host_events *ev, diag *d) {
    int door = 0;
    if (what->egress) {
        if (what->egress != f->egress) {
            return diag_set(d, DIAG_CONFLICT, "the network process has just ended");
        }
        door = egress_door_open(f->doors, number, what->connection, d);
        if (door < 0 && d->code == DIAG_CONFLICT) {
            fleet_kill(f, what->egress); /* if it has not ended, it hangs */
        }
        if (door < 0) {
            return d->code;
        }
    }
    launch_spec spec = {.plugin = what->plugin,
                        .config = what->config,
                        .root = f->settings->root,
                        .program = f->settings->executor,
                        .lock_fd = f->lock_fd,
                        .door = door,
                        .unsafe = f->settings->unsafe};
    (void)KEEL_FP("fleet.executor");
    int rc = launch(p, f->loop, &spec, ev, d);
    (void)KEEL_FP("fleet.executor_started");
    if (door) {
        close(door);
    }
    return rc;
}

int fleet_spawn(fleet *f, uint32_t number, const kernel_spawn *what, diag *d) {
    host_process *p;
    host_events ev = {f, on_frame, on_exited, on_gathered};
    int rc = what->plugin ? spawn_executor(f, &p, number, what, &ev, d)
                          : spawn_egress(f, &p, number, &ev, d);
    if (!rc) {
        host_set_data(p, (void *)(uintptr_t)number);
        map_put(&f->processes, number, p);
    }
    return rc;
}

void fleet_send(fleet *f, uint32_t number, uint16_t type, uint64_t run, uint64_t ref,
                const void *body, size_t len) {
    host_process *p = map_get(&f->processes, number);
    if (p) {
        host_send(p, type, run, ref, body, len);
    }
}

void fleet_kill(fleet *f, uint32_t number) {
    host_process *p = map_get(&f->processes, number);
    if (p) {
        host_kill(p);
    }
}

void fleet_watch(fleet *f, uint32_t number, uint64_t *run, uint64_t *ticks, int64_t *cpu_us) {
    host_process *p = map_get(&f->processes, number);
    if (p) {
        host_watch(p, run, ticks, cpu_us);
    }
}

void fleet_notify(fleet *f, uint64_t id, const workspace_notifier *by, const char *notice,
                  size_t len) {
    notifier_tell(f->notifier, id, by, notice, len);
}

void fleet_flush(fleet *f) {
    size_t at = 0;
    host_process *p;
    while ((p = map_next(&f->processes, &at, NULL)) != NULL) {
        if (host_queued(p)) {
            (void)KEEL_FP("fleet.frames");
            host_flush(p);
            (void)KEEL_FP("fleet.frames_left");
        }
    }
}

void fleet_end(fleet *f) {
    size_t at = 0;
    host_process *p;
    f->ending = true;
    while ((p = map_next(&f->processes, &at, NULL)) != NULL) {
        host_kill(p);
    }
    while (f->processes.count) {
        uv_run(f->loop, UV_RUN_ONCE);
    }
    notifier_end(f->notifier);
}

void fleet_destroy(fleet *f) {
    if (f) {
        close_doors(f);
        map_free(&f->processes);
        notifier_destroy(f->notifier);
        free(f);
    }
}
