/* keel inbox: all that needs a person, and the batches that he sees. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "card.h"
#include "commands.h"
#include "inboxlist.h"
#include "inboxview.h"
#include "itemnumbers.h"
#include "mismatch.h"
#include "ramp_prove.h"
#include "stuck.h"
#include "text.h"
#include "troubles.h"

static char *summary_of(const waiting *w) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_puts(&text, "");
    keel_json question = keel_json_get(keel_json_view(w->args.data, w->args.len), "question");
    if (strcmp(w->values[Q_KIND], "question") == 0 && question.data) {
        keel_json_string(question, &text); /* the table escapes it */
    } else if (w->values[Q_REASON]) {
        text_line(&text, w->values[Q_REASON], strlen(w->values[Q_REASON]));
    } else if (w->args.len) {
        render_summary(keel_json_view(w->args.data, w->args.len), &text);
    }
    return text.data;
}

static void print_items(cli *c, const inbox *b) {
    column columns[] = {
        {"NO", "number", COLUMN_INT},      {"NEEDS", "kind", COLUMN_STATE},
        {"AGENT", "agent", COLUMN_TEXT},   {"TO DO", "target", COLUMN_TEXT},
        {"SINCE", NULL, COLUMN_SPAN},      {"EXPIRES IN", NULL, COLUMN_SPAN},
        {NULL, "escalated", COLUMN_INT},   {"WHAT", NULL, COLUMN_TEXT},
        {NULL, "rule", COLUMN_TEXT},       {NULL, "run", COLUMN_INT},
        {NULL, "path", COLUMN_TEXT},       {NULL, "opened_us", COLUMN_TIME},
        {NULL, "expires_us", COLUMN_TIME}, {NULL, "approval", COLUMN_TEXT},
        {NULL, "args", COLUMN_JSON},       {NULL, "reason", COLUMN_TEXT},
        {NULL, "batch", COLUMN_TEXT},      {NULL, NULL, COLUMN_SPAN},
        {NULL, "raise_us", COLUMN_TIME},
    };
    int64_t now = cli_now_us();
    for (size_t i = 0; i < b->count; i++) {
        if (b->list[i].values[Q_ESCALATED]) {
            columns[6].head = "ESCALATED"; /* as a rule nothing is */
        }
        if (inbox_number(&b->list[i], Q_RAISE) > now) {
            columns[17].head = "DIGEST IN";
        }
    }
    table *t = table_create(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < b->count; i++) {
        waiting *w = &b->list[i];
        char *const *v = w->values;
        char since[24], left[24], later[24];
        inbox_args(c, w);
        char *summary = summary_of(w);
        snprintf(since, sizeof since, "%" PRId64, now - inbox_number(w, Q_OPENED));
        snprintf(left, sizeof left, "%" PRId64, inbox_number(w, Q_EXPIRES) - now);
        snprintf(later, sizeof later, "%" PRId64, inbox_number(w, Q_RAISE) - now);
        bool waits = inbox_number(w, Q_RAISE) > now;
        const char *row[] = {v[Q_NUMBER],    v[Q_KIND],   v[Q_AGENT],
                             v[Q_TARGET],    since,       v[Q_EXPIRES] ? left : NULL,
                             v[Q_ESCALATED], summary,     v[Q_RULE],
                             v[Q_RUN],       v[Q_PATH],   v[Q_OPENED],
                             v[Q_EXPIRES],   v[Q_DIGEST], w->args.len ? w->args.data : NULL,
                             v[Q_REASON],    v[Q_BATCH],  waits ? later : NULL,
                             v[Q_RAISE]};
        table_row(t, row);
        free(summary);
    }
    cli_table(c, t, "Nothing needs you.");
    table_destroy(t);
}

/* ---- batches ---- */

static bool batchable(const waiting *w) {
    return strcmp(w->values[Q_KIND], "approval") == 0;
}

/* The batch of exactly these numbers: one that was fixed before, or a new one. */
static int fix(cli *c, const numbers *n, int64_t *batch, diag *d) {
    keel_buf list = KEEL_BUF_INIT, args = KEEL_BUF_INIT, result = KEEL_BUF_INIT;
    numbers_json(n, &list);
    int rc = 0;
    *batch = cli_number(c, "SELECT max(batch) FROM batch WHERE numbers = ?", list.data);
    if (!*batch) {
        keel_buf_printf(&args, "{\"numbers\":%s}", list.data);
        rc = cli_call(c, "batch", &args, &result, d);
    }
    if (rc == 0 && result.len) {
        keel_json_int(keel_json_get(keel_json_view(result.data, result.len), "batch"), batch);
    }
    keel_buf_free(&list);
    keel_buf_free(&args);
    keel_buf_free(&result);
    return rc;
}

