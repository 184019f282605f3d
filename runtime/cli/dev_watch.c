/* Files are looked at, not waited for: that works on every file system, and costs some hundred
 * stat() calls a second. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dev.h"
#include "digest.h"

#define DEPTH 3

static char *join(const char *folder, const char *name) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_printf(&b, "%s/%s", folder, name);
    return b.data;
}

/* What an editor or a compiler leaves for a moment. */
static bool passing(const char *name, bool made) {
    size_t len = strlen(name);
    return name[0] == '.' || name[0] == '#' || name[len - 1] == '~' ||
           (len > 2 && strcmp(name + len - 2, ".o") == 0) ||
           (made && len > 3 && strcmp(name + len - 3, ".so") == 0) ||
           (len > 4 && strcmp(name + len - 4, ".swp") == 0);
}

static void add_print(keel_buf *out, const char *path, int depth, bool made) {
    struct dirent **found = NULL;
    struct stat st;
    if (stat(path, &st) != 0) {
        return;
    }
    if (!S_ISDIR(st.st_mode)) {
        keel_buf_append(out, path, strlen(path) + 1);
        keel_buf_append(out, &st.st_mtim, sizeof st.st_mtim);
        keel_buf_append(out, &st.st_size, sizeof st.st_size);
        keel_buf_append(out, &st.st_ino, sizeof st.st_ino);
        return;
    }
    int n = depth > 0 ? scandir(path, &found, NULL, alphasort) : 0;
    for (int i = 0; i < n; i++) {
        if (!passing(found[i]->d_name, made)) {
            char *below = join(path, found[i]->d_name);
            add_print(out, below, depth - 1, made);
            free(below);
        }
        free(found[i]);
    }
    free(found);
}

/* What a Makefile makes is none of the author's saves. */
static bool makes(const char *folder) {
    char *makefile = join(folder, "Makefile");
    struct stat st;
    bool there = stat(makefile, &st) == 0;
    free(makefile);
    return there;
}

uint64_t dev_print(const dev_item *item) {
    keel_buf all = KEEL_BUF_INIT;
    uint64_t print;
    add_print(&all, item->folder, DEPTH, item->plugin && makes(item->folder));
    digest d = digest_of(all.data, all.len);
    memcpy(&print, d.bytes, sizeof print);
    keel_buf_free(&all);
    return print;
}

bool dev_ready(const dev_item *item) {
    return !item->gone && item->seen != item->handled && item->seen == dev_print(item);
}

static dev_item *item_of(dev *v, const char *folder, const char *shown) {
    for (size_t i = 0; i < v->count; i++) {
        if (strcmp(v->items[i].folder, folder) == 0) {
            return &v->items[i];
        }
    }
    v->items = keel_realloc(v->items, (v->count + 1) * sizeof *v->items);
    dev_item *item = &v->items[v->count++];
    *item = (dev_item){.folder = keel_strdup(folder), .shown = keel_strdup(shown)};
    return item;
}

static void look_at(dev *v, const char *root, const char *shown, bool plugin, bool agent) {
    char *path = join(root, shown);
    struct stat st;
    if (stat(path, &st) == 0) {
        dev_item *item = item_of(v, path, shown);
        item->plugin = plugin;
        item->agent = agent;
        item->marked = true;
        item->gone = false;
        item->seen = dev_print(item);
    }
    free(path);
}

static bool wanted(const dev *v, const char *name) {
    bool found = v->only_count == 0;
    for (size_t i = 0; i < v->only_count; i++) {
        const char *only = v->only[i], *slash = strrchr(only, '/');
        found = found || strcmp(slash ? slash + 1 : only, name) == 0;
    }
    return found;
}

static void look_in(dev *v, const char *root, const char *kind, bool agent) {
    struct dirent **found = NULL;
    char *folder = join(root, kind);
    int n = scandir(folder, &found, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        const char *name = found[i]->d_name;
        char *shown = join(kind, name), *path = join(root, shown);
        struct stat st;
        if (!passing(name, false) && wanted(v, name) && stat(path, &st) == 0 &&
            S_ISDIR(st.st_mode)) {
            look_at(v, root, shown, true, agent);
        }
        free(shown);
        free(path);
        free(found[i]);
    }
    free(found);
    free(folder);
}

void dev_look(dev *v) {
    const char *root = v->c->ws->root;
    for (size_t i = 0; i < v->count; i++) {
        v->items[i].marked = false;
    }
    look_in(v, root, "connectors", false);
    look_in(v, root, "agents", true);
    look_at(v, root, "policies", false, false);
    look_at(v, root, "keel.yaml", false, false);
    for (size_t i = 0; i < v->count; i++) {
        dev_item *item = &v->items[i];
        if (!item->marked && !item->gone) {
            dev_say(v, "%s is gone; what is installed of it stays in force.", item->shown);
            item->gone = true;
        }
    }
}

void dev_watch_free(dev *v) {
    for (size_t i = 0; i < v->count; i++) {
        free(v->items[i].folder);
        free(v->items[i].shown);
        free(v->items[i].name);
        free(v->items[i].id);
    }
    free(v->items);
}
