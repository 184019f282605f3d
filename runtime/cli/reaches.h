/* What one connection may reach, and as whom, for people. */
#ifndef CLI_REACHES_H
#define CLI_REACHES_H

#include "policy.h"
#include "reach.h"

/* Lines "  reaches https://api.example:443/v1" and "  login bearer, secret billing"; none for a
 * connection without a way out. p may be NULL: the policy has a fault. */
void reaches_lines(const policy *p, const manifest *m, const workspace_connection *k,
                   keel_buf *out);

#endif
