/* keel secret list, and who uses a secret. */
#ifndef CLI_SECRETLIST_H
#define CLI_SECRETLIST_H

#include "cli.h"
#include "secret.h"

/* Where the secrets of c->ws are. `folder` owns the path of their folder, and outlives them. */
secret_places secret_places_of(const cli *c, keel_buf *folder);
/* Appends "billing, inbox": the connections whose `auth` names the secret. */
void secret_users(const cli *c, const char *name, keel_buf *out);

command_run secret_list_run;

#endif
