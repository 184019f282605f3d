/* keel run: the executions of agents. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "given.h"
#include "runtree.h"
#include "text.h"

static const char list_sql[] =
    "SELECT * FROM (SELECT r.id, r.agent, r.version, r.state, r.reason, r.started_us,"
    " coalesce(r.ended_us, CAST(?1 AS INTEGER)) - r.started_us,"
    " (SELECT count(*) FROM effect e WHERE e.run = r.id),"
    " (SELECT coalesce(sum(e.attempts - e.parked), 0) FROM effect e WHERE e.run = r.id), r.parent, "
    "r.key,"
    " r.root, r.ended_us FROM run r WHERE (?2 IS NULL OR r.agent = ?2)"
    " AND (?3 IS NULL OR r.state IN ('open', 'paused')) ORDER BY r.id DESC"
    " LIMIT CAST(?4 AS INTEGER)) ORDER BY 1";

static const column list_columns[] = {
    {"RUN", "run", COLUMN_INT},          {"AGENT", "agent", COLUMN_TEXT},
    {"VERSION", "version", COLUMN_TEXT}, {"STATE", "state", COLUMN_STATE},
    {"REASON", "reason", COLUMN_TEXT},   {"STARTED", "started_us", COLUMN_TIME},
    {"TOOK", NULL, COLUMN_SPAN},         {"EFFECTS", "effects", COLUMN_INT},
    {"CALLS", "calls", COLUMN_INT},      {"PARENT", "parent", COLUMN_INT},
    {"KEY", "key", COLUMN_TEXT},         {NULL, "root", COLUMN_INT},
    {NULL, "ended_us", COLUMN_TIME},
};

static int run_number(const char *word, int64_t *out, diag *d) {
    if (text_number(word, out)) {
        return 0;
    }
    diag_set(d, DIAG_USAGE, "\"%s\" is no number of a run.", word);
    return diag_next(d, "See `keel run list`.");
}

static int list_run(cli *c, const options *o, diag *d) {
    char now[24];
    const char *limit = options_value(o, "limit");
    int64_t n;
    if (limit && !text_number(limit, &n)) {
        return diag_set(d, DIAG_USAGE, "--limit wants a number, and got \"%s\".", limit);
    }
    snprintf(now, sizeof now, "%" PRId64, cli_now_us());
    const char *all = c->json ? "9223372036854775807" : "50";
    const char *params[] = {now, options_value(o, "agent"), options_has(o, "open") ? "1" : NULL,
                            limit ? limit : all};
    return cli_list(c, list_sql, params, 4, list_columns,
                    sizeof list_columns / sizeof *list_columns,
                    "No runs. Start one with `keel do AGENT`.", d);
}

static const option list_options[] = {
    {"open", 0, NULL, "only those that have not ended"},
    {"agent", 0, "NAME", "only those of this agent"},
    {"limit", 'n', "N", "the newest N; 50 if not given, all with --json"},
    {NULL, 0, NULL, NULL},
};

static const command list_verb = {
    .name = "list",
    .words = "[--open] [--agent NAME]",
    .summary = "the newest runs, oldest first",
    .examples = "keel run list\nkeel run list --open --json",
    .options = list_options,
    .run = list_run,
};

static int show_run(cli *c, const options *o, diag *d) {
    int64_t run;
    int rc = run_number(o->args[0], &run, d);
    return rc ? rc : runtree_print(c, (uint64_t)run, d);
}

static const command show_verb = {
    .name = "show",
    .words = "RUN",
    .summary = "a run and its children, record by record, with results and effects",
    .examples = "keel run show 7\nkeel run show 7 --json",
    .least = 1,
    .most = 1,
    .run = show_run,
};

/* ---- cancel and send ---- */

static int cancel_run(cli *c, const options *o, diag *d) {
    int64_t run;
    const char *why = options_value(o, "why");
    bool only = options_has(o, "only");
    int rc = run_number(o->args[0], &run, d);
    if (rc) {
        return rc;
    }
    if (c->dry_run) {
        cli_say(c, "Run %" PRId64 " would be cancelled%s.", run,
                only ? "" : ", with the open runs that it began");
        return 0;
    }
    keel_buf args = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &args);
    keel_json_object(&w);
    if (only) {
        keel_json_set_bool(&w, "only", true);
    }
    keel_json_set_int(&w, "run", run);
    keel_json_set_text(&w, "why", why ? why : "cancelled by the operator");
    keel_json_object_end(&w);
    rc = cli_call(c, "run.cancel", &args, NULL, d);
    keel_buf_free(&args);
    if (rc == 0) {
        cli_say(c,
                "Run %" PRId64 " is cancelled%s. What was already sent settles by itself: "
                "`keel run show %" PRId64 "`.",
                run, only ? "" : ", with what it began", run);
    }
    return rc;
}

