/* What belongs to the workspace; silent outside of one. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "doctor.h"
#include "logins.h"
#include "reach.h"
#include "survey.h"
#include "text.h"

#define ANCHOR_OLD_US (5 * 60 * 1000000LL)
#define SPACE_LOW     (100ull << 20)
#define SYNCS         8

bool check_workspace(cli *c, finding *f) {
    diag d = {0};
    int rc = cli_workspace(c, &d);
    if (rc == 0) {
        found(f, HEALTH_OK, "%s, %zu connections", c->ws->root, c->ws->connection_count);
    } else if (rc == DIAG_NOT_FOUND && !c->folder) {
        found(f, HEALTH_WARN, "not in a workspace, so only the machine was checked");
        remedy(f, "Make one with `keel init`, or name one with --workspace DIR.");
    } else {
        found(f, HEALTH_FAIL, "%s:%d:%d: %s", d.file, d.line, d.column, d.what);
        remedy(f, "%s", d.next);
    }
    return true;
}

static void count_warning(void *ctx, const diag *d) {
    (void)d;
    (*(int *)ctx)++;
}

bool check_policy(cli *c, finding *f) {
    survey *w = NULL;
    diag d = {0};
    int warnings = 0;
    if (!c->ws) {
        return false;
    }
    int rc = survey_load(c, &w, NULL, NULL, &d);
    rc = rc ? rc : survey_compile(c, w, count_warning, &warnings, &d);
    if (rc) {
        found(f, HEALTH_FAIL, "%s:%d:%d: %s", d.file, d.line, d.column, d.what);
        remedy(f, "%s", d.next[0] ? d.next : "See `keel policy check`.");
    } else if (warnings) {
        found(f, HEALTH_WARN, "%zu rules, %d warnings", policy_rule_count(w->policy), warnings);
        remedy(f, "See `keel policy check`.");
    } else {
        found(f, HEALTH_OK, "%zu rules, no warnings", policy_rule_count(w->policy));
    }
    survey_free(w);
    return true;
}

static void count_origin(void *ctx, const char *url) {
    (void)url;
    (*(int *)ctx)++;
}

/* false: nothing to find fault with. */
static bool check_connection(const workspace_connection *k, const manifest *m, int *reached,
                             finding *f) {
    diag d = {0};
    if (reach_origins(m, k, count_origin, reached, &d) != 0 || login_check(m, k, &d) != 0) {
        found(f, HEALTH_FAIL, "%s:%d:%d: %s", d.file, d.line, d.column, d.what);
        remedy(f, "%s", d.next);
        return true;
    }
    if (k->auth.len && !reach_any_network(m)) {
        found(f, HEALTH_WARN, "keel.yaml:%d:%d: the login of %s is not used: %s has no way out",
              k->line, k->column, k->name, m->id);
        remedy(f, "Remove `auth`, or use a connector that needs an address.");
        return true;
    }
    return false;
}

bool check_addresses(cli *c, finding *f) {
    survey *w = NULL;
    diag d = {0};
    int reached = 0;
    if (!c->ws || survey_load(c, &w, NULL, NULL, &d) != 0) {
        return false;
    }
    bool faulty = false;
    for (size_t i = 0; !faulty && i < c->ws->connection_count; i++) {
        const workspace_connection *k = &c->ws->connections[i];
        const survey_plugin *p = survey_find(w, k->use, PLUGIN_CONNECTOR);
        faulty = p && check_connection(k, p->manifest, &reached, f);
    }
    survey_free(w);
    if (!faulty && reached) {
        found(f, HEALTH_OK, "connections name %d address%s", reached, reached == 1 ? "" : "es");
    }
    return faulty || reached;
}

/* ---- who may read what ---- */

static bool private_path(const char *path, finding *f) {
    struct stat st;
    if (lstat(path, &st) != 0) {
        return true; /* what is not there yet is made with the right mode */
    }
    if (st.st_uid != getuid()) {
        found(f, HEALTH_FAIL, "%s belongs to user %u, not to you", path, (unsigned)st.st_uid);
        remedy(f, "Run keel as its owner, or change it: chown -R $(id -un) %s", path);
        return false;
    }
    if (st.st_mode & 077) {
        found(f, HEALTH_FAIL, "%s can be reached by others (mode %03o)", path,
              (unsigned)(st.st_mode & 0777));
        remedy(f, "chmod go-rwx %s", path);
        return false;
    }
    return true;
}

/* The folder of secrets and all that lies in it. */
static bool private_secrets(cli *c, finding *f) {
    keel_buf folder = KEEL_BUF_INIT;
    keel_buf_printf(&folder, "%s/secrets", c->ws->keel);
    bool good = private_path(folder.data, f);
    DIR *dir = good ? opendir(folder.data) : NULL;
    for (struct dirent *e; good && dir && (e = readdir(dir));) {
        keel_buf path = KEEL_BUF_INIT;
        keel_buf_printf(&path, "%s/%s", folder.data, e->d_name);
        good = strcmp(e->d_name, "..") == 0 || private_path(path.data, f);
        keel_buf_free(&path);
    }
    if (dir) {
        closedir(dir);
    }
    keel_buf_free(&folder);
    return good;
}

