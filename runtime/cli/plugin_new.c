/* keel plugin new: a plugin from the templates that ship, which works at once. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "fsio.h"
#include "manifest.h"
#include "paths.h"
#include "yamltree.h"

#define TEMPLATE_MAX (256u << 10)
#define FILES_MAX    32

typedef struct making {
    cli *c;
    bool agent, native, http;
    const char *name;
    char *id;
    char *dir;    /* as people type it from here: "agents/hello" */
    char *folder; /* where it will be */
    char *from;   /* the templates */
    char *schema, *pkgconfig;
    char *files[FILES_MAX];
    size_t count;
} making;

static char *join(const char *folder, const char *name) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_printf(&b, "%s/%s", folder, name);
    return b.data;
}

/* ---- what was asked for ---- */

static int check_kind(making *m, const options *o, diag *d) {
    static const char *const kinds[] = {"agent", "connector", NULL};
    const char *word = o->args[0], *over = options_value(o, "kind");
    m->agent = strcmp(word, "agent") == 0;
    if (!m->agent && strcmp(word, "connector") != 0) {
        const char *near = did_you_mean(word, kinds);
        diag_set(d, DIAG_USAGE, "A plugin is an agent or a connector, not \"%s\".", word);
        return near ? diag_next(d, "Did you mean `keel plugin new %s %s`?", near, o->args[1])
                    : diag_next(d, "An agent decides what to do; a connector does it in one "
                                   "outside system.");
    }
    if (over && m->agent) {
        diag_set(d, DIAG_USAGE, "--kind is for connectors: an agent reaches nothing by itself.");
        return diag_next(d, "Leave it out.");
    }
    m->http = over && strcmp(over, "http") == 0;
    if (over && !m->http && strcmp(over, "files") != 0) {
        diag_set(d, DIAG_USAGE, "A connector is of --kind files or http, not \"%s\".", over);
        return diag_next(d, "files: a folder; http: a web service.");
    }
    m->native = options_has(o, "c");
    if (m->native && options_has(o, "lua")) {
        diag_set(d, DIAG_USAGE, "--lua and --c do not go together.");
        return diag_next(d, "Lua is the shortest way; C is for work that a library does.");
    }
    return 0;
}

static int check_name(const char *name, diag *d) {
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_");
    if (n > 0 && n < 64 && name[n] == 0 && name[0] >= 'a' && name[0] <= 'z') {
        return 0;
    }
    diag_set(d, DIAG_USAGE, "\"%s\" cannot be a plugin's name: %s.", name,
             name[n]           ? "it has other characters than lower-case letters, digits, - and _"
             : n < 64 && n > 0 ? "it does not begin with a lower-case letter"
                               : "it has 1 to 63 characters");
    return diag_next(d, "Policies and `keel.yaml` will speak of it: choose one such as "
                        "\"invoices\".");
}

/* What the manifest's own reader says of an id, for the option. */
static int check_id(making *m, const char *given, diag *d) {
    keel_buf id = KEEL_BUF_INIT, text = KEEL_BUF_INIT;
    manifest *made = NULL;
    diag own = {0};
    keel_buf_printf(&id, given ? "%s" : "com.example.%s", given ? given : m->name);
    m->id = id.data;
    keel_buf_printf(&text, "id: \"%s\"\nkind: agent\nversion: 0.1.0\nname: a\nentry: a.lua\n",
                    m->id);
    int rc = strpbrk(m->id, "\"\\\n") ? DIAG_USAGE
                                      : manifest_parse(&made, "", text.data, text.len, &own);
    if (rc == 0) {
        manifest_destroy(made);
    } else {
        diag_set(d, DIAG_USAGE, "\"%s\" cannot be a plugin's id.", m->id);
        diag_next(d, "Write a domain of yours backwards and a name: --id com.example.%s", m->name);
    }
    keel_buf_free(&text);
    return rc;
}

/* ---- where it goes ---- */

/* In the workspace around the current folder (or DIR); without one, below that folder. */
static void place(making *m, const char *dir) {
    const char *kind = m->agent ? "agents" : "connectors";
    keel_buf folder = KEEL_BUF_INIT, shown = KEEL_BUF_INIT;
    diag ignored = {0};
    char here[4096] = "";
    const char *root = dir;
    if (!dir && cli_workspace(m->c, &ignored) == 0) {
        root = m->c->ws->root;
    }
    root = root ? root : ".";
    bool at_hand = strcmp(root, ".") == 0 || (getcwd(here, sizeof here) && !strcmp(here, root));
    keel_buf_printf(&folder, "%s/%s/%s", root, kind, m->name);
    keel_buf_printf(&shown, "%s%s%s/%s", at_hand ? "" : root, at_hand ? "" : "/", kind, m->name);
    m->folder = folder.data;
    m->dir = shown.data;
}

