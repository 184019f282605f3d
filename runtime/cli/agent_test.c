/* keel agent test: an agent against its scenes, without kernel, network or key. */
#include "agent_test.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "fsio.h"
#include "library.h"
#include "paths.h"
#include "scene_play.h"
#include "scene_record.h"
#include "text.h"

static char *join(const char *folder, const char *name) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_printf(&b, "%s/%s", folder, name);
    return b.data;
}

/* ---- which scenes ---- */

static void find_in(agent_scenes *out, const char *folder) {
    struct dirent **found = NULL;
    int n = scandir(folder, &found, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        size_t len = strlen(found[i]->d_name);
        if (len > 6 && strcmp(found[i]->d_name + len - 6, ".scene") == 0) {
            out->files = keel_realloc(out->files, (out->count + 1) * sizeof *out->files);
            out->files[out->count++] = join(folder, found[i]->d_name);
        }
        free(found[i]);
    }
    free(found);
}

void agent_scenes_find(agent_scenes *out, const char *folder) {
    char *more = join(folder, "scenes");
    *out = (agent_scenes){NULL, 0};
    find_in(out, folder);
    find_in(out, more);
    free(more);
}

void agent_scenes_free(agent_scenes *s) {
    for (size_t i = 0; i < s->count; i++) {
        free(s->files[i]);
    }
    free(s->files);
}

/* ---- playing them ---- */

typedef struct playing {
    cli *c;
    const char *folder;
    scene_options options;
    agent_test_mode mode;
    keel_json_writer json;
    keel_buf out;
    int passed, failed;
    size_t number;
} playing;

static char *schema(void) {
    char *folder = path_schema_url(), *url = join(folder, "scene.schema.json");
    free(folder);
    return url;
}

static int save(const scene *s, const char *path, diag *d) {
    keel_buf text = KEEL_BUF_INIT;
    char *url = schema();
    scene *again = NULL;
    scene_write(s, url, &text);
    int rc = text.len <= SCENE_LIMIT
                 ? scene_parse(&again, path, text.data, text.len, d)
                 : diag_set(d, DIAG_USAGE, "%s would have %zu bytes, and a scene has up to %u.",
                            path, text.len, SCENE_LIMIT);
    if (rc == DIAG_USAGE && text.len > SCENE_LIMIT) {
        diag_next(d, "Take a run with a smaller input or fewer calls.");
    }
    rc = rc ? rc : fsio_write_atomic(path, text.data, text.len, 0644, d);
    scene_destroy(again);
    free(url);
    keel_buf_free(&text);
    return rc;
}

static void print_detail(keel_buf *out, const keel_buf *detail) {
    for (size_t at = 0; at < detail->len;) {
        const char *end = memchr(detail->data + at, '\n', detail->len - at);
        size_t n = end ? (size_t)(end - detail->data) - at : detail->len - at;
        keel_buf_puts(out, "#   ");
        text_escape(out, detail->data + at, n);
        keel_buf_putc(out, '\n');
        at += n + 1;
    }
}

static void print_tap(playing *p, const char *name, const char *about, const scene_report *r) {
    keel_buf *out = &p->out;
    keel_buf_printf(out, "%s %zu - ", r->passed ? "ok" : "not ok", p->number);
    text_line(out, name, strlen(name));
    if (*about) {
        keel_buf_puts(out, ": ");
        text_line(out, about, strlen(about));
    }
    keel_buf_putc(out, '\n');
    if (!r->passed) {
        keel_buf_printf(out, "# %s%s", r->place, r->place[0] ? ": " : "");
        text_line(out, r->what, strlen(r->what));
        keel_buf_putc(out, '\n');
        print_detail(out, &r->detail);
    }
    cli_out(out);
    keel_buf_clear(out);
}

static void add_json(playing *p, const char *name, const char *about, const scene_report *r) {
    keel_json_writer *w = &p->json;
    keel_json_object(w);
    keel_json_set_text(w, "about", about);
    keel_json_set_int(w, "calls", (int64_t)r->calls);
    keel_json_set_text(w, "detail", r->detail.data ? r->detail.data : "");
    keel_json_set_text(w, "file", name);
    keel_json_set_bool(w, "passed", r->passed);
    keel_json_set_text(w, "place", r->place);
    keel_json_set_int(w, "prefixes", (int64_t)r->prefixes);
    keel_json_set_text(w, "what", r->what);
    keel_json_object_end(w);
}

