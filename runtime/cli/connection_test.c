#include "connection_test.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "launch.h"
#include "logins.h"
#include "paths.h"
#include "reach.h"
#include "secretlist.h"
#include "text.h"
#include "yamltree.h"

static const char *const verdicts[] = {"ok", "fail", "skip"};

static void print_json(const char *step, verdict v, const char *what, const char *next) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_text(&w, "next", next);
    keel_json_set_text(&w, "step", step);
    keel_json_set_text(&w, "verdict", verdicts[v]);
    keel_json_set_text(&w, "what", what);
    keel_json_object_end(&w);
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
}

static void print_line(const cli *c, const char *step, verdict v, const char *what,
                       const char *next) {
    keel_buf out = KEEL_BUF_INIT, word = KEEL_BUF_INIT;
    keel_buf_printf(&word, "%-4s", verdicts[v]);
    term_put(&c->out, &out, v == VERDICT_SKIPPED ? TINT_DIM : term_outcome(verdicts[v]), word.data);
    keel_buf_printf(&out, "  %-9s  ", step);
    text_line(&out, what, strlen(what));
    keel_buf_putc(&out, '\n');
    if (*next) {
        keel_buf_printf(&out, "%17s", "");
        text_line(&out, next, strlen(next));
        keel_buf_putc(&out, '\n');
    }
    cli_out(&out);
    keel_buf_free(&out);
    keel_buf_free(&word);
}

void proof_tell(proof *p, verdict v, int exit, const char *step, const char *next,
                const char *format, ...) {
    keel_buf what = KEEL_BUF_INIT;
    va_list ap;
    va_start(ap, format);
    keel_buf_vprintf(&what, format, ap);
    va_end(ap);
    p->counts[v]++;
    if (v == VERDICT_FAILED && !p->exit) {
        p->exit = exit;
    }
    if (p->c->json) {
        print_json(step, v, what.data, next ? next : "");
    } else {
        print_line(p->c, step, v, what.data, next ? next : "");
    }
    keel_buf_free(&what);
}

static bool tell_fault(proof *p, const char *step, int exit, const diag *d) {
    if (d->line) {
        proof_tell(p, VERDICT_FAILED, exit, step, d->next, "%s:%d:%d: %s", d->file, d->line,
                   d->column, d->what);
    } else {
        proof_tell(p, VERDICT_FAILED, exit, step, d->next, "%s", d->what);
    }
    return false;
}

/* ---- what stands in files ---- */

/* A .so that a build put elsewhere: that of the shipped plugin. */
static char *so_folder(const survey_plugin *found) {
    const char *slash = strrchr(found->folder, '/');
    keel_buf name = KEEL_BUF_INIT;
    keel_buf_printf(&name, "plugins/%s", slash ? slash + 1 : found->folder);
    char *path = path_share(name.data);
    keel_buf_free(&name);
    return path;
}

static bool proof_connector(proof *p, const survey_plugin *found) {
    diag d = {0};
    if (!found) {
        proof_tell(p, VERDICT_FAILED, 1, "connector", "See what is there: keel connector list",
                   "keel.yaml:%d:%d: %s uses %s, and no connector is that", p->k->line,
                   p->k->column, p->k->name, p->k->use);
        return false;
    }
    char *lua = path_share("lua/keel.lua"), *so = so_folder(found);
    int rc = library_read_source(&p->plugin, found->folder, lua, so, &d);
    free(lua);
    free(so);
    if (rc) {
        return tell_fault(p, "connector", 1, &d);
    }
    p->m = p->plugin->manifest;
    proof_tell(p, VERDICT_OK, 0, "connector", NULL, "%s %s (%s)", p->m->id, p->m->version,
               found->from);
    return true;
}

/* The folders that it may open. */
static bool proof_folders(proof *p) {
    keel_json config = keel_json_view(p->k->config.data, p->k->config.len);
    bool good = true;
    for (size_t i = 0; i < p->m->need_count; i++) {
        const manifest_need *n = &p->m->needs[i];
        keel_buf path = KEEL_BUF_INIT;
        if (!n->mode) {
            continue;
        }
        if (n->literal) {
            keel_buf_puts(&path, n->literal);
        } else {
            keel_json_string(keel_json_path(config, n->config), &path);
        }
        if (path.len) {
            bool writes = !strcmp(n->mode, "rw");
            char *whole = launch_path(p->c->ws->root, path.data);
            bool open = access(whole, writes ? R_OK | W_OK | X_OK : R_OK | X_OK) == 0;
            good = good && open;
            proof_tell(p, open ? VERDICT_OK : VERDICT_FAILED, 1, "folder",
                       open ? NULL : "Make it, or name another one in keel.yaml.", "%s: %s", whole,
                       !open    ? strerror(errno)
                       : writes ? "read and written"
                                : "read");
            free(whole);
        }
        keel_buf_free(&path);
    }
    return good;
}

