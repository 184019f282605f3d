/* keel denial: what people have denied and is not asked for again; and lifting that. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "text.h"

/* ---- list ---- */

static const column list_columns[] = {
    {"NO", "number", COLUMN_INT},      {"AGENT", "agent", COLUMN_TEXT},
    {"TARGET", "target", COLUMN_TEXT}, {"DENIED", "denied_us", COLUMN_TIME},
    {"BY", "by", COLUMN_TEXT},         {"STANDS FOR", NULL, COLUMN_SPAN},
    {"WHY", "why", COLUMN_TEXT},       {NULL, "rule", COLUMN_TEXT},
    {NULL, "until_us", COLUMN_TIME},   {NULL, "run", COLUMN_INT},
    {NULL, "path", COLUMN_TEXT},
};

/* Of what was denied, expires_us is until when that stands. */
static const char list_sql[] =
    "SELECT i.number, r.agent, e.target, i.closed_us, i.closed_by,"
    " i.expires_us - CAST(?1 AS INTEGER), i.closed_why, e.rule, i.expires_us, i.run, i.path"
    " FROM item i JOIN run r ON r.id = i.run JOIN effect e ON e.run = i.run AND e.path = i.path"
    " WHERE i.kind = 'approval' AND i.state = 'denied' AND i.closed_by IS NOT NULL"
    " AND i.expires_us > CAST(?1 AS INTEGER) ORDER BY i.number DESC LIMIT 1000";

static int list_run(cli *c, const options *o, diag *d) {
    char now[24];
    const char *params[] = {now};
    (void)o;
    snprintf(now, sizeof now, "%" PRId64, cli_now_us());
    return cli_list(c, list_sql, params, 1, list_columns,
                    sizeof list_columns / sizeof *list_columns,
                    "No denial stands: whatever a rule asks for is asked.", d);
}

static const command list_verb = {
    .name = "list",
    .summary = "what was denied, and is not asked for again",
    .more = "Each stands against exactly what was denied: the same agent, target, arguments, way "
            "out and rule.\n"
            "It ends after 30 days, when it is lifted, or when its rule reads otherwise.",
    .examples = "keel denial list\nkeel denial list --json",
    .run = list_run,
};

/* ---- lift ---- */

static int lift_run(cli *c, const options *o, diag *d) {
    const char *why = options_value(o, "why"), *word = o->args[0];
    int64_t number;
    if (!text_number(word, &number)) {
        diag_set(d, DIAG_USAGE, "\"%s\" is no number of an item.", word);
        return diag_next(d, "See `keel denial list`.");
    }
    if (c->dry_run) {
        cli_say(c, "Nothing was lifted (--dry-run).");
        return 0;
    }
    keel_buf args = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &args);
    keel_json_object(&w);
    keel_json_set_int(&w, "number", number);
    keel_json_set_text(&w, "why", why ? why : "");
    keel_json_object_end(&w);
    int rc = cli_call(c, "denial.lift", &args, NULL, d);
    keel_buf_free(&args);
    if (rc == 0) {
        cli_say(c, "What was denied as item %s is asked for again when it comes.", word);
    }
    return rc;
}

static const option lift_options[] = {
    {"why", 0, "TEXT", "why, for the record"},
    {NULL, 0, NULL, NULL},
};

static const command lift_verb = {
    .name = "lift",
    .words = "N [--why TEXT]",
    .summary = "have it asked for again when it comes",
    .more = "It lets nothing through: the next one is asked for, and may be approved or denied. To "
            "let one\n"
            "through that was stopped by it: keel override. It takes no passphrase.",
    .examples = "keel denial lift 4\nkeel denial lift 4 --why \"She has changed her mind\"",
    .options = lift_options,
    .least = 1,
    .most = 1,
    .run = lift_run,
};

static const command *const verbs[] = {&list_verb, &lift_verb, NULL};

const command denial_command = {
    .name = "denial",
    .words = "list | lift",
    .summary = "what you have denied, and are not asked for again",
    .verbs = verbs,
};
