#include "kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "fsio.h"
#include "library_int.h"
#include "reach.h"
#include "trial.h"

/* What was tried of the resource at hand. */
typedef struct ran {
    bool works, kill, lost;
    kit_untried no_works, no_kill, no_lost; /* the first of each that was left out */
} ran;

typedef struct run {
    kit k;
    kit_totals *totals;
    ran ran;
} run;

/* ---- what a pass must not hide ---- */

static void left_out(kit_untried *u, const char *name, const char *why) {
    if (!*u->check) {
        snprintf(u->check, sizeof u->check, "%s", name);
        snprintf(u->why, sizeof u->why, "%s", why);
    }
}

/* By each check's verdict: whether the answer to a write of this resource was lost in earnest. */
static void note_run(run *r, const check *c, kit_verdict v, const char *why) {
    bool kill = !strncmp(c->name, "kill.", 5), lost = !strcmp(c->name, "lost");
    bool works = !strcmp(c->name, "write.works");
    if (v != KIT_SKIPPED) {
        r->ran.works = r->ran.works || works;
        r->ran.kill = r->ran.kill || kill;
        r->ran.lost = r->ran.lost || lost;
    } else if (works || kill || lost) {
        left_out(works ? &r->ran.no_works : kill ? &r->ran.no_kill : &r->ran.no_lost, c->name, why);
    }
}

/* What was left out of what this write's class wants to have been tried, or NULL. What is sent at most
 * once wants nothing, what is harmless to repeat wants to have been seen at work. */
static const kit_untried *untried_of(const run *r, const manifest_verb *write, bool http) {
    bool claims = write->class == CLASS_KEYED || write->class == CLASS_CHECKABLE;
    if (!write->present || write->class == CLASS_ONCE) {
        return NULL;
    }
    if (!r->ran.works && !claims) {
        return &r->ran.no_works;
    }
    if (claims && !r->ran.kill) {
        return &r->ran.no_kill;
    }
    return claims && http && !r->ran.lost ? &r->ran.no_lost : NULL;
}

static void tell(run *r, const check *c, const char *resource, kit_verdict v, const char *why) {
    const kit_settings *s = r->k.set;
    kit_line line = {c->name, resource, c->what, v, why ? why : ""};
    r->totals->passed += v == KIT_PASSED;
    r->totals->failed += v == KIT_FAILED;
    r->totals->skipped += v == KIT_SKIPPED;
    s->line(s->ctx, &line);
    note_run(r, c, v, line.why);
}

/* ---- what a check needs ---- */

static bool has_folder(const kit *k) {
    const manifest *m = k->plugin->manifest;
    for (size_t i = 0; i < m->need_count; i++) {
        if (!strcmp(m->needs[i].service, "file") && !strcmp(m->needs[i].mode, "rw")) {
            return true;
        }
    }
    return false;
}

static const char *lacks_case(const trial *t, const check *c) {
    const manifest_verb *verbs = t->resource->verbs;
    effect_class class = trial_class(t);
    if ((c->needs & NEED_WRITE) && !verbs[VERB_WRITE].present) {
        return "the resource has no write";
    }
    if ((c->needs & NEED_READ) && !verbs[VERB_READ].present) {
        return "the resource has no read";
    }
    if ((c->needs & NEED_RECONCILE) && class != CLASS_KEYED && class != CLASS_CHECKABLE) {
        return "its class needs no reconcile";
    }
    if ((c->needs & NEED_WRITE) && !(t->c && t->c->write.len)) {
        return "check.yaml has no case with `write:` for it";
    }
    if ((c->needs & NEED_READ) && !(t->c && t->c->read.len)) {
        return "check.yaml has no case with `read:` for it";
    }
    return NULL;
}

