#include "secret.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct entry {
    char name[64];
    const char *where;
    long long bytes; /* -1: not known without reading it */
    long long changed_us;
} entry;

typedef struct entries {
    entry *all;
    size_t count;
} entries;

static entry *add(entries *list, const char *name, const char *where) {
    list->all = keel_realloc(list->all, (list->count + 1) * sizeof *list->all);
    entry *e = &list->all[list->count++];
    *e = (entry){.where = where, .bytes = -1};
    snprintf(e->name, sizeof e->name, "%s", name);
    return e;
}

static void measure(entry *e, int dir, const char *file) {
    struct stat st;
    if (fstatat(dir, file, &st, 0) == 0 && S_ISREG(st.st_mode)) {
        e->bytes = (long long)st.st_size;
        e->changed_us =
            (long long)st.st_mtim.tv_sec * 1000000 + (long long)st.st_mtim.tv_nsec / 1000;
    }
}

static void add_declared(entries *list, const secret_places *places) {
    int dir =
        places->credentials ? open(places->credentials, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    for (keel_json_iter it = keel_json_each(places->declared); keel_json_next(&it);) {
        char name[64];
        char file[256];
        keel_json credential = keel_json_get(it.value, "credential");
        if (keel_json_copy(it.key, name, sizeof name) >= (long)sizeof name) {
            continue;
        }
        bool command = keel_json_typeof(credential) == KEEL_JSON_NONE;
        entry *e = add(list, name, command ? "command" : "credential");
        if (dir >= 0 && keel_json_copy(credential, file, sizeof file) > 0 && !strchr(file, '/')) {
            measure(e, dir, file);
        }
    }
    if (dir >= 0) {
        close(dir);
    }
}

/* Takes over dir. A declaration goes before a file of the same name. */
static int add_files(entries *list, const secret_places *places, int dir, diag *d) {
    DIR *folder = fdopendir(dir);
    if (!folder) {
        close(dir);
        return diag_set(d, DIAG_STORAGE, "%s: cannot read the folder: %s", places->folder,
                        strerror(errno));
    }
    struct stat st;
    for (struct dirent *e; (e = readdir(folder));) {
        if (secret_name_ok(e->d_name) && fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode) &&
            keel_json_typeof(keel_json_get(places->declared, e->d_name)) == KEEL_JSON_NONE) {
            measure(add(list, e->d_name, "file"), dir, e->d_name);
        }
    }
    closedir(folder);
    return 0;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const entry *)a)->name, ((const entry *)b)->name);
}

int secret_list(const secret_places *places,
                void (*each)(void *ctx, const char *name, const char *where, long long bytes,
                             long long changed_us),
                void *ctx, diag *d) {
    entries list = {NULL, 0};
    int rc = 0;
    int dir = open(places->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0 && errno != ENOENT) {
        diag_set(d, DIAG_STORAGE, "%s: cannot open the folder: %s", places->folder,
                 strerror(errno));
        return diag_next(d, "Check who owns it and what its mode is.");
    }
    if (dir >= 0) {
        rc = add_files(&list, places, dir, d);
    }
    if (rc == 0) {
        add_declared(&list, places);
    }
    if (list.count) {
        qsort(list.all, list.count, sizeof *list.all, by_name);
    }
    for (size_t i = 0; i < list.count && rc == 0; i++) {
        const entry *e = &list.all[i];
        each(ctx, e->name, e->where, e->bytes, e->changed_us);
    }
    free(list.all);
    return rc;
}
