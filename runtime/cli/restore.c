/* keel restore: a backup takes the place of what is there, or begins in an empty folder. Whatever is
 * replaced is moved aside; nothing is deleted. Cut off anywhere, it can be said again. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "backup.h"
#include "commands.h"
#include "fsio.h"
#include "offline.h"
#include "restore_consent.h"
#include "text.h"

typedef struct restoring {
    cli *c;
    const char *from; /* the backup */
    backup b;
    workspace *ws;
    char *staging;   /* .keel/restore.part: the new database, until it takes its place */
    char aside[300]; /* .keel/before-restore-TIME, or "" */
    diag *d;
} restoring;

static char *in_folder(const char *folder, const char *name) {
    keel_buf out = KEEL_BUF_INIT;
    keel_buf_printf(&out, "%s/%s", folder, name);
    return out.data;
}

static int fault(diag *d, const char *path, const char *act, int error) {
    diag_set(d, DIAG_STORAGE, "%s: cannot %s: %s", path, act, strerror(error));
    return diag_next(d, "See to that, and say `keel restore` again: nothing was deleted.");
}

/* ---- the new database ---- */

/* An anchor that knows nothing of this workspace gets the heads that the backup kept. */
static int bring_anchor(restoring *r) {
    keel_buf old = KEEL_BUF_INIT, kept = KEEL_BUF_INIT, own = KEEL_BUF_INIT;
    char *path = in_folder(r->from, "anchor");
    int rc = fsio_read(r->ws->anchor, 1 << 30, &old, NULL);
    keel_buf_printf(&own, "keel1 %s ", r->b.report.workspace);
    bool known = rc == 0 && old.len && memmem(old.data, old.len, own.data, own.len) != NULL;
    rc = known || !r->b.anchored ? 0 : fsio_read(path, 1 << 30, &kept, r->d);
    if (rc == 0 && kept.len) {
        keel_buf_puts(&old, old.len && old.data[old.len - 1] != '\n' ? "\n" : "");
        keel_buf_append(&old, kept.data, kept.len);
        rc = fsio_write_atomic(r->ws->anchor, old.data, old.len, 0600, r->d);
    }
    free(path);
    keel_buf_free(&old);
    keel_buf_free(&kept);
    keel_buf_free(&own);
    return rc;
}

static int stage(restoring *r) {
    backup_set copied = {0};
    int rc = fsio_remove_tree(AT_FDCWD, r->staging, r->d);
    rc = rc ? rc : fsio_mkdirs(r->staging, 0700, r->d);
    rc = rc ? rc : backup_copy(&copied, r->from, "keel.db", r->staging, "keel.db", r->d);
    rc = rc ? rc : backup_copy(&copied, r->from, "archive", r->staging, "archive", r->d);
    backup_set_free(&copied);
    return rc;
}

static void halt_body(const restoring *r, keel_buf *out) {
    keel_buf why = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_buf_puts(&why, "restored from a backup of ");
    text_time(&why, r->b.made_us);
    keel_buf_puts(&why, "; what happened since is not in it: look at `keel inbox`, then "
                        "`keel resume`");
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_text(&w, "why", why.data);
    keel_json_object_end(&w);
    keel_buf_free(&why);
}

/* The audited act: a boot of its own with a new incarnation, and everything halted. Its head is
 * signed before the file takes its place; a file that then does not is seen at the next start. */
static int renew(restoring *r, offline *o) {
    keel_buf body = KEEL_BUF_INIT;
    char *db = in_folder(r->staging, "keel.db");
    int rc = offline_open(o, r->ws, db, true, r->d);
    if (rc == 0) {
        store_restored_body(o->store, &body);
        turn_add(o->turn, RECORD_RESTORED, 0, "", body.data, body.len);
        keel_buf_clear(&body);
        halt_body(r, &body);
        turn_add(o->turn, RECORD_HALT, 0, "", body.data, body.len);
        rc = offline_stop(o, r->d);
        store_close(o->store);
        o->store = NULL;
    }
    keel_buf_free(&body);
    free(db);
    return rc;
}

/* ---- its place ---- */

/* In this order: a log that is left without its file would be played over the next one. */
static const char *const replaced[] = {"keel.db-wal", "keel.db-journal", "keel.db-shm", "keel.db",
                                       "archive"};
static const char *const placed[] = {"archive", "keel.db"};

static void name_aside(restoring *r) {
    char when[32];
    time_t now = (time_t)(cli_now_us() / 1000000);
    struct tm t;
    localtime_r(&now, &t);
    strftime(when, sizeof when, "%Y%m%d-%H%M%S", &t);
    for (int i = 1; i < 100; i++) {
        struct stat st;
        snprintf(r->aside, sizeof r->aside, "%.240s/before-restore-%s%s%.0d", r->ws->keel, when,
                 i > 1 ? "." : "", i > 1 ? i : 0);
        if (lstat(r->aside, &st) < 0) {
            return;
        }
    }
}

