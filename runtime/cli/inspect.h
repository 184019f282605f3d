/* What a .so says of itself beside what its manifest says of it. */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include "cli.h"
#include "manifest.h"

/* Prints it. m: its manifest, or NULL. 0; DIAG_USAGE when it is no plugin, or when the two differ so
 * that an executor would refuse it. */
int inspect_native(cli *c, const char *path, const manifest *m, diag *d);
/* Attributes of its resources, as rules can speak of them. */
void inspect_attributes(const manifest_resource *r);

#endif
