/* What `keel init` wants to know: options, else a person's answers, else defaults. */
#ifndef CLI_INITASK_H
#define CLI_INITASK_H

#include "cli.h"
#include "initfile.h"
#include "options.h"

/* An answer that cannot be is asked for again on a terminal, and refused elsewhere. The end of
 * input ends it with DIAG_FAILED: nothing was made. `a` is to be freed in every case. */
int initask(cli *c, const options *o, const char *folder, init_answers *a, diag *d);
void initask_free(init_answers *a);

#endif