static int check_free(const making *m, diag *d) {
    struct dirent **found = NULL;
    keel_buf names = KEEL_BUF_INIT;
    struct stat st;
    if (lstat(m->folder, &st) != 0) {
        return 0;
    }
    int n = scandir(m->folder, &found, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        if (found[i]->d_name[0] != '.' && names.len < 200) {
            keel_buf_printf(&names, "%s%s", names.len ? ", " : "", found[i]->d_name);
        }
        free(found[i]);
    }
    free(found);
    diag_set(d, DIAG_CONFLICT, "%s is there already and stays as it is%s%s.", m->dir,
             names.len ? ": it holds " : "", names.len ? names.data : "");
    keel_buf_free(&names);
    return diag_next(d, "Choose another name, or remove it first.");
}

/* ---- the files ---- */

/* {name} and the like get their values; every other brace is the template's own. */
static void fill(const making *m, const keel_buf *text, keel_buf *out) {
    const struct {
        const char *word, *value;
    } holes[] = {
        {"{name}", m->name}, {"{plugin_id}", m->id},        {"{schema}", m->schema},
        {"{dir}", m->dir},   {"{pkgconfig}", m->pkgconfig},
    };
    for (size_t at = 0; at < text->len;) {
        size_t i = 0, count = sizeof holes / sizeof *holes;
        while (text->data[at] == '{' && i < count &&
               strncmp(text->data + at, holes[i].word, strlen(holes[i].word)) != 0) {
            i++;
        }
        if (text->data[at] == '{' && i < count) {
            keel_buf_puts(out, holes[i].value);
            at += strlen(holes[i].word);
        } else {
            keel_buf_putc(out, text->data[at++]);
        }
    }
}

static char *target_name(const making *m, const char *name) {
    keel_buf b = KEEL_BUF_INIT;
    if (strncmp(name, "entry.", 6) == 0) {
        keel_buf_printf(&b, "%s%s", m->name, name + 5);
    } else {
        keel_buf_puts(&b, name);
    }
    return b.data;
}

static int find_files(making *m, diag *d) {
    keel_buf name = KEEL_BUF_INIT;
    struct dirent **found = NULL;
    keel_buf_printf(&name, "templates/%s-%s%s", m->agent ? "agent" : "connector",
                    m->native ? "c" : "lua",
                    m->agent  ? ""
                    : m->http ? "-http"
                              : "-files");
    m->from = path_share(name.data);
    keel_buf_free(&name);
    int n = scandir(m->from, &found, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        if (found[i]->d_name[0] != '.' && m->count < FILES_MAX) {
            m->files[m->count++] = keel_strdup(found[i]->d_name);
        }
        free(found[i]);
    }
    free(found);
    if (m->count == 0) {
        diag_set(d, DIAG_STORAGE, "The templates that ship with Keel are not in %s.", m->from);
        return diag_next(d, "Install Keel again, or set KEEL_SHARE to the folder that holds "
                            "templates/.");
    }
    return 0;
}

static int write_file(const making *m, const char *into, const char *name, diag *d) {
    keel_buf text = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
    char *from = join(m->from, name), *file = target_name(m, name), *to = join(into, file);
    int rc = fsio_read(from, TEMPLATE_MAX, &text, d);
    if (rc == 0) {
        fill(m, &text, &out);
        rc = fsio_write_atomic(to, out.data, out.len, 0644, d);
    }
    keel_buf_free(&text);
    keel_buf_free(&out);
    free(from);
    free(file);
    free(to);
    return rc;
}

/* Beside its place first, then all at once: a folder that is there is whole. */
static int write_all(const making *m, diag *d) {
    keel_buf parent = KEEL_BUF_INIT, staging = KEEL_BUF_INIT;
    const char *slash = strrchr(m->folder, '/');
    keel_buf_append(&parent, m->folder, (size_t)(slash - m->folder));
    keel_buf_printf(&staging, "%s/.new-XXXXXX", parent.data);
    int rc = fsio_mkdirs(parent.data, 0755, d);
    if (rc == 0 && (!mkdtemp(staging.data) || chmod(staging.data, 0755) != 0)) {
        rc = diag_set(d, DIAG_STORAGE, "%s cannot be written: %s.", parent.data, strerror(errno));
        diag_next(d, "Look whose the folder is, and whether the disk is full.");
    } else if (rc == 0) {
        for (size_t i = 0; rc == 0 && i < m->count; i++) {
            rc = write_file(m, staging.data, m->files[i], d);
        }
        if (rc == 0 && rename(staging.data, m->folder) != 0) {
            rc = errno == ENOTEMPTY || errno == EEXIST
                     ? check_free(m, d)
                     : diag_set(d, DIAG_STORAGE, "%s cannot be made: %s.", m->folder,
                                strerror(errno));
        }
        if (rc != 0) {
            fsio_remove_tree(AT_FDCWD, staging.data, NULL);
        }
    }
    keel_buf_free(&parent);
    keel_buf_free(&staging);
    return rc;
}

/* ---- what comes next ---- */

static void next_commands(const making *m, keel_buf *out) {
    const char *test = m->agent ? "keel agent test" : "keel connector check";
    if (m->native) {
        keel_buf_printf(out, "  make -C %s\n", m->dir);
    } else {
        keel_buf_printf(out, "  keel plugin inspect %s\n", m->dir);
    }
    keel_buf_printf(out, "  %s %s\n  keel dev %s\n", test, m->dir, m->name);
}

