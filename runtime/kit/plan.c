#include "plan.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *beside(const char *folder, const char *name) {
    keel_buf b = KEEL_BUF_INIT;
    if (name[0] == '/') {
        keel_buf_puts(&b, name);
    } else {
        keel_buf_printf(&b, "%s/%s", folder, name);
    }
    return b.data;
}

static int optional_json(const plan *p, const yaml_node *map, const char *key, keel_buf *out,
                         diag *d) {
    const yaml_node *n = yaml_get(map, key);
    return n ? yaml_to_json(p->tree, n, out, d) : 0;
}

static int read_case(const plan *p, const yaml_node *n, const manifest *m, plan_case *c, diag *d) {
    static const char *const known[] = {"resource", "write", "read", "expect", "compensate", NULL};
    *c = (plan_case){.resource = NULL};
    if (n->kind != YAML_MAP) {
        return yaml_fault(p->tree, n, d, "a case is a map with resource, and write or read");
    }
    int rc = yaml_known_keys(p->tree, n, known, d);
    const yaml_node *name = yaml_get(n, "resource"), *how = yaml_get(n, "compensate");
    if (!rc && (!name || name->kind != YAML_SCALAR || !manifest_find(m, name->text))) {
        yaml_fault(p->tree, name ? name : n, d, "a case names a resource of the manifest");
        return diag_next(d, "The manifest has %s.",
                         m->resource_count ? m->resources[0].name : "no resources");
    }
    c->resource = rc ? NULL : name->text;
    rc = rc ? rc : optional_json(p, n, "write", &c->write, d);
    rc = rc ? rc : optional_json(p, n, "read", &c->read, d);
    rc = rc ? rc : optional_json(p, n, "expect", &c->expect, d);
    if (!rc && how && strcmp(how->text ? how->text : "", "removes") != 0) {
        c->corrects = how->text && !strcmp(how->text, "corrects");
        rc = c->corrects ? 0 : yaml_fault(p->tree, how, d, "compensate is `removes` or `corrects`");
    }
    return rc;
}

static int read_cases(plan *p, const yaml_node *list, const manifest *m, diag *d) {
    if (!list) {
        return 0;
    }
    if (list->kind != YAML_LIST) {
        return yaml_fault(p->tree, list, d, "cases are a list");
    }
    p->cases = keel_alloc((list->count + 1) * sizeof *p->cases);
    for (size_t i = 0; i < list->count; i++) {
        int rc = read_case(p, list->items[i], m, &p->cases[p->case_count++], d);
        if (rc) {
            return rc;
        }
    }
    return 0;
}

static int read_state(plan *p, const yaml_node *list, diag *d) {
    if (!list) {
        return 0;
    }
    if (list->kind != YAML_LIST || !list->count) {
        return yaml_fault(p->tree, list, d, "state is a command: a list of its words");
    }
    p->state = keel_alloc((list->count + 1) * sizeof *p->state);
    for (size_t i = 0; i < list->count; i++) {
        p->state[i] = list->items[i]->kind == YAML_SCALAR ? list->items[i]->text : "";
    }
    p->state[list->count] = NULL;
    return 0;
}

static int read_world(plan *p, const yaml_node *n, const char *folder, diag *d) {
    if (n && n->kind == YAML_MAP) {
        return yaml_to_json(p->tree, n, &p->inlined, d);
    }
    if (n && n->kind == YAML_SCALAR) {
        p->world = beside(folder, n->text);
    }
    return 0;
}

/* Every folder that the manifest asks for. */
static void default_config(plan *p, const manifest *m) {
    keel_buf loose = KEEL_BUF_INIT;
    keel_json_error e;
    keel_buf_putc(&loose, '{');
    for (size_t i = 0; i < m->need_count; i++) {
        const manifest_need *n = &m->needs[i];
        if (n->config && !strcmp(n->service, "file") && !strchr(n->config, '.')) {
            keel_buf_printf(&loose, "%s\"%s\":\"{folder}\"", loose.len > 1 ? "," : "", n->config);
        }
    }
    keel_buf_putc(&loose, '}');
    if (keel_json_canonical(&p->config, loose.data, loose.len, &e) != 0) {
        keel_buf_puts(&p->config, "{}"); /* two needs of one name */
    }
    keel_buf_free(&loose);
}

