/* A policy of 1,000 rules that takes force anew. */
#ifndef BENCH_RELOADING_H
#define BENCH_RELOADING_H

#include "report.h"

typedef struct reloading {
    const char *keel, *workspace, *folder;
    report *report;
    int rounds;
} reloading;

/* reload_1000_ms: from the command to its answer, each time with a policy that has changed; the limit is
 * libyaml's events of the same files and nothing else. Beside every other reload 64 runs are begun, and
 * each must end well. */
void reloading_rules(reloading o);

#endif
