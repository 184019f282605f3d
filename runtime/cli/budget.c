/* keel budget: what each budget has spent and holds, and where that leads. */
#include <stdlib.h>
#include <string.h>

#include "budget_show.h"
#include "commands.h"
#include "keel/json.h"
#include "suggest.h"
#include "survey.h"
#include "yamltree.h"

#define TOP 5 /* accounts of a budget that are shown without --all */

typedef struct gathering {
    cli *c;
    const policy *policy;
    const char *only;
    bool all;
    budget_rows rows;
} gathering;

static budget_row *row_new(gathering *g, size_t rule) {
    g->rows.list = keel_realloc(g->rows.list, (g->rows.count + 1) * sizeof *g->rows.list);
    budget_row *r = &g->rows.list[g->rows.count++];
    *r = (budget_row){.rule = rule, .soft = -1, .from_us = -1, .ends_us = -1};
    return r;
}

static bool is_asked_for(const gathering *g, size_t rule) {
    return !g->only || strcmp(budget_describe(g->policy, rule).id, g->only) == 0;
}

/* Trees that have ended spend no more. */
static bool is_past(const gathering *g, const budget_line *l) {
    return strncmp(l->scope, "run:", 4) == 0 && !l->held &&
           !cli_number(g->c,
                       "SELECT count(*) FROM run WHERE root = CAST(? AS INTEGER)"
                       " AND state IN ('open', 'paused')",
                       l->scope + 4);
}

static void on_line(void *ctx, const budget_line *l) {
    gathering *g = ctx;
    if (l->rule == SIZE_MAX || !l->now || !is_asked_for(g, l->rule) || (!g->all && is_past(g, l))) {
        return;
    }
    budget_row *r = row_new(g, l->rule);
    snprintf(r->scope, sizeof r->scope, "%s", l->scope);
    snprintf(r->unit, sizeof r->unit, "%s", l->unit);
    snprintf(r->window, sizeof r->window, "%s", l->window);
    r->spent = l->spent;
    r->held = l->held;
    r->borrowed = l->borrowed;
    r->limit = l->limit;
    r->soft = l->soft;
    r->from_us = l->from_us;
    r->ends_us = l->ends_us;
}

/* The account of the whole workspace is there before anything is spent. */
static void add_empty(gathering *g, size_t rule, const char *unit, int64_t limit) {
    for (size_t i = 0; i < g->rows.count; i++) {
        if (g->rows.list[i].rule == rule && strcmp(g->rows.list[i].unit, unit) == 0) {
            return;
        }
    }
    budget_row *r = row_new(g, rule);
    snprintf(r->scope, sizeof r->scope, "workspace");
    snprintf(r->unit, sizeof r->unit, "%s", unit);
    snprintf(r->window, sizeof r->window, "%s", budget_describe(g->policy, rule).window);
    r->limit = limit;
}

static void add_empties(gathering *g) {
    for (size_t i = 0; i < budget_count(g->policy); i++) {
        budget_info b = budget_describe(g->policy, i);
        if ((strcmp(b.of, "workspace") != 0 && strcmp(b.of, "day") != 0) || !is_asked_for(g, i)) {
            continue;
        }
        budget_limit limits[BUDGET_LIMITS];
        size_t count = budget_limits(&b, limits);
        for (size_t k = 0; k < count; k++) {
            if (strcmp(limits[k].unit, "depth") != 0) {
                add_empty(g, i, limits[k].unit, limits[k].amount);
            }
        }
    }
}

/* ---- unknown outcomes, overruns ---- */

static budget_row *row_of(gathering *g, const char *budget, const char *scope, const char *unit) {
    for (size_t i = 0; i < g->rows.count; i++) {
        budget_row *r = &g->rows.list[i];
        if (strcmp(r->scope, scope) == 0 && strcmp(r->unit, unit) == 0 &&
            strcmp(budget_describe(g->policy, r->rule).id, budget) == 0) {
            return r;
        }
    }
    return NULL;
}

static int on_unknown(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    gathering *g = ctx;
    keel_json holds = keel_json_view(v[0], strlen(v[0]));
    for (keel_json_iter it = keel_json_each(holds); keel_json_next(&it);) {
        char budget[64] = "", scope[64] = "", unit[16] = "", window[24] = "";
        int64_t amount = 0;
        keel_json_copy(keel_json_get(it.value, "budget"), budget, sizeof budget);
        keel_json_copy(keel_json_get(it.value, "scope"), scope, sizeof scope);
        keel_json_copy(keel_json_get(it.value, "unit"), unit, sizeof unit);
        keel_json_copy(keel_json_get(it.value, "window"), window, sizeof window);
        keel_json_int(keel_json_get(it.value, "amount"), &amount);
        budget_row *r = row_of(g, budget, scope, unit);
        if (r && (strcmp(r->window, window) == 0 || strchr(window, '/'))) {
            r->unknown += amount;
        }
    }
    return 0;
}

static int on_overrun(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    gathering *g = ctx;
    budget_row *r = row_of(g, v[0], v[1], v[3]);
    int64_t from = 0, to = 0;
    bool slice = r && strchr(v[2], '/') && budget_slice_span(v[2], &from, &to) &&
                 from >= r->from_us && r->from_us >= 0;
    if (r && (strcmp(r->window, v[2]) == 0 || slice)) {
        r->overrun += strtoll(v[4], NULL, 10);
    }
    return 0;
}

