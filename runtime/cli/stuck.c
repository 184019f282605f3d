/* keel stuck: what automation could not finish, and what a person does about it. */
#include "stuck.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "rollback.h"
#include "text.h"

static const char list_sql[] =
    "SELECT i.number, r.agent, i.run, i.path, e.target, i.reason, i.owner,"
    " CAST(?1 AS INTEGER) - i.opened_us, i.escalated, i.state, i.next, i.opened_us, i.closed_us,"
    " i.closed_by, i.closed_why FROM item i JOIN run r ON r.id = i.run"
    " LEFT JOIN effect e ON e.run = i.run AND e.path = i.path"
    " WHERE i.kind = 'stuck' AND (?2 IS NOT NULL OR i.state = 'open')"
    " ORDER BY i.state <> 'open', coalesce(i.escalated, 0) DESC, i.opened_us, i.number";

static const column list_columns[] = {
    {"NO", "number", COLUMN_INT},
    {"AGENT", "agent", COLUMN_TEXT},
    {"RUN", "run", COLUMN_INT},
    {"STEP", "path", COLUMN_TEXT},
    {"TARGET", "target", COLUMN_TEXT},
    {"WHAT HAPPENED", "reason", COLUMN_TEXT},
    {"OWNER", "owner", COLUMN_TEXT},
    {"SINCE", NULL, COLUMN_SPAN},
    {"ESCALATED", "escalated", COLUMN_INT},
    {"STATE", "state", COLUMN_STATE},
    {NULL, "next", COLUMN_TEXT},
    {NULL, "opened_us", COLUMN_TIME},
    {NULL, "closed_us", COLUMN_TIME},
    {NULL, "closed_by", COLUMN_TEXT},
    {NULL, "closed_why", COLUMN_TEXT},
};

static int list_run(cli *c, const options *o, diag *d) {
    char now[24];
    const char *params[] = {now, options_has(o, "all") ? "1" : NULL};
    snprintf(now, sizeof now, "%" PRId64, cli_now_us());
    return cli_list(c, list_sql, params, 2, list_columns,
                    sizeof list_columns / sizeof *list_columns, "Nothing is stuck.", d);
}

static const option list_options[] = {
    {"all", 'a', NULL, "also what is closed"},
    {NULL, 0, NULL, NULL},
};

static const command list_verb = {
    .name = "list",
    .words = "[--all]",
    .summary = "what could not be finished, and waits for a hand",
    .more = "What waited longest without a decision stands first. ESCALATED counts the reminders.",
    .examples = "keel stuck list\nkeel stuck list --all --json",
    .options = list_options,
    .run = list_run,
};

static int stuck_number(const char *word, int64_t *out, diag *d) {
    if (text_number(word, out)) {
        return 0;
    }
    diag_set(d, DIAG_USAGE, "\"%s\" is no number of an item.", word);
    return diag_next(d, "See `keel stuck list`.");
}

static int show_run(cli *c, const options *o, diag *d) {
    int64_t number;
    int rc = stuck_number(o->args[0], &number, d);
    return rc ? rc : stuck_show(c, number, d);
}

static const command show_verb = {
    .name = "show",
    .words = "N",
    .summary = "the whole context: what failed, what was done before, whose it is, what to do",
    .examples = "keel stuck show 3\nkeel stuck show 3 --json",
    .least = 1,
    .most = 1,
    .run = show_run,
};

/* ---- retry ---- */

static int retried(cli *c, const keel_buf *result, bool detach, diag *d) {
    char path[128] = "";
    int64_t run = 0, from = 0;
    keel_json v = keel_json_view(result->data, result->len);
    keel_json_int(keel_json_get(v, "run"), &run);
    keel_json_copy(keel_json_get(v, "path"), path, sizeof path);
    if (path[0]) {
        cli_say(c, "Run %" PRId64 " goes on from step %s, which is asked again.", run, path);
    } else if (keel_json_int(keel_json_get(v, "from"), &from)) {
        cli_say(c, "Run %" PRId64 " goes on from where it ended.", run);
    } else {
        cli_say(c, "Run %" PRId64 " is replayed once more.", run);
    }
    if (!detach) {
        return do_follow(c, run, d);
    }
    if (c->json) {
        cli_print("%s\n", result->data);
    } else {
        cli_say(c, "Watch it with `keel logs -f --run %" PRId64 "`.", run);
    }
    return 0;
}

static int retry_run(cli *c, const options *o, diag *d) {
    int64_t number;
    const char *why = options_value(o, "why");
    bool detach = options_has(o, "detach");
    int rc = stuck_number(o->args[0], &number, d);
    if (rc || c->dry_run) {
        if (rc == 0) {
            cli_say(c, "Item %" PRId64 " would be tried again (--dry-run).", number);
        }
        return rc;
    }
    keel_buf args = KEEL_BUF_INIT, result = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &args);
    keel_json_object(&w);
    keel_json_set_bool(&w, "follow", !detach);
    keel_json_set_int(&w, "number", number);
    if (why) {
        keel_json_set_text(&w, "why", why);
    }
    keel_json_object_end(&w);
    rc = cli_call(c, "stuck.retry", &args, &result, d);
    rc = rc ? rc : retried(c, &result, detach, d);
    keel_buf_free(&args);
    keel_buf_free(&result);
    return rc;
}