bool check_permissions(cli *c, finding *f) {
    if (!c->ws) {
        return false;
    }
    char *folder = keel_strdup(c->ws->anchor);
    char *slash = strrchr(folder, '/');
    if (slash && slash != folder) {
        *slash = 0;
    }
    if (private_path(c->ws->keel, f) && private_secrets(c, f) && private_path(folder, f) &&
        private_path(c->ws->anchor_key, f)) {
        found(f, HEALTH_OK, "only you can read .keel, its secrets and the anchor");
    }
    free(folder);
    return true;
}

/* The newest head of this workspace in the anchor; its signature is for `keel audit verify`. */
typedef struct newest_head {
    int64_t seq; /* 0: of a journal without records */
    char hash[65];
} newest_head;

static bool anchor_names(cli *c, newest_head *head) {
    char *id = cli_value(c, "SELECT value FROM meta WHERE key = 'workspace'", NULL);
    char *line = NULL;
    size_t room = 0;
    bool found = !id; /* without a database to read there is nothing to compare */
    FILE *file = fopen(c->ws->anchor, "re");
    while (file && id && getline(&line, &room, file) > 0) {
        if (strncmp(line, "keel1 ", 6) == 0 && strncmp(line + 6, id, strlen(id)) == 0) {
            found = true;
            if (sscanf(line + 6 + strlen(id), " %*d %" SCNd64 " %64[0-9a-f]", &head->seq,
                       head->hash) != 2) {
                head->seq = 0;
            }
        }
    }
    if (file) {
        fclose(file);
    }
    free(line);
    free(id);
    return found;
}

static bool holds_head(cli *c, const newest_head *head) {
    char seq[24];
    snprintf(seq, sizeof seq, "%" PRId64, head->seq);
    char *hash =
        cli_value(c, "SELECT lower(hex(hash)) FROM journal WHERE seq = CAST(? AS INTEGER)", seq);
    bool holds = head->seq == 0 || (hash && strcmp(hash, head->hash) == 0);
    free(hash);
    return holds;
}

/* An anchor that the next start would refuse. */
static bool anchor_refused(cli *c, finding *f) {
    if (access(c->ws->anchor_key, F_OK) != 0) {
        found(f, HEALTH_FAIL, "the key %s is not there: %s", c->ws->anchor_key, strerror(errno));
        remedy(f, "Put it back from a backup; without it no head of the journal can be signed.");
        return true;
    }
    newest_head head = {0};
    if (!anchor_names(c, &head)) {
        found(f, HEALTH_FAIL, "%s has no line of this workspace", c->ws->anchor);
        remedy(f, "Put it back from a backup; without it a changed journal would not be noticed.");
        return true;
    }
    if (!holds_head(c, &head)) {
        found(f, HEALTH_FAIL,
              "record %" PRId64 " was signed in it, and %s does not hold that record", head.seq,
              c->ws->db);
        remedy(f,
               "Put the newest file (with its -wal) back; `keel up` says what else can be done.");
        return true;
    }
    return false;
}

bool check_anchor(cli *c, finding *f) {
    struct stat st;
    if (!c->ws) {
        return false;
    }
    if (access(c->ws->db, F_OK) != 0) {
        if (!c->ws->own_anchor || access(c->ws->anchor, F_OK) != 0) {
            return false;
        }
        found(f, HEALTH_FAIL, "%s is there, and its database is not", c->ws->anchor);
        remedy(f, "Put %s back; `keel up` says what else can be done.", c->ws->db);
        return true;
    }
    if (stat(c->ws->anchor, &st) != 0) {
        found(f, HEALTH_FAIL, "%s is not there: %s", c->ws->anchor, strerror(errno));
        remedy(f, "Put it back from a backup; without it a changed journal would not be noticed.");
        return true;
    }
    if (anchor_refused(c, f)) {
        return true;
    }
    int64_t age = cli_now_us() - (int64_t)st.st_mtime * 1000000;
    keel_buf text = KEEL_BUF_INIT;
    text_span(&text, age);
    bool behind = age > ANCHOR_OLD_US && cli_running(c) &&
                  cli_number(c, "SELECT max(at) FROM journal", NULL) >
                      (int64_t)st.st_mtime * 1000000 + ANCHOR_OLD_US;
    if (behind) {
        found(f, HEALTH_WARN, "signed %s ago, and there are newer records", text.data);
        remedy(f, "Look into the log whether %s can be written.", c->ws->anchor);
    } else {
        found(f, HEALTH_OK, "%s, signed %s ago", c->ws->anchor, text.data);
    }
    keel_buf_free(&text);
    return true;
}