static bool proof_login(proof *p) {
    keel_json auth =
        p->k->auth.len ? keel_json_view(p->k->auth.data, p->k->auth.len) : (keel_json){0};
    keel_buf kind = KEEL_BUF_INIT, user = KEEL_BUF_INIT;
    diag d = {0};
    if (login_check(p->m, p->k, &d) != 0) {
        return tell_fault(p, "auth", 1, &d);
    }
    recipe_parse(&p->recipe, auth, NULL);
    if (auth.len && !reach_any_network(p->m)) {
        proof_tell(p, VERDICT_SKIPPED, 0, "auth", "Remove `auth`; it does nothing here.",
                   "%s has no way out, so its login is not used", p->m->id);
    } else if (auth.len) {
        keel_json_string(keel_json_get(auth, "kind"), &kind);
        keel_json_string(keel_json_get(auth, "user"), &user);
        proof_tell(p, VERDICT_OK, 0, "auth", NULL, "%s%s%s", kind.data, user.len ? " as " : "",
                   user.len ? user.data : "");
    }
    keel_buf_free(&kind);
    keel_buf_free(&user);
    return true;
}

static bool proof_secrets(proof *p) {
    keel_buf folder = KEEL_BUF_INIT;
    secret_places places = secret_places_of(p->c, &folder);
    bool good = true;
    for (const char *const *name = recipe_secrets(p->recipe); *name; name++) {
        secret s = {NULL, 0};
        diag d = {0};
        if (secret_read(&s, &places, *name, &d) != 0) {
            good = tell_fault(p, "secret", 4, &d);
            continue;
        }
        proof_tell(p, VERDICT_OK, 0, "secret", NULL, "%s: %zu bytes", *name, s.len);
        secret_free(&s);
    }
    keel_buf_free(&folder);
    return good;
}

/* ---- what egress is told ---- */

typedef struct patterns {
    const char **all;
    size_t count;
} patterns;

static void on_pattern(void *ctx, const char *pattern, const char *file, int line) {
    patterns *a = ctx;
    (void)file;
    (void)line;
    a->all = keel_realloc(a->all, (a->count + 1) * sizeof *a->all);
    a->all[a->count++] = pattern;
}

static bool proof_reach(proof *p) {
    diag d = {0};
    patterns a = {NULL, 0};
    if (!reach_any_network(p->m)) {
        return true;
    }
    if (survey_compile(p->c, p->w, NULL, NULL, &d) != 0) {
        return tell_fault(p, "policy", 1, &d);
    }
    bool speaks = policy_egress(p->w->policy, p->k->name, on_pattern, &a);
    workspace_connection bare = *p->k;
    bare.auth = (keel_buf)KEEL_BUF_INIT;
    int rc = reach_body(&p->reach, p->m, p->k, a.all, a.count, speaks, &d);
    rc = rc ? rc : reach_body(&p->bare, p->m, &bare, a.all, a.count, speaks, &d);
    free(a.all);
    return rc ? tell_fault(p, "address", 1, &d) : true;
}

/* ---- what runs ---- */

static bool proof_config(proof *p) {
    const char *why;
    if (!probe_start(p->probe, &why)) {
        proof_tell(p, VERDICT_FAILED, 1, "config",
                   "Correct `config` of the connection in keel.yaml.", "%s %s: %s", p->m->id,
                   p->m->version, why);
        return false;
    }
    proof_tell(p, VERDICT_OK, 0, "config", NULL, "its connector runs, and takes it");
    return true;
}

static void tell_read(proof *p, const char *resource, const said *s) {
    char text[700];
    if (s->how == SAID_REPLY) {
        keel_json items = keel_json_get(keel_json_view(s->result.data, s->result.len), "items");
        proof_tell(p, VERDICT_OK, 0, "read", NULL, "%s: %s", resource,
                   keel_json_typeof(items) != KEEL_JSON_ARRAY ? "answered"
                   : keel_json_count(items)                   ? "one came"
                                                              : "there is none");
    } else if (s->how == SAID_FAIL && !strcmp(s->code, "invalid")) {
        proof_tell(p, VERDICT_SKIPPED, 0, "read", NULL, "%s: it wants to be asked for more: %s",
                   resource, s->message);
    } else {
        proof_tell(p, VERDICT_FAILED, s->how == SAID_FAIL && !strcmp(s->code, "denied") ? 4 : 1,
                   "read", NULL, "%s: %s", resource,
                   s->how == SAID_FAIL ? s->message : said_text(s, text, sizeof text));
    }
}

