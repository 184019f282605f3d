#include "logins.h"

#include <stdlib.h>
#include <string.h>

#include "reach.h"
#include "recipe.h"

static keel_json auth_of(const workspace_connection *c) {
    return c->auth.len ? keel_json_view(c->auth.data, c->auth.len) : (keel_json){0};
}

int login_check(const manifest *m, const workspace_connection *c, diag *d) {
    diag why = {0};
    int rc = recipe_check(auth_of(c), reach_http(m), reach_stream(m), &why);
    if (rc == 0) {
        return 0;
    }
    diag_at(d, DIAG_USAGE, "keel.yaml", c->auth_line, c->auth_column, "the connection %s: %s",
            c->name, why.what);
    return diag_next(d, "%s", why.next);
}

typedef struct names {
    const char **all;
    size_t count;
} names;

static void add_known(void *ctx, const char *name, const char *where, long long bytes,
                      long long changed_us) {
    names *n = ctx;
    (void)where;
    (void)bytes;
    (void)changed_us;
    n->all = keel_realloc(n->all, (n->count + 1) * sizeof *n->all);
    n->all[n->count++] = keel_strdup(name);
}

static bool is_known(const names *n, const char *name) {
    for (size_t i = 0; i < n->count; i++) {
        if (strcmp(n->all[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void check_secrets(const workspace_connection *c, const names *known,
                          void (*warn)(void *ctx, const diag *d), void *ctx) {
    recipe *r = NULL;
    if (recipe_parse(&r, auth_of(c), NULL) != 0) {
        return;
    }
    for (const char *const *name = recipe_secrets(r); *name; name++) {
        diag d = {0};
        if (!is_known(known, *name)) {
            diag_at(&d, DIAG_NOT_FOUND, "keel.yaml", c->auth_line, c->auth_column,
                    "the connection %s logs in with the secret %s, which is not set: `keel secret "
                    "set %s`",
                    c->name, *name, *name);
            warn(ctx, &d);
        }
    }
    recipe_destroy(r);
}

void logins_missing(const workspace *w, void (*warn)(void *ctx, const diag *d), void *ctx) {
    keel_buf folder = KEEL_BUF_INIT;
    names known = {NULL, 0};
    keel_buf_printf(&folder, "%s/secrets", w->keel);
    secret_places places = {.folder = folder.data, .credentials = getenv("CREDENTIALS_DIRECTORY")};
    if (w->secrets.len) {
        places.declared = keel_json_view(w->secrets.data, w->secrets.len);
    }
    if (secret_list(&places, add_known, &known, NULL) == 0) {
        for (size_t i = 0; i < w->connection_count; i++) {
            check_secrets(&w->connections[i], &known, warn, ctx);
        }
    }
    for (size_t i = 0; i < known.count; i++) {
        free((void *)(uintptr_t)known.all[i]);
    }
    free(known.all);
    keel_buf_free(&folder);
}
