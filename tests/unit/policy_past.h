/* For the tests of sums and counts: an effect after others. */
#ifndef POLICY_PAST_H
#define POLICY_PAST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"
#include "tally.h"

#define R "version: 1\nrules:\n"
#define S "sum: {of: amount, per: 1d, lte: 500 EUR}"

#define MINUTE 60000000LL
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define NOON   1795435200000000LL /* 2026-11-23 12:00 UTC, a Monday */

/* An effect: of agent a, or of b where it says so; the past ones `ago` before NOON. */
typedef struct done {
    int64_t ago;
    const char *args;
    bool by_b, unread;
    const char *target; /* NULL: c1.r1.write */
} done;
#define AT(ago_us, said) .ago = (ago_us), .args = (said)

static inline policy *compile(const char *text) {
    policy_source source = {"p.yaml", text, strlen(text)};
    policy *p = NULL;
    diag d = {0};
    if (policy_compile(&p, &source, 1, NULL, NULL, NULL, &d)) {
        fail_msg("%d:%d: %s\n%s", d.line, d.column, d.what, text);
    }
    return p;
}

static inline policy_query query(attr_set *set, const char *agent, const char *target,
                                 const char *args) {
    policy_query q = {.agent = agent, .target = target, .class = CLASS_ONCE};
    attr_set_fill(set, NULL, keel_json_view(args, strlen(args)));
    q.attrs = attr_set_list(set, &q.attr_count);
    return q;
}

static inline void add_past(tallies *t, attr_set *set, const done *past) {
    for (size_t k = 0; k < 3 && past[k].args; k++) {
        const char *target = past[k].target ? past[k].target : "c1.r1.write";
        policy_query q = query(set, past[k].by_b ? "b" : "a", target, past[k].args);
        free(tally_add(t, &q, !past[k].unread, NOON - past[k].ago));
    }
}

#endif
