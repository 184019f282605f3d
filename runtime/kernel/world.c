/* The world that the kernel governs: plugins, connections, policy. What is new is journaled with
 * its bytes before it takes force; what runs still point into is kept. */
#include <stdlib.h>
#include <string.h>

#include "breaker.h"
#include "failpoint.h"
#include "grants.h"
#include "polls.h"
#include "reach.h"
#include "sums.h"

void kernel_world_free(kernel_world *w) {
    policy_destroy(w->policy);
    workspace_policies_free(w->policy_files, w->policy_file_count);
    if (w->workspace) {
        workspace_destroy(w->workspace);
    }
    if (w->library) {
        library_close(w->library);
    }
    *w = (kernel_world){0};
}

const plugin *plugin_find(kernel *k, const digest *d) {
    const plugin *p = k->world.library ? library_by_digest(k->world.library, d) : NULL;
    for (size_t i = k->retired_count; !p && i-- > 0;) {
        p = library_by_digest(k->retired[i], d);
    }
    return p;
}

connection *connection_find(kernel *k, const char *name) {
    for (connection *c = k->connections; c; c = c->next) {
        if (!c->gone && !strcmp(c->name, name)) {
            return c;
        }
    }
    return NULL;
}

/* ---- plugins ---- */

typedef struct known {
    bool found;
} known;

static int on_known(void *ctx, int columns, const char *const *values, const char *const *names) {
    (void)columns;
    (void)values;
    (void)names;
    ((known *)ctx)->found = true;
    return 1;
}

static bool is_known(kernel *k, const char *hex) {
    const char *params[] = {hex};
    known seen = {false};
    reader_query(k->env.reads, "SELECT 1 FROM plugin WHERE lower(hex(digest)) = ?", params, 1,
                 on_known, &seen, NULL);
    return seen.found;
}

static void write_files(keel_json_writer *w, kernel *k, const plugin *p) {
    keel_json_key(w, "files");
    keel_json_array(w);
    for (size_t i = 0; i < p->file_count; i++) {
        const plugin_file *f = &p->files[i];
        /* A shared object stays in its folder, its bytes are not read here: the digest is its name.
         */
        if (!p->manifest->native || strcmp(f->name, p->manifest->entry) != 0) {
            turn_artifact(k->turn->records, &f->digest, f->data.data, f->data.len);
        }
        keel_json_object(w);
        keel_json_key(w, "digest");
        keel_json_hex(w, f->digest.bytes, DIGEST_SIZE);
        keel_json_set_text(w, "name", f->name);
        keel_json_object_end(w);
    }
    keel_json_array_end(w);
}

static void journal_plugin(kernel *k, const plugin *p) {
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_key(&w, "digest");
    keel_json_hex(&w, p->digest.bytes, DIGEST_SIZE);
    write_files(&w, k, p);
    keel_json_set_text(&w, "id", p->manifest->id);
    keel_json_set_text(&w, "kind", p->manifest->kind == PLUGIN_AGENT ? "agent" : "connector");
    keel_json_set_text(&w, "name", p->manifest->name);
    keel_json_set_text(&w, "version", p->manifest->version);
    keel_json_object_end(&w);
    journal_add(k, RECORD_PLUGIN, 0, "", &k->scratch);
}

static void take_plugins(kernel *k) {
    for (size_t i = 0; i < library_count(k->world.library); i++) {
        const plugin *p = library_get(k->world.library, i);
        char hex[DIGEST_HEX];
        digest_hex(&p->digest, hex);
        if (map_get(&k->journaled, digest_word(&p->digest))) {
            continue;
        }
        map_put(&k->journaled, digest_word(&p->digest), k);
        if (!is_known(k, hex)) {
            journal_plugin(k, p);
        }
    }
}

/* ---- connections ---- */

static void retire(kernel *k, connection *c) {
    breaker_retire(k, c);
    c->gone = true;
    for (worker *w = k->workers; w; w = w->next) {
        if (w->connection == c) {
            worker_stop(k, w);
        }
    }
}

