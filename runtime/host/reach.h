/* What a connection may reach, of its manifest's needs, keel.yaml and policy: what egress gets. */
#ifndef HOST_REACH_H
#define HOST_REACH_H

#include "manifest.h"
#include "workspace.h"

/* Which services its needs open. */
bool reach_http(const manifest *m);
bool reach_stream(const manifest *m);
bool reach_any_network(const manifest *m); /* either */

/* Calls `each` with the written form (origin_write) of every address that a need of http or stream
 * names: its own, or the one in the connection's config; a config without it opens nothing. 0, or
 * DIAG_USAGE at the connection's place in keel.yaml. */
typedef void reach_origin(void *ctx, const char *url);
int reach_origins(const manifest *m, const workspace_connection *c, reach_origin *each, void *ctx,
                  diag *d);

/* Appends the body of G_CONNECTION (egress_protocol.h). `allow` are the patterns of the policy, if
 * it speaks of this connection (has_allow). "http:*" without them is nothing: "any" is false then.
 * 0, or as reach_origins, with out unchanged. */
int reach_body(keel_buf *out, const manifest *m, const workspace_connection *c,
               const char *const *allow, size_t allow_count, bool has_allow, diag *d);

#endif
