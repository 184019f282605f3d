/* Executor processes as the kernel's loop sees them: start, frames in and out, the page that names
 * what runs, kill, exit. libuv; all calls on the loop's thread. No decision is made here.
 *
 * A child is a session of its own with /dev/null as stdin, our stderr as stdout and stderr, the
 * descriptors of protocol.h and no others, two environment variables (PATH, LANG) and "/" as its
 * folder. Its arguments are the program's name and, if `unsafe`, "--unsafe". */
#ifndef HOST_EXECUTOR_H
#define HOST_EXECUTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "diag.h"
#include "digest.h"
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
    const char *native;   /* the .so's path, or NULL: opened once, checked, copied, sealed */
    digest native_digest; /* what those bytes must have: that of the plugin's file list */
    const host_grant *grants;
    size_t grant_count;
    int lock_fd;   /* host_generation_fd(): the child gets a shared lock of its own; -1: none */
    int egress_fd; /* the executor's end of its channel to egress; 0: none. Stays the caller's */
    bool unsafe;   /* no sandbox: --unsafe */
} host_spec;

typedef struct host_process host_process;

typedef struct host_events {
    void *ctx;
    void (*frame)(void *ctx, host_process *p, const frame *f);
    /* After the last frame, once. exit_status and signal: as uv gives them; why: "exited with 1",
     * "was killed by signal 9 (Killed)", "needed more memory than its manifest lets it", "broke the
     * frame protocol: ...": it goes on from "its executor". p is destroyed by the module after the
     * call. */
    void (*exited)(void *ctx, host_process *p, int64_t exit_status, int signal, const char *why);
    /* All frames that were read in one go have been delivered. frame() and gathered() may send,
     * flush and kill. */
    void (*gathered)(void *ctx, host_process *p);
} host_events;

/* Starts the program, sends X_CONFIG, X_FILEs and X_LOAD. 0 or a DIAG_ code: missing program,
 * folder that is not there, .so refused (owner, mode, not a regular file, other bytes), no
 * descriptors or processes left. */
int host_spawn(host_process **out, uv_loop_t *loop, const host_spec *spec, const host_events *ev,
               diag *d);
/* Queued. Written by host_flush, when much is queued, and with the acknowledgements of large bodies:
 * send only what may leave now. */
void host_send(host_process *p, uint16_t type, uint64_t run, uint64_t ref, const void *body,
               size_t len);
void host_flush(host_process *p); /* writes what the socket takes; the loop writes the rest */
void host_kill(host_process *p);  /* SIGKILL to the process group; exited() follows */
void *host_data(const host_process *p);
void host_set_data(host_process *p, void *data);
pid_t host_pid(const host_process *p);
/* What runs now, its tick, and the process's CPU time so far in microseconds (-1: not known). */
void host_watch(const host_process *p, uint64_t *run, uint64_t *ticks, int64_t *cpu_us);
/* Bytes queued for the process: for back-pressure. */
size_t host_queued(const host_process *p);

#endif
