/* Effects that fit no budget: what `at_hard` says becomes of them, and their going on when something
 * is released or a window ends. What waits holds nothing. One timer serves all that wait; the oldest
 * is decided first. */
#include <stdlib.h>
#include <string.h>

#include "attention.h"
#include "short.h"

#define SOON_US 20000 /* so that what is freed at once is looked at once */

static void look_again(kernel *k, timer *t);

static void look_at(kernel *k, int64_t wall_us) {
    int64_t wait = wall_us - kernel_now(k), now = k->env.boot_us(k->env.ctx);
    int64_t due = now + (wait > 0 ? wait : 0);
    if (k->short_timer.at && k->short_timer.due <= due) {
        return;
    }
    timer_set(&k->timers, &k->short_timer, due, look_again, k);
}

void short_freed(kernel *k) {
    if (k->short_of.count) {
        look_at(k, kernel_now(k) + SOON_US);
    }
}

bool short_waits(const call *c) {
    return c->state == EFFECT_WAITING && c->reason == WAIT_BUDGET;
}

bool short_stopped(const call *c) {
    return short_waits(c) && !c->number && c->run->state == RUN_PAUSED;
}

static int by_age(const void *a, const void *b) {
    const call *x = *(call *const *)a, *y = *(call *const *)b;
    if (x->opened_us != y->opened_us) {
        return x->opened_us < y->opened_us ? -1 : 1;
    }
    if (x->run->id != y->run->id) {
        return x->run->id < y->run->id ? -1 : 1;
    }
    return strcmp(x->path, y->path);
}

call **short_list(kernel *k, size_t *count) {
    call **all = keel_alloc((k->short_of.count + 1) * sizeof(call *));
    size_t at = 0;
    call *c;
    *count = 0;
    while ((c = map_next(&k->short_of, &at, NULL)) != NULL) {
        all[(*count)++] = c;
    }
    qsort(all, *count, sizeof(call *), by_age);
    return all;
}

bool short_listed(kernel *k, call *c) {
    return map_get(&k->short_of, (uint64_t)(uintptr_t)c) == c;
}

void short_wait(kernel *k, call *c, int64_t until_us) {
    map_put(&k->short_of, (uint64_t)(uintptr_t)c, c);
    if (until_us != INT64_MAX) {
        look_at(k, until_us);
    }
}

static void look_again(kernel *k, timer *t) {
    (void)t;
    size_t count;
    call **all = short_list(k, &count);
    k->day_turns = true;
    for (size_t i = 0; i < count; i++) {
        if (!short_listed(k, all[i])) {
            continue; /* an earlier one has ended its run, and this call with it */
        }
        if (short_waits(all[i]) || attention_gathered(all[i])) {
            effect_decide(k, all[i]);
        } else {
            short_forget(k, all[i]);
        }
    }
    k->day_turns = false;
    free(all);
}

void short_forget(kernel *k, const call *c) {
    if (k->short_of.count) {
        map_take(&k->short_of, (uint64_t)(uintptr_t)c);
    }
}

void short_resume(kernel *k, run *r) {
    call *next;
    for (call *c = r->calls; c; c = next) {
        next = c->next;
        if (short_waits(c) && !c->number) {
            effect_decide(k, c);
        }
    }
}

/* ---- what an approval lets it go beyond ---- */

void beyond_set(call *c, const budget_beyond *list, size_t count) {
    c->beyond_count = count;
    if (!count) {
        free(c->beyond);
        c->beyond = NULL;
        return;
    }
    c->beyond = keel_realloc(c->beyond, count * sizeof *list);
    memcpy(c->beyond, list, count * sizeof *list);
}

/* What it was asked for with covers what is short now. */
static bool names_all(const call *c, const budget_refusal *why) {
    size_t found = 0;
    for (size_t i = 0; i < why->beyond_count; i++) {
        for (size_t n = 0; n < c->beyond_count; n++) {
            found += !strcmp(c->beyond[n].budget, why->beyond[i].budget) &&
                     !strcmp(c->beyond[n].unit, why->beyond[i].unit);
        }
    }
    return found == why->beyond_count;
}

