#include "backupset.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fsio.h"

#define CHUNK 65536

static int fault(diag *d, const char *path, const char *act, int error) {
    diag_set(d, DIAG_STORAGE, "%s: cannot %s: %s", path, act, strerror(error));
    return diag_next(d, error == ENOSPC || error == EDQUOT
                            ? "Free some space there, and try again."
                            : "Check the path and who owns it, and try again.");
}

static char *joined(const char *a, const char *b) {
    keel_buf out = KEEL_BUF_INIT;
    keel_buf_printf(&out, "%s%s%s", a, a[0] ? "/" : "", b);
    return out.data;
}

static void list(backup_set *s, const char *name, int64_t size, const digest *d) {
    s->files = keel_realloc(s->files, (s->count + 1) * sizeof *s->files);
    s->files[s->count++] = (backup_file){keel_strdup(name), size, *d};
    s->bytes += size;
}

void backup_set_free(backup_set *s) {
    for (size_t i = 0; i < s->count; i++) {
        free(s->files[i].name);
    }
    free(s->files);
    *s = (backup_set){0};
}

/* ---- copying ---- */

/* Digests what is read, and writes it where `to` is a descriptor. 0 or the errno. */
static int pour(int from, int to, int64_t *size, digest *out) {
    char bytes[CHUNK];
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, DIGEST_SIZE);
    *size = 0;
    for (;;) {
        ssize_t n = read(from, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            crypto_generichash_final(&state, out->bytes, DIGEST_SIZE);
            return n < 0 ? errno : 0;
        }
        crypto_generichash_update(&state, (const uint8_t *)bytes, (size_t)n);
        int rc = to >= 0 ? fsio_write_all(to, bytes, (size_t)n) : 0;
        if (rc < 0) {
            return -rc;
        }
        *size += n;
    }
}

static int open_regular(const char *path) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
        close(fd);
        errno = EINVAL;
        return -1;
    }
    return fd;
}

int backup_copy_file(const char *from, const char *to, int64_t *size, digest *out, diag *d) {
    int in = open_regular(from);
    if (in < 0) {
        return fault(d, from, "open it", errno);
    }
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    int error = fd < 0 ? errno : pour(in, fd, size, out);
    if (error == 0 && fsync(fd) < 0) {
        error = errno;
    }
    close(in);
    if (fd >= 0 && close(fd) < 0 && error == 0) {
        error = errno;
    }
    return error ? fault(d, to, "write it", error) : 0;
}

int backup_sync(const char *folder, diag *d) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = fd < 0 || fsync(fd) < 0 ? errno : 0;
    if (fd >= 0) {
        close(fd);
    }
    return error ? fault(d, folder, "sync it", error) : 0;
}

static int copy_entry(backup_set *s, const char *from, const char *to, const char *as, diag *d);

static int copy_folder(backup_set *s, const char *from, const char *to, const char *as, diag *d) {
    char *target = joined(to, as);
    DIR *dir = opendir(from);
    int rc = dir ? fsio_mkdirs(target, 0700, d) : fault(d, from, "read it", errno);
    struct dirent *e;
    while (rc == 0 && (e = readdir(dir)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) {
            continue;
        }
        char *inner = joined(from, e->d_name), *name = joined(as, e->d_name);
        rc = copy_entry(s, inner, to, name, d);
        free(inner);
        free(name);
    }
    if (dir) {
        closedir(dir);
    }
    rc = rc ? rc : backup_sync(target, d);
    free(target);
    return rc;
}

static int copy_entry(backup_set *s, const char *from, const char *to, const char *as, diag *d) {
    struct stat st;
    int64_t size;
    digest sum;
    if (lstat(from, &st) < 0) {
        return errno == ENOENT ? 0 : fault(d, from, "look at it", errno);
    }
    if (S_ISDIR(st.st_mode)) {
        return copy_folder(s, from, to, as, d);
    }
    if (!S_ISREG(st.st_mode)) {
        return 0;
    }
    char *target = joined(to, as);
    int rc = backup_copy_file(from, target, &size, &sum, d);
    if (rc == 0) {
        list(s, as, size, &sum);
    }
    free(target);
    return rc;
}

int backup_copy(backup_set *s, const char *from, const char *name, const char *to, const char *as,
                diag *d) {
    char *path = joined(from, name);
    int rc = copy_entry(s, path, to, as, d);
    free(path);
    return rc;
}

