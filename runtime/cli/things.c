/* keel agent, connector, connection: what the workspace has, read from its files. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "polls.h"
#include "reaches.h"
#include "render.h"
#include "rests.h"
#include "survey.h"
#include "text.h"
#include "troubles.h"
#include "yamltree.h"

static void told(void *ctx, const diag *d) {
    (void)ctx;
    cli_fault(d);
}

static int open_survey(cli *c, survey **w, diag *d) {
    return survey_load(c, w, told, NULL, d);
}

/* "message: read write(checkable)" */
static void verbs_of(const manifest *m, keel_buf *out) {
    keel_buf_puts(out, "");
    for (size_t i = 0; i < m->resource_count; i++) {
        const manifest_resource *r = &m->resources[i];
        keel_buf_printf(out, "%s%s:", i ? "; " : "", r->name);
        for (int v = 0; v < VERB_COUNT; v++) {
            if (r->verbs[v].present) {
                keel_buf_printf(out, " %s(%s)", manifest_verb_name((manifest_verb_id)v),
                                effect_class_name(r->verbs[v].class));
            }
        }
    }
}

/* ---- agents ---- */

static int no_such(const char *what, const char *name, const char *const *names, diag *d) {
    const char *near = did_you_mean(name, names);
    diag_set(d, DIAG_NOT_FOUND, "There is no %s %s in this workspace.", what, name);
    if (near) {
        return diag_next(d, "Did you mean %s?", near);
    }
    return diag_next(d, "See `keel %s list`.", what);
}

static void add_agent(cli *c, table *t, const survey_plugin *p) {
    const manifest *m = p->manifest;
    char runs[24], open[24];
    int64_t all = cli_number(c, "SELECT count(*) FROM run WHERE agent = ?", m->name);
    int64_t still = cli_number(
        c, "SELECT count(*) FROM run WHERE agent = ? AND state IN ('open', 'paused')", m->name);
    snprintf(runs, sizeof runs, "%" PRId64, all);
    snprintf(open, sizeof open, "%" PRId64, still);
    char *last = cli_value(c, "SELECT max(started_us) FROM run WHERE agent = ?", m->name);
    const char *row[] = {m->name, m->version, p->from, runs,     open,
                         last,    m->outcome, m->id,   p->folder};
    table_row(t, row);
    free(last);
}

static int agent_list(cli *c, const options *o, diag *d) {
    static const column columns[] = {
        {"AGENT", "name", COLUMN_TEXT},      {"VERSION", "version", COLUMN_TEXT},
        {"FROM", "from", COLUMN_TEXT},       {"RUNS", "runs", COLUMN_INT},
        {"OPEN", "open", COLUMN_INT},        {"LAST", "last_us", COLUMN_TIME},
        {"OUTCOME", "outcome", COLUMN_TEXT}, {NULL, "id", COLUMN_TEXT},
        {NULL, "folder", COLUMN_TEXT},
    };
    (void)o;
    survey *w = NULL;
    diag ignored;
    int rc = open_survey(c, &w, d);
    if (rc) {
        return rc;
    }
    (void)cli_reader(c, &ignored); /* without a database there are no runs */
    table *t = table_create(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < w->view.agent_count; i++) {
        add_agent(c, t, survey_agent(w, w->view.agents[i]));
    }
    cli_table(c, t, "No agents. Put one in agents/NAME/ with a manifest.yaml.");
    table_destroy(t);
    survey_free(w);
    return 0;
}

