/* Where things are in a workspace. */
#include "workspace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "digest.h"
#include "fsio.h"
#include "workspace_int.h"

static char *join(const char *folder, const char *name) {
    keel_buf b = KEEL_BUF_INIT;
    bool root = strcmp(folder, "/") == 0;
    keel_buf_printf(&b, "%s/%s", root ? "" : folder, name);
    return b.data;
}

static void cut_last(char *path) {
    char *slash = strrchr(path, '/');
    slash[slash == path] = 0; /* "/" stays */
}

/* XDG: a path that is not absolute is as good as none. */
static int state_folder(keel_buf *out, diag *d) {
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    if (state && state[0] == '/') {
        keel_buf_puts(out, state);
        return 0;
    }
    if (home && home[0] == '/') {
        keel_buf_printf(out, "%s/.local/state", home);
        return 0;
    }
    diag_set(d, DIAG_USAGE,
             "there is no place for the workspace's anchor: neither HOME nor "
             "XDG_STATE_HOME is set");
    return diag_next(d, "Set HOME, or write `anchor: /FOLDER/anchor` into keel.yaml.");
}

/* STATE/keel/NAME-HASH/anchor: the name for people, the hash because two workspaces may share one.
 */
static int default_anchor(workspace *w, diag *d) {
    keel_buf b = KEEL_BUF_INIT;
    int rc = state_folder(&b, d);
    if (rc != 0) {
        return rc;
    }
    char hex[DIGEST_HEX];
    digest sum = digest_of(w->root, strlen(w->root));
    digest_hex(&sum, hex);
    keel_buf_puts(&b, "/keel/");
    for (const char *p = strrchr(w->root, '/') + 1; *p; p++) {
        keel_buf_putc(&b, *p == '.' ? '_' : *p);
    }
    keel_buf_printf(&b, "-%.8s/anchor", hex);
    w->anchor = b.data;
    w->own_anchor = true;
    return 0;
}

static int fill(workspace *w, diag *d) {
    w->keel = join(w->root, ".keel");
    w->db = join(w->keel, "keel.db");
    w->socket = join(w->keel, "keel.sock");
    w->lock = join(w->keel, "lock");
    w->generation = join(w->keel, "generation");
    int rc = workspace_read(w, d);
    if (rc == 0 && !w->anchor) {
        rc = default_anchor(w, d);
    }
    if (rc == 0) {
        keel_buf b = KEEL_BUF_INIT;
        keel_buf_printf(&b, "%s.key", w->anchor);
        w->anchor_key = b.data;
    }
    return rc;
}

int workspace_load(workspace **out, const char *root, diag *d) {
    diag unheard = {0};
    d = d ? d : &unheard; /* the code stands in it */
    char path[PATH_MAX];
    if (!realpath(root, path)) {
        diag_set(d, DIAG_NOT_FOUND, "there is no workspace at %s: %s", root, strerror(errno));
        return diag_next(d, "Go to a workspace, or make one with `keel init`.");
    }
    workspace *w = keel_alloc(sizeof *w);
    memset(w, 0, sizeof *w);
    w->root = keel_strdup(path);
    int rc = fill(w, d);
    if (rc != 0) {
        workspace_destroy(w);
        return rc;
    }
    *out = w;
    return 0;
}

int workspace_find(workspace **out, const char *start, diag *d) {
    diag unheard = {0};
    d = d ? d : &unheard;
    char path[PATH_MAX];
    if (!realpath(start, path)) {
        return diag_set(d, DIAG_NOT_FOUND, "there is no folder %s: %s", start, strerror(errno));
    }
    for (;;) {
        char *file = join(path, "keel.yaml");
        bool here = access(file, F_OK) == 0;
        free(file);
        if (here) {
            return workspace_load(out, path, d);
        }
        if (strcmp(path, "/") == 0) {
            break;
        }
        cut_last(path);
    }
    diag_set(d, DIAG_NOT_FOUND,
             "this is not a workspace: there is no keel.yaml in %s or any folder above it", start);
    return diag_next(d, "Go to a workspace, or make one here with `keel init`.");
}

void workspace_destroy(workspace *w) {
    if (!w) {
        return;
    }
    for (size_t i = 0; i < w->connection_count; i++) {
        free(w->connections[i].name);
        free(w->connections[i].use);
        free(w->connections[i].ca);
        keel_buf_free(&w->connections[i].config);
        keel_buf_free(&w->connections[i].auth);
        for (size_t j = 0; j < w->connections[i].poll_count; j++) {
            free(w->connections[i].polls[j].resource);
        }
        free(w->connections[i].polls);
    }
    char *all[] = {w->root,       w->name,   w->keel,       w->db,       w->socket,  w->lock,
                   w->generation, w->anchor, w->anchor_key, w->currency, w->timezone};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]);
    }
    keel_buf_free(&w->secrets);
    workspace_notify_free(w);
    free(w->connections);
    free(w);
}

/* ---- folders ---- */

/* Makes it for us alone. A folder that is there must be ours, and is closed to others. */
static int private_folder(const char *path, diag *d) {
    int rc = fsio_mkdirs(path, 0700, d);
    if (rc != 0) {
        return rc;
    }
    struct stat st;
    if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        diag_set(d, DIAG_USAGE, "%s is refused: it is not a folder of its own", path);
        return diag_next(d, "Move away what is there.");
    }
    if (st.st_uid != geteuid()) {
        diag_set(d, DIAG_AUTH, "%s belongs to user %u, and Keel runs as user %u", path,
                 (unsigned)st.st_uid, (unsigned)geteuid());
        return diag_next(d, "Run Keel as the user who made the workspace.");
    }
    if ((st.st_mode & 0077) && chmod(path, 0700) != 0) {
        return diag_set(d, DIAG_STORAGE, "%s is open to others and cannot be closed: %s", path,
                        strerror(errno));
    }
    return 0;
}

int workspace_prepare(const workspace *w, diag *d) {
    diag unheard = {0};
    d = d ? d : &unheard;
    size_t most = sizeof((struct sockaddr_un *)0)->sun_path - 1;
    if (strlen(w->socket) > most) {
        diag_set(d, DIAG_USAGE,
                 "the workspace's path is too long: %s has %zu bytes, and a socket's path may have "
                 "%zu",
                 w->socket, strlen(w->socket), most);
        return diag_next(d, "Move the workspace to a folder with a shorter path.");
    }
    int rc = private_folder(w->keel, d);
    if (rc == 0) {
        char *folder = keel_strdup(w->anchor);
        cut_last(folder);
        rc = fsio_mkdirs(folder, 0700, d);
        free(folder);
    }
    return rc;
}
