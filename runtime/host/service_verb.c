/* Requests, and the verbs that they make up. */
#include <ctype.h>
#include <string.h>

#include "service_read.h"

/* ---- what all requests may have ---- */

int service_headers(service_reader *r, const yaml_node *n, int fill) {
    int rc = service_map(r, n, "headers");
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        const char *name = n->keys[i]->text;
        if (!*name || name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                        "0123456789-_")]) {
            return service_fault(r, n->keys[i], "this is no header's name",
                                 "Use letters, digits and -.");
        }
        rc = service_fill(r, n->items[i], fill | FILL_OPTIONAL);
    }
    return rc;
}

int service_errors(service_reader *r, const yaml_node *n) {
    static const char *const codes[] = {
        "ok",    "invalid", "denied",   "not_found",       "conflict",
        "retry", "unknown", "internal", "not_implemented", NULL};
    int rc = service_map(r, n, "errors");
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        const yaml_node *status = n->keys[i], *code = n->items[i];
        bool known = false;
        if (status->len != 3 || !strchr("12345", status->text[0]) ||
            !isdigit((unsigned char)status->text[1]) || !isdigit((unsigned char)status->text[2])) {
            return service_fault(r, status, "errors are by the status of the answer",
                                 "Write for example `423: retry`.");
        }
        for (size_t k = 0; codes[k] && code->kind == YAML_SCALAR; k++) {
            known = known || strcmp(codes[k], code->text) == 0;
        }
        if (!known) {
            return service_fault(r, code, "this is no code of an answer",
                                 "Use ok, or, when nothing was applied, invalid denied not_found "
                                 "conflict retry; unknown, when it may have been.");
        }
    }
    return rc;
}

static int check_common(service_reader *r, const yaml_node *n, int fill) {
    const yaml_node *headers = yaml_get(n, "headers"), *errors = yaml_get(n, "errors");
    const yaml_node *when = yaml_get(n, "when");
    int rc = headers ? service_headers(r, headers, fill) : 0;
    rc = rc || !errors ? rc : service_errors(r, errors);
    return rc || !when ? rc : service_path(r, when);
}

/* NAME: where it stands in the answer, or a text to fill in. */
static int check_result(service_reader *r, const yaml_node *n, int fill) {
    int rc = service_map(r, n, "result");
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        const yaml_node *v = n->items[i];
        rc = service_has_fill(v) ? service_fill(r, v, fill | FILL_HEADER | FILL_OPTIONAL)
                                 : service_path(r, v);
    }
    return rc;
}

/* Any value, each of whose texts is filled in. */
static int check_body(service_reader *r, const yaml_node *n, int fill) {
    if (n->kind == YAML_SCALAR) {
        return service_has_fill(n) ? service_fill(r, n, fill | FILL_OPTIONAL) : 0;
    }
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        rc = check_body(r, n->items[i], fill);
    }
    return rc;
}

static int check_form(service_reader *r, const yaml_node *n, int fill) {
    int rc = service_map(r, n, "form");
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        rc = service_fill(r, n->items[i], fill | FILL_OPTIONAL);
    }
    return rc;
}

/* Exactly one of the names; *out is its value. */
static int only_one(service_reader *r, const yaml_node *n, const char *const *names,
                    const char *what, const char *next, const yaml_node **out) {
    int count = 0;
    for (size_t i = 0; names[i]; i++) {
        const yaml_node *v = yaml_get(n, names[i]);
        count += v != NULL;
        *out = v ? v : *out;
    }
    return count == 1 ? 0 : service_fault(r, n, what, next);
}

/* One request, or a list of which the first that fits is made. */
static int each(service_reader *r, const yaml_node *n, int fill,
                int (*check)(service_reader *r, const yaml_node *n, int fill)) {
    if (n->kind != YAML_LIST) {
        return check(r, n, fill);
    }
    int rc = n->count ? 0 : service_fault(r, n, "the list is empty", "Add a request.");
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        bool last = i + 1 == n->count;
        rc = check(r, n->items[i], fill);
        if (rc == 0 && !last && !yaml_get(n->items[i], "when")) {
            rc = service_fault(r, n->items[i], "no request behind this one is ever made",
                               "Give it `when: ARGUMENT`, or move it to the end.");
        }
    }
    return rc;
}

