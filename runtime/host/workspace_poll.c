/* keel.yaml: what of a connection is polled, and how often. */
#include <string.h>

#include "workspace_int.h"

#define SECOND 1000000LL
#define LEAST  SECOND
#define MOST   (86400 * SECOND)

static int read_one(const workspace_reader *r, const yaml_node *name, const yaml_node *every,
                    workspace_poll *p) {
    if (!workspace_is_word(name->text, SMALL, SMALL DIGITS "_-", 39)) {
        yaml_fault(r->tree, name, r->d, "\"%.60s\" cannot be the name of a resource", name->text);
        return diag_next(r->d, "`keel connector show ID` lists what the connector offers.");
    }
    if (!yaml_duration_us(every, &p->every_us) || p->every_us < LEAST || p->every_us > MOST) {
        yaml_fault(r->tree, every, r->d, "how often `%s` is polled is a duration between 1s and 1d",
                   name->text);
        return diag_next(r->d, "For example: `poll: { %s: 60s }`.", name->text);
    }
    p->resource = keel_strdup(name->text);
    p->line = name->line;
    p->column = name->column;
    return 0;
}

int workspace_read_polls(const workspace_reader *r, const yaml_node *n, workspace_connection *c) {
    if (n->kind != YAML_MAP || n->count == 0) {
        return workspace_fault(r, n, "`poll` is a map from resources to how often they are read",
                               "For example: `poll: { message: 60s }`.");
    }
    c->polls = keel_alloc(n->count * sizeof *c->polls);
    memset(c->polls, 0, n->count * sizeof *c->polls);
    for (size_t i = 0; i < n->count; i++) {
        c->poll_count = i + 1;
        int rc = read_one(r, n->keys[i], n->items[i], &c->polls[i]);
        if (rc) {
            return rc;
        }
    }
    return 0;
}
