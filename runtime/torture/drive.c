/* The torture. Each script runs once without faults and tells which points it hits, and how often; then
 * each hit of each point is visited (visit.h), some at a time. */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fsio.h"
#include "paths.h"
#include "points.h"
#include "pool.h"
#include "report.h"
#include "user.h"

#define MANY 200 /* scripts */

typedef struct drive {
    cli *c;
    const torture_options *o;
    report report;
    const script *scripts[MANY];
    size_t count;
} drive;

static volatile sig_atomic_t stopped;

static void on_signal(int number) {
    stopped = number;
}

/* ---- places ---- */

/* The kernels of the sites are this program; site.h takes its places from the environment. */
static void tell_places(void) {
    static const struct {
        const char *variable, *name;
        bool share;
    } places[] = {
        {"KEEL_LUA", "lua", true},
        {"KEEL_WORKSPACES", "torture", true},
        {"KEEL_LIAR", "keel-liar", false},
        {"KEEL_LIBEXEC", ".", false},
    };
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    setenv("KEEL_TORTURE", self, 0);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *path = places[i].share ? path_share(places[i].name) : path_program(places[i].name);
        setenv(places[i].variable, path, 0);
        free(path);
    }
}

/* ---- which scripts ---- */

static void say(void *ctx, const char *text) {
    const drive *d = ctx;
    cli_say(d->c, "%s", text);
}

static int add_workspace(drive *dr, const char *folder, const char *prefix, diag *d) {
    char standin[PATH_MAX];
    user *u = NULL;
    char *shipped = path_share("plugins"), *lua = path_share("lua/keel.lua");
    script_workspace(standin, sizeof standin, "standin.lua");
    const char *own = getenv("KEEL_TORTURE_STANDIN"); /* tests: an outside that breaks its word */
    user_settings s = {.folder = folder,
                       .shipped = shipped,
                       .sdk_lua = lua,
                       .standin = own ? own : standin,
                       .prefix = prefix,
                       .trusted = *prefix != 0};
    int rc = user_open(&u, &s, say, dr, d);
    for (size_t i = 0; !rc && i < user_scripts(u) && dr->count < MANY; i++) {
        dr->scripts[dr->count++] = user_script(u, i);
    }
    free(shipped);
    free(lua);
    return rc;
}

static int copy_file(const char *share, const char *to, diag *d) {
    keel_buf bytes = KEEL_BUF_INIT;
    char *from = path_share(share);
    int rc = fsio_read(from, 1 << 20, &bytes, d);
    rc = rc ? rc : fsio_write_atomic(to, bytes.data, bytes.len, 0600, d);
    keel_buf_free(&bytes);
    free(from);
    return rc;
}

/* The example lives under the policy that ships, which `keel init` puts there. */
static int add_inbox(drive *dr, diag *d) {
    char folder[120], policies[140], path[180];
    snprintf(folder, sizeof folder, "%s/inbox", pool_folder());
    snprintf(policies, sizeof policies, "%s/policies", folder);
    int rc = fsio_mkdirs(policies, 0700, d);
    snprintf(path, sizeof path, "%s/keel.yaml", folder);
    rc = rc ? rc : copy_file("examples/inbox/keel.yaml", path, d);
    snprintf(path, sizeof path, "%s/starter.yaml", policies);
    rc = rc ? rc : copy_file("policies/starter.yaml", path, d);
    return rc ? rc : add_workspace(dr, folder, "inbox", d);
}

static int add_shipped(drive *dr, diag *d) {
    char folder[PATH_MAX];
    for (size_t i = 0; i < script_count; i++) {
        if (script_can(&scripts[i])) {
            dr->scripts[dr->count++] = &scripts[i];
        }
    }
    script_workspace(folder, sizeof folder, "classes");
    int rc = add_workspace(dr, folder, "classes", d);
    return rc ? rc : add_inbox(dr, d);
}

static int add_users(drive *dr, diag *d) {
    workspace *w = NULL;
    int rc = workspace_find(&w, dr->o->folder, d);
    if (rc) {
        return rc;
    }
    rc = add_workspace(dr, w->root, "", d);
    workspace_destroy(w);
    return rc;
}

/* ---- the work ---- */

