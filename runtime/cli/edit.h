/* Changing what waits before it is approved: only fields that the rule names in `edit`, in an
 * editor or from the command line; the difference is shown. */
#ifndef CLI_EDIT_H
#define CLI_EDIT_H

#include "card.h"

/* Reads --set or --edit of o, shows the difference, and has the kernel take the change (not with
 * --dry-run). The card is then out of date: load it again. */
int edit_item(cli *c, const card *k, const options *o, diag *d);

/* The text that an editor gets, and the fields read back from what it left (a JSON object of those
 * that changed). Exposed for tests. */
int edit_text(keel_json args, const char *const *fields, size_t count, keel_buf *out, diag *d);
int edit_parse(keel_json args, const char *text, size_t len, keel_buf *set, diag *d);

#endif
