/* What must hold of a simulated world that has come to rest. */
#ifndef SIMCHECK_H
#define SIMCHECK_H

#include "simworld.h"

typedef struct sim_counts {
    int effects, denied, runs, open_runs, open_items;
    sim_world *w;
    char problem[256]; /* the last invariant that does not hold, or "" */
} sim_counts;

/* I1 done was applied; I2 nothing twice; I3 not done was not; I4 what was applied was intended; I5
 * consents are consumed once; I6 no budget is over its limit of 60 (all) or 50 (tree), nothing is held;
 * I9 every effect has an end; I12 each decision has seen as many effects as were sent before it. */
void sim_check(sim_world *w, sim_counts *c);
/* I11, of a life that has just begun on what another left: what was acknowledged is in the record. */
void sim_check_kept(sim_world *w, char problem[256]);
/* I7: chain, anchors and tables. The world must be ended. */
void sim_check_audit(sim_world *w, char problem[256]);

#endif