static int add_details(gathering *g, diag *d) {
    int rc = reader_query(g->c->db,
                          "SELECT holds FROM effect WHERE state IN ('unknown', 'reconciling')"
                          " AND holds IS NOT NULL",
                          NULL, 0, on_unknown, g, d);
    return rc ? rc
              : reader_query(g->c->db,
                             "SELECT budget, scope, window, unit, overrun FROM budget"
                             " WHERE overrun > 0",
                             NULL, 0, on_overrun, g, d);
}

/* ---- order ---- */

static double share(const budget_row *r) {
    return (double)(r->spent + r->held) / (double)(r->limit > 0 ? r->limit : 1);
}

static int by_share(const void *a, const void *b) {
    const budget_row *x = a, *y = b;
    if (x->rule != y->rule) {
        return x->rule < y->rule ? -1 : 1;
    }
    double left = share(x), right = share(y);
    if (left < right || left > right) {
        return left > right ? -1 : 1;
    }
    return strcmp(x->scope, y->scope) ? strcmp(x->scope, y->scope) : strcmp(x->unit, y->unit);
}

static void keep_top(gathering *g) {
    size_t kept = 0, of_rule = 0;
    for (size_t i = 0; i < g->rows.count; i++) {
        const budget_row *r = &g->rows.list[i];
        of_rule = kept && g->rows.list[kept - 1].rule == r->rule ? of_rule : 0;
        if (g->all || of_rule++ < TOP) {
            g->rows.list[kept++] = *r;
        } else {
            g->rows.hidden[r->rule]++;
        }
    }
    g->rows.count = kept;
}

/* ---- the command ---- */

static int no_budget(const policy *p, const char *id, diag *d) {
    size_t count = budget_count(p);
    const char **names = keel_alloc((count + 1) * sizeof *names);
    for (size_t i = 0; i < count; i++) {
        names[i] = budget_describe(p, i).id;
    }
    names[count] = NULL;
    const char *near = did_you_mean(id, names);
    diag_set(d, DIAG_NOT_FOUND, "There is no budget \"%s\" in this workspace's policy.", id);
    if (near) {
        diag_next(d, "Did you mean %s? `keel budget` shows all.", near);
    } else {
        diag_next(d, "`keel budget` shows all.");
    }
    free(names);
    return DIAG_NOT_FOUND;
}

static bool is_there(const policy *p, const char *id) {
    for (size_t i = 0; i < budget_count(p); i++) {
        if (strcmp(budget_describe(p, i).id, id) == 0) {
            return true;
        }
    }
    return false;
}

static int show(gathering *g, diag *d) {
    diag none = {0};
    int rc = suggest_sums(g->c, g->policy, on_line, g, &none);
    if (rc && rc != DIAG_NOT_FOUND) { /* nothing has ever run here: nothing is spent */
        *d = none;
        return rc;
    }
    rc = rc ? 0 : add_details(g, d);
    if (rc) {
        return rc;
    }
    add_empties(g);
    g->rows.hidden = keel_alloc((budget_count(g->policy) + 1) * sizeof(size_t));
    memset(g->rows.hidden, 0, (budget_count(g->policy) + 1) * sizeof(size_t));
    if (g->rows.count) {
        qsort(g->rows.list, g->rows.count, sizeof *g->rows.list, by_share);
    }
    bool bars = g->c->out.terminal && !g->c->json;
    g->all |= !bars;
    keep_top(g);
    if (bars) {
        budget_show_bars(g->c, g->policy, &g->rows, g->only);
    } else {
        budget_show_table(g->c, g->policy, &g->rows);
    }
    free(g->rows.hidden);
    return 0;
}

static int budget_run(cli *c, const options *o, diag *d) {
    survey *w = NULL;
    gathering g = {.c = c, .only = o->arg_count ? o->args[0] : NULL, .all = options_has(o, "all")};
    int rc = survey_load(c, &w, NULL, NULL, d);
    rc = rc ? rc : survey_compile(c, w, NULL, NULL, d);
    if (rc == 0 && g.only && !is_there(w->policy, g.only)) {
        rc = no_budget(w->policy, g.only, d);
    } else if (rc == 0 && budget_count(w->policy) == 0) {
        cli_say(c, "The policy has no budgets. Write one: policies/README.md, \"Budgets\".");
    } else if (rc == 0) {
        g.policy = w->policy;
        rc = show(&g, d);
    }
    free(g.rows.list);
    survey_free(w);
    return rc;
}

static const option budget_options[] = {
    {"all", 0, NULL, "every account: also of ended runs, and beyond the five fullest"},
    {NULL, 0, NULL, NULL},
};

const command budget_command = {
    .name = "budget",
    .words = "[ID] [--all]",
    .summary = "what each budget has spent and holds, its limit, and where the pace leads",
    .more =
        "A bar is what is spent, then what is held: by effects that are under way, and by those\n"
        "whose outcome is unknown until there is a verdict. The forecast goes by the pace since\n"
        "the window began. Limits are those of the files in policies/; `keel policy reload`\n"
        "puts them in force. Piped, it is a table; --json has amounts in millionths.",
    .examples = "keel budget\nkeel budget month\nkeel budget agent --all\nkeel budget --json",
    .options = budget_options,
    .most = 1,
    .run = budget_run,
};
