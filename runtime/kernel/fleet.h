/* The kernel's children: executors by their numbers, and egress. What kernel_env's spawn, send, kill
 * and watch do in production. On the loop's thread. */
#ifndef KERNEL_FLEET_H
#define KERNEL_FLEET_H

#include <uv.h>

#include "main.h"

typedef struct fleet fleet;

typedef struct fleet_events {
    void *ctx;
    void (*frame)(void *ctx, uint32_t number, const frame *f);
    void (*gone)(void *ctx, uint32_t number, bool clean, const char *why);
    void (*told)(void *ctx, uint64_t id, const char *why); /* a person, or not: kernel_notified */
} fleet_events;

/* settings and loop must outlive it. */
fleet *fleet_create(const kernel_settings *s, uv_loop_t *loop, const fleet_events *ev);
void fleet_lock(fleet *f, int lock_fd); /* host_generation_fd(), before the first child */
int fleet_spawn(fleet *f, uint32_t number, const kernel_spawn *what, diag *d);
void fleet_send(fleet *f, uint32_t number, uint16_t type, uint64_t run, uint64_t ref,
                const void *body, size_t len);
void fleet_kill(fleet *f, uint32_t number);
void fleet_watch(fleet *f, uint32_t number, uint64_t *run, uint64_t *ticks, int64_t *cpu_us);
/* Starts what tells a person (notifier.h). */
void fleet_notify(fleet *f, uint64_t id, const workspace_notifier *by, const char *notice,
                  size_t len);
void fleet_flush(fleet *f); /* writes what waits */
/* Kills all and runs the loop until they are gone. No event comes any more. */
void fleet_end(fleet *f);
void fleet_destroy(fleet *f);

#endif
