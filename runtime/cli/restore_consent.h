/* What a restore needs besides a yes. */
#ifndef CLI_RESTORE_CONSENT_H
#define CLI_RESTORE_CONSENT_H

#include "cli.h"

/* 0 when the backup in folder `from` has the approver that is in force here, or that one has given the
 * passphrase; DIAG_AUTH. */
int restore_consent(cli *c, const char *from, diag *d);

#endif
