#include "policy_files.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fsio.h"

#define POLICY_FILE_MAX (256u << 10)

/* Takes over the text. */
static void add(policy_files *f, const char *name, keel_buf *text) {
    keel_buf_append(text, "", 0);
    f->list = keel_realloc(f->list, (f->count + 1) * sizeof *f->list);
    f->names = keel_realloc(f->names, (f->count + 1) * sizeof *f->names);
    f->texts = keel_realloc(f->texts, (f->count + 1) * sizeof *f->texts);
    f->names[f->count] = keel_strdup(name);
    f->texts[f->count] = *text;
    f->list[f->count] = (policy_source){f->names[f->count], text->data, text->len};
    f->count++;
    *text = (keel_buf)KEEL_BUF_INIT;
}

void policy_files_free(policy_files *f) {
    for (size_t i = 0; i < f->count; i++) {
        free(f->names[i]);
        keel_buf_free(&f->texts[i]);
    }
    free(f->names);
    free(f->texts);
    free(f->list);
    *f = (policy_files){NULL, NULL, NULL, 0};
}

/* ---- named ---- */

static int read_file(policy_files *f, const char *path, diag *d) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_puts(&text, "");
    int rc = fsio_read(path, POLICY_FILE_MAX, &text, d);
    if (rc == 0) {
        add(f, path, &text);
    }
    keel_buf_free(&text);
    return rc;
}

static int is_policy(const struct dirent *e) {
    size_t n = strlen(e->d_name);
    return n > 5 && strcmp(e->d_name + n - 5, ".yaml") == 0 && !strchr(".#", e->d_name[0]);
}

static int read_folder(policy_files *f, const char *folder, diag *d) {
    struct dirent **names = NULL;
    int count = scandir(folder, &names, is_policy, alphasort), rc = 0;
    size_t len = strlen(folder);
    for (int i = 0; i < count; i++) {
        keel_buf path = KEEL_BUF_INIT;
        keel_buf_printf(&path, "%s%s%s", folder, folder[len - 1] == '/' ? "" : "/",
                        names[i]->d_name);
        rc = rc ? rc : read_file(f, path.data, d);
        keel_buf_free(&path);
        free(names[i]);
    }
    free(names);
    if (rc == 0 && count <= 0) {
        diag_set(d, DIAG_NOT_FOUND, "%s holds no file that ends in .yaml.", folder);
        rc = diag_next(d, "Name files of a policy, or a folder with them.");
    }
    return rc;
}

int policy_files_named(policy_files *f, const char *const *words, size_t count, diag *d) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct stat st;
        bool folder = *words[i] && stat(words[i], &st) == 0 && S_ISDIR(st.st_mode);
        rc = folder ? read_folder(f, words[i], d) : read_file(f, words[i], d);
    }
    return rc;
}

/* ---- the workspace's ---- */

int policy_files_workspace(policy_files *f, cli *c, diag *d) {
    workspace_policy *list = NULL;
    size_t count = 0;
    int rc = cli_workspace(c, d);
    rc = rc ? rc : workspace_policies(c->ws, &list, &count, d);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        add(f, list[i].file, &list[i].text);
    }
    workspace_policies_free(list, count);
    if (rc == 0 && count == 0) {
        diag_set(d, DIAG_NOT_FOUND, "There is no policy: policies/ has no .yaml file.");
        rc = diag_next(d, "Without a rule everything is denied. `keel init` writes a first one.");
    }
    return rc;
}

/* ---- in force ---- */

typedef struct loading {
    policy_files *f;
    cli *c;
    diag *d;
} loading;

static int load_one(void *ctx, int columns, const char *const *v, const char *const *names) {
    const loading *l = ctx;
    digest at;
    keel_buf text = KEEL_BUF_INIT;
    (void)columns;
    (void)names;
    int rc = digest_from_hex(&at, v[1], strlen(v[1]))
                 ? diag_set(l->d, DIAG_STORAGE, "The digest of %s is damaged.", v[0])
                 : reader_artifact(l->c->db, &at, &text, l->d);
    if (rc == 0) {
        add(l->f, v[0], &text);
    }
    keel_buf_free(&text);
    return rc;
}

int policy_files_in_force(policy_files *f, cli *c, diag *d) {
    loading l = {f, c, d};
    int rc = cli_reader(c, d);
    rc = rc ? rc
            : reader_query(c->db,
                           "SELECT name, artifact FROM policy_file WHERE seq ="
                           " (SELECT max(seq) FROM policy_version) ORDER BY name",
                           NULL, 0, load_one, &l, d);
    if (rc == 0 && f->count == 0) {
        diag_set(d, DIAG_NOT_FOUND, "No policy has ever been in force here.");
        rc = diag_next(d, "Start Keel with `keel up`, or name both policies.");
    }
    return rc;
}
