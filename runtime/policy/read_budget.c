/* One entry of `budgets`. */
#include <stdlib.h>
#include <string.h>

#include "budget.h"
#include "compileint.h"

static int read_id(compiler *c, const yaml_node *n, budget_rule *b) {
    const yaml_node *id = yaml_get(n, "id");
    if (!id) {
        return compile_fault(c, n, "the budget has no id", "Add `id: month`; messages use it.");
    }
    int rc = compile_word(c, id, "the id of a budget", &b->id);
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
    "Write one of `scope: workspace`, `each: agent` and `each: run_tree`.";

static int read_each(compiler *c, const yaml_node *each, budget_rule *b) {
    const char *text = each->kind == YAML_SCALAR ? each->text : "";
    if (strcmp(text, "agent") == 0) {
        b->scope = SCOPE_AGENT;
    } else if (strcmp(text, "run_tree") == 0) {
        b->scope = SCOPE_RUN_TREE;
    } else if (strcmp(text, "day") == 0) {
        return compile_fault(c, each,
                             "`each: day` (attention) is known, not yet enforced in this "
                             "version",
                             "Remove this budget.");
    } else {
        return compile_fault(c, each, "each is agent or run_tree", scope_help);
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

static bool ends_with(const char *s, const char *end) {
    size_t a = strlen(s);
    size_t b = strlen(end);
    return a > b && strcmp(s + a - b, end) == 0;
}

static const char limit_help[] = "Write an amount such as 50.00 USD, or 100 calls.";

static int read_limit(compiler *c, const yaml_node *n, budget_rule *b) {
    const char *text = n->kind == YAML_SCALAR ? n->text : "";
    if (yaml_money(n, &b->micros, b->currency)) {
        return b->micros >= 0 ? 0 : compile_fault(c, n, "a limit is not negative", limit_help);
    }
    if (ends_with(text, " interruptions") || ends_with(text, " minutes")) {
        return compile_fault(
            c, n, "limits of attention are known, not yet enforced in this version", limit_help);
    }
    char *end = NULL;
    long long v =
        text[0] >= '0' && text[0] <= '9' && strlen(text) < 19 ? strtoll(text, &end, 10) : 0;
    if (!end || strcmp(end, " calls") != 0) {
        return compile_fault(c, n, "this is no limit", limit_help);
    }
    b->calls = v;
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

static int read_zone(compiler *c, const yaml_node *n, budget_rule *b) {
    policy *p = c->p;
    zone *z = NULL;
    if (n->kind != YAML_SCALAR || zone_load(&z, n->text)) {
        yaml_fault(c->tree, n, c->d, "there is no time zone \"%.60s\" on this machine",
                   n->kind == YAML_SCALAR ? n->text : "");
        diag_next(c->d,
                  "Write a name such as Europe/Madrid; `timedatectl list-timezones` shows all. "
                  "If it is right, install the package tzdata.");
        return DIAG_USAGE;
    }
    p->zones = keel_realloc(p->zones, (p->zone_count + 1) * sizeof *p->zones);
    p->zones[p->zone_count++] = z;
    b->zone = z;
    return 0;
}

static int read_window(compiler *c, const yaml_node *n, budget_rule *b) {
    static const char *const names[] = {"none", "hour", "day", "calendar_month", NULL};
    const yaml_node *w = yaml_get(n, "window");
    const yaml_node *tz = yaml_get(n, "tz");
    if (w) {
        const char *text = w->kind == YAML_SCALAR ? w->text : "";
        size_t i = 0;
        while (names[i] && strcmp(names[i], text) != 0) {
            i++;
        }
        if (!names[i]) {
            const char *near = did_you_mean(text, names);
            yaml_fault(c->tree, w, c->d, "\"%.40s\" is no window", text);
            diag_next(c->d,
                      near ? "Did you mean \"%s\"?" : "Use calendar_month, day, hour or none.",
                      near);
            return DIAG_USAGE;
        }
        b->window = (window_kind)i;
    }
    if (tz && b->window == WINDOW_NONE) {
        return compile_fault(c, tz, "tz without a window says nothing",
                             "Add `window: day` or `window: calendar_month`, or remove tz.");
    }
    return tz ? read_zone(c, tz, b) : 0;
}

static int read_at_hard(compiler *c, const yaml_node *n, budget_rule *b) {
    static const char *const later[] = {"throttle", "escalate", "batch", NULL};
    const char *text = n && n->kind == YAML_SCALAR ? n->text : n ? "" : "deny";
    b->at_hard = strcmp(text, "ask") == 0 ? POLICY_ASK : POLICY_DENY;
    if (b->at_hard == POLICY_ASK || strcmp(text, "deny") == 0) {
        return 0;
    }
    for (size_t i = 0; later[i]; i++) {
        if (strcmp(later[i], text) == 0) {
            yaml_fault(c->tree, n, c->d, "`at_hard: %s` is known, not yet enforced in this version",
                       text);
            diag_next(c->d, "Write deny or ask.");
            return DIAG_USAGE;
        }
    }
    return compile_fault(c, n, "at_hard is deny or ask", "Without the line it is deny.");
}

static size_t holds_of(const budget_rule *b) {
    return (size_t)(b->currency[0] != 0) + (size_t)(b->calls >= 0);
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
    return 0;
}

int compile_budget(compiler *c, const yaml_node *n) {
    static const char *const later[] = {"soft", "at_soft", "agents", "on", NULL};
    static const char *const known[] = {"id", "scope",     "each",      "limit",   "window",
                                        "tz", "max_calls", "max_depth", "at_hard", NULL};
    int rc = compile_map(c, n, "a budget");
    if (rc == 0) {
        rc = yaml_later_keys(c->tree, n, later, c->d);
    }
    if (rc == 0) {
        rc = yaml_known_keys(c->tree, n, known, c->d);
    }
    if (rc) {
        return rc;
    }
    budget_rule b = {.file = c->file, .line = n->line, .column = n->column, .calls = -1};
    rc = read_id(c, n, &b);
    if (rc == 0) {
        rc = read_scope(c, n, &b);
    }
    if (rc == 0) {
        rc = read_limits(c, n, &b);
    }
    if (rc == 0) {
        rc = read_window(c, n, &b);
    }
    if (rc == 0) {
        rc = read_at_hard(c, yaml_get(n, "at_hard"), &b);
    }
    return rc ? rc : add(c, n, &b);
}
