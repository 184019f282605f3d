/* Texts with {names} in them, addresses, and paths into an answer. */
#include <ctype.h>
#include <string.h>

#include "service_read.h"

int service_fault(service_reader *r, const yaml_node *n, const char *what, const char *next) {
    yaml_fault(r->tree, n, r->d, "%s", what);
    diag_next(r->d, "%s", next);
    return DIAG_USAGE;
}

int service_map(service_reader *r, const yaml_node *n, const char *what) {
    if (n->kind == YAML_MAP && n->count > 0) {
        return 0;
    }
    yaml_fault(r->tree, n, r->d, "%s wants a map", what);
    diag_next(r->d, "Write `key: value` lines below it, or { key: value }.");
    return DIAG_USAGE;
}

/* Whether it becomes a number, true, false or null: 2022.10 would then be sent as 2022.1. */
static bool is_typed(const service_reader *r, const yaml_node *n) {
    keel_buf json = KEEL_BUF_INIT;
    bool typed = yaml_to_json(r->tree, n, &json, NULL) != 0 || json.data[0] != '"';
    keel_buf_free(&json);
    return typed;
}

int service_text(service_reader *r, const yaml_node *n) {
    if (n->kind != YAML_SCALAR || n->len == 0) {
        return service_fault(r, n, "a text belongs here",
                             "Write it on the same line; a text that begins with a brace wants "
                             "quotes: \"{id}\".");
    }
    return is_typed(r, n) ? service_fault(r, n, "a text belongs here, and this is read as a value",
                                          "Write it in quotes.")
                          : 0;
}

/* ---- names between braces ---- */

static bool begins(const char *name, size_t len, const char *first) {
    size_t n = strlen(first);
    return len >= n && memcmp(name, first, n) == 0 && (len == n || name[n] == '.');
}

static bool is_name(const char *name, size_t len) {
    size_t ok = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.");
    return len > 0 && ok >= len && name[0] != '.' && name[len - 1] != '.' &&
           !memmem(name, len, "..", 2);
}

static int check_name(service_reader *r, const yaml_node *n, const char *name, size_t len,
                      int fill) {
    static const struct {
        const char *first;
        int bit;
        const char *what;
    } own[] = {
        {"key", FILL_KEY, "{key} is there in write, reconcile and compensate only"},
        {"outcome", FILL_OUTCOME, "{outcome...} is there in reconcile and compensate only"},
        {"header", FILL_HEADER, "{header...} is of an answer, and there in result only"},
    };
    bool optional = len > 0 && name[len - 1] == '?';
    if (optional && !(fill & FILL_OPTIONAL)) {
        return service_fault(r, n, "nothing can be left out here",
                             "Take the question mark away, or move it into the query.");
    }
    if (!is_name(name, len - (optional ? 1 : 0))) {
        return service_fault(r, n, "between braces stands the name of an argument",
                             "Write {name} or {name.part}; a brace that stands for itself is "
                             "doubled: {{ or }}.");
    }
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (begins(name, len, own[i].first) && !(fill & own[i].bit)) {
            return service_fault(r, n, own[i].what,
                                 "An argument of that name is {arguments.NAME}.");
        }
    }
    return 0;
}

/* The next {name} behind *at, and *at behind it; 1: found, 0: no more, or DIAG_USAGE. */
static int next_name(service_reader *r, const yaml_node *n, const char **at, const char **name,
                     size_t *len) {
    const char *p = *at;
    while ((p = strpbrk(p, "{}"))) {
        if (p[1] == *p) {
            p += 2;
            continue;
        }
        const char *end = *p == '{' ? strpbrk(p + 1, "{}") : NULL;
        if (!end || *end != '}') {
            return service_fault(r, n, *p == '{' ? "a brace is not closed" : "a brace too many",
                                 "Write {name}; a brace that stands for itself is doubled: {{ or "
                                 "}}.");
        }
        *name = p + 1;
        *len = (size_t)(end - p - 1);
        *at = end + 1;
        return 1;
    }
    return 0;
}

