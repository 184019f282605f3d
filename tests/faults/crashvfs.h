/* A disk in memory behind an SQLite VFS, whose power can fail at any operation, so that a test
 * visits every crash point of a workload in one process:
 *
 *     for (long n = 1; more; n++) {
 *         crash_disk *disk = crash_disk_create("crash", n);
 *         crash_disk_arm(disk, n, CRASH_TORN);
 *         ... run the workload on files of VFS "crash" until it ends or fails, close all it opened
 * ... more = crash_disk_struck(disk); crash_disk_restart(disk);
 *         ... open again and check ...
 *         crash_disk_destroy(disk);
 *     }
 *
 * An operation is a write, a truncation, a sync, a deletion or the making of a file. The disk keeps
 * what was synced and what was not apart. When power fails, what was not synced survives in part,
 * as the mode says; from then on every call fails with SQLITE_IOERR until crash_disk_restart.
 *
 * Write-ahead logs work: locks and shared memory are kept for all connections of this process. The
 * same seed, workload and mode give the same bytes. Functions of one disk may be called from
 * several threads. Temporary files without a name live in memory and are no part of the disk. */
#ifndef CRASHVFS_H
#define CRASHVFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum crash_mode {
    CRASH_LOSE,   /* power fails: nothing that was not synced survives */
    CRASH_PREFIX, /* power fails: what was written first survives, the last of it perhaps in part */
    CRASH_TORN,   /* power fails: any sectors of any writes survive, in any order */
    CRASH_EIO,    /* that one operation fails; what a failed sync held is not durable afterwards */
    CRASH_FULL    /* from then on no file can grow: SQLITE_FULL, until the restart */
} crash_mode;

typedef struct crash_disk crash_disk;

/* Registers the VFS `name` (copied), not as the default. */
crash_disk *crash_disk_create(const char *name, uint64_t seed);
/* All files must be closed. NULL is fine. */
void crash_disk_destroy(crash_disk *disk);

/* The operation-th operation from now on (1: the next one) is struck; 0: none is. */
void crash_disk_arm(crash_disk *disk, long operation, crash_mode mode);
/* How many operations there were since the last crash_disk_arm, or since the beginning. */
long crash_disk_operations(const crash_disk *disk);
/* Was the armed operation reached? */
bool crash_disk_struck(const crash_disk *disk);
/* Cuts the power now; mode is one of the first three. For what comes after CRASH_EIO. */
void crash_disk_cut(crash_disk *disk, crash_mode mode);
/* Are these bytes in any of its files? */
bool crash_disk_holds(crash_disk *disk, const void *bytes, size_t len);
/* The machine starts again: disarmed, with space, holding what survived. All files must be closed.
 */
void crash_disk_restart(crash_disk *disk);

#endif
