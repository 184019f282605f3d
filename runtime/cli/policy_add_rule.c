/* keel policy add-rule: the rule that would have let through what was denied. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "decided.h"
#include "effect.h"
#include "fsio.h"
#include "policy_files.h"
#include "policy_insert.h"
#include "survey.h"
#include "text.h"

#define POLICY_FILE_MAX (256u << 10)

typedef struct adding {
    cli *c;
    const char *word; /* as the person named the effect */
    bool ask;
    effect e;
    survey *w;
    attr_set *set;
    keel_buf args;
    decided was;
    policy_query q;
    keel_buf rule;
    char id[128];
} adding;

/* ---- the effect ---- */

static int keep_args(void *ctx, const journal_row *row) {
    adding *a = ctx;
    keel_json args = keel_json_get(row->body, "args");
    if (args.data && strcmp(row->path, a->e.path) == 0) {
        keel_buf_clear(&a->args);
        keel_buf_append(&a->args, args.data, args.len);
        decided_inputs(keel_json_path(row->body, "decision.inputs"), &a->was);
    }
    return 0;
}

static int read_effect(adding *a, diag *d) {
    int rc = effect_find(a->c, a->word, &a->e, d);
    uint64_t run = a->e.run;
    rc = rc ? rc : reader_runs(a->c->db, &run, 1, keep_args, a, d);
    if (rc) {
        return rc;
    }
    const char *state = effect_text(&a->e, EFFECT_STATE);
    if (strcmp(state, "denied") != 0) {
        diag_set(d, DIAG_CONFLICT, "Effect %s was not denied: it is %s.", a->word, state);
        return diag_next(d, "`keel why %s` tells which rule spoke.", a->word);
    }
    if (!a->args.len) {
        diag_set(d, DIAG_NOT_FOUND, "What effect %s asked for is not recorded any more.", a->word);
        return diag_next(d, "Its words were erased; write the rule by hand: policies/README.md.");
    }
    return 0;
}

/* As the workspace's own files would decide it now. */
static int decide(adding *a, policy_decision *now, diag *d) {
    survey_effect seen = {effect_text(&a->e, EFFECT_AGENT),
                          effect_text(&a->e, EFFECT_TARGET),
                          effect_text(&a->e, EFFECT_CLASS),
                          keel_json_view(a->args.data, a->args.len),
                          strcmp(effect_text(&a->e, EFFECT_TAINTED), "1") == 0,
                          effect_level(&a->e),
                          a->was.reply};
    if (strcmp(seen.target, "run.spawn") == 0) {
        attr_set_fill(a->set, NULL, seen.args);
        a->q = (policy_query){.agent = seen.agent,
                              .target = seen.target,
                              .class = CLASS_LOCAL,
                              .tainted = seen.tainted,
                              .level = seen.level};
        a->q.attrs = attr_set_list(a->set, &a->q.attr_count);
        policy_decide(a->w->policy, &a->q, now);
        return 0;
    }
    if (survey_decide(a->w, &seen, a->set, &a->q, now)) {
        return 0;
    }
    diag_set(d, DIAG_NOT_FOUND, "This workspace has no %s: no rule can let it through.",
             seen.target);
    return diag_next(d, "Add the connection to keel.yaml first; `keel connection list` shows all.");
}

static const char *const verbs[] = {"denies", "asks for", "allows"};

/* "Rule r (policies/a.yaml:3)" */
static void put_rule(const policy_decision *by, char *to, size_t size) {
    if (by->file[0]) {
        snprintf(to, size, "ule %s (%s:%d)", by->rule_id, by->file, by->line);
    } else {
        snprintf(to, size, "ule %s (built in)", by->rule_id);
    }
}