static void announce(const cli *c, const waiting *w, int64_t batch, size_t count) {
    keel_buf line = KEEL_BUF_INIT, name = KEEL_BUF_INIT;
    keel_buf_printf(&name, "B%" PRId64, batch);
    term_put(&c->out, &line, TINT_BOLD, name.data);
    keel_buf_printf(&line, ": %zu by ", count);
    text_line(&line, w->values[Q_AGENT], strlen(w->values[Q_AGENT]));
    keel_buf_puts(&line, " to do ");
    text_line(&line, w->values[Q_TARGET], strlen(w->values[Q_TARGET]));
    keel_buf_printf(
        &line, ": read with `keel inbox B%" PRId64 "`, approve with `keel approve B%" PRId64 "`\n",
        batch, batch);
    cli_out(&line);
    keel_buf_free(&line);
    keel_buf_free(&name);
}

static void announce_json(int64_t batch, const numbers *n) {
    keel_buf line = KEEL_BUF_INIT;
    keel_buf_printf(&line, "{\"batch\":%" PRId64 ",\"numbers\":", batch);
    numbers_json(n, &line);
    keel_buf_puts(&line, "}\n");
    cli_out(&line);
    keel_buf_free(&line);
}

/* All open approvals that are alike, from `at` on, up to the largest batch. */
static size_t gather(const inbox *b, size_t at, bool *taken, size_t most, numbers *n) {
    for (size_t i = at; i < b->count && n->count < most; i++) {
        if (!taken[i] && batchable(&b->list[i]) && inbox_alike(&b->list[at], &b->list[i])) {
            taken[i] = true;
            n->list[n->count++] = strtoll(b->list[i].values[Q_NUMBER], NULL, 10);
        }
    }
    return n->count;
}

static int fix_batches(cli *c, inbox *b, diag *d) {
    bool *taken = keel_alloc((b->count + 1) * sizeof *taken);
    memset(taken, 0, (b->count + 1) * sizeof *taken);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < b->count; i++) {
        numbers n = {.count = 0};
        int64_t batch;
        if (taken[i] || !batchable(&b->list[i]) ||
            gather(b, i, taken, inbox_most(&b->list[i]), &n) < 2) {
            continue;
        }
        rc = fix(c, &n, &batch, d);
        if (rc == 0 && c->json) {
            announce_json(batch, &n);
        } else if (rc == 0) {
            announce(c, &b->list[i], batch, n.count);
        }
    }
    free(taken);
    return rc;
}

/* ---- what needs a look besides ---- */

static void add_mismatch(cli *c, uint64_t run, keel_buf *line) {
    keel_buf detail = KEEL_BUF_INIT;
    diag ignored = {0};
    if (mismatch_find(c, run, &detail, &ignored) == 0 && detail.len) {
        mismatch_show(keel_json_view(detail.data, detail.len), &c->out, line);
        mismatch_next(run, line);
    }
    keel_buf_free(&detail);
}

static int paused_line(void *ctx, int columns, const char *const *values,
                       const char *const *names) {
    (void)columns;
    (void)names;
    keel_buf line = KEEL_BUF_INIT;
    keel_buf_printf(&line, "paused: run %s of ", values[0]);
    text_line(&line, values[1], strlen(values[1]));
    keel_buf_puts(&line, ", ");
    text_line(&line, values[2] ? values[2] : "", values[2] ? strlen(values[2]) : 0);
    keel_buf_printf(&line, ": see `keel run show %s`, then `keel run resume %s`\n", values[0],
                    values[0]);
    if (values[2] && strcmp(values[2], "replay_mismatch") == 0) {
        add_mismatch(ctx, strtoull(values[0], NULL, 10), &line);
    }
    cli_out(&line);
    keel_buf_free(&line);
    return 0;
}

static void say_later(cli *c) {
    int64_t next_us;
    size_t later = inbox_later(c, &next_us);
    if (later) {
        keel_buf text = KEEL_BUF_INIT;
        text_plural(&text, (int64_t)later, "more is gathered for a digest",
                    "more are gathered for digests");
        keel_buf_puts(&text, ", the next at ");
        text_time(&text, next_us);
        keel_buf_puts(&text, ", in ");
        text_span(&text, next_us - cli_now_us());
        cli_say(c, "%s: `keel inbox --all` shows %s.", text.data, later == 1 ? "it" : "them");
        keel_buf_free(&text);
    }
}

static int print_rest(cli *c, diag *d) {
    char *why = cli_value(c, "SELECT coalesce(halted_why, '') FROM control WHERE halted = 1", NULL);
    if (why) {
        cli_say(c, "Halted: nothing new is done until %s.", cli_halt_ends(c));
        free(why);
    }
    keel_buf status = KEEL_BUF_INIT;
    troubles_ask(c, &status);
    troubles_print(c, &status);
    keel_buf_free(&status);
    return reader_query(c->db,
                        "SELECT id, agent, reason FROM run WHERE state = 'paused' AND NOT EXISTS"
                        " (SELECT 1 FROM item i WHERE i.run = run.id AND i.kind = 'stuck'"
                        " AND i.state = 'open') ORDER BY id",
                        NULL, 0, paused_line, c, d);
}

