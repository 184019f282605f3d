/* The files that make a plugin, read and digested. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fsio.h"
#include "keel/json.h"
#include "library_int.h"
#include "service.h"

#define TEXT_LIMIT (1 << 20)
#define SO_LIMIT   (64 << 20)
#define MOST_FILES 256

const char *const library_engine[3] = {MANIFEST_SERVICE_ENGINE, "rest_request.lua", NULL};

typedef struct reading {
    plugin *p;
    const char *folder; /* for messages */
    int dir;
    bool installed;
    diag *d;
} reading;

/* ---- one file ---- */

static int refuse_file(const reading *r, const char *name, int code, const char *why,
                       const char *next) {
    diag_set(r->d, code, "%s/%s is refused: %s", r->folder, name, why);
    return diag_next(r->d, "%s", next);
}

static int refuse_open(const reading *r, const char *name) {
    if (errno == ENOENT) {
        return refuse_file(r, name, DIAG_NOT_FOUND, "it is not there",
                           "The manifest names it, or every plugin has it: add the file.");
    }
    if (errno == ELOOP || errno == ENOTDIR) {
        return refuse_file(r, name, DIAG_USAGE, "a symbolic link is in its path",
                           "Put the file itself there.");
    }
    return refuse_file(r, name, DIAG_USAGE, strerror(errno), "Look at its owner and mode.");
}

/* NAME or FOLDER/NAME, with no link on the way. */
static int open_beneath(int dir, const char *name) {
    int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    const char *slash = strchr(name, '/');
    if (!slash) {
        return openat(dir, name, flags);
    }
    char folder[128];
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - name), name);
    int sub = openat(dir, folder, flags | O_DIRECTORY);
    if (sub < 0) {
        return -1;
    }
    int fd = open_beneath(sub, slash + 1);
    int e = errno;
    close(sub);
    errno = e;
    return fd;
}

static int check_file(const reading *r, int fd, const char *name, size_t *size) {
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return refuse_open(r, name);
    }
    if (!S_ISREG(st.st_mode)) {
        return refuse_file(r, name, DIAG_USAGE, "it is not a regular file",
                           "Put a file there, or remove it.");
    }
    if (st.st_mode & (r->installed ? S_IWGRP | S_IWOTH : S_IWOTH)) {
        return refuse_file(r, name, DIAG_USAGE, "others may write to it",
                           "Look at it, then take that right away with `chmod go-w`.");
    }
    if (r->installed && st.st_uid != 0 && st.st_uid != geteuid()) {
        return refuse_file(r, name, DIAG_USAGE, "it belongs to another user",
                           "Remove the installed version; it is installed again from its source.");
    }
    *size = (size_t)st.st_size;
    return 0;
}

static int read_bytes(const reading *r, int fd, const char *name, size_t limit, keel_buf *out) {
    size_t size = 0;
    int rc = check_file(r, fd, name, &size);
    if (rc != 0) {
        return rc;
    }
    keel_buf_reserve(out, size < limit ? size : limit);
    rc = fsio_read_all(fd, limit, out);
    if (rc == -EFBIG) {
        char why[64];
        snprintf(why, sizeof why, "it has more than %zu KiB", limit >> 10);
        return refuse_file(r, name, DIAG_USAGE, why, "A plugin's files are small: split it.");
    }
    if (rc != 0) {
        return refuse_file(r, name, DIAG_STORAGE, strerror(-rc), "Look at the disk.");
    }
    return 0;
}

static int read_named(const reading *r, const char *name, size_t limit, keel_buf *out) {
    int fd = open_beneath(r->dir, name);
    if (fd < 0) {
        return refuse_open(r, name);
    }
    int rc = read_bytes(r, fd, name, limit, out);
    close(fd);
    return rc;
}

static void add(reading *r, const char *name, keel_buf *data) {
    plugin *p = r->p;
    data->data = keel_realloc(data->data, data->cap = data->len + 1); /* the kernel keeps it */
    p->files = keel_realloc(p->files, (p->file_count + 1) * sizeof *p->files);
    p->files[p->file_count++] =
        (plugin_file){keel_strdup(name), *data, digest_of(data->data, data->len)};
    *data = (keel_buf)KEEL_BUF_INIT;
}

const plugin_file *library_file(const plugin *p, const char *name) {
    for (size_t i = 0; i < p->file_count; i++) {
        if (strcmp(p->files[i].name, name) == 0) {
            return &p->files[i];
        }
    }
    return NULL;
}