static const option cancel_options[] = {
    {"only", 0, NULL, "leave the runs that it began"},
    {"why", 0, "TEXT", "the reason, for the record"},
    {NULL, 0, NULL, NULL},
};

static const command cancel_verb = {
    .name = "cancel",
    .words = "RUN [--only] [--why TEXT]",
    .summary = "end a run and the open runs that it began; what was sent before stays sent",
    .examples = "keel run cancel 7 --why \"the wrong folder\"",
    .options = cancel_options,
    .least = 1,
    .most = 1,
    .run = cancel_run,
};

static int resume_run(cli *c, const options *o, diag *d) {
    int64_t run;
    int rc = run_number(o->args[0], &run, d);
    if (rc == 0 && !c->dry_run) {
        keel_buf args = KEEL_BUF_INIT;
        keel_buf_printf(&args, "{\"run\":%" PRId64 "}", run);
        rc = cli_call(c, "run.resume", &args, NULL, d);
        keel_buf_free(&args);
    }
    if (rc == 0) {
        cli_say(c, "Run %" PRId64 " %s replayed once more.", run, c->dry_run ? "would be" : "is");
    }
    return rc;
}

static const command resume_verb = {
    .name = "resume",
    .words = "RUN",
    .summary = "let a paused run try again, after its cause was seen to",
    .examples = "keel run resume 7",
    .least = 1,
    .most = 1,
    .run = resume_run,
};

/* The body is JSON, or text when it is none. */
static void event_body(const char *word, keel_buf *out) {
    keel_json_error e;
    if (!word) {
        keel_buf_puts(out, "null");
    } else if (keel_json_canonical(out, word, strlen(word), &e) != 0 &&
               keel_json_quote(out, word, strlen(word)) != 0) {
        keel_buf_puts(out, "null");
    }
}

static int send_run(cli *c, const options *o, diag *d) {
    int64_t run;
    int rc = run_number(o->args[0], &run, d);
    if (rc) {
        return rc;
    }
    keel_buf body = KEEL_BUF_INIT, args = KEEL_BUF_INIT;
    keel_json_writer w;
    event_body(o->arg_count > 2 ? o->args[2] : NULL, &body);
    keel_json_write(&w, &args);
    keel_json_object(&w);
    keel_json_set_raw(&w, "body", keel_json_view(body.data, body.len));
    keel_json_set_text(&w, "name", o->args[1]);
    keel_json_set_int(&w, "run", run);
    given_label(o, &w);
    keel_json_object_end(&w);
    rc = c->dry_run ? 0 : cli_call(c, "run.send", &args, NULL, d);
    keel_buf_free(&body);
    keel_buf_free(&args);
    if (rc == 0) {
        cli_say(c,
                c->dry_run ? "The event would be sent to run %" PRId64 "."
                           : "The event waits for run %" PRId64 " to receive it.",
                run);
    }
    return rc;
}

static const option send_options[] = {
    LABEL_OPTIONS("the body is"),
    {NULL, 0, NULL, NULL},
};

static const command send_verb = {
    .name = "send",
    .words = "RUN EVENT [BODY]",
    .summary = "send an event to a run that waits in ctx.receive",
    .more = "BODY is JSON, or text when it is none. It is trusted and internal, unless you say "
            "otherwise.",
    .examples = "keel run send 7 reply '{\"yes\":true}'\nkeel run send 7 go\n"
                "keel run send 7 letter 'Dear all' --untrusted",
    .options = send_options,
    .least = 2,
    .most = 3,
    .run = send_run,
};

extern const command run_label_verb, run_migrate_verb;

static const command *const verbs[] = {&list_verb,        &show_verb, &cancel_verb,    &resume_verb,
                                       &run_migrate_verb, &send_verb, &run_label_verb, NULL};

const command run_command = {
    .name = "run",
    .words = "list | show | cancel | resume | migrate | send | label",
    .summary = "the executions of agents",
    .verbs = verbs,
};
