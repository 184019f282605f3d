/* A run with its children as one timeline: each child stands, indented, below the record that
 * spawned it. */
#ifndef CLI_RUNTREE_H
#define CLI_RUNTREE_H

#include "cli.h"

/* DIAG_NOT_FOUND when there is no such run. With --json: the records, one a line, by sequence. */
int runtree_print(cli *c, uint64_t run, diag *d);

#endif
