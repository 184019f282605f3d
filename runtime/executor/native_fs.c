/* keel.fs/1 for shared objects: fs.h with the call's memory. A failure's text becomes the call's
 * message, so that a verb may just return the status. */
#include <string.h>

#include "native.h"

static keel_status failed(native *n, keel_call *call, keel_status status) {
    return n->host.fail(n, call, status, fs_error(n->fs));
}

static keel_status no_null(native *n, keel_call *call) {
    return n->host.fail(n, call, KEEL_E_INVALID, "keel.fs was given a NULL instead of a path");
}

static keel_status service_stat(void *ctx, keel_call *call, const char *folder, const char *path,
                                keel_fs_stat *out) {
    native *n = ctx;
    fs_info info;
    if (!folder || !path) {
        return no_null(n, call);
    }
    keel_status status = fs_stat(n->fs, folder, path, &info);
    if (status < 0) {
        return failed(n, call, status);
    }
    keel_fs_stat full = {sizeof full, info.kind, info.size, info.mtime_us};
    size_t size = out->size_of < sizeof full ? out->size_of : sizeof full;
    full.size_of = out->size_of;
    memcpy(out, &full, size);
    return KEEL_OK;
}

static keel_status service_read(void *ctx, keel_call *call, const char *folder, const char *path,
                                uint64_t offset, size_t len, keel_span *out) {
    native *n = ctx;
    keel_buf bytes = KEEL_BUF_INIT;
    if (!folder || !path) {
        return no_null(n, call);
    }
    keel_status status = fs_read(n->fs, folder, path, offset, len, &bytes);
    if (status < 0) {
        keel_buf_free(&bytes);
        return failed(n, call, status);
    }
    char *copy = native_lend(&call->scratch, bytes.len + 1);
    if (bytes.len) {
        memcpy(copy, bytes.data, bytes.len);
    }
    *out = (keel_span){copy, bytes.len};
    keel_buf_free(&bytes);
    return KEEL_OK;
}

static keel_status service_list(void *ctx, keel_call *call, const char *folder, const char *path,
                                const keel_fs_entry **entries, size_t *count) {
    native *n = ctx;
    fs_listing l;
    if (!folder || !path) {
        return no_null(n, call);
    }
    keel_status status = fs_list(n->fs, folder, path, &l);
    if (status < 0) {
        return failed(n, call, status);
    }
    keel_fs_entry *copy = native_lend(&call->scratch, (l.count + 1) * sizeof *copy);
    for (size_t i = 0; i < l.count; i++) {
        size_t size = strlen(l.entries[i].name) + 1;
        char *name = native_lend(&call->scratch, size);
        memcpy(name, l.entries[i].name, size);
        copy[i] = (keel_fs_entry){.name = name, .kind = l.entries[i].kind};
    }
    *entries = copy;
    *count = l.count;
    fs_listing_free(&l);
    return KEEL_OK;
}

static keel_status service_write(void *ctx, keel_call *call, const char *folder, const char *path,
                                 keel_span bytes, uint32_t flags) {
    native *n = ctx;
    if (!folder || !path) {
        return no_null(n, call);
    }
    keel_status status = fs_write(n->fs, folder, path, bytes.data, bytes.len, flags);
    return status < 0 ? failed(n, call, status) : KEEL_OK;
}

static keel_status service_rename(void *ctx, keel_call *call, const char *from_folder,
                                  const char *from, const char *to_folder, const char *to) {
    native *n = ctx;
    if (!from_folder || !from || !to_folder || !to) {
        return no_null(n, call);
    }
    keel_status status = fs_rename(n->fs, from_folder, from, to_folder, to);
    return status < 0 ? failed(n, call, status) : KEEL_OK;
}

static keel_status service_remove(void *ctx, keel_call *call, const char *folder,
                                  const char *path) {
    native *n = ctx;
    if (!folder || !path) {
        return no_null(n, call);
    }
    keel_status status = fs_remove(n->fs, folder, path);
    return status < 0 ? failed(n, call, status) : KEEL_OK;
}

void native_fs_init(native *n) {
    const executor_config *c = executor_get_config(n->x);
    if (c->grant_count == 0) {
        return;
    }
    n->fs = fs_create(c->grants, c->grant_count);
    n->fs_table = (keel_fs){
        .size = sizeof n->fs_table,
        .ctx = n,
        .stat = service_stat,
        .read = service_read,
        .list = service_list,
        .write_atomic = service_write,
        .rename = service_rename,
        .remove = service_remove,
    };
}
