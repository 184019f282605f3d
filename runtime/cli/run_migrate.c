/* keel run migrate: an open run under another version of its agent, if its replay is the same. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "commands.h"
#include "mismatch.h"
#include "replay_play.h"
#include "stored.h"
#include "text.h"

static int check_open(cli *c, const char *word, char **agent, diag *d) {
    cli_row row = {0};
    int rc =
        cli_one(c, "SELECT agent, state FROM run WHERE id = CAST(? AS INTEGER)", &word, 1, &row, d);
    if (rc == DIAG_NOT_FOUND && c->db) {
        diag_set(d, rc, "There is no run %s.", word);
        return diag_next(d, "See `keel run list --open`.");
    }
    if (rc == 0 && strcmp(row.values[1], "open") != 0 && strcmp(row.values[1], "paused") != 0) {
        diag_set(d, DIAG_CONFLICT, "Run %s has %s: only a run that goes on can be moved.", word,
                 row.values[1]);
        rc = diag_next(d, "Try a version on its record with `keel replay %s --agent %s@VERSION`.",
                       word, row.values[0]);
    }
    if (rc == 0) {
        *agent = keel_strdup(row.values[0]);
    }
    cli_row_free(&row);
    return rc;
}

/* Says what was seen. false: it differs. */
static bool tell(const cli *c, int64_t run, const replay_result *r) {
    keel_buf out = KEEL_BUF_INIT;
    if (!r->same || r->erased) {
        keel_buf_printf(&out, "Run %" PRId64 " stays at %s %s: ", run, r->agent, r->version);
        if (r->erased) {
            keel_buf_puts(&out, "a part of its record was erased, so nobody can tell that nothing "
                                "differs.\n");
        } else if (r->detail.len) {
            keel_buf_printf(&out, "%s goes another way.\n", r->played);
            mismatch_show(keel_json_view(r->detail.data, r->detail.len), &c->out, &out);
        } else {
            keel_buf_printf(&out, "%s could not be played: ", r->played);
            text_line(&out, r->what, strlen(r->what));
            keel_buf_putc(&out, '\n');
        }
        cli_out(&out);
    }
    keel_buf_free(&out);
    return r->same && !r->erased;
}

static bool agreed(const cli *c, const options *o, int64_t run, const replay_result *r) {
    char question[200];
    if (options_has(o, "yes") || !ask_possible(c)) {
        return true;
    }
    snprintf(question, sizeof question, "Let run %" PRId64 " go on under %.64s %.60s (y/n)", run,
             r->agent, r->played);
    char *answer =
        ask_text(c, "Its replay under that version is the same, call by call.", question, "y");
    bool yes = answer && (answer[0] == 'y' || answer[0] == 'Y');
    free(answer);
    return yes;
}

static int switch_over(cli *c, int64_t run, const char *hex, const replay_result *r, diag *d) {
    keel_buf args = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &args);
    keel_json_object(&w);
    keel_json_set_int(&w, "checked_seq", r->checked_seq);
    keel_json_set_text(&w, "plugin", hex);
    keel_json_set_int(&w, "run", run);
    keel_json_object_end(&w);
    int rc = cli_call(c, "run.migrate", &args, NULL, d);
    keel_buf_free(&args);
    if (rc == 0) {
        cli_say(c, "Run %" PRId64 " goes on under %s %s; before it was %s.", run, r->agent,
                r->played, r->version);
    }
    return rc;
}

static int migrate_run(cli *c, const options *o, diag *d) {
    int64_t run;
    char hex[DIGEST_HEX], *agent = NULL;
    plugin *to = NULL;
    replay_result r = {.same = false};
    if (!text_number(o->args[0], &run)) {
        diag_set(d, DIAG_USAGE, "\"%s\" is no number of a run.", o->args[0]);
        return diag_next(d, "See `keel run list --open`.");
    }
    int rc = cli_reader(c, d);
    rc = rc ? rc : check_open(c, o->args[0], &agent, d);
    rc = rc ? rc : stored_find(c, agent, options_value(o, "to"), true, hex, d);
    rc = rc ? rc : stored_plugin(c, hex, &to, d);
    rc = rc ? rc : replay_play(c, (uint64_t)run, to, &r, d);
    if (rc == 0 && strcmp(r.plugin, hex) == 0) {
        diag_set(d, DIAG_CONFLICT, "Run %" PRId64 " is at %s %s already.", run, agent, r.version);
        rc = diag_next(d, "Install another version first: keel plugin install DIR");
    }
    if (rc == 0 && !tell(c, run, &r)) {
        rc = 1;
    } else if (rc == 0 && c->dry_run) {
        cli_say(c, "Run %" PRId64 " would go on under %s %s.", run, agent, r.played);
    } else if (rc == 0 && agreed(c, o, run, &r)) {
        rc = switch_over(c, run, hex, &r, d);
    }
    replay_result_free(&r);
    plugin_destroy(to);
    free(agent);
    return rc;
}

static const option migrate_options[] = {
    {"to", 0, "VERSION", "the version; the newest installed one if not given"},
    {"yes", 'y', NULL, "do not ask"},
    {NULL, 0, NULL, NULL},
};

const command run_migrate_verb = {
    .name = "migrate",
    .words = "RUN [--to VERSION]",
    .summary = "let an open run go on under another version of its agent",
    .more = "The run is replayed under that version first, as `keel replay` does. It moves only if "
            "nothing differs;\n"
            "else the first difference is shown, and the run stays where it is (exit code 1).\n"
            "A run that was paused for a replay_mismatch goes on.",
    .examples = "keel run migrate 7\nkeel run migrate 7 --to 0.2.0 --yes",
    .options = migrate_options,
    .least = 1,
    .most = 1,
    .run = migrate_run,
};
