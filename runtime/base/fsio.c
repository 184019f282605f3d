#include "fsio.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failpoint.h"

static const char *remedy(int error) {
    switch (error) {
    case ENOSPC:
    case EDQUOT:
        return "Free some space on this disk and try again.";
    case EACCES:
    case EPERM:
        return "Check who owns it and what its mode is.";
    case EROFS:
        return "The file system is mounted read-only; choose another place or mount it anew.";
    case EIO:
        return "The disk reported a fault: look into the system's log.";
    case EMFILE:
    case ENFILE:
        return "Too many files are open: raise the limit (ulimit -n) or end what is not needed.";
    default:
        return "Check the path and the disk, and try again.";
    }
}

static int storage(diag *d, const char *path, const char *act, int error) {
    diag_set(d, DIAG_STORAGE, "%s: cannot %s: %s", path, act, strerror(error));
    diag_next(d, "%s", remedy(error));
    return DIAG_STORAGE;
}

/* ---- descriptors ---- */

/* Whether to try again after a failed read or write. */
static bool again(int fd, short events) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        struct pollfd p = {fd, events, 0};
        return poll(&p, 1, -1) >= 0 || errno == EINTR;
    }
    return errno == EINTR;
}

int fsio_read_all(int fd, size_t limit, keel_buf *out) {
    size_t before = out->len;
    for (;;) {
        keel_buf_reserve(out, 8192);
        ssize_t n = read(fd, out->data + out->len, out->cap - out->len - 1);
        if (n > 0) {
            out->len += (size_t)n;
        }
        out->data[out->len] = 0;
        if (out->len - before > limit) {
            return -EFBIG;
        }
        if (n == 0) {
            return 0;
        }
        if (n < 0 && !again(fd, POLLIN)) {
            return -errno;
        }
    }
}

int fsio_write_all(int fd, const void *data, size_t len) {
    const char *p = data;
    while (len) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && !again(fd, POLLOUT)) {
            return -errno;
        }
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

/* ---- reading ---- */

static int too_large(diag *d, const char *path, size_t limit) {
    diag_at(d, DIAG_USAGE, path, 0, 0, "the file is larger than %zu bytes, which is the limit",
            limit);
    diag_next(d, "Divide it, or remove what is not needed.");
    return DIAG_USAGE;
}

static int cannot_open(diag *d, const char *path, int error) {
    if (error != ENOENT && error != ENOTDIR) {
        return storage(d, path, "open it", error);
    }
    diag_set(d, DIAG_NOT_FOUND, "%s: there is no such file", path);
    diag_next(d, "Check the path; relative ones begin in the folder in which you are.");
    return DIAG_NOT_FOUND;
}

static int read_open(int fd, const char *path, size_t limit, keel_buf *out, diag *d) {
    struct stat st;
    if (fstat(fd, &st) < 0) {
        return storage(d, path, "look at it", errno);
    }
    if (!S_ISREG(st.st_mode)) {
        diag_set(d, DIAG_USAGE, "%s: this is no regular file", path);
        diag_next(d, "Give the path of a file.");
        return DIAG_USAGE;
    }
    if ((uintmax_t)st.st_size > limit) {
        return too_large(d, path, limit);
    }
    keel_buf_reserve(out, (size_t)st.st_size + 8192);
    int rc = fsio_read_all(fd, limit, out);
    if (rc == -EFBIG) {
        return too_large(d, path, limit);
    }
    return rc < 0 ? storage(d, path, "read it", -rc) : 0;
}

int fsio_read_at(int dir, const char *path, size_t limit, keel_buf *out, diag *d) {
    /* Without O_NONBLOCK a FIFO in the file's place would hold us here. */
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return cannot_open(d, path, errno);
    }
    size_t before = out->len;
    int rc = read_open(fd, path, limit, out, d);
    if (rc < 0 && out->data) {
        out->len = before;
        out->data[before] = 0;
    }
    close(fd);
    return rc;
}

int fsio_read(const char *path, size_t limit, keel_buf *out, diag *d) {
    return fsio_read_at(AT_FDCWD, path, limit, out, d);
}

/* ---- writing ---- */