static int move_all(restoring *r, const char *const *names, size_t count, const char *from,
                    const char *to) {
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        char *a = in_folder(from, names[i]), *b = in_folder(to, names[i]);
        if (rename(a, b) < 0 && errno != ENOENT) {
            rc = fault(r->d, a, "move it", errno);
        }
        free(a);
        free(b);
    }
    return rc ? rc : backup_sync(to, r->d);
}

/* A restore that was cut off may have left any part of it. */
static bool any_is_there(const restoring *r) {
    bool any = false;
    for (size_t i = 0; i < sizeof replaced / sizeof *replaced; i++) {
        struct stat st;
        char *path = in_folder(r->ws->keel, replaced[i]);
        any = lstat(path, &st) == 0 || any;
        free(path);
    }
    return any;
}

static int take_place(restoring *r) {
    int rc = 0;
    if (any_is_there(r)) {
        name_aside(r);
        rc = fsio_mkdirs(r->aside, 0700, r->d);
        rc = rc ? rc
                : move_all(r, replaced, sizeof replaced / sizeof *replaced, r->ws->keel, r->aside);
    }
    rc = rc ? rc : move_all(r, placed, sizeof placed / sizeof *placed, r->staging, r->ws->keel);
    return rc ? rc : fsio_remove_tree(AT_FDCWD, r->staging, r->d);
}

/* Versions of plugins that runs of the backup began with, where they are gone. */
static int bring_plugins(restoring *r) {
    backup_set copied = {0};
    char *from = in_folder(r->from, "plugins"), *to = in_folder(r->ws->keel, "plugins");
    int rc = 0;
    DIR *ids = opendir(from);
    struct dirent *e;
    while (ids && rc == 0 && (e = readdir(ids)) != NULL) {
        char *id = in_folder(from, e->d_name), *own = in_folder(to, e->d_name);
        DIR *versions = e->d_name[0] == '.' ? NULL : opendir(id);
        struct dirent *v;
        while (versions && rc == 0 && (v = readdir(versions)) != NULL) {
            char *there = in_folder(own, v->d_name);
            if (v->d_name[0] != '.' && access(there, F_OK) != 0) {
                rc = fsio_mkdirs(own, 0700, r->d);
                rc = rc ? rc : backup_copy(&copied, id, v->d_name, own, v->d_name, r->d);
            }
            free(there);
        }
        if (versions) {
            closedir(versions);
        }
        free(id);
        free(own);
    }
    if (ids) {
        closedir(ids);
    }
    free(from);
    free(to);
    backup_set_free(&copied);
    return rc;
}

static int replace(restoring *r) {
    offline o = {0};
    keel_buf staging = KEEL_BUF_INIT;
    keel_buf_printf(&staging, "%s/restore.part", r->ws->keel);
    r->staging = staging.data;
    int rc = offline_lock(&o, r->ws, r->d);
    rc = rc ? rc : stage(r);
    rc = rc ? rc : bring_plugins(r);
    rc = rc ? rc : bring_anchor(r);
    rc = rc ? rc : renew(r, &o);
    rc = rc ? rc : take_place(r);
    offline_end(&o);
    free(r->staging);
    return rc;
}

/* ---- into an empty folder ---- */

static bool is_empty(const char *folder) {
    DIR *dir = opendir(folder);
    struct dirent *e;
    bool empty = dir != NULL || errno == ENOENT;
    while (dir && (e = readdir(dir)) != NULL) {
        empty = empty && (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0);
    }
    if (dir) {
        closedir(dir);
    }
    return empty;
}

static int fill_folder(restoring *r, const char *into) {
    backup_set copied = {0};
    if (!is_empty(into)) {
        diag_set(r->d, DIAG_CONFLICT, "%s is not empty.", into);
        return diag_next(r->d,
                         "Name a folder that is empty or not there; or stand in the workspace "
                         "and leave the folder out: then only its database is replaced.");
    }
    int rc = fsio_mkdirs(into, 0700, r->d);
    for (size_t i = 0; backup_folders[i] && rc == 0; i++) {
        rc = backup_copy(&copied, r->from, backup_folders[i], into, backup_folders[i], r->d);
    }
    rc = rc ? rc : backup_copy(&copied, r->from, "keel.yaml", into, "keel.yaml", r->d);
    backup_set_free(&copied);
    return rc ? rc : workspace_load(&r->ws, into, r->d);
}

/* ---- over a workspace ---- */

