#include "probe.h"

#include <stdlib.h>
#include <string.h>

#include "keel/buf.h"

#define KNOCK_US 20000000
#define READ_US  60000000

struct probe {
    kit k;
    kit_settings parts;
    site site;
    uint64_t bare; /* the connection without its login, as egress knows it; 0: no way out */
};

int probe_open(probe **out, const probe_settings *s, diag *d) {
    probe *p = keel_alloc(sizeof *p);
    *p = (probe){.parts = s->parts};
    p->k = (kit){.set = &p->parts, .plugin = s->plugin, .root = s->root};
    if (uv_loop_init(&p->k.loop) != 0) {
        free(p);
        return diag_set(d, DIAG_FAILED, "no loop can be made");
    }
    int rc = s->reach->len ? net_start(&p->k.net, &p->k.loop, s->parts.egress, &s->secrets, d) : 0;
    kit_site_begin(&p->site, &p->k, s->config, s->reach->len ? s->reach : NULL);
    if (rc) {
        probe_close(p);
        return rc;
    }
    p->bare = p->k.net ? net_connection(p->k.net, s->bare) : 0;
    *out = p;
    return 0;
}

void probe_close(probe *p) {
    if (!p) {
        return;
    }
    site_close(&p->site);
    net_stop(p->k.net);
    uv_run(&p->k.loop, UV_RUN_DEFAULT); /* what closes */
    uv_loop_close(&p->k.loop);
    free(p);
}

bool probe_start(probe *p, const char **why) {
    bool up = kit_site_up(&p->site);
    *why = p->site.why;
    return up;
}

int probe_knock(probe *p, const char *url, bool login, knock *out, diag *d) {
    return knock_at(p->k.net, &p->k.loop, ++p->k.next, login ? p->site.connection : p->bare, url,
                    KNOCK_US, out, d);
}

void probe_read(probe *p, const char *resource, keel_json query, said *out) {
    const manifest_resource *r = manifest_find(p->k.plugin->manifest, resource);
    int64_t own = r->verbs[VERB_READ].timeout_us;
    ask a = {.verb = "read",
             .resource = resource,
             .body = query,
             .deadline_us = own && own < READ_US ? own : READ_US};
    kit_site_ask(&p->site, &a, out);
}
