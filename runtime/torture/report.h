/* What a person sees of the torture: a line while it goes on, each violation, and a table. */
#ifndef REPORT_H
#define REPORT_H

#include "points.h"
#include "pool.h"
#include "torture.h"

typedef struct report {
    cli *c;
    const torture_options *o;
    long done, planned;
    int64_t began_us;
    int64_t told_us; /* when a line of progress was last written */
    long violations;
    keel_buf json; /* members of the list of violations */
} report;

void report_begin(report *r, cli *c, const torture_options *o, long planned);
void report_result(report *r, const pool_result *result);
/* A trace that fails: nothing can be visited. */
void report_broken(report *r, const pool_result *result);
void report_list(const cli *c);
/* The table and the last line. Returns the exit code. */
int report_end(report *r);

#endif
