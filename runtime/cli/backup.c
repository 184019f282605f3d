/* keel backup: a copy of the whole workspace, while it runs. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup.h"
#include "commands.h"
#include "fsio.h"
#include "text.h"

/* Neither secrets, nor keys, nor what lives only while Keel runs. */
const char *const backup_folders[] = {"policies", "agents", "connectors", "playbooks", NULL};

typedef struct making {
    cli *c;
    char *folder; /* DEST.part-…, its own, which becomes DEST at the end */
    backup b;
    diag *d;
} making;

static char *in_folder(const char *folder, const char *name) {
    keel_buf out = KEEL_BUF_INIT;
    keel_buf_printf(&out, "%s/%s", folder, name);
    return out.data;
}

/* The heads of this workspace that were signed until now; taken before the database is, so that the
 * copy holds what each names. Their key is no part of a backup. */
static int copy_anchor(making *m) {
    keel_buf text = KEEL_BUF_INIT, own = KEEL_BUF_INIT;
    char *id = cli_value(m->c, "SELECT value FROM meta WHERE key = 'workspace'", NULL);
    char *path = in_folder(m->folder, "anchor");
    int rc = fsio_read(m->c->ws->anchor, 1 << 30, &text, m->d);
    if (rc == 0) {
        keel_buf begin = KEEL_BUF_INIT;
        keel_buf_printf(&begin, "keel1 %s ", id ? id : "");
        char *save = NULL;
        for (char *line = strtok_r(text.data, "\n", &save); line;
             line = strtok_r(NULL, "\n", &save)) {
            if (strncmp(line, begin.data, begin.len) == 0) {
                keel_buf_printf(&own, "%s\n", line);
            }
        }
        keel_buf_free(&begin);
        rc = fsio_write_atomic(path, own.data ? own.data : "", own.len, 0600, m->d);
        rc = rc ? rc : backup_add(&m->b.set, m->folder, "anchor", m->d);
    } else if (rc == DIAG_NOT_FOUND) {
        rc = 0;
    }
    free(path);
    free(id);
    keel_buf_free(&text);
    keel_buf_free(&own);
    return rc;
}

static int copy_database(making *m) {
    backup_progress p = {m->c, "copied", cli_now_us(), 0};
    char *to = in_folder(m->folder, "keel.db");
    int rc = store_backup(m->c->ws->db, NULL, to, &m->b.report, backup_progress_show, &p, m->d);
    backup_progress_end(&p);
    if (rc == 0 && chmod(to, 0600) < 0) {
        rc = diag_set(m->d, DIAG_STORAGE, "%s: %s", to, strerror(errno));
    }
    free(to);
    return rc ? rc : backup_add(&m->b.set, m->folder, "keel.db", m->d);
}

static int copy_files(making *m) {
    const workspace *ws = m->c->ws;
    int rc = backup_copy(&m->b.set, ws->root, "keel.yaml", m->folder, "keel.yaml", m->d);
    for (size_t i = 0; backup_folders[i] && rc == 0; i++) {
        rc =
            backup_copy(&m->b.set, ws->root, backup_folders[i], m->folder, backup_folders[i], m->d);
    }
    rc = rc ? rc : backup_copy(&m->b.set, ws->keel, "plugins", m->folder, "plugins", m->d);
    return rc ? rc : backup_copy(&m->b.set, ws->keel, "archive", m->folder, "archive", m->d);
}

