#include "label_read.h"

#include <string.h>

int sensitivity_read(const yaml_tree *t, const yaml_node *n, sensitivity *out, diag *d) {
    const char *text = n->kind == YAML_SCALAR ? n->text : "";
    if (sensitivity_named(text, strlen(text), out)) {
        return 0;
    }
    const char *near = did_you_mean(text, sensitivity_names);
    yaml_fault(t, n, d, "sensitivity is never \"%.40s\"",
               n->kind == YAML_SCALAR ? text : "a list or map");
    if (near) {
        return diag_next(d, "Did you mean \"%s\"?", near);
    }
    return diag_next(d, "It is public, internal, confidential or restricted; without the line it "
                        "is internal.");
}

static int read_integrity(const yaml_tree *t, const yaml_node *n, item_label *out, diag *d) {
    static const char *const words[] = {"trusted", "untrusted", NULL};
    const char *text = n->kind == YAML_SCALAR ? n->text : "";
    out->untrusted = strcmp(text, words[1]) == 0;
    if (out->untrusted || strcmp(text, words[0]) == 0) {
        return 0;
    }
    const char *near = did_you_mean(text, words);
    yaml_fault(t, n, d, "integrity is never \"%.40s\"",
               n->kind == YAML_SCALAR ? text : "a list or map");
    return near ? diag_next(d, "Did you mean \"%s\"?", near)
                : diag_next(d, "It is trusted or untrusted.");
}

int label_bound_read(const yaml_tree *t, const yaml_node *n, item_label *out, diag *d) {
    static const char *const known[] = {"integrity", "sensitivity", NULL};
    item_label bound = {true, SENSITIVITY_RESTRICTED};
    if (n->kind != YAML_MAP || n->count == 0) {
        yaml_fault(t, n, d, "max_taint says what a run may read at most");
        return diag_next(d, "Write `max_taint: { integrity: trusted, sensitivity: internal }`, or "
                            "one of the two.");
    }
    int rc = yaml_known_keys(t, n, known, d);
    const yaml_node *integrity = yaml_get(n, known[0]), *level = yaml_get(n, known[1]);
    rc = rc || !integrity ? rc : read_integrity(t, integrity, &bound, d);
    rc = rc || !level ? rc : sensitivity_read(t, level, &bound.level, d);
    if (rc == 0) {
        *out = bound;
    }
    return rc;
}
