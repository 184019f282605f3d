/* Cases that stand beside a policy, in policies/tests: one effect each, and what policy is to say to it.
 *
 *   version: 1
 *   cases:
 *     - { name: mail to strangers asks, agent: correspondent, on: inbox.message.write,
 *         args: { to: [x@client.example] }, expect: ask, rule: answers-ask }
 *
 * args, tainted (false), sink and class (as the manifest says), to_origin (false) and rule may be left
 * out. A name that does not exist is a fault of the file, with its place and the nearest that does.
 *
 * A case with a `past` or a moment (`at`) is decided as a whole: by sums and counts over that past, and
 * then by budgets, rates and quiet hours, which without them nobody looks at:
 *
 *         at: "2026-03-10T12:00:00Z",
 *         past: [ { args: { amount: 100 EUR }, ago: 2h, times: 3, outcome: done } ],
 *         expect: wait, budget: mail
 *
 * Of what was before, agent, on and args are the case's where they are left out. */
#ifndef CLI_POLICY_CASES_H
#define CLI_POLICY_CASES_H

#include "policy.h"
#include "yamltree.h"

/* What a case comes to: a policy_verdict, or */
#define CASE_WAIT     3 /* its rules let it, and a budget, a rate or an hour holds it up */
#define CASE_VERDICTS 4
extern const char *const case_verdicts[]; /* in that order, and NULL */

typedef enum case_outcome { CASE_DONE, CASE_NOT_DONE, CASE_UNKNOWN, CASE_DENIED } case_outcome;

/* So many effects that were before, all at one moment. */
typedef struct case_past {
    char *agent, *target; /* NULL: as the case's */
    keel_buf args;        /* empty: as the case's */
    const manifest_resource *resource;
    const manifest_verb *verb; /* NULL: run.spawn */
    int64_t ago_us;
    int64_t times;
    case_outcome outcome;
    bool same_run; /* it counts for budgets of the run that the case is of */
    int line, column;
} case_past;

typedef struct policy_case {
    char *name, *agent, *target;
    char *rule; /* NULL: whichever */
    keel_buf args;
    char *budget;                      /* that is expected to stop it, or NULL */
    const manifest_resource *resource; /* NULL: run.spawn */
    const manifest_verb *verb;
    effect_class class;
    bool tainted, external, ordered;
    policy_reply reply;
    sensitivity level;
    int expect;
    bool whole;      /* it has a past or a moment */
    int64_t at_us;   /* of the decision */
    case_past *past; /* the oldest first */
    size_t past_count;
    int line, column;
} policy_case;

typedef struct policy_cases {
    policy_case *list;
    size_t count;
} policy_cases;

/* 0 or DIAG_USAGE with a place; the world must outlive the cases. */
int policy_cases_read(policy_cases *out, const policy_source *file, const policy *p,
                      const policy_world *world, diag *d);
void policy_cases_free(policy_cases *c);

/* The case as policy sees it; set owns its attributes. */
policy_query policy_case_query(const policy_case *c, attr_set *set);

/* ---- policy_cases_past.c ---- */

/* What a case comes to. */
typedef struct case_came {
    int verdict;
    policy_query query; /* its past, if it has one, is gone */
    policy_decision decision;
    char budget[64]; /* that stops it, or "" */
    keel_buf why;    /* what holds it up or stops it besides its rules; or empty */
    keel_buf said;   /* the decision, as policy_explain has it */
} case_came;
/* 0, or DIAG_USAGE where the past could not have been. Free why and said also then. */
int case_play(const policy *p, const char *file, const policy_case *c, attr_set *set,
              case_came *out, diag *d);

#endif