/* ---- read ---- */

static int whole(service_reader *r, const yaml_node *n, const char *key) {
    int64_t v;
    const yaml_node *number = yaml_get(n, key);
    if (number && (!yaml_int(number, &v) || v < 0 || v > 1000000)) {
        return service_fault(r, number, "a whole number belongs here", "Write for example 50.");
    }
    return 0;
}

static int check_next(service_reader *r, const yaml_node *n) {
    static const char *const known[] = {"at",     "from", "full",  "link",
                                        "offset", "page", "param", NULL};
    static const char *const ways[] = {"at", "link", "offset", "page", NULL};
    const yaml_node *way = NULL;
    int rc = service_map(r, n, "next");
    rc = rc ? rc : yaml_known_keys(r->tree, n, known, r->d);
    rc = rc ? rc
            : only_one(r, n, ways, "next wants one of at, link, page and offset",
                       "Write `{ param: cursor, at: meta.next }`, `{ at: links.next }`, `{ link: "
                       "next }`, `{ page: page, full: 50 }` or `{ offset: start, full: 50 }`.",
                       &way);
    rc = rc ? rc : service_path(r, way);
    bool counts = yaml_get(n, "page") || yaml_get(n, "offset");
    if (rc == 0 && !counts && (yaml_get(n, "full") || yaml_get(n, "from"))) {
        rc = service_fault(r, n, "full and from belong to page and offset",
                           "Remove them: the answer says where the next page is.");
    }
    if (rc == 0 && yaml_get(n, "param")) {
        rc = yaml_get(n, "at") ? service_path(r, yaml_get(n, "param"))
                               : service_fault(r, n, "param belongs to at", "Remove it.");
    }
    rc = rc ? rc : whole(r, n, "full");
    return rc ? rc : whole(r, n, "from");
}

int service_read(service_reader *r, const yaml_node *n) {
    static const char *const known[] = {"as",   "errors", "get",  "headers", "id",
                                        "item", "items",  "list", "next",    NULL};
    static const char *const paths[] = {"id", "item", "items", NULL};
    int rc = service_map(r, n, "read");
    rc = rc ? rc : yaml_known_keys(r->tree, n, known, r->d);
    if (rc == 0 && !yaml_get(n, "get") && !yaml_get(n, "list")) {
        rc = service_fault(r, n, "read has neither get nor list",
                           "Add `get: /notes/{id}` for one, `list: /notes` for many.");
    }
    const yaml_node *get = yaml_get(n, "get"), *list = yaml_get(n, "list");
    const yaml_node *as = yaml_get(n, "as"), *next = yaml_get(n, "next");
    rc = rc || !get ? rc : service_address(r, get, 0);
    rc = rc || !list ? rc : service_address(r, list, 0);
    for (size_t i = 0; rc == 0 && paths[i]; i++) {
        const yaml_node *path = yaml_get(n, paths[i]);
        rc = path ? service_path(r, path) : 0;
    }
    if (rc == 0 && as && (as->kind != YAML_SCALAR || strcmp(as->text, "text") != 0)) {
        rc = service_fault(r, as, "as is text, or it is not there",
                           "Without it the answer is JSON.");
    }
    if (rc == 0 && next && !list) {
        rc = service_fault(r, next, "next belongs to a list", "Add `list: /notes`.");
    }
    rc = rc || !next ? rc : check_next(r, next);
    return rc ? rc : check_common(r, n, 0);
}

/* ---- write and compensate ---- */

