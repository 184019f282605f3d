/* What a rule says of its approvals, for one effect: when a person is asked, with which others at one
 * look, and what one approval may cover further on. */
#include <stdio.h>
#include <string.h>

#include "policyint.h"

#define SECOND 1000000LL
#define MINUTE (60 * SECOND)
#define DAY_S  86400

policy_approval policy_rule_approval(const policy_rule *r) {
    if (r) {
        return r->approval;
    }
    return (policy_approval){.expires_us = 86400000000LL, .batch_max = 25};
}

/* ---- digest times ---- */

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

/* UTC of what a clock on the wall shows there. One that it never shows, or twice, is near. */
static int64_t utc_of(const zone *z, int64_t local_s) {
    int64_t guess = z ? local_s - zone_offset(z, local_s) : local_s;
    return z ? local_s - zone_offset(z, guess) : guess;
}

int64_t policy_raise_us(const policy_approval *a, int64_t now_us) {
    if (!a->digest_count) {
        return 0;
    }
    int64_t now_s = floor_div(now_us + SECOND - 1, SECOND); /* not before now */
    int64_t day = floor_div(now_s + (a->zone ? zone_offset(a->zone, now_s) : 0), DAY_S);
    for (int64_t d = day - 1;; d++) { /* tomorrow at the latest */
        for (size_t i = 0; i < a->digest_count; i++) {
            int64_t at = utc_of(a->zone, d * DAY_S + a->digest[i] * 60);
            if (at >= now_s) {
                return at * SECOND;
            }
        }
    }
}

int64_t policy_digest_gap_us(const policy_approval *a) {
    int longest = 0;
    for (size_t i = 0; i < a->digest_count; i++) {
        int next = i + 1 < a->digest_count ? a->digest[i + 1] : a->digest[0] + 24 * 60;
        longest = next - a->digest[i] > longest ? next - a->digest[i] : longest;
    }
    return longest * MINUTE;
}

/* ---- values ---- */

/* All of its values; none: an empty list. */
static void put_attr(const attr *a, keel_json_writer *w) {
    keel_json_array(w);
    for (size_t i = 0; a && i < a->count; i++) {
        value_write(&a->values[i], w);
    }
    keel_json_array_end(w);
}

static bool readable(const attr *a) {
    for (size_t i = 0; a && i < a->count; i++) {
        if (a->values[i].type == ATTR_BAD) {
            return false;
        }
    }
    return true;
}

/* ---- batches ---- */

static const attr *attr_named(const policy_query *q, const char *name) {
    for (size_t i = 0; i < q->attr_count; i++) {
        if (strcmp(q->attrs[i].name, name) == 0) {
            return &q->attrs[i];
        }
    }
    return NULL;
}

static void put_common(const policy_query *q, const char *name, keel_json_writer *w) {
    if (strcmp(name, "agent") == 0) {
        keel_json_text(w, q->agent);
    } else if (strcmp(name, "target") == 0) {
        keel_json_text(w, q->target);
    } else if (strcmp(name, "connection") == 0) {
        keel_json_textn(w, q->target, strcspn(q->target, "."));
    } else if (strcmp(name, "rule") != 0) {
        put_attr(attr_named(q, name), w);
    } else {
        keel_json_null(w); /* that is in it anyway */
    }
}

void policy_batch_key(const policy_decision *d, const policy_query *q, char out[POLICY_KEY]) {
    static const char *const usual[] = {"agent", "target"};
    policy_approval a = policy_rule_approval(d->rule);
    const char *const *by = a.batch_by_count ? a.batch_by : usual;
    size_t count = a.batch_by_count ? a.batch_by_count : 2;
    keel_buf text = KEEL_BUF_INIT;
    char hex[DIGEST_HEX];
    keel_json_writer w;
    keel_json_write(&w, &text);
    keel_json_array(&w);
    keel_json_text(&w, d->rule_id);
    for (size_t i = 0; i < count; i++) {
        keel_json_text(&w, by[i]);
        put_common(q, by[i], &w);
    }
    keel_json_array_end(&w);
    digest key = digest_of(text.data, text.len);
    digest_hex(&key, hex);
    memcpy(out, hex, POLICY_KEY - 1);
    out[POLICY_KEY - 1] = 0;
    keel_buf_free(&text);
}

/* ---- what an approval may cover further on ---- */

bool policy_asks_alone(const policy *p, const policy_query *q, const policy_rule *r) {
    const policy_rule *const *rules;
    size_t count = policy_candidates(p, q->agent, q->target, &rules);
    sight s;
    sight_init(&s, p, q);
    for (size_t i = 0; i < count; i++) {
        if (rules[i] != r && rule_covers(rules[i], q->agent, q->target) &&
            rule_speaks(rules[i], &s) == BAND_ASK) {
            return false;
        }
    }
    return true;
}

static void mark(const policy *p, const band *b, bool used[POLICY_ATTRS]) {
    for (size_t i = 0; i < b->count; i++) {
        const tally_rule *sum = check_tally(p, &b->checks[i]);
        if (!sum) {
            used[b->checks[i].attr] = true;
        }
        if (sum && sum->sum) {
            used[sum->of] = true;
        }
        if (sum && sum->each == EACH_ATTR) {
            used[sum->each_attr] = true;
        }
    }
}

bool policy_looked_at(const policy *p, const policy_query *q, const policy_rule *r,
                      keel_json_writer *names, keel_json_writer *values) {
    bool used[POLICY_ATTRS] = {false}, all = true;
    sight s;
    sight_init(&s, p, q);
    mark(p, &r->when, used);
    for (band_kind k = BAND_DENY; k < BAND_COUNT; k++) {
        mark(p, &r->bands[k], used);
    }
    keel_json_array(names);
    keel_json_array(values);
    for (size_t i = 0; i < p->attr_count; i++) {
        builtin_attr own = p->attrs[i].builtin;
        if (used[i] && (own == BUILTIN_NONE || own == BUILTIN_ORIGIN)) {
            const attr *a = sight_attr(&s, (uint16_t)i);
            keel_json_text(names, p->attrs[i].name);
            put_attr(a, values);
            all = all && readable(a);
        }
    }
    keel_json_array_end(names);
    keel_json_array_end(values);
    return all;
}
