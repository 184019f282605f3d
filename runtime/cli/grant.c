/* keel grant: approvals that are remembered, what they cover, how often that was used; and their end. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "grantwords.h"
#include "render.h"
#include "text.h"

#define STATE                                                                                      \
    " CASE WHEN g.ended_us IS NOT NULL THEN 'ended'"                                               \
    " WHEN g.incarnation <> (SELECT value FROM meta WHERE key = 'incarnation') THEN 'ended'"       \
    " WHEN g.expires_us <= CAST(?1 AS INTEGER) THEN 'expired'"                                     \
    " WHEN g.used >= g.max_uses THEN 'used up' ELSE 'in force' END"

/* ---- list ---- */

static const column list_columns[] = {
    {"NO", "number", COLUMN_INT},      {"STATE", "state", COLUMN_STATE},
    {"AGENT", "agent", COLUMN_TEXT},   {"MAY DO", "target", COLUMN_TEXT},
    {"LEFT", "left", COLUMN_INT},      {"USED", "used", COLUMN_INT},
    {"ENDS IN", NULL, COLUMN_SPAN},    {"BY", "by", COLUMN_TEXT},
    {"RULE", "rule", COLUMN_TEXT},     {NULL, "given_us", COLUMN_TIME},
    {NULL, "expires_us", COLUMN_TIME}, {NULL, "max_uses", COLUMN_INT},
    {NULL, "ended_us", COLUMN_TIME},   {NULL, "ended_why", COLUMN_TEXT},
    {NULL, "scope", COLUMN_JSON},
};

static const char list_sql[] =
    "SELECT g.number, " STATE " AS state, g.agent, g.target, g.max_uses - g.used, g.used,"
    " iif(g.ended_us IS NULL AND g.expires_us > CAST(?1 AS INTEGER),"
    " g.expires_us - CAST(?1 AS INTEGER), NULL), g.by, g.rule, g.given_us, g.expires_us,"
    " g.max_uses, g.ended_us, g.ended_why, g.scope FROM grant g"
    " WHERE ?2 = 'all' OR " STATE " = 'in force' ORDER BY g.number";

static int list_run(cli *c, const options *o, diag *d) {
    char now[24];
    bool all = options_has(o, "all");
    const char *params[] = {now, all ? "all" : "open"};
    snprintf(now, sizeof now, "%" PRId64, cli_now_us());
    return cli_list(c, list_sql, params, 2, list_columns,
                    sizeof list_columns / sizeof *list_columns,
                    all ? "No approval was ever remembered."
                        : "No grant is in force: each approval covers what was shown, once.",
                    d);
}

static const option list_options[] = {
    {"all", 'a', NULL, "also those that have ended"},
    {NULL, 0, NULL, NULL},
};

static const command list_verb = {
    .name = "list",
    .words = "[--all]",
    .summary = "which approvals are remembered, for what, and how much of each is left",
    .examples = "keel grant list\nkeel grant list --all\nkeel grant list --json",
    .options = list_options,
    .run = list_run,
};

/* ---- show ---- */

enum {
    G_STATE,
    G_AGENT,
    G_TARGET,
    G_MAX,
    G_USED,
    G_BY,
    G_RULE,
    G_GIVEN,
    G_EXPIRES,
    G_ENDED,
    G_ENDED_BY,
    G_ENDED_WHY,
    G_SCOPE,
    G_RUN,
    G_PATH
};

static const char show_sql[] =
    "SELECT " STATE ", g.agent, g.target, g.max_uses, g.used, g.by, g.rule, g.given_us,"
    " g.expires_us, g.ended_us, g.ended_by, g.ended_why, g.scope, g.run, g.path FROM grant g"
    " WHERE g.number = CAST(?2 AS INTEGER)";

static int find(cli *c, const char *word, cli_row *row, diag *d) {
    char now[24];
    int64_t number;
    const char *params[] = {now, word};
    if (!text_number(word, &number)) {
        diag_set(d, DIAG_USAGE, "\"%s\" is no number of a grant.", word);
        return diag_next(d, "See `keel grant list`.");
    }
    snprintf(now, sizeof now, "%" PRId64, cli_now_us());
    int rc = cli_one(c, show_sql, params, 2, row, d);
    if (rc == DIAG_NOT_FOUND && c->db) {
        diag_set(d, rc, "There is no grant %s.", word);
        return diag_next(d, "See `keel grant list --all`.");
    }
    return rc;
}

static const char *or_empty(const char *text) {
    return text ? text : "";
}

static int64_t number_of(const char *text) {
    return text ? strtoll(text, NULL, 10) : 0;
}

static void times(const cli *c, char *const *v, keel_buf *out) {
    int64_t left = number_of(v[G_EXPIRES]) - cli_now_us();
    render_label(&c->out, out, "given");
    text_time(out, number_of(v[G_GIVEN]));
    keel_buf_puts(out, " by ");
    text_line(out, v[G_BY], strlen(v[G_BY]));
    keel_buf_putc(out, '\n');
    render_label(&c->out, out, v[G_ENDED] ? "ended" : "until");
    text_time(out, number_of(v[v[G_ENDED] ? G_ENDED : G_EXPIRES]));
    if (v[G_ENDED]) {
        keel_buf_puts(out, " by ");
        text_line(out, or_empty(v[G_ENDED_BY]), strlen(or_empty(v[G_ENDED_BY])));
        keel_buf_puts(out, v[G_ENDED_WHY] && *v[G_ENDED_WHY] ? ": " : "");
        text_line(out, or_empty(v[G_ENDED_WHY]), strlen(or_empty(v[G_ENDED_WHY])));
    } else if (left > 0) {
        keel_buf_puts(out, ", in ");
        text_span(out, left);
    }
    keel_buf_putc(out, '\n');
}

