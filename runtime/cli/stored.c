#include "stored.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void folder_of(const cli *c, const char *id, const char *version, keel_buf *out) {
    keel_buf_printf(out, "%s/plugins/%s/%s", c->ws->keel, id, version);
}

/* ---- which ---- */

typedef struct choice {
    cli *c;
    const char *wanted;
    bool installed;
    char version[160], hex[DIGEST_HEX];
    keel_buf all; /* "0.1.0, 0.2.0" */
} choice;

static bool is_installed(const cli *c, const char *id, const char *version) {
    keel_buf path = KEEL_BUF_INIT;
    folder_of(c, id, version, &path);
    bool there = access(path.data, F_OK) == 0;
    keel_buf_free(&path);
    return there;
}

static bool better(const choice *x, const char *version) {
    if (!x->version[0]) {
        return true;
    }
    if (semver_prerelease(x->version) != semver_prerelease(version)) {
        return semver_prerelease(x->version);
    }
    return semver_compare(version, x->version) >= 0; /* of one version: what was recorded later */
}

static int on_version(void *ctx, int columns, const char *const *v, const char *const *names) {
    (void)columns;
    (void)names;
    choice *x = ctx;
    if (x->installed && !is_installed(x->c, v[1], v[2])) {
        return 0;
    }
    if (!strstr(x->all.len ? x->all.data : "", v[2])) {
        keel_buf_printf(&x->all, "%s%s", x->all.len ? ", " : "", v[2]);
    }
    bool meant = !x->wanted || strcmp(x->wanted, v[2]) == 0 || semver_matches(v[2], x->wanted);
    if (meant && better(x, v[2])) {
        snprintf(x->version, sizeof x->version, "%s", v[2]);
        snprintf(x->hex, sizeof x->hex, "%s", v[0]);
    }
    return 0;
}

int stored_find(cli *c, const char *agent, const char *version, bool installed,
                char hex[DIGEST_HEX], diag *d) {
    static const char sql[] = "SELECT digest, id, version FROM plugin"
                              " WHERE kind = 'agent' AND (name = ?1 OR id = ?1) ORDER BY seq";
    choice x = {.c = c, .wanted = version, .installed = installed};
    int rc = cli_workspace(c, d);
    rc = rc ? rc : cli_reader(c, d);
    rc = rc ? rc : reader_query(c->db, sql, &agent, 1, on_version, &x, d);
    if (rc == 0 && !x.hex[0] && !x.all.len) {
        diag_set(d, DIAG_NOT_FOUND, "No agent %s %s here.", agent,
                 installed ? "is installed" : "was ever installed");
        rc = diag_next(d, "See `keel agent list`.");
    } else if (rc == 0 && !x.hex[0]) {
        rc = diag_set(d, DIAG_NOT_FOUND, "There is no %sversion %s of %s.",
                      installed ? "installed " : "", version ? version : "", agent);
        diag_next(d, "There is %s.", x.all.data);
    }
    snprintf(hex, DIGEST_HEX, "%s", x.hex);
    keel_buf_free(&x.all);
    return rc;
}

/* ---- its files ---- */

typedef struct gathering {
    plugin_file *files;
    size_t count;
} gathering;

static int on_file(void *ctx, int columns, const char *const *v, const char *const *names) {
    (void)columns;
    (void)names;
    gathering *g = ctx;
    plugin_file f = {.name = keel_strdup(v[0])};
    digest_from_hex(&f.digest, v[1], strlen(v[1]));
    g->files = keel_realloc(g->files, (g->count + 1) * sizeof *g->files);
    g->files[g->count++] = f;
    return 0;
}

/* A .so has no bytes in the journal. */
static int load_files(cli *c, gathering *g, diag *d) {
    int rc = 0;
    for (size_t i = 0; i < g->count && rc == 0; i++) {
        plugin_file *f = &g->files[i];
        rc = reader_artifact(c->db, &f->digest, &f->data, d);
        rc = rc == DIAG_NOT_FOUND ? 0 : rc;
    }
    return rc;
}

static void gathering_free(gathering *g) {
    for (size_t i = 0; i < g->count; i++) {
        free(g->files[i].name);
        keel_buf_free(&g->files[i].data);
    }
    free(g->files);
}

static int check_whole(const plugin *p, const char *hex, diag *d) {
    char now[DIGEST_HEX];
    digest_hex(&p->digest, now);
    if (strcmp(now, hex) != 0) {
        diag_set(d, DIAG_STORAGE, "The stored files of %s %s are not those that it was made of.",
                 p->manifest->id, p->manifest->version);
        return diag_next(d, "`keel audit verify` checks the journal; restore the last backup.");
    }
    return 0;
}

int stored_plugin(cli *c, const char *hex, plugin **out, diag *d) {
    cli_row row = {0};
    gathering g = {NULL, 0};
    keel_buf folder = KEEL_BUF_INIT;
    plugin *p = NULL;
    int rc =
        cli_one(c, "SELECT id, version FROM plugin WHERE lower(hex(digest)) = ?", &hex, 1, &row, d);
    if (rc == DIAG_NOT_FOUND) {
        return diag_set(d, rc, "The journal has no version of an agent with the digest %.16s.",
                        hex);
    }
    rc = rc ? rc : cli_workspace(c, d);
    rc = rc ? rc
            : reader_query(c->db,
                           "SELECT name, artifact FROM plugin_file"
                           " WHERE lower(hex(plugin)) = ? ORDER BY name",
                           &hex, 1, on_file, &g, d);
    rc = rc ? rc : load_files(c, &g, d);
    if (rc == 0) {
        folder_of(c, row.values[0], row.values[1], &folder);
        rc = library_of_files(&p, g.files, g.count, "the journal", folder.data, d);
        g = (gathering){NULL, 0}; /* taken */
    }
    rc = rc ? rc : check_whole(p, hex, d);
    if (rc == 0) {
        *out = p;
    } else {
        plugin_destroy(p);
    }
    gathering_free(&g);
    cli_row_free(&row);
    keel_buf_free(&folder);
    return rc;
}
