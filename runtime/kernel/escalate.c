/* Reminders: an item that nobody decides is told of again, by steps of its rule or the usual ones. All
 * share one timer, which goes off at full minutes: ten thousand items that came one after the other
 * are told of together. What was told stands in the record, so a restart neither forgets a step nor
 * repeats one. */
#include <stdlib.h>
#include <string.h>

#include "parts.h"

#define SECOND  1000000LL
#define MINUTE  (60 * SECOND)
#define HOUR    (60 * MINUTE)
#define AT_ONCE 256 /* in one turn; the rest a second later */
#define LOUD    10  /* of them with a line in the log of their own */

/* For unknown outcomes and what is stuck. */
static const policy_step usual[] = {
    {1 * HOUR, "operator"}, {4 * HOUR, "operator"}, {24 * HOUR, "operator"}};

/* NULL: there is none any more. */
static const policy_step *next_step(const kernel *k, const open_item *x) {
    if (!x->rule) {
        return x->escalated < sizeof usual / sizeof *usual ? &usual[x->escalated] : NULL;
    }
    const policy_rule *rule = policy_rule_named(k->world.policy, x->rule);
    policy_approval a = policy_rule_approval(rule);
    return x->escalated < a.escalate_count ? &a.escalate[x->escalated] : NULL;
}

static void remind(kernel *k, timer *t);

static void arm(kernel *k, int64_t earliest_us) {
    int64_t due = timers_next(&k->reminders);
    if (due == INT64_MAX) {
        timer_clear(&k->timers, &k->reminder);
        return;
    }
    int64_t wait = due - kernel_now(k);
    wait = wait > earliest_us ? wait : earliest_us;
    timer_set(&k->timers, &k->reminder, k->env.boot_us(k->env.ctx) + wait, remind, k);
}

/* Without arming: for a whole list of them. */
static void plan(kernel *k, open_item *x) {
    const policy_step *s = next_step(k, x);
    if (!s) {
        timer_clear(&k->reminders, &x->due);
        return;
    }
    int64_t at = x->opened_us + s->after_us;
    timer_set(&k->reminders, &x->due, (at + MINUTE - 1) / MINUTE * MINUTE, NULL, x);
}

void watch_set(kernel *k, open_item *x) {
    plan(k, x);
    arm(k, 0);
}

static void tell(kernel *k, open_item *x, bool loud) {
    const policy_step *s = next_step(k, x);
    if (!s) {
        return; /* the policy has changed meanwhile */
    }
    const char *to = s->to;
    int64_t waited = kernel_now(k) - x->opened_us;
    x->escalated++;
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_int(&w, "number", (int64_t)x->number);
    keel_json_set_int(&w, "step", x->escalated);
    if (to) {
        keel_json_set_text(&w, "to", to);
    }
    keel_json_object_end(&w);
    journal_add(k, RECORD_ESCALATED, x->run, "", &k->scratch);
    if (loud) {
        kernel_log(k, "error", x->run,
                   "item %llu waits for a decision since %lld h %lld min%s%s: keel inbox %llu",
                   (unsigned long long)x->number, (long long)(waited / HOUR),
                   (long long)(waited % HOUR / MINUTE), to ? ", for " : "", to ? to : "",
                   (unsigned long long)x->number);
    }
    plan(k, x);
}

static void remind(kernel *k, timer *t) {
    (void)t;
    size_t told = 0;
    timer *due;
    while (told < AT_ONCE && (due = timers_due(&k->reminders, kernel_now(k))) != NULL) {
        tell(k, due->owner, told++ < LOUD);
    }
    if (told > LOUD) {
        kernel_log(k, "error", 0, "and %zu more items wait for a decision: keel inbox",
                   told - LOUD);
    }
    arm(k, told == AT_ONCE ? SECOND : 0);
}

open_item *watch_open(kernel *k, uint64_t number, uint64_t run_id, int64_t opened_us) {
    open_item *x = keel_alloc(sizeof *x);
    *x = (open_item){.number = number, .run = run_id, .opened_us = opened_us};
    map_put(&k->watches, number, x);
    return x;
}

static void watch_free(open_item *x) {
    free(x->rule);
    free(x->stuck);
    free(x->path);
    free(x);
}

void watch_close(kernel *k, open_item *x) {
    bool first = x->due.at == 1;
    timer_clear(&k->reminders, &x->due);
    if (first) {
        arm(k, 0);
    }
    map_take(&k->watches, x->number);
    watch_free(x);
}

void watch_renew(kernel *k) {
    open_item *x;
    for (size_t at = 0; (x = map_next(&k->watches, &at, NULL)) != NULL;) {
        plan(k, x);
    }
    arm(k, 0);
}

void watches_free(kernel *k) {
    open_item *x;
    for (size_t at = 0; (x = map_next(&k->watches, &at, NULL)) != NULL;) {
        watch_free(x);
    }
    map_free(&k->watches);
    map_free(&k->stuck);
    timers_free(&k->reminders);
    timer_clear(&k->timers, &k->reminder);
}

/* ---- approvals and unknown outcomes ---- */

void item_open(kernel *k, call *c, const char *rule, int64_t opened_us, uint32_t escalated) {
    map_put(&k->items, c->number, c);
    open_item *x = watch_open(k, c->number, c->run->id, opened_us);
    x->rule = rule ? keel_strdup(rule) : NULL;
    x->escalated = escalated;
    watch_set(k, x);
}

void item_close(kernel *k, call *c) {
    open_item *x = map_get(&k->watches, c->number);
    map_take(&k->items, c->number);
    if (x) {
        watch_close(k, x);
    }
    c->number = 0;
}