static int write_list(making *m) {
    keel_buf text = KEEL_BUF_INIT;
    keel_json_writer w;
    char signature[130];
    diag none;
    m->b.made_us = cli_now_us();
    keel_json_write(&w, &text);
    keel_json_object(&w);
    keel_json_key(&w, "files");
    backup_set_write(&m->b.set, &w);
    keel_json_set_text(&w, "head", m->b.report.head);
    keel_json_set_text(&w, "incarnation", m->b.report.incarnation);
    keel_json_set_int(&w, "made_us", m->b.made_us);
    keel_json_set_int(&w, "seq", m->b.report.seq);
    keel_json_set_text(&w, "version", KEEL_VERSION);
    keel_json_set_text(&w, "workspace", m->b.report.workspace);
    keel_json_object_end(&w);
    digest sum = digest_of(text.data, text.len);
    m->b.signed_ =
        store_sign(m->c->ws->anchor_key, m->b.report.public_key, &sum, signature, &none) == 0;
    char *list = in_folder(m->folder, "backup.json"), *sig = in_folder(m->folder, "backup.sig");
    int rc = fsio_write_atomic(list, text.data, text.len, 0600, m->d);
    if (rc == 0 && m->b.signed_) {
        signature[128] = '\n';
        rc = fsio_write_atomic(sig, signature, 129, 0600, m->d);
    }
    free(list);
    free(sig);
    keel_buf_free(&text);
    return rc;
}

/* ---- the folder ---- */

static int begin_folder(making *m, const char *dest) {
    struct stat st;
    if (lstat(dest, &st) == 0) {
        diag_set(m->d, DIAG_CONFLICT, "%s is there already, and a backup writes over nothing.",
                 dest);
        return diag_next(m->d, "Name a folder that is not there yet.");
    }
    char *copy = keel_strdup(dest);
    int rc = fsio_mkdirs(dirname(copy), 0700, m->d);
    free(copy);
    if (rc) {
        return rc;
    }
    keel_buf part = KEEL_BUF_INIT;
    keel_buf_printf(&part, "%s.part-XXXXXX", dest);
    if (!mkdtemp(part.data)) {
        diag_set(m->d, DIAG_STORAGE, "No folder can be made beside %s: %s", dest, strerror(errno));
        keel_buf_free(&part);
        return diag_next(m->d, "Check the path and the disk, and try again.");
    }
    m->folder = part.data;
    return 0;
}

static int end_folder(making *m, const char *dest) {
    int rc = backup_sync(m->folder, m->d);
    if (rc == 0 && rename(m->folder, dest) < 0) {
        diag_set(m->d, DIAG_STORAGE, "%s cannot become %s: %s", m->folder, dest, strerror(errno));
        return diag_next(m->d, "Name a folder that is not there yet.");
    }
    char *copy = keel_strdup(dest);
    rc = rc ? rc : backup_sync(dirname(copy), m->d);
    free(copy);
    return rc;
}

static void tell(const making *m, const char *dest) {
    const backup_set *s = &m->b.set;
    if (m->c->json) {
        keel_buf out = KEEL_BUF_INIT;
        keel_json_writer w;
        keel_json_write(&w, &out);
        keel_json_object(&w);
        keel_json_set_int(&w, "bytes", s->bytes);
        keel_json_set_int(&w, "files", (int64_t)s->count);
        keel_json_set_text(&w, "folder", dest);
        keel_json_set_int(&w, "made_us", m->b.made_us);
        keel_json_set_int(&w, "seq", m->b.report.seq);
        keel_json_set_bool(&w, "signed", m->b.signed_);
        keel_json_object_end(&w);
        cli_print("%s\n", out.data);
        keel_buf_free(&out);
        return;
    }
    keel_buf line = KEEL_BUF_INIT;
    keel_buf_printf(&line, "backup: %s holds ", dest);
    text_plural(&line, (int64_t)s->count, "file", "files");
    keel_buf_puts(&line, ", ");
    backup_put_size(&line, s->bytes);
    keel_buf_puts(&line, ", ");
    text_plural(&line, m->b.report.records, "record", "records");
    cli_print("%s\n", line.data);
    keel_buf_free(&line);
    cli_say(m->c, m->b.signed_
                      ? "Signed with the workspace's key. The key itself and the secrets are "
                        "not in it: keep those elsewhere."
                      : "Not signed: the workspace's key cannot be read. Secrets are not in it: "
                        "keep those elsewhere.");
    cli_say(m->c, "Check it at any time with `keel backup verify %s`.", dest);
}

