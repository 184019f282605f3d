/* How an effect ends: one record, what it held is settled, its run is answered. */
#include <string.h>

#include "attention.h"
#include "denials.h"
#include "short.h"
#include "tier.h"
#include "usage.h"

static int64_t settled_amount(const budget_hold *h, const char *unit, const paid *p) {
    if (p && p->usage.len && strcmp(unit, "tokens") == 0) {
        return tokens_sum(&p->used);
    }
    return p && p->exact && strcmp(unit, p->currency) == 0 ? p->micros : h->amount;
}

/* It cost money of which nothing is held, as nobody expected it to: that is spent all the same. */
static void hold_nothing(kernel *k, call *c, const paid *p) {
    budget_request q;
    for (size_t i = 0; i < c->hold_count; i++) {
        if (!strcmp(budget_hold_place(&c->holds[i]).unit, p->currency)) {
            return;
        }
    }
    effect_request(c, &q);
    memcpy(q.currency, p->currency, sizeof q.currency);
    c->hold_count += budget_open(k->budgets, k->world.policy, &q, kernel_now(k),
                                 call_holds(c) + c->hold_count, BUDGET_HOLDS - c->hold_count);
}

void holds_settle(kernel *k, call *c, bool dispatched, const paid *p, keel_json_writer *w) {
    bool freed = false;
    if (p && p->exact && p->micros) {
        hold_nothing(k, c, p);
    }
    keel_json_key(w, "settled");
    keel_json_array(w);
    for (size_t i = 0; i < c->hold_count; i++) {
        const budget_hold *h = &c->holds[i];
        budget_place at = budget_hold_place(h);
        int64_t actual = dispatched ? settled_amount(h, at.unit, p) : 0;
        int64_t overrun = 0;
        if (dispatched) {
            overrun = budget_settle(k->budgets, k->world.policy, h, actual);
        } else {
            budget_release(k->budgets, h);
        }
        budget_settled_json(h, actual, overrun, w);
        if (overrun > 0) {
            kernel_log(k, "warn", c->run->id,
                       "budget %s is overrun in %s: %s cost more than was held for it; see "
                       "`keel budget %s`",
                       at.budget, at.scope, c->target, at.budget);
        }
        freed |= actual < h->amount;
    }
    keel_json_array_end(w);
    c->hold_count = 0;
    budgets_tell(k);
    if (freed) {
        short_freed(k);
    }
}

static void close_body(kernel *k, keel_json_writer *w, const call *c, const char *by) {
    k->scratch.len = 0;
    keel_json_write(w, &k->scratch);
    keel_json_object(w);
    keel_json_set_int(w, "attempt", c->attempt);
    if (by) {
        keel_json_set_text(w, "by", by);
    }
    keel_json_set_text(w, "call", c->call_digest);
}

static void answer_error(kernel *k, call *c, const char *code, const char *rule, const char *why) {
    keel_buf out = KEEL_BUF_INIT;
    outcome_error(&out, code, rule, why);
    call_answer(k, c, out.data, out.len);
    keel_buf_free(&out);
}

static void put_error(keel_json_writer *w, const char *code, const char *rule, const char *why) {
    keel_buf error = KEEL_BUF_INIT;
    body_error(&error, code, rule, why);
    keel_json_set_raw(w, "error", keel_json_view(error.data, error.len));
    keel_buf_free(&error);
}