/* All that the connection is: another body is another connection. */
static void connection_body(const workspace_connection *wc, const plugin *p, keel_buf *out) {
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    if (wc->auth.len) {
        keel_json_set_raw(&w, "auth", keel_json_view(wc->auth.data, wc->auth.len));
    }
    if (wc->ca) {
        keel_json_set_text(&w, "ca", wc->ca);
    }
    keel_json_set_raw(&w, "config", keel_json_view(wc->config.data, wc->config.len));
    keel_json_key(&w, "digest");
    keel_json_hex(&w, p->digest.bytes, DIGEST_SIZE);
    keel_json_set_text(&w, "name", wc->name);
    if (wc->plain) {
        keel_json_set_bool(&w, "plain", true);
    }
    keel_json_set_text(&w, "plugin", p->manifest->id);
    if (wc->private) {
        keel_json_set_bool(&w, "private", true);
    }
    keel_json_set_text(&w, "version", p->manifest->version);
    keel_json_object_end(&w);
}

typedef struct last_known {
    const keel_buf *body;
    int64_t seq;
    bool same;
} last_known;

static int on_connection_seq(void *ctx, int columns, const char *const *values,
                             const char *const *names) {
    (void)columns;
    (void)names;
    ((last_known *)ctx)->seq = strtoll(values[0], NULL, 10);
    return 0;
}

static int on_connection_record(void *ctx, const journal_row *row) {
    last_known *l = ctx;
    l->same = row->body.len == l->body->len && !memcmp(row->body.data, l->body->data, l->body->len);
    return 0;
}

/* The seq of the last record of c, if that says what c is now; else 0. */
static int64_t recorded_as(kernel *k, const connection *c, const keel_buf *body) {
    const char *params[] = {c->name};
    last_known l = {.body = body};
    reader_query(k->env.reads, "SELECT seq FROM connection WHERE name = ?", params, 1,
                 on_connection_seq, &l, NULL);
    if (l.seq) {
        reader_record(k->env.reads, l.seq, on_connection_record, &l, NULL);
    }
    return l.same ? l.seq : 0;
}

static bool in_workspace(const workspace *w, const char *name) {
    for (size_t i = 0; i < w->connection_count; i++) {
        if (!strcmp(w->connections[i].name, name)) {
            return true;
        }
    }
    return false;
}

static connection *connection_new(kernel *k, const workspace_connection *wc, const plugin *p,
                                  keel_buf *body) {
    connection *c = keel_alloc(sizeof *c);
    *c = (connection){.next = k->connections,
                      .id = ++k->next_connection,
                      .name = keel_strdup(wc->name),
                      .plugin = p,
                      .body = *body};
    *body = (keel_buf)KEEL_BUF_INIT;
    keel_buf_append(&c->config, wc->config.data, wc->config.len);
    k->connections = c;
    kv_load(k, c);
    bool start = !k->governs;
    c->seq = start ? recorded_as(k, c, &c->body) : 0;
    bool same = c->seq != 0;
    if (!same) {
        c->seq = journal_add(k, RECORD_CONNECTION, 0, "", &c->body);
    }
    if (start) {
        breaker_restore(k, c, same);
    }
    return c;
}

typedef struct allowed {
    const char **patterns;
    size_t count;
} allowed;

static void on_allowed(void *ctx, const char *pattern, const char *file, int line) {
    allowed *a = ctx;
    (void)file;
    (void)line;
    a->patterns = keel_realloc(a->patterns, (a->count + 1) * sizeof *a->patterns);
    a->patterns[a->count++] = pattern;
}

int world_reach(const policy *p, const manifest *m, const workspace_connection *wc, keel_buf *out,
                diag *d) {
    allowed a = {0};
    bool speaks = policy_egress(p, wc->name, on_allowed, &a);
    int rc = reach_any_network(m) ? reach_body(out, m, wc, a.patterns, a.count, speaks, d) : 0;
    free(a.patterns);
    return rc;
}

static void take_connection(kernel *k, const workspace_connection *wc) {
    const plugin *p = library_plugin(k->world.library, wc->use, PLUGIN_CONNECTOR);
    connection *c = connection_find(k, wc->name);
    keel_buf body = KEEL_BUF_INIT;
    if (!p) {
        return; /* load_world has refused a connection without a plugin */
    }
    connection_body(wc, p, &body);
    if (!c || c->body.len != body.len || memcmp(c->body.data, body.data, body.len) != 0) {
        if (c) {
            retire(k, c);
        }
        c = connection_new(k, wc, p, &body);
    }
    c->plugin = p;        /* the same bytes, which may have been checked since */
    c->level = wc->level; /* no part of what it is: what it did stays its own when that changes */
    keel_buf_free(&body);
    keel_buf_clear(&c->reach);
    world_reach(k->world.policy, p->manifest, wc, &c->reach, NULL); /* checked by load_world */
}

