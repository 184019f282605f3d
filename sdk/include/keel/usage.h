/* keel.usage/1: what a model used, for connectors whose manifest declares `tokens` for the verb. Keel
 * counts it against budgets of tokens and, where no cost is said, prices it as policy has it. Always
 * there; a host of before has none, and get_service then gives NULL: go on without. */
#ifndef KEEL_USAGE_H
#define KEEL_USAGE_H

#include <stdint.h>

#include "keel/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KEEL_USAGE_SERVICE "keel.usage/1"

#define KEEL_USAGE_MODEL 100u        /* bytes of a model's name, the most */
#define KEEL_USAGE_MOST  1000000000u /* tokens of one class, the most */

/* The classes are disjoint: what is read from a cache, or written to one, is not in `input`. */
typedef struct keel_tokens {
    uint32_t size; /* sizeof(keel_tokens) as the plugin was compiled */
    uint32_t reserved;
    uint64_t input, output, cache_read, cache_write;
} keel_tokens;

typedef struct keel_usage {
    uint32_t size; /* sizeof the host's struct */
    uint32_t reserved;
    void *ctx;
    /* What this attempt used, and of which model: the one that answered, as the provider names it. Of a
     * verb's reply; a second report replaces the first. KEEL_E_INVALID, and nothing is reported: the
     * name is empty, too long, or no plain text in UTF-8; a number is above the most. */
    keel_status (*report)(void *ctx, keel_call *call, const char *model, const keel_tokens *used);
} keel_usage;

#ifdef __cplusplus
}
#endif

#endif
