/* Attention. Asking interrupts, and is booked in the record that asks; beyond the day's limit it is
 * gathered: the effect waits for nobody in particular, holds nothing, and is decided again when the day
 * turns. What was gathered comes in one turn and interrupts once. Minutes run from the first showing
 * of a card to its decision, at most five of them a card, and no minute counts for two cards. */
#include "attention.h"

#include <stdlib.h>
#include <string.h>

#include "short.h"
#include "usage.h"

#define SECOND    1000000LL
#define CARD_MOST (300 * SECOND)

static budget_request request_of(const call *c) {
    return (budget_request){.agent = c->run->plugin->manifest->name, .target = c->target};
}

/* at_us: when it is shown, in whose day it counts. */
static void book(kernel *k, const call *c, int64_t seconds, int64_t at_us) {
    budget_hold spent[BUDGET_HOLDS];
    budget_request q = request_of(c);
    size_t n = attention_spend(k->budgets, k->world.policy, &q, seconds, at_us, spent);
    k->attended.len = 0;
    if (n) {
        keel_json_writer w;
        keel_json_write(&w, &k->attended);
        budget_holds_json(spent, n, &w);
        budgets_tell(k);
    }
}

void attention_put(kernel *k, keel_json_writer *w) {
    if (k->attended.len) {
        keel_json_set_raw(w, "attention", keel_json_view(k->attended.data, k->attended.len));
        k->attended.len = 0;
    }
}

/* ---- interruptions ---- */

bool attention_gathered(const call *c) {
    return c->state == EFFECT_WAITING && c->reason == WAIT_ATTENTION && !c->number;
}

/* A soft limit gathers it once: until then, and not again. */
static void gather(kernel *k, call *c, keel_json decision, const budget_refusal *why) {
    if (!attention_gathered(c)) {
        const budget_refusal *before = c->shortfall;
        c->raise_us = why->soft ? why->ends_us : 0;
        c->shortfall = why;
        effect_wait(k, c, NULL, decision, WAIT_ATTENTION);
        c->shortfall = before;
    }
    short_wait(k, c, why->ends_us);
}

/* A rule with digest times of its own gathers by them. */
static bool soft_gathers(kernel *k, const call *c, const policy_decision *d, budget_refusal *why) {
    budget_request q;
    policy_approval a = policy_rule_approval(d->rule);
    if (attention_gathered(c) && kernel_now(k) >= c->raise_us) {
        return false; /* its time has come, or the day's attention had gathered it */
    }
    usage_request(k, c, &q);
    return !policy_raise_us(&a, kernel_now(k)) &&
           budget_gathers(k->budgets, k->world.policy, &q, kernel_now(k), why);
}

static bool is_urgent(const call *c) {
    return c->shortfall && c->shortfall->at_hard == HARD_ESCALATE;
}

/* at_us: when it would be shown. */
static bool must_wait(kernel *k, const call *c, const policy_decision *d, int64_t at_us,
                      budget_refusal *why) {
    budget_request q = request_of(c);
    return !is_urgent(c) && (!attention_lets(k->budgets, k->world.policy, &q, at_us, why) ||
                             soft_gathers(k, c, d, why));
}

/* Something else is shown at that moment: one look is one interruption. */
static bool comes_with_another(kernel *k, int64_t at_us) {
    size_t at = 0;
    const open_item *x;
    while ((x = map_next(&k->watches, &at, NULL)) != NULL) {
        if (x->raise_us == at_us) {
            return true;
        }
    }
    return false;
}

int64_t attention_of_question(kernel *k, const call *c) {
    budget_refusal why;
    budget_request q = request_of(c);
    int64_t now = kernel_now(k), at = now;
    k->attended.len = 0;
    if (!attention_lets(k->budgets, k->world.policy, &q, now, &why) && why.ends_us != INT64_MAX &&
        (!c->expires_us || c->expires_us > why.ends_us)) {
        at = why.ends_us;
    }
    if (at == now || !comes_with_another(k, at)) {
        book(k, c, 0, at);
    }
    return at == now ? 0 : at;
}

bool attention_gathers(kernel *k, call *c, const policy_decision *d, keel_json decision) {
    budget_refusal why;
    policy_approval a = policy_rule_approval(d->rule);
    bool gathered = attention_gathered(c);
    int64_t raise_us = policy_raise_us(&a, kernel_now(k));
    int64_t at = raise_us ? raise_us : kernel_now(k);
    k->attended.len = 0;
    if (c->number || c->undoes || (gathered && k->raising == k->turn_id)) {
        return false; /* asked anew in its own place; a person's own act; or one of several that come */
    }
    if (raise_us && comes_with_another(k, raise_us)) {
        return false;
    }
    if (must_wait(k, c, d, at, &why)) {
        gather(k, c, decision, &why);
        return true;
    }
    k->raising = gathered ? k->turn_id : k->raising;
    book(k, c, 0, at);
    return false;
}