static int read_all(plan *p, const char *folder, const manifest *m, diag *d) {
    static const char *const known[] = {"config",  "seed",  "world", "auth", "state",
                                        "secrets", "cases", "ca",    NULL};
    const yaml_node *root = yaml_tree_root(p->tree), *config = yaml_get(root, "config");
    const yaml_node *seed = yaml_get(root, "seed"), *ca = yaml_get(root, "ca");
    int rc = yaml_known_keys(p->tree, root, known, d);
    if (!rc && config && config->kind != YAML_MAP) {
        rc = yaml_fault(p->tree, config, d, "config is a map, as in keel.yaml");
    }
    rc = rc ? rc : optional_json(p, root, "config", &p->config, d);
    rc = rc ? rc : optional_json(p, root, "auth", &p->auth, d);
    rc = rc ? rc : optional_json(p, root, "secrets", &p->secrets, d);
    rc = rc ? rc : read_world(p, yaml_get(root, "world"), folder, d);
    rc = rc ? rc : read_state(p, yaml_get(root, "state"), d);
    rc = rc ? rc : read_cases(p, yaml_get(root, "cases"), m, d);
    if (!rc && seed && seed->kind == YAML_SCALAR) {
        p->seed = beside(folder, seed->text);
    }
    if (!rc && ca && ca->kind == YAML_SCALAR) {
        p->ca = beside(folder, ca->text);
    }
    return rc;
}

int plan_load(plan **out, const char *folder, const manifest *m, diag *d) {
    plan *p = keel_alloc(sizeof *p);
    char *path = beside(folder, "check.yaml");
    *p = (plan){.given = access(path, F_OK) == 0};
    int rc = p->given ? yaml_tree_load(&p->tree, path, d) : 0;
    rc = rc || !p->given ? rc : read_all(p, folder, m, d);
    if (!rc && !p->config.len) {
        default_config(p, m);
    }
    free(path);
    if (rc) {
        plan_destroy(p);
        return rc;
    }
    *out = p;
    return 0;
}

void plan_destroy(plan *p) {
    if (!p) {
        return;
    }
    for (size_t i = 0; i < p->case_count; i++) {
        keel_buf_free(&p->cases[i].write);
        keel_buf_free(&p->cases[i].read);
        keel_buf_free(&p->cases[i].expect);
    }
    keel_buf_free(&p->config);
    keel_buf_free(&p->inlined);
    keel_buf_free(&p->auth);
    keel_buf_free(&p->secrets);
    free(p->seed);
    free(p->ca);
    free(p->world);
    free((void *)p->state);
    free(p->cases);
    if (p->tree) {
        yaml_tree_destroy(p->tree);
    }
    free(p);
}

const plan_case *plan_find(const plan *p, const char *resource) {
    for (size_t i = 0; i < p->case_count; i++) {
        if (!strcmp(p->cases[i].resource, resource)) {
            return &p->cases[i];
        }
    }
    return NULL;
}

/* The inside of a JSON string. */
static void put_escaped(keel_buf *out, const char *text) {
    keel_buf quoted = KEEL_BUF_INIT;
    if (keel_json_quote(&quoted, text, strlen(text)) == 0) {
        keel_buf_append(out, quoted.data + 1, quoted.len - 2);
    }
    keel_buf_free(&quoted);
}

static bool put_variable(keel_buf *out, const char *name, size_t len) {
    char key[128];
    if (len < 5 || strncmp(name, "env.", 4) != 0 || len - 4 >= sizeof key) {
        return false;
    }
    memcpy(key, name + 4, len - 4);
    key[len - 4] = 0;
    const char *value = getenv(key);
    put_escaped(out, value ? value : "");
    return true;
}

void plan_fill(keel_buf *out, keel_json from, const char *folder, const char *base) {
    for (size_t i = 0; i < from.len; i++) {
        const char *p = from.data + i;
        const char *end = *p == '{' ? memchr(p, '}', from.len - i) : NULL;
        size_t len = end ? (size_t)(end - p) - 1 : 0;
        if (end && len == 6 && !strncmp(p + 1, "folder", 6)) {
            put_escaped(out, folder);
        } else if (end && len == 4 && !strncmp(p + 1, "base", 4)) {
            put_escaped(out, base);
        } else if (!end || !put_variable(out, p + 1, len)) {
            keel_buf_putc(out, *p);
            continue;
        }
        i += len + 1;
    }
}
