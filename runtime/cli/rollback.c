/* keel rollback: what a run did is taken back, newest first; shown as a plan before anything is
 * sent. */
#include "rollback.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ask.h"
#include "commands.h"
#include "render.h"
#include "text.h"

/* ---- the plan ---- */

static int on_args(void *ctx, const journal_row *row) {
    keel_json args = keel_json_get(row->body, "args");
    if (args.data) {
        keel_buf_puts(ctx, "  ");
        render_summary(args, ctx);
    }
    return 0;
}

void rollback_did(cli *c, const undo_step *s, keel_buf *out) {
    diag d;
    text_line(out, s->target, strlen(s->target));
    reader_record(c->db, s->args_seq, on_args, out, &d);
}

static const char *const acts[] = {"back", "stays", "waits", "gone"};

static bool read_member(cli *c, int64_t seq, const char *member, keel_buf *out) {
    return reader_member(c->db, seq, member, out, NULL) == 0 && out->len > 0;
}

/* What was written, or what was answered, was erased: with nothing in its place nobody takes it back. */
static bool is_erased(cli *c, const undo_step *s) {
    keel_buf args = KEEL_BUF_INIT, result = KEEL_BUF_INIT;
    bool erased =
        undo_plan_act(s) == UNDO_BACK && (!read_member(c, s->args_seq, "args", &args) ||
                                          !read_member(c, s->done_seq, "result", &result));
    keel_buf_free(&args);
    keel_buf_free(&result);
    return erased;
}

/* What follows for the step, and why. */
static void act_words(const undo_step *s, bool erased, keel_buf *out) {
    size_t stem = strlen(s->target) - strlen(strrchr(s->target, '.'));
    switch (undo_plan_act(s)) {
    case UNDO_BACK:
        if (erased) {
            keel_buf_puts(out, "gets stuck: its words were erased, so it is yours to take back");
            break;
        }
        keel_buf_puts(out, s->tries ? "taken back, once more, by " : "taken back by ");
        text_line(out, s->target, stem);
        keel_buf_puts(out, ".compensate");
        break;
    case UNDO_STAYS:
        keel_buf_puts(out, s->way_back ? "stays: its connection has changed since"
                                       : "stays: it cannot be undone");
        break;
    case UNDO_WAITS:
        keel_buf_puts(out,
                      s->state == EFFECT_COMPENSATING || s->state == EFFECT_COMPENSATION_UNKNOWN
                          ? "is being taken back already"
                      : s->state == EFFECT_UNKNOWN && !s->ours
                          ? "waits for your verdict, and so do all below it: keel unknown"
                          : "waits for its outcome, and so do all below it");
        break;
    case UNDO_GONE:
        keel_buf_puts(out, s->by_hand ? "was settled by hand" : "was taken back already");
        break;
    }
}

static void add_row(cli *c, table *t, size_t number, const undo_step *s, bool erased) {
    char step[24], run[24];
    keel_buf did = KEEL_BUF_INIT, then = KEEL_BUF_INIT, effect = KEEL_BUF_INIT;
    keel_buf args = KEEL_BUF_INIT;
    snprintf(step, sizeof step, "%zu", number);
    snprintf(run, sizeof run, "%" PRIu64, s->run);
    keel_buf_printf(&effect, "%s:%s", run, s->path);
    rollback_did(c, s, &did);
    act_words(s, erased, &then);
    const char *row[] = {step,
                         effect.data,
                         did.data,
                         then.data,
                         run,
                         s->path,
                         acts[undo_plan_act(s)],
                         s->target,
                         read_member(c, s->args_seq, "args", &args) ? args.data : NULL,
                         erased ? "1" : NULL};
    table_row(t, row);
    keel_buf_free(&args);
    keel_buf_free(&did);
    keel_buf_free(&then);
    keel_buf_free(&effect);
}