static const char *lacks(const trial *t, const check *c) {
    const kit *k = t->k;
    const char *why = t->resource ? lacks_case(t, c) : NULL;
    if (why) {
        return why;
    }
    if ((c->needs & NEED_SERVICE) && !reach_http(k->plugin->manifest)) {
        return "it does not use keel.http/1";
    }
    if ((c->needs & NEED_SERVICE) && !k->outside) {
        return "check.yaml has no `world:`, a scripted service (sdk/fakeworld.md)";
    }
    if ((c->needs & NEED_ORACLE) && !has_folder(k) && !k->outside && !k->plan->state) {
        return "what it did cannot be seen: check.yaml needs `world:` or `state:`";
    }
    return NULL;
}

static bool wanted(const run *r, const check *c) {
    const char *only = r->k.set->only;
    size_t len = only ? strlen(only) : 0;
    return !only || (!strncmp(c->name, only, len) && (!c->name[len] || c->name[len] == '.'));
}

static void run_check(run *r, const check *c, const manifest_resource *resource) {
    const char *name = resource ? resource->name : "";
    trial t = {.k = &r->k,
               .resource = resource,
               .c = resource ? plan_find(r->k.plan, resource->name) : NULL};
    if (!wanted(r, c)) {
        return;
    }
    const char *missing = lacks(&t, c);
    if (missing) {
        tell(r, c, name, KIT_SKIPPED, missing);
        return;
    }
    trial_next_key(&t);
    kit_verdict v = trial_fresh(&t) ? c->run(&t) : KIT_FAILED;
    tell(r, c, name, v, t.why.data);
    site_close(&t.site);
    keel_buf_free(&t.body);
    keel_buf_free(&t.query);
    keel_buf_free(&t.before);
    keel_buf_free(&t.why);
}

static void note_untried(run *r, const manifest_resource *resource) {
    bool http = reach_http(r->k.plugin->manifest);
    const kit_untried *left = untried_of(r, &resource->verbs[VERB_WRITE], http);
    kit_untried *u = &r->totals->untried;
    if (left && !*u->resource) {
        *u = *left;
        u->world = http && !r->k.outside;
        snprintf(u->resource, sizeof u->resource, "%s", resource->name);
    }
    r->ran = (ran){0};
}

static void run_list(run *r, const check *list, const manifest_resource *resource) {
    for (size_t i = 0; list[i].name; i++) {
        run_check(r, &list[i], resource);
    }
}

static void run_all(run *r) {
    const manifest *m = r->k.plugin->manifest;
    int failed = r->totals->failed;
    run_check(r, &checks_plugin[0], NULL);
    if (r->totals->failed > failed) {
        return; /* a plugin that does not load fails all else for that one reason */
    }
    run_list(r, checks_plugin + 1, NULL);
    for (size_t i = 0; i < m->resource_count; i++) {
        const manifest_resource *resource = &m->resources[i];
        run_list(r, checks_read, resource);
        run_list(r, checks_write, resource);
        run_list(r, checks_kill, resource);
        run_list(r, checks_service, resource);
        note_untried(r, resource);
    }
}

/* ---- the parts ---- */

static int start_outside(kit *k, diag *d) {
    keel_buf script = KEEL_BUF_INIT, log = KEEL_BUF_INIT;
    int rc = 0;
    if (!k->plan->world && !k->plan->inlined.len) {
        return 0;
    }
    keel_buf_printf(&script, "%s/world.yaml", k->temp);
    keel_buf_printf(&log, "%s/world.log", k->temp);
    if (k->plan->inlined.len) {
        rc = fsio_write_atomic(script.data, k->plan->inlined.data, k->plan->inlined.len, 0600, d);
    }
    rc = rc ? rc
            : outside_start(&k->outside, k->set->fakeworld,
                            k->plan->world ? k->plan->world : script.data, log.data, d);
    keel_buf_free(&script);
    keel_buf_free(&log);
    return rc;
}

/* What check.yaml says of test accounts, as files. */
static int write_secrets(const char *folder, keel_json secrets, diag *d) {
    int rc = fsio_mkdirs(folder, 0700, d);
    for (keel_json_iter it = keel_json_each(secrets); !rc && keel_json_next(&it);) {
        char name[128];
        keel_buf path = KEEL_BUF_INIT, value = KEEL_BUF_INIT;
        keel_json_copy(it.key, name, sizeof name);
        keel_buf_printf(&path, "%s/%s", folder, name);
        keel_json_string(it.value, &value);
        rc = fsio_write_atomic(path.data, value.data, value.len, 0600, d);
        keel_buf_free(&path);
        keel_buf_free(&value);
    }
    return rc;
}