static int check_request(service_reader *r, const yaml_node *n, int fill) {
    static const char *const known[] = {"body", "delete", "errors", "form", "headers", "patch",
                                        "post", "put",    "result", "text", "when",    NULL};
    static const char *const methods[] = {"delete", "patch", "post", "put", NULL};
    const yaml_node *address = NULL, *body = yaml_get(n, "body"), *form = yaml_get(n, "form");
    const yaml_node *text = yaml_get(n, "text"), *result = yaml_get(n, "result");
    int rc = service_map(r, n, "a request");
    rc = rc ? rc : yaml_known_keys(r->tree, n, known, r->d);
    rc = rc ? rc
            : only_one(r, n, methods, "a request has one of post, put, patch and delete",
                       "Write `post: /notes`.", &address);
    rc = rc ? rc : service_address(r, address, fill);
    if (rc == 0 && (body != NULL) + (form != NULL) + (text != NULL) > 1) {
        rc = service_fault(r, n, "a request has one of body, form and text",
                           "body is sent as JSON, form as a web form, text as it is.");
    }
    rc = rc || !body ? rc : check_body(r, body, fill);
    rc = rc || !form ? rc : check_form(r, form, fill);
    rc = rc || !text ? rc : service_fill(r, text, fill);
    rc = rc || !result ? rc : check_result(r, result, fill);
    return rc ? rc : check_common(r, n, fill);
}

/* Without a key in each of them, the class keyed would be a lie. */
static int check_keyed(service_reader *r, const yaml_node *n, int fill) {
    (void)fill;
    return service_sends_key(n)
               ? 0
               : service_fault(r, n, "its class is keyed, and this request sends no key",
                               "Add `key: Idempotency-Key` (the header of this service) at the "
                               "top, or {key} where the service wants it; or, if it knows no "
                               "keys, take another class in the manifest.");
}

int service_change(service_reader *r, const yaml_node *n, int fill, bool keyed) {
    int rc = each(r, n, fill, check_request);
    return rc || !keyed ? rc : each(r, n, fill, check_keyed);
}

/* ---- reconcile ---- */

/* A text that must be the answer, or what must stand where in it. */
static int check_same(service_reader *r, const yaml_node *n, int fill) {
    if (n->kind == YAML_SCALAR) {
        return service_fill(r, n, fill);
    }
    int rc = service_map(r, n, "same");
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        rc = service_path(r, n->keys[i]);
        rc = rc ? rc : service_fill(r, n->items[i], fill);
    }
    return rc;
}

static int check_question(service_reader *r, const yaml_node *n, int fill) {
    static const char *const known[] = {"errors", "found", "get",  "gone", "headers",
                                        "result", "same",  "when", NULL};
    const yaml_node *get = yaml_get(n, "get"), *found = yaml_get(n, "found");
    const yaml_node *same = yaml_get(n, "same"), *result = yaml_get(n, "result");
    const yaml_node *gone = yaml_get(n, "gone");
    bool yes = false;
    int rc = service_map(r, n, "reconcile");
    rc = rc ? rc : yaml_known_keys(r->tree, n, known, r->d);
    if (rc == 0 && !get) {
        rc = service_fault(r, n, "reconcile has no get",
                           "Add the question that finds it, such as `get: /notes?ref={key}`.");
    }
    rc = rc ? rc : service_address(r, get, fill);
    if (rc == 0 && (found != NULL) + (same != NULL) + (gone != NULL) > 1) {
        rc = service_fault(r, n, "reconcile has one of found, same and gone",
                           "found: where a match stands; same: what must be there; gone: true.");
    }
    if (rc == 0 && gone && (!yaml_bool(gone, &yes) || !yes)) {
        rc = service_fault(r, gone, "gone is true, or it is not there", "Write `gone: true`.");
    }
    rc = rc || !found ? rc : service_path(r, found);
    rc = rc || !same ? rc : check_same(r, same, fill);
    rc = rc || !result ? rc : check_result(r, result, fill);
    return rc ? rc : check_common(r, n, fill);
}

int service_reconcile(service_reader *r, const yaml_node *n) {
    return each(r, n, FILL_KEY | FILL_OUTCOME, check_question);
}