/* One manifest as the fields of a card. */
static void show_manifest(cli *c, const manifest *m, const char *folder) {
    keel_buf json = KEEL_BUF_INIT, verbs = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
    keel_json_writer w;
    verbs_of(m, &verbs);
    keel_json_write(&w, &json);
    keel_json_object(&w);
    if (m->native) {
        char abi[32];
        snprintf(abi, sizeof abi, "%d.%d", m->abi_major, m->abi_minor);
        keel_json_set_text(&w, "abi", abi);
    }
    keel_json_set_text(&w, "entry", m->entry);
    keel_json_set_text(&w, "folder", folder);
    keel_json_set_text(&w, "id", m->id);
    keel_json_set_text(&w, "kind", m->kind == PLUGIN_AGENT ? "agent" : "connector");
    keel_json_set_int(&w, "memory_bytes", m->memory_bytes);
    keel_json_set_text(&w, "name", m->name);
    if (m->outcome) {
        keel_json_set_text(&w, "outcome", m->outcome);
    }
    if (verbs.len) {
        keel_json_set_text(&w, "resources", verbs.data);
    }
    keel_json_set_text(&w, "version", m->version);
    keel_json_object_end(&w);
    if (c->json) {
        keel_buf_append(&out, json.data, json.len);
        keel_buf_putc(&out, '\n');
    } else {
        render_fields(keel_json_view(json.data, json.len), &c->out, &out);
    }
    cli_out(&out);
    keel_buf_free(&json);
    keel_buf_free(&verbs);
    keel_buf_free(&out);
}

static int agent_show(cli *c, const options *o, diag *d) {
    survey *w = NULL;
    int rc = open_survey(c, &w, d);
    const survey_plugin *p = rc ? NULL : survey_agent(w, o->args[0]);
    if (p) {
        show_manifest(c, p->manifest, p->folder);
        cli_say(c, "What it may do: `keel can %s`. Run it: `keel do %s`.", p->manifest->name,
                p->manifest->name);
    } else if (rc == 0) {
        const char **names = keel_alloc((w->view.agent_count + 1) * sizeof *names);
        memcpy(names, w->view.agents, w->view.agent_count * sizeof *names);
        names[w->view.agent_count] = NULL;
        rc = no_such("agent", o->args[0], names, d);
        free(names);
    }
    survey_free(w);
    return rc;
}

/* ---- connectors ---- */

static int connector_list(cli *c, const options *o, diag *d) {
    static const column columns[] = {
        {"CONNECTOR", "id", COLUMN_TEXT}, {"VERSION", "version", COLUMN_TEXT},
        {"FROM", "from", COLUMN_TEXT},    {"RESOURCES", "resources", COLUMN_TEXT},
        {NULL, "folder", COLUMN_TEXT},
    };
    (void)o;
    survey *w = NULL;
    int rc = open_survey(c, &w, d);
    if (rc) {
        return rc;
    }
    table *t = table_create(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < w->plugin_count; i++) {
        const manifest *m = w->plugins[i].manifest;
        if (m->kind != PLUGIN_CONNECTOR ||
            survey_find(w, m->id, PLUGIN_CONNECTOR) != &w->plugins[i]) {
            continue;
        }
        keel_buf verbs = KEEL_BUF_INIT;
        verbs_of(m, &verbs);
        const char *row[] = {m->id, m->version, w->plugins[i].from, verbs.data,
                             w->plugins[i].folder};
        table_row(t, row);
        keel_buf_free(&verbs);
    }
    cli_table(c, t, "No connectors.");
    table_destroy(t);
    survey_free(w);
    return 0;
}

static int connector_show(cli *c, const options *o, diag *d) {
    survey *w = NULL;
    int rc = open_survey(c, &w, d);
    const survey_plugin *p = rc ? NULL : survey_find(w, o->args[0], PLUGIN_CONNECTOR);
    bool twice = false;
    p = p || rc ? p : survey_connector(w, o->args[0], &twice);
    if (p) {
        show_manifest(c, p->manifest, p->folder);
    } else if (twice) {
        diag_set(d, DIAG_USAGE, "Several connectors are called %s here.", o->args[0]);
        rc = diag_next(d, "Name one by its id: see `keel connector list`.");
    } else if (rc == 0) {
        const char **names = keel_alloc((w->plugin_count + 1) * sizeof *names);
        for (size_t i = 0; i < w->plugin_count; i++) {
            names[i] = w->plugins[i].manifest->id;
        }
        names[w->plugin_count] = NULL;
        rc = no_such("connector", o->args[0], names, d);
        free(names);
    }
    survey_free(w);
    return rc;
}

/* ---- connections ---- */