/* A rule that denies, or asks where nothing is to be asked, is stronger than one that is added. */
static int stands_in_the_way(const adding *a, const policy_decision *now, diag *d) {
    policy_verdict wanted = a->ask ? POLICY_ASK : POLICY_ALLOW;
    char rule[400];
    put_rule(now, rule, sizeof rule);
    if (now->verdict == wanted || now->verdict == POLICY_ALLOW) {
        diag_set(d, DIAG_CONFLICT, "R%s %s this already, as policies/ stands now.", rule,
                 verbs[now->verdict]);
        return diag_next(d, "`keel policy reload` puts it into force.");
    }
    if (now->rule) {
        diag_set(d, DIAG_CONFLICT, "R%s %s this, and that is stronger than any rule that is added.",
                 rule, verbs[now->verdict]);
        return diag_next(d, "Change that rule; `keel why %s` tells what it saw.", a->word);
    }
    return 0;
}

/* ---- the rule ---- */

static bool id_taken(const adding *a, const char *id) {
    return policy_rule_named(a->w->policy, id) != NULL;
}

/* As policy suggests it, under an id that no other rule has. */
static void suggest(adding *a) {
    keel_buf text = KEEL_BUF_INIT;
    policy_suggest(&a->q, a->ask, &text);
    const char *from = text.data + strlen("  - id: ");
    size_t n = strcspn(from, "\n");
    snprintf(a->id, sizeof a->id, "%.*s", n < 90 ? (int)n : 90, from);
    for (int i = 2; id_taken(a, a->id) && i < 1000; i++) {
        snprintf(a->id, sizeof a->id, "%.*s-%d", n < 58 ? (int)n : 58, from, i);
    }
    keel_buf_clear(&a->rule);
    keel_buf_printf(&a->rule, "  - id: %s%s", a->id, from + n);
    keel_buf_free(&text);
}

/* ---- into a file ---- */

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The file is one of the workspace's policies/: which, or -1. */
static int which_file(const adding *a, const char *path, const policy_files *f) {
    struct stat named, ours;
    for (size_t i = 0; i < f->count && stat(path, &named) == 0; i++) {
        keel_buf own = KEEL_BUF_INIT;
        keel_buf_printf(&own, "%s/%s", a->c->ws->root, f->list[i].file);
        bool same = stat(own.data, &ours) == 0 && ours.st_dev == named.st_dev &&
                    ours.st_ino == named.st_ino;
        keel_buf_free(&own);
        if (same) {
            return (int)i;
        }
    }
    return -1;
}

/* Compiled with the changed file in its place, the effect must come out as wanted. */
static int prove(adding *a, const char *path, const keel_buf *text, diag *d) {
    policy_files f = {NULL, NULL, NULL, 0};
    policy *before = a->w->policy, *after = NULL;
    policy_decision now;
    int rc = policy_files_workspace(&f, a->c, d);
    int at = rc ? -1 : which_file(a, path, &f);
    policy_source alone = {path, text->data, text->len};
    if (rc == 0 && at >= 0) {
        f.list[at].text = text->data;
        f.list[at].len = text->len;
    }
    rc = rc        ? rc
         : at >= 0 ? policy_compile(&after, f.list, f.count, &a->w->view, NULL, NULL, d)
                   : policy_compile(&after, &alone, 1, &a->w->view, NULL, NULL, d);
    policy_files_free(&f);
    if (rc) {
        return rc;
    }
    a->w->policy = after;
    rc = decide(a, &now, d);
    if (rc == 0 && now.verdict != (a->ask ? POLICY_ASK : POLICY_ALLOW)) {
        char rule[400];
        put_rule(&now, rule, sizeof rule);
        diag_set(d, DIAG_CONFLICT, "With this rule in %s, %s%s %s it.", path,
                 now.rule ? "r" : "no rule lets it through: r", rule, verbs[now.verdict]);
        rc = diag_next(d, "Nothing was written. Change that rule instead.");
    }
    a->w->policy = before;
    policy_destroy(after);
    return rc;
}

static void tell_written(const adding *a, const char *path, int line) {
    cli *c = a->c;
    if (c->json) {
        return;
    }
    cli_print("%s%s:%d: rule %s\n\n%s", c->dry_run ? "would add, at " : "added, at ", path, line,
              a->id, a->rule.data);
    cli_say(c, "\n`keel policy backtest` says what else it would have let through; `keel policy "
               "reload` puts it into force.");
}

