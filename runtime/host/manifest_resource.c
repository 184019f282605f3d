/* The resources of a connector: verbs with their classes. */
#include <string.h>

#include "label_read.h"
#include "manifest_read.h"

static const struct {
    const char *name;
    const char *refusal; /* of a write or compensate; NULL: accepted */
} classes[] = {
    [CLASS_NONE] = {"none", "is no class"},
    [CLASS_READ] = {"read", "changes nothing, so no write can have it"},
    [CLASS_LOCAL] = {"local", "belongs to Keel's own verbs: a connector works outside the journal"},
    [CLASS_KEYED] = {"keyed", NULL},
    [CLASS_CHECKABLE] = {"checkable", NULL},
    [CLASS_ONCE] = {"once", NULL},
    [CLASS_REPEATABLE] = {"repeatable", NULL},
};

const char *effect_class_name(effect_class c) {
    return classes[c].name;
}

static const char *const verb_names[] = {"read", "write", "compensate"};

const char *manifest_verb_name(manifest_verb_id v) {
    return verb_names[v];
}

static const char class_help[] =
    "Choose keyed, checkable, once or repeatable; there is no default. "
    "When the other side cannot tell afterwards what happened, it is once.";

static int read_class(manifest_reader *r, const yaml_node *verb, manifest_verb *v) {
    const yaml_node *n = yaml_get(verb, "class");
    if (!n) {
        return manifest_fault(r, verb, "the class is missing", class_help);
    }
    const char *name;
    int rc = manifest_text(r, n, "class", &name);
    for (effect_class c = CLASS_READ; rc == 0 && c <= CLASS_REPEATABLE; c++) {
        if (strcmp(classes[c].name, name) != 0) {
            continue;
        }
        if (classes[c].refusal) {
            yaml_fault(r->tree, n, r->d, "the class %s %s", name, classes[c].refusal);
            diag_next(r->d, "%s", class_help);
            return DIAG_USAGE;
        }
        v->class = c;
        return 0;
    }
    if (rc == 0) {
        yaml_fault(r->tree, n, r->d, "\"%.40s\" is no class", name);
        diag_next(r->d, "%s", class_help);
    }
    return DIAG_USAGE;
}

/* A duration where one may stand; *out keeps its default without one. */
static int read_duration(manifest_reader *r, const yaml_node *verb, const char *key, int64_t *out) {
    const yaml_node *n = yaml_get(verb, key);
    if (!n || yaml_duration_us(n, out)) {
        return 0;
    }
    yaml_fault(r->tree, n, r->d, "%s wants a duration", key);
    diag_next(r->d, "Write a whole number with ms, s, m, h or d, such as 30s.");
    return DIAG_USAGE;
}

static int read_window(manifest_reader *r, const yaml_node *verb, manifest_verb *v) {
    const yaml_node *n = yaml_get(verb, "window");
    if (v->class != CLASS_KEYED) {
        return n ? manifest_fault(r, n, "window belongs to the class keyed only", "Remove it.") : 0;
    }
    if (!n) {
        return manifest_fault(r, verb,
                              "keyed needs a window: how long the other side remembers a key",
                              "Add for example `window: 24h`, as its documentation says.");
    }
    int rc = read_duration(r, verb, "window", &v->window_us);
    if (rc == 0 && v->window_us == 0) {
        rc = manifest_fault(r, n, "a window of 0 remembers no key", "Use class once instead.");
    }
    return rc;
}

static int read_timeout(manifest_reader *r, const yaml_node *verb, manifest_verb *v) {
    v->timeout_us = 30 * 1000000LL;
    int rc = read_duration(r, verb, "timeout", &v->timeout_us);
    if (rc == 0 && (v->timeout_us < 1000 || v->timeout_us > 3600 * 1000000LL)) {
        rc = manifest_fault(r, yaml_get(verb, "timeout"), "a timeout is 1ms to 1h",
                            "It is the wall time of one attempt; the default is 30s.");
    }
    return rc;
}

static int read_change(manifest_reader *r, const yaml_node *n, manifest_verb *v) {
    int rc = read_class(r, n, v);
    if (rc == 0) {
        rc = read_window(r, n, v);
    }
    if (rc == 0) {
        rc = read_duration(r, n, "settle", &v->settle_us);
    }
    if (rc == 0 && yaml_get(n, "sink")) {
        rc = manifest_choice(r, yaml_get(n, "sink"), "sink", "internal", "external",
                             &v->sink_external);
    }
    if (rc == 0 && yaml_get(n, "undo")) {
        rc = manifest_choice(r, yaml_get(n, "undo"), "undo", "none", "compensate",
                             &v->undo_compensate);
    }
    if (rc == 0 && yaml_get(n, "amount")) {
        rc = manifest_path(r, yaml_get(n, "amount"), "amount", &v->amount);
    }
    return rc;
}

