/* What starts other children of the kernel than executors: egress. */
#ifndef HOST_PROCESS_INT_H
#define HOST_PROCESS_INT_H

#include "child.h"

/* Starts a child whose descriptors are ready in `plan`, which is finished either way; frames go over
 * plan->frames. */
int process_start(host_process **out, uv_loop_t *loop, child_plan *plan, const child_way *way,
                  const host_events *ev, diag *d);

#endif
