#include "mail_host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void *own(mail_host *h, void *p) {
    assert_true(h->owned_count < sizeof h->owned / sizeof *h->owned);
    h->owned[h->owned_count++] = p;
    return p;
}

static char *path_of(mail_host *h, const char *folder, const char *path) {
    char *full = NULL;
    assert_true(asprintf(&full, "%s/%s/%s", h->root, folder, path) > 0);
    return own(h, full);
}

static keel_status status_of(int error) {
    return error == ENOENT || error == ENOTDIR ? KEEL_E_NOT_FOUND
           : error == EEXIST                   ? KEEL_E_CONFLICT
                                               : KEEL_E_INTERNAL;
}

static void make_parents(char *path) {
    for (char *p = strchr(path + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
        *p = 0;
        mkdir(path, 0700);
        *p = '/';
    }
}

/* ---- keel.fs/1 ---- */

static keel_status fs_stat(void *ctx, keel_call *call, const char *folder, const char *path,
                           keel_fs_stat *out) {
    (void)call;
    struct stat st;
    if (stat(path_of(ctx, folder, path), &st) != 0) {
        return status_of(errno);
    }
    out->kind = S_ISREG(st.st_mode) ? 1 : S_ISDIR(st.st_mode) ? 2 : 3;
    out->size = (uint64_t)st.st_size;
    out->mtime_us = (int64_t)st.st_mtim.tv_sec * 1000000;
    return KEEL_OK;
}

static keel_status fs_read(void *ctx, keel_call *call, const char *folder, const char *path,
                           uint64_t offset, size_t len, keel_span *out) {
    (void)call;
    int fd = open(path_of(ctx, folder, path), O_RDONLY);
    if (fd < 0) {
        return status_of(errno);
    }
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    size_t left = offset < (uint64_t)st.st_size ? (size_t)((uint64_t)st.st_size - offset) : 0;
    size_t want = left < len ? left : len;
    char *bytes = own(ctx, malloc(want > 0 ? want : 1));
    ssize_t n = pread(fd, bytes, want, (off_t)offset);
    close(fd);
    if (n < 0) {
        return KEEL_E_INTERNAL;
    }
    *out = (keel_span){bytes, (size_t)n};
    return KEEL_OK;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const keel_fs_entry *)a)->name, ((const keel_fs_entry *)b)->name);
}

static keel_status fs_list(void *ctx, keel_call *call, const char *folder, const char *path,
                           const keel_fs_entry **entries, size_t *count) {
    (void)call;
    DIR *dir = opendir(path_of(ctx, folder, path));
    if (dir == NULL) {
        return status_of(errno);
    }
    keel_fs_entry *list = own(ctx, calloc(2000, sizeof *list));
    size_t n = 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            list[n++] =
                (keel_fs_entry){own(ctx, strdup(e->d_name)), e->d_type == DT_REG ? 1 : 2, 0};
        }
    }
    closedir(dir);
    qsort(list, n, sizeof *list, by_name);
    *entries = list;
    *count = n;
    return KEEL_OK;
}

static keel_status fs_write(void *ctx, keel_call *call, const char *folder, const char *path,
                            keel_span bytes, uint32_t flags) {
    (void)call;
    mail_host *h = ctx;
    if (++h->writes == h->write_fails_at) {
        return h->write_failure;
    }
    char *full = path_of(h, folder, path);
    make_parents(full);
    int fd = open(full, O_WRONLY | O_CREAT | (flags & KEEL_FS_NEW ? O_EXCL : O_TRUNC), 0600);
    if (fd < 0) {
        return status_of(errno);
    }
    ssize_t n = bytes.len > 0 ? write(fd, bytes.data, bytes.len) : 0;
    close(fd);
    return n == (ssize_t)bytes.len ? KEEL_OK : KEEL_E_INTERNAL;
}

static keel_status fs_rename(void *ctx, keel_call *call, const char *from_folder, const char *from,
                             const char *to_folder, const char *to) {
    (void)call;
    mail_host *h = ctx;
    if (++h->renames == h->rename_fails_at) {
        return h->rename_failure;
    }
    char *a = path_of(h, from_folder, from);
    char *b = path_of(h, to_folder, to);
    return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_NOREPLACE) == 0 ? KEEL_OK : status_of(errno);
}

static keel_status fs_remove(void *ctx, keel_call *call, const char *folder, const char *path) {
    (void)call;
    return unlink(path_of(ctx, folder, path)) == 0 ? KEEL_OK : status_of(errno);
}

/* ---- the host ---- */

static void host_log(void *ctx, int32_t level, const char *text) {
    (void)ctx;
    (void)level;
    (void)text;
}

static void *host_alloc(void *ctx, size_t size) {
    mail_host *h = ctx;
    assert_true(h->kept_count < sizeof h->kept / sizeof *h->kept);
    return h->kept[h->kept_count++] = calloc(1, size);
}

static void *host_scratch(void *ctx, keel_call *call, size_t size) {
    (void)call;
    return own(ctx, calloc(1, size));
}

static keel_status host_reply(void *ctx, keel_call *call, keel_span body) {
    (void)call;
    mail_host *h = ctx;
    keel_buf_clear(&h->reply);
    assert_int_equal(keel_json_canonical(&h->reply, body.data, body.len, NULL), 0);
    return KEEL_OK;
}

