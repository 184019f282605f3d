/* What a person was asked and said, as the trust ramp weighs it: from the tables, with the record of
 * each question. What policy looks at is computed by the manifests as they stand, since it is by these
 * that a changed rule will decide. Reads only, and no more of the journal than that. */
#ifndef CLI_RAMP_PAST_H
#define CLI_RAMP_PAST_H

#include "ramp.h"
#include "store.h"
#include "survey.h"

/* One effect that was asked for, beside its ramp_effect. */
typedef struct ramp_asked {
    uint64_t run, number; /* of its item */
    char *path;
    const char *how; /* a refusal: "denied", "edited", "taken back" */
    int64_t seq;     /* of the record that has what was asked */
    int64_t waited_us;
    char *args;
    attr_set *attrs;
    char *agent, *target, *rule;
} ramp_asked;

typedef struct ramp_past {
    ramp_effect *effects;
    ramp_asked *asked; /* beside effects */
    size_t count;
} ramp_past;

/* Approvals that were asked for since then (0: all), and for which a rule of w's policy asks now. */
int ramp_past_read(ramp_past *out, reader *r, const survey *w, int64_t since_us, diag *d);
void ramp_past_free(ramp_past *p);

#endif
