#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fs_internal.h"
#include "text.h"

fs *fs_create(const executor_grant *grants, size_t count) {
    fs *f = keel_alloc(sizeof *f);
    f->grants = grants;
    f->count = count;
    f->error[0] = '\0';
    clock_gettime(CLOCK_REALTIME_COARSE, &f->began);
    return f;
}

void fs_destroy(fs *f) {
    free(f);
}

const char *fs_error(const fs *f) {
    return f->error;
}

int fs_fstat(int fd, struct stat *st) {
    return (int)syscall(SYS_fstat, fd, st);
}

/* ---- failures ---- */

keel_status fs_fail(fs *f, keel_status status, const char *folder, const char *path,
                    const char *text) {
    snprintf(f->error, sizeof f->error, "%.200s in %.120s: %s", *path ? path : "the folder itself",
             folder, text);
    text_clean(f->error);
    return status;
}

static const struct {
    int error;
    keel_status status;
    const char *text;
} failures[] = {
    {ENOENT, KEEL_E_NOT_FOUND, "there is nothing of that name"},
    {EACCES, KEEL_E_DENIED, "the grant or the file's mode does not allow it"},
    {EPERM, KEEL_E_DENIED, "the system does not allow it"},
    {EROFS, KEEL_E_DENIED, "the file system is read-only"},
    {ELOOP, KEEL_E_DENIED, "it is a symbolic link, and grants do not follow links"},
    {ENOTDIR, KEEL_E_DENIED,
     "a part of the path is no folder, or a symbolic link, and grants do not follow links"},
    {EEXIST, KEEL_E_CONFLICT, "it exists already"},
    {ENOTEMPTY, KEEL_E_CONFLICT, "the folder is not empty"},
    {EISDIR, KEEL_E_CONFLICT, "it is a folder"},
    {EXDEV, KEEL_E_INVALID, "the two places lie on different file systems"},
    {ENAMETOOLONG, KEEL_E_INVALID, "the name is too long"},
    {EINVAL, KEEL_E_INVALID, "the file system cannot do this"},
    {EFBIG, KEEL_E_INVALID, "the file would be larger than an executor may write"},
    {ENXIO, KEEL_E_INVALID, "it is no regular file"},
    {ENOSPC, KEEL_E_RETRY, "the disk is full"},
    {EDQUOT, KEEL_E_RETRY, "the disk quota is used up"},
    {EMFILE, KEEL_E_RETRY, "too many files are open"},
    {ENFILE, KEEL_E_RETRY, "too many files are open on this machine"},
    {EBUSY, KEEL_E_RETRY, "it is in use"},
    {ENOMEM, KEEL_E_RETRY, "there is no memory left"},
};

keel_status fs_fail_errno(fs *f, int error, const char *folder, const char *path) {
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        if (failures[i].error == error) {
            return fs_fail(f, failures[i].status, folder, path, failures[i].text);
        }
    }
    char text[96];
    snprintf(text, sizeof text, "the system reports error %d (%s)", error, strerror(error));
    return fs_fail(f, KEEL_E_INTERNAL, folder, path, text);
}

/* ---- places ---- */

/* The same folder may be granted twice, once for reading and once for writing. */
static keel_status find_grant(fs *f, const char *folder, const char *path, bool write,
                              const executor_grant **out) {
    bool named = false;
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->grants[i].path, folder) == 0) {
            named = true;
            if (f->grants[i].writable || !write) {
                *out = &f->grants[i];
                return KEEL_OK;
            }
        }
    }
    return fs_fail(f, KEEL_E_DENIED, folder, path,
                   named ? "the folder is granted for reading only (manifest: needs file:ro)"
                         : "no such folder is granted; it must be spelled as the connection's "
                           "config has it");
}

/* Takes the next component off *path. -1: it is none that may be opened. */
static int next_component(const char **path, char name[FS_NAME_SIZE]) {
    size_t len = strcspn(*path, "/");
    if (len == 0 || len >= FS_NAME_SIZE) {
        return -1;
    }
    memcpy(name, *path, len);
    name[len] = '\0';
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return -1;
    }
    *path += len;
    if (**path == '/') {
        (*path)++;
        return **path ? 0 : -1; /* a slash at the end names nothing */
    }
    return 0;
}

static int enter(int dir, const char *name, bool make) {
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(dir, name, flags);
    if (fd >= 0 || errno != ENOENT || !make) {
        return fd;
    }
    if (mkdirat(dir, name, 0700) < 0 && errno != EEXIST) {
        return -1;
    }
    return fsync(dir) < 0 ? -1 : openat(dir, name, flags);
}

