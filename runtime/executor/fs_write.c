/* Changes below a grant. Each is one rename, or one unlink, made durable by syncing the folders. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fs_internal.h"

/* What fails before the visible step has changed nothing, whatever the system's reason. */
static keel_status not_applied(keel_status status) {
    return status == KEEL_E_INTERNAL ? KEEL_E_RETRY : status;
}

/* What fails at or after it, without a clear reason, may have been applied. */
static keel_status maybe_applied(keel_status status) {
    return status == KEEL_E_INTERNAL ? KEEL_E_UNKNOWN : status;
}

static int create_temporary(int dir, char name[FS_NAME_SIZE]) {
    uint64_t random;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) {
        return -1;
    }
    snprintf(name, FS_NAME_SIZE, "%s%016llx", FS_TEMPORARY, (unsigned long long)random);
    return openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static int write_all(int fd, const char *data, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return fsync(fd);
}

/* By its own system call: glibc's becomes renameat where there are no flags, which the last filter
 * does not list. */
static int move(int from_dir, const char *from, int to_dir, const char *to, unsigned int flags) {
    return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

/* Without KEEL_FS_NEW the name is replaced, whatever file was there. */
static int put_in_place(int dir, const char *temporary, const char *name, uint32_t flags) {
    unsigned int how = flags & KEEL_FS_NEW ? RENAME_NOREPLACE : 0;
    return move(dir, temporary, dir, name, how);
}

static keel_status sync_folder(fs *f, int dir, const char *folder, const char *path) {
    if (fsync(dir) == 0) {
        return KEEL_OK;
    }
    return fs_fail(f, KEEL_E_UNKNOWN, folder, path,
                   "the change was made, but the disk did not confirm it");
}

static keel_status write_at(fs *f, const fs_place *p, const char *folder, const char *path,
                            keel_span bytes, uint32_t flags) {
    char temporary[FS_NAME_SIZE];
    int fd = create_temporary(p->dir, temporary);
    if (fd < 0) {
        return not_applied(fs_fail_errno(f, errno, folder, path));
    }
    keel_status status = KEEL_OK;
    if (write_all(fd, bytes.data, bytes.len) < 0) {
        status = not_applied(fs_fail_errno(f, errno, folder, path));
    }
    close(fd);
    if (status == KEEL_OK && put_in_place(p->dir, temporary, p->name, flags) < 0) {
        status = maybe_applied(fs_fail_errno(f, errno, folder, path));
    }
    if (status < 0) {
        unlinkat(p->dir, temporary, 0);
        return status;
    }
    return sync_folder(f, p->dir, folder, path);
}

keel_status fs_write(fs *f, const char *folder, const char *path, const void *data, size_t len,
                     uint32_t flags) {
    if (flags & ~KEEL_FS_NEW) {
        return fs_fail(f, KEEL_E_INVALID, folder, path, "a flag is not known");
    }
    if (len > FS_WRITE_LIMIT) {
        return fs_fail(f, KEEL_E_INVALID, folder, path, "one file takes at most 64 MiB");
    }
    if (!*path) {
        return fs_fail(f, KEEL_E_INVALID, folder, path, "a file needs a name");
    }
    fs_place p = {-1, ""};
    keel_status status = fs_place_open(f, folder, path, FS_MAKE, &p);
    if (status < 0) {
        return not_applied(status);
    }
    status = write_at(f, &p, folder, path, (keel_span){data, len}, flags);
    fs_place_close(&p);
    return status;
}

static keel_status sync_both(fs *f, const fs_place *a, const fs_place *b, const char *folder,
                             const char *path) {
    keel_status status = sync_folder(f, b->dir, folder, path);
    return status < 0 ? status : sync_folder(f, a->dir, folder, path);
}

keel_status fs_rename(fs *f, const char *from_folder, const char *from, const char *to_folder,
                      const char *to) {
    if (!*from || !*to) {
        return fs_fail(f, KEEL_E_INVALID, from_folder, from, "a granted folder cannot be renamed");
    }
    fs_place a = {-1, ""};
    fs_place b = {-1, ""};
    keel_status status = fs_place_open(f, from_folder, from, FS_CHANGE, &a);
    if (status < 0) {
        return not_applied(status);
    }
    status = fs_place_open(f, to_folder, to, FS_CHANGE, &b);
    if (status < 0) {
        fs_place_close(&a);
        return not_applied(status);
    }
    if (move(a.dir, a.name, b.dir, b.name, RENAME_NOREPLACE) == 0) {
        status = sync_both(f, &a, &b, to_folder, to);
    } else if (errno == ENOENT) {
        status = fs_fail_errno(f, ENOENT, from_folder, from);
    } else {
        status = maybe_applied(fs_fail_errno(f, errno, to_folder, to));
    }
    fs_place_close(&a);
    fs_place_close(&b);
    return status;
}

keel_status fs_remove(fs *f, const char *folder, const char *path) {
    if (!*path) {
        return fs_fail(f, KEEL_E_INVALID, folder, path, "a granted folder cannot be removed");
    }
    fs_place p = {-1, ""};
    keel_status status = fs_place_open(f, folder, path, FS_CHANGE, &p);
    if (status < 0) {
        return not_applied(status);
    }
    int failed = unlinkat(p.dir, p.name, 0);
    if (failed < 0 && errno == EISDIR) {
        failed = unlinkat(p.dir, p.name, AT_REMOVEDIR);
    }
    if (failed < 0) {
        status = maybe_applied(fs_fail_errno(f, errno, folder, path));
    } else {
        status = sync_folder(f, p.dir, folder, path);
    }
    fs_place_close(&p);
    return status;
}