static int write_rule(adding *a, const char *path, diag *d) {
    keel_buf text = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
    struct stat st = {.st_mode = 0644};
    int line = 0;
    size_t len = strlen(path);
    if (len < 6 || strcmp(path + len - 5, ".yaml") != 0 || base_name(path)[0] == '.') {
        diag_set(d, DIAG_USAGE, "%s would not be read: policies are files that end in .yaml.",
                 path);
        return diag_next(d, "Name a file such as policies/starter.yaml.");
    }
    int rc = stat(path, &st) == 0 ? fsio_read(path, POLICY_FILE_MAX, &text, d) : 0;
    rc = rc ? rc : policy_insert(path, &text, &a->rule, &out, &line, d);
    rc = rc ? rc : prove(a, path, &out, d);
    if (rc == 0 && !a->c->dry_run) {
        rc = fsio_write_atomic(path, out.data, out.len, st.st_mode & 0777, d);
    }
    if (rc == 0) {
        tell_written(a, path, line);
    }
    keel_buf_free(&text);
    keel_buf_free(&out);
    return rc;
}

/* ---- the command ---- */

static void print_json(const adding *a, const char *path) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    if (path) {
        keel_json_set_text(&w, "file", path);
    }
    keel_json_set_text(&w, "rule", a->id);
    keel_json_set_text(&w, "text", a->rule.data);
    keel_json_object_end(&w);
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
}

static int add(adding *a, const char *path, diag *d) {
    policy_decision now;
    int rc = read_effect(a, d);
    rc = rc ? rc : survey_load(a->c, &a->w, NULL, NULL, d);
    rc = rc ? rc : survey_compile(a->c, a->w, NULL, NULL, d);
    rc = rc ? rc : decide(a, &now, d);
    rc = rc ? rc : stands_in_the_way(a, &now, d);
    if (rc) {
        return rc;
    }
    suggest(a);
    rc = path ? write_rule(a, path, d) : 0;
    if (rc == 0 && a->c->json) {
        print_json(a, path);
    } else if (rc == 0 && !path) {
        cli_print("%s", a->rule.data);
    }
    return rc;
}

static int add_rule_run(cli *c, const options *o, diag *d) {
    adding a = {.c = c, .word = options_value(o, "from"), .ask = options_has(o, "ask")};
    if (!a.word) {
        diag_set(d, DIAG_USAGE, "Say which effect is to be let through: --from EFFECT.");
        return diag_next(d, "Write --from 3, or --from 7:3.1; `keel run show RUN` has the paths.");
    }
    a.set = attr_set_create();
    int rc = add(&a, options_value(o, "write"), d);
    attr_set_destroy(a.set);
    effect_finish(&a.e);
    survey_free(a.w);
    keel_buf_free(&a.args);
    keel_buf_free(&a.rule);
    return rc;
}

static const option add_rule_options[] = {
    {"from", 0, "EFFECT", "the denied effect: N, or RUN:PATH"},
    {"ask", 0, NULL, "a rule that asks you each time, not one that allows"},
    {"write", 0, "FILE", "add it to the rules of this file; every other byte stays"},
    {NULL, 0, NULL, NULL},
};

const command policy_add_rule_verb = {
    .name = "add-rule",
    .words = "--from EFFECT [--ask] [--write FILE]",
    .summary = "the rule that would have let through what was denied",
    .more =
        "Prints it, as narrow as the effect was. With --write it is added to a file, which must\n"
        "compile and let the effect through, or nothing is written; --dry-run shows where. It "
        "takes\n"
        "force with `keel policy reload`.",
    .examples = "keel policy add-rule --from 7:3\nkeel policy add-rule --from 7:3 --ask\n"
                "keel policy add-rule --from 7:3 --ask --write policies/starter.yaml",
    .options = add_rule_options,
    .run = add_rule_run,
};
