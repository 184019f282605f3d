#include "launch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reach.h"

#define GRANTS 8

typedef struct launching {
    keel_buf config; /* of the connection, with absolute folders */
    host_grant grants[GRANTS];
    size_t grant_count;
} launching;

char *launch_path(const char *root, const char *path) {
    keel_buf out = KEEL_BUF_INIT;
    const char *home = getenv("HOME");
    if (path[0] == '/' || !root) {
        keel_buf_puts(&out, path);
    } else if (path[0] == '~' && path[1] == '/' && home) {
        keel_buf_printf(&out, "%s/%s", home, path + 2);
    } else {
        keel_buf_printf(&out, "%s/%s", root, path);
    }
    return out.data;
}

static const manifest_need *need_of(const manifest *m, keel_json key) {
    for (size_t i = 0; i < m->need_count; i++) {
        if (m->needs[i].mode && m->needs[i].config && keel_json_is(key, m->needs[i].config)) {
            return &m->needs[i];
        }
    }
    return NULL;
}

static bool holds(const char *folder, const char *below) {
    size_t len = strlen(folder);
    return strncmp(below, folder, len) == 0 && (below[len] == '/' || below[len] == 0);
}

/* One is the other, above or below it, wherever links lead. */
static bool meets(const char *root, const char *name, const char *real) {
    char path[4200], *own;
    snprintf(path, sizeof path, "%s/%s", root, name);
    own = realpath(path, NULL);
    const char *there = own ? own : path;
    bool both = holds(real, there) || holds(there, real) || holds(real, path) || holds(path, real);
    free(own);
    return both;
}

/* A plugin that could reach .keel could rewrite what governs it; the same of what is read from the
 * workspace's own folders at the next reload, where it may write. */
static int keep_out(const char *root, const char *path, bool writable, diag *d) {
    static const char *const ruled[] = {"policies", "agents", "connectors", "playbooks"};
    char *real = realpath(path, NULL);
    bool keel = real && (meets(root, ".keel", real) || strcmp(real, "/") == 0);
    bool rules = false;
    for (size_t i = 0; real && writable && i < sizeof ruled / sizeof *ruled; i++) {
        rules = rules || meets(root, ruled[i], real);
    }
    free(real);
    if (keel || rules) {
        diag_set(d, DIAG_USAGE,
                 keel ? "the folder %s would open Keel's own files to a plugin"
                      : "the folder %s would let a plugin write what governs it",
                 path);
        return diag_next(d, "give the connection a folder beside or below the workspace's own");
    }
    return 0;
}

static int grant(launching *l, const char *root, const char *path, bool writable, diag *d) {
    if (root && keep_out(root, path, writable, d)) {
        return DIAG_USAGE;
    }
    if (l->grant_count == GRANTS) {
        return diag_set(d, DIAG_USAGE, "a plugin may need at most %d folders", GRANTS);
    }
    l->grants[l->grant_count++] = (host_grant){path, writable};
    return 0;
}

/* Copies the config, with every folder that the manifest needs made absolute and granted. */
static int grant_folders(launching *l, const char *root, const manifest *m, keel_json config,
                         diag *d) {
    keel_buf_putc(&l->config, '{');
    for (keel_json_iter it = keel_json_each(config); keel_json_next(&it);) {
        char path[4096];
        const manifest_need *need = need_of(m, it.key);
        keel_buf_printf(&l->config, "%s%.*s:", l->config.len > 1 ? "," : "", (int)it.key.len,
                        it.key.data);
        if (need && keel_json_copy(it.value, path, sizeof path) > 0) {
            char *whole = launch_path(root, path);
            int rc = grant(l, root, whole, !strcmp(need->mode, "rw"), d);
            if (rc || keel_json_quote(&l->config, whole, strlen(whole))) {
                free(whole);
                return rc ? rc : diag_set(d, DIAG_USAGE, "a folder's name is not UTF-8");
            }
        } else {
            keel_buf_append(&l->config, it.value.data, it.value.len);
        }
    }
    keel_buf_putc(&l->config, '}');
    for (size_t i = 0; i < m->need_count; i++) {
        if (m->needs[i].mode && m->needs[i].literal) {
            char *whole = launch_path(root, m->needs[i].literal);
            int rc = grant(l, root, whole, !strcmp(m->needs[i].mode, "rw"), d);
            if (rc) {
                free(whole);
                return rc;
            }
        }
    }
    return 0;
}

