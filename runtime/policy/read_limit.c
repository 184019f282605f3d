/* Of an entry of `budgets`: when it begins anew, and what happens at its limits. */
#include <stdlib.h>
#include <string.h>

#include "compileint.h"

#define SECOND 1000000LL
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

static const char *text_of(const yaml_node *n) {
    return n->kind == YAML_SCALAR ? n->text : "";
}

/* The index of its word, or -1. */
static int word_of(const yaml_node *n, const char *const *words) {
    for (int i = 0; words[i]; i++) {
        if (strcmp(words[i], text_of(n)) == 0) {
            return i;
        }
    }
    return -1;
}

/* ---- windows ---- */

int compile_zone(compiler *c, const yaml_node *n, const zone **out) {
    policy *p = c->p;
    zone *z = NULL;
    if (n->kind != YAML_SCALAR || zone_load(&z, n->text)) {
        yaml_fault(c->tree, n, c->d, "there is no time zone \"%.60s\" on this machine", text_of(n));
        diag_next(c->d,
                  "Write a name such as Europe/Madrid; `timedatectl list-timezones` shows all. "
                  "If it is right, install the package tzdata.");
        return DIAG_USAGE;
    }
    p->zones = keel_realloc(p->zones, (p->zone_count + 1) * sizeof *p->zones);
    p->zones[p->zone_count++] = z;
    *out = z;
    return 0;
}

static int read_rolling(compiler *c, const yaml_node *w, budget_rule *b) {
    if (b->window_us < HOUR || b->window_us > 366 * DAY) {
        return compile_fault(c, w, "a window that rolls is from 1h to 366d",
                             "Write for example `window: 24h`, or `window: 7d`.");
    }
    b->window = WINDOW_ROLLING;
    b->window_text = policy_copy(c->p, w->text, w->len);
    b->slice_us = budget_slice_us(b->window_us);
    return 0;
}

static int read_name(compiler *c, const yaml_node *w, budget_rule *b) {
    static const char *const names[] = {"life", "hour", "day", "calendar_month", "none", NULL};
    int i = word_of(w, names);
    if (i < 0) {
        const char *near = did_you_mean(text_of(w), names);
        yaml_fault(c->tree, w, c->d, "\"%.40s\" is no window", text_of(w));
        diag_next(c->d,
                  near ? "Did you mean \"%s\"?"
                       : "Use calendar_month, day, hour, life, or a time such as 24h or 7d.",
                  near);
        return DIAG_USAGE;
    }
    b->window = i == 4 ? WINDOW_NONE : (window_kind)i;
    return 0;
}

int compile_window(compiler *c, const yaml_node *n, budget_rule *b) {
    const yaml_node *w = yaml_get(n, "window"), *tz = yaml_get(n, "tz");
    int rc = 0;
    if (b->attention >= 0) {
        b->window = WINDOW_DAY;
    }
    if (w) {
        rc = yaml_duration_us(w, &b->window_us) ? read_rolling(c, w, b) : read_name(c, w, b);
    }
    if (rc || !tz) {
        return rc;
    }
    if (b->window == WINDOW_ROLLING) {
        return compile_fault(c, tz, "a window that rolls turns at no clock: tz says nothing",
                             "Remove tz, or write `window: day`.");
    }
    if (b->window == WINDOW_NONE) {
        return compile_fault(c, tz, "tz without a window says nothing",
                             "Add `window: day` or `window: calendar_month`, or remove tz.");
    }
    b->tz = tz->kind == YAML_SCALAR ? policy_copy(c->p, tz->text, tz->len) : NULL;
    return compile_zone(c, tz, &b->zone);
}

/* ---- the soft limit ---- */

static const char soft_help[] =
    "Write for example { soft: 80%, at_soft: [notify, ask] }; at_soft is notify, ask, batch, or "
    "{ tier: NAME }.";
static const char no_soft[] = "at_soft is notify, ask, batch or { tier: NAME }";

static int read_share(compiler *c, const yaml_node *n, int *out) {
    char *end = NULL;
    const char *text = text_of(n);
    long v = text[0] >= '1' && text[0] <= '9' ? strtol(text, &end, 10) : 0;
    if (v < 1 || v > 99 || !end || strcmp(end, "%") != 0) {
        return compile_fault(c, n, "soft is a share of the limit, from 1% to 99%", soft_help);
    }
    *out = (int)v;
    return 0;
}

static int not_of_attention(compiler *c, const yaml_node *n, const budget_rule *b) {
    return b->attention < 0
               ? 0
               : compile_fault(c, n, "at its soft limit attention can only be told of",
                               "Write `at_soft: notify`, or leave it out; a lower limit gathers "
                               "sooner.");
}

