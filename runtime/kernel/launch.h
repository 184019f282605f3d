/* From a plugin to a process: config, files and granted folders of one executor. */
#ifndef KERNEL_LAUNCH_H
#define KERNEL_LAUNCH_H

#include "env.h"
#include "executor.h"
#include "main.h"

/* host_spawn for one plugin version (and, for connectors, one connection's config). Folders in the
 * config that the manifest needs are made absolute: "~/" is the home, others are below root. door: the
 * executor's end of a channel to egress, 0: none. */
int launch(host_process **out, uv_loop_t *loop, const kernel_settings *s, const kernel_spawn *what,
           int lock_fd, int door, const host_events *ev, diag *d);

#endif
