#include "reserve.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PATH 4096

static void reserve_path(const char *folder, char out[PATH]) {
    snprintf(out, PATH, "%s/reserve", folder);
}

int64_t reserve_left(const char *folder) {
    struct statvfs v;
    if (statvfs(folder, &v) != 0 || v.f_blocks == 0) {
        return INT64_MAX; /* a file system that does not say */
    }
    return (int64_t)v.f_bavail * (int64_t)v.f_frsize;
}

bool reserve_is_low(const char *folder, bool was_low) {
    return reserve_left(folder) < (was_low ? RESERVE_ROOM : RESERVE_LOW);
}

void reserve_keep(const char *folder) {
    char path[PATH];
    struct stat there;
    reserve_path(folder, path);
    if (!stat(path, &there) && there.st_size >= RESERVE_BYTES) {
        return;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0) {
        bool made = posix_fallocate(fd, 0, RESERVE_BYTES) == 0;
        close(fd);
        if (!made) {
            unlink(path);
        }
    }
}

void reserve_free(const char *folder) {
    char path[PATH];
    reserve_path(folder, path);
    if (reserve_left(folder) < RESERVE_LOW) {
        unlink(path);
    }
}
