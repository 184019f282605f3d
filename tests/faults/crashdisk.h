/* The disk itself, without SQLite's calls. Private to crashvfs.c and crashdisk.c. */
#ifndef CRASHDISK_H
#define CRASHDISK_H

#include <pthread.h>
#include <sqlite3.h>
#include <stddef.h>

#include "crashvfs.h"
#include "keel/buf.h"

enum { DISK_SECTOR = 512, DISK_NAME = 512, DISK_SHM_REGIONS = 64 };

typedef struct disk_image {
    bool exists;
    keel_buf bytes;
} disk_image;

typedef struct disk_handle disk_handle;

typedef struct disk_file disk_file;
struct disk_file {
    disk_file *next;
    char name[DISK_NAME];
    disk_image now;     /* what programs see */
    disk_image durable; /* what is on the platter */
    disk_handle *handles;
    void *shm[DISK_SHM_REGIONS];
    disk_handle *shm_exclusive[SQLITE_SHM_NLOCK];
};

/* What sqlite3_file points to. */
struct disk_handle {
    sqlite3_file base;
    crash_disk *disk;
    disk_file *file;
    disk_handle *next;
    int lock;        /* SQLITE_LOCK_ */
    unsigned shared; /* slots of shared memory */
    bool temporary;  /* its file has no name */
};

typedef enum disk_op_kind { DISK_CREATE, DISK_REMOVE, DISK_TRUNCATE, DISK_WRITE } disk_op_kind;

typedef struct disk_op {
    disk_op_kind kind;
    disk_file *file;
    size_t at; /* offset, or new size */
    size_t len;
    char *bytes;
} disk_op;

struct crash_disk {
    sqlite3_vfs vfs;
    pthread_mutex_t lock;
    char name[32];
    disk_file *files;
    disk_op *pending; /* not synced, in order */
    size_t pending_count;
    size_t pending_cap;
    uint64_t random;
    long operations;
    long strike_at;
    crash_mode mode;
    bool struck;
    bool off;  /* no power */
    bool full; /* no space */
};

extern const sqlite3_io_methods disk_file_methods; /* crashfile.c */

disk_file *disk_find(crash_disk *disk, const char *name, bool make);
uint64_t disk_random(crash_disk *disk);
/* Counts an operation. SQLITE_OK: go on; else the code that it fails with. `grows`: it needs space.
 */
int disk_operation(crash_disk *disk, bool grows);
/* Each does it now and remembers it as not durable. */
void disk_do(crash_disk *disk, disk_op op);
void disk_sync(crash_disk *disk, disk_file *file);
/* A sync that failed: the data that it should have made durable never will be. `names`: nor will
 * the file's making, removal and size. */
void disk_forget(crash_disk *disk, disk_file *file, bool names);
void disk_free_file(disk_file *file);

#endif