static int other_workspace(restoring *r) {
    diag none;
    char *own = cli_reader(r->c, &none) == 0
                    ? cli_value(r->c, "SELECT value FROM meta WHERE key = 'workspace'", NULL)
                    : NULL; /* what cannot be read cannot be compared */
    bool other = own && strcmp(own, r->b.report.workspace) != 0;
    free(own);
    if (!other) {
        return 0;
    }
    diag_set(r->d, DIAG_CONFLICT, "The backup %s is of another workspace than %s.", r->from,
             r->c->ws->root);
    return diag_next(r->d, "Restore it into an empty folder: keel restore %.120s FOLDER", r->from);
}

static int confirm(restoring *r, const options *o, const char *into) {
    keel_buf plan = KEEL_BUF_INIT;
    keel_buf_puts(&plan, "The backup of ");
    text_time(&plan, r->b.made_us);
    keel_buf_printf(&plan, " (record %lld) ", (long long)r->b.report.seq);
    if (into) {
        keel_buf_printf(&plan, "begins in %s.", into);
    } else {
        keel_buf_printf(&plan,
                        "takes the place of the database of %s, which is moved aside.\n"
                        "keel.yaml, policies, agents and connectors stay as they are now.",
                        r->c->ws->root);
    }
    keel_buf_puts(&plan, "\nWhat happened since is not in it. Everything is halted until "
                         "`keel resume`; then Keel looks for\nwhat may have been sent meanwhile, "
                         "before it sends anything.");
    int rc = 0;
    if (r->c->dry_run || into || options_has(o, "yes")) {
        cli_say(r->c, "%s", plan.data);
    } else if (!ask_possible(r->c)) {
        diag_set(r->d, DIAG_USAGE, "To replace a database, this has to be confirmed.");
        rc = diag_next(r->d, "Say it with --yes; --dry-run shows what would be done.");
    } else {
        char *answer = ask_text(r->c, plan.data, "Restore it? (yes or no)", "no");
        rc = answer && strcmp(answer, "yes") == 0
                 ? 0
                 : diag_set(r->d, DIAG_USAGE, "Nothing was restored.");
        free(answer);
    }
    keel_buf_free(&plan);
    return rc;
}

static void tell(restoring *r) {
    if (r->c->json) {
        keel_buf out = KEEL_BUF_INIT;
        keel_json_writer w;
        keel_json_write(&w, &out);
        keel_json_object(&w);
        keel_json_set_text(&w, "aside", r->aside);
        keel_json_set_int(&w, "seq", r->b.report.seq);
        keel_json_set_text(&w, "workspace", r->ws->root);
        keel_json_object_end(&w);
        cli_print("%s\n", out.data);
        keel_buf_free(&out);
        return;
    }
    cli_print("restored: %s, as of record %lld\n", r->ws->root, (long long)r->b.report.seq);
    if (r->aside[0]) {
        cli_say(r->c, "What was there lies in %s.", r->aside);
    }
    cli_say(r->c, "It is halted. `keel up` starts it, `keel inbox` shows what waits, and `keel "
                  "resume` lets it go on. Secrets are\nnot in a backup: `keel doctor` names those "
                  "that are missing.");
}

static int restore_run(cli *c, const options *o, diag *d) {
    restoring r = {.c = c, .from = o->args[0], .d = d};
    const char *into = o->arg_count > 1 ? o->args[1] : NULL;
    int rc = into ? 0 : cli_workspace(c, d);
    rc = rc ? rc : backup_check(c, r.from, &r.b, d);
    if (rc == 0 && !into) {
        rc = other_workspace(&r);
        r.ws = c->ws;
    }
    rc = rc ? rc : confirm(&r, o, into);
    rc = rc || into ? rc : restore_consent(c, r.from, d);
    if (rc == 0 && !c->dry_run) {
        reader_close(c->db); /* of the file that is about to move */
        c->db = NULL;
        rc = into ? fill_folder(&r, into) : 0;
        rc = rc ? rc : replace(&r);
        if (rc == 0) {
            tell(&r);
        }
    }
    backup_free(&r.b);
    if (into) {
        workspace_destroy(r.ws);
    }
    return rc;
}

static const option restore_options[] = {
    {"yes", 'y', NULL, "do not ask"},
    {NULL, 0, NULL, NULL},
};

const command restore_command = {
    .name = "restore",
    .words = "BACKUP [INTO]",
    .summary = "go on from a backup: here, or in an empty folder",
    .more =
        "BACKUP is a folder that `keel backup` made; it is checked first. Without INTO its "
        "database "
        "takes the\n"
        "place of this workspace's, which is moved aside and not deleted; Keel must be down. What "
        "happened\n"
        "since the backup is lost to Keel and not to the world: after `keel resume` it looks for "
        "what may have\n"
        "been sent before it sends anything, and asks where it cannot tell.",
    .examples = "keel restore /media/disk/2026-11-28\n"
                "keel restore /media/disk/2026-11-28 ~/company",
    .options = restore_options,
    .least = 1,
    .most = 2,
    .run = restore_run,
};
