/* The invariants, when nothing runs any more: the journal against the outside's own files, the tables
 * against the journal, and what lies about. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsio.h"
#include "siteint.h"
#include "workspace.h"

/* ---- effects ---- */

static int on_effect(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    site *s = ctx;
    const char *state = v[0], *class = v[1], *target = v[2], *key = v[3];
    bool acts = strcmp(class, "read") != 0 && strcmp(class, "local") != 0;
    bool done = !strcmp(state, "done") || !strcmp(state, "compensated") ||
                !strncmp(state, "compensat", 9); /* it was, before it was to be taken back */
    int applied = key && *key && acts ? site_applied(s, key) : 0;
    if (done && acts && applied < 1) {
        site_fault(s, "I1: %s is done, and the outside never saw it", target);
    } else if (strcmp(class, "repeatable") != 0 && applied > 1) {
        site_fault(s, "I2: %s (%s) happened %d times", target, class, applied);
    } else if (!done && applied && strcmp(class, "repeatable") != 0) {
        site_fault(s, "I3: %s is %s, and the outside has it", target, state);
    }
    return 0;
}

/* "KEY ...", or "KEY RESOURCE.VERB DIGEST". */
static void check_line(site *s, const char *line) {
    char key[40], hex[80] = "";
    snprintf(key, sizeof key, "%.32s", line);
    sscanf(line, "%*s %*s %79s", hex);
    const char *known = site_query(s, "SELECT lower(hex(digest)) FROM effect WHERE key = ?", key);
    if (!*known) {
        site_fault(s, "I4: the outside has %.60s, and the journal has no such effect", line);
    } else if (strlen(hex) == 64 && strcmp(hex, known) != 0) {
        site_fault(
            s, "I4: the outside has %.60s with other bytes than were intended: %.16s, not %.16s",
            line, hex, known);
    }
}

static void check_lines(site *s, const char *path) {
    keel_buf text = KEEL_BUF_INIT;
    char *save = NULL;
    if (!fsio_read(path, 1 << 20, &text, NULL) && text.data) {
        for (char *l = strtok_r(text.data, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
            check_line(s, l);
        }
    }
    keel_buf_free(&text);
}

/* ---- files ---- */

/* What an atomic write or an installation leaves when it is killed: .NAME.XXXXXX, .staging-XXXXXX. */
static bool is_temporary(const char *name) {
    const char *dot = strrchr(name, '.');
    bool mixed = name[0] == '.' && dot != name && strlen(dot) == 7;
    for (const char *p = dot; mixed && *++p;) {
        mixed = isalnum((unsigned char)*p);
    }
    return mixed || strstr(name, "tmp") || !strncmp(name, ".staging", 8);
}

/* Through all folders; what must not be left behind is looked for in .keel. */
static void check_names(site *s, const char *folder, bool ours, int depth) {
    DIR *dir = opendir(folder);
    struct dirent *e;
    while (dir && (e = readdir(dir)) != NULL) {
        char path[1000];
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (ours && is_temporary(e->d_name)) {
            site_fault(s, "I12: %s was left behind", path);
        }
        if (e->d_type == DT_DIR && depth < 6) {
            check_names(s, path, ours || !strcmp(e->d_name, ".keel"), depth + 1);
        } else if (!strcmp(e->d_name, "applied")) {
            check_lines(s, path);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

/* ---- the database ---- */

static void check_audit(site *s) {
    workspace *w;
    audit_report report;
    diag d = {0};
    if (workspace_load(&w, s->root, &d)) {
        site_fault(s, "the workspace cannot be read: %s", d.what);
        return;
    }
    if (audit_verify(w->db, w->anchor, NULL, &report, NULL, NULL, &d)) {
        site_fault(s, "I7: audit verify: %s", d.what);
    } else if (audit_rebuild_check(w->db, NULL, &report, &d)) {
        site_fault(s, "I7: audit rebuild: %s", d.what);
    } else if (report.records < 1) {
        site_fault(s, "the journal is empty");
    }
    workspace_destroy(w);
}

static void check_tables(site *s) {
    static const struct {
        const char *sql;
        const char *what;
    } none[] = {
        {"SELECT count(*) FROM (SELECT 1 FROM journal j LEFT JOIN payload p ON p.digest = j.digest"
         " WHERE j.kind = 33 AND json_extract(CAST(ifnull(j.body, p.bytes) AS TEXT), '$.approval')"
         " IS NOT NULL AND json_extract(CAST(ifnull(j.body, p.bytes) AS TEXT), '$.attempt') = 1"
         " GROUP BY json_extract(CAST(ifnull(j.body, p.bytes) AS TEXT), '$.approval')"
         " HAVING count(*) > 1)",
         "I5: approvals that were used more than once"},
        {"SELECT count(*) FROM run WHERE state IN ('open', 'paused')", "I9: runs that are open"},
        {"SELECT count(*) FROM effect WHERE state IN ('waiting', 'intended', 'unknown',"
         " 'reconciling', 'retry', 'stale')",
         "I9: effects without an outcome"},
        {"SELECT count(*) FROM item WHERE state = 'open'", "I9: open items"},
        {"SELECT count(*) FROM budget WHERE held <> 0", "I6: budgets that hold something"},
        {"SELECT count(*) FROM budget WHERE spent < 0 OR overrun <> 0",
         "I6: budgets out of bounds"},
        {"SELECT count(*) FROM pending", "I9: calls that wait"},
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        long n = site_count(s, none[i].sql);
        if (n) {
            site_fault(s, "%s: %ld at rest", none[i].what, n);
        }
    }
    for (size_t i = 0; i < s->answer_count; i++) {
        if (!*site_query(s, "SELECT 1 FROM request WHERE id = ?", s->answers[i].request)) {
            site_fault(s, "I11: the acknowledged command %s is lost", s->answers[i].request);
        }
    }
}

void site_check(site *s) {
    char db[200];
    diag d = {0};
    snprintf(db, sizeof db, "%s/.keel/keel.db", s->root);
    check_audit(s);
    if (reader_open(&s->db, db, NULL, &d)) {
        s->db = NULL;
        site_fault(s, "the database cannot be read: %s", d.what);
        return;
    }
    check_tables(s);
    if (reader_query(s->db, "SELECT state, class, target, key FROM effect", NULL, 0, on_effect, s,
                     &d)) {
        site_fault(s, "a query failed: %s", d.what);
    }
    check_names(s, s->root, false, 0);
    reader_close(s->db);
    s->db = NULL;
}
