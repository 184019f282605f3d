/* SQLite's calls on one open file. */
#include "crashdisk.h"

#include <stdlib.h>
#include <string.h>

static disk_handle *handle_of(sqlite3_file *f) {
    return (disk_handle *)(void *)f;
}

static crash_disk *enter(sqlite3_file *f) {
    crash_disk *disk = handle_of(f)->disk;
    pthread_mutex_lock(&disk->lock);
    return disk;
}

static int leave(crash_disk *disk, int rc) {
    pthread_mutex_unlock(&disk->lock);
    return rc;
}

/* Temporary files never fail and are never counted. */
static int operation(const disk_handle *h, bool grows, int failure) {
    int rc = h->temporary ? SQLITE_OK : disk_operation(h->disk, grows);
    return rc == SQLITE_IOERR ? failure : rc;
}

/* ---- bytes ---- */

static int file_close(sqlite3_file *f) {
    crash_disk *disk = enter(f);
    disk_handle *h = handle_of(f);
    for (disk_handle **at = &h->file->handles; *at != NULL; at = &(*at)->next) {
        if (*at == h) {
            *at = h->next;
            break;
        }
    }
    if (h->temporary) {
        disk_free_file(h->file);
    }
    return leave(disk, SQLITE_OK);
}

static int file_read(sqlite3_file *f, void *to, int len, sqlite3_int64 at) {
    crash_disk *disk = enter(f);
    disk_handle *h = handle_of(f);
    if (disk->off && !h->temporary) {
        return leave(disk, SQLITE_IOERR_READ);
    }
    const keel_buf *b = &h->file->now.bytes;
    size_t want = (size_t)len, from = (size_t)at;
    size_t have = from >= b->len ? 0 : b->len - from;
    if (have >= want) {
        memcpy(to, b->data + from, want);
        return leave(disk, SQLITE_OK);
    }
    if (have > 0) {
        memcpy(to, b->data + from, have);
    }
    memset((char *)to + have, 0, want - have);
    return leave(disk, SQLITE_IOERR_SHORT_READ);
}

static int file_write(sqlite3_file *f, const void *from, int len, sqlite3_int64 at) {
    crash_disk *disk = enter(f);
    disk_handle *h = handle_of(f);
    bool grows = (size_t)at + (size_t)len > h->file->now.bytes.len;
    int rc = operation(h, grows, SQLITE_IOERR_WRITE);
    if (rc == SQLITE_OK) {
        /* disk_do copies the bytes. */
        disk_do(disk, (disk_op){DISK_WRITE, h->file, (size_t)at, (size_t)len, (char *)from});
        if (h->temporary) {
            disk_forget(disk, h->file, true);
        }
    }
    return leave(disk, rc);
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size) {
    crash_disk *disk = enter(f);
    disk_handle *h = handle_of(f);
    int rc = operation(h, false, SQLITE_IOERR_TRUNCATE);
    if (rc == SQLITE_OK) {
        disk_do(disk, (disk_op){DISK_TRUNCATE, h->file, (size_t)size, 0, NULL});
        if (h->temporary) {
            disk_forget(disk, h->file, true);
        }
    }
    return leave(disk, rc);
}

static int file_sync(sqlite3_file *f, int flags) {
    (void)flags;
    crash_disk *disk = enter(f);
    disk_handle *h = handle_of(f);
    int rc = operation(h, false, SQLITE_IOERR_FSYNC);
    if (rc == SQLITE_OK) {
        disk_sync(disk, h->file);
    } else if (!disk->off) {
        disk_forget(disk, h->file, false);
    }
    return leave(disk, rc);
}

static int file_size(sqlite3_file *f, sqlite3_int64 *out) {
    crash_disk *disk = enter(f);
    disk_handle *h = handle_of(f);
    *out = (sqlite3_int64)h->file->now.bytes.len;
    return leave(disk, disk->off && !h->temporary ? SQLITE_IOERR_FSTAT : SQLITE_OK);
}

/* ---- locks ---- */

static int highest_other(const disk_handle *h) {
    int highest = SQLITE_LOCK_NONE;
    for (const disk_handle *o = h->file->handles; o != NULL; o = o->next) {
        if (o != h && o->lock > highest) {
            highest = o->lock;
        }
    }
    return highest;
}

