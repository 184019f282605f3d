/* Installing: a folder that appears whole or not at all. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failpoint.h"
#include "fsio.h"
#include "library_int.h"

#define STAGING  ".staging-"
#define SO_LIMIT (64 << 20)

typedef struct staging {
    char *path;
    int dir; /* locked for as long as its maker lives, so that a sweep spares it */
} staging;

static int refuse_write(diag *d, const char *path, int e) {
    diag_set(d, DIAG_STORAGE, "a plugin cannot be installed into %s: %s", path, strerror(e));
    return diag_next(d, "Look whether the disk is full (`df`), and whose the folder is.");
}

static int open_staging(staging *s, const char *plugins, diag *d) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_printf(&b, "%s/" STAGING "XXXXXX", plugins);
    if (mkdtemp(b.data)) {
        s->dir = open(b.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (s->dir < 0 || flock(s->dir, LOCK_EX | LOCK_NB) != 0) {
        int e = errno;
        if (s->dir >= 0) {
            close(s->dir);
        }
        keel_buf_free(&b);
        return refuse_write(d, plugins, e);
    }
    s->path = b.data;
    (void)KEEL_FP("plugin.staged");
    return 0;
}

static void close_staging(staging *s) {
    fsio_remove_tree(AT_FDCWD, s->path, NULL);
    close(s->dir);
    free(s->path);
}

void library_sweep(const char *plugins) {
    DIR *dir = opendir(plugins);
    if (!dir) {
        return;
    }
    for (struct dirent *e; (e = readdir(dir));) {
        if (strncmp(e->d_name, STAGING, strlen(STAGING)) != 0) {
            continue;
        }
        int fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
            fsio_remove_tree(dirfd(dir), e->d_name, NULL);
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    closedir(dir);
}

/* 0 or -errno. Read-only from the start: an installed version never changes. */
static int put_file(int dir, const char *name, const void *data, size_t len) {
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
    if (fd < 0) {
        return -errno;
    }
    int rc = fsio_write_all(fd, data, len);
    if (rc == 0 && (fchmod(fd, 0444) != 0 || fsync(fd) != 0)) {
        rc = -errno;
    }
    close(fd);
    (void)KEEL_FP("plugin.file");
    return rc;
}

static int put_in_folder(int dir, const char *name, const keel_buf *data) {
    const char *slash = strchr(name, '/');
    if (!slash) {
        return put_file(dir, name, data->data, data->len);
    }
    char folder[128];
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - name), name);
    if (mkdirat(dir, folder, 0755) != 0 && errno != EEXIST) {
        return -errno;
    }
    int sub = openat(dir, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (sub < 0) {
        return -errno;
    }
    int rc = put_file(sub, slash + 1, data->data, data->len);
    if (rc == 0 && fsync(sub) != 0) {
        rc = -errno;
    }
    close(sub);
    return rc;
}

/* The .so was let go after it was digested: it is read again, and must be the same. */
static int put_native(int dir, const plugin_file *f, const char *so_path, diag *d) {
    keel_buf data = KEEL_BUF_INIT;
    int rc = fsio_read(so_path, SO_LIMIT, &data, d);
    if (rc == 0) {
        digest sum = digest_of(data.data, data.len);
        if (!digest_equal(&sum, &f->digest)) {
            rc = diag_set(d, DIAG_FAILED, "%s changed while it was installed", so_path);
            diag_next(d, "Wait until its build has ended and try again.");
        }
    }
    if (rc == 0) {
        char hex[DIGEST_HEX];
        digest_hex(&f->digest, hex);
        int e = put_file(dir, f->name, data.data, data.len);
        e = e ? e : put_file(dir, LIBRARY_NATIVE, hex, strlen(hex));
        rc = e ? refuse_write(d, so_path, -e) : 0;
    }
    keel_buf_free(&data);
    return rc;
}

static int put_all(const staging *s, const plugin *p, const char *so_path, diag *d) {
    for (size_t i = 0; i < p->file_count; i++) {
        const plugin_file *f = &p->files[i];
        if (so_path && strcmp(f->name, p->manifest->entry) == 0) {
            int rc = put_native(s->dir, f, so_path, d);
            if (rc != 0) {
                return rc;
            }
            continue;
        }
        int e = put_in_folder(s->dir, f->name, &f->data);
        if (e != 0) {
            return refuse_write(d, s->path, -e);
        }
    }
    char hex[DIGEST_HEX];
    digest_hex(&p->digest, hex);
    int e = put_file(s->dir, ".digest", hex, strlen(hex));
    if (e == 0 && (fchmod(s->dir, 0755) != 0 || fsync(s->dir) != 0)) {
        e = -errno;
    }
    return e ? refuse_write(d, s->path, -e) : 0;
}

static int sync_folder(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    int rc = fsync(fd);
    close(fd);
    return rc;
}

static int publish(const staging *s, const char *plugins, const plugin *p, char **out, diag *d) {
    keel_buf id = KEEL_BUF_INIT;
    keel_buf to = KEEL_BUF_INIT;
    keel_buf_printf(&id, "%s/%s", plugins, p->manifest->id);
    keel_buf_printf(&to, "%s/%s", id.data, p->manifest->version);
    int rc = fsio_mkdirs(id.data, 0755, d);
    (void)KEEL_FP("plugin.publish");
    if (rc == 0 && rename(s->path, to.data) != 0) {
        bool there = errno == EEXIST || errno == ENOTEMPTY;
        rc = there ? diag_set(d, DIAG_CONFLICT, "%s is already there", to.data)
                   : refuse_write(d, to.data, errno);
    } else if (rc == 0 && (sync_folder(id.data) != 0 || sync_folder(plugins) != 0)) {
        rc = refuse_write(d, to.data, errno);
    }
    keel_buf_free(&id);
    if (rc != 0) {
        keel_buf_free(&to);
        return rc;
    }
    *out = to.data;
    return 0;
}

int library_store(const char *plugins, plugin *p, const char *so_path, diag *d) {
    staging s = {NULL, -1};
    int rc = open_staging(&s, plugins, d);
    if (rc != 0) {
        return rc;
    }
    char *folder = NULL;
    rc = put_all(&s, p, so_path, d);
    rc = rc ? rc : publish(&s, plugins, p, &folder, d);
    close_staging(&s);
    (void)KEEL_FP("plugin.published");
    if (rc == 0) {
        free(p->folder);
        p->folder = folder;
    }
    return rc;
}