void beyond_put(const call *c, bool amounts, keel_json_writer *w) {
    if (!c->beyond_count) {
        return;
    }
    keel_json_key(w, "beyond");
    keel_json_array(w);
    for (size_t i = 0; i < c->beyond_count; i++) {
        keel_json_object(w);
        if (amounts) {
            keel_json_set_int(w, "amount", c->beyond[i].amount);
        }
        keel_json_set_text(w, "budget", c->beyond[i].budget);
        keel_json_set_text(w, "unit", c->beyond[i].unit);
        keel_json_object_end(w);
    }
    keel_json_array_end(w);
}

void beyond_restore(call *c, keel_json list) {
    budget_beyond all[BUDGET_HOLDS];
    size_t count = 0;
    if (!list.len) {
        return;
    }
    for (keel_json_iter it = keel_json_each(list); count < BUDGET_HOLDS && keel_json_next(&it);) {
        budget_beyond *b = &all[count++];
        *b = (budget_beyond){.amount = 0};
        body_text(it.value, "budget", b->budget, sizeof b->budget);
        body_text(it.value, "unit", b->unit, sizeof b->unit);
        keel_json_int(keel_json_get(it.value, "amount"), &b->amount);
    }
    beyond_set(c, all, count);
}

/* ---- what at_hard says ---- */

static void ask(kernel *k, call *c, const policy_decision *d, keel_json decision,
                const budget_refusal *why, bool loud) {
    uint64_t before = c->number, id = (uint64_t)(uintptr_t)c;
    if (!before || c->reason != WAIT_BUDGET || !names_all(c, why)) {
        beyond_set(c, why->beyond, why->beyond_count);
    }
    effect_wait(k, c, d, decision, WAIT_BUDGET);
    bool open = map_get(&k->short_of, id) != NULL; /* a person has denied the same before */
    if (open && loud && c->number && c->number != before) {
        item_escalate(k, c, why->why);
    }
}

static void wait_unasked(kernel *k, call *c, keel_json decision, int64_t until_us) {
    if (c->number) {
        approval_stale(k, c, "another budget is short now");
    }
    c->patience_us = until_us;
    effect_wait(k, c, NULL, decision, WAIT_BUDGET);
}

static void stop(kernel *k, call *c, keel_json decision, const budget_refusal *why) {
    run *r = c->run;
    if (!r->tree) { /* it is over: a person takes something back */
        effect_denied(k, c, decision, "budget", why->budget, why->why);
        return;
    }
    wait_unasked(k, c, decision, 0);
    if (r->state == RUN_OPEN) {
        keel_buf detail = KEEL_BUF_INIT;
        keel_json_writer w;
        keel_json_write(&w, &detail);
        keel_json_object(&w);
        keel_json_set_text(&w, "budget", why->budget);
        keel_json_set_text(&w, "path", c->path);
        keel_json_set_text(&w, "why", why->why);
        keel_json_object_end(&w);
        run_pause(k, r, "budget", keel_json_view(detail.data, detail.len));
        kernel_log(k, "error", r->id, "stopped: %s. When there is room again: keel run resume %llu",
                   why->why, (unsigned long long)r->id);
        keel_buf_free(&detail);
    }
}

static void throttle(kernel *k, call *c, const policy_decision *d, keel_json decision,
                     const budget_refusal *why) {
    int64_t now = kernel_now(k);
    bool waits = short_waits(c), gathered = attention_gathered(c) && why->then == POLICY_ASK;
    if ((waits && c->number) || gathered) {
        ask(k, c, d, decision, why, false); /* it has waited long enough already */
    } else if (!waits || !c->expires_us) {
        wait_unasked(k, c, decision, now + why->throttle_us);
    } else if (now < c->expires_us) {
        call_due(k, c, c->expires_us);
    } else if (why->then == POLICY_ASK) {
        ask(k, c, d, decision, why, false);
    } else {
        effect_denied(k, c, decision, "budget", why->budget, why->why);
    }
}

