/* Executor processes as the kernel's loop sees them: start, frames in and out, the page that names
 * what runs, kill, exit. libuv; all calls on the loop's thread. No decision is made here. */
#ifndef HOST_EXECUTOR_H
#define HOST_EXECUTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "diag.h"
#include "frame.h"
#include "protocol.h"

typedef struct host_file {
    const char *name;
    const void *data;
    size_t len;
} host_file;

typedef struct host_grant {
    const char *path; /* as the config spells it; a leading ~/ was expanded by the caller */
    bool writable;
} host_grant;

typedef struct host_spec {
    const char *program; /* keel-executor */
    const char *config;  /* X_CONFIG's body without "grants", which this module writes */
    size_t config_len;
    const host_file *files;
    size_t file_count;
    const char *native;  /* path of the .so: opened once, checked, copied to a sealed memfd; or NULL */
    const host_grant *grants;
    size_t grant_count;
    int lock_fd;         /* descriptor with the shared lock of this generation, inherited */
    bool unsafe;         /* no sandbox: --unsafe */
} host_spec;

typedef struct host_process host_process;

typedef struct host_events {
    void *ctx;
    void (*frame)(void *ctx, host_process *p, const frame *f);
    /* After the last frame. status: wait status as uv gives it; why: "exited with 1", "killed by
     * signal 9", "broke the frame protocol: ...". p is destroyed by the module after the call. */
    void (*exited)(void *ctx, host_process *p, int64_t exit_status, int signal, const char *why);
    /* All frames that were read in one go have been delivered. */
    void (*gathered)(void *ctx, host_process *p);
} host_events;

/* fork+exec, sends X_CONFIG, X_FILEs and X_LOAD. 0 or a DIAG_ code (missing program, folder that is
 * not there, .so refused: owner, mode, not a regular file). */
int host_spawn(host_process **out, uv_loop_t *loop, const host_spec *spec, const host_events *ev,
               diag *d);
void host_send(host_process *p, uint16_t type, uint64_t run, uint64_t ref, const void *body,
               size_t len); /* queued; written by host_flush */
void host_flush(host_process *p);
void host_kill(host_process *p); /* SIGKILL to the process group; exited() follows */
void *host_data(const host_process *p);
void host_set_data(host_process *p, void *data);
pid_t host_pid(const host_process *p);
/* What runs now, its tick, and the process's CPU time so far in microseconds (-1: not known). */
void host_watch(const host_process *p, uint64_t *run, uint64_t *ticks, int64_t *cpu_us);
/* Bytes queued for the process: for back-pressure. */
size_t host_queued(const host_process *p);

#endif