static const char *const verb_keys[][13] = {
    [VERB_READ] = {"class", "returns", "sensitivity", "timeout", "cost", "tokens", "items", NULL},
    [VERB_WRITE] = {"class", "returns", "sensitivity", "timeout", "cost", "tokens", "window",
                    "settle", "sink", "undo", "amount", NULL},
    [VERB_COMPENSATE] = {"class", "returns", "sensitivity", "timeout", "cost", "tokens", "window",
                         "settle", "sink", "amount", NULL},
};

static int read_read(manifest_reader *r, const yaml_node *n, manifest_verb *v) {
    const yaml_node *c = yaml_get(n, "class");
    v->class = CLASS_READ;
    if (c && (c->kind != YAML_SCALAR || strcmp(c->text, "read") != 0)) {
        return manifest_fault(r, c, "the verb read has the class read", "Leave the class out.");
    }
    return 0;
}

static int read_verb(manifest_reader *r, const yaml_node *n, manifest_verb_id id,
                     manifest_verb *v) {
    v->present = true;
    int rc = manifest_map(r, n, verb_names[id]);
    if (rc == 0) {
        rc = yaml_known_keys(r->tree, n, verb_keys[id], r->d);
    }
    if (rc == 0) {
        rc = id == VERB_READ ? read_read(r, n, v) : read_change(r, n, v);
    }
    if (rc == 0 && yaml_get(n, "returns")) {
        rc = manifest_choice(r, yaml_get(n, "returns"), "returns", "trusted", "untrusted",
                             &v->untrusted);
    }
    if (rc == 0 && yaml_get(n, "sensitivity")) {
        rc = sensitivity_read(r->tree, yaml_get(n, "sensitivity"), &v->level, r->d);
    }
    if (rc == 0) {
        rc = read_timeout(r, n, v);
    }
    return rc ? rc : manifest_cost(r, n, v);
}

/* ---- resources ---- */

static int check_verbs(manifest_reader *r, const yaml_node *n, const manifest_resource *res) {
    const manifest_verb *write = &res->verbs[VERB_WRITE];
    if (!res->verbs[VERB_READ].present && !write->present) {
        return manifest_fault(r, n, "the resource has neither read nor write", "Add one of them.");
    }
    if (write->undo_compensate && !res->verbs[VERB_COMPENSATE].present) {
        return manifest_fault(r, yaml_get(yaml_get(n, "write"), "undo"),
                              "undo: compensate, but the resource has no compensate",
                              "Add `compensate: { class: ... }`, or write `undo: none`.");
    }
    return 0;
}

static int read_resource(manifest_reader *r, const yaml_node *key, const yaml_node *n,
                         manifest_resource *res) {
    static const char *const later[] = {"maps", NULL};
    static const char *const known[] = {"schema",     "sensitivity", "read",  "write",
                                        "compensate", "attributes",  "sends", NULL};
    sensitivity level = SENSITIVITY_DEFAULT;
    int rc = manifest_word(r, key, "the name of a resource", &res->name);
    if (rc == 0) {
        rc = manifest_map(r, n, "a resource");
    }
    if (rc == 0 && yaml_get(n, "reconcile")) {
        rc = manifest_fault(r, yaml_get(n, "reconcile"), "reconcile needs no entry",
                            "Remove it: Keel reconciles by the class of the write.");
    }
    if (rc == 0) {
        rc = yaml_later_keys(r->tree, n, later, r->d);
    }
    if (rc == 0) {
        rc = yaml_known_keys(r->tree, n, known, r->d);
    }
    if (rc == 0 && yaml_get(n, "schema")) {
        rc = manifest_file_name(r, yaml_get(n, "schema"), "schema", &res->schema);
    }
    if (rc == 0 && yaml_get(n, "sensitivity")) {
        rc = sensitivity_read(r->tree, yaml_get(n, "sensitivity"), &level, r->d);
    }
    for (manifest_verb_id v = 0; rc == 0 && v < VERB_COUNT; v++) {
        const yaml_node *verb = yaml_get(n, verb_names[v]);
        res->verbs[v].level = level;
        rc = verb ? read_verb(r, verb, v, &res->verbs[v]) : 0;
    }
    if (rc == 0) {
        rc = check_verbs(r, n, res);
    }
    if (rc == 0 && res->verbs[VERB_READ].present) {
        rc = manifest_items(r, yaml_get(yaml_get(n, "read"), "items"), res);
    }
    if (rc == 0 && yaml_get(n, "attributes")) {
        rc = manifest_attributes(r, yaml_get(n, "attributes"), res);
    }
    if (rc == 0 && yaml_get(n, "sends")) {
        rc = manifest_sends(r, yaml_get(n, "sends"), res);
    }
    return rc;
}

int manifest_resources(manifest_reader *r, const yaml_node *map) {
    int rc = manifest_map(r, map, "resources");
    if (rc) {
        return rc;
    }
    r->m->resources = manifest_alloc(r, map->count * sizeof *r->m->resources);
    for (size_t i = 0; i < map->count; i++) {
        rc = read_resource(r, map->keys[i], map->items[i], &r->m->resources[i]);
        if (rc) {
            return rc;
        }
        r->m->resource_count++;
    }
    return manifest_origins(r, map);
}
