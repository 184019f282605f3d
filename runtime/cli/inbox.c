/* keel inbox: all that needs a person, and the batches that he sees. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "card.h"
#include "commands.h"
#include "mismatch.h"
#include "stuck.h"
#include "survey.h"
#include "text.h"
#include "troubles.h"

static const char open_sql[] =
    "SELECT i.number, i.kind, r.agent, e.target, i.args_seq, e.rule, i.run, i.path, i.opened_us,"
    " i.expires_us, i.digest, i.reason, i.escalated FROM item i JOIN run r ON r.id = i.run"
    " LEFT JOIN effect e ON e.run = i.run AND e.path = i.path"
    " WHERE i.state = 'open' ORDER BY coalesce(i.escalated, 0) DESC, i.number";

enum {
    Q_NUMBER,
    Q_KIND,
    Q_AGENT,
    Q_TARGET,
    Q_ARGS_SEQ,
    Q_RULE,
    Q_RUN,
    Q_PATH,
    Q_OPENED,
    Q_EXPIRES,
    Q_DIGEST,
    Q_REASON,
    Q_ESCALATED,
    Q_COUNT
};

typedef struct waiting {
    char *values[Q_COUNT];
    char *summary;
    keel_buf args;
} waiting;

typedef struct inbox {
    cli *c;
    waiting *list;
    size_t count;
} inbox;

static int add_waiting(void *ctx, int columns, const char *const *values,
                       const char *const *names) {
    (void)names;
    inbox *b = ctx;
    b->list = keel_realloc(b->list, (b->count + 1) * sizeof *b->list);
    waiting *w = &b->list[b->count++];
    *w = (waiting){.summary = NULL};
    for (int i = 0; i < columns && i < Q_COUNT; i++) {
        w->values[i] = values[i] ? keel_strdup(values[i]) : NULL;
    }
    return 0;
}

static void summarise(inbox *b, waiting *w) {
    keel_buf text = KEEL_BUF_INIT;
    reader_member(b->c->db, strtoll(w->values[Q_ARGS_SEQ], NULL, 10), "args", &w->args, NULL);
    keel_buf_puts(&text, "");
    if (w->values[Q_REASON]) {
        text_line(&text, w->values[Q_REASON], strlen(w->values[Q_REASON]));
    } else if (w->args.len) {
        render_summary(keel_json_view(w->args.data, w->args.len), &text);
    }
    w->summary = text.data;
}

static int load(inbox *b, diag *d) {
    int rc = cli_reader(b->c, d);
    rc = rc ? rc : reader_query(b->c->db, open_sql, NULL, 0, add_waiting, b, d);
    for (size_t i = 0; rc == 0 && i < b->count; i++) {
        summarise(b, &b->list[i]);
    }
    return rc;
}

static void finish(inbox *b) {
    for (size_t i = 0; i < b->count; i++) {
        for (size_t v = 0; v < Q_COUNT; v++) {
            free(b->list[i].values[v]);
        }
        free(b->list[i].summary);
        keel_buf_free(&b->list[i].args);
    }
    free(b->list);
}

static int64_t number_of(const char *text) {
    return text ? strtoll(text, NULL, 10) : 0;
}

static void print_items(const inbox *b) {
    column columns[] = {
        {"NO", "number", COLUMN_INT},      {"NEEDS", "kind", COLUMN_STATE},
        {"AGENT", "agent", COLUMN_TEXT},   {"TO DO", "target", COLUMN_TEXT},
        {"SINCE", NULL, COLUMN_SPAN},      {"EXPIRES IN", NULL, COLUMN_SPAN},
        {NULL, "escalated", COLUMN_INT},   {"WHAT", NULL, COLUMN_TEXT},
        {NULL, "rule", COLUMN_TEXT},       {NULL, "run", COLUMN_INT},
        {NULL, "path", COLUMN_TEXT},       {NULL, "opened_us", COLUMN_TIME},
        {NULL, "expires_us", COLUMN_TIME}, {NULL, "approval", COLUMN_TEXT},
        {NULL, "args", COLUMN_JSON},       {NULL, "reason", COLUMN_TEXT},
    };
    for (size_t i = 0; i < b->count; i++) {
        if (b->list[i].values[Q_ESCALATED]) {
            columns[6].head = "ESCALATED"; /* as a rule nothing is */
        }
    }
    table *t = table_create(columns, sizeof columns / sizeof *columns);
    int64_t now = cli_now_us();
    for (size_t i = 0; i < b->count; i++) {
        const waiting *w = &b->list[i];
        char *const *v = w->values;
        char since[24], left[24];
        snprintf(since, sizeof since, "%" PRId64, now - number_of(v[Q_OPENED]));
        snprintf(left, sizeof left, "%" PRId64, number_of(v[Q_EXPIRES]) - now);
        const char *row[] = {v[Q_NUMBER],    v[Q_KIND],   v[Q_AGENT],
                             v[Q_TARGET],    since,       v[Q_EXPIRES] ? left : NULL,
                             v[Q_ESCALATED], w->summary,  v[Q_RULE],
                             v[Q_RUN],       v[Q_PATH],   v[Q_OPENED],
                             v[Q_EXPIRES],   v[Q_DIGEST], w->args.len ? w->args.data : NULL,
                             v[Q_REASON]};
        table_row(t, row);
    }
    cli_table(b->c, t, "Nothing needs you.");
    table_destroy(t);
}

/* ---- batches ---- */

