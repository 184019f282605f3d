#include "place.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "digest.h"
#include "fsio.h"

#define TEMPORARY ".keel-tmp."
#define FILE_MAX  (64u << 20)

static char *join(const char *a, const char *b) {
    keel_buf out = KEEL_BUF_INIT;
    keel_buf_printf(&out, "%s%s%s", a, *a && *b ? "/" : "", b);
    return out.data;
}

static int not_temporary(const struct dirent *e) {
    return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
           strncmp(e->d_name, TEMPORARY, sizeof TEMPORARY - 1) != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int copy_one(const char *from, const char *to, diag *d) {
    struct stat st;
    keel_buf data = KEEL_BUF_INIT;
    if (lstat(from, &st) != 0) {
        return diag_set(d, DIAG_NOT_FOUND, "%s is not there", from);
    }
    if (S_ISDIR(st.st_mode)) {
        return place_copy(from, to, d);
    }
    if (!S_ISREG(st.st_mode)) {
        return 0;
    }
    int rc = fsio_read(from, FILE_MAX, &data, d);
    rc = rc ? rc : fsio_write_atomic(to, data.data, data.len, 0600, d);
    keel_buf_free(&data);
    return rc;
}

int place_copy(const char *from, const char *to, diag *d) {
    struct dirent **list = NULL;
    int rc = fsio_mkdirs(to, 0700, d);
    int count = rc ? 0 : scandir(from, &list, not_temporary, by_bytes);
    if (count < 0) {
        return diag_set(d, DIAG_NOT_FOUND, "the folder %s cannot be read: %s", from,
                        strerror(errno));
    }
    for (int i = 0; i < count; i++) {
        char *a = join(from, list[i]->d_name), *b = join(to, list[i]->d_name);
        rc = rc ? rc : copy_one(a, b, d);
        free(a);
        free(b);
        free(list[i]);
    }
    free(list);
    return rc;
}

static void list_below(const char *root, const char *below, keel_buf *out);

static void list_one(const char *root, const char *name, keel_buf *out) {
    struct stat st;
    keel_buf data = KEEL_BUF_INIT;
    char *path = join(root, name), hex[DIGEST_HEX] = "-";
    bool there = lstat(path, &st) == 0;
    char kind = !there ? '?' : S_ISDIR(st.st_mode) ? 'd' : S_ISREG(st.st_mode) ? 'f' : 'o';
    if (kind == 'f' && fsio_read(path, FILE_MAX, &data, NULL) == 0) {
        digest of = digest_of(data.data, data.len);
        digest_hex(&of, hex);
    }
    keel_buf_printf(out, "%s %c %s\n", name, kind, hex);
    if (kind == 'd') {
        list_below(root, name, out);
    }
    keel_buf_free(&data);
    free(path);
}

static void list_below(const char *root, const char *below, keel_buf *out) {
    struct dirent **list = NULL;
    char *folder = join(root, below);
    int count = scandir(folder, &list, not_temporary, by_bytes);
    for (int i = 0; i < count; i++) {
        char *name = join(below, list[i]->d_name);
        list_one(root, name, out);
        free(name);
        free(list[i]);
    }
    free(list);
    free(folder);
}

void place_list(const char *folder, keel_buf *out) {
    keel_buf_reserve(out, 1);
    list_below(folder, "", out);
}

static bool has_line(const char *whole, const char *line, size_t len) {
    for (const char *p = whole; *p;) {
        const char *end = strchr(p, '\n');
        if (!strncmp(p, line, len) && (p[len] == '\n' || p[len] == ' ')) {
            return true;
        }
        p = end + 1;
    }
    return false;
}

const char *place_missing(const char *whole, const char *part, bool names_only, size_t *len) {
    for (const char *p = part; *p;) {
        const char *end = strchr(p, '\n');
        size_t line = (size_t)(end - p);
        size_t name = (size_t)((const char *)memrchr(p, ' ', line) - p);
        bool folder = p[name - 1] == 'd'; /* an empty one is no part of an effect */
        if (!folder && !has_line(whole, p, names_only ? name : line)) {
            *len = name - 2; /* and the kind */
            return p;
        }
        p = end + 1;
    }
    return NULL;
}

/* How often a line stands in a text, up to `end`. */
static size_t count_line(const char *text, const char *end, const char *line, size_t len) {
    size_t n = 0;
    while (text < end) {
        const char *stop = strchr(text, '\n');
        n += (size_t)(stop - text) == len && !memcmp(text, line, len);
        text = stop + 1;
    }
    return n;
}

size_t place_added(const char *before, const char *now) {
    size_t added = 0;
    for (const char *p = now; *p;) {
        const char *end = strchr(p, '\n');
        size_t len = (size_t)(end - p);
        added += count_line(now, end, p, len) > count_line(before, before + strlen(before), p, len);
        p = end + 1;
    }
    return added;
}
