/* A rule put into a policy file, with every other byte of it left as it is. */
#ifndef CLI_POLICY_INSERT_H
#define CLI_POLICY_INSERT_H

#include "diag.h"
#include "keel/buf.h"

/* `rule`: one item of a list, indented by two. It becomes the last of the file's `rules`, indented as
 * they are; a file that is empty, or has no rules, gets what it lacks. *line: where it stands then. 0,
 * or DIAG_USAGE where the file cannot be read or its rules are written in brackets. */
int policy_insert(const char *file, const keel_buf *text, const keel_buf *rule, keel_buf *out,
                  int *line, diag *d);

#endif
