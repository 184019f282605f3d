/* SQLite's calls on names, over crashdisk.c; those on files are in crashfile.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crashdisk.h"

static int leave(crash_disk *disk, int rc) {
    pthread_mutex_unlock(&disk->lock);
    return rc;
}

static disk_file *temporary_file(void) {
    disk_file *file = keel_alloc(sizeof *file);
    memset(file, 0, sizeof *file);
    file->now.exists = true;
    return file;
}

/* Finds or makes the file that an open names. */
static int open_named(crash_disk *disk, const char *name, int flags, disk_file **out) {
    bool create = (flags & SQLITE_OPEN_CREATE) != 0;
    disk_file *file = disk_find(disk, name, create);
    if (disk->off || file == NULL || (!file->now.exists && !create)) {
        return SQLITE_CANTOPEN;
    }
    if (!file->now.exists) {
        int rc = disk_operation(disk, true);
        if (rc != SQLITE_OK) {
            return rc == SQLITE_FULL ? SQLITE_FULL : SQLITE_CANTOPEN;
        }
        disk_do(disk, (disk_op){DISK_CREATE, file, 0, 0, NULL});
    }
    *out = file;
    return SQLITE_OK;
}

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f, int flags,
                    int *out_flags) {
    crash_disk *disk = vfs->pAppData;
    disk_handle *h = (disk_handle *)(void *)f;
    disk_file *file = NULL;
    memset(h, 0, sizeof *h);
    pthread_mutex_lock(&disk->lock);
    int rc = SQLITE_OK;
    if (name == NULL) {
        file = temporary_file();
    } else {
        rc = open_named(disk, name, flags, &file);
    }
    if (rc == SQLITE_OK) {
        *h = (disk_handle){.base.pMethods = &disk_file_methods,
                           .disk = disk,
                           .file = file,
                           .next = file->handles,
                           .temporary = name == NULL};
        file->handles = h;
        if (out_flags != NULL) {
            *out_flags = flags;
        }
    }
    return leave(disk, rc);
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_folder) {
    crash_disk *disk = vfs->pAppData;
    pthread_mutex_lock(&disk->lock);
    disk_file *file = disk_find(disk, name, false);
    if (disk->off) {
        return leave(disk, SQLITE_IOERR_DELETE);
    }
    if (file == NULL || !file->now.exists) {
        return leave(disk, SQLITE_IOERR_DELETE_NOENT);
    }
    int rc = disk_operation(disk, false);
    if (rc == SQLITE_OK) {
        disk_do(disk, (disk_op){DISK_REMOVE, file, 0, 0, NULL});
        if (sync_folder) {
            disk_sync(disk, file);
        }
    }
    return leave(disk, rc == SQLITE_OK ? SQLITE_OK : SQLITE_IOERR_DELETE);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
    (void)flags;
    crash_disk *disk = vfs->pAppData;
    pthread_mutex_lock(&disk->lock);
    const disk_file *file = disk_find(disk, name, false);
    *out = file != NULL && file->now.exists;
    return leave(disk, disk->off ? SQLITE_IOERR_ACCESS : SQLITE_OK);
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *out) {
    (void)vfs;
    size_t len = strlen(name);
    if (len >= (size_t)size) {
        return SQLITE_CANTOPEN;
    }
    memcpy(out, name, len + 1);
    return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *vfs, int size, char *out) {
    crash_disk *disk = vfs->pAppData;
    pthread_mutex_lock(&disk->lock);
    for (int i = 0; i < size; i++) {
        out[i] = (char)disk_random(disk);
    }
    return leave(disk, size);
}

static int vfs_sleep(sqlite3_vfs *vfs, int us) {
    (void)vfs;
    return us;
}

static int vfs_time(sqlite3_vfs *vfs, sqlite3_int64 *out) {
    (void)vfs;
    *out = (sqlite3_int64)time(NULL) * 1000 + 210866760000000;
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *out) {
    const crash_disk *disk = vfs->pAppData;
    (void)size, (void)out;
    return disk->full ? ENOSPC : EIO;
}

crash_disk *crash_disk_create(const char *name, uint64_t seed) {
    crash_disk *disk = keel_alloc(sizeof *disk);
    memset(disk, 0, sizeof *disk);
    pthread_mutex_init(&disk->lock, NULL);
    disk->random = seed;
    strncpy(disk->name, name, sizeof disk->name - 1);
    disk->vfs = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = sizeof(disk_handle),
        .mxPathname = DISK_NAME - 1,
        .zName = disk->name,
        .pAppData = disk,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xGetLastError = vfs_last_error,
        .xCurrentTimeInt64 = vfs_time,
    };
    sqlite3_vfs_register(&disk->vfs, 0);
    return disk;
}

void crash_disk_destroy(crash_disk *disk) {
    if (disk == NULL) {
        return;
    }
    sqlite3_vfs_unregister(&disk->vfs);
    for (size_t i = 0; i < disk->pending_count; i++) {
        free(disk->pending[i].bytes);
    }
    free(disk->pending);
    for (disk_file *f = disk->files; f != NULL;) {
        disk_file *next = f->next;
        disk_free_file(f);
        f = next;
    }
    pthread_mutex_destroy(&disk->lock);
    free(disk);
}