static const char *connection_of(const making *m) {
    return m->agent ? "notes" : m->name;
}

static bool has_connection(const making *m) {
    for (size_t i = 0; m->c->ws && i < m->c->ws->connection_count; i++) {
        if (strcmp(m->c->ws->connections[i].name, connection_of(m)) == 0) {
            return true;
        }
    }
    return false;
}

static void rule_of(const making *m, keel_buf *out) {
    keel_buf_printf(out, "  - id: %s-note-write\n    on: %s.note.write\n", m->name,
                    connection_of(m));
    if (m->agent) {
        keel_buf_printf(out, "    agents: [%s]\n", m->name);
    }
    keel_buf_puts(out, "    ask: {}\n");
}

static void connection_line(const making *m, keel_buf *out) {
    const char *name = connection_of(m);
    keel_buf_puts(out, "connections:\n");
    if (m->http) {
        keel_buf_printf(out,
                        "  %s: { use: %s@0.1, config: { base: \"https://api.example/v1\" } }\n",
                        name, m->id);
    } else {
        keel_buf_printf(out, "  %s: { use: %s%s@0.1, config: { folder: %s } }\n", name,
                        m->agent ? "com.example." : m->id, m->agent ? "notes" : "", name);
    }
}

static void tell(const making *m) {
    keel_buf next = KEEL_BUF_INIT, rule = KEEL_BUF_INIT, line = KEEL_BUF_INIT;
    next_commands(m, &next);
    rule_of(m, &rule);
    connection_line(m, &line);
    if (m->c->json) {
        keel_buf out = KEEL_BUF_INIT;
        keel_json_writer w;
        keel_json_write(&w, &out);
        keel_json_object(&w);
        keel_json_set_text(&w, "folder", m->folder);
        keel_json_set_text(&w, "id", m->id);
        keel_json_set_text(&w, "keel_yaml", line.data);
        keel_json_set_text(&w, "next", next.data);
        keel_json_set_text(&w, "rule", rule.data);
        keel_json_object_end(&w);
        cli_print("%s\n", out.data);
        keel_buf_free(&out);
    } else {
        cli_say(m->c, "Made %s (%s): %zu files. Next:\n\n%s", m->dir, m->id, m->count, next.data);
        if (!has_connection(m)) {
            cli_say(m->c, "%s in keel.yaml:\n\n%s",
                    m->agent ? "It writes through a connection, notes (`keel plugin new connector "
                               "notes` makes one for it),"
                             : "It is used through a connection",
                    line.data);
        }
        cli_say(m->c,
                "Nothing is allowed until a rule says so. To be asked each time, add to a "
                "file in policies/,\nthen `keel policy reload`:\n\n%s",
                rule.data);
    }
    keel_buf_free(&next);
    keel_buf_free(&rule);
    keel_buf_free(&line);
}

static void would_make(const making *m) {
    for (size_t i = 0; i < m->count; i++) {
        char *file = target_name(m, m->files[i]);
        cli_print("%s/%s\n", m->dir, file);
        free(file);
    }
}

static void finish(making *m) {
    char *const texts[] = {m->id, m->dir, m->folder, m->from, m->schema, m->pkgconfig};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        free(texts[i]);
    }
    for (size_t i = 0; i < m->count; i++) {
        free(m->files[i]);
    }
}

static int new_run(cli *c, const options *o, diag *d) {
    making m = {.c = c, .name = o->args[1]};
    int rc = check_kind(&m, o, d);
    rc = rc ? rc : check_name(m.name, d);
    rc = rc ? rc : check_id(&m, options_value(o, "id"), d);
    if (rc == 0) {
        m.schema = path_schema_url();
        m.pkgconfig = path_pkgconfig();
        place(&m, o->arg_count > 2 ? o->args[2] : NULL);
        rc = find_files(&m, d);
    }
    rc = rc ? rc : check_free(&m, d);
    if (rc == 0 && c->dry_run) {
        would_make(&m);
    } else if (rc == 0) {
        rc = write_all(&m, d);
        if (rc == 0) {
            tell(&m);
        }
    }
    finish(&m);
    return rc;
}

static const option new_options[] = {
    {"lua", 0, NULL, "in Lua: the shortest way, and what you get without saying"},
    {"c", 0, NULL, "in C: a .so, with a Makefile"},
    {"id", 0, "ID", "its id; com.example.NAME without it"},
    {"kind", 0, "files|http", "connectors: a folder (without saying), or a web service"},
    {NULL, 0, NULL, NULL},
};

const command plugin_new_verb = {
    .name = "new",
    .words = "agent|connector NAME [DIR]",
    .summary = "make one that works at once, with a test",
    .more = "Into agents/NAME or connectors/NAME of the workspace around the current folder, or of "
            "DIR.\nWhat is there is never overwritten.",
    .examples = "keel plugin new agent hello\n"
                "keel plugin new connector notes --kind http --id com.acme.notes\n"
                "keel plugin new connector notes --c",
    .options = new_options,
    .least = 2,
    .most = 3,
    .run = new_run,
};