static int take(reading *r, const char *name, size_t limit) {
    if (library_file(r->p, name)) {
        return 0;
    }
    if (r->p->file_count >= MOST_FILES) {
        return refuse_file(r, name, DIAG_USAGE, "the plugin has more than 256 files",
                           "Join some of them.");
    }
    keel_buf data = KEEL_BUF_INIT;
    int rc = read_named(r, name, limit, &data);
    if (rc == 0) {
        add(r, name, &data);
    }
    keel_buf_free(&data);
    return rc;
}

/* ---- all of them ---- */

static int take_manifest(reading *r) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf file = KEEL_BUF_INIT;
    keel_buf_printf(&file, "%s/manifest.yaml", r->folder);
    int rc = read_named(r, "manifest.yaml", TEXT_LIMIT, &text);
    rc = rc ? rc : manifest_parse(&r->p->manifest, file.data, text.data, text.len, r->d);
    if (rc == 0) {
        add(r, "manifest.yaml", &text);
    }
    keel_buf_free(&text);
    keel_buf_free(&file);
    return rc;
}

static bool is_lua(const char *name) {
    size_t len = strlen(name);
    return name[0] != '.' && len > 4 && strcmp(name + len - 4, ".lua") == 0;
}

/* Every .lua beside the entry: what the script may `require`. */
static int take_modules(reading *r) {
    int fd = openat(r->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        return refuse_open(r, ".");
    }
    int rc = 0;
    for (struct dirent *e; rc == 0 && (e = readdir(dir));) {
        if (!is_lua(e->d_name)) {
            continue;
        }
        if (!r->installed && strcmp(e->d_name, LIBRARY_SDK_LUA) == 0) {
            rc = refuse_file(r, e->d_name, DIAG_USAGE, "this is the name of Keel's own library",
                             "Give the file another name.");
        } else {
            rc = take(r, e->d_name, TEXT_LIMIT);
        }
    }
    closedir(dir);
    return rc;
}

static int take_named(reading *r) {
    const manifest *m = r->p->manifest;
    int rc = 0;
    for (size_t i = 0; i < m->template_count && rc == 0; i++) {
        char name[160];
        snprintf(name, sizeof name, "templates/%s", m->templates[i]);
        rc = take(r, name, TEXT_LIMIT);
    }
    for (size_t i = 0; i < m->resource_count && rc == 0; i++) {
        if (m->resources[i].schema) {
            rc = take(r, m->resources[i].schema, TEXT_LIMIT);
        }
    }
    return rc;
}

/* The bytes of a .so are digested and let go. */
static int take_native(reading *r, const char *so_folder) {
    const char *entry = r->p->manifest->entry;
    int fd = open_beneath(r->dir, entry);
    if (fd < 0 && errno == ENOENT && so_folder) {
        keel_buf path = KEEL_BUF_INIT;
        keel_buf_printf(&path, "%s/%s", so_folder, entry);
        fd = open(path.data, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        keel_buf_free(&path);
    }
    if (fd < 0) {
        return refuse_open(r, entry);
    }
    keel_buf data = KEEL_BUF_INIT;
    digest sum;
    size_t size = 0;
    bool known = r->installed && library_native_digest(r->folder, &sum);
    int rc = known ? check_file(r, fd, entry, &size) : read_bytes(r, fd, entry, SO_LIMIT, &data);
    close(fd);
    if (rc == 0) {
        add(r, entry, &data);
        plugin_file *f = &r->p->files[r->p->file_count - 1];
        keel_buf_free(&f->data);
        f->digest = known ? sum : f->digest;
    }
    keel_buf_free(&data);
    return rc;
}

/* A service's description as JSON, checked: what its engine reads. */
static int take_service(reading *r) {
    const plugin_file *entry = library_file(r->p, r->p->manifest->entry);
    keel_buf json = KEEL_BUF_INIT;
    int rc = service_convert(&json, r->p->manifest, r->folder, &entry->data, r->d);
    if (rc == 0) {
        add(r, MANIFEST_SERVICE_JSON, &json);
    }
    keel_buf_free(&json);
    return rc;
}

/* What an installed service has besides what its author wrote. */
static int take_engine(reading *r) {
    int rc = take(r, MANIFEST_SERVICE_JSON, TEXT_LIMIT);
    rc = rc ? rc : take(r, LIBRARY_SDK_LUA, TEXT_LIMIT);
    for (size_t i = 0; rc == 0 && library_engine[i]; i++) {
        rc = take(r, library_engine[i], TEXT_LIMIT);
    }
    return rc;
}

static int take_all(reading *r, const char *so_folder) {
    int rc = take_manifest(r);
    if (rc != 0) {
        return rc;
    }
    rc = take_named(r);
    if (rc == 0 && r->p->manifest->native) {
        return take_native(r, so_folder);
    }
    rc = rc ? rc : take(r, r->p->manifest->entry, TEXT_LIMIT);
    if (rc == 0 && r->p->manifest->service) {
        return r->installed ? take_engine(r) : take_service(r);
    }
    return rc ? rc : take_modules(r);
}

/* ---- the whole ---- */

static int by_name(const void *a, const void *b) {
    return strcmp(((const plugin_file *)a)->name, ((const plugin_file *)b)->name);
}

void library_seal(plugin *p) {
    qsort(p->files, p->file_count, sizeof *p->files, by_name);
    keel_buf list = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &list);
    keel_json_array(&w);
    for (size_t i = 0; i < p->file_count; i++) {
        keel_json_object(&w);
        keel_json_key(&w, "digest");
        keel_json_hex(&w, p->files[i].digest.bytes, DIGEST_SIZE);
        keel_json_set_text(&w, "name", p->files[i].name);
        keel_json_object_end(&w);
    }
    keel_json_array_end(&w);
    p->digest = digest_of(list.data, list.len);
    keel_buf_free(&list);
}

