/* keel unknown: effects whose outcome nobody knows, and a person's verdict on them. */
#include <inttypes.h>
#include <string.h>

#include "card.h"
#include "commands.h"
#include "text.h"

static const char list_sql[] =
    "SELECT e.number, r.agent, e.target, e.state, e.reason, e.run, e.path, e.attempts,"
    " CAST(? AS INTEGER) - e.changed_us, e.due_us FROM effect e JOIN run r ON r.id = e.run"
    " WHERE e.state IN ('unknown', 'reconciling') ORDER BY e.changed_us";

static const column list_columns[] = {
    {"NO", "number", COLUMN_INT},      {"AGENT", "agent", COLUMN_TEXT},
    {"TARGET", "target", COLUMN_TEXT}, {"STATE", "state", COLUMN_STATE},
    {"OWNER", "owner", COLUMN_TEXT},   {"RUN", "run", COLUMN_INT},
    {"PATH", "path", COLUMN_TEXT},     {"TRIED", "attempts", COLUMN_INT},
    {"SINCE", "age_us", COLUMN_SPAN},  {"NEXT LOOK", "due_us", COLUMN_TIME},
};

static int list_run(cli *c, const options *o, diag *d) {
    (void)o;
    char now[24];
    const char *param = now;
    snprintf(now, sizeof now, "%" PRId64, cli_now_us());
    return cli_list(c, list_sql, &param, 1, list_columns,
                    sizeof list_columns / sizeof *list_columns, "Every outcome is known.", d);
}

static const command list_verb = {
    .name = "list",
    .words = "",
    .summary = "effects whose answer was lost",
    .more = "Those without a number are still looked into by Keel itself.",
    .examples = "keel unknown list\nkeel unknown list --json",
    .run = list_run,
};

static int check_verdict(const options *o, int64_t *number, diag *d) {
    const char *why = options_value(o, "why");
    bool known = strcmp(o->args[1], "done") == 0 || strcmp(o->args[1], "not_done") == 0;
    if (!text_number(o->args[0], number)) {
        diag_set(d, DIAG_USAGE, "\"%s\" is no number of an item.", o->args[0]);
        return diag_next(d, "See `keel unknown list`.");
    }
    if (!known) {
        diag_set(d, DIAG_USAGE, "A verdict is done or not_done, not \"%s\".", o->args[1]);
        return diag_next(d, "Look at the other side first; say what you saw with --why.");
    }
    if (!why || !*why) {
        diag_set(d, DIAG_USAGE, "A verdict needs what it rests on.");
        return diag_next(d, "Add --why \"I saw it in the sent folder\".");
    }
    return 0;
}

static void show_card(cli *c, int64_t number) {
    card *k = NULL;
    diag d;
    if (!c->json && card_load(c, number, &k, &d) == 0) {
        card_print(c, k);
        card_free(k);
    }
}

static int verdict_run(cli *c, const options *o, diag *d) {
    int64_t number;
    int rc = check_verdict(o, &number, d);
    if (rc) {
        return rc;
    }
    show_card(c, number);
    if (c->dry_run) {
        cli_say(c, "No verdict was given (--dry-run).");
        return 0;
    }
    keel_buf args = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &args);
    keel_json_object(&w);
    keel_json_set_int(&w, "number", number);
    keel_json_set_text(&w, "verdict", o->args[1]);
    keel_json_set_text(&w, "why", options_value(o, "why"));
    keel_json_object_end(&w);
    rc = cli_call(c, "verdict", &args, NULL, d);
    keel_buf_free(&args);
    if (rc == 0) {
        cli_say(c, "Item %" PRId64 " is settled as %s.", number, o->args[1]);
    }
    return rc;
}

static const option verdict_options[] = {
    {"why", 0, "TEXT", "what you saw, for the record"},
    {NULL, 0, NULL, NULL},
};

static const command verdict_verb = {
    .name = "verdict",
    .words = "N done|not_done --why TEXT",
    .summary = "say what really happened, after looking",
    .more = "done: it happened, and the run goes on. not_done: it did not, and may be tried again "
            "as its\n"
            "class allows.",
    .examples = "keel unknown verdict 5 done --why \"the mail is in the sent folder\"",
    .options = verdict_options,
    .least = 2,
    .most = 2,
    .run = verdict_run,
};

static const command *const verbs[] = {&list_verb, &verdict_verb, NULL};

const command unknown_command = {
    .name = "unknown",
    .words = "list | verdict",
    .summary = "effects whose outcome nobody knows, and your verdict",
    .verbs = verbs,
};
