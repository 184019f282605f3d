/* The machine's own limit: SQLite alone, the same file system, WAL with synchronous=FULL, a plain
 * table of 100-byte rows. */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H

typedef struct raw raw;

/* Makes FOLDER/raw.db afresh. Ends the process with a message when it cannot. */
raw *raw_create(const char *folder);
void raw_destroy(raw *r);
/* Commits of `rows` rows each for about `seconds`; rows per second. */
double raw_rate(raw *r, int rows, double seconds);
/* Reads every row of the journal of a Keel database once; milliseconds. */
double raw_scan_ms(const char *db_path);

#endif
