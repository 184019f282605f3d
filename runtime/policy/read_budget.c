/* One entry of `budgets`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "budget.h"
#include "compileint.h"

static int read_id(compiler *c, const yaml_node *n, budget_rule *b) {
    const yaml_node *id = yaml_get(n, "id");
    if (!id) {
        return compile_fault(c, n, "the budget has no id", "Add `id: month`; messages use it.");
    }
    int rc = compile_name(c, id, "the id of a budget", &b->id);
    for (size_t i = 0; rc == 0 && i < c->p->budget_count; i++) {
        const budget_rule *other = &c->p->budgets[i];
        if (strcmp(other->id, b->id) == 0) {
            yaml_fault(c->tree, id, c->d, "the id \"%s\" is already used at %s:%d", b->id,
                       other->file, other->line);
            diag_next(c->d, "Give one of the two budgets another id.");
            return DIAG_USAGE;
        }
    }
    return rc;
}

static const char scope_help[] =
    "Write one of `scope: workspace`, `each: agent`, "
    "`each: connection`, `each: run_tree` and, for attention, `each: day`.";

static int read_each(compiler *c, const yaml_node *each, budget_rule *b) {
    const char *text = each->kind == YAML_SCALAR ? each->text : "";
    if (strcmp(text, "agent") == 0) {
        b->scope = SCOPE_AGENT;
    } else if (strcmp(text, "connection") == 0) {
        b->scope = SCOPE_CONNECTION;
    } else if (strcmp(text, "run_tree") == 0) {
        b->scope = SCOPE_RUN_TREE;
    } else if (strcmp(text, "day") == 0) {
        b->scope = SCOPE_WORKSPACE; /* of a person: see check_attention */
    } else {
        return compile_fault(c, each, "each is agent, connection, run_tree or day", scope_help);
    }
    return 0;
}

static int read_scope(compiler *c, const yaml_node *n, budget_rule *b) {
    const yaml_node *scope = yaml_get(n, "scope");
    const yaml_node *each = yaml_get(n, "each");
    if (!scope == !each) {
        return compile_fault(c, n,
                             scope ? "a budget has scope or each, not both"
                                   : "the budget does not say for whom it is",
                             scope_help);
    }
    if (each) {
        return read_each(c, each, b);
    }
    if (scope->kind != YAML_SCALAR || strcmp(scope->text, "workspace") != 0) {
        return compile_fault(c, scope, "the only scope is workspace", scope_help);
    }
    b->scope = SCOPE_WORKSPACE;
    return 0;
}

static const char limit_help[] = "Write an amount such as 50.00 USD, 100 calls, or 2000000 tokens; "
                                 "for `each: day` 12 interruptions, or 30 minutes.";

#define ATTENTION_DIGITS 4  /* a day has 1440 minutes */
#define COUNT_DIGITS     12 /* of calls and tokens */

static int read_limit(compiler *c, const yaml_node *n, budget_rule *b) {
    const char *text = n->kind == YAML_SCALAR ? n->text : "";
    if (yaml_money(n, &b->micros, b->currency)) {
        return b->micros >= 0 ? 0 : compile_fault(c, n, "a limit is not negative", limit_help);
    }
    char *end = NULL;
    long long v =
        text[0] >= '0' && text[0] <= '9' && strlen(text) < 20 ? strtoll(text, &end, 10) : 0;
    bool counts = end && strcspn(text, " ") <= COUNT_DIGITS;
    if (counts && strcmp(end, " tokens") == 0) {
        b->tokens = v;
        return 0;
    }
    if (counts && strcmp(end, " calls") == 0) {
        b->calls = v;
        return 0;
    }
    b->minutes = end && strcmp(end, " minutes") == 0;
    if ((!b->minutes && (!end || strcmp(end, " interruptions") != 0)) ||
        strcspn(text, " ") > ATTENTION_DIGITS) {
        return compile_fault(c, n, "this is no limit", limit_help);
    }
    b->attention = b->minutes ? v * 60 : v;
    return 0;
}

/* A day of a person: nothing but interruptions or minutes, and what is beyond them is gathered. */
static int check_attention(compiler *c, const yaml_node *n, const budget_rule *b) {
    static const char *const others[] = {"max_calls", "max_depth", "window",
                                         "throttle",  "then",      NULL};
    const yaml_node *each = yaml_get(n, "each"), *limit = yaml_get(n, "limit");
    bool day = each && each->kind == YAML_SCALAR && strcmp(each->text, "day") == 0;
    if (!day) {
        return b->attention < 0 ? 0
                                : compile_fault(c, limit, "attention is limited by the day",
                                                "Write `each: day` in place of scope or each.");
    }
    if (b->attention < 0) {
        return compile_fault(c, limit ? limit : n, "each: day limits a person's attention",
                             "Write for example { each: day, limit: 12 interruptions }, or limit: "
                             "30 minutes; others have a window: day.");
    }
    for (size_t i = 0; others[i]; i++) {
        if (yaml_get(n, others[i])) {
            yaml_fault(c->tree, yaml_get(n, others[i]), c->d, "%s does not go with each: day",
                       others[i]);
            diag_next(c->d, "Remove the line.");
            return DIAG_USAGE;
        }
    }
    return 0;
}

