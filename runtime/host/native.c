/* The gate for native plugins: which file may be mapped into an executor. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"

#define NATIVE_LIMIT (64 << 20)

static int check_file(int fd, const char *path, struct stat *st, diag *d) {
    if (fstat(fd, st) != 0) {
        return diag_set(d, DIAG_FAILED, "%s cannot be examined: %s", path, strerror(errno));
    }
    if (!S_ISREG(st->st_mode)) {
        diag_set(d, DIAG_USAGE, "%s is refused as a plugin: it is not a regular file", path);
        return diag_next(d, "Install the plugin again from its folder.");
    }
    if (st->st_uid != 0 && st->st_uid != geteuid()) {
        diag_set(
            d, DIAG_USAGE,
            "%s is refused as a plugin: it belongs to user %u, and only files of user %u or of "
            "root are loaded",
            path, (unsigned)st->st_uid, (unsigned)geteuid());
        return diag_next(d, "Look at the file; if it is yours to trust: chown %u '%.200s'",
                         (unsigned)geteuid(), path);
    }
    if (st->st_mode & (S_IWGRP | S_IWOTH)) {
        diag_set(d, DIAG_USAGE, "%s is refused as a plugin: its mode %03o lets others write to it",
                 path, (unsigned)st->st_mode & 0777);
        return diag_next(d, "Look at the file; if it is as it should be: chmod go-w '%.200s'",
                         path);
    }
    if (st->st_size <= 0 || st->st_size > NATIVE_LIMIT) {
        return diag_set(d, DIAG_USAGE,
                        "%s is refused as a plugin: it has %lld bytes, between 1 and %d are "
                        "accepted",
                        path, (long long)st->st_size, NATIVE_LIMIT);
    }
    return 0;
}

static int copy_bytes(int from, int to, const char *path, diag *d) {
    char buf[65536];
    size_t total = 0;
    for (;;) {
        ssize_t n = read(from, buf, sizeof buf);
        if (n == 0) {
            return 0;
        }
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return diag_set(d, DIAG_FAILED, "%s cannot be read: %s", path, strerror(errno));
        }
        total += (size_t)n;
        if (total > NATIVE_LIMIT) {
            return diag_set(d, DIAG_USAGE, "%s grew while it was read", path);
        }
        if (write(to, buf, (size_t)n) != n) {
            return diag_set(d, DIAG_FAILED, "no memory for a copy of %s: %s", path,
                            strerror(errno));
        }
    }
}

/* The digest is that of the sealed copy, so what was checked is what will be mapped. */
static int check_digest(int fd, const char *path, const digest *expected, diag *d) {
    struct stat st;
    if (fstat(fd, &st) != 0 || st.st_size <= 0) {
        return diag_set(d, DIAG_USAGE, "%s is refused as a plugin: it is empty", path);
    }
    size_t len = (size_t)st.st_size;
    void *bytes = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        return diag_set(d, DIAG_FAILED, "the copy of %s cannot be mapped: %s", path,
                        strerror(errno));
    }
    digest got = digest_of(bytes, len);
    munmap(bytes, len);
    if (digest_equal(&got, expected)) {
        return 0;
    }
    char have[DIGEST_HEX];
    char want[DIGEST_HEX];
    digest_hex(&got, have);
    digest_hex(expected, want);
    diag_set(d, DIAG_USAGE,
             "%s is refused: its bytes are not those that were installed (digest %.16s..., "
             "installed as %.16s...)",
             path, have, want);
    return diag_next(d, "An installed version never changes: remove its folder and install it "
                        "again, or raise its version.");
}

static int copy_sealed(int from, const char *path, const digest *expected, int *out, diag *d) {
    int fd = memfd_create("keel-plugin", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) {
        return diag_set(d, DIAG_FAILED, "no memory file for %s: %s", path, strerror(errno));
    }
    int rc = copy_bytes(from, fd, path, d);
    if (rc == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
        rc = diag_set(d, DIAG_FAILED, "the copy of %s cannot be sealed: %s", path, strerror(errno));
    }
    if (rc == 0) {
        rc = check_digest(fd, path, expected, d);
    }
    if (rc != 0) {
        close(fd);
        return rc;
    }
    *out = fd;
    return 0;
}

int native_open(const char *path, const digest *expected, int *out, diag *d) {
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        bool link = errno == ELOOP;
        diag_set(d, errno == ENOENT ? DIAG_NOT_FOUND : DIAG_USAGE, "%s is refused as a plugin: %s",
                 path, link ? "it is a symbolic link" : strerror(errno));
        return diag_next(d, "Install the plugin again from its folder.");
    }
    struct stat st;
    int rc = check_file(fd, path, &st, d);
    if (rc == 0) {
        rc = copy_sealed(fd, path, expected, out, d);
    }
    close(fd);
    return rc;
}
