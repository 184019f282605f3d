/* All that the kernel reaches outside itself. Production fills it with the real thing (loop.c),
 * tests with a seeded one; the code that decides is the same. No function here may call back into
 * the kernel; what happens later comes through kernel.h. */
#ifndef KERNEL_ENV_H
#define KERNEL_ENV_H

#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "library.h"
#include "store.h"
#include "workspace.h"

/* A process to be started: an executor for one plugin version, for connectors with one connection's
 * config; or, without a plugin, egress. */
typedef struct kernel_spawn {
    const plugin *plugin;
    keel_json config;    /* connectors; none for agents */
    uint32_t egress;     /* number of egress, to which this one gets a channel; 0: none */
    uint64_t connection; /* that governs the channel */
} kernel_spawn;

typedef struct kernel_env {
    void *ctx;
    int64_t (*wall_us)(void *ctx); /* data */
    int64_t (*boot_us)(void *ctx); /* BOOTTIME: timers */
    void (*random)(void *ctx, void *to, size_t len);
    void (*commit)(void *ctx, turn *t); /* ends in kernel_committed, later */
    /* DIAG_CONFLICT: egress does not take the channel any more; its end comes, if it is not over. */
    int (*spawn)(void *ctx, uint32_t executor, const kernel_spawn *s, diag *d);
    void (*send)(void *ctx, uint32_t executor, uint16_t type, uint64_t run, uint64_t ref,
                 const void *body, size_t len);
    void (*kill)(void *ctx, uint32_t executor); /* ends in kernel_executor_gone, later */
    /* What the executor says it runs, its tick, its CPU time; see executor_page. */
    void (*watch)(void *ctx, uint32_t executor, uint64_t *run, uint64_t *ticks, int64_t *cpu_us);
    void (*reply)(void *ctx, uint64_t client, uint16_t type, uint64_t ref, const void *body,
                  size_t len);
    /* One line for the log of `keel up`; level "info", "warn", "error". */
    void (*log)(void *ctx, const char *level, uint64_t run, const char *text);
    /* Tells a person by that way; by NULL: keel.yaml does not name it any more. notice: canonical JSON, as
     * notices.h says. Ends in kernel_notified, later. */
    void (*notify)(void *ctx, uint64_t id, const workspace_notifier *by, const char *notice,
                   size_t len);
    reader *reads; /* committed records */
} kernel_env;

#endif
