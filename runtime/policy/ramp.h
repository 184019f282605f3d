/* The trust ramp: what a rule asks for again and again, and a person has let pass each time, found
 * among past effects; and the narrowest change of that rule that would have let it through. Pure: it
 * reads nothing and changes nothing.
 *
 * Effects are weighed by rule, agent and target, and among these by shape: which attributes they have,
 * of which type and currency. A shape is proposed from `after` clean approvals on. What a person
 * refused counts as long as the change would let it through: then only what came after it is counted.
 * What a run did that had read untrusted text is no evidence, and no change lets it through. */
#ifndef RAMP_H
#define RAMP_H

#include "policy.h"

#define RAMP_VALUES 8 /* how many different texts a condition of `in` may name, or gain */

typedef enum ramp_standing {
    RAMP_CLEAN,  /* a person approved it as it was, it was done, and it stands */
    RAMP_REFUSED /* a person denied it, edited it, or took it back */
} ramp_standing;

typedef struct ramp_effect {
    policy_query query;                /* its texts outlive the findings */
    const char *rule;                  /* that asks for it, as the policy stands */
    const manifest_resource *resource; /* NULL: run.spawn */
    ramp_standing standing;
    bool lost; /* what it said cannot be read any more: a refusal of it may mean anything */
    int64_t at_us;
} ramp_effect;

/* One condition of the rule's `allow`. */
typedef struct ramp_condition {
    char *attr;
    const char *was; /* the comparator that it replaces, "": a bare value; NULL: it is new */
    const char *op;  /* by this one; NULL: `value` is all that stands behind the attribute */
    char *value;     /* YAML: "180 EUR", "[a.example, b.example]", "{ in: [a.example] }", "false" */
    char **more;     /* of `in`: what is new in `value`, each as YAML */
    size_t more_count;
} ramp_condition;

typedef struct ramp_finding {
    const char *rule, *agent, *target;
    const char *code; /* why nothing is proposed, in a word; NULL: it is proposed */
    char *why;        /* the same for people, a sentence without its dot; NULL */
    bool band;        /* the rule has no `allow` yet */
    ramp_condition *conditions;
    size_t condition_count;
    char *free;   /* fields with any value, "body, subject"; "": none */
    size_t *used; /* the approvals: indexes, by time */
    size_t used_count;
    size_t clean; /* of the rule, agent and target in all */
    size_t since; /* index of the refusal behind which they are counted; SIZE_MAX: there is none */
} ramp_finding;

/* One for each rule, agent and target with `after` clean approvals or more; *out is to be freed with
 * ramp_free. */
size_t ramp_find(const policy *p, const ramp_effect *effects, size_t count, size_t after,
                 ramp_finding **out);
void ramp_free(ramp_finding *list, size_t count);

#endif
