/* One kernel at a time in a workspace, and none before the last one's children are gone.
 *
 * LOCK is held exclusively for the kernel's life. GENERATION is taken exclusively for a moment,
 * which proves that no process of an earlier kernel lives, and then held shared; executors inherit
 * a shared lock of it (host_spec.lock_fd). Both are locks of an open file (F_OFD_SETLK): they end
 * with their holder, however it ends. The files stay and mean nothing by themselves. */
#ifndef HOST_GENERATION_H
#define HOST_GENERATION_H

#include <sys/types.h>

#include "diag.h"

#define HOST_GENERATION_WAIT_MS 5000

typedef struct host_generation host_generation;

/* 0; DIAG_CONFLICT when another kernel still holds the lock after wait_ms, or a second of it ("Keel is
 * already running here (pid N)"), or when processes of an earlier one still live after wait_ms; else
 * DIAG_STORAGE. Blocks up to wait_ms for either. */
int host_generation_take(host_generation **out, const char *lock, const char *generation,
                         int wait_ms, diag *d);
int host_generation_fd(const host_generation *g);
/* Takes NULL. The lock of GENERATION lives on in executors that still run. */
void host_generation_release(host_generation *g);

/* A shared lock on an open file. 0 or -1 with errno. */
int host_generation_share(int fd);

/* Takes no lock, so it disturbs nobody: the pid of the kernel that holds LOCK; 0: none; -1:
 * somebody whose pid is not known. */
pid_t host_generation_holder(const char *lock);

#endif