static void proof_reads(proof *p) {
    static const char query[] = "{\"limit\":1}";
    for (size_t i = 0; i < p->m->resource_count; i++) {
        const manifest_resource *r = &p->m->resources[i];
        said s = {.how = SAID_DIED};
        if (r->verbs[VERB_READ].present) {
            probe_read(p->probe, r->name, keel_json_view(query, sizeof query - 1), &s);
            tell_read(p, r->name, &s);
        }
        said_free(&s);
    }
}

static int run_parts(proof *p, const survey_plugin *found, diag *d) {
    char *executor = path_program("keel-executor"), *egress = path_program("keel-egress");
    char *so = so_folder(found);
    keel_buf folder = KEEL_BUF_INIT;
    secret_places places = secret_places_of(p->c, &folder);
    probe_settings s = {
        .plugin = p->plugin,
        .parts = {.folder = found->folder, .so_folder = so, .executor = executor, .egress = egress},
        .root = p->c->ws->root,
        .config = keel_json_view(p->k->config.data, p->k->config.len),
        .reach = &p->reach,
        .bare = &p->bare,
        .secrets = {places.folder, places.credentials, places.declared}};
    int rc = probe_open(&p->probe, &s, d);
    if (rc == 0) {
        bool starts = proof_config(p);
        bool named = proof_addresses(p); /* both are told, whatever the other says */
        if (named && proof_servers(p) && starts) {
            proof_reads(p);
        }
    }
    probe_close(p->probe);
    free(executor);
    free(egress);
    free(so);
    keel_buf_free(&folder);
    return rc;
}

int connection_prove(cli *c, const workspace_connection *k, diag *d) {
    proof p = {.c = c, .k = k};
    int rc = survey_load(c, &p.w, NULL, NULL, d);
    const survey_plugin *found = rc ? NULL : survey_find(p.w, k->use, PLUGIN_CONNECTOR);
    if (rc == 0 && proof_connector(&p, found)) {
        bool files = proof_folders(&p);
        bool login = proof_login(&p) && proof_secrets(&p);
        if (proof_reach(&p) && login && files) {
            rc = run_parts(&p, found, d);
        }
    }
    recipe_destroy(p.recipe);
    keel_buf_free(&p.reach);
    keel_buf_free(&p.bare);
    if (p.plugin) {
        plugin_destroy(p.plugin);
    }
    survey_free(p.w);
    if (rc == 0) {
        cli_say(c, "%s: %d ok, %d failed", k->name, p.counts[VERDICT_OK], p.counts[VERDICT_FAILED]);
    }
    return rc ? rc : p.exit;
}

/* ---- the command ---- */

static int test_run(cli *c, const options *o, diag *d) {
    int rc = cli_workspace(c, d);
    if (rc) {
        return rc;
    }
    const char **names = keel_alloc((c->ws->connection_count + 1) * sizeof *names);
    const workspace_connection *found = NULL;
    for (size_t i = 0; i < c->ws->connection_count; i++) {
        names[i] = c->ws->connections[i].name;
        found = strcmp(names[i], o->args[0]) == 0 ? &c->ws->connections[i] : found;
    }
    names[c->ws->connection_count] = NULL;
    const char *near = did_you_mean(o->args[0], names);
    if (!found) {
        diag_set(d, DIAG_NOT_FOUND, "There is no connection %s in this workspace.", o->args[0]);
        rc = near ? diag_next(d, "Did you mean %s?", near)
                  : diag_next(d, "See `keel connection list`.");
    } else {
        rc = connection_prove(c, found, d);
    }
    free(names);
    return rc;
}

extern const command connection_test_verb;
const command connection_test_verb = {
    .name = "test",
    .words = "NAME",
    .summary = "prove it step by step: files, secrets, addresses, TLS, login, one read",
    .more =
        "Uses the connector and the network as Keel itself would, changes nothing, and needs no "
        "running\n"
        "Keel. Ends with 0 when all is well, 4 when a secret is missing or a login is refused, "
        "1 else.",
    .examples = "keel connection test inbox\nkeel connection test inbox --json",
    .least = 1,
    .most = 1,
    .run = test_run,
};