/* Returns how many of those that had a way back have lost it, since they were erased. */
static size_t print_plan(cli *c, const undo_plan *p) {
    static const column columns[] = {
        {"#", "step", COLUMN_INT},     {"EFFECT", NULL, COLUMN_TEXT}, {"DID", NULL, COLUMN_TEXT},
        {"THEN", "then", COLUMN_TEXT}, {NULL, "run", COLUMN_INT},     {NULL, "path", COLUMN_TEXT},
        {NULL, "act", COLUMN_TEXT},    {NULL, "target", COLUMN_TEXT}, {NULL, "args", COLUMN_JSON},
        {NULL, "erased", COLUMN_BOOL},
    };
    size_t erased = 0;
    table *t = table_create(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < p->count; i++) {
        bool lost = is_erased(c, &p->steps[i]);
        erased += lost;
        add_row(c, t, i + 1, &p->steps[i], lost);
    }
    cli_table(c, t, "It has written nothing that could be taken back.");
    table_destroy(t);
    return erased;
}

static void say_sums(const cli *c, const undo_plan *p, size_t erased) {
    keel_buf line = KEEL_BUF_INIT;
    size_t waits = undo_plan_count(p, UNDO_WAITS), gone = undo_plan_count(p, UNDO_GONE);
    size_t by_hand = 0;
    for (size_t i = 0; i < p->count; i++) {
        by_hand += p->steps[i].by_hand;
    }
    keel_buf_printf(&line, "\n%zu to take back, %zu that stay",
                    undo_plan_count(p, UNDO_BACK) - erased, undo_plan_count(p, UNDO_STAYS));
    if (erased) {
        keel_buf_printf(&line, ", %zu whose words were erased", erased);
    }
    if (waits) {
        keel_buf_printf(&line, ", %zu to wait for", waits);
    }
    if (gone > by_hand) {
        keel_buf_printf(&line, ", %zu taken back already", gone - by_hand);
    }
    if (by_hand) {
        keel_buf_printf(&line, ", %zu settled by hand", by_hand);
    }
    keel_buf_putc(&line, '.');
    if (p->open_count) {
        keel_buf_puts(&line, p->open_count == 1 ? " Run " : " Runs ");
    }
    for (size_t i = 0; i < p->open_count; i++) {
        keel_buf_printf(&line, "%s%" PRIu64, i ? ", " : "", p->open[i]);
    }
    if (p->open_count) {
        keel_buf_puts(&line, p->open_count == 1 ? " has not ended, and is cancelled first."
                                                : " have not ended, and are cancelled first.");
    }
    cli_say(c, "%s", line.data);
    keel_buf_free(&line);
}

/* ---- the command ---- */

/* The same was ordered before, and goes on: it waits for something. */
static bool goes_on_already(cli *c, const undo_plan *p) {
    char run[24];
    snprintf(run, sizeof run, "%" PRIu64, p->run);
    return cli_number(c,
                      "SELECT 1 FROM rollback b WHERE b.run = CAST(? AS INTEGER)"
                      " AND b.state = 'open' AND NOT EXISTS (SELECT 1 FROM item i"
                      " WHERE i.run = b.run AND i.kind = 'stuck' AND i.state = 'open'"
                      " AND i.args_seq > b.seq)",
                      run) == 1;
}

static bool nothing_to_do(const undo_plan *p) {
    return !p->open_count && !undo_plan_count(p, UNDO_BACK) && !undo_plan_count(p, UNDO_WAITS);
}

/* 0: yes; 1: no; or a DIAG_ code. */
static int consent(cli *c, const options *o, const undo_plan *p, diag *d) {
    if (options_has(o, "yes")) {
        return 0;
    }
    if (!ask_possible(c)) {
        diag_set(d, DIAG_USAGE, "There is nobody to ask whether to roll back run %" PRIu64 ".",
                 p->run);
        return diag_next(d, "Read the plan, then say so: keel rollback %" PRIu64 " --yes", p->run);
    }
    char *answer = ask_text(c, "What is taken back is gone, and cannot be rolled forward again.",
                            "Take it back? y/N", "N");
    bool yes = answer && (answer[0] == 'y' || answer[0] == 'Y');
    free(answer);
    if (!yes) {
        cli_say(c, "Nothing was taken back.");
    }
    return yes ? 0 : 1;
}

static int order(cli *c, const options *o, const undo_plan *p, diag *d) {
    char hex[DIGEST_HEX];
    const char *why = options_value(o, "why");
    digest plan = undo_plan_digest(p);
    keel_buf args = KEEL_BUF_INIT;
    keel_json_writer w;
    digest_hex(&plan, hex);
    keel_json_write(&w, &args);
    keel_json_object(&w);
    keel_json_set_text(&w, "plan", hex);
    keel_json_set_int(&w, "run", (int64_t)p->run);
    keel_json_set_text(&w, "why", why ? why : "ordered by the operator");
    keel_json_object_end(&w);
    int rc = cli_call(c, "rollback", &args, NULL, d);
    keel_buf_free(&args);
    return rc;
}

