/* keel costs: what it cost, in calls and in money. */
#include <inttypes.h>
#include <string.h>

#include "budget_show.h"
#include "commands.h"
#include "suggest.h"
#include "yamltree.h"

/* A child run is a call of its parent; so one line for each effect, and one for each child. */
#define USED                                                                                       \
    "e.tokens_in, e.tokens_out, e.tokens_cache_read, e.tokens_cache_write, e.model, e.unpriced,"   \
    " e.price"
#define LINES                                                                                      \
    "WITH lines(agent, day, target, run, effects, calls, micros, currency, input, output,"         \
    " cache_read, cache_write, model, unpriced, price) AS ("                                       \
    "SELECT r.agent, date(e.opened_us / 1000000, 'unixepoch', 'localtime'), e.target, e.run, 1,"   \
    " e.attempts - e.parked, e.cost_micros, e.currency, " USED                                     \
    " FROM effect e JOIN run r ON r.id = e.run WHERE e.target <> 'run.spawn' UNION ALL "           \
    "SELECT p.agent, date(r.started_us / 1000000, 'unixepoch', 'localtime'), 'run.spawn', p.id, "  \
    "1, 1, 0, NULL, 0, 0, 0, 0, NULL, 0, NULL FROM run r JOIN run p ON p.id = r.parent)"
#define MONEY " CASE WHEN currency IS NULL THEN NULL ELSE sum(micros) END, currency"
#define SUMS                                                                                       \
    "count(DISTINCT run), sum(effects), sum(calls),"                                               \
    " nullif(sum(input + output + cache_read + cache_write), 0)," MONEY " FROM lines"

static const char by_agent_sql[] =
    LINES "SELECT agent, " SUMS " GROUP BY agent, currency ORDER BY 4 DESC, 1";

static const char by_day_sql[] = LINES "SELECT day, " SUMS " GROUP BY day, currency ORDER BY 1";

static const char by_target_sql[] =
    LINES "SELECT target, " SUMS " GROUP BY target, currency ORDER BY 4 DESC, 1";

/* By the row of prices, too: what a model cost before it changed stands apart. */
static const char by_model_sql[] =
    LINES "SELECT model, count(DISTINCT run), sum(calls), sum(input), sum(output), sum(cache_read),"
          " sum(cache_write)," MONEY
          ", CASE WHEN unpriced THEN 'no price' WHEN price IS NULL THEN 'its connector''s'"
          " ELSE CASE WHEN price ->> 'assumed' THEN 'assumed, ' ELSE '' END || (price ->> 'at')"
          " || ' from ' || (price ->> 'from') END"
          " FROM lines WHERE model IS NOT NULL GROUP BY model, currency, 10 ORDER BY 8 DESC, 1, 10";

#define COST_COLUMNS(head, key)                                                                    \
    {                                                                                              \
        {head, key, COLUMN_TEXT}, {"RUNS", "runs", COLUMN_INT},                                    \
            {"EFFECTS", "effects", COLUMN_INT}, {"CALLS", "calls", COLUMN_INT},                    \
            {"TOKENS", "tokens", COLUMN_INT}, {"MONEY", "micros", COLUMN_MONEY},                   \
            {"", "currency", COLUMN_TEXT},                                                         \
    }

static const column agent_columns[] = COST_COLUMNS("AGENT", "agent");
static const column day_columns[] = COST_COLUMNS("DAY", "day");
static const column target_columns[] = COST_COLUMNS("TARGET", "target");

static const column model_columns[] = {
    {"MODEL", "model", COLUMN_TEXT},        {"RUNS", "runs", COLUMN_INT},
    {"CALLS", "calls", COLUMN_INT},         {"INPUT", "input", COLUMN_INT},
    {"OUTPUT", "output", COLUMN_INT},       {"CACHE READ", "cache_read", COLUMN_INT},
    {"WRITTEN", "cache_write", COLUMN_INT}, {"MONEY", "micros", COLUMN_MONEY},
    {"", "currency", COLUMN_TEXT},          {"PRICE", "price", COLUMN_TEXT},
};

