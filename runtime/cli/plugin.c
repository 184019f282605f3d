/* keel plugin: what is installed, and installing. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_receipt.h"
#include "commands.h"
#include "digest.h"
#include "fsio.h"
#include "inspect.h"
#include "library.h"
#include "manifest.h"
#include "paths.h"
#include "survey.h"
#include "text.h"

#define PLUGIN_FILE_MAX (64u << 20)

static void told(void *ctx, const diag *d) {
    (void)ctx;
    cli_fault(d);
}

static const char *kind_name(const manifest *m) {
    return m->kind == PLUGIN_AGENT ? "agent" : "connector";
}

static int list_run(cli *c, const options *o, diag *d) {
    static const column columns[] = {
        {"PLUGIN", "id", COLUMN_TEXT}, {"VERSION", "version", COLUMN_TEXT},
        {"KIND", "kind", COLUMN_TEXT}, {"NAME", "name", COLUMN_TEXT},
        {"FROM", "from", COLUMN_TEXT}, {"ENTRY", "entry", COLUMN_TEXT},
        {NULL, "folder", COLUMN_TEXT},
    };
    (void)o;
    survey *w = NULL;
    int rc = survey_load(c, &w, told, NULL, d);
    if (rc) {
        return rc;
    }
    table *t = table_create(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < w->plugin_count; i++) {
        const survey_plugin *p = &w->plugins[i];
        const char *row[] = {p->manifest->id,
                             p->manifest->version,
                             kind_name(p->manifest),
                             p->manifest->name,
                             p->from,
                             p->manifest->entry,
                             p->folder};
        table_row(t, row);
    }
    cli_table(c, t, "No plugins.");
    table_destroy(t);
    survey_free(w);
    return 0;
}

static const command list_verb = {
    .name = "list",
    .words = "",
    .summary = "all plugins: shipped, in the workspace, installed",
    .examples = "keel plugin list",
    .run = list_run,
};

/* ---- inspect ---- */

static char *folder_of(const char *path) {
    struct stat st;
    const char *slash = strrchr(path, '/');
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        return keel_strdup(path);
    }
    return slash ? keel_memdup(path, (size_t)(slash - path) + (slash == path)) : keel_strdup(".");
}

static void add_file(table *t, const char *folder, const char *name) {
    keel_buf path = KEEL_BUF_INIT, data = KEEL_BUF_INIT;
    char hex[DIGEST_HEX], size[24];
    diag d;
    keel_buf_printf(&path, "%s/%s", folder, name);
    if (fsio_read(path.data, PLUGIN_FILE_MAX, &data, &d) == 0) {
        digest of = digest_of(data.data, data.len);
        digest_hex(&of, hex);
        snprintf(size, sizeof size, "%zu", data.len);
        const char *row[] = {name, size, hex};
        table_row(t, row);
    } else {
        const char *row[] = {name, NULL, "cannot be read"};
        table_row(t, row);
    }
    keel_buf_free(&path);
    keel_buf_free(&data);
}

static void print_files(cli *c, const manifest *m, const char *folder) {
    static const column columns[] = {
        {"FILE", "file", COLUMN_TEXT},
        {"BYTES", "bytes", COLUMN_INT},
        {"BLAKE2B-256", "digest", COLUMN_TEXT},
    };
    table *t = table_create(columns, 3);
    add_file(t, folder, "manifest.yaml");
    add_file(t, folder, m->entry);
    for (size_t i = 0; i < m->template_count; i++) {
        keel_buf name = KEEL_BUF_INIT;
        keel_buf_printf(&name, "templates/%s", m->templates[i]);
        add_file(t, folder, name.data);
        keel_buf_free(&name);
    }
    cli_table(c, t, "");
    table_destroy(t);
}

static void print_verb(const manifest_resource *r, int v) {
    const manifest_verb *verb = &r->verbs[v];
    keel_buf line = KEEL_BUF_INIT;
    keel_buf_printf(&line, "  %s.%s: %s", r->name, manifest_verb_name((manifest_verb_id)v),
                    effect_class_name(verb->class));
    keel_buf_puts(&line, verb->untrusted ? ", returns untrusted text" : "");
    if (verb->level != SENSITIVITY_DEFAULT) {
        keel_buf_printf(&line, ", %s", sensitivity_name(verb->level));
    }
    keel_buf_puts(&line, verb->sink_external ? ", leads outside" : "");
    if (verb->currency[0]) {
        keel_buf_puts(&line, ", costs about ");
        text_money(&line, verb->cost_micros, verb->currency);
    }
    if (verb->tokens.present) {
        keel_buf_puts(&line, ", asks a model for about ");
        text_plural(&line, verb->tokens.input + verb->tokens.output, "token", "tokens");
    }
    keel_buf_putc(&line, '\n');
    cli_out(&line);
    keel_buf_free(&line);
}

static void print_manifest(cli *c, const manifest *m) {
    if (c->json) {
        return;
    }
    cli_print("%s %s, %s %s, entry %s (%s)\n", m->id, m->version, kind_name(m), m->name, m->entry,
              m->native    ? "native"
              : m->service ? "REST"
                           : "Lua");
    for (size_t i = 0; i < m->resource_count; i++) {
        for (int v = 0; v < VERB_COUNT; v++) {
            if (m->resources[i].verbs[v].present) {
                print_verb(&m->resources[i], v);
            }
        }
        inspect_attributes(&m->resources[i]);
    }
    for (size_t i = 0; i < m->need_count; i++) {
        const manifest_need *n = &m->needs[i];
        cli_print("  needs %s%s%s: %s%s\n", n->service, n->mode ? " " : "", n->mode ? n->mode : "",
                  n->config ? "config." : "",
                  n->config    ? n->config
                  : n->literal ? n->literal
                               : "any address that policy's `egress` lists");
    }
}

