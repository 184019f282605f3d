#include "suggest.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "budget.h"
#include "survey.h"
#include "text.h"

static void print_rule(const keel_buf *rule) {
    fprintf(stderr,
            "\nNo rule lets it through. To be asked each time, add this to a file in policies/, "
            "then `keel policy reload`:\n\n%s",
            rule->data);
    if (rule->len && rule->data[rule->len - 1] != '\n') {
        fputc('\n', stderr);
    }
}

void suggest_rule(cli *c, const effect *e, keel_json args) {
    survey *w = NULL;
    attr_set *set = attr_set_create();
    policy_query q;
    policy_decision now;
    diag d;
    survey_effect seen = {effect_text(e, EFFECT_AGENT), effect_text(e, EFFECT_TARGET),
                          effect_text(e, EFFECT_CLASS), args,
                          strcmp(effect_text(e, EFFECT_TAINTED), "1") == 0};
    bool ready = args.data && !c->quiet && survey_load(c, &w, NULL, NULL, &d) == 0 &&
                 survey_compile(c, w, NULL, NULL, &d) == 0;
    if (ready && survey_decide(w, &seen, set, &q, &now) && now.verdict == POLICY_DENY &&
        !now.rule) {
        keel_buf rule = KEEL_BUF_INIT;
        policy_suggest(&q, true, &rule);
        print_rule(&rule);
        keel_buf_free(&rule);
    }
    attr_set_destroy(set);
    survey_free(w);
}

/* ---- budgets ---- */

typedef struct walk {
    suggest_visit *visit;
    void *ctx;
} walk;

static int restore(void *ctx, int columns, const char *const *v, const char *const *names) {
    (void)columns;
    (void)names;
    budget_restore(ctx, v[0], v[1], v[2], v[3], strtoll(v[4], NULL, 10), strtoll(v[5], NULL, 10));
    return 0;
}

static void pass_on(void *ctx, const char *id, const char *scope, const char *window,
                    const char *unit, int64_t spent, int64_t held, int64_t limit) {
    const walk *w = ctx;
    budget_line line = {id, scope, window, unit, spent, held, limit};
    w->visit(w->ctx, &line);
}

void suggest_each_budget(cli *c, suggest_visit *visit, void *ctx) {
    survey *w = NULL;
    diag d;
    walk to = {visit, ctx};
    budgets *b = budgets_create();
    bool ready =
        survey_load(c, &w, NULL, NULL, &d) == 0 && survey_compile(c, w, NULL, NULL, &d) == 0;
    if (ready && cli_reader(c, &d) == 0 &&
        reader_query(c->db, "SELECT budget, scope, window, unit, spent, held FROM budget", NULL, 0,
                     restore, b, &d) == 0) {
        budget_each(b, w->policy, pass_on, &to);
    }
    budgets_destroy(b);
    survey_free(w);
}

typedef struct concern {
    const effect *e;
    char agent[80], root[80];
    keel_buf *out;
    const term *on;
    const char *name;
} concern;

static void amount(keel_buf *out, int64_t n, const char *unit) {
    if (strcmp(unit, "calls") == 0) {
        text_plural(out, n, "call", "calls");
    } else {
        text_money(out, n, unit);
    }
}

static void one_budget(void *ctx, const budget_line *b) {
    concern *k = ctx;
    bool ours = strcmp(b->scope, "workspace") == 0 || strcmp(b->scope, k->agent) == 0 ||
                strcmp(b->scope, k->root) == 0;
    if (!ours || b->limit < 0) {
        return;
    }
    keel_buf padded = KEEL_BUF_INIT;
    keel_buf_printf(&padded, "%-10s", k->name);
    term_put(k->on, k->out, TINT_DIM, padded.data);
    keel_buf_puts(k->out, "  ");
    text_line(k->out, b->id, strlen(b->id));
    keel_buf_puts(k->out, " has ");
    amount(k->out, b->limit - b->spent - b->held, b->unit);
    keel_buf_puts(k->out, " left of ");
    amount(k->out, b->limit, b->unit);
    keel_buf_putc(k->out, '\n');
    k->name = "";
    keel_buf_free(&padded);
}

void suggest_budgets(cli *c, const effect *e, keel_buf *out) {
    concern k = {.e = e, .out = out, .on = &c->out, .name = "budget"};
    snprintf(k.agent, sizeof k.agent, "agent:%s", effect_text(e, EFFECT_AGENT));
    snprintf(k.root, sizeof k.root, "run:%s", effect_text(e, EFFECT_ROOT));
    suggest_each_budget(c, one_budget, &k);
}
