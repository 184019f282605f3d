/* How an effect ends: one record, what it held is settled, its run is answered. */
#include <string.h>

#include "parts.h"

static int64_t settled_amount(const budget_hold *h, bool dispatched, keel_json cost) {
    char currency[8];
    int64_t micros;
    if (!dispatched) {
        return 0;
    }
    if (strcmp(h->unit, "calls") != 0 && cost.len &&
        body_text(cost, "currency", currency, sizeof currency) && !strcmp(currency, h->unit) &&
        keel_json_int(keel_json_get(cost, "micros"), &micros) && micros >= 0) {
        return micros;
    }
    return h->amount;
}

void holds_settle(kernel *k, call *c, bool dispatched, keel_json cost, keel_json_writer *w) {
    keel_json_key(w, "settled");
    keel_json_array(w);
    for (size_t i = 0; i < c->hold_count; i++) {
        const budget_hold *h = &c->holds[i];
        int64_t actual = settled_amount(h, dispatched, cost);
        int64_t overrun = 0;
        if (dispatched) {
            overrun = budget_settle(k->budgets, k->world.policy, h, actual);
        } else {
            budget_release(k->budgets, h);
        }
        keel_json_object(w);
        keel_json_set_int(w, "actual", actual);
        keel_json_set_int(w, "amount", h->amount);
        keel_json_set_text(w, "budget", h->budget);
        keel_json_set_int(w, "overrun", overrun);
        keel_json_set_text(w, "scope", h->scope);
        keel_json_set_text(w, "unit", h->unit);
        keel_json_set_text(w, "window", h->window);
        keel_json_object_end(w);
        if (overrun > 0) {
            kernel_log(k, "warn", c->run->id, "budget %s is overrun in %s", h->budget, h->scope);
        }
    }
    keel_json_array_end(w);
    c->hold_count = 0;
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

/* What a connector says that it cost: {"currency":"EUR","micros":N}, or nothing. What is neither is
 * told and not believed: the tables could not hold it. */
static keel_json cost_of(kernel *k, const call *c, keel_json said) {
    char currency[8];
    int64_t micros;
    keel_json cost = keel_json_get(said, "cost");
    if (!cost.len) {
        return cost;
    }
    if (keel_json_typeof(cost) == KEEL_JSON_OBJECT && keel_json_count(cost) == 2 &&
        body_text(cost, "currency", currency, sizeof currency) && strlen(currency) == 3 &&
        strspn(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3 &&
        keel_json_int(keel_json_get(cost, "micros"), &micros) && micros >= 0) {
        return cost;
    }
    kernel_log(k, "warn", c->run->id, "%s: the cost that its connector named is none: %.*s",
               c->target, (int)(cost.len < 60 ? cost.len : 60), cost.data);
    return (keel_json){NULL, 0};
}

void effect_done(kernel *k, call *c, keel_json result, keel_json said, const char *by) {
    keel_json_writer w;
    keel_json cost = cost_of(k, c, said);
    bool tainted = c->verb && c->verb->untrusted;
    close_body(k, &w, c, by);
    if (cost.len) {
        keel_json_set_raw(&w, "cost", cost);
    } else if (c->verb && c->verb->cost_micros) {
        keel_json_key(&w, "cost");
        keel_json_object(&w);
        keel_json_set_text(&w, "currency", c->verb->currency);
        keel_json_set_int(&w, "micros", c->verb->cost_micros);
        keel_json_object_end(&w);
    }
    kv_put(k, c, keel_json_get(said, "kv"), &w);
    if (c->requests.len) {
        keel_json_set_raw(&w, "requests", keel_json_view(c->requests.data, c->requests.len));
    }
    keel_json_set_raw(&w, "result", result);
    holds_settle(k, c, true, cost, &w);
    if (tainted) {
        keel_json_set_bool(&w, "tainted", true);
        c->run->tainted = true;
    }
    keel_json_set_text(&w, "target", c->target);
    keel_json_object_end(&w);
    journal_effect(k, RECORD_EFFECT_DONE, c, &k->scratch);
    keel_buf out = KEEL_BUF_INIT;
    outcome_ok(&out, result);
    call_answer(k, c, out.data, out.len);
    keel_buf_free(&out);
    call_free(k, c);
}

void effect_not_done(kernel *k, call *c, const char *code, const char *text, const char *by) {
    keel_json_writer w;
    close_body(k, &w, c, by);
    put_error(&w, code, NULL, text);
    holds_settle(k, c, c->dispatched, (keel_json){0}, &w);
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
    effect_put_target(c, &w);
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
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_text(&w, "by", by);
    keel_json_set_text(&w, "call", c->call_digest);
    put_error(&w, "rejected", NULL, why);
    keel_json_set_int(&w, "number", (int64_t)c->number);
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