/* A .so by itself: there is no manifest beside it. */
static bool bare(const char *word, const char *manifest_path) {
    size_t len = strlen(word);
    return len > 3 && strcmp(word + len - 3, ".so") == 0 && access(manifest_path, F_OK) != 0;
}

static int inspect_entry(cli *c, const manifest *m, const char *folder, diag *d) {
    keel_buf entry = KEEL_BUF_INIT;
    int rc = survey_entry(m, folder, d);
    keel_buf_printf(&entry, "%s/%s", folder, m->entry);
    if (rc == 0 && m->native) {
        rc = inspect_native(c, entry.data, m, d);
    }
    keel_buf_free(&entry);
    return rc;
}

/* Whether this workspace holds a receipt for exactly these bytes. */
static void print_checked(cli *c, const char *folder) {
    char *lua = path_share("lua/keel.lua");
    plugin *p = NULL;
    diag ignored = {0};
    if (!c->json && cli_workspace(c, &ignored) == 0 &&
        library_read_source(&p, folder, lua, NULL, &ignored) == 0) {
        cli_print(check_receipt_valid(c->ws->keel, &p->digest)
                      ? "checked: it has passed `keel connector check` as it is\n"
                      : "not checked: its writes are sent once only until `keel connector check "
                        "%s` passes\n",
                  folder);
        plugin_destroy(p);
    }
    free(lua);
}

static int inspect_run(cli *c, const options *o, diag *d) {
    char *folder = folder_of(o->args[0]);
    keel_buf path = KEEL_BUF_INIT;
    manifest *m = NULL;
    keel_buf_printf(&path, "%s/manifest.yaml", folder);
    int rc;
    if (bare(o->args[0], path.data)) {
        rc = inspect_native(c, o->args[0], NULL, d);
    } else if ((rc = manifest_load(&m, path.data, d)) == 0) {
        print_manifest(c, m);
        print_files(c, m, folder);
        rc = inspect_entry(c, m, folder, d);
        if (rc == 0 && m->kind == PLUGIN_CONNECTOR) {
            print_checked(c, folder);
        }
        manifest_destroy(m);
    }
    keel_buf_free(&path);
    free(folder);
    return rc;
}

static const command inspect_verb = {
    .name = "inspect",
    .words = "DIR|FILE",
    .summary = "what a plugin says it is and needs, before any of its code runs",
    .more = "Of a .so also what the file itself says: id, version, the ABI that it needs, verbs, "
            "symbols and\nlibraries, read from its bytes; what differs from the manifest is an "
            "error.",
    .examples = "keel plugin inspect agents/triage\nkeel plugin inspect plugins/mailbox/mailbox.so",
    .least = 1,
    .most = 1,
    .run = inspect_run,
};

static int show_run(cli *c, const options *o, diag *d) {
    survey *w = NULL;
    int rc = survey_load(c, &w, told, NULL, d);
    const survey_plugin *p = NULL;
    if (rc == 0) {
        p = survey_find(w, o->args[0], PLUGIN_CONNECTOR);
        p = p ? p : survey_find(w, o->args[0], PLUGIN_AGENT);
        p = p ? p : survey_agent(w, o->args[0]);
    }
    if (p) {
        print_manifest(c, p->manifest);
        print_files(c, p->manifest, p->folder);
    } else if (rc == 0) {
        diag_set(d, DIAG_NOT_FOUND, "There is no plugin %s here.", o->args[0]);
        rc = diag_next(d, "See `keel plugin list`.");
    }
    survey_free(w);
    return rc;
}

static const command show_verb = {
    .name = "show",
    .words = "ID[@VERSION]",
    .summary = "one plugin: verbs, needs, files and their digests",
    .examples = "keel plugin show com.keel.mailbox",
    .least = 1,
    .most = 1,
    .run = show_run,
};

/* ---- install ---- */

/* A running kernel learns of it at once; else the next start does. */
static int tell_kernel(cli *c, diag *d) {
    return cli_running(c) ? cli_call(c, "reload", NULL, NULL, d) : 0;
}

static int install_run(cli *c, const options *o, diag *d) {
    int rc = cli_workspace(c, d);
    if (rc) {
        return rc;
    }
    if (c->dry_run) {
        return inspect_run(c, o, d);
    }
    char *shipped = path_share("plugins"), *lua = path_share("lua/keel.lua");
    library *lib = NULL;
    const plugin *p = NULL;
    rc = workspace_prepare(c->ws, d);
    rc = rc ? rc : library_open(&lib, c->ws->root, shipped, lua, told, NULL, d);
    rc = rc ? rc : library_install(lib, o->args[0], &p, d);
    rc = rc ? rc : tell_kernel(c, d);
    if (rc == 0) {
        cli_say(c, "Installed %s %s (%s). See `keel plugin show %s`.", p->manifest->id,
                p->manifest->version, kind_name(p->manifest), p->manifest->id);
    }
    library_close(lib);
    free(shipped);
    free(lua);
    return rc;
}

static const command install_verb = {
    .name = "install",
    .words = "DIR",
    .summary = "copy a plugin into the workspace, beside its other versions",
    .more =
        "A version that is installed never changes. Runs keep the version that they began with.",
    .examples = "keel plugin install ./my-connector",
    .least = 1,
    .most = 1,
    .run = install_run,
};

extern const command plugin_new_verb;

static const command *const verbs[] = {&list_verb,    &show_verb,       &install_verb,
                                       &inspect_verb, &plugin_new_verb, NULL};

const command plugin_command = {
    .name = "plugin",
    .words = "list | show | install | inspect | new",
    .summary = "plugins: installed versions, installing, making new ones",
    .verbs = verbs,
};
