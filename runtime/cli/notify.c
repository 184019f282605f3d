/* keel notify: how people are told, and whether it works. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "text.h"
#include "troubles.h"

static const char *const ways[] = {
    [NOTIFY_COMMAND] = "command", [NOTIFY_DESKTOP] = "desktop", [NOTIFY_MAIL] = "mail"};

/* ---- list ---- */

static const column list_columns[] = {
    {"NAME", "name", COLUMN_TEXT},       {"BY", "way", COLUMN_TEXT},
    {"TO", "to", COLUMN_TEXT},           {"LAST TOLD", "told_us", COLUMN_TIME},
    {"TROUBLE", "trouble", COLUMN_TEXT}, {NULL, "trouble_us", COLUMN_TIME},
    {NULL, "waiting", COLUMN_INT},
};

static const char *to_of(const workspace_notifier *t) {
    return t->way == NOTIFY_DESKTOP ? "notify-send" : t->to ? t->to : t->argv[0];
}

static const char *number(char to[24], keel_json v) {
    int64_t n = 0;
    if (!keel_json_int(v, &n)) {
        return NULL;
    }
    snprintf(to, 24, "%" PRId64, n);
    return to;
}

static int list_run(cli *c, const options *o, diag *d) {
    (void)o;
    int rc = cli_workspace(c, d);
    if (rc) {
        return rc;
    }
    keel_buf status = KEEL_BUF_INIT;
    troubles_ask(c, &status);
    table *t = table_create(list_columns, sizeof list_columns / sizeof *list_columns);
    for (size_t i = 0; i < c->ws->notifier_count; i++) {
        const workspace_notifier *n = &c->ws->notifiers[i];
        keel_json one = troubles_notifier(&status, n->name);
        keel_json trouble = keel_json_get(one, "trouble");
        keel_buf words = KEEL_BUF_INIT;
        char told[24], since[24], waiting[24];
        keel_json_string(trouble, &words);
        const char *row[] = {n->name,
                             ways[n->way],
                             to_of(n),
                             number(told, keel_json_get(one, "told_us")),
                             words.data,
                             number(since, keel_json_get(one, "trouble_us")),
                             number(waiting, keel_json_get(one, "waiting"))};
        table_row(t, row);
        keel_buf_free(&words);
    }
    cli_table(c, t,
              "Nobody is told: keel.yaml has no `notify`. The log and `keel inbox` say it all.");
    table_destroy(t);
    keel_buf_free(&status);
    return 0;
}

static const command list_verb = {
    .name = "list",
    .words = "",
    .summary = "by which ways people are told, when that last worked, and what is wrong",
    .more =
        "What is told, and how it went, is known since the last `keel up`. The ways stand in "
        "keel.yaml:\n\n"
        "  notify:\n"
        "    phone: { command: [/usr/local/bin/push, --title, Keel] }\n"
        "    desk: { desktop: true }\n"
        "    operator: { mail: { to: me@studio.example } }\n\n"
        "A step of `escalate` in a policy names one (`keel policy explain escalate`). "
        "`operator` is told\nof digests, of unknown outcomes, of what is stuck, and wherever no "
        "name is given.",
    .examples = "keel notify list\nkeel notify list --json",
    .run = list_run,
};

/* ---- test ---- */

static int told(cli *c, const char *name, const keel_buf *result, diag *d) {
    keel_json all = keel_json_view(result->data, result->len);
    keel_buf why = KEEL_BUF_INIT, line = KEEL_BUF_INIT;
    bool good = keel_json_true(keel_json_get(all, "told"));
    int rc = good ? 0 : 1;
    if (c->json) {
        keel_buf_append(&line, result->data, result->len);
        keel_buf_putc(&line, '\n');
        cli_out(&line);
    } else if (good) {
        const workspace_notifier *n = workspace_notifier_named(c->ws, name);
        keel_buf_puts(&line, name);
        keel_buf_puts(&line, " was told, by ");
        keel_buf_puts(&line, n ? ways[n->way] : "the way that Keel has in force");
        keel_buf_puts(&line, ".\n");
        cli_out(&line);
    } else {
        keel_json_string(keel_json_get(all, "why"), &why);
        rc = diag_set(d, DIAG_FAILED, "%s was not told: %s.", name, why.data ? why.data : "");
        diag_next(d, "Correct `notify` in keel.yaml, then `keel policy reload` and this again.");
    }
    keel_buf_free(&line);
    keel_buf_free(&why);
    return rc;
}

static int test_run(cli *c, const options *o, diag *d) {
    keel_buf args = KEEL_BUF_INIT, result = KEEL_BUF_INIT;
    keel_json_writer w;
    int rc = cli_workspace(c, d);
    if (rc || c->dry_run) {
        return rc;
    }
    keel_json_write(&w, &args);
    keel_json_object(&w);
    keel_json_set_text(&w, "name", o->args[0]);
    keel_json_object_end(&w);
    rc = cli_call(c, "notify.test", &args, &result, d);
    rc = rc ? rc : told(c, o->args[0], &result, d);
    keel_buf_free(&args);
    keel_buf_free(&result);
    return rc;
}

static const command test_verb = {
    .name = "test",
    .words = "NAME",
    .summary = "tell somebody that this is a test, and say what happened",
    .more = "The running Keel does it as it would when something waits for you, at most a minute "
            "long.\nEnds with 1 when it did not work.",
    .examples = "keel notify test phone\nkeel notify test phone --json",
    .least = 1,
    .most = 1,
    .run = test_run,
};

static const command *const verbs[] = {&list_verb, &test_verb, NULL};

extern const command notify_command;
const command notify_command = {
    .name = "notify",
    .words = "list | test",
    .summary = "how you are told that something waits: a program, the desktop, a mail",
    .verbs = verbs,
};