static int read_soft_word(compiler *c, const yaml_node *n, budget_rule *b) {
    static const char *const words[] = {"notify", "ask", "batch", "tier", NULL};
    switch (word_of(n, words)) {
    case 0:
        b->soft_notify = true;
        return 0;
    case 1:
        b->soft_ask = true;
        return not_of_attention(c, n, b);
    case 2:
        b->soft_batch = true;
        return not_of_attention(c, n, b);
    case 3:
        return compile_fault(c, n, "which tier is not said",
                             "Write for example `at_soft: { tier: fast }`.");
    default: {
        const char *near = n->kind == YAML_SCALAR ? did_you_mean(text_of(n), words) : NULL;
        int rc = compile_fault(c, n, no_soft, soft_help);
        return near ? diag_next(c->d, "Did you mean \"%s\"?", near) : rc;
    }
    }
}

static int read_soft_tier(compiler *c, const yaml_node *n, budget_rule *b) {
    static const char *const known[] = {"tier", NULL};
    const yaml_node *tier = yaml_get(n, "tier");
    int rc = yaml_known_keys(c->tree, n, known, c->d);
    if (rc == 0 && !tier) {
        rc = compile_fault(c, n, no_soft, soft_help);
    }
    if (rc == 0 && b->soft_tier) {
        rc = compile_fault(c, n, "two tiers at one soft limit", "Keep one.");
    }
    rc = rc ? rc : not_of_attention(c, n, b);
    return rc ? rc : compile_tier_named(c, tier, &b->soft_tier);
}

static int read_at_soft(compiler *c, const yaml_node *n, budget_rule *b) {
    return n->kind == YAML_MAP ? read_soft_tier(c, n, b) : read_soft_word(c, n, b);
}

int compile_soft(compiler *c, const yaml_node *n, budget_rule *b) {
    const yaml_node *soft = yaml_get(n, "soft"), *at = yaml_get(n, "at_soft");
    if (!soft) {
        return at ? compile_fault(c, at, "at_soft without soft says nothing", soft_help) : 0;
    }
    if (!b->currency[0] && b->calls < 0 && b->tokens < 0 && b->attention < 0) {
        return compile_fault(c, soft, "soft is a share of limit or max_calls, and there is none",
                             soft_help);
    }
    int rc = read_share(c, soft, &b->soft);
    if (rc || !at) {
        b->soft_notify = true;
        return rc;
    }
    if (at->kind != YAML_LIST) {
        return read_at_soft(c, at, b);
    }
    if (at->count == 0) {
        return compile_fault(c, at, no_soft, soft_help);
    }
    for (size_t i = 0; rc == 0 && i < at->count; i++) {
        rc = read_at_soft(c, at->items[i], b);
    }
    return rc;
}

/* ---- the hard limit ---- */

static int read_at_hard(compiler *c, const yaml_node *n, budget_rule *b) {
    static const char *const words[] = {"deny", "stop",  "throttle", "escalate",
                                        "ask",  "batch", NULL}; /* in the order of budget_hard */
    int i = word_of(n, words);
    if (b->attention >= 0 && i != HARD_BATCH) {
        return compile_fault(c, n, "what asks beyond a limit of attention is gathered",
                             "Write `at_hard: batch`, or leave it out.");
    }
    if (b->attention < 0 && i == HARD_BATCH) {
        return compile_fault(c, n, "only what asks a person is gathered",
                             "Write deny, ask, escalate, throttle or stop; batch belongs to `each: "
                             "day`.");
    }
    if (i < 0) {
        return compile_fault(c, n, "at_hard is deny, ask, escalate, throttle or stop",
                             "Without the line it is deny.");
    }
    b->at_hard = (budget_hard)i;
    return 0;
}

static int read_throttle(compiler *c, const yaml_node *wait, const yaml_node *then,
                         budget_rule *b) {
    static const char *const words[] = {"deny", "ask", NULL};
    b->throttle_us = 600 * SECOND;
    b->then = POLICY_DENY;
    if (wait && (!yaml_duration_us(wait, &b->throttle_us) || b->throttle_us < SECOND ||
                 b->throttle_us > 7 * DAY)) {
        return compile_fault(c, wait, "throttle is the longest wait, from 1s to 7d",
                             "Write for example { at_hard: throttle, throttle: 10m, then: ask }.");
    }
    if (then && word_of(then, words) < 0) {
        return compile_fault(c, then, "then is deny or ask",
                             "It says what happens when the wait is over; without it, deny.");
    }
    b->then = then && word_of(then, words) == 1 ? POLICY_ASK : POLICY_DENY;
    return 0;
}

int compile_hard(compiler *c, const yaml_node *n, budget_rule *b) {
    const yaml_node *at = yaml_get(n, "at_hard"), *wait = yaml_get(n, "throttle"),
                    *then = yaml_get(n, "then");
    b->at_hard = b->attention >= 0 ? HARD_BATCH : HARD_DENY;
    int rc = at ? read_at_hard(c, at, b) : 0;
    if (rc == 0 && b->at_hard == HARD_THROTTLE) {
        rc = read_throttle(c, wait, then, b);
    } else if (rc == 0 && (wait || then)) {
        rc = compile_fault(c, wait ? wait : then, "throttle and then belong to `at_hard: throttle`",
                           "Write `at_hard: throttle`, or remove the line.");
    }
    return rc;
}
