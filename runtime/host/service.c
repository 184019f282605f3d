#include "service.h"

#include <stdlib.h>
#include <string.h>

#include "fsio.h"
#include "service_read.h"

#define TEXT_LIMIT (256 << 10)

/* ---- resources ---- */

static bool keyed(const service_reader *r, const manifest_verb *v) {
    return v->class == CLASS_KEYED && !yaml_get(yaml_tree_root(r->tree), "key");
}

static int check_classes(service_reader *r, const yaml_node *n, const manifest_resource *res) {
    if (res->verbs[VERB_WRITE].class == CLASS_CHECKABLE && !yaml_get(n, "reconcile")) {
        return service_fault(r, n,
                             "the manifest says that its write is checkable, and this has no "
                             "reconcile",
                             "Add `reconcile: { get: \"/notes?ref={key}\", found: data.0 }`, or "
                             "take another class.");
    }
    if (res->verbs[VERB_COMPENSATE].class == CLASS_CHECKABLE) {
        return service_fault(r, n,
                             "the manifest says that its compensate is checkable, and "
                             "reconcile can only look for the write",
                             "Use the class repeatable (a DELETE may be repeated), keyed or once.");
    }
    if (yaml_get(n, "reconcile") && !res->verbs[VERB_WRITE].present) {
        return service_fault(r, yaml_get(n, "reconcile"), "there is no write to look for",
                             "Remove it.");
    }
    return 0;
}

/* Both files name the same verbs. */
static int check_shared(service_reader *r, const yaml_node *n, const manifest_resource *res) {
    for (manifest_verb_id v = 0; v < VERB_COUNT; v++) {
        const char *name = manifest_verb_name(v);
        const yaml_node *here = yaml_get(n, name);
        if (here && !res->verbs[v].present) {
            yaml_fault(r->tree, here, r->d, "the manifest has no %s of %s", name, res->name);
            return diag_next(r->d, "Add it to `resources` in manifest.yaml, with its class.");
        }
        if (!here && res->verbs[v].present) {
            yaml_fault(r->tree, n, r->d, "the manifest has a %s of %s, and this has none", name,
                       res->name);
            return diag_next(r->d, "Add `%s:` with its request, or remove it from manifest.yaml.",
                             name);
        }
    }
    return check_classes(r, n, res);
}

static int read_resource(service_reader *r, const yaml_node *n, const manifest_resource *res) {
    static const char *const known[] = {"compensate", "read", "reconcile", "write", NULL};
    const yaml_node *read = yaml_get(n, "read"), *write = yaml_get(n, "write");
    const yaml_node *reconcile = yaml_get(n, "reconcile"), *undo = yaml_get(n, "compensate");
    int rc = service_map(r, n, "a resource");
    rc = rc ? rc : yaml_known_keys(r->tree, n, known, r->d);
    rc = rc ? rc : check_shared(r, n, res);
    rc = rc || !read ? rc : service_read(r, read);
    rc = rc || !write ? rc : service_change(r, write, FILL_KEY, keyed(r, &res->verbs[VERB_WRITE]));
    rc = rc || !reconcile ? rc : service_reconcile(r, reconcile);
    return rc || !undo ? rc
                       : service_change(r, undo, FILL_KEY | FILL_OUTCOME,
                                        keyed(r, &res->verbs[VERB_COMPENSATE]));
}

static int read_resources(service_reader *r, const yaml_node *n) {
    int rc = service_map(r, n, "resources");
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        const manifest_resource *res = manifest_find(r->m, n->keys[i]->text);
        if (!res) {
            yaml_fault(r->tree, n->keys[i], r->d, "the manifest has no resource \"%.60s\"",
                       n->keys[i]->text);
            return diag_next(r->d, "Add it to `resources` in manifest.yaml, or correct the name.");
        }
        rc = read_resource(r, n->items[i], res);
    }
    for (size_t i = 0; rc == 0 && i < r->m->resource_count; i++) {
        if (!yaml_get(n, r->m->resources[i].name)) {
            yaml_fault(r->tree, n, r->d, "the manifest has a resource %s, and this has none",
                       r->m->resources[i].name);
            return diag_next(r->d, "Add it, or remove it from manifest.yaml.");
        }
    }
    return rc;
}

/* ---- what all of them share ---- */