/* A scene that cannot be read is a failed one: the others still count. */
static void unreadable(scene_report *r, const diag *d) {
    *r = (scene_report){.passed = false};
    snprintf(r->place, sizeof r->place, "%s:%d:%d", d->file, d->line, d->column);
    r->place[0] = d->file[0] ? r->place[0] : 0;
    snprintf(r->what, sizeof r->what, "%.599s", d->what);
    keel_buf_puts(&r->detail, d->next);
}

static int play_one(playing *p, const char *file, bool *refused, diag *d) {
    scene *s = NULL;
    scene_report r = {.passed = false};
    diag own = {0};
    int rc = scene_load(&s, file, &own);
    if (rc) {
        unreadable(&r, &own);
        rc = 0;
    } else {
        p->options.update = p->mode == AGENT_TEST_UPDATE;
        rc = scene_play(s, &p->options, &r, d);
        if (rc == 0 && p->options.update && r.passed) {
            rc = save(s, file, d);
        }
    }
    if (rc == 0) {
        p->number++;
        p->passed += r.passed;
        p->failed += !r.passed;
        const char *name = file + strlen(p->folder) + 1;
        if (p->mode != AGENT_TEST_BRIEF || !r.passed || p->c->json) {
            (p->c->json ? add_json : print_tap)(p, name, s ? s->about : "", &r);
        }
    }
    *refused = r.refused;
    scene_report_free(&r);
    scene_destroy(s);
    return rc;
}

static int play_all(playing *p, const agent_scenes *scenes, diag *d) {
    int rc = 0;
    bool refused = false;
    if (p->c->json) {
        keel_json_write(&p->json, &p->out);
        keel_json_array(&p->json);
    } else if (p->mode != AGENT_TEST_BRIEF) {
        cli_print("1..%zu\n", scenes->count);
    }
    for (size_t i = 0; rc == 0 && i < scenes->count && !(refused && p->mode == AGENT_TEST_BRIEF);
         i++) {
        rc = play_one(p, scenes->files[i], &refused, d);
    }
    if (rc == 0 && p->c->json) {
        keel_json_array_end(&p->json);
        cli_print("{\"failed\":%d,\"passed\":%d,\"scenes\":%s}\n", p->failed, p->passed,
                  p->out.data);
    } else if (rc == 0) {
        cli_print("# %d passed, %d failed%s\n", p->passed, p->failed,
                  p->mode == AGENT_TEST_UPDATE && p->passed ? ", those that passed are written"
                                                            : "");
    }
    keel_buf_free(&p->out);
    return rc;
}

static int load_plugin(plugin **out, const char *folder, diag *d) {
    char *lua = path_share("lua/keel.lua");
    int rc = library_read_source(out, folder, lua, NULL, d);
    free(lua);
    if (rc == 0 && !(*out)->folder) {
        (*out)->folder = keel_strdup(folder);
    }
    return rc;
}

static int load_agent(plugin **out, const char *folder, diag *d) {
    int rc = load_plugin(out, folder, d);
    if (rc == 0 && (*out)->manifest->kind != PLUGIN_AGENT) {
        plugin_destroy(*out);
        *out = NULL;
        diag_set(d, DIAG_USAGE, "%s holds a connector.", folder);
        return diag_next(d, "Connectors are tried by `keel connector check %s`.", folder);
    }
    return rc;
}

int agent_test_folder(cli *c, const char *folder, agent_test_mode mode, int *failed, diag *d) {
    agent_scenes scenes;
    plugin *agent = NULL;
    char *program = path_program("keel-executor");
    playing p = {.c = c, .folder = folder, .mode = mode};
    int rc = load_agent(&agent, folder, d);
    agent_scenes_find(&scenes, folder);
    if (rc == 0 && scenes.count == 0) {
        diag_set(d, DIAG_NOT_FOUND, "%s has no scene: no file *.scene.", folder);
        rc = diag_next(d, "Write one, or make one of a run: keel agent test %s --record RUN",
                       folder);
    }
    if (rc == 0) {
        p.options =
            (scene_options){.plugin = agent, .folder = folder, .executor = program, .root = folder};
        rc = play_all(&p, &scenes, d);
    }
    *failed = p.failed;
    plugin_destroy(agent);
    agent_scenes_free(&scenes);
    free(program);
    return rc;
}

