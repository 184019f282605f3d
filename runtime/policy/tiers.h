/* A policy's `tiers`: by what names agents ask for a model, and what each stands for. They are in the
 * order of the file, cheapest first. All texts live as long as the policy. */
#ifndef TIERS_H
#define TIERS_H

#include "policy.h"

#define POLICY_TIERS     16
#define TIER_MODELS      16
#define TIER_TOKENS_MOST 10000000

typedef struct policy_tier {
    const char *name;
    const char *const *models; /* in the order of fallback */
    size_t model_count;
    int64_t max_tokens; /* of an answer; 0: not said */
    sensitivity most;   /* the highest label that it may be given: what is restricted stays where
                           `where` is local */
    bool local;
    const char *file;
    int line, column;
} policy_tier;

size_t policy_tier_count(const policy *p);
const policy_tier *policy_tier_at(const policy *p, size_t i);
/* NULL: there is none of that name. Of two, the one that stands first in policy_tier_at is cheaper. */
const policy_tier *policy_tier_get(const policy *p, const char *name, size_t len);

/* The attribute by which what is done there names its tier; NULL: it asks for none. */
const manifest_attr *tier_declared(const manifest_resource *r);
/* Whether a run that has read what is of that level may ask for what these attributes name: where none is
 * named, each tier must take it. false, and why. */
bool tier_lets(const policy *p, const attr *attrs, size_t count, sensitivity level, char *why,
               size_t size);

#endif
