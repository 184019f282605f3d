/* What a decision of policy costs, alone and a journal full of them. */
#ifndef BENCH_DECIDING_H
#define BENCH_DECIDING_H

#include "report.h"

typedef struct deciding {
    const char *decision, *backtest; /* programs */
    const char *folder;              /* where to work */
    report *report;
} deciding;

void deciding_decisions(deciding s);
void deciding_backtest(deciding s);

#endif
