/* keel policy: checking, reloading and showing the rules. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "digest.h"
#include "fsio.h"
#include "survey.h"
#include "text.h"

#define POLICY_FILE_MAX (256u << 10)

typedef struct checking {
    size_t faults, warnings;
    const cli *c;
} checking;

static void print_finding(const checking *k, const diag *d, const char *kind) {
    if (!k->c->json) {
        if (strcmp(kind, "warning") == 0) {
            fprintf(stderr, "warning: ");
        }
        cli_fault(d);
        return;
    }
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_int(&w, "column", d->column);
    keel_json_set_text(&w, "file", d->file);
    keel_json_set_text(&w, "kind", kind);
    keel_json_set_int(&w, "line", d->line);
    keel_json_set_text(&w, "next", d->next);
    keel_json_set_text(&w, "what", d->what);
    keel_json_object_end(&w);
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
}

static void warned(void *ctx, const diag *d) {
    checking *k = ctx;
    k->warnings++;
    print_finding(k, d, "warning");
}

static void ignored(void *ctx, const diag *d) {
    (void)ctx;
    (void)d;
}

static void fault(checking *k, const diag *d) {
    k->faults++;
    print_finding(k, d, "fault");
}

/* ---- the files ---- */

typedef struct files {
    policy_source *list;
    keel_buf *texts;
    size_t count;
} files;

static int read_named(const options *o, files *f, diag *d) {
    f->list = keel_alloc((o->arg_count + 1) * sizeof *f->list);
    f->texts = keel_alloc((o->arg_count + 1) * sizeof *f->texts);
    for (size_t i = 0; i < o->arg_count; i++) {
        f->texts[i] = (keel_buf)KEEL_BUF_INIT;
        keel_buf_puts(&f->texts[i], "");
        int rc = fsio_read(o->args[i], POLICY_FILE_MAX, &f->texts[i], d);
        f->count++;
        if (rc) {
            return rc;
        }
        f->list[i] = (policy_source){o->args[i], f->texts[i].data, f->texts[i].len};
    }
    return 0;
}

static int read_workspace(cli *c, survey *w, files *f, diag *d) {
    int rc = workspace_policies(c->ws, &w->files, &w->file_count, d);
    f->list = keel_alloc((w->file_count + 1) * sizeof *f->list);
    for (size_t i = 0; rc == 0 && i < w->file_count; i++) {
        const keel_buf *text = &w->files[i].text;
        f->list[i] = (policy_source){w->files[i].file, text->data ? text->data : "", text->len};
    }
    f->count = rc ? 0 : w->file_count;
    if (rc == 0 && f->count == 0) {
        diag_set(d, DIAG_NOT_FOUND, "There is no policy: policies/ has no .yaml file.");
        rc = diag_next(d, "Without a rule everything is denied. `keel init` writes a first one.");
    }
    return rc;
}

static void free_files(files *f) {
    for (size_t i = 0; f->texts && i < f->count; i++) {
        keel_buf_free(&f->texts[i]);
    }
    free(f->texts);
    free(f->list);
}

/* Each file by itself, so that a fault in one does not hide the next one's; then all together, for
 * names, doubles and rules that stand in each other's way. */
static void check_all(checking *k, const files *f, const policy_world *w) {
    policy *p = NULL;
    diag d = {0};
    for (size_t i = 0; i < f->count; i++) {
        if (policy_compile(&p, &f->list[i], 1, NULL, ignored, NULL, &d) != 0) {
            fault(k, &d);
        } else {
            policy_destroy(p);
        }
    }
    if (k->faults) {
        return;
    }
    if (policy_compile(&p, f->list, f->count, w, warned, k, &d) != 0) {
        fault(k, &d);
        return;
    }
    if (!k->c->json) {
        keel_buf line = KEEL_BUF_INIT;
        text_plural(&line, (int64_t)policy_rule_count(p), "rule", "rules");
        keel_buf_puts(&line, " in ");
        text_plural(&line, (int64_t)f->count, "file", "files");
        keel_buf_puts(&line, ", no faults, ");
        text_plural(&line, (int64_t)k->warnings, "warning", "warnings");
        cli_print("%s\n", line.data);
        keel_buf_free(&line);
    }
    policy_destroy(p);
}

static int check_run(cli *c, const options *o, diag *d) {
    files f = {NULL, NULL, 0};
    survey *w = NULL;
    checking k = {.c = c};
    int rc = o->arg_count ? read_named(o, &f, d) : survey_load(c, &w, NULL, NULL, d);
    if (rc == 0 && o->arg_count) {
        diag none;
        (void)survey_load(c, &w, NULL, NULL,
                          &none); /* names are checked where there is a workspace */
    } else if (rc == 0) {
        rc = read_workspace(c, w, &f, d);
    }
    if (rc == 0) {
        check_all(&k, &f, w ? &w->view : NULL);
    }
    free_files(&f);
    survey_free(w);
    return rc ? rc : k.faults ? 2 : 0;
}

