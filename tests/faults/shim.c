/* Loaded before the C library into the kernel of the crash tests: a machine whose memory, disk or
 * sync fails as the environment says. Executors, which inherit it, are left alone.
 *
 *   SHIM_MALLOC=N   the N-th allocation from the start of the program fails, once
 *   SHIM_SYNC=N     the N-th fsync or fdatasync of the database fails with EIO, once
 *   SHIM_DISK=FILE  holds how many bytes are free on the disk, as an int64, shared with the test: files
 *                   that grow take of it, what is removed gives it back, and ENOSPC is what is left
 *   SHIM_COUNT=FILE at its end the program writes there how often it allocated and synced */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);

static struct {
    bool on;
    long malloc_at, sync_at;
    _Atomic long mallocs, syncs;
    _Atomic int64_t *free; /* NULL: there is room */
    const char *count;
} shim;

static long number_of(const char *name) {
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : 0;
}

static void take_disk(const char *path) {
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *at = fd < 0 ? MAP_FAILED : mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) {
        _exit(2);
    }
    close(fd);
    shim.free = at;
}

__attribute__((constructor)) static void begin(void) {
    char exe[4096] = "";
    const char *disk = getenv("SHIM_DISK");
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = 0;
    const char *name = strrchr(exe, '/');
    if (!name || strcmp(name, "/keel-torture") != 0) {
        return;
    }
    shim.malloc_at = number_of("SHIM_MALLOC");
    shim.sync_at = number_of("SHIM_SYNC");
    shim.count = getenv("SHIM_COUNT");
    if (disk) {
        take_disk(disk);
    }
    shim.on = true;
}

__attribute__((destructor)) static void end(void) {
    char text[64];
    int fd = shim.on && shim.count ? open(shim.count, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
    shim.on = false;
    if (fd >= 0) {
        int n = snprintf(text, sizeof text, "%ld %ld\n", (long)shim.mallocs, (long)shim.syncs);
        if (write(fd, text, (size_t)n) != n) {
            _exit(2);
        }
        close(fd);
    }
}

/* ---- memory ---- */

static bool fails(void) {
    if (!shim.on || ++shim.mallocs != shim.malloc_at) {
        return false;
    }
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size) {
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
    return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size) {
    return fails() ? NULL : __libc_realloc(p, size);
}

/* ---- sync ---- */

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

static bool is_database(int fd) {
    char link[64], path[4096] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = 0;
    return strstr(path, "/keel.db") != NULL;
}

static bool sync_fails(int fd) {
    if (!shim.on || !is_database(fd) || ++shim.syncs != shim.sync_at) {
        return false;
    }
    errno = EIO;
    return true;
}

int fsync(int fd) {
    return sync_fails(fd) ? -1 : REAL(fsync)(fd);
}

int fdatasync(int fd) {
    return sync_fails(fd) ? -1 : REAL(fdatasync)(fd);
}

/* ---- the disk ---- */

/* Takes what a file grows by to reach `end`; the log is somebody else's disk. */
static bool grows(int fd, off_t end) {
    struct stat now;
    if (!shim.on || !shim.free || fd <= 2 || fstat(fd, &now) || !S_ISREG(now.st_mode) ||
        end <= now.st_size) {
        return true;
    }
    int64_t more = end - now.st_size;
    if (*shim.free < more) {
        errno = ENOSPC;
        return false;
    }
    *shim.free -= more;
    return true;
}

static void shrinks(int64_t bytes) {
    if (shim.on && shim.free && bytes > 0) {
        *shim.free += bytes;
    }
}

ssize_t write(int fd, const void *data, size_t len) {
    struct stat now;
    bool appends = shim.on && shim.free && fd > 2 && !fstat(fd, &now) && S_ISREG(now.st_mode);
    off_t at = !appends ? 0 : fcntl(fd, F_GETFL) & O_APPEND ? now.st_size : lseek(fd, 0, SEEK_CUR);
    return appends && !grows(fd, at + (off_t)len) ? -1 : REAL(write)(fd, data, len);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at) {
    return grows(fd, at + (off_t)len) ? REAL(pwrite64)(fd, data, len, at) : -1;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at) {
    return pwrite64(fd, data, len, at);
}

int ftruncate64(int fd, off64_t len) {
    struct stat was;
    bool known = shim.on && !fstat(fd, &was);
    if (!grows(fd, len)) {
        return -1;
    }
    int rc = REAL(ftruncate64)(fd, len);
    if (rc == 0 && known) {
        shrinks(was.st_size - len);
    }
    return rc;
}

int ftruncate(int fd, off_t len) {
    return ftruncate64(fd, len);
}

int posix_fallocate64(int fd, off64_t at, off64_t len) {
    return grows(fd, at + len) ? REAL(posix_fallocate64)(fd, at, len) : ENOSPC;
}

int posix_fallocate(int fd, off_t at, off_t len) {
    return posix_fallocate64(fd, at, len);
}

int unlink(const char *path) {
    struct stat was;
    bool known = shim.on && !lstat(path, &was) && S_ISREG(was.st_mode) && was.st_nlink == 1;
    int rc = REAL(unlink)(path);
    if (rc == 0 && known) {
        shrinks(was.st_size);
    }
    return rc;
}

static void tell_free(unsigned long *avail, unsigned long frsize) {
    if (shim.on && shim.free) {
        *avail = (unsigned long)*shim.free / frsize;
    }
}

int statvfs64(const char *path, struct statvfs64 *out) {
    int rc = REAL(statvfs64)(path, out);
    unsigned long avail = rc ? 0 : (unsigned long)out->f_bavail;
    if (rc == 0) {
        tell_free(&avail, out->f_frsize);
        out->f_bavail = avail;
    }
    return rc;
}

int statvfs(const char *path, struct statvfs *out) {
    int rc = REAL(statvfs)(path, out);
    unsigned long avail = rc ? 0 : (unsigned long)out->f_bavail;
    if (rc == 0) {
        tell_free(&avail, out->f_frsize);
        out->f_bavail = avail;
    }
    return rc;
}