void effect_short(kernel *k, call *c, const policy_decision *d, keel_json decision,
                  const budget_refusal *why) {
    if (why->at_hard == HARD_DENY) {
        effect_denied(k, c, decision, "budget", why->budget, why->why);
        return;
    }
    uint64_t id = (uint64_t)(uintptr_t)c;
    map_put(&k->short_of, id, c);
    c->shortfall = why;
    switch (why->at_hard) {
    case HARD_STOP:
        stop(k, c, decision, why);
        break;
    case HARD_THROTTLE:
        throttle(k, c, d, decision, why);
        break;
    default:
        ask(k, c, d, decision, why, why->at_hard == HARD_ESCALATE);
        break;
    }
    if (map_get(&k->short_of, id)) { /* it was not denied */
        c->shortfall = NULL;
        if (why->ends_us != INT64_MAX) {
            look_at(k, why->ends_us);
        }
    }
}

/* ---- what its rule asks for, too ---- */

/* A person is asked for both already, at one look. */
static bool is_asked(kernel *k, const call *c, const policy_decision *d) {
    digest now;
    if (!short_waits(c) || !c->number || !c->rule_asks) {
        return false;
    }
    approval_digest(k, c, d, &now);
    return digest_equal(&now, &c->approval);
}

static bool asks_beyond(const budget_refusal *why) {
    return why->at_hard == HARD_ASK || why->at_hard == HARD_ESCALATE ||
           (why->at_hard == HARD_THROTTLE && why->then == POLICY_ASK);
}

/* It was let once, and there is still no room; of what was gathered: and a person may say so at once. */
static bool still_lacks(kernel *k, call *c, budget_refusal *why) {
    bool gathered = attention_gathered(c);
    if (c->number || !(short_waits(c) || gathered)) {
        return false;
    }
    if (effect_reserve(k, c, true, why)) {
        return !gathered || asks_beyond(why);
    }
    for (size_t i = 0; i < c->hold_count; i++) {
        budget_release(k->budgets, &c->holds[i]); /* what waits for a person holds nothing */
    }
    c->hold_count = 0;
    return false;
}

void short_or_ask(kernel *k, call *c, const policy_decision *d, keel_json decision) {
    budget_refusal why;
    if (still_lacks(k, c, &why)) {
        effect_short(k, c, d, decision, &why);
    } else {
        effect_wait(k, c, d, decision, is_asked(k, c, d) ? WAIT_BUDGET : WAIT_APPROVAL);
    }
}

/* ---- news ---- */

void budgets_tell(kernel *k) {
    budget_notice n;
    while (budget_told(k->budgets, k->world.policy, &n)) {
        kernel_log(k, "warn", 0, "%s: see `keel budget %s`", n.why, n.budget);
    }
}

typedef struct reached_list {
    keel_json_writer *w;
    size_t count;
} reached_list;

#define REACHED_MAX 50 /* that `status` tells of */

static void on_line(void *ctx, const budget_line *l) {
    reached_list *all = ctx;
    int64_t sum = l->spent + l->held;
    bool full = l->limit >= 0 && sum >= l->limit, soft = l->soft >= 0 && sum >= l->soft;
    if (!l->now || !(full || soft) || strncmp(l->scope, "run:", 4) == 0 ||
        all->count++ >= REACHED_MAX) {
        return;
    }
    keel_json_object(all->w);
    keel_json_set_text(all->w, "budget", l->id);
    keel_json_set_bool(all->w, "full", full);
    keel_json_set_int(all->w, "held", l->held);
    keel_json_set_int(all->w, "limit", l->limit);
    keel_json_set_text(all->w, "scope", l->scope);
    keel_json_set_int(all->w, "spent", l->spent);
    keel_json_set_text(all->w, "unit", l->unit);
    keel_json_set_text(all->w, "window", l->window);
    keel_json_object_end(all->w);
}

void budgets_write(kernel *k, keel_json_writer *w) {
    reached_list all = {.w = w};
    keel_json_array(w);
    budget_each(k->budgets, k->world.policy, kernel_now(k), on_line, &all);
    keel_json_array_end(w);
}
