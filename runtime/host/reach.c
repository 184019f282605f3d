#include "reach.h"

#include <string.h>

static bool has_need(const manifest *m, const char *service) {
    for (size_t i = 0; i < m->need_count; i++) {
        if (strcmp(m->needs[i].service, service) == 0) {
            return true;
        }
    }
    return false;
}

bool reach_http(const manifest *m) {
    return has_need(m, "http");
}

bool reach_stream(const manifest *m) {
    return has_need(m, "stream");
}

bool reach_any_network(const manifest *m) {
    return reach_http(m) || reach_stream(m);
}

/* Any of them leads out of the machine, so its place and key are named. */
static int refuse(const workspace_connection *c, const manifest_need *need, const diag *why,
                  diag *d) {
    diag_at(d, DIAG_USAGE, "keel.yaml", c->line, c->column,
            "the connection %s: config.%s is no address that it can use: %s", c->name, need->config,
            why->what);
    return diag_next(d, "%s",
                     why->next[0] ? why->next
                                  : "Write the whole address, such as https://api.example/v1.");
}

/* The address of a need into *url; empty: the config has none. */
static int address_of(const manifest_need *need, const workspace_connection *c, keel_buf *url,
                      diag *why) {
    if (need->literal) {
        keel_buf_puts(url, need->literal);
        return 0;
    }
    keel_json v = keel_json_path(keel_json_view(c->config.data, c->config.len), need->config);
    if (!v.data || keel_json_typeof(v) == KEEL_JSON_NULL) {
        return 0;
    }
    if (!keel_json_string(v, url)) {
        return diag_set(why, DIAG_USAGE, "it is no text");
    }
    return url->len ? 0 : diag_set(why, DIAG_USAGE, "it is empty");
}

static int one_origin(const manifest_need *need, const workspace_connection *c, keel_buf *out,
                      diag *d) {
    keel_buf url = KEEL_BUF_INIT;
    origin found;
    diag why = {0};
    int rc = address_of(need, c, &url, &why);
    if (rc == 0 && url.len) {
        rc = manifest_need_origin(need, url.data, url.len, &found, &why);
    }
    if (rc) {
        rc = refuse(c, need, &why, d);
    } else if (url.len) {
        origin_write(&found, out);
    }
    keel_buf_free(&url);
    return rc;
}

int reach_origins(const manifest *m, const workspace_connection *c, reach_origin *each, void *ctx,
                  diag *d) {
    keel_buf url = KEEL_BUF_INIT;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < m->need_count; i++) {
        const manifest_need *need = &m->needs[i];
        if (strcmp(need->service, "file") == 0 || need->any) {
            continue;
        }
        keel_buf_clear(&url);
        rc = one_origin(need, c, &url, d);
        if (rc == 0 && url.len) {
            each(ctx, url.data);
        }
    }
    keel_buf_free(&url);
    return rc;
}

static void write_origin(void *ctx, const char *url) {
    keel_json_text(ctx, url);
}

static bool needs_any(const manifest *m) {
    for (size_t i = 0; i < m->need_count; i++) {
        if (m->needs[i].any) {
            return true;
        }
    }
    return false;
}

static void write_allow(keel_json_writer *w, const char *const *allow, size_t count) {
    keel_json_key(w, "allow");
    keel_json_array(w);
    for (size_t i = 0; i < count; i++) {
        keel_json_text(w, allow[i]);
    }
    keel_json_array_end(w);
}

int reach_body(keel_buf *out, const manifest *m, const workspace_connection *c,
               const char *const *allow, size_t allow_count, bool has_allow, diag *d) {
    keel_buf body = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &body);
    keel_json_object(&w);
    if (has_allow) {
        write_allow(&w, allow, allow_count);
    }
    keel_json_set_bool(&w, "any", has_allow && needs_any(m));
    if (c->auth.len) {
        keel_json_set_raw(&w, "auth", keel_json_view(c->auth.data, c->auth.len));
    }
    if (c->ca) {
        keel_json_set_text(&w, "ca", c->ca);
    }
    keel_json_set_text(&w, "name", c->name);
    keel_json_key(&w, "origins");
    keel_json_array(&w);
    int rc = reach_origins(m, c, write_origin, &w, d);
    if (rc == 0) {
        keel_json_array_end(&w);
        keel_json_set_bool(&w, "plain", c->plain);
        keel_json_set_bool(&w, "private", c->private);
        keel_json_object_end(&w);
        keel_buf_append(out, body.data, body.len);
    }
    keel_buf_free(&body);
    return rc;
}
