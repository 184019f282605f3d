/* Versions of plugins as the journal keeps them: also those that are installed no longer. */
#ifndef CLI_STORED_H
#define CLI_STORED_H

#include "cli.h"
#include "library.h"

/* The newest version of an agent (its name or its id) that `version` means ("1", "1.2", "1.2.0"; NULL:
 * any release, else any), as hex. 0, or DIAG_NOT_FOUND with what there is. installed: only what is in
 * .keel/plugins. */
int stored_find(cli *c, const char *agent, const char *version, bool installed,
                char hex[DIGEST_HEX], diag *d);
/* With all its files. A .so is not in the journal: it comes from where it was installed, and an
 * executor refuses it if its bytes are others. */
int stored_plugin(cli *c, const char *hex, plugin **out, diag *d);

#endif