size_t attention_raise(kernel *k) {
    size_t count = 0;
    call **all = short_list(k, &count);
    size_t raised = 0;
    k->raising = k->turn_id;
    for (size_t i = 0; i < count; i++) {
        if (short_listed(k, all[i]) && attention_gathered(all[i])) {
            effect_decide(k, all[i]);
            raised++;
        }
    }
    free(all);
    return raised;
}

/* ---- minutes ---- */

static bool see(open_item *x, int64_t at_us) {
    bool first = x && x->rule && !x->shown_us;
    if (first) {
        x->shown_us = at_us;
    }
    return first;
}

static open_item *item_of(kernel *k, keel_json number) {
    int64_t n = 0;
    keel_json_int(number, &n);
    return n > 0 ? map_get(&k->watches, (uint64_t)n) : NULL;
}

void attention_note(kernel *k, keel_json numbers) {
    for (keel_json_iter it = keel_json_each(numbers); keel_json_next(&it);) {
        see(item_of(k, it.value), kernel_now(k));
    }
}

void attention_shown(kernel *k, keel_json numbers) {
    keel_json_writer w;
    size_t count = 0;
    if (!policy_limits_attention(k->world.policy, true)) {
        return;
    }
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_int(&w, "batch", (int64_t)k->next_batch);
    keel_json_key(&w, "numbers");
    keel_json_array(&w);
    for (keel_json_iter it = keel_json_each(numbers); keel_json_next(&it);) {
        open_item *x = item_of(k, it.value);
        if (see(x, kernel_now(k))) {
            keel_json_raw(&w, it.value);
            count++;
        }
    }
    keel_json_array_end(&w);
    keel_json_object_end(&w);
    if (count) {
        k->next_batch++;
        journal_add(k, RECORD_BATCH, 0, "", &k->scratch);
    }
}

void attention_decided(kernel *k, const call *c) {
    const open_item *x = map_get(&k->watches, c->number);
    int64_t now = kernel_now(k);
    k->attended.len = 0;
    if (!x || !x->shown_us) {
        return;
    }
    int64_t from = x->shown_us > k->attended_us ? x->shown_us : k->attended_us;
    int64_t spent = now - from < CARD_MOST ? now - from : CARD_MOST;
    k->attended_us = now;
    if (spent > 0) {
        book(k, c, (spent + SECOND - 1) / SECOND, now);
    }
}

/* ---- at the start ---- */

static int on_shown(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    kernel *k = ctx;
    see(map_get(&k->watches, strtoull(v[0], NULL, 10)), strtoll(v[1], NULL, 10));
    return 0;
}

static int on_decided(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    ((kernel *)ctx)->attended_us = v[0] ? strtoll(v[0], NULL, 10) : 0;
    return 0;
}

int attention_load(kernel *k, diag *d) {
    if (!policy_limits_attention(k->world.policy, true)) {
        return 0;
    }
    int rc = reader_query(k->env.reads,
                          "SELECT i.number, min(b.shown_us) FROM item i JOIN batch b"
                          " ON b.shown_us >= i.opened_us AND EXISTS"
                          " (SELECT 1 FROM json_each(b.numbers) j WHERE j.value = i.number)"
                          " WHERE i.state = 'open' AND i.kind = 'approval' GROUP BY i.number",
                          NULL, 0, on_shown, k, d);
    return rc ? rc
              : reader_query(k->env.reads,
                             "SELECT max(closed_us) FROM item WHERE kind = 'approval'"
                             " AND state IN ('approved', 'denied')",
                             NULL, 0, on_decided, k, d);
}

/* By which budget it was gathered, and until when. */
static budget_refusal gathering(kernel *k, const call *c) {
    budget_refusal why = {.ends_us = 0};
    budget_request q = request_of(c);
    if (c->raise_us > kernel_now(k)) {
        usage_request(k, c, &q);
        budget_gathers(k->budgets, k->world.policy, &q, kernel_now(k), &why);
        why.ends_us = c->raise_us;
    } else {
        attention_lets(k->budgets, k->world.policy, &q, kernel_now(k), &why);
    }
    return why;
}

void attention_write(kernel *k, keel_json_writer *w) {
    size_t count = 0, gathered = 0;
    call **all = short_list(k, &count);
    budget_refusal first = {.ends_us = INT64_MAX};
    for (size_t i = 0; i < count; i++) {
        if (attention_gathered(all[i])) {
            budget_refusal why = gathering(k, all[i]);
            first = why.ends_us < first.ends_us ? why : first;
            gathered++;
        }
    }
    if (gathered) {
        keel_json_key(w, "gathered");
        keel_json_object(w);
        keel_json_set_text(w, "budget", first.budget);
        keel_json_set_int(w, "count", (int64_t)gathered);
        keel_json_set_int(w, "until_us", first.ends_us);
        keel_json_object_end(w);
    }
    free(all);
}
