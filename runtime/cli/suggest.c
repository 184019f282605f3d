#include "suggest.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "budget_show.h"
#include "survey.h"
#include "text.h"

static void print_rule(const effect *e, const keel_buf *rule) {
    fprintf(stderr,
            "\nNo rule lets it through. To be asked each time, add this to a file in policies/, "
            "then `keel policy reload`:\n\n%s",
            rule->data);
    if (rule->len && rule->data[rule->len - 1] != '\n') {
        fputc('\n', stderr);
    }
    fprintf(stderr,
            "\n`keel policy add-rule --from %" PRIu64
            ":%s --ask --write policies/FILE.yaml` adds it "
            "for you.\n",
            e->run, e->path);
}

void suggest_rule(cli *c, const effect *e, keel_json args) {
    survey *w = NULL;
    attr_set *set = attr_set_create();
    policy_query q;
    policy_decision now;
    diag d;
    survey_effect seen = {effect_text(e, EFFECT_AGENT),
                          effect_text(e, EFFECT_TARGET),
                          effect_text(e, EFFECT_CLASS),
                          args,
                          strcmp(effect_text(e, EFFECT_TAINTED), "1") == 0,
                          effect_level(e),
                          REPLY_NONE};
    bool ready = args.data && !c->quiet && survey_load(c, &w, NULL, NULL, &d) == 0 &&
                 survey_compile(c, w, NULL, NULL, &d) == 0;
    if (ready && survey_decide(w, &seen, set, &q, &now) && now.verdict == POLICY_DENY &&
        !now.rule) {
        keel_buf rule = KEEL_BUF_INIT;
        policy_suggest(&q, true, &rule);
        print_rule(e, &rule);
        keel_buf_free(&rule);
    }
    attr_set_destroy(set);
    survey_free(w);
}

/* ---- budgets ---- */

typedef struct sums {
    budgets *all;
    int64_t now_us;
} sums;

static int restore(void *ctx, int columns, const char *const *v, const char *const *names) {
    (void)columns;
    (void)names;
    const sums *s = ctx;
    budget_place at = {v[0], v[1], v[2], v[3]};
    budget_restore(s->all, NULL, s->now_us, &at, strtoll(v[4], NULL, 10), strtoll(v[5], NULL, 10));
    return 0;
}

int suggest_sums(cli *c, const policy *p, budget_visit *visit, void *ctx, diag *d) {
    sums s = {budgets_create(), cli_now_us()};
    int rc = cli_reader(c, d);
    rc = rc ? rc
            : reader_query(c->db, "SELECT budget, scope, window, unit, spent, held FROM budget",
                           NULL, 0, restore, &s, d);
    if (rc == 0) {
        budget_each(s.all, p, s.now_us, visit, ctx);
    }
    budgets_destroy(s.all);
    return rc;
}

void suggest_each_budget(cli *c, budget_visit *visit, void *ctx) {
    survey *w = NULL;
    diag d;
    if (survey_load(c, &w, NULL, NULL, &d) == 0 && survey_compile(c, w, NULL, NULL, &d) == 0) {
        (void)suggest_sums(c, w->policy, visit, ctx, &d);
    }
    survey_free(w);
}

typedef struct concern {
    const effect *e;
    char agent[80], root[80], connection[80];
    const policy *policy;
    keel_buf *out;
    const term *on;
    const char *name;
} concern;

static void one_budget(void *ctx, const budget_line *b) {
    concern *k = ctx;
    bool ours = strcmp(b->scope, "workspace") == 0 || strcmp(b->scope, k->agent) == 0 ||
                strcmp(b->scope, k->root) == 0 || strcmp(b->scope, k->connection) == 0;
    if (!ours || b->limit < 0 || !b->now ||
        !budget_counts(k->policy, b->rule, effect_text(k->e, EFFECT_AGENT),
                       effect_text(k->e, EFFECT_TARGET))) {
        return;
    }
    keel_buf padded = KEEL_BUF_INIT;
    keel_buf_printf(&padded, "%-10s", k->name);
    term_put(k->on, k->out, TINT_DIM, padded.data);
    keel_buf_puts(k->out, "  ");
    text_line(k->out, b->id, strlen(b->id));
    keel_buf_puts(k->out, " has ");
    int64_t left = b->limit - b->spent - b->held;
    budget_put(k->out, left > 0 ? left : 0, b->unit, true);
    keel_buf_puts(k->out, " left of ");
    budget_put(k->out, b->limit, b->unit, true);
    keel_buf_putc(k->out, '\n');
    k->name = "";
    keel_buf_free(&padded);
}

void suggest_budgets(cli *c, const effect *e, keel_buf *out) {
    concern k = {.e = e, .out = out, .on = &c->out, .name = "budget"};
    snprintf(k.agent, sizeof k.agent, "agent:%s", effect_text(e, EFFECT_AGENT));
    snprintf(k.root, sizeof k.root, "run:%s", effect_text(e, EFFECT_ROOT));
    const char *target = effect_text(e, EFFECT_TARGET);
    snprintf(k.connection, sizeof k.connection, "connection:%.*s", (int)strcspn(target, "."),
             target);
    survey *w = NULL;
    diag d;
    if (survey_load(c, &w, NULL, NULL, &d) == 0 && survey_compile(c, w, NULL, NULL, &d) == 0) {
        k.policy = w->policy;
        (void)suggest_sums(c, w->policy, one_budget, &k, &d);
    }
    survey_free(w);
}
