/* What a backup is, for those who make, check and restore it. */
#ifndef CLI_BACKUP_H
#define CLI_BACKUP_H

#include "backupset.h"
#include "cli.h"

typedef struct backup {
    backup_set set;
    backup_report report; /* of its database */
    int64_t made_us;
    bool signed_;
    bool anchored; /* it holds the signed heads of its journal */
} backup;

/* Checks all of it: list, signature, files, database, chain, tables. What is wrong with single files
 * is said as it is found. */
int backup_check(cli *c, const char *folder, backup *out, diag *d);
void backup_free(backup *b);

/* A line that is written over while work goes on, on a terminal only. */
typedef struct backup_progress {
    const cli *c;
    const char *what;
    int64_t started_us, shown_us;
} backup_progress;
void backup_progress_show(void *ctx, int64_t done, int64_t total);
void backup_progress_end(const backup_progress *p);
void backup_put_size(keel_buf *out, int64_t bytes); /* "3.2 MB" */

extern const char *const backup_folders[]; /* of a workspace, that a backup holds; NULL ends them */

#endif
