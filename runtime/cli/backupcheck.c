/* keel backup verify: whether a backup is what it was when it was made. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup.h"
#include "fsio.h"
#include "text.h"

#define LIST_LIMIT (64 << 20)

void backup_free(backup *b) {
    backup_set_free(&b->set);
}

void backup_progress_show(void *ctx, int64_t done, int64_t total) {
    backup_progress *p = ctx;
    int64_t now = cli_now_us();
    if (!p->c->err.terminal || p->c->quiet || now - p->started_us < 1000000 ||
        now - p->shown_us < 100000 || total <= 0 || done <= 0) {
        return;
    }
    p->shown_us = now;
    keel_buf line = KEEL_BUF_INIT;
    keel_buf_printf(&line, "\r\033[K%3d %%  %s, about ", (int)(done * 100 / total), p->what);
    text_span(&line, (now - p->started_us) / done * (total - done));
    keel_buf_puts(&line, " left");
    fputs(line.data, stderr);
    keel_buf_free(&line);
}

void backup_progress_end(const backup_progress *p) {
    if (p->shown_us) {
        fputs("\r\033[K", stderr);
    }
}

void backup_put_size(keel_buf *out, int64_t bytes) {
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    double n = (double)bytes;
    int unit = 0;
    while (n >= 1000 && unit < 4) {
        n /= 1000;
        unit++;
    }
    keel_buf_printf(out, unit && n < 100 ? "%.1f %s" : "%.0f %s", n, units[unit]);
}

static char *in_folder(const char *folder, const char *name) {
    keel_buf out = KEEL_BUF_INIT;
    keel_buf_printf(&out, "%s/%s", folder, name);
    return out.data;
}

static int no_backup(const char *folder, const char *why, diag *d) {
    diag_set(d, DIAG_USAGE, "%s is no backup: %s", folder, why);
    return diag_next(d, "Name the folder that `keel backup` made.");
}

static int read_list(const char *folder, keel_buf *text, backup *b, char head[DIGEST_HEX],
                     diag *d) {
    char *path = in_folder(folder, "backup.json");
    keel_json_error e;
    int rc = fsio_read(path, LIST_LIMIT, text, d);
    free(path);
    if (rc) {
        return rc == DIAG_NOT_FOUND ? no_backup(folder, "it has no backup.json", d) : rc;
    }
    keel_json list = keel_json_view(text->data, text->len);
    if (keel_json_check(text->data, text->len, &e) < 0 ||
        !backup_set_read(&b->set, keel_json_get(list, "files")) ||
        !keel_json_int(keel_json_get(list, "made_us"), &b->made_us) ||
        !keel_json_int(keel_json_get(list, "seq"), &b->report.seq) ||
        keel_json_copy(keel_json_get(list, "workspace"), b->report.workspace,
                       sizeof b->report.workspace) != 32 ||
        keel_json_copy(keel_json_get(list, "head"), head, DIGEST_HEX) != DIGEST_HEX - 1) {
        return no_backup(folder, "its backup.json was changed or damaged", d);
    }
    return 0;
}

/* A signature is there only where the key was at hand; one that is there has to hold. */
static int check_signature(const char *folder, const keel_buf *text, backup *b, diag *d) {
    char *path = in_folder(folder, "backup.sig");
    keel_buf signature = KEEL_BUF_INIT;
    digest list = digest_of(text->data, text->len);
    int rc = fsio_read(path, 4096, &signature, NULL);
    if (rc == 0 && signature.len == 129) {
        signature.data[128] = 0;
        b->signed_ = store_signed(b->report.public_key, &list, signature.data);
    }
    if (rc != DIAG_NOT_FOUND && !b->signed_) {
        diag_set(d, DIAG_STORAGE,
                 "%s does not hold for backup.json: one of them was changed, or is of another "
                 "backup",
                 path);
        rc = diag_next(d, "Use another backup.");
    } else {
        rc = 0;
    }
    keel_buf_free(&signature);
    free(path);
    return rc;
}

static void tell_file(void *ctx, const char *name, const char *what) {
    const cli *c = ctx;
    keel_buf line = KEEL_BUF_INIT;
    text_line(&line, name, strlen(name));
    cli_say(c, "  %s %s", line.data, what);
    keel_buf_free(&line);
}

static int check_files(cli *c, const char *folder, const backup *b, diag *d) {
    cli loud = *c;
    loud.quiet = false; /* names are not talk */
    size_t wrong = backup_set_compare(&b->set, folder, tell_file, &loud);
    if (wrong == 0) {
        return 0;
    }
    diag_set(d, DIAG_STORAGE, "%zu of %s's files %s not as the backup made %s.", wrong, folder,
             wrong == 1 ? "is" : "are", wrong == 1 ? "it" : "them");
    return diag_next(d, "Use another backup; this one is not whole.");
}

static int check_database(cli *c, const char *folder, backup *b, const char *head, diag *d) {
    char *db = in_folder(folder, "keel.db"), *anchor = in_folder(folder, "anchor");
    backup_report listed = b->report;
    audit_report r;
    backup_progress p = {c, "checked", cli_now_us(), 0};
    int rc = backup_look(db, NULL, &b->report, d);
    if (rc == 0 && (listed.seq != b->report.seq || strcmp(head, b->report.head) != 0 ||
                    strcmp(listed.workspace, b->report.workspace) != 0)) {
        diag_set(d, DIAG_STORAGE, "%s is not the database that backup.json names", db);
        rc = diag_next(d, "Use another backup.");
    }
    b->anchored = access(anchor, F_OK) == 0;
    rc = rc ? rc
            : audit_verify(db, b->anchored ? anchor : NULL, NULL, &r, backup_progress_show, &p, d);
    backup_progress_end(&p);
    rc = rc ? rc : audit_rebuild_check(db, NULL, &r, d);
    free(db);
    free(anchor);
    return rc;
}

int backup_check(cli *c, const char *folder, backup *out, diag *d) {
    backup b = {0};
    keel_buf text = KEEL_BUF_INIT;
    char head[DIGEST_HEX] = "";
    int rc = digest_init() < 0 ? diag_set(d, DIAG_FAILED, "libsodium does not start") : 0;
    rc = rc ? rc : read_list(folder, &text, &b, head, d);
    rc = rc ? rc : check_files(c, folder, &b, d);
    rc = rc ? rc : check_database(c, folder, &b, head, d);
    rc = rc ? rc : check_signature(folder, &text, &b, d);
    keel_buf_free(&text);
    if (rc) {
        backup_free(&b);
        return rc;
    }
    *out = b;
    return 0;
}
