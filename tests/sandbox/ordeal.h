/* One plugin that means harm, in a workspace of its own with a real kernel and real executors: it is
 * let loose, somebody good works beside it, and afterwards three things are asserted. It was ended
 * within its limit and a second; the host was unaffected; the operator was told who it was and why. */
#ifndef ORDEAL_H
#define ORDEAL_H

#include "site.h"

/* Limits of the workspaces of tests/sandbox: what their keel.yaml and manifests say. */
#define ORDEAL_WALL_S   8.0 /* of what computes without a call */
#define ORDEAL_CPU_S    0.8
#define ORDEAL_SECOND   1.0 /* how much later than its limit something may be ended */
#define ORDEAL_STRIKES  3   /* deaths of its executor that end a run */
#define ORDEAL_ATTEMPTS 5   /* of a read */
#define ORDEAL_SLACK_S  10  /* of this machine, and pauses between attempts */

typedef struct ordeal {
    site s;
    double began; /* when the bad one was let loose, s */
    double took;  /* until its run was over */
    char state[32];
    char reason[1024];
} ordeal;

/* Copies the workspace $KEEL_WORKSPACE into folder; KEEL_LIBEXEC becomes a folder with all programs. */
void ordeal_make(ordeal *o, const char *folder);
/* Starts the kernel, lets `agent` run with this input, has agent "good" do its work meanwhile, waits
 * for the end of both. `seconds`: in what time the bad one must be ended. false: a fault. */
bool ordeal_run(ordeal *o, const char *agent, const char *input, double seconds);
/* After it: "good" works again; then the kernel goes down in good order and all is checked. */
void ordeal_end(ordeal *o, const char *agent, keel_buf *problem, keel_buf *detail);

/* Faults unless the operator was told: a warning or an error in the kernel's log names `who`, with
 * each of these words in one line; NULL ends them. */
void ordeal_told(ordeal *o, const char *who, const char *const *words);
/* Faults if the watchdog let something compute beyond its limit and a second. */
void ordeal_stretches(ordeal *o);

/* The value of a header line "NAME VALUE" of a script, cut at the end of the line. */
bool ordeal_header(const keel_buf *script, const char *name, char out[256]);

#endif
