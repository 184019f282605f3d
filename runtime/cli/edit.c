#include "edit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "diff.h"
#include "editfile.h"
#include "fsio.h"
#include "survey.h"
#include "text.h"
#include "yamltree.h"

#define FILE_MAX (4u << 20)

/* ---- the difference ---- */

static void show_field(const cli *c, keel_json args, const char *name, keel_json value,
                       const alike_known *known, keel_buf *out) {
    keel_buf old = KEEL_BUF_INIT, fresh = KEEL_BUF_INIT;
    edit_plain(keel_json_get(args, name), &old);
    edit_plain(value, &fresh);
    keel_buf_puts(out, "  ");
    text_line(out, name, strlen(name));
    keel_buf_putc(out, '\n');
    diff_lines(out, old.data, old.len, fresh.data, fresh.len, &c->out);
    alike_notes(out, fresh.data, fresh.len, !memchr(fresh.data, '\n', fresh.len), known, 4);
    keel_buf_free(&old);
    keel_buf_free(&fresh);
}

static void show_difference(const cli *c, const render_card *s, keel_json set) {
    keel_buf out = KEEL_BUF_INIT;
    keel_buf_puts(&out, "Your change:\n");
    for (keel_json_iter it = keel_json_each(set); keel_json_next(&it);) {
        char name[128];
        keel_json_copy(it.key, name, sizeof name);
        show_field(c, s->args, name, it.value, s->known, &out);
    }
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
}

/* ---- from the command line ---- */

static int set_one(keel_json args, const char *word, keel_buf *members, diag *d) {
    size_t len = strcspn(word, "=");
    if (!word[len] || len == 0) {
        diag_set(d, DIAG_USAGE, "--set wants FIELD=VALUE, and got \"%s\".", word);
        return diag_next(d, "For example: --set subject=\"Re: hello\" or --set body=@reply.txt");
    }
    char *name = keel_memdup(word, len);
    const char *value = word + len + 1;
    keel_buf file = KEEL_BUF_INIT;
    int rc = 0;
    if (value[0] == '@') {
        rc = fsio_read(value + 1, FILE_MAX, &file, d);
        value = file.data ? file.data : "";
    }
    if (rc == 0) {
        rc = edit_value(args, name, value, file.data ? file.len : strlen(value), members, d);
    }
    keel_buf_free(&file);
    free(name);
    return rc;
}

static int from_words(keel_json args, const options *o, keel_buf *set, diag *d) {
    keel_buf members = KEEL_BUF_INIT;
    int rc = 0;
    const char *word;
    for (size_t i = 0; rc == 0 && (word = options_nth(o, "set", i)); i++) {
        rc = set_one(args, word, &members, d);
    }
    rc = rc ? rc : edit_close(&members, set, d);
    keel_buf_free(&members);
    return rc;
}

/* ---- in an editor ---- */

static int run_editor(const char *file, diag *d) {
    const char *editor = getenv("VISUAL");
    editor = editor && *editor ? editor : getenv("EDITOR");
    editor = editor && *editor ? editor : "vi";
    keel_buf line = KEEL_BUF_INIT;
    keel_buf_printf(&line, "%s \"$1\"", editor);
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", line.data, "keel", file, (char *)NULL);
        _exit(127);
    }
    keel_buf_free(&line);
    int status = -1;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        diag_set(d, DIAG_FAILED, "The editor (%s) did not end well: nothing was changed.", editor);
        return diag_next(d, "Set EDITOR, or use --set FIELD=VALUE.");
    }
    return 0;
}

static int edit_in_file(cli *c, keel_json args, const char *const *fields, size_t count,
                        keel_buf *set, diag *d) {
    keel_buf text = KEEL_BUF_INIT, path = KEEL_BUF_INIT, back = KEEL_BUF_INIT;
    keel_buf_printf(&path, "%s/edit-XXXXXX.txt", c->ws->keel);
    int rc = edit_text(args, fields, count, &text, d);
    int fd = rc ? -1 : mkstemps(path.data, 4);
    if (rc == 0 && (fd < 0 || fsio_write_all(fd, text.data, text.len) != 0)) {
        rc = diag_set(d, DIAG_STORAGE, "%s cannot be written: %s.", path.data, strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
        rc = rc ? rc : run_editor(path.data, d);
        rc = rc ? rc : fsio_read(path.data, FILE_MAX, &back, d);
        unlink(path.data);
    }
    rc = rc ? rc : edit_parse(args, back.data ? back.data : "", back.len, set, d);
    keel_buf_free(&text);
    keel_buf_free(&path);
    keel_buf_free(&back);
    return rc;
}

/* The fields that the rule lets a person edit, as far as the workspace's policy tells. */
static int from_editor(cli *c, const render_card *s, keel_buf *set, diag *d) {
    survey *w = NULL;
    attr_set *attrs = attr_set_create();
    policy_query q;
    policy_decision decision;
    policy_approval a = {.edit_count = 0};
    survey_effect e = {s->agent, s->target,           s->class,  s->args,
                       false,    SENSITIVITY_DEFAULT, REPLY_NONE};
    int rc = survey_load(c, &w, NULL, NULL, d);
    rc = rc ? rc : survey_compile(c, w, NULL, NULL, d);
    if (rc == 0 && survey_decide(w, &e, attrs, &q, &decision)) {
        a = policy_rule_approval(decision.rule);
    }
    if (rc == 0 && a.edit_count == 0) {
        diag_set(d, DIAG_DENIED, "The rule that asks lets no field be edited.");
        rc = diag_next(
            d, "Add `approval: { edit: [FIELD] }` to that rule, then `keel policy reload`.");
    }
    rc = rc ? rc : edit_in_file(c, s->args, a.edit, a.edit_count, set, d);
    attr_set_destroy(attrs);
    survey_free(w);
    return rc;
}

static int send_edit(cli *c, int64_t number, const keel_buf *set, diag *d) {
    keel_buf args = KEEL_BUF_INIT;
    keel_buf_printf(&args, "{\"number\":%" PRId64 ",\"set\":%s}", number, set->data);
    int rc = cli_call(c, "edit", &args, NULL, d);
    keel_buf_free(&args);
    return rc;
}

int edit_item(cli *c, const card *k, const options *o, diag *d) {
    const render_card *s = card_shown(k);
    keel_buf set = KEEL_BUF_INIT;
    if (options_has(o, "edit") && c->no_input) {
        diag_set(d, DIAG_USAGE, "--edit opens an editor, and --no-input forbids that.");
        return diag_next(d, "Use --set FIELD=VALUE.");
    }
    int rc = options_has(o, "set") ? from_words(s->args, o, &set, d) : from_editor(c, s, &set, d);
    if (rc == 0 && set.len <= 2) {
        diag_set(d, DIAG_FAILED, "Nothing was changed, so nothing was approved.");
        rc = diag_next(d, "Approve it as it is with `keel approve %" PRId64 "`.", s->number);
    }
    if (rc == 0) {
        show_difference(c, s, keel_json_view(set.data, set.len));
        rc = c->dry_run ? 0 : send_edit(c, s->number, &set, d);
    }
    keel_buf_free(&set);
    return rc;
}
