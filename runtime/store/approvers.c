/* Who may approve, at the start: the tables can be written to by whoever may write the file, so they are held
 * to the journal. A boot's first record says who may approve then; each change since is a record. */
#include <stdlib.h>
#include <string.h>

#include "private.h"

typedef struct expected {
    keel_buf names; /* {"name":key}, as the journal has it */
    bool known;     /* the boot's record says it: earlier versions did not */
    char who[64];   /* of the tables, and not of the journal */
    size_t count;   /* in the tables */
} expected;

void store_approvers(const store *s, keel_json_writer *w) {
    sqlite3_stmt *st = NULL;
    keel_json_key(w, "approvers");
    keel_json_object(w);
    if (sqlite3_prepare_v2(s->db, "SELECT name, lower(hex(public_key)) FROM approver ORDER BY name",
                           -1, &st, NULL) == SQLITE_OK) {
        while (sqlite3_step(st) == SQLITE_ROW) {
            keel_json_set_text(w, (const char *)sqlite3_column_text(st, 0),
                               (const char *)sqlite3_column_text(st, 1));
        }
    }
    sqlite3_finalize(st);
    keel_json_object_end(w);
}

static int on_boot(void *ctx, const journal_row *row) {
    expected *e = ctx;
    keel_json all = keel_json_get(row->body, "approvers");
    e->known = all.data != NULL;
    keel_buf_append(&e->names, all.data, all.len);
    return 0;
}

static int on_first_seq(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    *(int64_t *)ctx = v[0] ? strtoll(v[0], NULL, 10) : 0;
    return 0;
}

/* One that was set since: in the place of the one of its name. */
static int on_set(void *ctx, const journal_row *row) {
    expected *e = ctx;
    keel_buf next = KEEL_BUF_INIT;
    const char *comma = "";
    char name[64] = "", key[65] = "";
    keel_json old = keel_json_view(e->names.data, e->names.len);
    keel_json_copy(keel_json_get(row->body, "name"), name, sizeof name);
    keel_json_copy(keel_json_get(row->body, "public_key"), key, sizeof key);
    keel_buf_putc(&next, '{');
    for (keel_json_iter it = keel_json_each(old); keel_json_next(&it);) {
        if (!keel_json_is(it.key, name)) {
            keel_buf_printf(&next, "%s%.*s:%.*s", comma, (int)it.key.len, it.key.data,
                            (int)it.value.len, it.value.data);
            comma = ",";
        }
    }
    keel_buf_printf(&next, "%s\"%s\":\"%s\"}", comma, name, key);
    keel_buf_free(&e->names);
    e->names = next;
    return 0;
}

static int on_row(void *ctx, int n, const char *const *v, const char *const *names) {
    expected *e = ctx;
    char said[65] = "";
    (void)n;
    (void)names;
    keel_json_copy(keel_json_get(keel_json_view(e->names.data, e->names.len), v[0]), said,
                   sizeof said);
    if (strcmp(v[1], said) != 0) {
        snprintf(e->who, sizeof e->who, "%s", v[0]);
    }
    e->count++;
    return 0;
}

/* Whether the tables have others than the journal. */
static int compare(store *s, expected *e, bool *strange, diag *d) {
    e->who[0] = 0;
    e->count = 0;
    int rc = reader_query(&s->reader, "SELECT name, lower(hex(public_key)) FROM approver", NULL, 0,
                          on_row, e, d);
    size_t all = keel_json_count(keel_json_view(e->names.data, e->names.len));
    *strange = e->who[0] || all != e->count;
    return rc;
}

int store_prove_approvers(store *s, diag *d) {
    expected e = {.names = KEEL_BUF_INIT};
    int64_t first = 0;
    bool strange = false;
    int rc = reader_query(&s->reader, "SELECT first_seq FROM boot ORDER BY boot DESC LIMIT 1", NULL,
                          0, on_first_seq, &first, d);
    rc = rc || !first ? rc : reader_record(&s->reader, first, on_boot, &e, d);
    if (rc == 0 && e.known) {
        rc = compare(s, &e, &strange, d);
    }
    if (rc == 0 && strange) { /* set since that start, or by nobody */
        rc = reader_scan_kinds(&s->reader, first, RECORD_BIT(RECORD_APPROVER), on_set, &e, d);
        rc = rc ? rc : compare(s, &e, &strange, d);
    }
    if (rc == 0 && strange) {
        diag_set(d, DIAG_STORAGE,
                 "%s%s in the database %s not as the journal records it: somebody has written into "
                 "the file",
                 e.who[0] ? "the approver " : "the approvers", e.who, e.who[0] ? "is" : "are");
        rc = diag_next(d, "see what else differs with: keel audit rebuild --check; then go on from "
                          "a backup with: keel restore");
    }
    keel_buf_free(&e.names);
    return rc;
}
