/* What a connector would not send of the arguments of a write, by what its manifest says that it sends:
 * named to a person before he signs. A connector refuses it too, when it is to be sent. Pure. */
#ifndef SENDABLE_H
#define SENDABLE_H

#include "keel/json.h"
#include "manifest.h"

/* Called once for each part: "to[1]" and a reason such as "is no plain address". */
typedef void sendable_fault(void *ctx, const char *field, const char *why);

/* Of a resource without `sends` nothing is known: 0. */
size_t sendable_check(const manifest_resource *r, keel_json args, sendable_fault *fault, void *ctx);

#endif
