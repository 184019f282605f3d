/* X_CONFIG: what the kernel tells an executor about the plugin that it is to run. */
#ifndef EXECUTOR_CONFIG_H
#define EXECUTOR_CONFIG_H

#include "engine.h"

/* Fills *out from the body of X_CONFIG, which is canonical JSON from the kernel and is copied. A
 * body that lacks what an executor needs is DIAG_FAILED: kernel and executor are then of different
 * builds. */
int executor_config_parse(executor_config *out, const char *body, size_t len, diag *d);
void executor_config_free(executor_config *c);

#endif