static bool same(const char *a, const char *b) {
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool alike(const waiting *a, const waiting *b) {
    return same(a->values[Q_AGENT], b->values[Q_AGENT]) &&
           same(a->values[Q_TARGET], b->values[Q_TARGET]) &&
           same(a->values[Q_RULE], b->values[Q_RULE]);
}

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

static void announce(const inbox *b, const waiting *w, int64_t batch, size_t count) {
    keel_buf line = KEEL_BUF_INIT, name = KEEL_BUF_INIT;
    keel_buf_printf(&name, "B%" PRId64, batch);
    term_put(&b->c->out, &line, TINT_BOLD, name.data);
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

/* How many the rule lets be approved at one look. */
static size_t batch_max(const survey *w, const waiting *k) {
    policy_query q;
    policy_decision decision = {.rule = NULL};
    attr_set *set = attr_set_create();
    survey_effect e = {k->values[Q_AGENT], k->values[Q_TARGET] ? k->values[Q_TARGET] : "", "",
                       keel_json_view(k->args.data, k->args.len), true};
    bool known = w && k->args.len && survey_decide(w, &e, set, &q, &decision);
    int most = policy_rule_approval(known ? decision.rule : NULL).batch_max;
    attr_set_destroy(set);
    return most > 0 ? (size_t)most : 1;
}

static survey *open_survey(cli *c) {
    survey *w = NULL;
    diag d;
    if (survey_load(c, &w, NULL, NULL, &d) == 0 && survey_compile(c, w, NULL, NULL, &d) != 0) {
        survey_free(w);
        w = NULL;
    }
    return w;
}

/* All open approvals that are alike, from `at` on, up to the largest batch. */
static size_t gather(const inbox *b, size_t at, bool *taken, size_t most, numbers *n) {
    for (size_t i = at; i < b->count && n->count < most; i++) {
        if (!taken[i] && batchable(&b->list[i]) && alike(&b->list[at], &b->list[i])) {
            taken[i] = true;
            n->list[n->count++] = strtoll(b->list[i].values[Q_NUMBER], NULL, 10);
        }
    }
    return n->count;
}

static int fix_batches(inbox *b, diag *d) {
    bool *taken = keel_alloc((b->count + 1) * sizeof *taken);
    survey *w = open_survey(b->c);
    memset(taken, 0, (b->count + 1) * sizeof *taken);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < b->count; i++) {
        numbers n = {.count = 0};
        int64_t batch;
        if (taken[i] || !batchable(&b->list[i]) ||
            gather(b, i, taken, batch_max(w, &b->list[i]), &n) < 2) {
            continue;
        }
        rc = fix(b->c, &n, &batch, d);
        if (rc == 0 && b->c->json) {
            announce_json(batch, &n);
        } else if (rc == 0) {
            announce(b, &b->list[i], batch, n.count);
        }
    }
    free(taken);
    survey_free(w);
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

static int print_rest(inbox *b, diag *d) {
    char *why =
        cli_value(b->c, "SELECT coalesce(halted_why, '') FROM control WHERE halted = 1", NULL);
    if (why) {
        cli_say(b->c, "Halted: nothing new is done until `keel resume`.");
        free(why);
    }
    keel_buf status = KEEL_BUF_INIT;
    troubles_ask(b->c, &status);
    troubles_print(b->c, &status);
    keel_buf_free(&status);
    return reader_query(b->c->db,
                        "SELECT id, agent, reason FROM run WHERE state = 'paused' AND NOT EXISTS"
                        " (SELECT 1 FROM item i WHERE i.run = run.id AND i.kind = 'stuck'"
                        " AND i.state = 'open') ORDER BY id",
                        NULL, 0, paused_line, b->c, d);
}

static void say_next(const cli *c, const char *number, const char *kind) {
    if (strcmp(kind, "stuck") == 0) {
        cli_say(c, "Read it with `keel inbox %s`; it says what to do.", number);
    } else if (strcmp(kind, "unknown") == 0) {
        cli_say(c, "Read it with `keel inbox %s`; its story: `keel unknown show %s`.", number,
                number);
    } else {
        cli_say(c,
                "Read it with `keel inbox %s`; then `keel approve %s` or `keel deny %s --why ...`.",
                number, number, number);
    }
}

static int list_inbox(cli *c, bool want_batch, diag *d) {
    inbox b = {.c = c};
    int rc = load(&b, d);
    if (rc == 0) {
        print_items(&b);
        if (!c->json) {
            rc = print_rest(&b, d);
        }
    }
    bool may = want_batch || (c->out.terminal && !c->dry_run);
    if (rc == 0 && may && b.count && (want_batch || cli_running(c))) {
        rc = fix_batches(&b, d);
    }
    if (rc == 0 && b.count == 1 && !c->json) {
        say_next(c, b.list[0].values[Q_NUMBER], b.list[0].values[Q_KIND]);
    }
    finish(&b);
    return rc;
}

static int inbox_run(cli *c, const options *o, diag *d) {
    if (o->arg_count == 0) {
        return list_inbox(c, options_has(o, "batch"), d);
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
        card_free(k);
    }
    free(n);
    return rc;
}

static const option inbox_options[] = {
    {"batch", 0, NULL, "fix the batches although this is no terminal"},
    {NULL, 0, NULL, NULL},
};

const command inbox_command = {
    .name = "inbox",
    .words = "[N | B...]",
    .summary = "show all that needs you: approvals, unknown outcomes, what is stuck",
    .more =
        "With numbers it shows the full cards: exactly what will be sent, which rule asks, what "
        "the\n"
        "agent claims and which quotations are really in their source; of what is stuck, the "
        "whole\n"
        "context. What nobody decided for long stands first, with its reminders. Items of one "
        "agent, target\n"
        "and rule are fixed as a batch: `keel approve B3` approves what was shown and nothing "
        "that\n"
        "came later.",
    .examples = "keel inbox\nkeel inbox 3\nkeel inbox B1\nkeel inbox --json",
    .options = inbox_options,
    .most = -1,
    .run = inbox_run,
};
