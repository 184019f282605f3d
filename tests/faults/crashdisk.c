#include "crashdisk.h"

#include <stdlib.h>
#include <string.h>

/* splitmix64 */
uint64_t disk_random(crash_disk *disk) {
    disk->random += 0x9e3779b97f4a7c15u;
    uint64_t z = disk->random;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static size_t below(crash_disk *disk, size_t limit) {
    return limit > 0 ? (size_t)(disk_random(disk) % limit) : 0;
}

disk_file *disk_find(crash_disk *disk, const char *name, bool make) {
    for (disk_file *f = disk->files; f != NULL; f = f->next) {
        if (strcmp(f->name, name) == 0) {
            return f;
        }
    }
    if (!make || strlen(name) >= DISK_NAME) {
        return NULL;
    }
    disk_file *f = keel_alloc(sizeof *f);
    memset(f, 0, sizeof *f);
    strcpy(f->name, name);
    f->next = disk->files;
    disk->files = f;
    return f;
}

void disk_free_file(disk_file *file) {
    for (size_t i = 0; i < DISK_SHM_REGIONS; i++) {
        free(file->shm[i]);
    }
    keel_buf_free(&file->now.bytes);
    keel_buf_free(&file->durable.bytes);
    free(file);
}

/* ---- images ---- */

static void resize(keel_buf *b, size_t size) {
    if (size > b->len) {
        keel_buf_reserve(b, size - b->len);
        memset(b->data + b->len, 0, size - b->len);
    }
    b->len = size;
}

static void write_at(disk_image *image, size_t at, const char *bytes, size_t len) {
    if (at + len > image->bytes.len) {
        resize(&image->bytes, at + len);
    }
    if (len > 0) {
        memcpy(image->bytes.data + at, bytes, len);
    }
}

static void apply(const disk_op *op, disk_image *image) {
    switch (op->kind) {
    case DISK_CREATE:
        image->exists = true;
        break;
    case DISK_REMOVE:
        image->exists = false;
        resize(&image->bytes, 0);
        break;
    case DISK_TRUNCATE:
        resize(&image->bytes, op->at);
        break;
    case DISK_WRITE:
        if (image->exists) {
            write_at(image, op->at, op->bytes, op->len);
        }
        break;
    }
}

void disk_do(crash_disk *disk, disk_op op) {
    apply(&op, &op.file->now);
    if (disk->pending_count == disk->pending_cap) {
        disk->pending_cap = disk->pending_cap > 0 ? disk->pending_cap * 2 : 64;
        disk->pending = keel_realloc(disk->pending, disk->pending_cap * sizeof *disk->pending);
    }
    op.bytes = op.kind == DISK_WRITE ? keel_memdup(op.bytes, op.len) : NULL;
    disk->pending[disk->pending_count++] = op;
}

void disk_sync(crash_disk *disk, disk_file *file) {
    size_t kept = 0;
    for (size_t i = 0; i < disk->pending_count; i++) {
        disk_op *op = &disk->pending[i];
        if (op->file != file) {
            disk->pending[kept++] = *op;
            continue;
        }
        apply(op, &file->durable);
        free(op->bytes);
    }
    disk->pending_count = kept;
}

void disk_forget(crash_disk *disk, disk_file *file, bool names) {
    size_t kept = 0;
    for (size_t i = 0; i < disk->pending_count; i++) {
        disk_op *op = &disk->pending[i];
        if (op->file != file || (op->kind != DISK_WRITE && !names)) {
            disk->pending[kept++] = *op;
        } else {
            free(op->bytes);
        }
    }
    disk->pending_count = kept;
}

/* ---- the end of power ---- */

/* The sectors of a write that made it: with `first`, some from its beginning, else any. */
static void apply_part(crash_disk *disk, const disk_op *op, bool first) {
    size_t sectors = (op->len + DISK_SECTOR - 1) / DISK_SECTOR;
    size_t keep = below(disk, sectors + 1);
    for (size_t i = 0; i < sectors; i++) {
        size_t at = i * DISK_SECTOR;
        size_t len = op->len - at < DISK_SECTOR ? op->len - at : DISK_SECTOR;
        if (first ? i < keep : (disk_random(disk) & 1) != 0) {
            write_at(&op->file->durable, op->at + at, op->bytes + at, len);
        }
    }
}

static void survive_prefix(crash_disk *disk) {
    size_t keep = below(disk, disk->pending_count + 1);
    for (size_t i = 0; i < keep; i++) {
        const disk_op *op = &disk->pending[i];
        if (i + 1 == keep && op->kind == DISK_WRITE && op->file->durable.exists) {
            apply_part(disk, op, true);
        } else {
            apply(op, &op->file->durable);
        }
    }
}

/* Names and sizes keep their order, as in a journaling file system; data does not. */
static void survive_torn(crash_disk *disk) {
    size_t named = below(disk, disk->pending_count + 1);
    for (size_t i = 0; i < disk->pending_count; i++) {
        const disk_op *op = &disk->pending[i];
        if (op->kind != DISK_WRITE) {
            if (i < named) {
                apply(op, &op->file->durable);
            }
        } else if (op->file->durable.exists && (disk_random(disk) & 1) != 0) {
            if (below(disk, 4) == 0) {
                apply_part(disk, op, false);
            } else {
                apply(op, &op->file->durable);
            }
        }
    }
}

static void cut(crash_disk *disk, crash_mode mode) {
    if (mode == CRASH_PREFIX) {
        survive_prefix(disk);
    } else if (mode == CRASH_TORN) {
        survive_torn(disk);
    }
    for (size_t i = 0; i < disk->pending_count; i++) {
        free(disk->pending[i].bytes);
    }
    disk->pending_count = 0;
    disk->off = true;
}

int disk_operation(crash_disk *disk, bool grows) {
    if (disk->off) {
        return SQLITE_IOERR;
    }
    disk->operations++;
    if (disk->strike_at == 0 || disk->operations != disk->strike_at) {
        return disk->full && grows ? SQLITE_FULL : SQLITE_OK;
    }
    disk->struck = true;
    if (disk->mode == CRASH_FULL) {
        disk->full = true;
        return grows ? SQLITE_FULL : SQLITE_OK;
    }
    if (disk->mode != CRASH_EIO) {
        cut(disk, disk->mode);
    }
    return SQLITE_IOERR;
}

/* ---- the driver's side ---- */

void crash_disk_arm(crash_disk *disk, long operation, crash_mode mode) {
    pthread_mutex_lock(&disk->lock);
    disk->operations = 0;
    disk->strike_at = operation;
    disk->mode = mode;
    disk->struck = false;
    pthread_mutex_unlock(&disk->lock);
}

long crash_disk_operations(const crash_disk *disk) {
    return disk->operations;
}

bool crash_disk_struck(const crash_disk *disk) {
    return disk->struck;
}

void crash_disk_cut(crash_disk *disk, crash_mode mode) {
    pthread_mutex_lock(&disk->lock);
    if (!disk->off) {
        cut(disk, mode);
    }
    pthread_mutex_unlock(&disk->lock);
}

static void reload(disk_file *file) {
    file->now.exists = file->durable.exists;
    resize(&file->now.bytes, 0);
    if (file->durable.exists) {
        write_at(&file->now, 0, file->durable.bytes.data, file->durable.bytes.len);
    } else {
        resize(&file->durable.bytes, 0);
    }
}

void crash_disk_restart(crash_disk *disk) {
    pthread_mutex_lock(&disk->lock);
    for (disk_file *f = disk->files; f != NULL; f = f->next) {
        if (f->handles != NULL) {
            abort(); /* the driver left a connection open */
        }
        if (disk->off) {
            reload(f);
        }
    }
    disk->off = false;
    disk->full = false;
    disk->strike_at = 0;
    pthread_mutex_unlock(&disk->lock);
}

bool crash_disk_holds(crash_disk *disk, const void *bytes, size_t len) {
    bool found = false;
    pthread_mutex_lock(&disk->lock);
    for (const disk_file *f = disk->files; f && !found; f = f->next) {
        found = f->now.bytes.len && memmem(f->now.bytes.data, f->now.bytes.len, bytes, len);
    }
    pthread_mutex_unlock(&disk->lock);
    return found;
}