static int read_count(compiler *c, const yaml_node *n, const char *what, int64_t most,
                      int64_t *out) {
    if (!yaml_int(n, out) || *out < 0 || *out > most) {
        yaml_fault(c->tree, n, c->d, "%s is a number from 0 to %lld", what, (long long)most);
        diag_next(c->d, "Write for example `%s: 60`.", what);
        return DIAG_USAGE;
    }
    return 0;
}

static int read_limits(compiler *c, const yaml_node *n, budget_rule *b) {
    const yaml_node *limit = yaml_get(n, "limit");
    const yaml_node *calls = yaml_get(n, "max_calls");
    const yaml_node *depth = yaml_get(n, "max_depth");
    if (!limit && !calls && !depth) {
        return compile_fault(c, n, "the budget limits nothing", limit_help);
    }
    int rc = limit ? read_limit(c, limit, b) : 0;
    if (rc == 0 && calls && b->calls >= 0) {
        rc = compile_fault(c, calls, "two limits of calls in one budget",
                           "Keep either `limit: N calls` or max_calls.");
    }
    if (rc == 0 && calls) {
        rc = read_count(c, calls, "max_calls", 1000000000, &b->calls);
    }
    if (rc == 0 && depth && b->scope != SCOPE_RUN_TREE) {
        rc = compile_fault(c, depth, "only a run tree has a depth", "Write `each: run_tree`.");
    }
    int64_t v = -1;
    if (rc == 0 && depth) {
        rc = read_count(c, depth, "max_depth", 100, &v);
    }
    b->max_depth = (int)v;
    return rc;
}

static size_t holds_of(const budget_rule *b) {
    return (size_t)(b->currency[0] != 0) + (size_t)(b->calls >= 0) + (size_t)(b->tokens >= 0) +
           (size_t)(b->attention >= 0);
}

static int add(compiler *c, const yaml_node *n, const budget_rule *b) {
    policy *p = c->p;
    size_t holds = holds_of(b);
    for (size_t i = 0; i < p->budget_count; i++) {
        holds += holds_of(&p->budgets[i]);
    }
    if (holds > BUDGET_HOLDS) {
        return compile_fault(c, n, "more than 16 limits in all budgets", "Remove some.");
    }
    if (p->budget_count == c->budget_cap) {
        c->budget_cap = c->budget_cap ? c->budget_cap * 2 : 8;
        p->budgets = keel_realloc(p->budgets, c->budget_cap * sizeof *p->budgets);
    }
    p->budgets[p->budget_count++] = *b;
    p->limits_depth |= b->max_depth >= 0;
    return 0;
}

/* Only these effects are counted. */
static int read_filters(compiler *c, const yaml_node *n, budget_rule *b) {
    const yaml_node *agents = yaml_get(n, "agents");
    int rc = agents ? compile_words(c, agents, "agents", &b->agents, &b->agent_count) : 0;
    if (rc == 0 && yaml_get(n, "on")) {
        rc = compile_on(c, n, "", &b->on, &b->on_count);
    }
    for (size_t i = 0; rc == 0 && b->scope == SCOPE_CONNECTION && i < b->on_count; i++) {
        if (strncmp(b->on[i], "run.", 4) == 0) {
            rc = compile_fault(c, compile_words_at(yaml_get(n, "on"), i),
                               "run.spawn goes through no connection",
                               "Write `each: agent` or `scope: workspace`, or leave it out.");
        }
    }
    return rc;
}

static int check_world(compiler *c, const yaml_node *n, const budget_rule *b) {
    char what[80];
    snprintf(what, sizeof what, "budget %s", b->id);
    named_things named = {b->on, b->on_count, b->agents, b->agent_count};
    return check_names(c, what, n, &named);
}

int compile_budget(compiler *c, const yaml_node *n) {
    static const char *const known[] = {
        "id",        "scope",     "each", "agents",  "on",      "limit",    "window", "tz",
        "max_calls", "max_depth", "soft", "at_soft", "at_hard", "throttle", "then",   NULL};
    int rc = compile_map(c, n, "a budget");
    rc = rc ? rc : yaml_known_keys(c->tree, n, known, c->d);
    if (rc) {
        return rc;
    }
    budget_rule b = {.file = c->file,
                     .line = n->line,
                     .column = n->column,
                     .calls = -1,
                     .tokens = -1,
                     .attention = -1};
    rc = read_id(c, n, &b);
    rc = rc ? rc : read_scope(c, n, &b);
    rc = rc ? rc : read_filters(c, n, &b);
    rc = rc ? rc : read_limits(c, n, &b);
    rc = rc ? rc : check_attention(c, n, &b);
    rc = rc ? rc : compile_window(c, n, &b);
    rc = rc ? rc : compile_soft(c, n, &b);
    rc = rc ? rc : compile_hard(c, n, &b);
    rc = rc ? rc : check_world(c, n, &b);
    return rc ? rc : add(c, n, &b);
}
