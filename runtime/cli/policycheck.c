/* keel policy check: all faults and warnings, in the order of the files, each with its line. */
#include <stdlib.h>
#include <string.h>

#include "policy_files.h"
#include "policycheck.h"
#include "survey.h"
#include "text.h"

/* ---- what was found ---- */

typedef struct finding {
    diag said;
    bool warning;
    size_t file; /* index into the files */
    size_t order;
} finding;

typedef struct findings {
    const policy_files *files;
    finding *list;
    size_t count, cap;
    size_t warnings;
} findings;

/* A diag holds the beginning of a very long name. */
static size_t file_of(const policy_files *f, const diag *d) {
    size_t i = 0;
    while (i < f->count && strncmp(f->list[i].file, d->file, sizeof d->file - 1) != 0) {
        i++;
    }
    return i;
}

static void add(findings *f, const diag *d, bool warning) {
    if (f->count == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 8;
        f->list = keel_realloc(f->list, f->cap * sizeof *f->list);
    }
    f->list[f->count] = (finding){*d, warning, file_of(f->files, d), f->count};
    f->count++;
    f->warnings += warning;
}

static void faulty(void *ctx, const diag *d) {
    add(ctx, d, false);
}

static void warned(void *ctx, const diag *d) {
    add(ctx, d, true);
}

static int compare(size_t a, size_t b) {
    return (a > b) - (a < b);
}

static int by_place(const void *a, const void *b) {
    const finding *x = a;
    const finding *y = b;
    int by = compare(x->file, y->file);
    by = by ? by : x->said.line - y->said.line;
    by = by ? by : x->said.column - y->said.column;
    return by ? by : compare(x->order, y->order);
}

static void print_json(const finding *f) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_int(&w, "column", f->said.column);
    keel_json_set_text(&w, "file", f->said.file);
    keel_json_set_text(&w, "kind", f->warning ? "warning" : "fault");
    keel_json_set_int(&w, "line", f->said.line);
    keel_json_set_text(&w, "next", f->said.next);
    keel_json_set_text(&w, "what", f->said.what);
    keel_json_object_end(&w);
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
}

static void print_findings(const cli *c, findings *f) {
    if (f->count) {
        qsort(f->list, f->count, sizeof *f->list, by_place);
    }
    for (size_t i = 0; i < f->count; i++) {
        const finding *one = &f->list[i];
        if (c->json) {
            print_json(one);
            continue;
        }
        policy_source in = {.text = ""};
        if (one->file < f->files->count) {
            in = f->files->list[one->file];
        }
        fprintf(stderr, "%s", one->warning ? "warning: " : "");
        cli_fault_in(c, &one->said, in.text, in.len);
    }
    if (!c->json && f->count - f->warnings == POLICY_FAULTS) {
        cli_say(c, "There may be more: the first %d faults are shown.", POLICY_FAULTS);
    }
}

/* All files together are one policy: names, doubles and rules that stand in each other's way. */
static bool check_all(const cli *c, const policy_files *f, const policy_world *w) {
    findings found = {.files = f};
    policy *p = NULL;
    diag d = {0};
    policy_listener to = {faulty, warned, &found};
    bool good = policy_check(&p, f->list, f->count, w, &to, &d) == 0;
    if (!good && !found.count) {
        add(&found, &d, false);
    }
    print_findings(c, &found);
    if (good && !c->json) {
        keel_buf line = KEEL_BUF_INIT;
        text_plural(&line, (int64_t)policy_rule_count(p), "rule", "rules");
        keel_buf_puts(&line, " in ");
        text_plural(&line, (int64_t)f->count, "file", "files");
        keel_buf_puts(&line, ", no faults, ");
        text_plural(&line, (int64_t)found.warnings, "warning", "warnings");
        cli_print("%s\n", line.data);
        keel_buf_free(&line);
    }
    policy_destroy(p);
    free(found.list);
    return good;
}

int policy_check_run(cli *c, const options *o, diag *d) {
    policy_files f = {NULL, NULL, NULL, 0};
    survey *w = NULL;
    bool good = false;
    int rc = o->arg_count ? policy_files_named(&f, o->args, o->arg_count, d)
                          : survey_load(c, &w, NULL, NULL, d);
    if (rc == 0 && o->arg_count) {
        diag none;
        (void)survey_load(c, &w, NULL, NULL,
                          &none); /* names are checked where there is a workspace */
    } else if (rc == 0) {
        rc = policy_files_workspace(&f, c, d);
    }
    if (rc == 0) {
        good = check_all(c, &f, w ? &w->view : NULL);
    }
    policy_files_free(&f);
    survey_free(w);
    return rc ? rc : good ? 0 : 2;
}

const command policy_check_verb = {
    .name = "check",
    .words = "[FILE...]",
    .summary = "all faults and warnings of the policy, with file, line and column",
    .more = "Without files: policies/*.yaml of the workspace, with its agents and connections. "
            "Ends with 2\n"
            "when there is a fault.",
    .examples = "keel policy check\nkeel policy check policies/starter.yaml --json",
    .most = -1,
    .run = policy_check_run,
};