static int connection_list(cli *c, const options *o, diag *d) {
    static const column columns[] = {
        {"CONNECTION", "name", COLUMN_TEXT},     {"USES", "use", COLUMN_TEXT},
        {"VERSION", "version", COLUMN_TEXT},     {"STATE", "state", COLUMN_STATE},
        {"RESOURCES", "resources", COLUMN_TEXT}, {"POLLED", "polled", COLUMN_TEXT},
        {NULL, "config", COLUMN_JSON},           {NULL, "rests_until_us", COLUMN_INT},
        {NULL, "rests_why", COLUMN_TEXT},
    };
    (void)o;
    survey *w = NULL;
    keel_buf failed = KEEL_BUF_INIT;
    keel_buf status = KEEL_BUF_INIT;
    int rc = open_survey(c, &w, d);
    if (rc) {
        return rc;
    }
    troubles_ask(c, &status);
    table *t = table_create(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < c->ws->connection_count; i++) {
        const workspace_connection *k = &c->ws->connections[i];
        const survey_plugin *p = survey_find(w, k->use, PLUGIN_CONNECTOR);
        keel_buf verbs = KEEL_BUF_INIT, polled = KEEL_BUF_INIT;
        char state[24];
        polls_words(k, &polled);
        polls_lines(c, k, &status, true, &failed);
        if (p) {
            verbs_of(p->manifest, &verbs);
        }
        connection_rest r;
        rests_values(c, k->name, &r);
        const char *row[] = {k->name,
                             k->use,
                             p ? p->manifest->version : "not there",
                             troubles_state(&status, k->name, state, sizeof state),
                             verbs.data,
                             polled.data,
                             k->config.len ? k->config.data : NULL,
                             r.until_us,
                             r.why};
        table_row(t, row);
        cli_row_free(&r.row);
        keel_buf_free(&polled);
        keel_buf_free(&verbs);
    }
    cli_table(c, t, "No connections. Add one to keel.yaml under `connections:`.");
    if (!c->json) {
        cli_out(&failed);
        troubles_print(c, &status);
    }
    keel_buf_free(&failed);
    keel_buf_free(&status);
    table_destroy(t);
    survey_free(w);
    return 0;
}

static void add_targets(keel_buf *out, const char *name, const manifest_resource *r) {
    for (int v = 0; v < VERB_COUNT; v++) {
        const manifest_verb *verb = &r->verbs[v];
        if (verb->present) {
            const char *level =
                verb->level != SENSITIVITY_DEFAULT ? sensitivity_name(verb->level) : "";
            keel_buf_printf(out, "  %s.%s.%s: %s%s%s%s%s\n", name, r->name,
                            manifest_verb_name((manifest_verb_id)v), effect_class_name(verb->class),
                            verb->untrusted ? ", untrusted" : "", level[0] ? ", " : "", level,
                            verb->sink_external ? ", to the outside" : "");
        }
    }
}

static void add_attributes(keel_buf *out, const manifest_resource *r) {
    static const char *const words[] = {[ATTR_VALUE] = "",
                                        [ATTR_DOMAIN] = "domains in ",
                                        [ATTR_COUNT] = "how many in ",
                                        [ATTR_LENGTH] = "bytes of ",
                                        [ATTR_ORIGIN] =
                                            "nobody but who wrote what is answered is in "};
    for (size_t i = 0; i < r->attr_count; i++) {
        const manifest_attr *a = &r->attrs[i];
        keel_buf_printf(out, "    %s: %s", a->name, words[a->fn]);
        for (size_t f = 0; f < a->of_count; f++) {
            keel_buf_printf(out, "%s%s", f ? ", " : "", a->of[f]);
        }
        keel_buf_putc(out, '\n');
    }
}

/* What rules can speak of: targets, and attributes beside the arguments' own fields. */
static void show_targets(const workspace_connection *k, const manifest *m, keel_buf *out) {
    keel_buf_printf(out, "\nFor rules in policies/%s\n",
                    m ? "" : ": nothing, its connector is not there");
    for (size_t i = 0; m && i < m->resource_count; i++) {
        add_targets(out, k->name, &m->resources[i]);
        add_attributes(out, &m->resources[i]);
    }
}

