/* What an approval is bound to, in parts: so that a person is told what has changed. */
#ifndef KERNEL_SEAL_H
#define KERNEL_SEAL_H

#include "parts.h"

approval_seal seal_of(const call *c, const policy_decision *d);
/* The member "seal" of a record that asks. */
void seal_write(const call *c, keel_json_writer *w);
void seal_read(call *c, keel_json body);
/* "the rule that asks has changed since it was asked" */
void seal_changed(const approval_seal *old, const approval_seal *now, char *out, size_t size);
#define SEAL_BUDGET "its budget is short"
/* The member "why" of what came of a consent that was for something else. */
void seal_say_stale(const kernel *k, uint64_t number, keel_json_writer *w);

#endif