static int open_folder(reading *r) {
    r->dir = open(r->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (r->dir >= 0) {
        return 0;
    }
    bool link = errno == ELOOP || errno == ENOTDIR;
    diag_set(r->d, errno == ENOENT ? DIAG_NOT_FOUND : DIAG_USAGE,
             "%s cannot be read as a plugin: %s", r->folder,
             link ? "it is a symbolic link or no folder" : strerror(errno));
    return diag_next(r->d, "Name the folder that holds the plugin's manifest.yaml.");
}

static int take_own(reading *r, const char *path, const char *name) {
    keel_buf data = KEEL_BUF_INIT;
    int rc = fsio_read(path, TEXT_LIMIT, &data, r->d);
    if (rc == 0) {
        add(r, name, &data);
    } else {
        diag_next(r->d, "Keel's own files are not whole: install it again.");
    }
    keel_buf_free(&data);
    return rc;
}

/* keel.lua, and for a service the engine, which lies beside it. */
static int take_sdk(reading *r, const char *path) {
    const char *slash = strrchr(path, '/');
    int rc = take_own(r, path, LIBRARY_SDK_LUA);
    for (size_t i = 0; rc == 0 && r->p->manifest->service && library_engine[i]; i++) {
        keel_buf beside = KEEL_BUF_INIT;
        keel_buf_printf(&beside, "%.*s%s", slash ? (int)(slash + 1 - path) : 0, path,
                        library_engine[i]);
        rc = take_own(r, beside.data, library_engine[i]);
        keel_buf_free(&beside);
    }
    return rc;
}

int library_read_source(plugin **out, const char *folder, const char *sdk_lua,
                        const char *so_folder, diag *d) {
    reading r = {keel_alloc(sizeof *r.p), folder, -1, false, d};
    memset(r.p, 0, sizeof *r.p);
    int rc = open_folder(&r);
    rc = rc ? rc : take_all(&r, so_folder);
    if (rc == 0 && !r.p->manifest->native) {
        rc = take_sdk(&r, sdk_lua);
    }
    if (r.dir >= 0) {
        close(r.dir);
    }
    if (rc != 0) {
        plugin_destroy(r.p);
        return rc;
    }
    library_seal(r.p);
    *out = r.p;
    return 0;
}

/* The digest was written beside the files when they were installed. */
static int check_digest(const reading *r) {
    keel_buf text = KEEL_BUF_INIT;
    digest want;
    int rc = read_named(r, ".digest", 256, &text);
    if (rc == 0 &&
        (text.len < DIGEST_HEX - 1 || digest_from_hex(&want, text.data, DIGEST_HEX - 1) != 0 ||
         !digest_equal(&want, &r->p->digest))) {
        diag_set(r->d, DIAG_USAGE, "%s is refused: its files are not those that were installed",
                 r->folder);
        rc = diag_next(r->d, "Remove that folder; the version is installed again from its source.");
    }
    keel_buf_free(&text);
    return rc;
}

int library_read_installed(plugin **out, const char *folder, diag *d) {
    reading r = {keel_alloc(sizeof *r.p), folder, -1, true, d};
    memset(r.p, 0, sizeof *r.p);
    int rc = open_folder(&r);
    rc = rc ? rc : take_all(&r, NULL);
    if (rc == 0) {
        library_seal(r.p);
        rc = check_digest(&r);
    }
    if (r.dir >= 0) {
        close(r.dir);
    }
    if (rc != 0) {
        plugin_destroy(r.p);
        return rc;
    }
    r.p->folder = keel_strdup(folder);
    *out = r.p;
    return 0;
}
