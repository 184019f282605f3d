/* A YAML tree as canonical JSON. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "keel/json.h"
#include "yamltree.h"

typedef struct scribe {
    const yaml_tree *tree;
    keel_json_writer w;
    diag *d;
} scribe;

static const char *skip_digits(const char *s) {
    return s + strspn(s, "0123456789");
}

/* JSON's own form of a number; "010" and "+1" are text. */
static bool is_number(const char *s) {
    s += *s == '-';
    const char *p = skip_digits(s);
    if (p == s || (*s == '0' && p > s + 1)) {
        return false;
    }
    if (*p == '.') {
        s = p + 1;
        p = skip_digits(s);
        if (p == s) {
            return false;
        }
    }
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '-' || *p == '+';
        s = p;
        p = skip_digits(s);
        if (p == s) {
            return false;
        }
    }
    return *p == 0;
}

static int write_number(scribe *s, const yaml_node *n) {
    double v = strtod(n->text, NULL);
    bool whole = strcspn(n->text, ".eE") == n->len;
    int64_t i = 0;
    bool exact = !whole || (yaml_int(n, &i) && i <= (INT64_C(1) << 53) && i >= -(INT64_C(1) << 53));
    if (!isfinite(v) || !exact) {
        yaml_fault(s->tree, n, s->d, "the number %.60s is out of range", n->text);
        diag_next(s->d, "Quote it, to keep it as text.");
        return DIAG_USAGE;
    }
    keel_json_number(&s->w, v);
    return 0;
}

static int write_scalar(scribe *s, const yaml_node *n) {
    bool b;
    if (yaml_bool(n, &b)) {
        keel_json_bool(&s->w, b);
    } else if (!n->quoted && (n->len == 0 || strcmp(n->text, "null") == 0)) {
        keel_json_null(&s->w);
    } else if (!n->quoted && is_number(n->text)) {
        return write_number(s, n);
    } else {
        keel_json_textn(&s->w, n->text, n->len);
    }
    return 0;
}

typedef struct member {
    const yaml_node *key, *value;
} member;

static int by_key(const void *a, const void *b) {
    const yaml_node *x = ((const member *)a)->key;
    const yaml_node *y = ((const member *)b)->key;
    return keel_json_compare_keys(x->text, x->len, y->text, y->len);
}

static int write_node(scribe *s, const yaml_node *n);

static int write_map(scribe *s, const yaml_node *n) {
    member *members = keel_alloc(n->count * sizeof *members);
    for (size_t i = 0; i < n->count; i++) {
        members[i] = (member){n->keys[i], n->items[i]};
    }
    qsort(members, n->count, sizeof *members, by_key);
    keel_json_object(&s->w);
    int rc = 0;
    for (size_t i = 0; i < n->count && rc == 0; i++) {
        keel_json_key(&s->w, members[i].key->text);
        rc = write_node(s, members[i].value);
    }
    if (rc == 0) {
        keel_json_object_end(&s->w);
    }
    free(members);
    return rc;
}

static int write_node(scribe *s, const yaml_node *n) {
    if (n->kind == YAML_SCALAR) {
        return write_scalar(s, n);
    }
    if (n->kind == YAML_MAP) {
        return write_map(s, n);
    }
    keel_json_array(&s->w);
    for (size_t i = 0; i < n->count; i++) {
        int rc = write_node(s, n->items[i]);
        if (rc) {
            return rc;
        }
    }
    keel_json_array_end(&s->w);
    return 0;
}

int yaml_to_json(const yaml_tree *t, const yaml_node *n, keel_buf *out, diag *d) {
    keel_buf text = KEEL_BUF_INIT;
    scribe s = {.tree = t, .d = d};
    keel_json_write(&s.w, &text);
    int rc = write_node(&s, n);
    if (rc == 0) {
        keel_buf_append(out, text.data, text.len);
    }
    keel_buf_free(&text);
    return rc;
}
