#include "usage.h"

#include <stdio.h>
#include <string.h>

#include "expect.h"

/* ---- what it is expected to use ---- */

bool usage_expect(kernel *k, const call *c, budget_request *q, budget_refusal *why) {
    expected_of x = {k->world.policy, c->verb, c->args, c->target, kernel_now(k)};
    return expect_cost(&x, q, why);
}

void usage_request(kernel *k, const call *c, budget_request *q) {
    budget_refusal unpriced;
    effect_request(c, q);
    usage_expect(k, c, q, &unpriced);
}

/* ---- what it came to ---- */

static void not_believed(kernel *k, const call *c, const char *what, const char *how,
                         keel_json said) {
    kernel_log(k, "warn", c->run->id, "%s: the %s that its connector named is %s: %.*s", c->target,
               what, how, (int)(said.len < 60 ? said.len : 60), said.data);
}

/* {"currency":"EUR","micros":N}. What is neither is told and not believed: the tables could not hold
 * it. */
static void take_cost(kernel *k, const call *c, keel_json said, paid *out) {
    char currency[8];
    keel_json cost = keel_json_get(said, "cost");
    if (!cost.len) {
        return;
    }
    if (keel_json_typeof(cost) != KEEL_JSON_OBJECT || keel_json_count(cost) != 2 ||
        !body_text(cost, "currency", currency, sizeof currency) || strlen(currency) != 3 ||
        strspn(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3 ||
        !keel_json_int(keel_json_get(cost, "micros"), &out->micros) || out->micros < 0) {
        out->micros = 0;
        not_believed(k, c, "cost", "none", cost);
        return;
    }
    memcpy(out->currency, currency, sizeof out->currency);
    out->exact = true;
}

static bool take_usage(kernel *k, const call *c, keel_json said, paid *out,
                       char model[TOKENS_MODEL]) {
    keel_json usage = keel_json_get(said, "usage");
    if (!usage.len) {
        return false;
    }
    bool declared = c->verb && c->verb->tokens.present;
    if (!declared || !tokens_read(usage, &out->used, model)) {
        not_believed(k, c, "usage", declared ? "none" : "not declared by its manifest", usage);
        return false;
    }
    out->usage = usage;
    return true;
}

/* By the price of the model that served it, else of the one that was asked for. */
static void price(kernel *k, const call *c, const char *served, paid *out) {
    const policy *p = k->world.policy;
    int64_t at = c->sent_us ? c->sent_us : kernel_now(k);
    char asked[TOKENS_MODEL];
    bool mixed;
    expect_model(c->verb, c->args, asked);
    out->row = policy_price(p, served, strlen(served), at);
    out->row = out->row || !asked[0] ? out->row : policy_price(p, asked, strlen(asked), at);
    if (!out->row && policy_assumes_price(p)) {
        out->row = policy_price_most(p, &out->used, at, &mixed);
        out->assumed = out->row != NULL;
    }
    out->exact = out->row != NULL;
    out->unpriced = !out->row;
    if (out->row) {
        out->micros = price_of(out->row, &out->used);
        memcpy(out->currency, out->row->currency, sizeof out->currency);
    } else {
        kernel_log(k, "warn", c->run->id,
                   "%s: no price of the model \"%s\" is known, so all that was held for it is "
                   "spent: write a row for it under `prices`",
                   c->target, served);
    }
}

/* What is held for it, or would be. */
static void take_held(kernel *k, const call *c, paid *out) {
    budget_request q = {.micros = 0};
    budget_refusal why;
    for (size_t i = 0; i < c->hold_count; i++) {
        budget_place at = budget_hold_place(&c->holds[i]);
        if (strlen(at.unit) == 3) {
            memcpy(out->currency, at.unit, sizeof out->currency);
            out->micros = c->holds[i].amount;
            return;
        }
    }
    if (usage_expect(k, c, &q, &why) && q.micros) {
        memcpy(out->currency, q.currency, sizeof out->currency);
        out->micros = q.micros;
    }
}

void usage_paid(kernel *k, const call *c, keel_json said, paid *out) {
    char served[TOKENS_MODEL] = "";
    *out = (paid){.micros = 0};
    bool used = take_usage(k, c, said, out, served);
    take_cost(k, c, said, out);
    if (used && !out->exact) {
        price(k, c, served, out);
    }
    if (!out->exact && c->verb) {
        take_held(k, c, out);
    }
}

/* ---- records ---- */

void usage_put_cost(const paid *p, keel_json_writer *w) {
    if (p->currency[0]) {
        keel_json_key(w, "cost");
        keel_json_object(w);
        keel_json_set_text(w, "currency", p->currency);
        keel_json_set_int(w, "micros", p->micros);
        keel_json_object_end(w);
    }
}

void usage_put_price(const paid *p, keel_json_writer *w) {
    const price_row *r = p->row;
    char at[300];
    if (!r) {
        return;
    }
    snprintf(at, sizeof at, "%.255s:%d", r->file, r->line);
    keel_json_key(w, "price");
    keel_json_object(w);
    if (p->assumed) {
        keel_json_set_bool(w, "assumed", true);
    }
    keel_json_set_text(w, "at", at);
    keel_json_set_int(w, "cache_read", r->micros[TOKENS_CACHE_READ]);
    keel_json_set_int(w, "cache_write", r->micros[TOKENS_CACHE_WRITE]);
    keel_json_set_text(w, "currency", r->currency);
    keel_json_set_text(w, "from", r->from);
    keel_json_set_int(w, "input", r->micros[TOKENS_INPUT]);
    keel_json_set_text(w, "model", r->model);
    keel_json_set_int(w, "output", r->micros[TOKENS_OUTPUT]);
    keel_json_object_end(w);
}

void usage_put(const paid *p, keel_json_writer *w) {
    if (p->unpriced) {
        keel_json_set_bool(w, "unpriced", true);
    }
    if (p->usage.len) {
        keel_json_set_raw(w, "usage", p->usage);
    }
}
