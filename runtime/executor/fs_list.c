/* Folders: their entries, sorted, and the sweep of what a killed writer left. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs_internal.h"

static int open_entry(int dir, const char *name) {
    return openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static bool before(const struct timespec *a, const struct timespec *b) {
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* A temporary file that nobody has touched since this process began was left by a writer that was
 * killed. (If its writer lives all the same, in another version's process, its rename fails: nothing
 * was applied, and it is tried again.) On a read-only grant the removal fails, which is as well. */
static void sweep(const fs *f, int dir, const char *name) {
    struct stat st;
    int fd = open_entry(dir, name);
    if (fd < 0) {
        return;
    }
    if (fs_fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && before(&st.st_mtim, &f->began)) {
        unlinkat(dir, name, 0);
    }
    close(fd);
}

/* For file systems that do not say the kind in the folder itself. */
static uint32_t look_up_kind(int dir, const char *name) {
    struct stat st;
    uint32_t kind = FS_OTHER;
    int fd = open_entry(dir, name);
    if (fd >= 0) {
        if (fs_fstat(fd, &st) == 0) {
            kind = S_ISREG(st.st_mode) ? FS_FILE : S_ISDIR(st.st_mode) ? FS_FOLDER : FS_OTHER;
        }
        close(fd);
    }
    return kind;
}

static uint32_t entry_kind(int dir, const struct dirent64 *e) {
    switch (e->d_type) {
    case DT_REG:
        return FS_FILE;
    case DT_DIR:
        return FS_FOLDER;
    case DT_UNKNOWN:
        return look_up_kind(dir, e->d_name);
    default:
        return FS_OTHER;
    }
}

static void add_entry(const fs *f, int dir, const struct dirent64 *e, fs_listing *l, size_t *room) {
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) {
        return;
    }
    if (strncmp(e->d_name, FS_TEMPORARY, sizeof FS_TEMPORARY - 1) == 0) {
        sweep(f, dir, e->d_name);
        return;
    }
    if (l->count == *room) {
        *room = *room ? *room * 2 : 64;
        l->entries = keel_realloc(l->entries, *room * sizeof *l->entries);
    }
    l->entries[l->count++] = (fs_entry){keel_strdup(e->d_name), entry_kind(dir, e)};
}

/* readdir would ask for the folder's status by path, which the last filter refuses. */
static int read_folder(const fs *f, int fd, fs_listing *l) {
    _Alignas(struct dirent64) char block[16384];
    size_t room = 0;
    for (;;) {
        ssize_t n = getdents64(fd, block, sizeof block);
        if (n <= 0) {
            return (int)n;
        }
        for (ssize_t at = 0; at < n;) {
            const struct dirent64 *e = (const void *)(block + at);
            add_entry(f, fd, e, l, &room);
            at += e->d_reclen;
        }
        if (l->count > FS_LIST_LIMIT) {
            errno = EOVERFLOW;
            return -1;
        }
    }
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const fs_entry *)a)->name, ((const fs_entry *)b)->name);
}

static int open_folder(const fs_place *p) {
    return openat(p->dir, *p->name ? p->name : ".",
                  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

keel_status fs_list(fs *f, const char *folder, const char *path, fs_listing *out) {
    fs_place p = {-1, ""};
    keel_status status = fs_place_open(f, folder, path, FS_LOOK, &p);
    if (status < 0) {
        return status;
    }
    fs_listing l = {NULL, 0};
    int fd = open_folder(&p);
    if (fd < 0 || read_folder(f, fd, &l) < 0) {
        status = errno == EOVERFLOW ? fs_fail(f, KEEL_E_INVALID, folder, path,
                                              "the folder has more than 100,000 entries")
                                    : fs_fail_errno(f, errno, folder, path);
        fs_listing_free(&l);
    } else {
        if (l.count > 1) {
            qsort(l.entries, l.count, sizeof *l.entries, by_name);
        }
        *out = l;
    }
    if (fd >= 0) {
        close(fd);
    }
    fs_place_close(&p);
    return status;
}

void fs_listing_free(fs_listing *l) {
    for (size_t i = 0; i < l->count; i++) {
        free(l->entries[i].name);
    }
    free(l->entries);
    *l = (fs_listing){NULL, 0};
}
