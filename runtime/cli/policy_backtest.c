/* keel policy backtest: what another policy would have said to all that was ever asked; and keel policy
 * shadow: what rules in shadow did say, beside the policy of then. */
#include <string.h>

#include "backtest_tell.h"
#include "policy_files.h"
#include "span.h"
#include "survey.h"

#define SOMETHING_ALLOWED 3 /* exit code */

static int compile(cli *c, const options *o, survey *w, policy **out, diag *d) {
    policy_files f = {NULL, NULL, NULL, 0};
    int rc = o->arg_count ? policy_files_named(&f, o->args, o->arg_count, d)
                          : policy_files_workspace(&f, c, d);
    rc = rc ? rc : policy_compile(out, f.list, f.count, &w->view, NULL, NULL, d);
    policy_files_free(&f);
    return rc;
}

/* p NULL: what rules in shadow said. */
static int play(cli *c, const policy *p, int64_t since_us, bool all, diag *d) {
    backtest_report r;
    telling *t = telling_create(c, p, all);
    backtest_hooks hooks = telling_hooks(t);
    int rc = backtest_run(c->db, p, since_us, &hooks, &r, d);
    rc = rc ? rc : telling_look_up(t, d);
    if (rc == 0) {
        telling_end(t, &r);
        /* What cannot be summed may be let through: that is not known to be safe. */
        rc = r.changed[BACKTEST_ALLOWED] || r.lost[LOSS_PAST] ? SOMETHING_ALLOWED : 0;
    }
    telling_destroy(t);
    return rc;
}

static int backtest(cli *c, const options *o, diag *d) {
    int64_t since_us;
    survey *w = NULL;
    policy *p = NULL;
    int rc = span_since(options_value(o, "since"), &since_us, d);
    rc = rc ? rc : survey_load(c, &w, NULL, NULL, d);
    rc = rc ? rc : compile(c, o, w, &p, d);
    rc = rc ? rc : cli_reader(c, d);
    rc = rc ? rc : play(c, p, since_us, options_has(o, "all"), d);
    policy_destroy(p);
    survey_free(w);
    return rc;
}

static int shadow(cli *c, const options *o, diag *d) {
    int64_t since_us;
    int rc = span_since(options_value(o, "since"), &since_us, d);
    rc = rc ? rc : cli_reader(c, d);
    return rc ? rc : play(c, NULL, since_us, options_has(o, "all"), d);
}

static const option backtest_options[] = {
    {"since", 0, "SPAN", "only what was first decided in the last 30d, 12h ...; else everything"},
    {"all", 0, NULL, "list every effect, not only the first of each group"},
    {NULL, 0, NULL, NULL},
};

const command policy_backtest_verb = {
    .name = "backtest",
    .words = "[FILE|FOLDER...] [--since SPAN] [--all]",
    .summary = "what another policy would have said to all that was ever asked",
    .more =
        "The files together are the whole other policy; without any, policies/ as it stands now.\n"
        "Every recorded effect is decided again, once, with what policy saw then: first comes "
        "what\n"
        "would be newly allowed. Nothing is changed. Sums and counts are of what the other policy\n"
        "would have let go; budgets are not counted again; what cannot be decided again is named.\n"
        "Ends with 3 when something is newly allowed, or may be since what a rule sums was "
        "erased,\n"
        "else with 0.",
    .examples = "keel policy backtest\nkeel policy backtest new.yaml --since 30d\n"
                "keel policy backtest new.yaml --all --json",
    .options = backtest_options,
    .most = -1,
    .run = backtest,
};

const command policy_shadow_verb = {
    .name = "shadow",
    .words = "[--since SPAN] [--all]",
    .summary = "what rules in shadow would have decided otherwise",
    .more = "A rule with `mode: shadow` decides nothing: what it would have said is recorded "
            "beside each\n"
            "decision. This sums it up: first what would have been newly allowed, then newly "
            "denied and\n"
            "newly asked. Ends with 3 when something would have been newly allowed, else with 0.",
    .examples =
        "keel policy shadow\nkeel policy shadow --since 7d --all\nkeel policy shadow --json",
    .options = backtest_options,
    .run = shadow,
};
