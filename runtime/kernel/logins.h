/* How connections log in, as far as it can be judged before anything runs. */
#ifndef KERNEL_LOGINS_H
#define KERNEL_LOGINS_H

#include "manifest.h"
#include "workspace.h"

/* `auth` of a connection: 0, or DIAG_USAGE at its place in keel.yaml when its words are wrong, or when
 * it is no login for what the connector needs. One that is not used at all is let pass. */
int login_check(const manifest *m, const workspace_connection *c, diag *d);
/* Calls `warn` for each secret that a connection names and nobody has set; none is read. */
void logins_missing(const workspace *w, void (*warn)(void *ctx, const diag *d), void *ctx);

#endif
