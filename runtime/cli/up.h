/* A kernel in the background, for commands that need one: as `keel up --detach` and `keel down`. */
#ifndef CLI_UP_H
#define CLI_UP_H

#include "cli.h"

/* Says what it does. started: false when one was running already. The workspace must be open. */
int up_start(cli *c, bool *started, diag *d);
int down_stop(cli *c, diag *d); /* waits until it has ended */

#endif
