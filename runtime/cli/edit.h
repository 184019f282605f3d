/* Changing what waits before it is approved: only fields that the rule names in `edit`, in an
 * editor or from the command line; the difference is shown. */
#ifndef CLI_EDIT_H
#define CLI_EDIT_H

#include "card.h"

/* Reads --set or --edit of o, shows the difference, and has the kernel take the change (not with
 * --dry-run). The card is then out of date: load it again. */
int edit_item(cli *c, const card *k, const options *o, diag *d);

#endif
