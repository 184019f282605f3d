/* keel policy test: the cases that stand beside a policy. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "policy_cases.h"
#include "policy_files.h"
#include "survey.h"
#include "text.h"

typedef struct testing {
    cli *c;
    const policy *policy;
    attr_set *set;
    int64_t passed, failed;
} testing;

/* ---- one case ---- */

static void case_json(const char *file, const policy_case *k, const case_came *came, bool passed) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    if (came->budget[0]) {
        keel_json_set_text(&w, "budget", came->budget);
    }
    keel_json_set_raw(&w, "came", keel_json_view(came->said.data, came->said.len));
    keel_json_set_text(&w, "expect", case_verdicts[k->expect]);
    keel_json_set_text(&w, "file", file);
    keel_json_set_int(&w, "line", k->line);
    keel_json_set_text(&w, "name", k->name);
    keel_json_set_bool(&w, "passed", passed);
    if (k->rule) {
        keel_json_set_text(&w, "rule", k->rule);
    }
    keel_json_set_text(&w, "verdict", case_verdicts[came->verdict]);
    if (came->why.len) {
        keel_json_set_text(&w, "why", came->why.data);
    }
    keel_json_object_end(&w);
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
}

static void put_said(const testing *t, keel_buf *out, const char *label, int verdict,
                     const char *rule, const char *budget) {
    keel_buf_puts(out, label);
    term_put(&t->c->out, out,
             verdict == POLICY_DENY    ? TINT_BAD
             : verdict == POLICY_ALLOW ? TINT_GOOD
                                       : TINT_WAIT,
             case_verdicts[verdict]);
    if (rule && strcmp(rule, "none") == 0) {
        keel_buf_puts(out, ", since no rule speaks");
    } else if (rule) {
        keel_buf_printf(out, "%s by rule %s", verdict == CASE_WAIT ? ", let" : "", rule);
    }
    if (budget && *budget) {
        keel_buf_printf(out, ", stopped by budget %s", budget);
    }
    keel_buf_putc(out, '\n');
}

static void tell_failed(const testing *t, const char *file, const policy_case *k,
                        const case_came *came) {
    keel_buf out = KEEL_BUF_INIT, why = KEEL_BUF_INIT;
    keel_buf_puts(&why, "");
    keel_json_string(keel_json_get(keel_json_view(came->said.data, came->said.len), "why"), &why);
    text_line(&out, file, strlen(file));
    keel_buf_printf(&out, ":%d: ", k->line);
    text_line(&out, k->name, strlen(k->name));
    keel_buf_putc(&out, '\n');
    put_said(t, &out, "  expected  ", k->expect, k->rule, k->budget);
    put_said(t, &out, "  came      ", came->verdict, came->decision.rule_id, came->budget);
    keel_buf_puts(&out, "  why       ");
    text_line(&out, why.data, why.len);
    if (came->why.len) {
        keel_buf_puts(&out, "\n  then      ");
        text_line(&out, came->why.data, came->why.len);
    }
    keel_buf_puts(&out, "\n\n");
    cli_out(&out);
    keel_buf_free(&out);
    keel_buf_free(&why);
}

static bool as_expected(const policy_case *k, const case_came *came) {
    return came->verdict == k->expect &&
           (!k->rule || strcmp(k->rule, came->decision.rule_id) == 0) &&
           (!k->budget || strcmp(k->budget, came->budget) == 0);
}

static int play_case(testing *t, const char *file, const policy_case *k, diag *d) {
    case_came came;
    int rc = case_play(t->policy, file, k, t->set, &came, d);
    bool passed = rc == 0 && as_expected(k, &came);
    t->passed += passed;
    t->failed += !passed;
    if (rc == 0 && t->c->json) {
        case_json(file, k, &came, passed);
    } else if (rc == 0 && !passed) {
        tell_failed(t, file, k, &came);
    }
    keel_buf_free(&came.why);
    keel_buf_free(&came.said);
    return rc;
}

/* ---- all files ---- */

/* A file that cannot be read is a fault, whatever the others say: all are read before any is played. */
static int play_files(testing *t, const policy_files *f, const policy_world *world, diag *d) {
    policy_cases *all = keel_alloc((f->count + 1) * sizeof *all);
    size_t read = 0;
    int rc = 0;
    while (rc == 0 && read < f->count) {
        rc = policy_cases_read(&all[read], &f->list[read], t->policy, world, d);
        read += rc == 0;
    }
    for (size_t i = 0; i < read; i++) {
        for (size_t k = 0; rc == 0 && k < all[i].count; k++) {
            rc = play_case(t, f->list[i].file, &all[i].list[k], d);
        }
        policy_cases_free(&all[i]);
    }
    free(all);
    return rc;
}