keel_status fs_place_open(fs *f, const char *folder, const char *path, int purpose, fs_place *out) {
    const executor_grant *g = NULL;
    keel_status status = find_grant(f, folder, path, purpose != FS_LOOK, &g);
    if (status < 0) {
        return status;
    }
    if (strlen(path) >= FS_PATH_LIMIT) {
        return fs_fail(f, KEEL_E_INVALID, folder, path, "the path is too long");
    }
    char name[FS_NAME_SIZE] = "";
    int dir = openat(g->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (const char *rest = path; dir >= 0 && *rest;) {
        if (next_component(&rest, name) < 0) {
            close(dir);
            return fs_fail(f, KEEL_E_DENIED, folder, path,
                           "a path is relative to the granted folder, without \".\", \"..\" and "
                           "empty parts, each part at most 255 bytes");
        }
        if (*rest) {
            int next = enter(dir, name, purpose == FS_MAKE);
            int error = errno;
            close(dir);
            errno = error;
            dir = next;
        }
    }
    if (dir < 0) {
        return fs_fail_errno(f, errno, folder, path);
    }
    out->dir = dir;
    memcpy(out->name, name, sizeof name);
    return KEEL_OK;
}

void fs_place_close(fs_place *p) {
    close(p->dir);
}

/* Opens what stands at a place for looking at it: never blocks, never follows a link. */
static int open_place(const fs_place *p) {
    return openat(p->dir, *p->name ? p->name : ".",
                  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* ---- stat, read ---- */

static uint32_t kind_of(mode_t mode) {
    return S_ISREG(mode) ? FS_FILE : S_ISDIR(mode) ? FS_FOLDER : FS_OTHER;
}

static int64_t microseconds(struct timespec t) {
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

keel_status fs_stat(fs *f, const char *folder, const char *path, fs_info *out) {
    fs_place p = {-1, ""};
    keel_status status = fs_place_open(f, folder, path, FS_LOOK, &p);
    if (status < 0) {
        return status;
    }
    struct stat st;
    int fd = open_place(&p);
    if (fd < 0 && (errno == ELOOP || errno == ENXIO)) {
        *out = (fs_info){.kind = FS_OTHER}; /* a link or a socket: there, but not to be opened */
    } else if (fd < 0 || fs_fstat(fd, &st) < 0) {
        status = fs_fail_errno(f, errno, folder, path);
    } else {
        out->kind = kind_of(st.st_mode);
        out->size = out->kind == FS_FILE ? (uint64_t)st.st_size : 0;
        out->mtime_us = microseconds(st.st_mtim);
    }
    if (fd >= 0) {
        close(fd);
    }
    fs_place_close(&p);
    return status;
}

/* Appends what is there, up to len bytes. -1 with errno, and out as it was. */
static int read_some(int fd, uint64_t offset, size_t len, keel_buf *out) {
    size_t before = out->len;
    keel_buf_reserve(out, len + 1);
    while (out->len - before < len) {
        size_t have = out->len - before;
        ssize_t n = pread(fd, out->data + out->len, len - have, (off_t)(offset + have));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            out->len = before;
            return -1;
        }
        if (n == 0) {
            break;
        }
        out->len += (size_t)n;
    }
    out->data[out->len] = '\0';
    return 0;
}

static keel_status read_open(fs *f, int fd, const char *folder, const char *path, uint64_t offset,
                             size_t len, keel_buf *out) {
    struct stat st;
    if (fs_fstat(fd, &st) < 0) {
        return fs_fail_errno(f, errno, folder, path);
    }
    if (!S_ISREG(st.st_mode)) {
        return fs_fail(f, KEEL_E_INVALID, folder, path, "it is no regular file");
    }
    uint64_t size = (uint64_t)st.st_size;
    uint64_t there = offset < size ? size - offset : 0;
    if (read_some(fd, offset, there < len ? (size_t)there : len, out) < 0) {
        return fs_fail_errno(f, errno, folder, path);
    }
    return KEEL_OK;
}

keel_status fs_read(fs *f, const char *folder, const char *path, uint64_t offset, size_t len,
                    keel_buf *out) {
    if (len > FS_READ_LIMIT) {
        return fs_fail(f, KEEL_E_INVALID, folder, path,
                       "one read takes at most 16 MiB; read large files in parts, by offset");
    }
    fs_place p = {-1, ""};
    keel_status status = fs_place_open(f, folder, path, FS_LOOK, &p);
    if (status < 0) {
        return status;
    }
    int fd = open_place(&p);
    if (fd < 0) {
        status = fs_fail_errno(f, errno, folder, path);
    } else {
        status = read_open(f, fd, folder, path, offset, len, out);
        close(fd);
    }
    fs_place_close(&p);
    return status;
}
