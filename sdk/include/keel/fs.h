/* keel.fs/1: files below the folders that a connection was granted (manifest: needs file:ro|rw).
 *
 * Paths are relative to one grant, resolved beneath it: no "..", no symbolic link, no absolute
 * path; `folder` is the grant's path exactly as the connection's config spells it. All calls are
 * synchronous and return a keel_status; texts and bytes returned are borrowed until the verb that
 * asked for them returns. Callable only from the thread that a verb runs on. */
#ifndef KEEL_FS_H
#define KEEL_FS_H

#include <stddef.h>
#include <stdint.h>

#include "keel/plugin.h"

#define KEEL_FS_SERVICE "keel.fs/1"

typedef struct keel_fs_stat {
    uint32_t size_of; /* sizeof the caller's struct */
    uint32_t kind;    /* 1 file, 2 folder, 3 other */
    uint64_t size;    /* bytes */
    int64_t mtime_us; /* wall clock */
} keel_fs_stat;

typedef struct keel_fs_entry {
    const char *name; /* one path component, UTF-8 or raw bytes as the disk has them */
    uint32_t kind;
    uint32_t reserved;
} keel_fs_entry;

typedef struct keel_fs {
    uint32_t size; /* sizeof the host's struct */
    uint32_t reserved;
    void *ctx;
    /* KEEL_E_NOT_FOUND when there is nothing of that name. */
    keel_status (*stat)(void *ctx, keel_call *call, const char *folder, const char *path,
                        keel_fs_stat *out);
    /* Up to `len` bytes from `offset`; fewer at the end of the file. */
    keel_status (*read)(void *ctx, keel_call *call, const char *folder, const char *path,
                        uint64_t offset, size_t len, keel_span *out);
    /* Entries without "." and "..", sorted by name bytes. */
    keel_status (*list)(void *ctx, keel_call *call, const char *folder, const char *path,
                        const keel_fs_entry **entries, size_t *count);
    /* The whole file or nothing: a temporary file, fsync, rename, fsync of the folder. Replaces
     * unless KEEL_FS_NEW is given (then KEEL_E_CONFLICT if it exists). Makes missing parents. */
    keel_status (*write_atomic)(void *ctx, keel_call *call, const char *folder, const char *path,
                                keel_span bytes, uint32_t flags);
    /* Within one grant, or between two writable ones; never replaces (KEEL_E_CONFLICT). */
    keel_status (*rename)(void *ctx, keel_call *call, const char *from_folder, const char *from,
                          const char *to_folder, const char *to);
    keel_status (*remove)(void *ctx, keel_call *call, const char *folder, const char *path);
} keel_fs;

#define KEEL_FS_NEW 1u

#endif
