/* What was measured, as a table for people and as one JSON object. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>
#include <stdio.h>

typedef struct report report;

report *report_create(void);
void report_destroy(report *r);
/* One line: limit is what the machine does at best, measured in the same run; name, unit and wanted
 * are kept as given. `ratio` is value : limit. `holds`: the value is as wanted. */
void report_add(report *r, const char *name, double value, const char *unit, double limit,
                const char *wanted, bool holds);
void report_print(const report *r, FILE *to);
/* {"NAME":{"limit":N,"ratio":N,"unit":TEXT,"value":N},...} */
int report_json(const report *r, const char *path);

#endif
