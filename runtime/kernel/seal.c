#include "seal.h"

#include <string.h>

#include "short.h"

static const char *const part_names[SEAL_PARTS] = {
    "its bytes",
    "its class",
    "the connection that it goes through",
    "the connector that sends it",
    "the rule that asks",
    "the words of the rule that asks, or of a list that it names,",
    "what its budgets lack",
};

static uint64_t word_of(const char *text) {
    digest d = digest_of(text, strlen(text));
    return digest_word(&d);
}

static uint64_t beyond_word(const call *c) {
    keel_buf text = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &text);
    keel_json_object(&w);
    beyond_put(c, false, &w);
    keel_json_object_end(&w);
    digest d = digest_of(text.data, text.len);
    keel_buf_free(&text);
    return digest_word(&d);
}

approval_seal seal_of(const call *c, const policy_decision *d) {
    approval_seal s = {{0}};
    digest rule = policy_rule_digest(d->rule);
    s.part[SEAL_ARGS] = digest_word(&c->args_digest);
    s.part[SEAL_CLASS] = word_of(effect_class_name(c->class));
    if (c->connection) {
        digest all = digest_of(c->connection->body.data, c->connection->body.len);
        s.part[SEAL_CONNECTION] = digest_word(&all);
        s.part[SEAL_CONNECTOR] = digest_word(&c->connection->plugin->digest);
    }
    s.part[SEAL_RULE] = word_of(d->rule_id ? d->rule_id : "");
    s.part[SEAL_RULE_WORDS] = digest_word(&rule);
    s.part[SEAL_BEYOND] = beyond_word(c);
    return s;
}

void seal_write(const call *c, keel_json_writer *w) {
    keel_json_key(w, "seal");
    keel_json_hex(w, (const uint8_t *)c->seal.part, sizeof c->seal.part);
}

void seal_read(call *c, keel_json body) {
    char hex[2 * sizeof c->seal.part + 1] = "";
    approval_seal s;
    bool known = body_text(body, "seal", hex, sizeof hex) &&
                 hex_decode((uint8_t *)s.part, sizeof s.part, hex, strlen(hex)) == sizeof s.part;
    c->seal = known ? s : (approval_seal){{0}};
}

void seal_changed(const approval_seal *old, const approval_seal *now, char *out, size_t size) {
    size_t len = 0, found = 0;
    bool known = old->part[SEAL_ARGS] != 0;
    bool rule = old->part[SEAL_RULE] != now->part[SEAL_RULE]; /* another one has other words */
    out[0] = 0;
    for (int i = 0; known && i < SEAL_PARTS; i++) {
        bool skip = i == SEAL_RULE_WORDS && rule;
        if (old->part[i] != now->part[i] && !skip && len < size) {
            int n = snprintf(out + len, size - len, "%s%s", found++ ? " and " : "", part_names[i]);
            len += n > 0 ? (size_t)n : 0;
        }
    }
    snprintf(out + (len < size ? len : 0), len < size ? size - len : size, "%s",
             found > 1    ? " have changed since it was asked"
             : found == 1 ? " has changed since it was asked"
                          : "policy or its connection changed since it was asked");
}

void seal_say_stale(const kernel *k, uint64_t number, keel_json_writer *w) {
    const call *c = map_get(&k->items, number);
    char why[sizeof k->stale_why + 160];
    if (k->stale == number && !k->stale_next) {
        snprintf(why, sizeof why, "%s: see keel why %llu", k->stale_why,
                 (unsigned long long)number);
    } else if (k->stale == number && !strcmp(k->stale_why, SEAL_BUDGET)) {
        snprintf(
            why, sizeof why,
            "another budget is short: see `keel budget`, and approve it as item %llu when there "
            "is room",
            (unsigned long long)k->stale_next);
    } else if (k->stale == number) {
        snprintf(why, sizeof why, "%s: look at it as item %llu", k->stale_why,
                 (unsigned long long)k->stale_next);
    } else {
        snprintf(why, sizeof why, "%s",
                 c ? "its bytes have changed since it was shown: look at it again"
                   : "it changed since it was shown: look at it again");
    }
    keel_json_set_text(w, "why", why);
}
