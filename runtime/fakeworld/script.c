#include "script_mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const act_names[] = {"create", "get",    "list", "search",
                                        "update", "delete", NULL};
static const char *const paging_names[] = {"cursor", "page", "link", "after", NULL};
static const char *const paging_params[] = {"cursor", "page", "from", "after"};
static const char *const fault_names[] = {
    "lost",        "refuse_before", "late",       "error_after", "status",    "drip",
    "cut",         "double",        "malformed",  "huge",        "hang",      "hang_after",
    "forget_keys", "wrong_object",  "replay_500", "forget",      "duplicate", NULL};
static const char *const face_names[] = {"http", "smtp", "imap", NULL};

const char *fault_name(fault_kind k) {
    return fault_names[k];
}

const char *face_name(face_kind k) {
    return face_names[k];
}

static int word(const yaml_tree *t, const yaml_node *n, const char *const *words, int *out,
                diag *d) {
    for (int i = 0; n && n->kind == YAML_SCALAR && words[i]; i++) {
        if (!strcmp(n->text, words[i])) {
            *out = i;
            return 0;
        }
    }
    const char *near = n && n->kind == YAML_SCALAR ? did_you_mean(n->text, words) : NULL;
    yaml_fault(t, n, d, "'%s' is none of the words that may stand here",
               n && n->kind == YAML_SCALAR ? n->text : "this");
    return diag_next(d, "Did you mean '%s'? sdk/fakeworld.md has them all.",
                     near ? near : words[0]);
}

static const char *text(const yaml_node *map, const char *key, const char *otherwise) {
    const yaml_node *n = yaml_get(map, key);
    return n && n->kind == YAML_SCALAR ? n->text : otherwise;
}

/* Numbers and times that are left out keep what *out holds. */
static int number(const yaml_tree *t, const yaml_node *map, const char *key, int64_t *out,
                  diag *d) {
    const yaml_node *n = yaml_get(map, key);
    if (n && (!yaml_int(n, out) || *out < 0)) {
        return yaml_fault(t, n, d, "%s is a whole number that is not negative", key);
    }
    return 0;
}

static int duration(const yaml_tree *t, const yaml_node *map, const char *key, int64_t *out,
                    diag *d) {
    const yaml_node *n = yaml_get(map, key);
    if (n && !yaml_duration_us(n, out)) {
        return yaml_fault(t, n, d, "%s is a time such as 250ms, 30s or 5m", key);
    }
    return 0;
}

/* ---- routes ---- */

static int check_filter(const yaml_tree *t, const yaml_node *names, diag *d) {
    bool good = !names || names->kind == YAML_LIST;
    for (size_t i = 0; good && names && i < names->count; i++) {
        good = names->items[i]->kind == YAML_SCALAR && *names->items[i]->text;
    }
    return good ? 0
                : yaml_fault(t, names, d,
                             "filter is a list of parameters, each the name of a member");
}

static int read_route(const yaml_tree *t, const yaml_node *n, route *r, diag *d) {
    static const char *const known[] = {"method",     "path",  "do",     "key",    "window",
                                        "keep",       "query", "member", "paging", "size",
                                        "need_match", "as",    "param",  "filter", NULL};
    int act = 0, paging = PAGING_CURSOR;
    if (n->kind != YAML_MAP) {
        return yaml_fault(t, n, d, "a route is a map with method, path and do");
    }
    int rc = yaml_known_keys(t, n, known, d);
    rc = rc ? rc : word(t, yaml_get(n, "do") ? yaml_get(n, "do") : n, act_names, &act, d);
    if (!rc && yaml_get(n, "paging")) {
        rc = word(t, yaml_get(n, "paging"), paging_names, &paging, d);
    }
    *r = (route){.method = text(n, "method", ""),
                 .path = text(n, "path", ""),
                 .act = (route_act)act,
                 .paging = (route_paging)paging,
                 .key = text(n, "key", NULL),
                 .keep = text(n, "keep", NULL),
                 .query = text(n, "query", NULL),
                 .param = text(n, "param", paging_params[paging]),
                 .filter = yaml_get(n, "filter"),
                 .window_us = 86400000000,
                 .size = 10};
    r->member = text(n, "member", r->query);
    r->as = text(n, "as", act == ACT_SEARCH || paging == PAGING_LINK ? "" : "items");
    yaml_bool(yaml_get(n, "need_match"), &r->need_match);
    rc = rc ? rc : duration(t, n, "window", &r->window_us, d);
    rc = rc ? rc : number(t, n, "size", &r->size, d);
    rc = rc ? rc : check_filter(t, r->filter, d);
    if (!rc && (!*r->method || *r->path != '/')) {
        rc = yaml_fault(t, n, d, "a route needs a method and a path that begins with /");
    }
    if (!rc && r->act == ACT_SEARCH && !r->query) {
        rc = yaml_fault(t, n, d, "a search needs `query`, the parameter that it looks for");
    }
    return rc;
}

