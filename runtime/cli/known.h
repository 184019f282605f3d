/* Names that an approval could be meant for: the operator's own domains and lists, who was written to
 * before, and what the run itself read. Names that look like one of them are marked on a card. */
#ifndef CLI_KNOWN_H
#define CLI_KNOWN_H

#include "alike.h"
#include "cli.h"
#include "manifest.h"

/* What is known apart from any run: read once, kept in c. What cannot be read is left out. */
typedef struct known_lists known_lists;
void known_add(cli *c, alike_known *to);
/* What the manifest of a target's connection says of its resource; NULL: that is not known. */
const manifest_resource *known_resource(cli *c, const char *target);
void known_free(known_lists *k); /* takes NULL */

#endif