/* *refused: the kernel did not take the order. */
static int roll_back(cli *c, const options *o, const undo_plan *p, bool *refused, diag *d) {
    bool plan_only = options_has(o, "plan") || c->dry_run;
    if (plan_only || !c->json) {
        say_sums(c, p, print_plan(c, p));
    }
    if (plan_only) {
        return 0;
    }
    if (nothing_to_do(p)) {
        diag_set(d, DIAG_CONFLICT, "There is nothing of run %" PRIu64 " that can be taken back.",
                 p->run);
        return diag_next(d, "See what it did: keel run show %" PRIu64, p->run);
    }
    int rc = cli_client(c, d);
    rc = rc ? rc : consent(c, o, p, d);
    rc = rc ? rc : order(c, o, p, d);
    *refused = rc == DIAG_FAILED && !goes_on_already(c, p);
    if (rc == DIAG_FAILED && !*refused) {
        cli_say(c, "Run %" PRIu64 " is being taken back already; nothing was ordered anew.",
                p->run);
        rc = 0;
    }
    return rc ? rc : rollback_follow(c, p, d);
}

/* Only the plan that was shown is carried out. When it changed meanwhile (its run ended by itself, say)
 * q is the new one: true. */
static bool has_changed(cli *c, const undo_plan *p, undo_plan *q) {
    const struct timespec pause = {.tv_nsec = 50000000L}; /* what moves becomes durable */
    diag unread;
    nanosleep(&pause, NULL);
    if (undo_plan_make(c->db, p->run, q, &unread) != 0) {
        return false;
    }
    digest before = undo_plan_digest(p), now = undo_plan_digest(q);
    if (digest_equal(&before, &now)) {
        undo_plan_free(q);
        return false;
    }
    return true;
}

int rollback_run_of(cli *c, const options *o, int64_t run, diag *d) {
    undo_plan p, changed;
    int rc = cli_reader(c, d);
    rc = rc ? rc : undo_plan_make(c->db, (uint64_t)run, &p, d);
    if (rc) {
        return rc;
    }
    bool refused = false;
    rc = roll_back(c, o, &p, &refused, d);
    for (int again = 0; refused && again < 5 && has_changed(c, &p, &changed); again++) {
        undo_plan_free(&p);
        p = changed;
        refused = false;
        cli_say(c, "\nNothing was done: run %" PRIi64 " has gone on meanwhile. The plan is now:\n",
                run);
        rc = roll_back(c, o, &p, &refused, d);
    }
    undo_plan_free(&p);
    return rc;
}

static int rollback_run(cli *c, const options *o, diag *d) {
    int64_t run;
    if (!text_number(o->args[0], &run) || run < 1) {
        diag_set(d, DIAG_USAGE, "\"%s\" is no number of a run.", o->args[0]);
        return diag_next(d, "See `keel run list`.");
    }
    return rollback_run_of(c, o, run, d);
}

const option rollback_options[] = {
    {"plan", 0, NULL, "show what would be done, and stop; works while Keel is down"},
    {"yes", 'y', NULL, "the plan has been read: do it without asking"},
    {"why", 0, "TEXT", "the reason, for the record"},
    {NULL, 0, NULL, NULL},
};

const command rollback_command = {
    .name = "rollback",
    .words = "RUN [--plan] [--yes]",
    .summary = "take back what a run did, newest first, after showing the plan",
    .more =
        "Takes back what the run and all runs that came from it wrote, as far as their connectors\n"
        "promised a way back before they wrote; what has none is named and left standing. Each "
        "step\n"
        "is an effect of its own: by policy, with approval and budget. A step whose outcome is\n"
        "unknown holds up all that are older. When a step fails the rollback stops, and the same\n"
        "command goes on with it. What stays is told first: `keel rollback RUN --plan`.",
    .examples = "keel rollback 7 --plan\nkeel rollback 7\n"
                "keel rollback 7 --yes --why \"wrong list\" --json",
    .options = rollback_options,
    .least = 1,
    .most = 1,
    .run = rollback_run,
};