static int read_base(service_reader *r, const yaml_node *n) {
    origin o;
    diag why = {0};
    manifest_need any = {.service = "http"};
    if (n->kind != YAML_SCALAR || manifest_need_origin(&any, n->text, n->len, &o, &why) < 0) {
        yaml_fault(r->tree, n, r->d, "base is no address of http%s%s", *why.what ? ": " : "",
                   why.what);
        return diag_next(r->d, "Write for example https://api.example/v1.");
    }
    return 0;
}

static int read_key(service_reader *r, const yaml_node *n) {
    int rc = service_text(r, n);
    if (rc == 0 && n->text[strspn(n->text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                           "0123456789-_")]) {
        rc = service_fault(r, n, "key is the name of the header that the key is sent in",
                           "Write `key: Idempotency-Key`, as the service's documentation says.");
    }
    return rc;
}

static int read_headers(service_reader *r, const yaml_node *n) {
    return service_headers(r, n, 0);
}

static const struct {
    const char *key;
    int (*read)(service_reader *r, const yaml_node *n);
} keys[] = {
    {"base", read_base}, {"errors", service_errors},    {"headers", read_headers},
    {"key", read_key},   {"resources", read_resources},
};
#define KEYS (sizeof keys / sizeof *keys)

/* Without an address of its own it wants the connection's, and the manifest must open it. */
static int check_needs(service_reader *r, const yaml_node *root) {
    bool own = yaml_get(root, "base") != NULL;
    for (size_t i = 0; i < r->m->need_count; i++) {
        const manifest_need *need = &r->m->needs[i];
        if (strcmp(need->service, "http") == 0 &&
            (own || (need->config && strcmp(need->config, "base") == 0))) {
            return 0;
        }
    }
    return service_fault(r, root, "the manifest opens no address for this service",
                         own ? "Add `needs: [ \"http:ADDRESS\" ]` to manifest.yaml."
                             : "Add `needs: [ \"http:{config.base}\" ]` to manifest.yaml.");
}

static int read_root(service_reader *r, const yaml_node *root) {
    const char *known[KEYS + 1] = {NULL};
    for (size_t i = 0; i < KEYS; i++) {
        known[i] = keys[i].key;
    }
    int rc = service_map(r, root, "the description of a service");
    rc = rc ? rc : yaml_known_keys(r->tree, root, known, r->d);
    rc = rc ? rc : check_needs(r, root);
    if (rc == 0 && !yaml_get(root, "resources")) {
        rc = service_fault(r, root, "resources is missing",
                           "Add `resources:` with those of the manifest.");
    }
    for (size_t i = 0; rc == 0 && i < KEYS; i++) {
        const yaml_node *n = yaml_get(root, keys[i].key);
        rc = n ? keys[i].read(r, n) : 0;
    }
    return rc;
}

int service_parse(keel_buf *json, const manifest *m, const char *file, const char *text, size_t len,
                  diag *d) {
    yaml_tree *tree;
    int rc = yaml_tree_parse(&tree, file, text, len, d);
    if (rc < 0) {
        return rc;
    }
    service_reader r = {m, tree, d};
    rc = read_root(&r, yaml_tree_root(tree));
    rc = rc ? rc : yaml_to_json(tree, yaml_tree_root(tree), json, d);
    yaml_tree_destroy(tree);
    return rc;
}

int service_convert(keel_buf *json, const manifest *m, const char *folder, const keel_buf *text,
                    diag *d) {
    keel_buf file = KEEL_BUF_INIT;
    keel_buf_printf(&file, "%s/%s", folder, m->entry);
    int rc = service_parse(json, m, file.data, text->len ? text->data : "", text->len, d);
    keel_buf_free(&file);
    return rc;
}

int service_check(const manifest *m, const char *folder, diag *d) {
    keel_buf path = KEEL_BUF_INIT, text = KEEL_BUF_INIT, json = KEEL_BUF_INIT;
    keel_buf_printf(&path, "%s/%s", folder, m->entry);
    int rc = fsio_read(path.data, TEXT_LIMIT, &text, d);
    rc = rc ? rc : service_convert(&json, m, folder, &text, d);
    keel_buf_free(&path);
    keel_buf_free(&text);
    keel_buf_free(&json);
    return rc;
}
