/* What fs.c and fs_write.c share. */
#ifndef FS_INTERNAL_H
#define FS_INTERNAL_H

#include <sys/stat.h>
#include <time.h>

#include "fs.h"

#define FS_NAME_SIZE 256 /* a component and its NUL */

struct fs {
    const executor_grant *grants;
    size_t count;
    struct timespec began; /* by the coarse clock, which files are stamped with */
    char error[512];
};

/* A place below a grant: the folder that holds it, opened, and its last component ("" for the
 * granted folder itself). */
typedef struct fs_place {
    int dir; /* readable descriptor, to be closed */
    char name[FS_NAME_SIZE];
} fs_place;

enum { FS_LOOK = 0, FS_CHANGE = 1, FS_MAKE = 2 }; /* MAKE: CHANGE, and missing parents are made */

keel_status fs_place_open(fs *f, const char *folder, const char *path, int purpose, fs_place *out);
void fs_place_close(fs_place *p);

/* Records "PATH in FOLDER: text" and returns status. */
keel_status fs_fail(fs *f, keel_status status, const char *folder, const char *path,
                    const char *text);
/* The same for an errno; KEEL_E_INTERNAL for those that say nothing about what was applied. */
keel_status fs_fail_errno(fs *f, int error, const char *folder, const char *path);
/* fstat by its own system call: glibc's asks by path, which the last filter refuses. */
int fs_fstat(int fd, struct stat *st);

#endif
