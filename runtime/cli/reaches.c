#include "reaches.h"

#include <string.h>

static void add_origin(void *ctx, const char *url) {
    keel_buf_printf(ctx, "  reaches %s\n", url);
}

static void add_pattern(void *ctx, const char *pattern, const char *file, int line) {
    keel_buf_printf(ctx, "    %s (%s:%d)\n", pattern, file, line);
}

static bool needs_any(const manifest *m) {
    for (size_t i = 0; i < m->need_count; i++) {
        if (m->needs[i].any) {
            return true;
        }
    }
    return false;
}

static void add_policy(const policy *p, const manifest *m, const char *name, keel_buf *out) {
    if (!p) {
        keel_buf_puts(out, "  the policy has a fault, and may allow less: `keel policy check`\n");
        return;
    }
    bool any = needs_any(m);
    if (!policy_egress(p, name, NULL, NULL)) {
        keel_buf_puts(out, any ? "  reaches any other address only where policy's `egress` lists "
                                 "it, which it does not\n"
                               : "");
        return;
    }
    keel_buf listed = KEEL_BUF_INIT;
    policy_egress(p, name, add_pattern, &listed);
    keel_buf_printf(out, "  %s\n%s",
                    !listed.len ? "of these none: policy's `egress` lists no address"
                    : any       ? "reaches what policy's `egress` lists, and of all others nothing:"
                                : "of these only what policy's `egress` lists:",
                    listed.len ? listed.data : "");
    keel_buf_free(&listed);
}

static void add_login(const manifest *m, keel_json auth, keel_buf *out) {
    keel_buf secrets = KEEL_BUF_INIT;
    size_t count = 0;
    for (keel_json_iter it = keel_json_each(auth); keel_json_next(&it);) {
        keel_json name = keel_json_get(it.value, "secret");
        if (keel_json_typeof(it.value) == KEEL_JSON_OBJECT && name.data) {
            keel_buf_puts(&secrets, count++ ? ", " : " ");
            keel_json_string(name, &secrets);
        }
    }
    keel_buf_puts(out, "  login ");
    keel_json_string(keel_json_get(auth, "kind"), out);
    if (count) {
        keel_buf_printf(out, ", secret%s%s", count > 1 ? "s" : "", secrets.data);
    }
    keel_buf_puts(out, reach_any_network(m) ? "\n" : ": not used, its connector has no way out\n");
    keel_buf_free(&secrets);
}

void reaches_lines(const policy *p, const manifest *m, const workspace_connection *k,
                   keel_buf *out) {
    diag d = {0};
    if (reach_any_network(m)) {
        if (reach_origins(m, k, add_origin, out, &d) != 0) {
            keel_buf_printf(out, "  reaches nothing: %s\n", d.what);
        } else {
            add_policy(p, m, k->name, out);
        }
    }
    if (k->auth.len) {
        add_login(m, keel_json_view(k->auth.data, k->auth.len), out);
    }
    if (k->ca) {
        keel_buf_printf(out, "  trusts %s besides the system's certificates\n", k->ca);
    }
    keel_buf_puts(out, k->private ? "  private addresses by name, too\n" : "");
    keel_buf_puts(out, k->plain ? "  streams may go without TLS\n" : "");
}