static int file_lock(sqlite3_file *f, int lock) {
    crash_disk *disk = enter(f);
    disk_handle *h = handle_of(f);
    int other = highest_other(h);
    int rc = SQLITE_OK;
    if (lock <= h->lock) {
        return leave(disk, SQLITE_OK);
    }
    if (lock == SQLITE_LOCK_SHARED) {
        rc = other >= SQLITE_LOCK_PENDING ? SQLITE_BUSY : SQLITE_OK;
    } else if (other >= SQLITE_LOCK_RESERVED) {
        rc = SQLITE_BUSY;
    } else if (lock == SQLITE_LOCK_EXCLUSIVE && other >= SQLITE_LOCK_SHARED) {
        h->lock = SQLITE_LOCK_PENDING;
        rc = SQLITE_BUSY;
    }
    if (rc == SQLITE_OK) {
        h->lock = lock;
    }
    return leave(disk, rc);
}

static int file_unlock(sqlite3_file *f, int lock) {
    crash_disk *disk = enter(f);
    disk_handle *h = handle_of(f);
    if (h->lock > lock) {
        h->lock = lock;
    }
    return leave(disk, SQLITE_OK);
}

static int file_check_reserved(sqlite3_file *f, int *out) {
    crash_disk *disk = enter(f);
    const disk_handle *h = handle_of(f);
    *out = h->lock >= SQLITE_LOCK_RESERVED || highest_other(h) >= SQLITE_LOCK_RESERVED;
    return leave(disk, SQLITE_OK);
}

static int file_control(sqlite3_file *f, int op, void *arg) {
    (void)f, (void)op, (void)arg;
    return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *f) {
    (void)f;
    return DISK_SECTOR;
}

/* As SQLite assumes of a disk under Unix. */
static int file_characteristics(sqlite3_file *f) {
    (void)f;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* ---- shared memory ---- */

static int shm_map(sqlite3_file *f, int region, int size, int extend, void volatile **out) {
    crash_disk *disk = enter(f);
    disk_file *file = handle_of(f)->file;
    if (region >= DISK_SHM_REGIONS || disk->off) {
        return leave(disk, SQLITE_IOERR_SHMMAP);
    }
    if (file->shm[region] == NULL && extend) {
        file->shm[region] = keel_alloc((size_t)size);
        memset(file->shm[region], 0, (size_t)size);
    }
    *out = file->shm[region];
    return leave(disk, SQLITE_OK);
}

static bool shared_by_others(const disk_handle *h, unsigned slot) {
    for (const disk_handle *o = h->file->handles; o != NULL; o = o->next) {
        if (o != h && (o->shared & 1u << slot) != 0) {
            return true;
        }
    }
    return false;
}

static bool slot_free(const disk_handle *h, unsigned slot, bool exclusive) {
    const disk_handle *holder = h->file->shm_exclusive[slot];
    return (holder == NULL || holder == h) && !(exclusive && shared_by_others(h, slot));
}

static void take_slot(disk_handle *h, unsigned slot, int flags) {
    disk_handle **holder = &h->file->shm_exclusive[slot];
    if ((flags & SQLITE_SHM_UNLOCK) != 0) {
        h->shared &= ~(1u << slot);
        *holder = *holder == h ? NULL : *holder;
    } else if ((flags & SQLITE_SHM_SHARED) != 0) {
        h->shared |= 1u << slot;
    } else {
        *holder = h;
    }
}

static int shm_lock(sqlite3_file *f, int offset, int n, int flags) {
    crash_disk *disk = enter(f);
    disk_handle *h = handle_of(f);
    unsigned first = (unsigned)offset, end = (unsigned)(offset + n);
    bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    for (unsigned slot = first; slot < end && (flags & SQLITE_SHM_LOCK) != 0; slot++) {
        if (!slot_free(h, slot, exclusive)) {
            return leave(disk, SQLITE_BUSY);
        }
    }
    for (unsigned slot = first; slot < end; slot++) {
        take_slot(h, slot, flags);
    }
    return leave(disk, SQLITE_OK);
}

static void shm_barrier(sqlite3_file *f) {
    leave(enter(f), SQLITE_OK);
}

static int shm_unmap(sqlite3_file *f, int delete) {
    (void)delete;
    crash_disk *disk = enter(f);
    disk_handle *h = handle_of(f);
    for (unsigned slot = 0; slot < SQLITE_SHM_NLOCK; slot++) {
        take_slot(h, slot, SQLITE_SHM_UNLOCK);
    }
    /* The last one takes the memory with it, as the first one after a start would clear it. */
    for (int i = 0; h->file->handles == h && h->next == NULL && i < DISK_SHM_REGIONS; i++) {
        free(h->file->shm[i]);
        h->file->shm[i] = NULL;
    }
    return leave(disk, SQLITE_OK);
}

const sqlite3_io_methods disk_file_methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};
