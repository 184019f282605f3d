/* What the way out of a sandbox costs: a request through egress, a mailbox through an executor. */
#ifndef BENCH_OUTWARD_H
#define BENCH_OUTWARD_H

#include "report.h"

typedef struct outward {
    const char *keel, *workspace, *folder; /* workspace: tests/bench/outside */
    report *report;
    int rounds;
} outward;

void outward_hop(const outward *o);
void outward_mail(const outward *o);

#endif