int service_fill(service_reader *r, const yaml_node *n, int fill) {
    const char *name, *at = n->text;
    size_t len;
    int rc = service_text(r, n);
    while (rc == 0 && (rc = next_name(r, n, &at, &name, &len)) == 1) {
        rc = check_name(r, n, name, len, fill);
    }
    return rc;
}

bool service_has_fill(const yaml_node *n) {
    return n->kind == YAML_SCALAR && strpbrk(n->text, "{}");
}

bool service_sends_key(const yaml_node *n) {
    if (n->kind == YAML_SCALAR) {
        const char *p = n->text;
        for (; (p = strstr(p, "{key}")); p++) {
            if (p == n->text || p[-1] != '{') {
                return true;
            }
        }
        return false;
    }
    for (size_t i = 0; i < n->count; i++) {
        if (service_sends_key(n->items[i])) {
            return true;
        }
    }
    return false;
}

/* ---- addresses ---- */

/* "." and ".." as they are written; what is filled in is checked when it is. */
static bool has_dots(const char *path, size_t len) {
    for (size_t at = 0; at <= len;) {
        size_t n = 0;
        while (at + n < len && path[at + n] != '/') {
            n++;
        }
        if ((n == 1 || n == 2) && memcmp(path + at, "..", n) == 0) {
            return true;
        }
        at += n + 1;
    }
    return false;
}

static int check_plain(service_reader *r, const yaml_node *n) {
    for (const char *p = n->text; *p; p++) {
        if (!isgraph((unsigned char)*p) || strchr("\"#<>\\^`|", *p)) {
            return service_fault(r, n, "an address cannot hold this character",
                                 "Write it percent-encoded: %20 for a blank, %23 for #.");
        }
    }
    return 0;
}

/* Each part of a query is NAME=TEXT, so that {name?} can leave it out. */
static int check_query(service_reader *r, const yaml_node *n, const char *query) {
    while (*query) {
        size_t len = strcspn(query, "&"), name = strcspn(query, "={}&");
        if (name == 0 || query[name] != '=' || memchr(query, '?', name)) {
            return service_fault(r, n, "a query is of NAME=TEXT, with & between",
                                 "Write for example /notes?tag={tag?}&sort=date.");
        }
        query += len + (query[len] == '&');
    }
    return 0;
}

/* An optional name may stand in the query alone. */
static int check_path_part(service_reader *r, const yaml_node *n, size_t len) {
    for (const char *p = n->text; (p = strstr(p, "?}")); p++) {
        if ((size_t)(p - n->text) < len) {
            return service_fault(r, n, "nothing can be left out of a path",
                                 "Take the question mark away, or move it into the query.");
        }
    }
    return has_dots(n->text, len)
               ? service_fault(r, n, "a path cannot hold . or ..", "Write where it leads to.")
               : 0;
}

/* Where the query begins: the first question mark that is not part of {name?}. */
static size_t path_length(const char *text) {
    size_t at = 0;
    for (bool inside = false; text[at] && (inside || text[at] != '?'); at++) {
        inside = text[at] == '{' || (inside && text[at] != '}');
    }
    return at;
}

int service_address(service_reader *r, const yaml_node *n, int fill) {
    int rc = service_text(r, n);
    if (rc == 0 && (n->text[0] != '/' || n->text[1] == '/')) {
        return service_fault(r, n, "an address begins with a slash, and continues `base`",
                             "Write for example /notes/{id}.");
    }
    rc = rc ? rc : check_plain(r, n);
    rc = rc ? rc : service_fill(r, n, fill | FILL_OPTIONAL);
    if (rc == 0) {
        size_t len = path_length(n->text);
        rc = check_path_part(r, n, len);
        if (rc == 0 && n->text[len]) {
            rc = check_query(r, n, n->text + len + 1);
        }
    }
    return rc;
}

/* ---- paths into an answer ---- */

int service_path(service_reader *r, const yaml_node *n) {
    int rc = service_text(r, n);
    if (rc == 0 && !is_name(n->text, n->len)) {
        return service_fault(r, n, "this is no place in an answer",
                             "Write names with dots between, and numbers for lists, from 0: "
                             "data.0.id.");
    }
    return rc;
}