static int no_cases(diag *d) {
    diag_set(d, DIAG_NOT_FOUND, "There are no cases: policies/tests/ has no .yaml file.");
    return diag_next(d, "Write policies/tests/first.yaml, as `keel help policy test` shows it.");
}

/* Those that are named, or the workspace's, with names as seen from its root. */
static int find_cases(cli *c, const options *o, policy_files *f, diag *d) {
    if (o->arg_count) {
        return policy_files_named(f, o->args, o->arg_count, d);
    }
    keel_buf folder = KEEL_BUF_INIT;
    struct stat st;
    keel_buf_printf(&folder, "%s/policies/tests", c->ws->root);
    bool there = stat(folder.data, &st) == 0 && S_ISDIR(st.st_mode);
    const char *word = folder.data;
    int rc = there ? policy_files_named(f, &word, 1, d) : no_cases(d);
    rc = there && rc == DIAG_NOT_FOUND && f->count == 0 ? no_cases(d) : rc;
    for (size_t i = 0; i < f->count; i++) {
        f->list[i].file += strlen(c->ws->root) + 1;
    }
    keel_buf_free(&folder);
    return rc;
}

static int read_policy(cli *c, const options *o, survey *w, diag *d) {
    policy_files f = {NULL, NULL, NULL, 0};
    int rc = 0;
    if (!options_has(o, "policy")) {
        rc = policy_files_workspace(&f, c, d);
    }
    for (size_t i = 0; rc == 0 && options_nth(o, "policy", i); i++) {
        const char *word = options_nth(o, "policy", i);
        rc = policy_files_named(&f, &word, 1, d);
    }
    rc = rc ? rc : policy_compile(&w->policy, f.list, f.count, &w->view, NULL, NULL, d);
    policy_files_free(&f);
    return rc;
}

static int sum_up(const testing *t) {
    if (t->c->json) {
        cli_print("{\"failed\":%" PRId64 ",\"passed\":%" PRId64 "}\n", t->failed, t->passed);
    } else {
        cli_print("%" PRId64 " passed, %" PRId64 " failed\n", t->passed, t->failed);
    }
    return t->failed ? 1 : 0;
}

static int test_run(cli *c, const options *o, diag *d) {
    policy_files f = {NULL, NULL, NULL, 0};
    survey *w = NULL;
    int rc = survey_load(c, &w, NULL, NULL, d);
    rc = rc ? rc : read_policy(c, o, w, d);
    rc = rc ? rc : find_cases(c, o, &f, d);
    if (rc == 0) {
        testing t = {.c = c, .policy = w->policy, .set = attr_set_create()};
        rc = play_files(&t, &f, &w->view, d);
        rc = rc ? rc : sum_up(&t);
        attr_set_destroy(t.set);
    }
    policy_files_free(&f);
    survey_free(w);
    return rc;
}

static const option test_options[] = {
    {"policy", 0, "FILE", "test this policy (a file or folder; may be repeated), not policies/"},
    {NULL, 0, NULL, NULL},
};

const command policy_test_verb = {
    .name = "test",
    .words = "[FILE|FOLDER...] [--policy FILE]",
    .summary = "the cases that stand beside the policy, in policies/tests",
    .more =
        "Without files: policies/tests/*.yaml of the workspace. A case is one effect, and what\n"
        "policy is to say to it:\n\n"
        "  version: 1\n"
        "  cases:\n"
        "    - name: mail to strangers asks\n"
        "      agent: correspondent\n"
        "      on: inbox.message.write\n"
        "      args: { to: [x@client.example], subject: Hello }\n"
        "      expect: ask           # allow, ask or deny\n"
        "      rule: answers-ask     # may be left out; none: no rule speaks\n\n"
        "tainted: true says that the run has read untrusted text, sensitivity how private what it\n"
        "has read is (internal if left out), to_origin: true that it goes to who has written what\n"
        "it answers; sink and class are the manifest's if left out.\n\n"
        "What came before makes sums, counts, budgets and rates testable:\n\n"
        "      at: \"2026-03-31T23:00:00+02:00\"   # when; 12:30 UTC of a Tuesday if left out\n"
        "      past:\n"
        "        - { args: { amount: 90 EUR }, ago: 2h, times: 3, outcome: done }\n"
        "      expect: wait          # let, and held up by a budget, a rate or an hour\n"
        "      budget: mail          # may be left out: by which\n\n"
        "agent, on and args are the case's where they are left out; an outcome is done, not_done,\n"
        "unknown or denied; same_run: true counts for budgets of the run. Without past and at,\n"
        "only rules are looked at. Ends with 1 when a case fails.",
    .examples = "keel policy test\nkeel policy test policies/tests/starter.yaml\n"
                "keel policy test --policy new.yaml --json",
    .options = test_options,
    .most = -1,
    .run = test_run,
};