static void config_body(const manifest *m, keel_json config, keel_buf *out) {
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_key(&w, "abi");
    keel_json_array(&w);
    keel_json_integer(&w, m->abi_major);
    keel_json_integer(&w, m->abi_minor);
    keel_json_array_end(&w);
    keel_json_set_raw(&w, "config", config);
    keel_json_set_text(&w, "entry", manifest_program(m));
    keel_json_set_bool(&w, "http", reach_http(m));
    keel_json_set_text(&w, "id", m->id);
    keel_json_set_text(&w, "kind", m->kind == PLUGIN_AGENT ? "agent" : "connector");
    keel_json_key(&w, "libraries");
    keel_json_array(&w);
    for (size_t i = 0; i < m->library_count; i++) {
        keel_json_text(&w, m->libraries[i]);
    }
    keel_json_array_end(&w);
    keel_json_set_int(&w, "memory", m->memory_bytes);
    keel_json_set_text(&w, "name", m->name);
    keel_json_set_bool(&w, "native", m->native);
    keel_json_set_bool(&w, "stream", reach_stream(m));
    keel_json_key(&w, "version"); /* what its code says: `keel dev` stamps the manifest alone */
    keel_json_textn(&w, m->version, semver_author(m->version));
    keel_json_object_end(&w);
}

static void entry_path(const launch_spec *s, const plugin_file *f, keel_buf *out) {
    keel_buf_printf(out, "%s/%s", s->folder ? s->folder : s->plugin->folder, f->name);
    if (s->so_folder && access(out->data, F_OK) != 0) {
        keel_buf_clear(out);
        keel_buf_printf(out, "%s/%s", s->so_folder, f->name);
    }
}

static int spawn(host_process **out, uv_loop_t *loop, const launch_spec *s, launching *l,
                 const host_events *ev, diag *d) {
    const plugin *p = s->plugin;
    keel_buf body = KEEL_BUF_INIT, entry = KEEL_BUF_INIT;
    host_file *files = keel_alloc((p->file_count + 1) * sizeof *files);
    host_spec spec = {.program = s->program,
                      .files = files,
                      .grants = l->grants,
                      .grant_count = l->grant_count,
                      .lock_fd = s->lock_fd,
                      .egress_fd = s->door,
                      .unsafe = s->unsafe};
    config_body(p->manifest,
                l->config.len ? keel_json_view(l->config.data, l->config.len) : (keel_json){0},
                &body);
    spec.config = body.data;
    spec.config_len = body.len;
    for (size_t i = 0; i < p->file_count; i++) {
        const plugin_file *f = &p->files[i];
        if (p->manifest->native && !strcmp(f->name, p->manifest->entry)) {
            entry_path(s, f, &entry);
            spec.native = entry.data;
            spec.native_digest = f->digest;
        } else {
            files[spec.file_count++] = (host_file){f->name, f->data.data, f->data.len};
        }
    }
    int rc = host_spawn(out, loop, &spec, ev, d);
    keel_buf_free(&entry);
    keel_buf_free(&body);
    free(files);
    return rc;
}

int launch(host_process **out, uv_loop_t *loop, const launch_spec *s, const host_events *ev,
           diag *d) {
    launching l = {.config = KEEL_BUF_INIT};
    int rc = 0;
    if (s->config.len) {
        rc = grant_folders(&l, s->root, s->plugin->manifest, s->config, d);
    }
    if (!rc) {
        rc = spawn(out, loop, s, &l, ev, d);
    }
    for (size_t i = 0; i < l.grant_count; i++) {
        free((void *)(uintptr_t)l.grants[i].path);
    }
    keel_buf_free(&l.config);
    return rc;
}

static bool writes_below(const char *root, const char *folder, const char *file) {
    char *path = launch_path(root, folder), *real = realpath(path, NULL);
    char *own = realpath(file, NULL);
    bool below =
        holds(path, file) || (real && holds(real, file)) || (real && own && holds(real, own));
    free(path);
    free(real);
    free(own);
    return below;
}

bool launch_writes(const char *root, const manifest *m, keel_json config, const char *file) {
    for (size_t i = 0; i < m->need_count; i++) {
        const manifest_need *n = &m->needs[i];
        char folder[4096];
        if (!n->mode || strcmp(n->mode, "rw") != 0) {
            continue;
        }
        if (n->literal
                ? writes_below(root, n->literal, file)
                : n->config &&
                      keel_json_copy(keel_json_get(config, n->config), folder, sizeof folder) > 0 &&
                      writes_below(root, folder, file)) {
            return true;
        }
    }
    return false;
}
