/* Whether a source need be read at all. What ships with Keel changes when Keel is installed anew, and
 * is looked at by every start of every workspace. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fsio.h"
#include "library_int.h"

#define TEXT_LIMIT (1 << 20)
#define MARGIN_S   2 /* the reading takes less, and clocks of file systems are coarse */

char **library_names(const char *path, size_t *count) {
    struct dirent **found = NULL;
    int n = scandir(path, &found, NULL, alphasort);
    char **names = keel_alloc((size_t)(n > 0 ? n : 0) * sizeof *names);
    *count = 0;
    for (int i = 0; i < n; i++) {
        if (found[i]->d_name[0] != '.') {
            names[(*count)++] = keel_strdup(found[i]->d_name);
        }
        free(found[i]);
    }
    free(found);
    return names;
}

void library_names_free(char **names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(names[i]);
    }
    free(names);
}

static void path_in(keel_buf *out, const char *folder, const char *name) {
    keel_buf_clear(out);
    keel_buf_printf(out, "%s/%s", folder, name);
}

/* A file's ctime cannot be set back. */
static bool older(const char *path, time_t than, bool *folder) {
    struct stat st;
    *folder = false;
    if (lstat(path, &st) != 0 || st.st_ctime + MARGIN_S >= than) {
        return false;
    }
    *folder = S_ISDIR(st.st_mode);
    return S_ISREG(st.st_mode) || *folder;
}

static bool all_older(const char *folder, time_t than, int depth) {
    size_t count;
    bool deeper, good = older(folder, than, &deeper) && depth < 3;
    char **names = library_names(folder, &count);
    keel_buf path = KEEL_BUF_INIT;
    for (size_t i = 0; good && i < count; i++) {
        path_in(&path, folder, names[i]);
        good =
            older(path.data, than, &deeper) && (!deeper || all_older(path.data, than, depth + 1));
    }
    keel_buf_free(&path);
    library_names_free(names, count);
    return good;
}

/* The installed version with these very bytes as its manifest. */
static library_entry *with_manifest(const library *l, const keel_buf *text) {
    for (size_t i = 0; i < l->count; i++) {
        const plugin_file *m = library_file(l->entries[i].plugin, "manifest.yaml");
        if (m && m->data.len == text->len && memcmp(m->data.data, text->data, text->len) == 0) {
            return &l->entries[i];
        }
    }
    return NULL;
}

library_entry *library_untouched(const library *l, const char *folder) {
    keel_buf text = KEEL_BUF_INIT, path = KEEL_BUF_INIT;
    struct stat st;
    library_entry *e = NULL;
    path_in(&path, folder, "manifest.yaml");
    if (fsio_read(path.data, TEXT_LIMIT, &text, NULL) == 0) {
        e = with_manifest(l, &text);
    }
    if (e) {
        path_in(&path, e->plugin->folder, ".digest");
        bool stamped = lstat(path.data, &st) == 0;
        e = stamped && all_older(folder, st.st_mtime, 0) ? e : NULL;
    }
    keel_buf_free(&path);
    keel_buf_free(&text);
    return e;
}

bool library_native_digest(const char *folder, digest *out) {
    keel_buf text = KEEL_BUF_INIT, path = KEEL_BUF_INIT;
    path_in(&path, folder, LIBRARY_NATIVE);
    bool found = fsio_read(path.data, DIGEST_HEX, &text, NULL) == 0 && text.len == DIGEST_HEX - 1 &&
                 digest_from_hex(out, text.data, text.len) == 0;
    keel_buf_free(&path);
    keel_buf_free(&text);
    return found;
}

void library_stamp(const plugin *p, source s) {
    keel_buf path = KEEL_BUF_INIT;
    path_in(&path, p->folder, ".digest");
    if (s == SOURCE_SHIPPED && utimensat(AT_FDCWD, path.data, NULL, 0) != 0) {
        path.len = 0; /* then it is read at the next start too */
    }
    keel_buf_free(&path);
}
