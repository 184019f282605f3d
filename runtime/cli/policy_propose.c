/* keel policy propose: what a person lets pass each time, as a change of the rule that asks for it. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fsio.h"
#include "ramp_tell.h"
#include "span.h"
#include "text.h"

typedef struct proposing {
    cli *c;
    const char *rule, *path; /* NULL: all; only shown */
    int64_t after, since_us;
    bool all;
    ramp_scene scene;
    proposal *list;
    size_t count;
} proposing;

static int read_words(proposing *g, const options *o, diag *d) {
    const char *after = options_value(o, "after");
    g->after = RAMP_AFTER;
    g->rule = o->arg_count ? o->args[0] : NULL;
    g->path = options_value(o, "write");
    g->all = options_has(o, "all");
    if (after && (!text_number(after, &g->after) || g->after < 1)) {
        diag_set(d, DIAG_USAGE, "\"%s\" is no number of approvals.", after);
        return diag_next(d, "Write a whole number from 1 on, such as --after 20.");
    }
    return span_since(options_value(o, "since"), &g->since_us, d);
}

static int find(proposing *g, diag *d) {
    int rc = ramp_open(&g->scene, g->c, g->since_us, (size_t)g->after, d);
    if (rc == 0 && g->rule && !policy_rule_named(g->scene.world->policy, g->rule)) {
        diag_set(d, DIAG_NOT_FOUND, "No file of policies/ has a rule %s.", g->rule);
        rc = diag_next(d, "`keel policy propose` looks at all of them.");
    }
    g->list = keel_alloc((g->scene.count + 1) * sizeof *g->list);
    for (size_t i = 0; rc == 0 && i < g->scene.count; i++) {
        const ramp_finding *f = &g->scene.found[i];
        if (!g->rule || strcmp(f->rule, g->rule) == 0) {
            proposal *x = &g->list[g->count++];
            proposal_draft(x, &g->scene, f);
            rc = x->code ? 0 : proposal_try(x, &g->scene, g->all, d);
        }
    }
    return rc;
}

/* ---- showing ---- */

static size_t proposed(const proposing *g) {
    size_t n = 0;
    for (size_t i = 0; i < g->count; i++) {
        n += !g->list[i].code;
    }
    return n;
}

static void say_nothing(const proposing *g) {
    keel_buf line = KEEL_BUF_INIT;
    keel_buf_puts(&line, "Nothing to propose");
    if (!g->count) { /* else it has been said why */
        keel_buf_puts(&line, ": nothing of one shape that a rule asks for was approved ");
        text_plural(&line, g->after, "time", "times");
        keel_buf_puts(&line, " and stands");
    }
    keel_buf_puts(&line, ".\n");
    cli_out(&line);
    keel_buf_free(&line);
}

static void tell(proposing *g) {
    for (size_t i = 0; i < g->count; i++) {
        if (g->c->json) {
            ramp_tell_json(&g->scene, &g->list[i], (size_t)g->after);
        } else if (!g->list[i].code) {
            ramp_tell(&g->scene, &g->list[i], g->all);
        }
    }
    for (size_t i = 0; !g->c->json && i < g->count; i++) {
        if (g->list[i].code) {
            ramp_tell_held(&g->scene, &g->list[i]);
        }
    }
    if (!g->c->json && !proposed(g)) {
        say_nothing(g);
    }
}

/* ---- writing ---- */

static bool same_file(const proposing *g, const proposal *x) {
    struct stat named, ours;
    keel_buf own = KEEL_BUF_INIT;
    keel_buf_printf(&own, "%s/%s", g->c->ws->root, x->file);
    bool same = stat(g->path, &named) == 0 && stat(own.data, &ours) == 0 &&
                named.st_dev == ours.st_dev && named.st_ino == ours.st_ino;
    keel_buf_free(&own);
    return same;
}

/* The one that is to be written. */
static const proposal *chosen(const proposing *g, diag *d) {
    const proposal *found = NULL;
    size_t count = proposed(g);
    for (size_t i = 0; i < g->count; i++) {
        found = !g->list[i].code && !found ? &g->list[i] : found;
    }
    if (count == 0) {
        diag_set(d, DIAG_NOT_FOUND, "Nothing was written: there is nothing to propose%s%s.",
                 g->count ? ", since " : "", g->count ? g->list[0].why : "");
        diag_next(d, "See `keel policy propose`.");
        return NULL;
    }
    if (count > 1) {
        diag_set(d, DIAG_USAGE, "There are %zu proposals, and one is written at a time.", count);
        diag_next(d, "Name its rule: keel policy propose %s --write %s", found->found->rule,
                  found->file);
        return NULL;
    }
    if (!same_file(g, found)) {
        diag_set(d, DIAG_USAGE, "Rule %s stands in %s, not in %s.", found->found->rule, found->file,
                 g->path);
        diag_next(d, "Write --write %s.", found->file);
        return NULL;
    }
    return found;
}

static int write_one(const proposing *g, diag *d) {
    const proposal *x = chosen(g, d);
    struct stat st = {.st_mode = 0644};
    if (!x) {
        return d->code;
    }
    stat(g->path, &st);
    int rc = g->c->dry_run
                 ? 0
                 : fsio_write_atomic(g->path, x->after.data, x->after.len, st.st_mode & 0777, d);
    if (rc == 0 && !g->c->json) {
        cli_print("%s%s:%d: rule %s\n", g->c->dry_run ? "would change, at " : "changed, at ",
                  g->path, x->line, x->found->rule);
        cli_say(g->c, "`keel policy reload` puts it into force.");
    }
    return rc;
}

/* ---- the command ---- */

static int propose_run(cli *c, const options *o, diag *d) {
    proposing g = {.c = c};
    int rc = read_words(&g, o, d);
    rc = rc ? rc : find(&g, d);
    if (rc == 0 && (!g.path || c->json)) {
        tell(&g);
    }
    rc = rc || !g.path ? rc : write_one(&g, d);
    for (size_t i = 0; i < g.count; i++) {
        proposal_free(&g.list[i]);
    }
    free(g.list);
    ramp_close(&g.scene);
    return rc;
}

static const option propose_options[] = {
    {"since", 0, "SPAN", "only what was asked in the last 30d, 12h ...; else everything"},
    {"after", 0, "N", "so many clean approvals of one shape; 20 without it"},
    {"all", 0, NULL, "list every approval and effect, not only the first ones"},
    {"write", 0, "FILE", "make the one change, in the file of its rule; every other byte stays"},
    {NULL, 0, NULL, NULL},
};

const command policy_propose_verb = {
    .name = "propose",
    .words = "[RULE] [--since SPAN] [--after N] [--all] [--write FILE]",
    .summary = "what you let pass each time, as a change of the rule that asks",
    .more =
        "Where you have approved what a rule asks for 20 times, as it was, and what was done "
        "stands,\n"
        "and nothing of its kind was denied, edited or taken back since, the narrowest change is "
        "shown\n"
        "that would have let it through without you: evidence, diff, and the backtest of the "
        "change.\n"
        "What runs did that had read untrusted text is no evidence, and is never let through by "
        "it.\n"
        "Nothing is changed but by --write, and takes force with `keel policy reload`.",
    .examples = "keel policy propose\nkeel policy propose --since 30d --after 50\n"
                "keel policy propose refunds --write policies/studio.yaml",
    .options = propose_options,
    .most = 1,
    .run = propose_run,
};