static void on_trace(void *ctx, const pool_result *r) {
    drive *dr = ctx;
    report_broken(&dr->report, r);
}

static void on_visit(void *ctx, const pool_result *r) {
    drive *dr = ctx;
    if (!stopped) {
        points_done(r->arg, r->verdict == POOL_FAILED   ? POINTS_VIOLATED
                            : r->verdict == POOL_MISSED ? POINTS_MISSED
                                                        : POINTS_VISITED);
        report_result(&dr->report, r);
    }
}

/* copied: of those that begin with a copy of it, with nothing prepared. */
static bool is_first_of_place(const drive *dr, size_t i, bool copied) {
    const script *sc = dr->scripts[i];
    if (copied && (sc->fresh || sc->prepare)) {
        return false;
    }
    for (size_t k = 0; k < i; k++) {
        const script *before = dr->scripts[k];
        if (!strcmp(before->place, sc->place) && !(copied && (before->fresh || before->prepare))) {
            return false;
        }
    }
    return true;
}

static bool run_traces(drive *dr) {
    char title[200];
    pool_listen(on_trace, dr);
    for (size_t i = 0; i < dr->count; i++) {
        if (is_first_of_place(dr, i, false)) {
            snprintf(title, sizeof title, "%s: the first start", dr->scripts[i]->place);
            pool_add(title, script_born, dr->scripts[i]);
        }
    }
    if (!pool_run()) {
        return false;
    }
    for (size_t i = 0; i < dr->count; i++) {
        if (dr->scripts[i]->prepare) {
            snprintf(title, sizeof title, "%s: what comes before", dr->scripts[i]->name);
            pool_add(title, script_prepared, dr->scripts[i]);
        }
    }
    if (!pool_run()) {
        return false;
    }
    for (size_t i = 0; i < dr->count; i++) {
        snprintf(title, sizeof title, "%s:without faults", dr->scripts[i]->name);
        pool_add(title, visit_trace, dr->scripts[i]);
    }
    return pool_run() != 0;
}

static void plan_visits(const drive *dr) {
    points_plan plan = {dr->o->only, dr->o->seed, dr->o->quick, dr->o->folder == NULL};
    points_begin(&plan);
    for (size_t i = 0; i < dr->count; i++) {
        points_add_script(dr->scripts[i], i == (dr->count > 1), is_first_of_place(dr, i, true));
    }
    points_add_pairs();
}

static void run_visits(drive *dr) {
    char title[400];
    pool_listen(on_visit, dr);
    for (size_t i = 0; i < points_visits(); i++) {
        points_title(points_visit(i), title, sizeof title);
        pool_add(title, visit_run, points_visit(i));
    }
    report_begin(&dr->report, dr->c, dr->o, (long)points_visits());
    pool_run();
}

static int nothing_to_visit(const torture_options *o, diag *d) {
    diag_set(d, DIAG_NOT_FOUND, "No point is called %s.", o->only);
    return diag_next(d, "`keel torture --list` names all; POINT@HIT is one hit of it.");
}

static int work(drive *dr, diag *d) {
    int rc = dr->o->folder ? add_users(dr, d) : add_shipped(dr, d);
    if (rc) {
        return rc;
    }
    report_begin(&dr->report, dr->c, dr->o, 0);
    if (!run_traces(dr)) {
        diag_set(d, DIAG_FAILED, "It fails without any fault, so there is nothing to be learned.");
        return diag_next(d,
                         "What is wrong stands above; `keel agent test` plays an agent's scenes.");
    }
    plan_visits(dr);
    if (dr->o->list) {
        report_list(dr->c);
        return 0;
    }
    if (points_visits() == 0) {
        return nothing_to_visit(dr->o, d);
    }
    run_visits(dr);
    return stopped ? 128 + stopped : report_end(&dr->report);
}

int torture_run(cli *c, const torture_options *o, diag *d) {
    drive dr = {.c = c, .o = o};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    long jobs = o->jobs ? o->jobs : cores < 1 ? 2 : cores > 8 ? 32 : cores * 4;
    tell_places();
    pool_jobs((int)jobs);
    pool_until(&stopped);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    int rc = work(&dr, d);
    pool_listen(on_trace, &dr);
    pool_end();
    return rc;
}
