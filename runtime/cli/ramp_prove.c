#include "ramp_prove.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "effectset.h"
#include "ramp_amend.h"
#include "tally.h"

static void hold(proposal *x, const char *code, const char *why, ...)
    __attribute__((format(printf, 3, 4)));
static void hold(proposal *x, const char *code, const char *why, ...) {
    va_list ap;
    va_start(ap, why);
    vsnprintf(x->why, sizeof x->why, why, ap);
    va_end(ap);
    x->code = code;
}

/* ---- the text ---- */

static size_t file_of(const ramp_scene *v, const char *file) {
    for (size_t i = 0; i < v->world->file_count; i++) {
        if (strcmp(v->world->files[i].file, file) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

typedef struct warned {
    size_t count;
    diag last;
} warned;

static void count_warning(void *ctx, const diag *d) {
    warned *w = ctx;
    w->count++;
    w->last = *d;
}

static int compile(const ramp_scene *v, size_t changed, const keel_buf *text, policy **out,
                   warned *w, diag *d) {
    size_t count = v->world->file_count;
    policy_source *list = keel_alloc((count + 1) * sizeof *list);
    for (size_t i = 0; i < count; i++) {
        const keel_buf *t = text && i == changed ? text : &v->world->files[i].text;
        list[i] = (policy_source){v->world->files[i].file, t->data ? t->data : "", t->len};
    }
    int rc = policy_compile(out, list, count, &v->world->view, count_warning, w, d);
    free(list);
    return rc;
}

static bool rewrite(proposal *x, const ramp_scene *v, size_t at) {
    warned before = {0}, after = {0};
    policy *same = NULL;
    diag d = {0};
    x->before = &v->world->files[at].text;
    if (ramp_amend(x->file, x->before, x->found, &x->after, &x->line, &d) ||
        compile(v, at, &x->after, &x->policy, &after, &d) ||
        compile(v, at, NULL, &same, &before, &d)) {
        hold(x, "text", "%s:%d:%d: %s", x->file, d.line, d.column, d.what);
    } else if (after.count > before.count) {
        hold(x, "text", "`keel policy check` would warn of it: %s", after.last.what);
    }
    policy_destroy(same);
    return !x->code;
}

/* ---- what it does ---- */

static void lets_through(proposal *x, const ramp_scene *v) {
    for (size_t i = 0; i < x->found->used_count; i++) {
        policy_query q = v->past.effects[x->found->used[i]].query;
        policy_decision now;
        policy_decide(x->policy, &q, &now);
        if (now.verdict != POLICY_ALLOW) {
            hold(x, "other", "rule %s would still %s them", now.rule_id,
                 now.verdict == POLICY_ASK ? "ask for" : "deny");
            return;
        }
        q.tainted = true;
        policy_decide(x->policy, &q, &now);
        if (now.verdict == POLICY_ALLOW) {
            hold(x, "tainted", "it would let them through for runs that have read untrusted text");
            return;
        }
    }
}

/* What was decided in its time is of no matter here: an effect is decided by the policy as it stands and by
 * the proposed one, and only what differs between the two is the proposal's. A backtest tells of what
 * differs from its time; so there is one of each policy. Where a rule sums or counts, what a policy says
 * follows from all that it said before: that is known from its own backtest alone. */
typedef struct trial {
    proposal *x;
    const policy *now;
    /* What they say otherwise than in its time, of effects that a rule sums: decisions. */
    map standing, proposed;
    backtest_hooks to;
    int64_t changed[BACKTEST_CHANGES];
    int64_t let_in; /* denied as the policy stands */
} trial;

static void compare(trial *t, const backtest_effect *e, const policy_decision *was,
                    const policy_decision *is) {
    backtest_effect one = *e;
    if (was->verdict == is->verdict) {
        return;
    }
    one.was = was->verdict;
    one.was_rule = was->rule_id;
    one.was_file = was->file;
    one.was_line = was->line;
    one.now = *is;
    one.change = is->verdict == POLICY_ALLOW  ? BACKTEST_ALLOWED
                 : is->verdict == POLICY_DENY ? BACKTEST_DENIED
                                              : BACKTEST_ASKED;
    t->changed[one.change]++;
    t->let_in += was->verdict == POLICY_DENY && is->verdict == POLICY_ALLOW;
    if (t->to.changed) {
        t->to.changed(t->to.ctx, &one);
    } else {
        backtest_sums_add(&t->x->sums, &one);
    }
}

/* ---- what is summed ---- */

static bool is_summed(const trial *t, const backtest_effect *e) {
    return policy_looks_back(t->now, e->query) || policy_looks_back(t->x->policy, e->query);
}

static uint64_t key_of(const backtest_effect *e) {
    return effectset_hash(e->run, e->path, (keel_json){NULL, 0});
}

static void note(map *m, const backtest_effect *e) {
    free(map_take(m, key_of(e)));
    map_put(m, key_of(e), keel_memdup(&e->now, sizeof e->now));
}

static void forget(map *m) {
    size_t at = 0;
    void *decision;
    while ((decision = map_next(m, &at, NULL))) {
        free(decision);
    }
    map_free(m);
}

static policy_decision in_its_time(const backtest_effect *e) {
    return (policy_decision){.verdict = e->was,
                             .rule_id = e->was_rule,
                             .file = e->was_file,
                             .line = (int)e->was_line,
                             .band = "default"};
}

static void standing_sums(void *ctx, const backtest_effect *e) {
    trial *t = ctx;
    if (is_summed(t, e)) {
        note(&t->standing, e);
    }
}

/* ---- what differs ---- */

/* The proposed policy says something else than was said in its time. */
static void proposed_differs(void *ctx, const backtest_effect *e) {
    trial *t = ctx;
    policy_decision was = in_its_time(e);
    if (is_summed(t, e)) {
        const policy_decision *standing = map_get(&t->standing, key_of(e));
        was = standing ? *standing : was;
        note(&t->proposed, e);
    } else {
        policy_decide(t->now, e->query, &was);
    }
    compare(t, e, &was, &e->now);
}

/* The policy as it stands does. Where the proposed one does too, it has been told. */
static void standing_differs(void *ctx, const backtest_effect *e) {
    trial *t = ctx;
    policy_decision is = in_its_time(e);
    if (!is_summed(t, e)) {
        policy_decide(t->x->policy, e->query, &is);
        if (is.verdict == e->was) {
            compare(t, e, &e->now, &is);
        }
    } else if (!map_get(&t->proposed, key_of(e))) {
        backtest_effect one = *e;
        one.why = "as it was decided in its time, by the sums that it would see";
        compare(t, &one, &e->now, &is);
    }
}

static void lost(void *ctx, uint64_t run, const char *path, const char *target, backtest_loss why) {
    const trial *t = ctx;
    if (t->to.lost) {
        t->to.lost(t->to.ctx, run, path, target, why);
    }
}

/* The report is of the two policies. */
static int play(trial *t, const ramp_scene *v, diag *d) {
    proposal *x = t->x;
    backtest_hooks proposed = {proposed_differs, lost, t}, standing = {standing_differs, NULL, t};
    backtest_hooks sums = {standing_sums, NULL, t};
    backtest_report before;
    bool summed = tally_since_us(t->now, 0) != INT64_MAX;
    int rc = summed ? backtest_run(v->c->db, t->now, v->since_us, &sums, &before, d) : 0;
    rc = rc ? rc : backtest_run(v->c->db, x->policy, v->since_us, &proposed, &x->report, d);
    rc = rc ? rc : backtest_run(v->c->db, v->world->policy, v->since_us, &standing, &before, d);
    if (rc == 0) {
        x->report.asked_then = before.asked_now;
        memcpy(x->report.changed, t->changed, sizeof t->changed);
    }
    forget(&t->standing);
    forget(&t->proposed);
    return rc;
}

int proposal_try(proposal *x, const ramp_scene *v, bool all, diag *d) {
    trial t = {.x = x, .now = v->world->policy};
    if (!v->c->json) {
        x->told = telling_create(v->c, x->policy, all);
        t.to = telling_hooks(x->told);
    }
    int rc = play(&t, v, d);
    rc = rc ? rc : x->told ? telling_look_up(x->told, d) : backtest_sums_look_up(&x->sums, v->c, d);
    if (rc == 0 && x->report.changed[BACKTEST_DENIED]) {
        hold(x, "denies", "it would deny what is let through or asked for now");
    } else if (rc == 0 && t.let_in) {
        hold(x, "denied", "it would let through what is denied now");
    }
    return rc;
}

void proposal_draft(proposal *out, const ramp_scene *v, const ramp_finding *f) {
    *out = (proposal){.found = f, .code = f->code};
    policy_decision now = {.file = ""};
    if (f->code) {
        snprintf(out->why, sizeof out->why, "%s", f->why);
        return;
    }
    policy_decide(v->world->policy, &v->past.effects[f->used[0]].query, &now);
    out->file = now.file;
    out->line = now.line;
    size_t at = file_of(v, now.file);
    if (at == SIZE_MAX) {
        hold(out, "text", "the rule stands in no file of policies/");
    } else if (rewrite(out, v, at)) {
        lets_through(out, v);
    }
}

void proposal_free(proposal *x) {
    if (x->told) {
        telling_destroy(x->told);
    }
    backtest_sums_free(&x->sums);
    policy_destroy(x->policy);
    keel_buf_free(&x->after);
}

/* ---- all of them ---- */

int ramp_open(ramp_scene *out, cli *c, int64_t since_us, size_t after, diag *d) {
    *out = (ramp_scene){.c = c, .since_us = since_us};
    int rc = survey_load(c, &out->world, NULL, NULL, d);
    rc = rc ? rc : survey_compile(c, out->world, NULL, NULL, d);
    rc = rc ? rc : cli_reader(c, d);
    rc = rc ? rc : ramp_past_read(&out->past, c->db, out->world, since_us, d);
    if (rc == 0) {
        out->count =
            ramp_find(out->world->policy, out->past.effects, out->past.count, after, &out->found);
    }
    return rc;
}

void ramp_close(ramp_scene *s) {
    ramp_free(s->found, s->count);
    ramp_past_free(&s->past);
    survey_free(s->world);
}