static const command check_verb = {
    .name = "check",
    .words = "[FILE...]",
    .summary = "all faults and warnings of the policy, with file, line and column",
    .more = "Without files: policies/*.yaml of the workspace, with its agents and connections. "
            "Ends with 2\n"
            "when there is a fault.",
    .examples = "keel policy check\nkeel policy check policies/starter.yaml --json",
    .most = -1,
    .run = check_run,
};

/* ---- reload ---- */

static void print_warning_text(keel_json v) {
    keel_buf text = KEEL_BUF_INIT, shown = KEEL_BUF_INIT;
    keel_json_string(v, &text);
    text_line(&shown, text.data ? text.data : "", text.len);
    fprintf(stderr, "warning: %s\n", shown.len ? shown.data : "");
    keel_buf_free(&text);
    keel_buf_free(&shown);
}

static int reload_run(cli *c, const options *o, diag *d) {
    (void)o;
    if (c->dry_run) {
        return check_run(c, o, d);
    }
    keel_buf result = KEEL_BUF_INIT;
    int rc = cli_call(c, "reload", NULL, &result, d);
    if (rc == 0) {
        keel_json v = keel_json_view(result.data, result.len);
        char hex[DIGEST_HEX] = "";
        keel_json_copy(keel_json_get(v, "policy"), hex, sizeof hex);
        keel_json warnings = keel_json_get(v, "warnings");
        for (keel_json_iter it = keel_json_each(warnings); !c->json && keel_json_next(&it);) {
            print_warning_text(it.value);
        }
        if (c->json) {
            cli_print("%s\n", result.data);
        } else {
            cli_say(
                c,
                "The policy is in force as the files have it now (%.12s). What waits is decided "
                "by it when its turn comes.",
                hex);
        }
    }
    keel_buf_free(&result);
    return rc;
}

static const command reload_verb = {
    .name = "reload",
    .words = "",
    .summary = "put the files of policies/, keel.yaml and plugins into force",
    .more = "A faulty policy is refused and the old one stays.",
    .examples = "keel policy check && keel policy reload",
    .run = reload_run,
};

/* ---- show ---- */

static const char versions_sql[] =
    "SELECT v.seq, v.loaded_us, v.digest, f.name, f.artifact FROM policy_version v"
    " LEFT JOIN policy_file f ON f.seq = v.seq WHERE v.seq = (SELECT max(seq) FROM policy_version)"
    " ORDER BY f.name";

typedef struct showing {
    cli *c;
    diag *d;
    bool any;
} showing;

static int show_file(void *ctx, int columns, const char *const *v, const char *const *names) {
    (void)columns;
    (void)names;
    showing *s = ctx;
    digest at;
    keel_buf text = KEEL_BUF_INIT, line = KEEL_BUF_INIT;
    if (!s->any) {
        keel_buf_puts(&line, "# in force since ");
        text_time(&line, strtoll(v[1], NULL, 10));
        keel_buf_printf(&line, ", %.12s\n", v[2]);
    }
    s->any = true;
    int rc = 0;
    if (v[3] && v[4] && digest_from_hex(&at, v[4], strlen(v[4])) == 0) {
        rc = reader_artifact(s->c->db, &at, &text, s->d);
        keel_buf_printf(&line, "# ---- %s\n", v[3]);
        keel_buf_append(&line, text.data, text.len);
    }
    if (rc == 0) {
        cli_out(&line);
    }
    keel_buf_free(&text);
    keel_buf_free(&line);
    return rc;
}

static int show_run(cli *c, const options *o, diag *d) {
    (void)o;
    showing s = {c, d, false};
    int rc = cli_reader(c, d);
    rc = rc ? rc : reader_query(c->db, versions_sql, NULL, 0, show_file, &s, d);
    if (rc == 0 && !s.any) {
        diag_set(d, DIAG_NOT_FOUND, "No policy has ever been in force here.");
        rc = diag_next(d, "Start Keel with `keel up`.");
    }
    return rc;
}

static const command show_verb = {
    .name = "show",
    .words = "",
    .summary = "the policy in force, as it was read",
    .examples = "keel policy show",
    .run = show_run,
};

static const column list_columns[] = {
    {"IN FORCE FROM", "loaded_us", COLUMN_TIME},
    {"DIGEST", "digest", COLUMN_TEXT},
    {"FILES", "files", COLUMN_TEXT},
    {NULL, "seq", COLUMN_INT},
};

static int list_run(cli *c, const options *o, diag *d) {
    (void)o;
    return cli_list(
        c,
        "SELECT v.loaded_us, v.digest, (SELECT group_concat(f.name, ' ') FROM policy_file f"
        " WHERE f.seq = v.seq), v.seq FROM policy_version v ORDER BY v.seq",
        NULL, 0, list_columns, 4, "No policy has ever been in force here.", d);
}

static const command list_verb = {
    .name = "list",
    .words = "",
    .summary = "every policy that was ever in force",
    .examples = "keel policy list",
    .run = list_run,
};

static const command *const verbs[] = {&list_verb, &show_verb, &check_verb, &reload_verb, NULL};

const command policy_command = {
    .name = "policy",
    .words = "list | show | check | reload",
    .summary = "the rules: check, reload, and what was in force",
    .verbs = verbs,
};
