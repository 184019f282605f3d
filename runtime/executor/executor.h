/* The process around an engine: frames on EXECUTOR_FD_FRAMES, the shared page, the order of a start
 * (config, limits, sandbox, load, create, ready) and the loop until X_STOP or the kernel's end. */
#ifndef EXECUTOR_H
#define EXECUTOR_H

#include "engine.h"

/* Runs until the kernel stops it or goes. unsafe: no sandbox, only limits. Returns the exit status:
 * 0 stopped; 1 the plugin was refused, or kernel and executor do not understand each other (said on
 * stderr). One per process. */
int executor_main(bool unsafe);

#endif