static void take_connections(kernel *k) {
    for (connection *c = k->connections; c; c = c->next) {
        if (!c->gone && !in_workspace(k->world.workspace, c->name)) {
            retire(k, c);
        }
    }
    for (size_t i = 0; i < k->world.workspace->connection_count; i++) {
        take_connection(k, &k->world.workspace->connections[i]);
    }
}

/* ---- policy ---- */

static void take_policy(kernel *k) {
    keel_json_writer w;
    if (k->has_policy && digest_equal(&k->policy_digest, policy_digest(k->world.policy))) {
        return;
    }
    k->policy_digest = *policy_digest(k->world.policy);
    k->has_policy = true;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_key(&w, "digest");
    keel_json_hex(&w, k->policy_digest.bytes, DIGEST_SIZE);
    keel_json_key(&w, "files");
    keel_json_array(&w);
    for (size_t i = 0; i < k->world.policy_file_count; i++) {
        const workspace_policy *f = &k->world.policy_files[i];
        digest d = digest_of(f->text.data, f->text.len);
        turn_artifact(k->turn->records, &d, f->text.data, f->text.len);
        keel_json_object(&w);
        keel_json_key(&w, "digest");
        keel_json_hex(&w, d.bytes, DIGEST_SIZE);
        keel_json_set_text(&w, "name", f->file);
        keel_json_object_end(&w);
    }
    keel_json_array_end(&w);
    keel_json_object_end(&w);
    journal_add(k, RECORD_POLICY, 0, "", &k->scratch);
    kernel_log(k, "info", 0, "policy in force: %zu rules", policy_rule_count(k->world.policy));
}

/* At the start it is done when all that is open is there. */
static void count_anew(kernel *k) {
    diag d = {0};
    if (k->governs && sums_load(k, &d)) {
        kernel_log(k, "error", 0,
                   "what was sent could not be counted for the new policy: %s; no rule with a sum "
                   "or count allows anything until keel policy reload",
                   d.what);
    }
}

/* Of a world that is gone only its plugins are pointed into, by runs, workers and open calls. */
static void retire_world(kernel *k, kernel_world *old) {
    if (old->library) {
        k->retired = keel_realloc(k->retired, (k->retired_count + 1) * sizeof *k->retired);
        k->retired[k->retired_count++] = old->library;
        old->library = NULL;
    }
    kernel_world_free(old);
}

void world_take(kernel *k, kernel_world *w) {
    kernel_world old = k->world;
    if (old.library && library_same(old.library, w->library)) {
        library_close(w->library);
        w->library = old.library;
        old.library = NULL;
    }
    k->world = *w;
    (void)KEEL_FP("world.loaded");
    turn_ready(k);
    take_plugins(k);
    take_connections(k);
    count_anew(k);
    take_policy(k);
    polls_take(k);
    grants_renew(k);
    watch_renew(k);
    (void)KEEL_FP("world.taken");
    egress_renew(k);
    k->governs = true;
    retire_world(k, &old);
}

void world_refused(kernel *k, const diag *d) {
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_int(&w, "column", d->column);
    keel_json_set_text(&w, "file", d->file);
    keel_json_set_int(&w, "line", d->line);
    keel_json_set_text(&w, "what", d->what);
    keel_json_object_end(&w);
    journal_add(k, RECORD_POLICY_REFUSED, 0, "", &k->scratch);
    kernel_log(k, "error", 0, "not reloaded, the old policy stays in force: %s:%d:%d: %s", d->file,
               d->line, d->column, d->what);
}

void world_free(kernel *k) {
    while (k->connections) {
        connection *c = k->connections;
        k->connections = c->next;
        timer_clear(&k->timers, &c->breaker.timer);
        free(c->name);
        keel_buf_free(&c->config);
        keel_buf_free(&c->body);
        keel_buf_free(&c->reach);
        keel_buf_free(&c->kv);
        free(c);
    }
    for (size_t i = 0; i < k->retired_count; i++) {
        library_close(k->retired[i]);
    }
    free(k->retired);
    kernel_world_free(&k->world);
    map_free(&k->journaled);
}
