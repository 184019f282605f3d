/* The kernel: one state machine that decides. Messages come in through the functions below; what it
 * decides goes into the open turn as journal records, and messages that follow from them wait
 * beside the turn until its commit. It does no I/O but through kernel_env. One thread. */
#ifndef KERNEL_H
#define KERNEL_H

#include "env.h"
#include "frame.h"
#include "policy.h"
#include "workspace.h"

typedef struct kernel kernel;

/* What the kernel governs; replaced as a whole by reload. Ownership passes to the kernel. */
typedef struct kernel_world {
    library *library;
    workspace *workspace;
    policy *policy;
    workspace_policy *policy_files; /* for the journal: the bytes that took force */
    size_t policy_file_count;
} kernel_world;
void kernel_world_free(kernel_world *w);

typedef struct kernel_options {
    const store_identity *identity;
    kernel_world world;
    keel_json boot_body; /* store_boot_body: journaled first */
    /* `keel reload`: loads a world anew. 0, or a DIAG_ code and the old world stays. */
    int (*load_world)(void *ctx, kernel_world *out, keel_buf *warnings, diag *d);
    void *load_ctx;
    const char *credentials; /* $CREDENTIALS_DIRECTORY, or NULL; borrowed */
    int64_t expected_us;     /* what the wall clock would say if nobody had set it; 0: not known */
    keel_json approver;      /* .keel/approver.json of a new workspace, or none */
} kernel_options;

/* Recovers all that is open from env->reads and opens the first turn. */
int kernel_create(kernel **out, const kernel_env *env, const kernel_options *o, diag *d);
void kernel_destroy(kernel *k);

/* ---- what comes in ---- */
void kernel_executor_frame(kernel *k, uint32_t executor, const frame *f);
/* clean: it ended because it was told to. why: for people. */
void kernel_executor_gone(kernel *k, uint32_t executor, bool clean, const char *why);
void kernel_command(kernel *k, uint64_t client, uint64_t ref, keel_json command);
void kernel_client_gone(kernel *k, uint64_t client);
void kernel_tick(kernel *k); /* timers that are due */
/* Whether the disk is nearly full: then the workspace is halted until it is not. */
void kernel_space(kernel *k, bool low);
/* A person was told (why NULL), or was not, and why: a sentence without its end. */
void kernel_notified(kernel *k, uint64_t id, const char *why);
/* The head was signed into the anchor, or was not, and why: then work goes on, and people are told. */
void kernel_anchored(kernel *k, const char *trouble);
/* The time that it goes by, and BOOTTIME when it was read; 0: it was not yet. */
int64_t kernel_time(kernel *k, int64_t *boot_us);
void kernel_stop(kernel *k); /* orderly: journals `stop`, then kernel_stopped says true */

/* ---- the turn ---- */
/* Called when there is nothing more to gather now: hands the turn to env->commit unless one is on
 * its way, in which case the turn goes on gathering. */
void kernel_turn(kernel *k);
/* The turn is durable (rc 0): its messages leave. On failure nothing of it leaves, and the caller
 * ends the process: kernel state is ahead of the journal and must be recovered from it. */
void kernel_committed(kernel *k, turn *t, int rc);
bool kernel_stopped(kernel *k); /* stop is durable, nothing is under way; may go on a turn */
int64_t kernel_next_timer(const kernel *k); /* BOOTTIME; INT64_MAX: none */
bool kernel_idle(const kernel *k);          /* nothing to commit, nothing under way */

#endif
