/* Cases with a past: what was before, at which moment it is now, and what it comes to as a whole. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "budget.h"
#include "expect.h"
#include "pace.h"
#include "policy_cases_int.h"
#include "tally.h"
#include "tiers.h"

#define SECOND   1000000LL
#define USUAL    1773145800000000LL /* 2026-03-10T12:30:00Z, a Tuesday: where no moment is given */
#define TIMES    10000
#define PAST_MAX 1000
#define LONGEST  (366LL * 86400 * SECOND)
#define THIS_RUN 1 /* any other run is a tree of its own */

/* ---- reading ---- */

/* "2026-03-10T12:00:00Z", seconds left out or not, "+01:00" in place of Z. */
static bool moment(const char *text, int64_t *us) {
    struct tm tm = {0};
    int sign = 0, hours = 0, minutes = 0, used = 0;
    char zone[2] = "";
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M", &tm);
    if (rest && *rest == ':') {
        rest = strptime(rest, ":%S", &tm);
    }
    if (!rest || !*rest) {
        return false;
    }
    if (strcmp(rest, "Z") != 0) {
        if (sscanf(rest, "%1[+-]%2d:%2d%n", zone, &hours, &minutes, &used) != 3 || rest[used] ||
            hours < 0 || hours > 14 || minutes < 0 || minutes > 59) {
            return false;
        }
        sign = zone[0] == '-' ? -1 : 1;
    }
    *us = ((int64_t)timegm(&tm) - sign * (hours * 3600LL + minutes * 60LL)) * SECOND;
    return true;
}

static int read_at(case_reading *r, const yaml_node *n) {
    r->now->at_us = USUAL;
    if (n && (n->kind != YAML_SCALAR || !moment(n->text, &r->now->at_us))) {
        return case_fault(r, n, "at is a moment",
                          "Write at: \"2026-03-10T12:00:00Z\", or with \"+01:00\" in place of Z.");
    }
    return 0;
}

static int read_budget(case_reading *r, const yaml_node *map, const yaml_node *n) {
    int rc = n ? case_text(r, map, "budget", &r->now->budget) : 0;
    size_t count = budget_count(r->policy);
    if (!n || rc) {
        return rc;
    }
    const char **words = keel_alloc((count + 1) * sizeof *words);
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        words[i] = budget_describe(r->policy, i).id;
        found |= strcmp(words[i], r->now->budget) == 0;
    }
    words[count] = NULL;
    if (!found) {
        const char *near = did_you_mean(r->now->budget, words);
        yaml_fault(r->tree, n, r->d, "there is no budget \"%.60s\"", r->now->budget);
        rc = near ? diag_next(r->d, "Did you mean \"%s\"?", near)
                  : diag_next(r->d, "`keel budget` shows all.");
    }
    free(words);
    return rc;
}

/* What the case says where the entry says nothing: read as one, into a case of its own. */
static int read_whose(case_reading *r, const yaml_node *n, case_past *out) {
    policy_case own = {.name = NULL}, *outer = r->now;
    r->now = &own;
    int rc = yaml_get(n, "agent") ? case_agent(r, n) : 0;
    rc = rc || !yaml_get(n, "on") ? rc : case_target(r, n);
    rc = rc || !yaml_get(n, "args") ? rc : case_args(r, n);
    r->now = outer;
    out->agent = own.agent;
    out->target = own.target;
    out->args = own.args;
    out->resource = own.target ? own.resource : outer->resource;
    out->verb = own.target ? own.verb : outer->verb;
    if (rc == 0 && own.target && !out->args.len && strcmp(own.target, outer->target) != 0) {
        keel_buf_puts(&out->args, "{}"); /* another verb has other fields */
    }
    return rc;
}

static int read_when(case_reading *r, const yaml_node *n, case_past *out) {
    static const char *const outcomes[] = {"done", "not_done", "unknown", "denied", NULL};
    const yaml_node *ago = yaml_get(n, "ago"), *times = yaml_get(n, "times");
    const yaml_node *outcome = yaml_get(n, "outcome"), *same = yaml_get(n, "same_run");
    int which = CASE_DONE;
    out->times = 1;
    if (!ago || !yaml_duration_us(ago, &out->ago_us) || out->ago_us > LONGEST) {
        return case_fault(r, ago ? ago : n, "what was before says how long ago, at most 366d",
                          "Write ago: 2h (s, m, h or d).");
    }
    if (times && (!yaml_int(times, &out->times) || out->times < 1 || out->times > TIMES)) {
        return case_fault(r, times, "times is how often, from 1 to 10000", "Write times: 3.");
    }
    if (same && !yaml_bool(same, &out->same_run)) {
        return case_fault(r, same, "same_run is true or false",
                          "Write same_run: true where the run of the case has done it.");
    }
    int rc = outcome ? case_choose(r, outcome, "outcome", outcomes, &which) : 0;
    out->outcome = (case_outcome)which;
    return rc;
}

