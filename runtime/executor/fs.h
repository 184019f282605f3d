/* Files below the granted folders, for both engines: keel.fs/1 of a .so, keel.fs of Lua.
 *
 * A path is relative to one grant and is opened one component at a time below the grant's
 * descriptor, never through a symbolic link: no "..", no ".", no empty component, not absolute.
 * What it names can be swapped meanwhile; the worst is then an error, never a file outside. Only
 * descriptors are used (no path is resolved from the root), which is what the last filter allows.
 *
 * Each call returns a keel_status and leaves its results untouched on failure; fs_error then says
 * why, in one sentence that names the path. A failed write_atomic, rename or remove that is not
 * KEEL_E_UNKNOWN changed nothing that others can see. One thread. */
#ifndef FS_H
#define FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"
#include "keel/buf.h"
#include "keel/fs.h"

#define FS_READ_LIMIT  (16u << 20) /* bytes of one read */
#define FS_WRITE_LIMIT (64u << 20) /* bytes of one write_atomic */
#define FS_LIST_LIMIT  100000      /* entries of one folder */
#define FS_PATH_LIMIT  4096        /* bytes of a path; a component has at most 255 */

/* Unfinished files of write_atomic begin with it: list leaves them out, and removes those that were
 * last touched before fs_create. */
#define FS_TEMPORARY ".keel-tmp."

enum { FS_FILE = 1, FS_FOLDER = 2, FS_OTHER = 3 };

typedef struct fs_info {
    uint32_t kind;
    uint64_t size; /* bytes; 0 unless a file */
    int64_t mtime_us;
} fs_info;

typedef struct fs_entry {
    char *name;
    uint32_t kind;
} fs_entry;

typedef struct fs_listing {
    fs_entry *entries; /* sorted by the bytes of their names */
    size_t count;
} fs_listing;

typedef struct fs fs;

/* The grants' descriptors and paths are borrowed and must outlive it. */
fs *fs_create(const executor_grant *grants, size_t count);
void fs_destroy(fs *f);
/* Why the last call on f failed. */
const char *fs_error(const fs *f);

keel_status fs_stat(fs *f, const char *folder, const char *path, fs_info *out);
/* Appends up to len bytes from offset; fewer at the end of the file. */
keel_status fs_read(fs *f, const char *folder, const char *path, uint64_t offset, size_t len,
                    keel_buf *out);
/* path "" is the granted folder itself. */
keel_status fs_list(fs *f, const char *folder, const char *path, fs_listing *out);
void fs_listing_free(fs_listing *l);
/* flags: KEEL_FS_NEW. Durable when it returns KEEL_OK; makes missing parent folders. */
keel_status fs_write(fs *f, const char *folder, const char *path, const void *data, size_t len,
                     uint32_t flags);
/* Never replaces; makes no folders. */
keel_status fs_rename(fs *f, const char *from_folder, const char *from, const char *to_folder,
                      const char *to);
/* A file, or an empty folder. */
keel_status fs_remove(fs *f, const char *folder, const char *path);

#endif