/* 0 or the errno. */
static int measure(const char *folder, const char *name, int64_t *size, digest *out) {
    char *path = joined(folder, name);
    int fd = open_regular(path);
    int error = fd < 0 ? errno : pour(fd, -1, size, out);
    if (fd >= 0) {
        close(fd);
    }
    free(path);
    return error;
}

int backup_add(backup_set *s, const char *folder, const char *name, diag *d) {
    int64_t size;
    digest sum;
    int error = measure(folder, name, &size, &sum);
    if (error) {
        return fault(d, name, "read it", error);
    }
    list(s, name, size, &sum);
    return 0;
}

/* ---- the list ---- */

static int by_name(const void *a, const void *b) {
    return strcmp(((const backup_file *)a)->name, ((const backup_file *)b)->name);
}

void backup_set_write(backup_set *s, keel_json_writer *w) {
    if (s->count > 0) {
        qsort(s->files, s->count, sizeof *s->files, by_name);
    }
    keel_json_array(w);
    for (size_t i = 0; i < s->count; i++) {
        keel_json_object(w);
        keel_json_key(w, "digest");
        keel_json_hex(w, s->files[i].digest.bytes, DIGEST_SIZE);
        keel_json_set_text(w, "name", s->files[i].name);
        keel_json_set_int(w, "size", s->files[i].size);
        keel_json_object_end(w);
    }
    keel_json_array_end(w);
}

static bool leads_out(const char *name) {
    return name[0] == '/' || name[0] == 0 || strcmp(name, "..") == 0 ||
           strncmp(name, "../", 3) == 0 || strstr(name, "/../") != NULL ||
           (strlen(name) > 2 && strcmp(name + strlen(name) - 3, "/..") == 0);
}

bool backup_set_read(backup_set *s, keel_json files) {
    if (keel_json_typeof(files) != KEEL_JSON_ARRAY) {
        return false;
    }
    for (keel_json_iter it = keel_json_each(files); keel_json_next(&it);) {
        char name[1024], hex[DIGEST_HEX] = "";
        int64_t size;
        digest sum;
        long len = keel_json_copy(keel_json_get(it.value, "name"), name, sizeof name);
        keel_json_copy(keel_json_get(it.value, "digest"), hex, sizeof hex);
        if (len <= 0 || (size_t)len >= sizeof name || leads_out(name) ||
            digest_from_hex(&sum, hex, strlen(hex)) < 0 ||
            !keel_json_int(keel_json_get(it.value, "size"), &size)) {
            return false;
        }
        list(s, name, size, &sum);
    }
    return true;
}

static bool is_listed(const backup_set *s, const char *name) {
    for (size_t i = 0; i < s->count; i++) {
        if (strcmp(s->files[i].name, name) == 0) {
            return true;
        }
    }
    return strcmp(name, "backup.json") == 0 || strcmp(name, "backup.sig") == 0;
}

typedef struct comparing {
    const backup_set *set;
    const char *folder;
    void (*tell)(void *ctx, const char *name, const char *what);
    void *ctx;
    size_t wrong;
} comparing;

static void wrong(comparing *c, const char *name, const char *what) {
    c->wrong++;
    c->tell(c->ctx, name, what);
}

/* What lies in the folder and is not listed. */
static void find_others(comparing *c, const char *under) {
    char *path = joined(c->folder, under);
    DIR *dir = opendir(path);
    struct dirent *e;
    while (dir && (e = readdir(dir)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) {
            continue;
        }
        char *name = joined(under, e->d_name), *whole = joined(c->folder, name);
        struct stat st;
        if (lstat(whole, &st) == 0 && S_ISDIR(st.st_mode)) {
            find_others(c, name);
        } else if (!is_listed(c->set, name)) {
            wrong(c, name, "is no part of this backup");
        }
        free(name);
        free(whole);
    }
    if (dir) {
        closedir(dir);
    }
    free(path);
}

size_t backup_set_compare(const backup_set *s, const char *folder,
                          void (*tell)(void *ctx, const char *name, const char *what), void *ctx) {
    comparing c = {.set = s, .folder = folder, .tell = tell, .ctx = ctx};
    for (size_t i = 0; i < s->count; i++) {
        const backup_file *f = &s->files[i];
        int64_t size;
        digest sum;
        int error = measure(folder, f->name, &size, &sum);
        if (error) {
            wrong(&c, f->name, error == ENOENT ? "is missing" : strerror(error));
        } else if (size != f->size) {
            wrong(&c, f->name, "has another size");
        } else if (!digest_equal(&sum, &f->digest)) {
            wrong(&c, f->name, "was changed: it does not have its digest");
        }
    }
    find_others(&c, "");
    return c.wrong;
}