#define COUNT_OF(list) (sizeof(list) / sizeof *(list))
#define NOTHING        "Nothing has cost anything yet."
static const struct {
    const char *by;
    const char *sql;
    const column *columns;
    size_t column_count;
    const char *nothing;
} ways[] = {
    {"agent", by_agent_sql, agent_columns, COUNT_OF(agent_columns), NOTHING},
    {"day", by_day_sql, day_columns, COUNT_OF(day_columns), NOTHING},
    {"target", by_target_sql, target_columns, COUNT_OF(target_columns), NOTHING},
    {"model", by_model_sql, model_columns, COUNT_OF(model_columns),
     "No connector has reported what a model used."},
};
#define WAYS (sizeof ways / sizeof *ways)

static void add_budget(void *ctx, const budget_line *b) {
    char spent[24], held[24], left[24], limit[24];
    keel_buf texts[4] = {KEEL_BUF_INIT, KEEL_BUF_INIT, KEEL_BUF_INIT, KEEL_BUF_INIT};
    int64_t sums[4] = {b->spent, b->held, b->limit < 0 ? 0 : b->limit - b->spent - b->held,
                       b->limit};
    for (int i = 0; i < 4; i++) {
        if (sums[i] < 0 && i == 3) {
            keel_buf_puts(&texts[i], "no limit");
        } else {
            budget_put(&texts[i], sums[i], b->unit, false);
        }
    }
    snprintf(spent, sizeof spent, "%" PRId64, sums[0]);
    snprintf(held, sizeof held, "%" PRId64, sums[1]);
    snprintf(left, sizeof left, "%" PRId64, sums[2]);
    snprintf(limit, sizeof limit, "%" PRId64, sums[3]);
    const char *row[] = {b->id,         b->scope,      b->window,     texts[0].data,
                         texts[1].data, texts[2].data, texts[3].data, budget_unit(b->unit),
                         spent,         held,          left,          limit,
                         b->unit};
    table_row(ctx, row);
    for (int i = 0; i < 4; i++) {
        keel_buf_free(&texts[i]);
    }
}

static void print_budgets(cli *c) {
    static const column columns[] = {
        {"BUDGET", "budget", COLUMN_TEXT}, {"OF", "scope", COLUMN_TEXT},
        {"WINDOW", "window", COLUMN_TEXT}, {"SPENT", NULL, COLUMN_TEXT},
        {"HELD", NULL, COLUMN_TEXT},       {"LEFT", NULL, COLUMN_TEXT},
        {"LIMIT", NULL, COLUMN_TEXT},      {"UNIT", NULL, COLUMN_TEXT},
        {NULL, "spent", COLUMN_INT},       {NULL, "held", COLUMN_INT},
        {NULL, "left", COLUMN_INT},        {NULL, "limit", COLUMN_INT},
        {NULL, "unit", COLUMN_TEXT}};
    table *t = table_create(columns, sizeof columns / sizeof *columns);
    suggest_each_budget(c, add_budget, t);
    if (table_count(t)) {
        if (!c->json) {
            cli_print("\n");
        }
        cli_table(c, t, "");
    }
    table_destroy(t);
}

static int costs_run(cli *c, const options *o, diag *d) {
    const char *by = options_value(o, "by");
    static const char *const names[] = {"agent", "day", "target", "model", NULL};
    size_t way = 0;
    while (by && way < WAYS && strcmp(ways[way].by, by) != 0) {
        way++;
    }
    if (way == WAYS) {
        const char *near = did_you_mean(by, names);
        diag_set(d, DIAG_USAGE, "Costs cannot be shown by %s.", by);
        return diag_next(d, "Use --by %s.", near ? near : "agent, day, target or model");
    }
    int rc = cli_list(c, ways[way].sql, NULL, 0, ways[way].columns, ways[way].column_count,
                      ways[way].nothing, d);
    if (rc == 0 && !options_has(o, "by")) {
        print_budgets(c);
    }
    return rc;
}

static const option costs_options[] = {
    {"by", 0, "agent|day|target|model", "how to add up; agent if not given"},
    {NULL, 0, NULL, NULL},
};

const command costs_command = {
    .name = "costs",
    .words = "[--by agent|day|target|model]",
    .summary = "calls, tokens and money, by agent, day, target or model, and the budgets",
    .more =
        "A call is one dispatched attempt of a connector's verb or a spawn. Retries are paid too.\n"
        "Tokens are what connectors report of models; by model it says by which row of the\n"
        "policy's prices they became money.",
    .examples =
        "keel costs\nkeel costs --by day\nkeel costs --by model\nkeel costs --by agent --json",
    .options = costs_options,
    .run = costs_run,
};