static void show_use(cli *c, const workspace_connection *k, keel_buf *out) {
    survey *w = NULL;
    diag ignored = {0};
    const survey_plugin *p = NULL;
    if (open_survey(c, &w, &ignored) == 0) {
        p = survey_find(w, k->use, PLUGIN_CONNECTOR);
    }
    const manifest *m = p ? p->manifest : NULL;
    if (m) {
        (void)survey_compile(c, w, NULL, NULL, &ignored);
        reaches_lines(w->policy, m, k, out);
    }
    show_targets(k, m, out);
    survey_free(w);
}

static void show_connection(cli *c, const workspace_connection *k) {
    keel_buf out = KEEL_BUF_INIT;
    if (c->json) {
        keel_buf_append(&out, k->config.data, k->config.len);
        keel_buf_putc(&out, '\n');
    } else {
        keel_buf_printf(&out, "%s uses %s (keel.yaml:%d)\n", k->name, k->use, k->line);
        render_fields(keel_json_view(k->config.data, k->config.len), &c->out, &out);
        show_use(c, k, &out);
        if (k->poll_count) {
            keel_buf status = KEEL_BUF_INIT;
            troubles_ask(c, &status);
            keel_buf_putc(&out, '\n');
            polls_lines(c, k, &status, false, &out);
            keel_buf_free(&status);
        }
    }
    cli_out(&out);
    if (!c->json) {
        rests_print(c, k->name);
    }
    keel_buf_free(&out);
}

static int connection_show(cli *c, const options *o, diag *d) {
    int rc = cli_workspace(c, d);
    if (rc) {
        return rc;
    }
    const char **names = keel_alloc((c->ws->connection_count + 1) * sizeof *names);
    bool found = false;
    for (size_t i = 0; i < c->ws->connection_count; i++) {
        names[i] = c->ws->connections[i].name;
        if (strcmp(names[i], o->args[0]) == 0) {
            show_connection(c, &c->ws->connections[i]);
            found = true;
        }
    }
    names[c->ws->connection_count] = NULL;
    rc = found ? 0 : no_such("connection", o->args[0], names, d);
    free(names);
    return rc;
}

/* ---- the tables ---- */

#define THING(noun, words_, what, one, ...)                                                        \
    static const command noun##_list_verb = {.name = "list",                                       \
                                             .words = "",                                          \
                                             .summary = "all " what,                               \
                                             .examples = "keel " #noun " list",                    \
                                             .run = noun##_list};                                  \
    static const command noun##_show_verb = {.name = "show",                                       \
                                             .words = "NAME",                                      \
                                             .summary = one,                                       \
                                             .examples = "keel " #noun " show NAME",               \
                                             .least = 1,                                           \
                                             .most = 1,                                            \
                                             .run = noun##_show};                                  \
    static const command *const noun##_verbs[] = {&noun##_list_verb, &noun##_show_verb,            \
                                                  __VA_ARGS__};                                    \
    const command noun##_command = {                                                               \
        .name = #noun, .words = words_, .summary = what, .verbs = noun##_verbs}

extern const command agent_test_verb;       /* agent_test.c */
extern const command agent_lessons_verb;    /* lessons.c */
extern const command connector_check_verb;  /* check.c */
extern const command connection_test_verb;  /* connection_test.c */
extern const command connection_retry_verb; /* rests.c */

THING(agent, "list | show | test | lessons", "agents: roles, and how often they ran",
      "one agent: versions, files, and its last runs", &agent_test_verb, &agent_lessons_verb, NULL);
THING(connector, "list | show | check", "connectors: translators, and their verbs",
      "one connector: verbs with their classes, attributes, needs", &connector_check_verb, NULL);
THING(connection, "list | show | test | retry", "connections: connectors configured in keel.yaml",
      "one connection: its config, what it may reach, and what rules can say of it",
      &connection_test_verb, &connection_retry_verb, NULL);
