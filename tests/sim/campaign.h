/* Many seeds, in a few processes: one that dies is a violation of its seed and takes nothing with it. */
#ifndef CAMPAIGN_H
#define CAMPAIGN_H

#include <stdint.h>

typedef struct campaign {
    uint64_t from;
    uint64_t seeds;  /* 0: as many as fit into */
    int64_t seconds; /* 0: no matter how long */
    int workers;
    const char *program;
} campaign;

/* 0; 1 when an invariant did not hold. The last line is "S seeds, V violations". */
int campaign_run(const campaign *c);
/* 0 when each planted bug was caught within 100 seeds. The last line is "N of N planted bugs found". */
int campaign_bugs(const campaign *c);

#endif
