/* What every part of the benchmark shares. A failure ends the benchmark with a message: half a table
 * would be read as a whole one. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>

double bench_now(void); /* seconds, monotonic */
void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
double bench_median(double *values, size_t count); /* sorts them */

#endif
