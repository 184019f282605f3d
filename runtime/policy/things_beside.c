/* What stands beside the rules, as things: budgets, egress, retries, breakers, rates, quiet hours. */
#include <stdlib.h>

#include "diffint.h"
#include "pace.h"

static void read_at_soft(const budget_rule *b, thing *x) {
    const char *words[4];
    keel_buf tier = KEEL_BUF_INIT;
    size_t count = 0;
    if (b->soft_ask) {
        words[count++] = "ask";
    }
    if (b->soft_batch) {
        words[count++] = "batch";
    }
    if (b->soft_notify) {
        words[count++] = "notify";
    }
    if (b->soft_tier) {
        keel_buf_printf(&tier, "tier %s", b->soft_tier);
        words[count++] = tier.data;
    }
    thing_words_add(x, "at_soft", words, count, "");
    keel_buf_free(&tier);
}

static void read_at_limits(const budget_rule *b, const char *at_hard, thing *x) {
    thing_part_add(x, "at_hard", at_hard);
    if (b->at_hard == HARD_THROTTLE) {
        thing_span_add(x, "throttle", b->throttle_us);
        thing_part_add(x, "then", b->then == POLICY_ASK ? "ask" : "deny");
    }
    if (b->soft) {
        thing_text_add(x, "soft", "%d%%", b->soft);
        read_at_soft(b, x);
    }
}

static void read_budget(const policy *p, size_t i, things *out) {
    static const char *const scopes[] = {"the workspace", "each agent", "each connection",
                                         "each run tree"};
    const budget_rule *b = &p->budgets[i];
    budget_info info = budget_describe(p, i);
    thing *x = thing_add(out, THING_BUDGET, b->id, b->file, b->line);
    thing_part_add(x, "scope", b->attention >= 0 ? "each day" : scopes[b->scope]);
    thing_words_add(x, "agents", b->agents, b->agent_count, "all");
    thing_words_add(x, "on", b->on, b->on_count, "all");
    if (b->window == WINDOW_ROLLING) {
        thing_span_add(x, "window", b->window_us); /* 24h and 1d are the same */
    } else {
        thing_part_add(x, "window", info.window);
    }
    thing_part_add(x, "tz", b->tz ? b->tz : "UTC");
    read_at_limits(b, info.at_hard, x);
    if (b->attention >= 0) {
        thing_text_add(x, "limit", "%lld %s",
                       (long long)(b->minutes ? b->attention / 60 : b->attention),
                       b->minutes ? "minutes" : "interruptions");
    }
    if (b->currency[0]) {
        keel_buf money = KEEL_BUF_INIT;
        money_print(b->micros, b->currency, &money);
        thing_part_add(x, "limit", money.data);
        keel_buf_free(&money);
    }
    if (b->tokens >= 0) {
        thing_text_add(x, "limit", "%lld tokens", (long long)b->tokens);
    }
    if (b->calls >= 0) {
        thing_text_add(x, "calls", "%lld", (long long)b->calls);
    }
    if (b->max_depth >= 0) {
        thing_text_add(x, "max_depth", "%d", b->max_depth);
    }
}

static void read_egress(const egress_rule *e, things *out) {
    char *on = thing_words(e->on, e->on_count);
    thing *x = thing_add(out, THING_EGRESS, on, e->file, e->line);
    for (size_t i = 0; i < e->to_count; i++) {
        thing_part_add(x, e->to[i], "");
    }
    if (e->to_count == 0) {
        thing_part_add(x, "nothing", "");
    }
    free(on);
}

static void read_retry(const retry_rule *r, things *out) {
    char *on = thing_words(r->on, r->on_count);
    thing *x = thing_add(out, THING_RETRY, on, r->file, r->line);
    if (r->says.max) {
        thing_text_add(x, "max", "%u", (unsigned)r->says.max);
    }
    if (r->says.first_us) {
        thing_span_add(x, "first", r->says.first_us);
    }
    if (r->says.cap_us) {
        thing_span_add(x, "cap", r->says.cap_us);
    }
    free(on);
}

static void read_breaker(const breaker_rule *b, things *out) {
    char *on = thing_words(b->on, b->on_count);
    thing *x = thing_add(out, THING_BREAKER, on, b->file, b->line);
    thing_text_add(x, "open_at", "%u of %u", (unsigned)b->says.open_at, (unsigned)b->says.of);
    thing_span_add(x, "for", b->says.for_us);
    free(on);
}

static void read_rate(const policy *p, const rate_rule *r, things *out) {
    char *on = thing_words(r->on, r->on_count);
    thing *x = thing_add(out, THING_RATE, on, r->file, r->line);
    thing_words_add(x, "agents", r->agents, r->agent_count, "all");
    if (r->each != EACH_NONE) {
        thing_part_add(x, "each", r->each == EACH_AGENT ? "agent" : p->attrs[r->each_attr].name);
    }
    thing_text_add(x, "limit", "%u", (unsigned)r->limit);
    thing_span_add(x, "per", r->per_us);
    thing_text_add(x, "burst", "%u", (unsigned)r->burst);
    free(on);
}

static void read_quiet(const quiet_rule *r, things *out) {
    static const char *const sinks[] = {"any", "external", "internal"};
    char *on = thing_words(r->on, r->on_count);
    thing *x = thing_add(out, THING_QUIET, r->on_count ? on : "*", r->file, r->line);
    keel_buf days = KEEL_BUF_INIT;
    quiet_days(r, &days);
    thing_part_add(x, "of", r->approvals ? "approvals" : "what is sent");
    thing_words_add(x, "agents", r->agents, r->agent_count, "all");
    thing_part_add(x, "sink", sinks[r->sink]);
    thing_part_add(x, "hours", r->hours[0] ? r->hours : "all");
    thing_part_add(x, "days", days.data);
    thing_part_add(x, "tz", r->tz[0] ? r->tz : "UTC");
    keel_buf_free(&days);
    free(on);
}

static void read_price(const price_row *r, things *out) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_printf(&text, "%s from %s", r->model, r->from);
    thing *x = thing_add(out, THING_PRICE, text.data, r->file, r->line);
    for (token_class k = TOKENS_INPUT; k < TOKEN_CLASSES; k++) {
        keel_buf_clear(&text);
        money_print(r->micros[k], r->currency, &text);
        thing_part_add(x, token_class_name(k), text.data);
    }
    keel_buf_free(&text);
}

void things_read_beside(const policy *p, things *out) {
    for (size_t i = 0; i < p->budget_count; i++) {
        read_budget(p, i, out);
    }
    for (size_t i = 0; i < p->egress_count; i++) {
        read_egress(&p->egress[i], out);
    }
    for (size_t i = 0; i < p->retry_count; i++) {
        read_retry(&p->retries[i], out);
    }
    for (size_t i = 0; i < p->breaker_count; i++) {
        read_breaker(&p->breakers[i], out);
    }
    for (size_t i = 0; i < p->rate_count; i++) {
        read_rate(p, &p->rates[i], out);
    }
    for (size_t i = 0; i < p->quiet_count; i++) {
        read_quiet(&p->quiet[i], out);
    }
    things_read_keeping(p, out);
    for (size_t i = 0; i < p->prices.count; i++) {
        read_price(&p->prices.rows[i], out);
    }
    if (p->prices.assume) {
        thing *x = thing_add(out, THING_UNPRICED, "models", p->prices.file, p->prices.line);
        thing_part_add(x, "assume", "most_expensive");
    }
}
