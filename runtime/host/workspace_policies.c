/* The policy files of a workspace. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fsio.h"
#include "workspace.h"

#define FILE_LIMIT (256 * 1024)

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text);
    size_t m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

/* An ending that is meant as .yaml: .yml, .YAML, .Yml. */
static bool looks_like_one(const char *name) {
    const char *end = strrchr(name, '.');
    return end && end != name && (!strcasecmp(end, ".yaml") || !strcasecmp(end, ".yml"));
}

/* Hidden files and editors' backups are not policies. */
static bool passed_over(const char *name) {
    return name[0] == '.' || name[0] == '#' || ends_with(name, "~");
}

/* A rule that its author believes to be in force and is not would be the worst of mistakes. */
static int refuse_ending(const char *name, diag *d) {
    diag_set(d, DIAG_USAGE, "policies/%s would not be read: policies are files that end in .yaml",
             name);
    return diag_next(d, "Rename it to policies/%.*s.yaml, or move it away.",
                     (int)(strrchr(name, '.') - name), name);
}

/* Nor what stands in a folder of its own; `tests` holds cases. */
static int refuse_folder(const workspace *w, const char *name, diag *d) {
    keel_buf path = KEEL_BUF_INIT;
    keel_buf_printf(&path, "%s/policies/%s", w->root, name);
    DIR *dir = strcmp(name, "tests") ? opendir(path.data) : NULL;
    int rc = 0;
    for (struct dirent *e; dir && rc == 0 && (e = readdir(dir));) {
        if (!passed_over(e->d_name) && looks_like_one(e->d_name)) {
            diag_set(d, DIAG_USAGE,
                     "policies/%s/%s would not be read: policies stand in policies/ itself", name,
                     e->d_name);
            rc = diag_next(d, "Move it to policies/, or move the folder away.");
        }
    }
    if (dir) {
        closedir(dir);
    }
    keel_buf_free(&path);
    return rc;
}

static int read_one(const workspace *w, const char *name, workspace_policy **list, size_t *count,
                    diag *d) {
    keel_buf path = KEEL_BUF_INIT;
    keel_buf_printf(&path, "%s/policies/%s", w->root, name);
    workspace_policy p = {NULL, KEEL_BUF_INIT};
    int rc = fsio_read(path.data, FILE_LIMIT, &p.text, d);
    if (rc == 0) {
        p.file = keel_strdup(path.data + strlen(w->root) + 1);
        *list = keel_realloc(*list, (*count + 1) * sizeof **list);
        (*list)[(*count)++] = p;
    }
    keel_buf_free(&path);
    return rc;
}

static int by_file(const void *a, const void *b) {
    return strcmp(((const workspace_policy *)a)->file, ((const workspace_policy *)b)->file);
}

static int read_folder(const workspace *w, DIR *dir, workspace_policy **list, size_t *count,
                       diag *d) {
    int rc = 0;
    for (struct dirent *e; rc == 0 && (e = readdir(dir));) {
        if (passed_over(e->d_name)) {
            continue;
        }
        if (ends_with(e->d_name, ".yaml")) {
            rc = read_one(w, e->d_name, list, count, d);
        } else if (looks_like_one(e->d_name)) {
            rc = refuse_ending(e->d_name, d);
        } else {
            rc = refuse_folder(w, e->d_name, d);
        }
    }
    return rc;
}

int workspace_policies(const workspace *w, workspace_policy **out, size_t *count, diag *d) {
    diag unheard = {0};
    d = d ? d : &unheard; /* the code stands in it */
    keel_buf path = KEEL_BUF_INIT;
    keel_buf_printf(&path, "%s/policies", w->root);
    DIR *dir = opendir(path.data);
    int rc = 0;
    if (!dir && errno != ENOENT) {
        rc = diag_set(d, DIAG_USAGE, "%s cannot be read: %s", path.data, strerror(errno));
    }
    keel_buf_free(&path);
    workspace_policy *list = NULL;
    size_t n = 0;
    if (dir) {
        rc = read_folder(w, dir, &list, &n, d);
        closedir(dir);
    }
    if (rc != 0) {
        workspace_policies_free(list, n);
        return rc;
    }
    if (n > 0) {
        qsort(list, n, sizeof *list, by_file);
    }
    *out = list;
    *count = n;
    return 0;
}

void workspace_policies_free(workspace_policy *p, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(p[i].file);
        keel_buf_free(&p[i].text);
    }
    free(p);
}
