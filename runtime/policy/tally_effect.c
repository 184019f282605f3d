/* What sums and counts are of one effect: what it adds, under which keys, and what that makes. */
#include <string.h>

#include "policyint.h"
#include "tally.h"

/* ---- amounts and keys ---- */

static int64_t add_capped(int64_t a, int64_t b) {
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

/* Up to the next micro-unit. What is negative lowers no sum. */
static int64_t micros_of(double n) {
    double micros = n * 1e6;
    if (!(micros > 0)) {
        return 0;
    }
    if (micros >= 9e18) {
        return INT64_MAX;
    }
    int64_t down = (int64_t)micros;
    return down + ((double)down < micros);
}

tally_odd tally_amount(const policy *p, const tally_rule *r, const policy_query *q, int64_t *out) {
    const attr *a = r->sum ? query_attr(p, q, r->of) : NULL;
    tally_odd odd = TALLY_TOLD;
    *out = r->sum ? 0 : 1;
    if (r->sum && (!a || a->count == 0)) {
        return TALLY_MISSING;
    }
    for (size_t i = 0; a && i < a->count; i++) {
        const attr_value *v = &a->values[i];
        if (v->type != ATTR_MONEY && (v->type != ATTR_NUMBER || v->number != v->number)) {
            return TALLY_BAD;
        }
        bool money = v->type == ATTR_MONEY;
        if (money ? strcmp(v->currency, r->currency) != 0 : r->currency[0] != 0) {
            odd = TALLY_OTHER;
        } else {
            int64_t micros = money ? v->micros : micros_of(v->number);
            *out = add_capped(*out, micros > 0 ? micros : 0);
        }
    }
    return odd;
}

static uint64_t mixed(uint64_t word) {
    word *= 0x9fb21c651e98df25u;
    return word ^ word >> 32;
}

/* Two members of one key would share what is counted: then less is let through, never more. */
uint64_t tally_key(const attr_value *v, bool fold) {
    uint64_t h = (uint64_t)v->micros;
    if (v->type == ATTR_TEXT) {
        h = text_hash(v->text, v->len, fold);
    } else if (v->type == ATTR_MONEY) {
        h = mixed(h) ^ text_hash(v->currency, strlen(v->currency), false);
    } else {
        double n = v->number == 0 ? 0 : v->number; /* -0 is 0 */
        memcpy(&h, &n, sizeof h);
        h = mixed(h + v->type);
    }
    return h < TALLY_KEY_OTHERS ? h + TALLY_KEY_OTHERS : h;
}

uint64_t tally_key_agent(const char *agent) {
    uint64_t h = text_hash(agent, strlen(agent), false);
    return h < TALLY_KEY_OTHERS ? h + TALLY_KEY_OTHERS : h;
}

bool tally_unread(const attr *a) {
    for (size_t i = 0; a && i < a->count; i++) {
        if (a->values[i].type == ATTR_BAD) {
            return true;
        }
    }
    return false;
}

/* ---- what is seen ---- */

/* An amount as comparators take it. */
static attr_value value_of(const tally_rule *r, int64_t amount) {
    attr_value v = {.type = ATTR_NUMBER, .number = (double)amount};
    if (r->currency[0]) {
        v.type = ATTR_MONEY;
        v.micros = amount;
        memcpy(v.currency, r->currency, sizeof v.currency);
    } else if (r->sum) {
        v.number = (double)amount / 1e6;
    }
    return v;
}

/* The past of one rule. */
typedef struct past {
    const tallies *t; /* NULL: there is none */
    uint16_t index;
    int64_t first, everywhere; /* counted under every key */
} past;

static int64_t before(const past *b, uint64_t key) {
    return b->t ? add_capped(tally_counted(b->t, b->index, key, b->first), b->everywhere) : 0;
}

static past past_of(const policy *p, uint16_t index, const policy_query *q, tally_sight *out) {
    past b = {.index = index};
    const tally_rule *r = p->tallies[index];
    bool other = q->past && q->past->tallies && tallies_policy(q->past->tallies) != p;
    if (other || (q->past && q->past->lost)) {
        out->odd = TALLY_PAST;
    } else if (q->past && q->past->tallies) {
        b.t = q->past->tallies;
        b.first = tally_first(r, q->past->now_us);
        b.everywhere = r->each == EACH_ATTR ? tally_counted(b.t, index, TALLY_KEY_ANY, b.first) : 0;
        if (r->sum && out->odd == TALLY_TOLD &&
            tally_counted(b.t, index, TALLY_KEY_UNREAD, b.first)) {
            out->odd = TALLY_PAST;
        }
    }
    return b;
}

static void tell(const tally_rule *r, int64_t least, int64_t most, int64_t own, tally_sight *out) {
    out->before = value_of(r, most);
    out->most = value_of(r, add_capped(most, own));
    out->least = value_of(r, add_capped(least, own));
}

static void see_members(const tally_rule *r, const past *b, const attr *a, bool fold, int64_t own,
                        tally_sight *out) {
    int64_t least = INT64_MAX;
    int64_t most = -1;
    for (size_t i = 0; i < a->count; i++) {
        int64_t n = before(b, tally_key(&a->values[i], fold));
        least = n < least ? n : least;
        if (n > most) {
            most = n;
            out->whose = &a->values[i];
        }
    }
    tell(r, least, most, own, out);
}

void tally_see(const policy *p, uint16_t index, const policy_query *q, tally_sight *out) {
    const tally_rule *r = p->tallies[index];
    int64_t own;
    *out = (tally_sight){.odd = tally_amount(p, r, q, &own), .odd_attr = r->of};
    past b = past_of(p, index, q, out);
    if (out->odd != TALLY_TOLD) {
        return;
    }
    if (r->each != EACH_ATTR) {
        uint64_t key = r->each == EACH_AGENT ? tally_key_agent(q->agent) : TALLY_KEY_ALL;
        int64_t n = before(&b, key);
        tell(r, n, n, own, out);
        return;
    }
    const attr *a = query_attr(p, q, r->each_attr);
    out->odd_attr = r->each_attr;
    out->odd = !a || a->count == 0 ? TALLY_MISSING : tally_unread(a) ? TALLY_BAD : TALLY_TOLD;
    if (out->odd == TALLY_TOLD) {
        see_members(r, &b, a, p->attrs[r->each_attr].fold, own, out);
    }
}