/* As it is named, without slashes at its end. */
static char *named(const char *word) {
    char *dest = keel_strdup(word);
    for (size_t len = strlen(dest); len > 1 && dest[len - 1] == '/'; len--) {
        dest[len - 1] = 0;
    }
    return dest;
}

static int make(cli *c, const char *word, diag *d) {
    making m = {.c = c, .d = d};
    if (!*word) {
        diag_set(d, DIAG_USAGE, "\"\" is no name of a folder.");
        return diag_next(d, "Name a folder that is not there yet.");
    }
    char *dest = named(word);
    int rc = cli_reader(c, d);
    if (rc == 0 && c->dry_run) {
        cli_say(c, "A backup would be written into %s.", dest);
        free(dest);
        return 0;
    }
    rc = rc ? rc : begin_folder(&m, dest);
    rc = rc ? rc : copy_anchor(&m);
    rc = rc ? rc : copy_database(&m);
    rc = rc ? rc : copy_files(&m);
    rc = rc ? rc : write_list(&m);
    rc = rc ? rc : end_folder(&m, dest);
    if (rc == 0) {
        tell(&m, dest);
    } else if (m.folder) {
        fsio_remove_tree(AT_FDCWD, m.folder, NULL);
    }
    free(dest);
    free(m.folder);
    backup_free(&m.b);
    return rc;
}

static int verify(cli *c, const char *folder, diag *d) {
    backup b;
    int rc = backup_check(c, folder, &b, d);
    if (rc) {
        return rc;
    }
    if (c->json) {
        cli_print("{\"anchored\":%s,\"files\":%zu,\"made_us\":%" PRId64 ",\"seq\":%" PRId64
                  ",\"signed\":%s}\n",
                  b.anchored ? "true" : "false", b.set.count, b.made_us, b.report.seq,
                  b.signed_ ? "true" : "false");
    } else {
        keel_buf line = KEEL_BUF_INIT;
        keel_buf_puts(&line, "backup: ");
        text_plural(&line, (int64_t)b.set.count, "file", "files");
        keel_buf_puts(&line, " and ");
        text_plural(&line, b.report.records, "record", "records");
        keel_buf_puts(&line, " verified, as of ");
        text_time(&line, b.made_us);
        cli_print("%s\n", line.data);
        keel_buf_free(&line);
        cli_say(c, "%s%s", b.signed_ ? "Its list is signed" : "Its list is not signed",
                b.anchored ? ", and its journal holds the heads that were signed until then."
                           : ", and no signed heads are in it.");
    }
    backup_free(&b);
    return 0;
}

static int backup_run(cli *c, const options *o, diag *d) {
    bool check = strcmp(o->args[0], "verify") == 0;
    if (check && o->arg_count == 2) {
        return verify(c, o->args[1], d);
    }
    if (check || o->arg_count > 1) {
        diag_set(d, DIAG_USAGE,
                 check ? "`keel backup verify` needs the backup's folder."
                       : "`keel backup` takes one folder.");
        return diag_next(d, "Usage: keel backup DEST, or keel backup verify DEST");
    }
    return make(c, o->args[0], d);
}

const command backup_command = {
    .name = "backup",
    .words = "DEST | verify DEST",
    .summary = "copy the whole workspace, also while it runs",
    .more = "DEST is a folder that is not there yet: the database as it is at one moment, its "
            "archive, keel.yaml,\n"
            "policies, agents, connectors, playbooks, and backup.json with the digest of each. "
            "Secrets and keys\n"
            "are not in it. `verify` checks files, chain and tables, and names what is wrong.",
    .examples = "keel backup /media/disk/2026-11-28\n"
                "keel backup verify /media/disk/2026-11-28",
    .least = 1,
    .most = 2,
    .run = backup_run,
};