static int fill_temporary(int fd, const char *path, const void *data, size_t len, mode_t mode,
                          diag *d) {
    int fault = KEEL_FP("fsio.write.data");
    size_t part = fault == FAILPOINT_TORN ? (size_t)failpoint_random(len) : len;
    int rc = fsio_write_all(fd, data, part);
    if (rc == 0 && (failpoint_errno(fault) || part < len)) {
        rc = part < len ? -EIO : -failpoint_errno(fault);
    }
    if (rc < 0) {
        return storage(d, path, "write it", -rc);
    }
    if (fchmod(fd, mode) < 0) {
        return storage(d, path, "set its mode", errno);
    }
    fault = KEEL_FP("fsio.write.sync");
    if (failpoint_errno(fault) || fsync(fd) < 0) {
        int error = failpoint_errno(fault) ? failpoint_errno(fault) : errno;
        return storage(d, path, "bring it to the disk", error);
    }
    return 0;
}

static int sync_folder_of(const char *path, diag *d) {
    const char *slash = strrchr(path, '/');
    char *folder = slash ? keel_memdup(path, (size_t)(slash - path) + 1) : keel_strdup(".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = 0;
    if (fd < 0 || fsync(fd) < 0) {
        rc = storage(d, folder, "bring the folder to the disk", errno);
    }
    if (fd >= 0) {
        close(fd);
    }
    free(folder);
    return rc;
}

static int replace(const char *temporary, const char *path, diag *d) {
    int fault = KEEL_FP("fsio.write.rename");
    if (failpoint_errno(fault) || rename(temporary, path) < 0) {
        int error = failpoint_errno(fault) ? failpoint_errno(fault) : errno;
        return storage(d, path, "put the new file in its place", error);
    }
    return 0;
}

int fsio_write_atomic(const char *path, const void *data, size_t len, mode_t mode, diag *d) {
    keel_buf temporary = KEEL_BUF_INIT;
    const char *slash = strrchr(path, '/');
    size_t folder = slash ? (size_t)(slash - path) + 1 : 0;
    keel_buf_printf(&temporary, "%.*s.%s.XXXXXX", (int)folder, path, path + folder);
    int fd = mkostemp(temporary.data, O_CLOEXEC);
    if (fd < 0) {
        int rc = storage(d, path, "make a file beside it", errno);
        keel_buf_free(&temporary);
        return rc;
    }
    (void)KEEL_FP("fsio.write.made");
    int rc = fill_temporary(fd, path, data, len, mode, d);
    close(fd);
    if (rc == 0) {
        rc = replace(temporary.data, path, d);
    }
    if (rc < 0) {
        unlink(temporary.data);
    }
    keel_buf_free(&temporary);
    if (rc == 0) {
        KEEL_FP("fsio.write.renamed");
        rc = sync_folder_of(path, d);
    }
    return rc;
}

/* ---- folders ---- */

static int make_one(const char *path, mode_t mode, diag *d) {
    struct stat st;
    if (mkdir(path, mode) == 0) {
        return 0;
    }
    int error = errno;
    if (stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode)) {
            return 0;
        }
        error = EEXIST;
    }
    if (error == EEXIST || error == ENOTDIR) {
        diag_set(d, DIAG_USAGE, "%s: something that is no folder is in the way", path);
        diag_next(d, "Move it away, or choose another place.");
        return DIAG_USAGE;
    }
    return storage(d, path, "make the folder", error);
}

int fsio_mkdirs(const char *path, mode_t mode, diag *d) {
    char *copy = keel_strdup(path);
    int rc = 0;
    for (char *slash = strchr(copy + (*copy == '/'), '/'); slash && rc == 0;
         slash = strchr(slash + 1, '/')) {
        *slash = 0;
        rc = make_one(copy, mode | S_IWUSR | S_IXUSR, d);
        *slash = '/';
    }
    if (rc == 0) {
        rc = make_one(copy, mode, d);
    }
    free(copy);
    return rc;
}

static int remove_entry(int dir, const char *name);

static int remove_content(int dir, const char *name) {
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    if (!entries) {
        int error = errno;
        if (fd >= 0) {
            close(fd);
        }
        return -error;
    }
    int rc = 0;
    for (struct dirent *e; rc == 0 && (e = readdir(entries));) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            rc = remove_entry(dirfd(entries), e->d_name);
        }
    }
    closedir(entries);
    return rc;
}

static int remove_entry(int dir, const char *name) {
    if (unlinkat(dir, name, 0) == 0 || errno == ENOENT) {
        return 0;
    }
    if (errno != EISDIR && errno != EPERM) {
        return -errno;
    }
    int rc = remove_content(dir, name);
    if (rc == 0 && unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT) {
        rc = -errno;
    }
    return rc;
}

int fsio_remove_tree(int dir, const char *name, diag *d) {
    int rc = remove_entry(dir, name);
    return rc < 0 ? storage(d, name, "remove it", -rc) : 0;
}