static int read_one(case_reading *r, const yaml_node *n, case_past *out) {
    static const char *const known[] = {"agent", "on",      "args",     "ago",
                                        "times", "outcome", "same_run", NULL};
    if (n->kind != YAML_MAP) {
        return case_fault(r, n, "this is nothing that was before",
                          "Write - { args: { ... }, ago: 2h, times: 3 }.");
    }
    out->line = n->line;
    out->column = n->column;
    int rc = yaml_known_keys(r->tree, n, known, r->d);
    rc = rc ? rc : read_when(r, n, out);
    return rc ? rc : read_whose(r, n, out);
}

static int by_age(const void *a, const void *b) {
    const case_past *x = a, *y = b;
    return x->ago_us != y->ago_us ? (x->ago_us > y->ago_us ? -1 : 1) : x->line - y->line;
}

int case_read_past(case_reading *r, const yaml_node *map) {
    const yaml_node *past = yaml_get(map, "past"), *at = yaml_get(map, "at");
    const yaml_node *budget = yaml_get(map, "budget");
    policy_case *k = r->now;
    int rc = read_at(r, at);
    k->whole = past || at;
    if (rc == 0 && budget && !k->whole) {
        return case_fault(r, budget, "budgets are looked at where a case has a past",
                          "Give it one: past: [], or what was before.");
    }
    rc = rc ? rc : read_budget(r, map, budget);
    if (rc == 0 && past && (past->kind != YAML_LIST || past->count > PAST_MAX)) {
        rc = case_fault(r, past, "past is a list of up to 1,000 entries",
                        "Write past: [ { ago: 2h, times: 3 } ].");
    }
    if (rc || !past || !past->count) {
        return rc;
    }
    k->past = keel_alloc(past->count * sizeof *k->past);
    for (size_t i = 0; rc == 0 && i < past->count; i++) {
        case_past *one = &k->past[k->past_count++];
        memset(one, 0, sizeof *one);
        rc = read_one(r, past->items[i], one);
    }
    qsort(k->past, k->past_count, sizeof *k->past, by_age);
    return rc;
}

void case_past_free(policy_case *c) {
    for (size_t i = 0; i < c->past_count; i++) {
        free(c->past[i].agent);
        free(c->past[i].target);
        keel_buf_free(&c->past[i].args);
    }
    free(c->past);
}

/* ---- playing ---- */

typedef struct playing {
    const policy *p;
    const char *file;
    const policy_case *c;
    attr_set *set;
    tallies *tallies;
    paces *paces;
    budgets *budgets;
    uint64_t runs; /* trees so far */
    diag *d;
} playing;

/* As the kernel asks for it. false: nobody wrote its price, and *why. */
static bool request(const expected_of *x, const char *agent, uint64_t run, char connection[64],
                    budget_request *q, budget_refusal *why) {
    bool spawns = strcmp(x->target, "run.spawn") == 0;
    snprintf(connection, 64, "%.*s", (int)strcspn(x->target, "."), x->target);
    *q = (budget_request){.agent = agent,
                          .root_run = run,
                          .calls = 1,
                          .target = x->target,
                          .connection = spawns ? NULL : connection,
                          .depth = spawns};
    return expect_cost(x, q, why);
}

static int could_not_be(const playing *y, const case_past *x, const budget_refusal *why) {
    diag_at(y->d, DIAG_USAGE, y->file, x->line, x->column, "this could not have been: %s",
            why->why);
    return diag_next(y->d, "Let less of it have been, or give it outcome: denied.");
}

/* Held, and settled as it ended: what is unknown stays held. */
static int spend(playing *y, const case_past *x, const char *agent, const expected_of *of) {
    char connection[64];
    budget_hold holds[BUDGET_HOLDS];
    budget_refusal why;
    size_t count = 0;
    uint64_t run = x->same_run ? THIS_RUN : ++y->runs;
    budget_request q;
    bool priced = request(of, agent, run, connection, &q, &why);
    q.asked = true; /* a soft limit was no hindrance */
    if (!priced || budget_reserve(y->budgets, y->p, &q, of->at_us, holds, &count, &why)) {
        return could_not_be(y, x, &why);
    }
    for (size_t i = 0; i < count && x->outcome != CASE_UNKNOWN; i++) {
        budget_settle(y->budgets, y->p, &holds[i], -1);
    }
    if (x->outcome == CASE_UNKNOWN) {
        budget_holds_drop(holds, count);
    }
    return 0;
}

