/* keel.spawn/1: a run of another agent, also one in quarantine. Only agents have it, only while `run` runs; a
 * host before it gives NULL for its name, and everything else goes on as it was. Do not fall back to the spawn
 * of keel/effect.h where a quarantine is meant: what that starts is in none.
 *
 * It is a call of the run like those of keel/effect.h, whose head says what that means: RECORD, STATUS and
 * VALUES hold here too. Its runs are awaited with the `wait` of that service.
 *
 * QUARANTINE. A run in quarantine may read what anybody has written, and out of it comes a map of the fields
 * of `returns` and nothing else: `wait` has its result, or the code "quarantine" where that does not fit or
 * there is none. Each field has a closed type:
 *
 *   {"due":    {"optional": true, "type": "date"},          "2026-11-29"
 *    "kind":   {"enum": ["invoice", "lead"]},               one of 1 to 64 words
 *    "sum":    {"decimals": 2, "number": [0, 100000]},      within bounds; whole without decimals
 *    "urgent": "bool"}
 *
 * Such a result taints as what the run has read does, unless a rule of policy endorses the schema. */
#ifndef KEEL_SPAWN_H
#define KEEL_SPAWN_H

#include <stddef.h>
#include <stdint.h>

#include "keel/effect.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KEEL_SPAWN_SERVICE "keel.spawn/1"

/* Set size, and what is not used to zero. */
typedef struct keel_spawn_options {
    uint32_t size; /* sizeof the caller's struct */
    uint32_t
        quarantine; /* 1: the run is in quarantine, and returns says what may come out; 0: it is in none */
    const char *key; /* once for that key; or NULL */
    keel_span
        returns; /* the schema, as JSON. With quarantine it must be there, without it must not */
} keel_spawn_options;

typedef struct keel_spawn {
    uint32_t size; /* sizeof the host's struct */
    uint32_t reserved;
    void *ctx;

    /* Starts another agent; options may be NULL. ok is {"existing":bool,"run":N}, as of keel/effect.h. code is
     * "not_found" also where a type is open, which why names; "conflict" where the run of that key began in
     * another quarantine, or in none. */
    keel_status (*spawn)(void *ctx, keel_call *call, const char *agent, keel_span input,
                         const keel_spawn_options *options, keel_outcome *out);
} keel_spawn;

#ifdef __cplusplus
}
#endif

#endif
