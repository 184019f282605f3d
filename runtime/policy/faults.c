/* How faults and warnings are told, and how far one fault reaches. */
#include <string.h>

#include "compileint.h"

int compile_fault(compiler *c, const yaml_node *n, const char *what, const char *next) {
    yaml_fault(c->tree, n, c->d, "%s", what);
    diag_next(c->d, "%s", next);
    return DIAG_USAGE;
}

void compile_warn(compiler *c, const char *file, int line, int column, const char *what,
                  const char *next) {
    if (c->warn) {
        diag d;
        diag_at(&d, DIAG_USAGE, file, line, column, "%s", what);
        diag_next(&d, "%s", next);
        c->warn(c->warn_ctx, &d);
    }
}

static bool told_before(compiler *c) {
    const diag *d = c->d;
    uint64_t what = text_hash(d->file, strlen(d->file), false) ^
                    text_hash(d->what, strlen(d->what), false) * 31;
    told at = {what, d->line, d->column};
    for (size_t i = 0; i < c->fault_count; i++) {
        const told *t = &c->told[i];
        if (t->what == at.what && t->line == at.line && t->column == at.column) {
            return true;
        }
    }
    c->told[c->fault_count] = at;
    return false;
}

int compile_go_on(compiler *c, int rc) {
    if (rc != DIAG_USAGE || !c->fault || c->fault_count == POLICY_FAULTS) {
        return rc;
    }
    if (!told_before(c)) {
        c->first = c->fault_count++ ? c->first : *c->d;
        c->fault(c->warn_ctx, c->d);
    }
    return c->fault_count < POLICY_FAULTS ? 0 : rc;
}

/* Key by key, so that each fault is told. */
int compile_keys(compiler *c, const yaml_node *n, const char *const *later,
                 const char *const *known) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        const yaml_node one = {
            .kind = YAML_MAP, .count = 1, .keys = &n->keys[i], .items = &n->items[i]};
        rc = yaml_later_keys(c->tree, &one, later, c->d);
        rc = compile_go_on(c, rc ? rc : yaml_known_keys(c->tree, &one, known, c->d));
    }
    return rc;
}
