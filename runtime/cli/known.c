#include "known.h"

#include <stdlib.h>
#include <string.h>

#include "survey.h"
#include "yamltree.h"

#define RUNS_MOST    "3000" /* the last runs that are looked at, */
#define WRITTEN_MOST "300"  /* and their writes */

typedef struct known_name {
    char *name;
    const char *what;
    bool own;
} known_name;

struct known_lists {
    known_name *list;
    size_t count, room;
    keel_buf written; /* arguments of what was done before, one JSON text after the other */
    size_t *ends;
    size_t written_count;
    survey *survey; /* manifests; NULL: they cannot be read */
};

/* ---- the lists of the policy ---- */

static bool is_name(const yaml_node *n) {
    return n->kind == YAML_SCALAR && strchr(n->text, '.') && !strpbrk(n->text, " */?$");
}

static void add_list(known_lists *k, const char *list, const yaml_node *items) {
    bool own = strcmp(list, "own_domains") == 0;
    for (size_t i = 0; items->kind == YAML_LIST && i < items->count; i++) {
        if (!is_name(items->items[i])) {
            continue;
        }
        if (k->count == k->room) {
            k->room = k->room ? k->room * 2 : 16;
            k->list = keel_realloc(k->list, k->room * sizeof *k->list);
        }
        k->list[k->count++] =
            (known_name){keel_strdup(items->items[i]->text),
                         own ? "one of your own domains" : "in a list of your policy", own};
    }
}

static void add_policy(known_lists *k, const workspace_policy *p) {
    yaml_tree *t = NULL;
    diag ignored;
    if (yaml_tree_parse(&t, p->file, p->text.data ? p->text.data : "", p->text.len, &ignored)) {
        return;
    }
    const yaml_node *lists = yaml_get(yaml_tree_root(t), "lists");
    for (size_t i = 0; lists && lists->kind == YAML_MAP && i < lists->count; i++) {
        add_list(k, lists->keys[i]->text, lists->items[i]);
    }
    yaml_tree_destroy(t);
}

static void read_policies(cli *c, known_lists *k) {
    workspace_policy *files = NULL;
    size_t count = 0;
    diag ignored;
    if (cli_workspace(c, &ignored) == 0 &&
        workspace_policies(c->ws, &files, &count, &ignored) == 0) {
        for (size_t i = 0; i < count; i++) {
            add_policy(k, &files[i]);
        }
        workspace_policies_free(files, count);
    }
}

/* ---- who was written to ---- */

static int take_written(void *ctx, int columns, const char *const *v, const char *const *names) {
    (void)columns;
    (void)names;
    cli *c = ctx;
    known_lists *k = c->known;
    diag ignored;
    if (reader_member(c->db, strtoll(v[0], NULL, 10), "args", &k->written, &ignored) == 0) {
        k->ends = keel_realloc(k->ends, (k->written_count + 1) * sizeof *k->ends);
        k->ends[k->written_count++] = k->written.len;
    }
    return 0;
}

static void read_written(cli *c) {
    diag ignored;
    if (cli_reader(c, &ignored) == 0) {
        (void)reader_query(c->db,
                           "SELECT args_seq FROM effect WHERE state = 'done' AND"
                           " target LIKE '%.write' AND run > (SELECT max(id) FROM run)"
                           " - " RUNS_MOST " ORDER BY run DESC, path DESC LIMIT " WRITTEN_MOST,
                           NULL, 0, take_written, c, &ignored);
    }
}

static known_lists *known_of(cli *c) {
    diag ignored;
    if (!c->known) {
        c->known = keel_alloc(sizeof *c->known);
        *c->known = (known_lists){.list = NULL};
        read_policies(c, c->known);
        read_written(c);
        if (cli_workspace(c, &ignored) == 0) {
            (void)survey_load(c, &c->known->survey, NULL, NULL, &ignored);
        }
    }
    return c->known;
}

const manifest_resource *known_resource(cli *c, const char *target) {
    const known_lists *k = known_of(c);
    const char *dot = strchr(target, '.'), *end = strrchr(target, '.');
    char resource[64];
    if (!k->survey || !dot || end == dot || (size_t)(end - dot) > sizeof resource) {
        return NULL;
    }
    snprintf(resource, sizeof resource, "%.*s", (int)(end - dot - 1), dot + 1);
    for (size_t i = 0; i < k->survey->view.connection_count; i++) {
        const policy_connection *cn = &k->survey->view.connections[i];
        if (strlen(cn->name) == (size_t)(dot - target) &&
            strncmp(cn->name, target, (size_t)(dot - target)) == 0) {
            return cn->plugin ? manifest_find(cn->plugin, resource) : NULL;
        }
    }
    return NULL;
}

void known_add(cli *c, alike_known *to) {
    const known_lists *k = known_of(c);
    for (size_t i = 0; i < k->count; i++) {
        alike_add(to, k->list[i].name, strlen(k->list[i].name), k->list[i].what, k->list[i].own);
    }
    for (size_t i = 0, from = 0; i < k->written_count; from = k->ends[i++]) {
        alike_add_from(to, keel_json_view(k->written.data + from, k->ends[i] - from),
                       "who was written to before");
    }
}

void known_free(known_lists *k) {
    if (!k) {
        return;
    }
    for (size_t i = 0; i < k->count; i++) {
        free(k->list[i].name);
    }
    survey_free(k->survey);
    free(k->list);
    free(k->ends);
    keel_buf_free(&k->written);
    free(k);
}
