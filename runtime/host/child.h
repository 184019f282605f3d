/* The inner pieces of executor.h: descriptors and fork+exec, without a loop. */
#ifndef HOST_CHILD_H
#define HOST_CHILD_H

#include "executor.h"
#include "keel/buf.h"

/* The descriptors of a child that is about to start, and our ends of them. */
typedef struct child_plan {
    int *fds; /* fds[i] becomes the child's descriptor 3 + i; all are above that range, CLOEXEC */
    size_t count;
    int frames;          /* our end of the socket pair, or -1 */
    executor_page *page; /* shared with the child, or NULL */
} child_plan;

#define CHILD_FIRST_FD 3

/* How a child is started. */
typedef struct child_way {
    const char *program;
    const char *name; /* argv[0] */
    char *const *env; /* NULL: the few of executor.h */
    bool unsafe;      /* --unsafe */
} child_way;

void child_plan_init(child_plan *plan, size_t count);
/* Takes fd (-1: errno says why there is none) and puts it in place i. 0, or a DIAG_ code. */
int child_keep(child_plan *plan, size_t i, int fd, const char *what, diag *d);
/* A shared lock of the generation, of its own, in place i. */
int child_open_lock(child_plan *plan, size_t i, int lock_fd, diag *d);
/* 0, or a DIAG_ code with nothing left open. */
int child_prepare(child_plan *plan, const host_spec *spec, diag *d);
/* 0 and the child's pid, which leads a session and a process group of its own. */
int child_start(const child_plan *plan, const child_way *way, pid_t *pid, diag *d);
void child_close_ends(child_plan *plan); /* the child's ends, after the start */
void child_finish(child_plan *plan);     /* all that is still open */

/* Appends X_CONFIG's body: the spec's, with "grants" where canonical order wants it. */
void child_config(keel_buf *out, const host_spec *spec);

/* Opens the .so once, without following a link, checks it, copies it into a memfd that nobody can
 * change any more and compares the digest of the copy. 0 and the memfd, or a DIAG_ code. */
int native_open(const char *path, const digest *expected, int *out, diag *d);

#endif
