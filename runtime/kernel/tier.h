/* Tiers of models in the kernel, of effects whose manifest declares the attribute `tier`: which one a run
 * may ask for, given what it has read, and which one a soft limit that is reached puts in its place. */
#ifndef KERNEL_TIER_H
#define KERNEL_TIER_H

#include "parts.h"

/* Before it is decided: what it names may be another after it. false: it was denied, and c is over. */
bool tier_settles(kernel *k, call *c);
/* Another tier was put in place of the one that was asked for: the record that has the arguments says so. */
void tier_put(const call *c, keel_json_writer *w);
void tier_restore(call *c, keel_json body);
void tier_edited(call *c); /* by a person, who may have named another */
/* What comes back, with the member "tier" of what was run, where it was put in place of another; `room`
 * keeps it. */
keel_json tier_told(const call *c, keel_json result, keel_buf *room);

#endif
