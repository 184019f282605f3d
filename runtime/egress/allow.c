/* Where a connection may go. The URL is parsed once, strictly, and what curl gets is written from
 * what was parsed, so that no two readers disagree. */
#include <string.h>

#include "egress.h"

static bool listed(const connection *c, const origin *o) {
    for (size_t i = 0; i < c->allow_count; i++) {
        if (origin_pattern_covers(c->allow[i], o)) {
            return true;
        }
    }
    return false;
}

/* By the connection's own origins. */
static void judge_own(permit *p, const connection *c) {
    for (size_t i = 0; i < c->origin_count; i++) {
        const origin *own = &c->origins[i].o;
        if (origin_covers(own, &p->o)) {
            p->own = true;
            p->private_ok = p->private_ok || own->literal;
        }
    }
}

int permit_check(permit *p, const connection *c, const char *url, size_t len, diag *d) {
    memset(p, 0, sizeof *p);
    if (origin_parse(&p->o, url, len, d) < 0) {
        return DIAG_USAGE;
    }
    p->private_ok = c->private_ok;
    judge_own(p, c);
    bool in_list = listed(c, &p->o);
    if (!p->own && !(c->any && in_list)) {
        diag_set(d, DIAG_DENIED, "Connection %s may not speak to %s:%u.", c->name, p->o.host,
                 (unsigned)p->o.port);
        return diag_next(d, "Its addresses are those that its connector's manifest needs and that "
                            "keel.yaml gives it; compare scheme, port and path too.");
    }
    if (c->limited && !in_list) {
        diag_set(d, DIAG_DENIED, "The policy does not let connection %s speak to %s:%u.", c->name,
                 p->o.host, (unsigned)p->o.port);
        return diag_next(d, "Add the address to `egress` in a policy, if it is meant to be.");
    }
    origin_write(&p->o, &p->url);
    keel_buf_putc(&p->url, '\0');
    p->url.len--;
    return 0;
}

void permit_free(permit *p) {
    keel_buf_free(&p->url);
}
