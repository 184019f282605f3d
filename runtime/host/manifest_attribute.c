/* Attributes: what policies compare, computed by Keel out of the arguments of a write. `to_origin` also
 * needs to know what was read: which field of an item names it, and which who has written it. */
#include <string.h>

#include "manifest_read.h"

static int read_fn(manifest_reader *r, const yaml_node *n, manifest_attr *a) {
    static const char *const names[] = {"value", "domain", "count", "length", "origin", NULL};
    static const char *const later[] = {"known_fact", "sha256", NULL};
    const char *name = "value";
    int rc = n ? manifest_text(r, n, "fn", &name) : 0;
    for (size_t i = 0; rc == 0 && names[i]; i++) {
        if (strcmp(names[i], name) == 0) {
            a->fn = (attr_fn)i;
            return 0;
        }
    }
    for (size_t i = 0; rc == 0 && later[i]; i++) {
        if (strcmp(later[i], name) == 0) {
            return manifest_fault(r, n, "this fn is known, not yet enforced in this version",
                                  "Use value, domain, count, length or origin.");
        }
    }
    if (rc == 0) {
        yaml_fault(r->tree, n, r->d, "\"%.40s\" is no fn of an attribute", name);
        const char *near = did_you_mean(name, names);
        diag_next(r->d,
                  near ? "Did you mean \"%s\"?" : "Use value, domain, count, length or origin.",
                  near);
    }
    return DIAG_USAGE;
}

static int read_of(manifest_reader *r, const yaml_node *n, manifest_attr *a) {
    if (n->kind == YAML_MAP || (n->kind == YAML_LIST && n->count == 0)) {
        return manifest_fault(r, n, "of wants the fields that the attribute is computed from",
                              "Write `of: [to, cc, bcc]`.");
    }
    size_t count = n->kind == YAML_LIST ? n->count : 1;
    a->of = manifest_alloc(r, count * sizeof *a->of);
    for (size_t i = 0; i < count; i++) {
        int rc = manifest_path(r, n->kind == YAML_LIST ? n->items[i] : n, "of", &a->of[i]);
        if (rc) {
            return rc;
        }
        a->of_count++;
    }
    return 0;
}

/* Its name is Keel's own, and so is what it says: no field of the arguments can pass for it. */
static int read_answers(manifest_reader *r, const yaml_node *key, const yaml_node *n,
                        manifest_attr *a) {
    static const char help[] =
        "Write `to_origin: { of: [to, cc, bcc], fn: origin, answers: in_reply_to }`.";
    const yaml_node *answers = yaml_get(n, "answers"), *among = yaml_get(n, "among");
    bool named = strcmp(a->name, MANIFEST_ORIGIN) == 0;
    if (named != (a->fn == ATTR_ORIGIN)) {
        return manifest_fault(r, key,
                              named ? "to_origin is Keel's own, and has fn: origin"
                                    : "what fn: origin computes is named to_origin",
                              help);
    }
    if (!named) {
        const yaml_node *odd = answers ? answers : among;
        return odd ? manifest_fault(r, odd, "answers and among belong to fn: origin only", help)
                   : 0;
    }
    if (!answers) {
        return manifest_fault(r, n, "answers is missing: the field that names what is answered",
                              help);
    }
    int rc = manifest_path(r, answers, "answers", &a->answers);
    return rc || !among ? rc : manifest_word(r, among, "among", &a->among);
}

static int read_attribute(manifest_reader *r, const yaml_node *key, const yaml_node *n,
                          manifest_attr *a) {
    static const char *const known[] = {"of", "fn", "answers", "among", NULL};
    static const char *const taken[] = {"tainted", "sink",   "sensitivity", "class",
                                        "agent",   "target", "to_known",    NULL};
    int rc = manifest_word(r, key, "the name of an attribute", &a->name);
    for (size_t i = 0; rc == 0 && taken[i]; i++) {
        if (strcmp(taken[i], a->name) == 0) {
            rc = manifest_fault(r, key, "this attribute is Keel's own", "Choose another name.");
        }
    }
    if (rc == 0) {
        rc = manifest_map(r, n, "an attribute");
    }
    if (rc == 0) {
        rc = yaml_known_keys(r->tree, n, known, r->d);
    }
    if (rc == 0 && !yaml_get(n, "of")) {
        rc = manifest_fault(r, n, "of is missing", "Write `of: [FIELD]`.");
    }
    if (rc == 0) {
        rc = read_of(r, yaml_get(n, "of"), a);
    }
    rc = rc ? rc : read_fn(r, yaml_get(n, "fn"), a);
    return rc ? rc : read_answers(r, key, n, a);
}

int manifest_attributes(manifest_reader *r, const yaml_node *n, manifest_resource *res) {
    int rc = manifest_map(r, n, "attributes");
    if (rc) {
        return rc;
    }
    res->attrs = manifest_alloc(r, n->count * sizeof *res->attrs);
    for (size_t i = 0; i < n->count; i++) {
        rc = read_attribute(r, n->keys[i], n->items[i], &res->attrs[i]);
        if (rc) {
            return rc;
        }
        res->attr_count++;
    }
    return 0;
}

/* ---- what is read ---- */

int manifest_items(manifest_reader *r, const yaml_node *n, manifest_resource *res) {
    static const char *const known[] = {"id", "sender", NULL};
    if (!n) {
        return 0;
    }
    int rc = manifest_map(r, n, "items");
    rc = rc ? rc : yaml_known_keys(r->tree, n, known, r->d);
    if (rc == 0 && (!yaml_get(n, "id") || !yaml_get(n, "sender"))) {
        return manifest_fault(
            r, n, "items wants the fields id and sender",
            "Write `items: { id: message_id, sender: from }`: what names an item, "
            "and who has written it.");
    }
    rc = rc ? rc : manifest_path(r, yaml_get(n, "id"), "id", &res->item_id);
    return rc ? rc : manifest_path(r, yaml_get(n, "sender"), "sender", &res->item_sender);
}

const manifest_attr *manifest_origin(const manifest_resource *res) {
    for (size_t i = 0; res && i < res->attr_count; i++) {
        if (res->attrs[i].fn == ATTR_ORIGIN) {
            return &res->attrs[i];
        }
    }
    return NULL;
}

/* Of each to_origin: what is answered can be read, and then it is known who has written it. */
int manifest_origins(manifest_reader *r, const yaml_node *map) {
    for (size_t i = 0; i < r->m->resource_count; i++) {
        manifest_resource *res = &r->m->resources[i];
        const manifest_attr *a = manifest_origin(res);
        const yaml_node *at = a ? yaml_get(yaml_get(map->items[i], "attributes"), a->name) : NULL;
        const manifest_resource *of =
            a ? manifest_find(r->m, a->among ? a->among : res->name) : NULL;
        if (a && (!of || !of->item_id)) {
            yaml_fault(r->tree, yaml_get(at, "among") ? yaml_get(at, "among") : at, r->d,
                       of ? "%s does not say what names an item and who has written it"
                          : "there is no resource named %s",
                       a->among ? a->among : res->name);
            diag_next(
                r->d,
                "Add to what is answered `read: { items: { id: FIELD, sender: FIELD } }`, and "
                "name it with `among` where it is another resource.");
            return DIAG_USAGE;
        }
    }
    return 0;
}
