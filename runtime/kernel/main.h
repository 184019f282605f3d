/* `keel up`: a kernel with its loop, from start to orderly end, in this process. */
#ifndef KERNEL_MAIN_H
#define KERNEL_MAIN_H

#include <stdbool.h>

#include "diag.h"
#include "keel/buf.h"
#include "kernel.h"

typedef struct kernel_settings {
    const char *root;     /* the workspace: the folder with keel.yaml */
    const char *executor; /* program keel-executor */
    const char *egress;   /* program keel-egress */
    const char *shipped;  /* folder of the plugins that ship */
    const char *sdk_lua;  /* keel.lua */
    bool unsafe;          /* executors without a sandbox */
    bool accept_rollback;
    bool colour; /* of the log on stderr */
    bool quiet;  /* log warnings and errors only */
} kernel_settings;

/* Runs until `keel down`, SIGTERM or SIGINT (again: at once). 0, or a DIAG_ code with d filled;
 * what was acknowledged is durable either way. */
int kernel_main(const kernel_settings *s, diag *d);

/* What a kernel would govern: plugins, keel.yaml, policies, checked against each other. Also behind
 * `keel policy check` and reload. warnings: a JSON array of texts. */
int kernel_world_load(const kernel_settings *s, kernel_world *out, keel_buf *warnings, diag *d);

#endif
