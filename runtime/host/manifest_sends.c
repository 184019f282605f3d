/* `sends`: which fields a write takes, and what may stand in each. */
#include <string.h>

#include "manifest_read.h"

static const char *const form_names[] = {"any", "text", "line", "address"};

static int read_form(manifest_reader *r, const yaml_node *n, manifest_send *out) {
    for (size_t i = 0; i < sizeof form_names / sizeof *form_names; i++) {
        if (n->kind == YAML_SCALAR && strcmp(n->text, form_names[i]) == 0) {
            *out = (manifest_send)i;
            return 0;
        }
    }
    return manifest_fault(r, n, "a field of sends is address, line, text or any",
                          "Write for example `sends: { to: address, subject: line, body: text }`.");
}

int manifest_sends(manifest_reader *r, const yaml_node *n, manifest_resource *res) {
    int rc = manifest_map(r, n, "sends");
    if (rc) {
        return rc;
    }
    res->sends = manifest_alloc(r, n->count * sizeof *res->sends);
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        manifest_field *f = &res->sends[i];
        rc = manifest_text(r, n->keys[i], "the name of a field", &f->name);
        rc = rc ? rc : read_form(r, n->items[i], &f->form);
        res->send_count += rc == 0;
    }
    return rc;
}