static keel_status host_cost(void *ctx, keel_call *call, int64_t micros, const char *currency) {
    (void)ctx;
    (void)call;
    (void)micros;
    (void)currency;
    return KEEL_OK;
}

static keel_status host_fail(void *ctx, keel_call *call, keel_status status, const char *text) {
    (void)call;
    mail_host *h = ctx;
    keel_buf_clear(&h->failure);
    keel_buf_puts(&h->failure, text);
    return status;
}

static int32_t host_cancelled(void *ctx, const keel_call *call) {
    (void)call;
    mail_host *h = ctx;
    return h->cancel_after > 0 && --h->cancel_after == 0;
}

static const void *host_service(void *ctx, const char *name) {
    mail_host *h = ctx;
    return strcmp(name, KEEL_FS_SERVICE) == 0 && !h->no_fs ? &h->fs : NULL;
}

void mail_host_begin(mail_host *h) {
    memset(h, 0, sizeof *h);
    h->host = (keel_host){sizeof h->host, KEEL_ABI_MAJOR, KEEL_ABI_MINOR, h,
                          host_log,       host_alloc,     host_scratch,   host_reply,
                          host_cost,      host_fail,      host_cancelled, host_service};
    h->fs =
        (keel_fs){sizeof h->fs, 0, h, fs_stat, fs_read, fs_list, fs_write, fs_rename, fs_remove};
    strcpy(h->root, "/tmp/keel-mail-XXXXXX");
    assert_non_null(mkdtemp(h->root));
    h->plugin = keel_plugin_entry()->connector;
    assert_int_equal(h->plugin->prepare(&h->host), KEEL_OK);
}

static void release(mail_host *h) {
    for (size_t i = 0; i < h->owned_count; i++) {
        free(h->owned[i]);
    }
    h->owned_count = 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void destroy(mail_host *h) {
    if (h->self != NULL) {
        h->plugin->destroy(h->self);
    }
    h->self = NULL;
}

void mail_host_end(mail_host *h) {
    destroy(h);
    release(h);
    for (size_t i = 0; i < h->kept_count; i++) {
        free(h->kept[i]);
    }
    nftw(h->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    keel_buf_free(&h->reply);
    keel_buf_free(&h->failure);
}

keel_status mail_host_create(mail_host *h, const char *config) {
    keel_buf canonical = KEEL_BUF_INIT;
    destroy(h);
    assert_int_equal(keel_json_canonical(&canonical, config, strlen(config), NULL), 0);
    keel_status status =
        h->plugin->create(&h->host, (keel_span){canonical.data, canonical.len}, &h->self);
    keel_buf_free(&canonical);
    return status;
}

typedef keel_status verb(void *self, keel_call *call, const keel_request *request);

static keel_status run(mail_host *h, verb *v, const char *key, const char *body, uint32_t flags,
                       uint32_t mode) {
    keel_buf canonical = KEEL_BUF_INIT;
    assert_int_equal(keel_json_canonical(&canonical, body, strlen(body), NULL), 0);
    keel_request r = {.size = sizeof r,
                      .flags = flags,
                      .resource = {"message", 7},
                      .body = {canonical.data, canonical.len},
                      .key = {key, strlen(key)},
                      .attempt = 1,
                      .mode = mode};
    keel_buf_clear(&h->reply);
    keel_buf_clear(&h->failure);
    keel_buf_puts(&h->failure, "");
    keel_status status = v(h->self, NULL, &r);
    release(h);
    keel_buf_free(&canonical);
    return status;
}

keel_status mail_host_read(mail_host *h, const char *query) {
    return run(h, h->plugin->read, "", query, 0, KEEL_MODE_NONE);
}

keel_status mail_host_write(mail_host *h, const char *key, const char *body, uint32_t flags) {
    return run(h, h->plugin->write, key, body, flags, KEEL_MODE_NONE);
}

keel_status mail_host_reconcile(mail_host *h, const char *key) {
    return run(h, h->plugin->reconcile, key, "{}", 0, KEEL_MODE_EFFECT);
}

/* ---- files ---- */

void mail_host_put(mail_host *h, const char *path, const char *text) {
    char *full = path_of(h, ".", path);
    make_parents(full);
    FILE *f = fopen(full, "wb");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

void mail_host_move(mail_host *h, const char *from, const char *to) {
    char *target = path_of(h, ".", to);
    make_parents(target);
    assert_int_equal(rename(path_of(h, ".", from), target), 0);
}

bool mail_host_has(mail_host *h, const char *path) {
    return access(path_of(h, ".", path), F_OK) == 0;
}

void mail_host_text(mail_host *h, const char *path, keel_buf *out) {
    keel_span bytes;
    assert_int_equal(fs_read(h, NULL, ".", path, 0, 1u << 20, &bytes), KEEL_OK);
    keel_buf_append(out, bytes.data, bytes.len);
}

size_t mail_host_count(mail_host *h, const char *folder) {
    const keel_fs_entry *entries;
    size_t count = 0;
    return fs_list(h, NULL, ".", folder, &entries, &count) == KEEL_OK ? count : 0;
}