static int happened(playing *y, const case_past *x) {
    const char *agent = x->agent ? x->agent : y->c->agent;
    const char *target = x->target ? x->target : y->c->target;
    const keel_buf *args = x->args.len ? &x->args : &y->c->args;
    int64_t at_us = y->c->at_us - x->ago_us;
    int rc = 0;
    expected_of of = {y->p, x->verb, keel_json_view(args->data, args->len), target, at_us};
    attr_set_fill(y->set, x->resource, of.args);
    policy_query q = {.agent = agent, .target = target};
    q.attrs = attr_set_list(y->set, &q.attr_count);
    for (int64_t i = 0; rc == 0 && i < x->times && x->outcome != CASE_DENIED; i++) {
        if (x->outcome != CASE_NOT_DONE) {
            free(tally_add(y->tallies, &q, true, at_us));
        }
        free(pace_add(y->paces, &q, true, at_us)); /* it was sent */
        rc = spend(y, x, agent, &of);
    }
    return rc;
}

static void held_up(const playing *y, case_came *out) {
    pace_sight sight;
    const quiet_rule *rule = NULL;
    int64_t now = y->c->at_us;
    if (strcmp(y->c->target, "run.spawn") == 0) {
        return; /* never paced */
    }
    if (quiet_until_us(y->p, &out->query, now, &rule) > now) {
        out->verdict = CASE_WAIT;
        quiet_words(rule, &out->why);
        return;
    }
    pace_see(y->paces, &out->query, now, NULL, NULL, &sight);
    if (sight.rate && sight.at_us > now) {
        out->verdict = CASE_WAIT;
        pace_words(y->p, &sight, &out->why);
    }
}

static void short_of(const playing *y, case_came *out) {
    char connection[64];
    budget_hold holds[BUDGET_HOLDS];
    budget_refusal why;
    size_t count = 0;
    budget_request q;
    expected_of of = {y->p, y->c->verb, keel_json_view(y->c->args.data, y->c->args.len),
                      y->c->target, y->c->at_us};
    if (request(&of, y->c->agent, THIS_RUN, connection, &q, &why) &&
        budget_reserve(y->budgets, y->p, &q, y->c->at_us, holds, &count, &why) == 0) {
        budget_holds_drop(holds, count);
        return;
    }
    snprintf(out->budget, sizeof out->budget, "%s", why.budget);
    keel_buf_puts(&out->why, why.why);
    out->verdict = why.at_hard == HARD_DENY                                  ? POLICY_DENY
                   : why.at_hard == HARD_ASK || why.at_hard == HARD_ESCALATE ? POLICY_ASK
                                                                             : CASE_WAIT;
}

/* What takes back asks for no tier of its own. */
static bool gated(const playing *y, case_came *out) {
    char why[400];
    if (y->c->ordered || !tier_declared(y->c->resource) ||
        tier_lets(y->p, out->query.attrs, out->query.attr_count, y->c->level, why, sizeof why)) {
        return false;
    }
    keel_buf_puts(&out->why, why);
    out->verdict = POLICY_DENY;
    return true;
}

static int play(playing *y, case_came *out) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < y->c->past_count; i++) {
        rc = happened(y, &y->c->past[i]);
    }
    policy_past past = {y->tallies, y->c->at_us, false};
    out->query = policy_case_query(y->c, y->set);
    out->query.past = y->c->whole ? &past : NULL;
    policy_decide(y->p, &out->query, &out->decision);
    out->verdict = (int)out->decision.verdict;
    policy_explain(y->p, &out->query, &out->decision, &out->said);
    if (!gated(y, out) && rc == 0 && y->c->whole && out->decision.verdict == POLICY_ALLOW) {
        held_up(y, out);
        if (out->verdict == POLICY_ALLOW) {
            short_of(y, out);
        }
    }
    out->query.past = NULL;
    return rc;
}

int case_play(const policy *p, const char *file, const policy_case *c, attr_set *set,
              case_came *out, diag *d) {
    playing y = {.p = p, .file = file, .c = c, .set = set, .runs = THIS_RUN, .d = d};
    *out = (case_came){.verdict = POLICY_DENY};
    y.tallies = tallies_create(p);
    y.paces = paces_create(p);
    y.budgets = budgets_create();
    int rc = play(&y, out);
    tallies_destroy(y.tallies);
    paces_destroy(y.paces);
    budgets_destroy(y.budgets);
    return rc;
}
