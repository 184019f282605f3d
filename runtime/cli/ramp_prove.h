/* A change that the trust ramp found, made in the text of the policy and tried out: the policy that it
 * gives must compile without a new warning, let through all that it was found from, and deny nothing
 * more. What does not is held back, and says why. */
#ifndef CLI_RAMP_PROVE_H
#define CLI_RAMP_PROVE_H

#include "backtest_sums.h"
#include "backtest_tell.h"
#include "ramp_past.h"

/* The policy of the workspace's own files, what was asked, and what the ramp found. */
typedef struct ramp_scene {
    cli *c;
    survey *world;
    ramp_past past;
    int64_t since_us;
    ramp_finding *found;
    size_t count;
} ramp_scene;

/* Close it also after a failure. since_us 0: everything. */
int ramp_open(ramp_scene *out, cli *c, int64_t since_us, size_t after, diag *d);
void ramp_close(ramp_scene *s);

typedef struct proposal {
    const ramp_finding *found;
    const char *code; /* why it is held back, in a word, and for people; NULL: it is proposed */
    char why[600];
    const char *file; /* of the rule */
    int line;
    const keel_buf *before; /* the file's text, */
    keel_buf after;         /* and as it would be */
    policy *policy;         /* that this gives */
    backtest_report report; /* against the policy as it stands */
    backtest_sums sums;     /* with --json; else */
    telling *told;
} proposal;

/* The text and the policy; no journal is read. */
void proposal_draft(proposal *out, const ramp_scene *s, const ramp_finding *f);
/* Its backtest; all: every effect is listed. 0 also where it is held back. */
int proposal_try(proposal *x, const ramp_scene *s, bool all, diag *d);
void proposal_free(proposal *x);

/* One line, where there is something to propose: what, and how to see it. Says nothing else, also
 * where something is wrong. Cheap as long as there is nothing. */
void ramp_hint(cli *c);
#define RAMP_AFTER 20

#endif
