/* A set of effects: which have been met already. */
#ifndef CLI_EFFECTSET_H
#define CLI_EFFECTSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keel/json.h"

typedef struct effectset_key {
    uint64_t run, hash; /* both 0: free */
} effectset_key;

typedef struct effectset {
    effectset_key *keys;
    size_t count, cap;
} effectset;

/* Of a place in a run and, where it counts, of which call stands there; never 0. */
uint64_t effectset_hash(uint64_t run, const char *path, keel_json call);
bool effectset_has(const effectset *s, uint64_t run, uint64_t hash);
bool effectset_add(effectset *s, uint64_t run, uint64_t hash); /* false: it was there */
void effectset_free(effectset *s);

#endif
