/* What audit.c lists and other files do. */
#ifndef CLI_KEEP_H
#define CLI_KEEP_H

#include "cli.h"

int erase_run(cli *c, const options *o, diag *d);
int archive_run(cli *c, const options *o, diag *d);

#endif