static const option retry_options[] = {
    {"why", 0, "TEXT", "what was mended, for the record"},
    {"detach", 0, NULL, "do not follow the run"},
    {NULL, 0, NULL, NULL},
};

static const command retry_verb = {
    .name = "retry",
    .words = "N [--why TEXT]",
    .summary = "go on from the step that failed, after its cause was mended",
    .more =
        "The failed step is asked again under its own key. Where something was done behind it "
        "that\n"
        "may not be asked twice, the run goes on from where it ended instead. The run keeps the\n"
        "version of its agent; another takes `keel run migrate`. Ends with the codes of `keel do`.",
    .examples = "keel stuck retry 3\nkeel stuck retry 3 --why \"the server is back\" --detach",
    .options = retry_options,
    .least = 1,
    .most = 1,
    .run = retry_run,
};

/* ---- resolve and drop ---- */

/* JSON, or text when it is none. */
static void result_value(const char *word, keel_buf *out) {
    keel_json_error e;
    if (keel_json_canonical(out, word, strlen(word), &e) != 0) {
        keel_buf_clear(out);
        keel_json_quote(out, word, strlen(word));
    }
}

static int settle(cli *c, const options *o, const char *name, const char *done, diag *d) {
    int64_t number;
    const char *why = options_value(o, "why"), *result = options_value(o, "result");
    int rc = stuck_number(o->args[0], &number, d);
    if (rc == 0 && (!why || !*why)) {
        diag_set(d, DIAG_USAGE, "It takes a reason, which stays in the record.");
        rc = diag_next(d, "Add --why \"I sent it by hand\".");
    }
    if (rc) {
        return rc;
    }
    keel_buf args = KEEL_BUF_INIT, value = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &args);
    keel_json_object(&w);
    keel_json_set_int(&w, "number", number);
    if (result) {
        result_value(result, &value);
        keel_json_set_raw(&w, "result", keel_json_view(value.data, value.len));
    }
    keel_json_set_text(&w, "why", why);
    keel_json_object_end(&w);
    rc = c->dry_run ? 0 : cli_call(c, name, &args, NULL, d);
    keel_buf_free(&args);
    keel_buf_free(&value);
    if (rc == 0) {
        cli_say(c, "Item %" PRId64 " %s%s.", number, c->dry_run ? "would be " : "is ", done);
    }
    return rc;
}

static int resolve_run(cli *c, const options *o, diag *d) {
    return settle(c, o, "stuck.resolve", "resolved", d);
}

static int drop_run(cli *c, const options *o, diag *d) {
    return settle(c, o, "stuck.drop", "dropped", d);
}

static const option resolve_options[] = {
    {"why", 0, "TEXT", "how it was settled, for the record"},
    {"result", 0, "JSON", "what it came to, for the record"},
    {NULL, 0, NULL, NULL},
};

static const command resolve_verb = {
    .name = "resolve",
    .words = "N --why TEXT [--result JSON]",
    .summary = "say that it is settled, by other means",
    .more = "The run stays failed; the item is closed with your reason. What is no JSON is kept as "
            "text.",
    .examples = "keel stuck resolve 3 --why \"I sent it by hand\" --result '{\"sent\":true}'",
    .options = resolve_options,
    .least = 1,
    .most = 1,
    .run = resolve_run,
};

static const option drop_options[] = {
    {"why", 0, "TEXT", "why it is not needed, for the record"},
    {NULL, 0, NULL, NULL},
};

static const command drop_verb = {
    .name = "drop",
    .words = "N --why TEXT",
    .summary = "give it up: nothing more is done",
    .examples = "keel stuck drop 3 --why \"the offer has lapsed\"",
    .options = drop_options,
    .least = 1,
    .most = 1,
    .run = drop_run,
};

/* ---- compensate ---- */

static int on_run(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    *(int64_t *)ctx = strtoll(v[0], NULL, 10);
    return 0;
}

static int compensate_run(cli *c, const options *o, diag *d) {
    int64_t number, run = 0;
    const char *params[] = {o->args[0]};
    int rc = stuck_number(o->args[0], &number, d);
    rc = rc ? rc : cli_reader(c, d);
    rc = rc ? rc
            : reader_query(c->db,
                           "SELECT run FROM item WHERE number = CAST(? AS INTEGER)"
                           " AND kind = 'stuck' AND state = 'open'",
                           params, 1, on_run, &run, d);
    if (rc == 0 && !run) {
        diag_set(d, DIAG_NOT_FOUND, "Nothing is stuck under number %" PRId64 ".", number);
        rc = diag_next(d, "See `keel stuck list`.");
    }
    return rc ? rc : rollback_run_of(c, o, run, d);
}

static const command compensate_verb = {
    .name = "compensate",
    .words = "N [--plan] [--yes]",
    .summary = "take back what its run did: `keel rollback` of that run, the plan first",
    .examples = "keel stuck compensate 3 --plan\nkeel stuck compensate 3 --why \"not wanted\"",
    .options = rollback_options,
    .least = 1,
    .most = 1,
    .run = compensate_run,
};

static const command *const verbs[] = {&list_verb, &show_verb,       &retry_verb, &resolve_verb,
                                       &drop_verb, &compensate_verb, NULL};

const command stuck_command = {
    .name = "stuck",
    .words = "list | show | retry | resolve | drop | compensate",
    .summary = "what automation could not finish, and your hand in it",
    .verbs = verbs,
};