static void say_next(const cli *c, const char *number, const char *kind) {
    if (strcmp(kind, "stuck") == 0) {
        cli_say(c, "Read it with `keel inbox %s`; it says what to do.", number);
    } else if (strcmp(kind, "question") == 0) {
        cli_say(c, "Read it with `keel inbox %s`; then `keel answer %s`.", number, number);
    } else if (strcmp(kind, "unknown") == 0) {
        cli_say(c, "Read it with `keel inbox %s`; its story: `keel unknown show %s`.", number,
                number);
    } else {
        cli_say(c,
                "Read it with `keel inbox %s`; then `keel approve %s` or `keel deny %s --why ...`.",
                number, number, number);
    }
}

/* What else there is, and what is asked for again and again and could be let through. */
static int print_end(cli *c, bool all, diag *d) {
    int rc = print_rest(c, d);
    if (rc == 0 && !all) {
        say_later(c);
    }
    if (rc == 0) {
        ramp_hint(c);
    }
    return rc;
}

static int print_list(cli *c, inbox *b, bool all, bool want_batch, diag *d) {
    int rc = 0;
    print_items(c, b);
    if (!c->json) {
        rc = print_end(c, all, d);
    }
    bool may = want_batch || (c->out.terminal && !c->dry_run);
    if (rc == 0 && may && b->count && (want_batch || cli_running(c))) {
        rc = fix_batches(c, b, d);
    }
    if (rc == 0 && b->count == 1 && !c->json) {
        say_next(c, b->list[0].values[Q_NUMBER], b->list[0].values[Q_KIND]);
    }
    return rc;
}

static bool wants_view(cli *c, const inbox *b, bool want_batch) {
    return b->count && !want_batch && !c->json && !c->no_input && !c->dry_run && !c->quiet &&
           inboxview_possible() && cli_running(c);
}

static int list_inbox(cli *c, bool all, bool want_batch, diag *d) {
    inbox b = {.list = NULL};
    int rc = inbox_load(c, all, &b, d);
    if (rc == 0 && wants_view(c, &b, want_batch)) {
        rc = inboxview_run(c, all, d);
        rc = rc ? rc : print_end(c, all, d);
    } else if (rc == 0) {
        rc = print_list(c, &b, all, want_batch, d);
    }
    inbox_free(&b);
    return rc;
}

/* What is gathered is asked for at once: its reader came by himself. */
static int raise_now(cli *c, diag *d) {
    keel_buf result = KEEL_BUF_INIT;
    int64_t raised = 0;
    int rc = cli_call(c, "gathered", NULL, &result, d);
    if (rc == 0 && result.len) {
        keel_json_int(keel_json_get(keel_json_view(result.data, result.len), "raised"), &raised);
    }
    if (rc == 0 && !raised) {
        cli_say(c, "Nothing is gathered.");
    }
    keel_buf_free(&result);
    return rc;
}

static int inbox_run(cli *c, const options *o, diag *d) {
    if (options_has(o, "now")) {
        int rc = raise_now(c, d);
        if (rc) {
            return rc;
        }
    }
    if (o->arg_count == 0) {
        return list_inbox(c, options_has(o, "all"), options_has(o, "batch"), d);
    }
    numbers *n = keel_alloc(sizeof *n);
    n->count = 0;
    int rc = numbers_read(c, o, n, d);
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        card *k = NULL;
        if (stuck_is(c, n->list[i])) {
            rc = stuck_show(c, n->list[i], d);
            continue;
        }
        rc = card_load(c, n->list[i], &k, d);
        if (rc == 0 && c->json) {
            card_json(k);
        } else if (rc == 0) {
            card_print(c, k);
        }
        if (rc == 0) {
            card_seen(c, k);
        }
        card_free(k);
    }
    free(n);
    return rc;
}

static const option inbox_options[] = {
    {"all", 'a', NULL, "also what is gathered for a later digest"},
    {"batch", 0, NULL, "fix the batches although this is no terminal"},
    {"now", 0, NULL, "ask at once for what a budget has gathered"},
    {NULL, 0, NULL, NULL},
};

const command inbox_command = {
    .name = "inbox",
    .words = "[N | B...]",
    .summary = "show all that needs you: approvals, questions, unknown outcomes, what is stuck",
    .more =
        "On a terminal it fills the screen: read page by page with the space bar, approve what you "
        "have\n"
        "read with one key (? explains the keys). Piped, or with --no-input, it prints a list.\n\n"
        "With numbers it shows the full cards: exactly what will be sent, which rule asks, what "
        "the\n"
        "agent claims and which quotations are really in their source; of what is stuck, the "
        "whole\n"
        "context. What nobody decided for long stands first, with its reminders. Items that are "
        "alike as\n"
        "their rule says (one agent and target, or what `batch: { by: ... }` names) are fixed as a "
        "batch:\n"
        "`keel approve B3` approves what was shown and nothing that came later. What a rule with "
        "`digest`\n"
        "gathers stands here from its next time on; --all shows it before.",
    .examples = "keel inbox\nkeel inbox 3\nkeel inbox B1\nkeel inbox --all\nkeel inbox --now\n"
                "keel inbox --no-input\nkeel inbox --json",
    .options = inbox_options,
    .most = -1,
    .run = inbox_run,
};
