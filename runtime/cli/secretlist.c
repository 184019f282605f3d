#include "secretlist.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

secret_places secret_places_of(const cli *c, keel_buf *folder) {
    keel_buf_printf(folder, "%s/secrets", c->ws->keel);
    secret_places p = {.folder = folder->data, .credentials = getenv("CREDENTIALS_DIRECTORY")};
    if (c->ws->secrets.len) {
        p.declared = keel_json_view(c->ws->secrets.data, c->ws->secrets.len);
    }
    return p;
}

static keel_json auth_of(const workspace_connection *k) {
    return k->auth.len ? keel_json_view(k->auth.data, k->auth.len) : (keel_json){NULL, 0};
}

void secret_users(const cli *c, const char *name, keel_buf *out) {
    keel_buf_puts(out, "");
    for (size_t i = 0; i < c->ws->connection_count; i++) {
        const workspace_connection *k = &c->ws->connections[i];
        bool uses = false;
        for (keel_json_iter it = keel_json_each(auth_of(k)); keel_json_next(&it);) {
            uses = uses || keel_json_is(keel_json_get(it.value, "secret"), name);
        }
        if (uses) {
            keel_buf_printf(out, "%s%s", out->len ? ", " : "", k->name);
        }
    }
}

typedef struct row {
    char name[64];
    const char *where;
    long long bytes; /* -1: not known */
    long long changed_us;
} row;

typedef struct rows {
    row *all;
    size_t count;
} rows;

static void add(void *ctx, const char *name, const char *where, long long bytes,
                long long changed_us) {
    rows *list = ctx;
    list->all = keel_realloc(list->all, (list->count + 1) * sizeof *list->all);
    row *r = &list->all[list->count++];
    *r = (row){.where = where, .bytes = bytes, .changed_us = changed_us};
    snprintf(r->name, sizeof r->name, "%s", name);
}

static void add_missing(const cli *c, rows *list) {
    for (size_t i = 0; i < c->ws->connection_count; i++) {
        for (keel_json_iter it = keel_json_each(auth_of(&c->ws->connections[i]));
             keel_json_next(&it);) {
            char name[64];
            bool there = keel_json_copy(keel_json_get(it.value, "secret"), name, sizeof name) <= 0;
            for (size_t k = 0; k < list->count && !there; k++) {
                there = strcmp(list->all[k].name, name) == 0;
            }
            if (!there) {
                add(list, name, "missing", -1, 0);
            }
        }
    }
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const row *)a)->name, ((const row *)b)->name);
}

static void print(cli *c, const rows *list) {
    static const column columns[] = {
        {"SECRET", "name", COLUMN_TEXT},     {"FROM", "from", COLUMN_STATE},
        {"BYTES", "bytes", COLUMN_INT},      {"CHANGED", "changed_us", COLUMN_TIME},
        {"USED BY", "used_by", COLUMN_TEXT},
    };
    table *t = table_create(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < list->count; i++) {
        const row *r = &list->all[i];
        char bytes[24], changed[24];
        keel_buf users = KEEL_BUF_INIT;
        snprintf(bytes, sizeof bytes, "%lld", r->bytes);
        snprintf(changed, sizeof changed, "%lld", r->changed_us);
        secret_users(c, r->name, &users);
        const char *cells[] = {r->name, r->where, r->bytes < 0 ? NULL : bytes,
                               r->changed_us ? changed : NULL, users.len ? users.data : NULL};
        table_row(t, cells);
        keel_buf_free(&users);
    }
    cli_table(c, t, "No secrets. Keep one with `keel secret set NAME`.");
    table_destroy(t);
}

int secret_list_run(cli *c, const options *o, diag *d) {
    keel_buf folder = KEEL_BUF_INIT;
    rows list = {NULL, 0};
    (void)o;
    int rc = cli_workspace(c, d);
    if (rc) {
        return rc;
    }
    secret_places places = secret_places_of(c, &folder);
    rc = secret_list(&places, add, &list, d);
    if (rc == 0) {
        add_missing(c, &list);
        if (list.count) {
            qsort(list.all, list.count, sizeof *list.all, by_name);
        }
        print(c, &list);
    }
    for (size_t i = 0; i < list.count && rc == 0; i++) {
        if (strcmp(list.all[i].where, "missing") == 0) {
            cli_say(c, "Missing: set it with `keel secret set %s`.", list.all[i].name);
        }
    }
    free(list.all);
    keel_buf_free(&folder);
    return rc;
}