void effect_done(kernel *k, call *c, keel_json result, keel_json said, const char *by) {
    keel_json_writer w;
    keel_buf with_tier = KEEL_BUF_INIT;
    paid p;
    usage_paid(k, c, said, &p);
    result = tier_told(c, result, &with_tier);
    label_told read = run_reads(c->run, label_of_verb(c, by));
    close_body(k, &w, c, by);
    usage_put_cost(&p, &w);
    kv_put(k, c, keel_json_get(said, "kv"), &w);
    usage_put_price(&p, &w);
    if (c->requests.len) {
        keel_json_set_raw(&w, "requests", keel_json_view(c->requests.data, c->requests.len));
    }
    keel_json_set_raw(&w, "result", result);
    label_put_level(&read, &w);
    holds_settle(k, c, true, &p, &w);
    label_put_taint(&read, &w);
    keel_json_set_text(&w, "target", c->target);
    usage_put(&p, &w);
    keel_json_object_end(&w);
    journal_effect(k, RECORD_EFFECT_DONE, c, &k->scratch);
    keel_buf out = KEEL_BUF_INIT;
    outcome_ok(&out, result);
    call_answer(k, c, out.data, out.len);
    keel_buf_free(&out);
    keel_buf_free(&with_tier);
    call_free(k, c);
}

void effect_not_done(kernel *k, call *c, const char *code, const char *text, const char *by) {
    keel_json_writer w;
    /* the connector's words; or our own */
    label_told read = run_reads(c->run, !by && c->dispatched ? label_of_verb(c, by) : LABEL_NONE);
    close_body(k, &w, c, by);
    put_error(&w, code, NULL, text);
    label_put_level(&read, &w);
    holds_settle(k, c, c->dispatched, NULL, &w);
    label_put_taint(&read, &w);
    keel_json_set_text(&w, "target", c->target);
    keel_json_object_end(&w);
    journal_effect(k, RECORD_EFFECT_NOT_DONE, c, &k->scratch);
    answer_error(k, c, code, NULL, text);
    call_free(k, c);
}

void effect_denied(kernel *k, call *c, keel_json decision, const char *code, const char *rule,
                   const char *why) {
    keel_json_writer w;
    c->recorded = false;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    effect_put_args(c, &w);
    effect_put_common(c, &w);
    keel_json_set_raw(&w, "decision", decision);
    keel_json_key(&w, "digest");
    keel_json_hex(&w, c->args_digest.bytes, DIGEST_SIZE);
    put_error(&w, code, rule, why);
    if (!c->recorded && c->evidence.len) {
        keel_json_set_raw(&w, "evidence", c->evidence);
    }
    effect_put_target(c, &w, 0);
    keel_json_object_end(&w);
    journal_effect(k, RECORD_EFFECT_DENIED, c, &k->scratch);
    if (c->run->tree) {
        c->run->tree->denied++;
    }
    kernel_log(k, "warn", c->run->id, "%s: %s: %s", c->target, code, why);
    answer_error(k, c, code, rule, why);
    call_free(k, c);
}

void effect_rejected(kernel *k, call *c, const char *by, const char *why) {
    keel_json_writer w;
    attention_decided(k, c);
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    attention_put(k, &w);
    keel_json_set_text(&w, "by", by);
    keel_json_set_text(&w, "call", c->call_digest);
    put_error(&w, "rejected", NULL, why);
    keel_json_set_int(&w, "number", (int64_t)c->number);
    int64_t stands_us = denial_add(k, c, by, why);
    if (stands_us) {
        keel_json_set_int(&w, "stands_us", stands_us);
    }
    keel_json_set_text(&w, "target", c->target);
    keel_json_set_text(&w, "why", why);
    keel_json_object_end(&w);
    journal_effect(k, RECORD_EFFECT_REJECTED, c, &k->scratch);
    answer_error(k, c, "rejected", NULL, why);
    call_free(k, c);
}

void effect_expired(kernel *k, call *c) {
    static const char why[] = "nobody decided before it expired";
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_text(&w, "call", c->call_digest);
    put_error(&w, "expired", NULL, why);
    keel_json_set_int(&w, "number", (int64_t)c->number);
    keel_json_set_text(&w, "target", c->target);
    keel_json_object_end(&w);
    journal_effect(k, RECORD_EFFECT_EXPIRED, c, &k->scratch);
    answer_error(k, c, "expired", NULL, why);
    call_free(k, c);
}
