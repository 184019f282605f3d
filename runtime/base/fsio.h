/* Whole files and small folders, with the durability that a workspace's files need. No state; any
 * thread. Paths are the caller's own: nothing here guards against hostile ones, except that
 * fsio_remove_tree never follows a symbolic link. */
#ifndef FSIO_H
#define FSIO_H

#include <stddef.h>
#include <sys/types.h>

#include "diag.h"
#include "keel/buf.h"

/* Appends a regular file of up to `limit` bytes to out. 0; DIAG_NOT_FOUND; DIAG_USAGE when it is no
 * regular file or larger; DIAG_STORAGE. out is unchanged on failure. */
int fsio_read(const char *path, size_t limit, keel_buf *out, diag *d);
/* The same, with a relative path taken from the folder `dir`. */
int fsio_read_at(int dir, const char *path, size_t limit, keel_buf *out, diag *d);

/* The file holds either what it held before or all of these bytes, also after a loss of power: a
 * temporary file beside it, fsync, rename, fsync of the folder. The file gets exactly `mode`. 0 or
 * DIAG_STORAGE; a failure before the rename leaves nothing behind; a process that is
 * killed before it may leave .NAME.XXXXXX, which nobody reads. */
int fsio_write_atomic(const char *path, const void *data, size_t len, mode_t mode, diag *d);

/* Makes a folder and those above it that are not there, each with `mode` less the umask. A folder
 * that is there is left as it is. 0; DIAG_USAGE when something else is in the way; DIAG_STORAGE. */
int fsio_mkdirs(const char *path, mode_t mode, diag *d);

/* Removes the file or folder `name` in the folder `dir` (AT_FDCWD: the working directory) with all
 * that is in it. 0, also when it is not there, or DIAG_STORAGE. */
int fsio_remove_tree(int dir, const char *name, diag *d);

/* Reads to the end of a descriptor, appending to out: 0 or -errno, -EFBIG when there are more than
 * `limit` bytes. What was read stays in out. Both wait when the descriptor does not block. */
int fsio_read_all(int fd, size_t limit, keel_buf *out);
/* Writes all of it: 0 or -errno. */
int fsio_write_all(int fd, const void *data, size_t len);

#endif