int agent_test_load(const char *folder, const char *root, keel_json config, diag *d) {
    plugin *p = NULL;
    char *program = path_program("keel-executor");
    scene *none = scene_create(folder);
    scene_report r = {.passed = false};
    int rc = load_plugin(&p, folder, d);
    if (rc == 0) {
        scene_options o = {.plugin = p,
                           .folder = folder,
                           .executor = program,
                           .root = root,
                           .load = true,
                           .config = config};
        rc = scene_play(none, &o, &r, d);
    }
    if (rc == 0 && !r.passed) {
        diag_set(d, DIAG_USAGE, "%s%s%s", r.place, r.place[0] ? ": " : "", r.what);
        rc = r.detail.len ? diag_next(d, "%.300s", r.detail.data) : DIAG_USAGE;
    }
    scene_report_free(&r);
    scene_destroy(none);
    plugin_destroy(p);
    free(program);
    return rc;
}

/* ---- recording ---- */

static int same_agent(const char *folder, const char *agent, const char *run, diag *d) {
    char *file = join(folder, "manifest.yaml");
    manifest *m = NULL;
    int rc = manifest_load(&m, file, d);
    if (rc == 0 && strcmp(m->name, agent) != 0) {
        diag_set(d, DIAG_USAGE, "Run %s is one of %s, and %s holds %s.", run, agent, folder,
                 m->name);
        rc = diag_next(d, "Name a run of %s: keel agent show %s", m->name, m->name);
    }
    if (rc == 0) {
        manifest_destroy(m);
    }
    free(file);
    return rc;
}

static int record_run(cli *c, const char *folder, const char *run, diag *d) {
    int64_t number = 0;
    scene *s = NULL;
    char *agent = NULL;
    keel_buf path = KEEL_BUF_INIT;
    if (!text_number(run, &number)) {
        diag_set(d, DIAG_USAGE, "\"%s\" is no number of a run.", run);
        return diag_next(d, "See `keel run list`.");
    }
    int rc = cli_reader(c, d);
    rc = rc ? rc : scene_record(c->db, (uint64_t)number, &s, &agent, d);
    rc = rc ? rc : same_agent(folder, agent, run, d);
    keel_buf_printf(&path, "%s/run-%s.scene", folder, run);
    if (rc == 0 && access(path.data, F_OK) == 0) {
        diag_set(d, DIAG_CONFLICT, "%s is there already.", path.data);
        rc = diag_next(d, "Remove it first, or keep it.");
    }
    if (rc == 0) {
        keel_buf about = KEEL_BUF_INIT;
        keel_buf_printf(&about, "as run %s went", run);
        free(s->about);
        s->about = about.data;
        rc = save(s, path.data, d);
    }
    if (rc == 0) {
        cli_say(c, "Recorded run %s as %s.", run, path.data);
    }
    scene_destroy(s);
    free(agent);
    keel_buf_free(&path);
    return rc;
}

/* ---- the command ---- */

static bool is_folder(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A folder, or the name of an agent in the workspace's agents/. */
static char *folder_of(cli *c, const char *word) {
    diag ignored = {0};
    size_t len = strlen(word);
    while (len > 1 && word[len - 1] == '/') {
        len--;
    }
    if (!is_folder(word) && !strchr(word, '/') && cli_workspace(c, &ignored) == 0) {
        keel_buf b = KEEL_BUF_INIT;
        keel_buf_printf(&b, "%s/agents/%s", c->ws->root, word);
        return b.data;
    }
    return keel_memdup(word, len);
}

static int test_run(cli *c, const options *o, diag *d) {
    int failed = 0;
    const char *run = options_value(o, "record");
    char *folder = folder_of(c, o->args[0]);
    int rc = run ? record_run(c, folder, run, d) : 0;
    rc = rc ? rc
            : agent_test_folder(c, folder,
                                options_has(o, "update") ? AGENT_TEST_UPDATE : AGENT_TEST_ALL,
                                &failed, d);
    free(folder);
    return rc ? rc : failed > 0;
}

static const option test_options[] = {
    {"update", 'u', NULL, "write what the agent does now into its scenes; answers stay"},
    {"record", 0, "RUN", "make a scene of a run of this workspace: DIR/run-RUN.scene"},
    {NULL, 0, NULL, NULL},
};

const command agent_test_verb = {
    .name = "test",
    .words = "DIR|NAME",
    .summary = "play an agent's *.scene files: no network, no key, nothing happens",
    .more = "The script runs in its sandbox, and each of its calls is answered from the scene. A "
            "scene that\n"
            "passes is then replayed from every prefix of its record, as after a restart.\n"
            "Prints TAP; exits with 1 when a scene does not pass. sdk/README.md shows what a scene "
            "looks like.",
    .examples = "keel agent test agents/hello\n"
                "keel agent test hello --record 7\n"
                "keel agent test agents/hello --update",
    .options = test_options,
    .least = 1,
    .most = 1,
    .run = test_run,
};