static int start_net(kit *k, diag *d) {
    keel_buf folder = KEEL_BUF_INIT;
    if (!reach_any_network(k->plugin->manifest)) {
        return 0;
    }
    keel_buf_printf(&folder, "%s/secrets", k->temp);
    net_secrets secrets = {.folder = folder.data};
    int rc =
        write_secrets(folder.data, keel_json_view(k->plan->secrets.data, k->plan->secrets.len), d);
    rc = rc ? rc : net_start(&k->net, &k->loop, k->set->egress, &secrets, d);
    keel_buf_free(&folder);
    return rc;
}

/* A service of its own outlives the run and remembers keys: the next run's must be others. */
static int salt_keys(kit *k, diag *d) {
    k->salt = 0;
    if (k->outside || getrandom(&k->salt, sizeof k->salt, 0) == (ssize_t)sizeof k->salt) {
        return 0;
    }
    return diag_set(d, DIAG_FAILED, "the machine gives no random numbers, for the effects' keys");
}

static int start_parts(kit *k, diag *d) {
    const char *base = getenv("TMPDIR");
    keel_buf temp = KEEL_BUF_INIT;
    keel_buf_printf(&temp, "%s/keel-check-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(temp.data)) {
        keel_buf_free(&temp);
        return diag_set(d, DIAG_STORAGE, "no temporary folder can be made in %s",
                        base && *base ? base : "/tmp");
    }
    k->temp = temp.data;
    int rc = start_outside(k, d);
    rc = rc ? rc : salt_keys(k, d);
    return rc ? rc : start_net(k, d);
}

static void finish(kit *k) {
    net_stop(k->net);
    outside_stop(k->outside);
    uv_run(&k->loop, UV_RUN_DEFAULT); /* what closes */
    uv_loop_close(&k->loop);
    if (k->temp) {
        fsio_remove_tree(AT_FDCWD, k->temp, NULL);
    }
    free(k->temp);
    plan_destroy(k->plan);
    if (k->plugin) {
        plugin_destroy(k->plugin);
    }
}

static const check manifest_check = {"manifest", "the manifest is valid, its files are there", 0,
                                     NULL};

/* false: the plugin cannot be read, which was told. */
static bool read_plugin(run *r) {
    const kit_settings *s = r->k.set;
    diag d = {0};
    char why[1400];
    int rc = library_read_source(&r->k.plugin, s->folder, s->sdk_lua, s->so_folder, &d);
    if (!rc && r->k.plugin->manifest->kind != PLUGIN_CONNECTOR) {
        rc = diag_set(&d, DIAG_USAGE, "it is an agent, and these checks are of connectors");
    }
    snprintf(why, sizeof why, "%s%s%s%s", d.what, *d.file ? " (" : "", d.file, *d.file ? ")" : "");
    if (rc && d.line) {
        snprintf(why, sizeof why, "%s:%d:%d: %s", d.file, d.line, d.column, d.what);
    }
    tell(r, &manifest_check, "", rc ? KIT_FAILED : KIT_PASSED, rc ? why : "");
    if (!rc) {
        r->totals->known = true;
        r->totals->plugin = r->k.plugin->digest;
    }
    return rc == 0;
}

int kit_run(const kit_settings *s, kit_totals *totals, diag *d) {
    run r = {.k = {.set = s}, .totals = totals};
    *totals = (kit_totals){0};
    if (uv_loop_init(&r.k.loop) != 0) {
        return diag_set(d, DIAG_FAILED, "no loop can be made");
    }
    int rc = 0;
    if (read_plugin(&r)) {
        rc = plan_load(&r.k.plan, s->folder, r.k.plugin->manifest, d);
        rc = rc ? rc : start_parts(&r.k, d);
        if (!rc) {
            run_all(&r);
        }
    }
    finish(&r.k);
    return rc;
}
