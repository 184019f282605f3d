/* Reminders: an item that nobody decides is told of again, by steps of its rule or the usual ones. All
 * share one timer, which goes off at full minutes: ten thousand items that came one after the other
 * are told of together. What was told stands in the record, so a restart neither forgets a step nor
 * repeats one. */
#include <stdlib.h>
#include <string.h>

#include "notices.h"
#include "waits.h"

#define SECOND  1000000LL
#define MINUTE  (60 * SECOND)
#define HOUR    (60 * MINUTE)
#define DAY     (24 * HOUR)
#define AT_ONCE 256 /* in one turn; the rest a second later */
#define LOUD    10  /* of them with a line in the log of their own */

/* For unknown outcomes and what is stuck. */
static const policy_step usual[] = {
    {1 * HOUR, POLICY_OPERATOR}, {4 * HOUR, POLICY_OPERATOR}, {24 * HOUR, POLICY_OPERATOR}};

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

/* Nobody is reminded of what no digest has shown yet. */
static int64_t since(const open_item *x) {
    return x->raise_us ? x->raise_us : x->opened_us;
}

/* It was gathered, and that it is there now is told as such: step 0, once, and not when it is old news. */
static bool announces(kernel *k, const open_item *x) {
    return x->announce_us && !x->ready && !x->escalated && x->announce_us + DAY > kernel_now(k) &&
           notice_possible(k, POLICY_OPERATOR);
}

/* Without arming: for a whole list of them. */
static void plan(kernel *k, open_item *x) {
    const policy_step *s = next_step(k, x);
    if (announces(k, x)) {
        timer_set(&k->reminders, &x->due, (x->announce_us + MINUTE - 1) / MINUTE * MINUTE, NULL, x);
        return;
    }
    if (!s) {
        timer_clear(&k->reminders, &x->due);
        return;
    }
    int64_t at = waits_awake(k, map_get(&k->items, x->number), since(x), s->after_us);
    timer_set(&k->reminders, &x->due, (at + MINUTE - 1) / MINUTE * MINUTE, NULL, x);
}

void watch_set(kernel *k, open_item *x) {
    plan(k, x);
    arm(k, 0);
}

/* Written, then told: to NULL is the operator. */
static void step_record(kernel *k, open_item *x, const char *to) {
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
    notice_add(k, x, to ? to : POLICY_OPERATOR);
}

/* A day begins at midnight, and nobody is woken for that. */
void item_announce(kernel *k, call *c) {
    open_item *x = map_get(&k->watches, c->number);
    if (x && !x->announce_us) {
        x->announce_us = waits_awake(k, c, kernel_now(k), MINUTE);
        watch_set(k, x);
    }
}

void item_tell_again(kernel *k, open_item *x) {
    const char *to = POLICY_OPERATOR;
    if (x->rule && x->escalated) {
        policy_approval a = policy_rule_approval(policy_rule_named(k->world.policy, x->rule));
        const policy_step *s =
            x->escalated <= a.escalate_count ? &a.escalate[x->escalated - 1] : NULL;
        to = s && s->to ? s->to : to;
    }
    if (notice_possible(k, to)) {
        step_record(k, x, to);
    }
}

static void tell(kernel *k, open_item *x, bool loud) {
    const policy_step *s = next_step(k, x);
    if (announces(k, x)) {
        x->ready = true;
        step_record(k, x, POLICY_OPERATOR);
        plan(k, x);
        return;
    }
    if (!s) {
        return; /* the policy has changed meanwhile */
    }
    const char *to = s->to;
    int64_t waited = kernel_now(k) - since(x);
    x->escalated++;
    step_record(k, x, to);
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
    x->raise_us = rule || c->kind == CALL_ASK ? c->raise_us : 0;
    x->announce_us = x->raise_us;
    x->escalated = escalated;
    watch_set(k, x);
}

/* Its first step is told at once. */
void item_escalate(kernel *k, const call *c, const char *why) {
    open_item *x = map_get(&k->watches, c->number);
    const policy_step *s = x ? next_step(k, x) : NULL;
    const char *to = s && s->to ? s->to : POLICY_OPERATOR;
    if (!x) {
        return;
    }
    x->escalated++;
    step_record(k, x, to);
    kernel_log(k, "error", x->run, "item %llu waits for a decision, for %s: %s: keel inbox %llu",
               (unsigned long long)x->number, to, why, (unsigned long long)x->number);
    watch_set(k, x);
}

void item_close(kernel *k, call *c) {
    open_item *x = map_get(&k->watches, c->number);
    map_take(&k->items, c->number);
    if (x) {
        watch_close(k, x);
    }
    c->number = 0;
    c->raise_us = 0;
}
