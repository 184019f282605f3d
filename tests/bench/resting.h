/* What runs cost that wait for months, and what going on costs after a restart. */
#ifndef BENCH_RESTING_H
#define BENCH_RESTING_H

#include "report.h"

typedef struct resting {
    const char *keel, *workspace, *folder; /* workspace: tests/bench/workspace */
    report *report;
    int rounds;
} resting;

void resting_sleepers(resting o);
void resting_segments(resting o);

#endif