static int read_routes(script *s, const yaml_node *list, diag *d) {
    if (!list && (s->mail.smtp.on || s->mail.imap.on)) {
        return 0;
    }
    if (!list || list->kind != YAML_LIST || !list->count) {
        yaml_fault(s->tree, list ? list : yaml_tree_root(s->tree), d, "there are no routes");
        return diag_next(
            d, "Add `routes:` with at least one {method, path, do}, or `smtp:` or `imap:`.");
    }
    s->routes = keel_alloc(list->count * sizeof *s->routes);
    for (size_t i = 0; i < list->count; i++) {
        int rc = read_route(s->tree, list->items[i], &s->routes[i], d);
        if (rc) {
            return rc;
        }
        s->route_count++;
    }
    return 0;
}

/* ---- faults ---- */

static int read_chance(const yaml_tree *t, const yaml_node *n, double *out, diag *d) {
    char *end;
    if (!n) {
        return 0;
    }
    *out = n->kind == YAML_SCALAR ? strtod(n->text, &end) : -1;
    if (*out < 0 || *out > 1 || *end) {
        return yaml_fault(t, n, d, "a chance is a number from 0 to 1");
    }
    return 0;
}

/* What a face cannot do, or a key that narrows another's faults, would wait for ever. */
static int check_face(const yaml_tree *t, const yaml_node *n, const fault *f, diag *d) {
    static const unsigned char faces[FAULT_COUNT] = {
        [FAULT_FORGET_KEYS] = 1 << FACE_HTTP, [FAULT_WRONG_OBJECT] = 1 << FACE_HTTP,
        [FAULT_REPLAY_500] = 1 << FACE_HTTP,  [FAULT_FORGET] = 1 << FACE_IMAP,
        [FAULT_DUPLICATE] = 1 << FACE_SMTP,
    };
    static const struct {
        const char *key;
        face_kind face;
    } own[] = {{"path", FACE_HTTP},
               {"http", FACE_HTTP},
               {"retry_after", FACE_HTTP},
               {"to", FACE_SMTP},
               {"folder", FACE_IMAP}};
    if (faces[f->kind] && !(faces[f->kind] & 1 << f->face)) {
        return yaml_fault(t, n, d, "%s is no fault of %s", fault_name(f->kind), face_name(f->face));
    }
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (yaml_get(n, own[i].key) && own[i].face != f->face) {
            yaml_fault(t, yaml_get(n, own[i].key), d,
                       "%s narrows faults of %s, and this is one of %s", own[i].key,
                       face_name(own[i].face), face_name(f->face));
            return diag_next(d, "Say `face: %s`, or leave %s out.", face_name(own[i].face),
                             own[i].key);
        }
    }
    return 0;
}

static int read_fault(const yaml_tree *t, const yaml_node *n, fault *f, diag *d) {
    static const char *const known[] = {
        "fault",  "method",      "path", "at",   "times", "always", "chance", "after", "every",
        "status", "retry_after", "mib",  "http", "face",  "to",     "folder", NULL};
    int kind = 0, at = FACE_HTTP;
    bool always = false;
    if (n->kind != YAML_MAP) {
        return yaml_fault(t, n, d, "a fault is a map such as {fault: lost, at: 1}");
    }
    int rc = yaml_known_keys(t, n, known, d);
    rc = rc ? rc : word(t, yaml_get(n, "fault") ? yaml_get(n, "fault") : n, fault_names, &kind, d);
    rc = !rc && yaml_get(n, "face") ? word(t, yaml_get(n, "face"), face_names, &at, d) : rc;
    *f = (fault){.kind = (fault_kind)kind,
                 .face = (face_kind)at,
                 .method = text(n, "method", at == FACE_SMTP ? "MESSAGE" : NULL),
                 .path = text(n, "path", NULL),
                 .about = text(n, at == FACE_SMTP ? "to" : "folder", NULL),
                 .at = 1,
                 .times = 1,
                 .after_us = 30000000,
                 .every_us = 5000,
                 .status = at != FACE_HTTP        ? 451
                           : kind == FAULT_STATUS ? 503
                                                  : 500,
                 .mib = 32};
    yaml_bool(yaml_get(n, "always"), &always);
    yaml_bool(yaml_get(n, "http"), &f->broken_http);
    rc = rc ? rc : number(t, n, "at", &f->at, d);
    rc = rc ? rc : number(t, n, "times", &f->times, d);
    rc = rc ? rc : number(t, n, "status", &f->status, d);
    rc = rc ? rc : number(t, n, "retry_after", &f->retry_after_s, d);
    rc = rc ? rc : number(t, n, "mib", &f->mib, d);
    rc = rc ? rc : duration(t, n, "after", &f->after_us, d);
    rc = rc ? rc : duration(t, n, "every", &f->every_us, d);
    rc = rc ? rc : read_chance(t, yaml_get(n, "chance"), &f->chance, d);
    if (!rc && f->mib > 1024) {
        rc = yaml_fault(t, yaml_get(n, "mib"), d, "a huge answer has at most 1024 MiB");
    }
    if (!rc && (f->status < 100 || f->status > 599)) {
        rc = yaml_fault(t, yaml_get(n, "status"), d, "a status is a number from 100 to 599");
    }
    f->times = always ? INT64_MAX : f->times;
    return rc ? rc : check_face(t, n, f, d);
}

