/* Starting keel-egress, and the doors by which executors reach it (base/egress_protocol.h). */
#ifndef HOST_EGRESS_PROCESS_H
#define HOST_EGRESS_PROCESS_H

#include "executor.h"

typedef struct egress_spec {
    const char *program; /* keel-egress */
    int lock_fd;         /* host_generation_fd(), or -1 */
} egress_spec;

/* The child is like an executor (executor.h) with the descriptors of egress_protocol.h and those of
 * our environment variables that commands which print secrets need. *doors: our end, the caller
 * closes it. 0 or a DIAG_ code. */
int egress_spawn(host_process **out, int *doors, uv_loop_t *loop, const egress_spec *spec,
                 const host_events *ev, diag *d);
/* Opens a door: gives egress one end of a new channel and returns the executor's, or -1 and d. */
int egress_door_open(int doors, uint64_t executor, uint64_t connection, diag *d);

#endif
