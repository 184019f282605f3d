/* keel policy check, which `keel policy reload --dry-run` is too. */
#ifndef CLI_POLICYCHECK_H
#define CLI_POLICYCHECK_H

#include "cli.h"

extern const command policy_check_verb;
int policy_check_run(cli *c, const options *o, diag *d);

#endif
