/* keel unknown: effects whose outcome nobody knows, whose they are, and a person's verdict. */
#include "unknown.h"

#include <inttypes.h>
#include <string.h>

#include "card.h"
#include "commands.h"
#include "effect.h"
#include "rests.h"
#include "text.h"

/* What a connection that rests holds up is looked for when it does not any more; under a halt nothing
 * is. */
static const char list_sql[] =
    "SELECT e.number, e.run || '/' || e.path, r.agent, e.target, e.state,"
    " CASE WHEN e.state = 'reconciling' THEN 'keel' ELSE e.reason END, e.attempts - e.parked,"
    " CAST(?1 AS INTEGER) - coalesce(j.at, e.changed_us),"
    " CASE WHEN (SELECT halted FROM control) OR (e.state = 'unknown' AND e.reason = 'operator')"
    " THEN NULL ELSE nullif(max(coalesce(e.due_us, 0), coalesce(b.until_us, 0)), 0) END,"
    " i.escalated,"
    " (SELECT group_concat(p.run, ' ') FROM pending p WHERE p.kind = 'wait'"
    " AND p.target_run = e.run),"
    " (SELECT 1 FROM rollback b WHERE b.run = e.run AND b.state = 'open'), e.run, e.path, e.key"
    " FROM effect e JOIN run r ON r.id = e.run"
    " LEFT JOIN journal j ON j.seq = e.sent_seq"
    " LEFT JOIN item i ON i.number = e.number AND i.state = 'open'"
    " LEFT JOIN breaker b ON b.state = 'open'"
    " AND b.connection = substr(e.target, 1, instr(e.target, '.') - 1)"
    " WHERE e.state IN ('unknown', 'reconciling')"
    " ORDER BY coalesce(i.escalated, 0) DESC, coalesce(j.at, e.changed_us)";

static const char waits_sql[] =
    "SELECT count(*) FROM effect WHERE state IN ('unknown', 'reconciling')";

static const column list_columns[] = {
    {"NO", "number", COLUMN_INT},
    {"WHERE", "at", COLUMN_TEXT},
    {"AGENT", "agent", COLUMN_TEXT},
    {"TARGET", "target", COLUMN_TEXT},
    {"STATE", "state", COLUMN_STATE},
    {"OWNER", "owner", COLUMN_TEXT},
    {"TRIED", "attempts", COLUMN_INT},
    {"SINCE", "age_us", COLUMN_SPAN},
    {"NEXT LOOK", "due_us", COLUMN_TIME},
    {"ESCALATED", "escalated", COLUMN_INT},
    {"RUNS THAT WAIT", "waiters", COLUMN_TEXT},
    {"BLOCKS A ROLLBACK", "blocks_rollback", COLUMN_BOOL},
    {NULL, "run", COLUMN_INT},
    {NULL, "path", COLUMN_TEXT},
    {NULL, "key", COLUMN_TEXT},
};

static int list_run(cli *c, const options *o, diag *d) {
    (void)o;
    char now[24];
    const char *param = now;
    snprintf(now, sizeof now, "%" PRId64, cli_now_us());
    int rc = cli_list(c, list_sql, &param, 1, list_columns,
                      sizeof list_columns / sizeof *list_columns, "Every outcome is known.", d);
    if (rc == 0 && !c->json && cli_number(c, waits_sql, NULL)) {
        rests_print(c, NULL);
        if (cli_halted(c)) {
            cli_say(c, "Halted: nothing is looked for until %s.", cli_halt_ends(c));
        }
    }
    return rc;
}

static const command list_verb = {
    .name = "list",
    .words = "",
    .summary = "effects whose answer was lost",
    .more =
        "SINCE counts from when it was sent. Those without a number are looked into by Keel\n"
        "itself, at the time of NEXT LOOK, or when a connection that rests does so no more; what\n"
        "stands under WHERE names them as well as a number does. Nothing that depends on one\n"
        "goes on before its outcome is known.",
    .examples = "keel unknown list\nkeel unknown list --json",
    .run = list_run,
};

static int show_run(cli *c, const options *o, diag *d) {
    return unknown_show(c, o->args[0], d);
}

static const command show_verb = {
    .name = "show",
    .words = "N | RUN/PATH",
    .summary = "one of them with its whole story: each attempt, look and answer",
    .examples = "keel unknown show 5\nkeel unknown show 7/3.1 --json",
    .least = 1,
    .most = 1,
    .run = show_run,
};

/* ---- check ---- */

static void say_looks(cli *c, const effect *e, const char *word) {
    const char *target = effect_text(e, EFFECT_TARGET);
    int len = (int)strcspn(target, ".");
    keel_buf rests = KEEL_BUF_INIT;
    if (rests_of(c, target, &rests)) {
        cli_say(c,
                "Keel looks for %s as soon as it may: %.*s %s. Sooner: keel connection retry %.*s",
                target, len, target, rests.data, len, target);
    } else {
        cli_say(c, "Keel looks for %s now. See `keel unknown show %s`.", target, word);
    }
    keel_buf_free(&rests);
}

static int check_run(cli *c, const options *o, diag *d) {
    effect e;
    int rc = effect_find(c, o->args[0], &e, d);
    if (rc) {
        return rc;
    }
    keel_buf args = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &args);
    keel_json_object(&w);
    keel_json_set_text(&w, "path", e.path);
    keel_json_set_int(&w, "run", (int64_t)e.run);
    keel_json_object_end(&w);
    rc = c->dry_run ? 0 : cli_call(c, "unknown.check", &args, NULL, d);
    keel_buf_free(&args);
    if (rc == 0 && c->dry_run) {
        cli_say(c, "Keel would look for %s now (--dry-run).", effect_text(&e, EFFECT_TARGET));
    } else if (rc == 0) {
        say_looks(c, &e, o->args[0]);
    }
    effect_finish(&e);
    return rc;
}

static const command check_verb = {
    .name = "check",
    .words = "N | RUN/PATH",
    .summary = "let Keel look now, also where it had given up",
    .more =
        "Its connector asks the other side whether it happened. It is refused where the class of\n"
        "the verb does not let anybody look: then look yourself, and give a verdict.",
    .examples = "keel unknown check 5\nkeel unknown check 7/3.1",
    .least = 1,
    .most = 1,
    .run = check_run,
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

static const command *const verbs[] = {&list_verb, &show_verb, &check_verb, &verdict_verb, NULL};

const command unknown_command = {
    .name = "unknown",
    .words = "list | show | check | verdict",
    .summary = "effects whose outcome nobody knows, and your verdict",
    .verbs = verbs,
};