/* ---- the disk ---- */

static const struct {
    unsigned long magic;
    health health;
    const char *what;
} file_systems[] = {
    {TMPFS_MAGIC, HEALTH_WARN, "is in memory: it is gone when the machine is switched off"},
    {RAMFS_MAGIC, HEALTH_WARN, "is in memory: it is gone when the machine is switched off"},
    {NFS_SUPER_MAGIC, HEALTH_FAIL, "is on NFS, whose locks cannot be trusted"},
    {SMB_SUPER_MAGIC, HEALTH_FAIL, "is on SMB, whose locks cannot be trusted"},
};

static bool bad_file_system(const char *path, finding *f) {
    struct statfs st;
    for (size_t i = 0; statfs(path, &st) == 0 && i < sizeof file_systems / sizeof *file_systems;
         i++) {
        if ((unsigned long)st.f_type == file_systems[i].magic) {
            found(f, file_systems[i].health, "%s %s", path, file_systems[i].what);
            remedy(f, "Keep the workspace on a local disk.");
            return true;
        }
    }
    return false;
}

/* Microseconds of one write with fsync, averaged; -1 with errno. */
static int64_t time_fsync(const char *folder) {
    keel_buf path = KEEL_BUF_INIT;
    keel_buf_printf(&path, "%s/fsync-XXXXXX", folder);
    int fd = mkostemp(path.data, O_CLOEXEC);
    if (fd >= 0) {
        unlink(path.data);
    }
    keel_buf_free(&path);
    if (fd < 0) {
        return -1;
    }
    struct timespec a, b;
    bool failed = false;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = 0; i < SYNCS && !failed; i++) {
        failed = write(fd, "keel", 4) != 4 || fsync(fd) != 0;
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    close(fd);
    int64_t us = (b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000;
    return failed ? -1 : us / SYNCS;
}

bool check_fsync(cli *c, finding *f) {
    if (!c->ws) {
        return false;
    }
    const char *folder = access(c->ws->keel, W_OK) == 0 ? c->ws->keel : c->ws->root;
    int64_t us = time_fsync(folder);
    if (us < 0) {
        found(f, HEALTH_FAIL, "%s cannot be written durably: %s", folder, strerror(errno));
        remedy(f, "Make room, or move the workspace to a disk that can be written.");
    } else if (!bad_file_system(folder, f)) {
        found(f, HEALTH_OK, "fsync takes %" PRId64 " us%s", us,
              us < 20 ? " (so fast that the disk may answer before it has written)" : "");
    }
    return true;
}

bool check_space(cli *c, finding *f) {
    struct statvfs st;
    if (!c->ws || statvfs(c->ws->root, &st) != 0) {
        return false;
    }
    unsigned long long left = (unsigned long long)st.f_bavail * st.f_frsize;
    found(f, left < SPACE_LOW ? HEALTH_WARN : HEALTH_OK, "%llu MB left", left >> 20);
    if (left < SPACE_LOW) {
        remedy(f, "Make room: when the disk is full nothing new is done.");
    }
    return true;
}

/* ---- what runs ---- */

bool check_database(cli *c, finding *f) {
    diag d = {0};
    if (!c->ws || access(c->ws->db, F_OK) != 0) {
        return false;
    }
    if (cli_reader(c, &d) != 0) {
        found(f, HEALTH_FAIL, "%s", d.what);
        remedy(f, "%s", d.next);
        return true;
    }
    keel_buf text = KEEL_BUF_INIT;
    text_plural(&text, cli_number(c, "SELECT max(seq) FROM journal", NULL), "record", "records");
    found(f, HEALTH_OK, "%s; prove it with `keel audit verify`", text.data);
    keel_buf_free(&text);
    return true;
}

bool check_approver(cli *c, finding *f) {
    if (!c->ws) {
        return false;
    }
    char *name = cli_value(c, "SELECT name FROM approver LIMIT 1", NULL);
    keel_buf file = KEEL_BUF_INIT;
    keel_buf_printf(&file, "%s/approver.json", c->ws->keel);
    if (name || access(file.data, F_OK) == 0) {
        found(f, HEALTH_OK, "%s", name ? name : "takes force with the first `keel up`");
    } else {
        found(f, HEALTH_WARN, "there is none, so nothing that asks can be approved");
        remedy(f, "Choose a passphrase with `keel approver set`, while Keel runs.");
    }
    keel_buf_free(&file);
    free(name);
    return true;
}

bool check_kernel(cli *c, finding *f) {
    if (!c->ws) {
        return false;
    }
    if (cli_running(c)) {
        found(f, HEALTH_OK, "running");
    } else {
        found(f, HEALTH_OK, "not running; start it with `keel up`");
    }
    return true;
}