static void print(const cli *c, const char *number, char *const *v) {
    keel_buf out = KEEL_BUF_INIT, text = KEEL_BUF_INIT;
    keel_buf_printf(&text, "%s  ", number);
    text_line(&text, v[G_AGENT], strlen(v[G_AGENT]));
    keel_buf_puts(&text, " may do ");
    text_line(&text, v[G_TARGET], strlen(v[G_TARGET]));
    keel_buf_puts(&text, " without asking");
    term_put(&c->out, &out, TINT_BOLD, text.data);
    keel_buf_puts(&out, "  [");
    term_put(&c->out, &out, term_outcome(v[G_STATE]), v[G_STATE]);
    keel_buf_puts(&out, "]\n");
    render_label(&c->out, &out, "alike");
    grant_shape(keel_json_view(v[G_SCOPE], strlen(v[G_SCOPE])), &out);
    keel_buf_putc(&out, '\n');
    render_label(&c->out, &out, "used");
    keel_buf_printf(&out, "%s of %s\n", v[G_USED], v[G_MAX]);
    times(c, v, &out);
    render_row(&c->out, &out, "rule", v[G_RULE]);
    render_label(&c->out, &out, "approved");
    keel_buf_printf(&out, "as item %s: keel why %s:", number, v[G_RUN]);
    text_line(&out, v[G_PATH], strlen(v[G_PATH]));
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
    keel_buf_free(&text);
}

static void print_json(const char *number, char *const *v) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_text(&w, "agent", v[G_AGENT]);
    keel_json_set_text(&w, "by", v[G_BY]);
    if (v[G_ENDED]) {
        keel_json_set_int(&w, "ended_us", number_of(v[G_ENDED]));
        keel_json_set_text(&w, "ended_why", or_empty(v[G_ENDED_WHY]));
    }
    keel_json_set_int(&w, "expires_us", number_of(v[G_EXPIRES]));
    keel_json_set_int(&w, "given_us", number_of(v[G_GIVEN]));
    keel_json_set_int(&w, "max_uses", number_of(v[G_MAX]));
    keel_json_set_int(&w, "number", number_of(number));
    keel_json_set_text(&w, "path", v[G_PATH]);
    keel_json_set_text(&w, "rule", v[G_RULE]);
    keel_json_set_int(&w, "run", number_of(v[G_RUN]));
    keel_json_set_raw(&w, "scope", keel_json_view(v[G_SCOPE], strlen(v[G_SCOPE])));
    keel_json_set_text(&w, "state", v[G_STATE]);
    keel_json_set_text(&w, "target", v[G_TARGET]);
    keel_json_set_int(&w, "used", number_of(v[G_USED]));
    keel_json_object_end(&w);
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
}

/* Where it was used. */
static const column use_columns[] = {
    {"WHERE", "at", COLUMN_TEXT},
    {"STATE", "state", COLUMN_STATE},
    {"SINCE", "changed_us", COLUMN_TIME},
};

static int print_uses(cli *c, const char *number, diag *d) {
    return cli_list(c,
                    "SELECT run || ':' || path, state, changed_us FROM effect"
                    " WHERE granted = CAST(? AS INTEGER) ORDER BY run, path",
                    &number, 1, use_columns, sizeof use_columns / sizeof *use_columns,
                    "Nothing was sent under it yet.", d);
}

static int show_run(cli *c, const options *o, diag *d) {
    cli_row row = {0};
    int rc = find(c, o->args[0], &row, d);
    if (rc == 0 && c->json) {
        print_json(o->args[0], row.values);
    } else if (rc == 0) {
        print(c, o->args[0], row.values);
        cli_print("\n");
        rc = print_uses(c, o->args[0], d);
    }
    cli_row_free(&row);
    return rc;
}

static const command show_verb = {
    .name = "show",
    .words = "N",
    .summary = "what a grant covers, and what was sent under it",
    .more = "A grant has the number of the item with which it was approved.",
    .examples = "keel grant show 3\nkeel grant show 3 --json",
    .least = 1,
    .most = 1,
    .run = show_run,
};

/* ---- revoke ---- */

static int revoke_run(cli *c, const options *o, diag *d) {
    cli_row row = {0};
    const char *why = options_value(o, "why");
    int rc = find(c, o->args[0], &row, d);
    cli_row_free(&row);
    if (rc || c->dry_run) {
        return rc;
    }
    keel_buf args = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &args);
    keel_json_object(&w);
    keel_json_set_int(&w, "number", number_of(o->args[0]));
    keel_json_set_text(&w, "why", why ? why : "");
    keel_json_object_end(&w);
    rc = cli_call(c, "grant.revoke", &args, NULL, d);
    keel_buf_free(&args);
    if (rc == 0) {
        cli_say(c, "Grant %s is revoked: from now on each is asked for.", o->args[0]);
    }
    return rc;
}

static const option revoke_options[] = {
    {"why", 0, "TEXT", "why, for the record"},
    {NULL, 0, NULL, NULL},
};

static const command revoke_verb = {
    .name = "revoke",
    .words = "N [--why TEXT]",
    .summary = "end a grant now: from then on each is asked for again",
    .more = "What was handed over already is not called back. It takes no passphrase.",
    .examples = "keel grant revoke 3\nkeel grant revoke 3 --why \"the customer has cancelled\"",
    .options = revoke_options,
    .least = 1,
    .most = 1,
    .run = revoke_run,
};

static const command *const verbs[] = {&list_verb, &show_verb, &revoke_verb, NULL};

const command grant_command = {
    .name = "grant",
    .words = "list | show | revoke",
    .summary = "approvals that are remembered: what is sent without asking, until when",
    .verbs = verbs,
};
