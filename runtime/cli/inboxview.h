/* keel inbox on a terminal: looks.h on a screen, with a kernel behind it. */
#ifndef CLI_INBOXVIEW_H
#define CLI_INBOXVIEW_H

#include "cli.h"

bool inboxview_possible(void); /* the terminal can do it */
/* Until the person leaves; then what was done stands on the usual screen. all: also what a later digest
 * is to show. */
int inboxview_run(cli *c, bool all, diag *d);

#endif