static int read_faults(const yaml_tree *t, const yaml_node *list, fault_list *out, diag *d) {
    if (!list) {
        return 0;
    }
    if (list->kind != YAML_LIST) {
        return yaml_fault(t, list, d, "faults are a list");
    }
    out->items = keel_alloc((list->count + 1) * sizeof *out->items);
    for (size_t i = 0; i < list->count; i++) {
        int rc = read_fault(t, list->items[i], &out->items[i], d);
        if (rc) {
            return rc;
        }
        out->count++;
    }
    return 0;
}

void script_faults_free(fault_list *f) {
    free(f->items);
    if (f->tree) {
        yaml_tree_destroy(f->tree);
    }
    *f = (fault_list){0};
}

int script_faults(fault_list *out, const char *text_, size_t len, diag *d) {
    fault_list fresh = {0};
    int rc = yaml_tree_parse(&fresh.tree, "faults", text_, len, d);
    rc = rc ? rc : read_faults(fresh.tree, yaml_tree_root(fresh.tree), &fresh, d);
    if (rc) {
        script_faults_free(&fresh);
        return rc;
    }
    script_faults_free(out);
    *out = fresh;
    return 0;
}

/* ---- the whole ---- */

void script_destroy(script *s) {
    if (!s) {
        return;
    }
    script_faults_free(&s->faults);
    free(s->routes);
    if (s->tree) {
        yaml_tree_destroy(s->tree);
    }
    free(s);
}

int script_load(script **out, const char *path, diag *d) {
    static const char *const known[] = {"routes", "faults", "seed", "users", "smtp", "imap", NULL};
    script *s = keel_alloc(sizeof *s);
    *s = (script){.seed = 1};
    int rc = yaml_tree_load(&s->tree, path, d);
    const yaml_node *root = rc ? NULL : yaml_tree_root(s->tree);
    rc = rc ? rc : yaml_known_keys(s->tree, root, known, d);
    rc = rc ? rc : number(s->tree, root, "seed", &s->seed, d);
    rc = rc ? rc : script_read_mail(&s->mail, s->tree, d);
    rc = rc ? rc : read_routes(s, yaml_get(root, "routes"), d);
    rc = rc ? rc : read_faults(s->tree, yaml_get(root, "faults"), &s->faults, d);
    if (rc) {
        script_destroy(s);
        return rc;
    }
    *out = s;
    return 0;
}

bool script_match(const char *pattern, const char *path, char *place, char *id, size_t size) {
    const char *from = path;
    size_t id_len = 0;
    while (*pattern && *path) {
        if (*pattern == '{') {
            const char *end = strchr(path, '/');
            size_t len = end ? (size_t)(end - path) : strlen(path);
            pattern = strchr(pattern, '}');
            if (!pattern || len == 0) {
                return false;
            }
            id_len = len;
            path += len;
            pattern++;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    if (*pattern || *path) {
        return false;
    }
    bool last = id_len > 0 && pattern[-1] == '}';
    size_t whole = strlen(from), place_len = last ? whole - id_len - 1 : whole;
    if (whole >= size) {
        return false;
    }
    memcpy(place, from, place_len);
    place[place_len] = 0;
    snprintf(id, size, "%s", last ? from + whole - id_len : "");
    return true;
}
